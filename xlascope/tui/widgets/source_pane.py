"""The user's lines around the cursor, always in sight under the jaxpr."""

from __future__ import annotations

from xlascope.tui.widgets.text_pane import TextPane


class SourcePane(TextPane):
    """A text pane that shows a file of the user's, or on request a library's, and follows the cursor of the others."""

    HELP = (
        "Your source, a line profiler inside jit: the margin gives each line's share of the program's op time, with "
        "what runs inside of it (a loop's body). `~` estimated, `?` unknown, `∅` its equations were folded or merged. "
        "What was computed in a library counts for your line that called it; `w` shows the library's line instead, "
        "and yours again. `H` goes to the line that costs most by itself, `e` opens the editor."
    )

    shown_file: str | None = None
    shown_program: str | None = None

    def show_line(self, number: int) -> None:
        """Brings a line (from 1) into the middle without telling the other panes."""
        row = number - 1
        if 0 <= row < self.row_count():
            with self.prevent(self.CursorMoved):
                self.go_to(row, centre=True)
