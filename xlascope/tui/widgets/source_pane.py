"""The user's lines around the cursor, always in sight under the jaxpr."""

from __future__ import annotations

from xlascope.tui.widgets.text_pane import TextPane


class SourcePane(TextPane):
    """A text pane that shows a file of the user's and follows the cursor of the others."""

    HELP = "The user's source. `e` opens the editor at the cursor's line; heat is the time of the line's equations."

    shown_file: str | None = None

    def show_line(self, number: int) -> None:
        """Brings a line (from 1) into the middle without telling the other panes."""
        row = number - 1
        if 0 <= row < self.row_count():
            with self.prevent(self.CursorMoved):
                self.go_to(row, centre=True)
