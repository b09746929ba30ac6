"""A page of a view: lines with colours, a cursor, search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from xlascope.tui.text.lines import TextLines
from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.line_view import LineView


class PagePane(LineView):
    """Lines whose ANSI codes tell what they mean: bold a title, faint a remark, yellow a warning, cyan a bar."""

    HELP = (
        "A view of the run as `xlascope show` writes it, as wide as this pane. It is read again while the file grows. "
        "`~` estimated, `?` unknown, `∅` nothing, `+` added by XLA; `=` tells how the numbers were obtained."
    )

    def __init__(self, **how: object):
        super().__init__(**how)  # type: ignore[arg-type]
        self._styled: Sequence[str] = ()
        self._plain = TextLines(b"")

    def set_page(self, styled: Sequence[str], keep: bool) -> None:
        """Other lines; `keep` the cursor and what is in sight, for the same page read again."""
        if keep and list(styled) == list(self._styled):
            return
        self._styled = styled
        self._plain = TextLines("".join(Text.from_ansi(line).plain + "\n" for line in styled))
        if not keep:
            self.set_reactive(LineView.cursor, 0 if styled else -1)
        self.rows_changed(keep_scroll=keep)

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._styled)

    def row_text(self, row: int) -> str:
        """A row as text."""
        return self._plain.line(row) if row < len(self._plain) else ""

    def whole_text(self) -> Iterator[str]:
        """All of it as text, in pieces."""
        return self._plain.pieces()

    def content_columns(self) -> int:
        """Cells of the longest row."""
        return self._plain.width + 2

    def find_row(self, needle: str, start: int, backwards: bool) -> int | None:
        """The first row from `start` on that contains `needle`; runs in a thread."""
        return self._plain.find(needle, start, backwards)

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row as it is drawn."""
        pointer = self.glyphs.cursor if row == self.cursor else " "
        text = Text.from_ansi(self._styled[row])
        roles = ["text"] * len(text.plain)
        for start, end, style in text.spans:
            role = _role(style) if isinstance(style, Style) else "text"
            roles[start:end] = [role] * (min(end, len(roles)) - start)
        tokens: list[tuple[str, str]] = []
        for letter, role in zip(text.plain, roles, strict=True):
            if tokens and tokens[-1][1] == role:
                tokens[-1] = tokens[-1][0] + letter, role
            else:
                tokens.append((letter, role))
        shown = [(safe(piece, ascii_only=self.ascii_only), role) for piece, role in tokens]
        return [Segment(pointer, self.palette["accent"]), *self.marked(shown, self.column)]


def _role(style: Style) -> str:
    name = style.color.name if style.color is not None else ""
    if name in ("yellow", "red"):
        return "warn"
    if name in ("cyan", "green", "blue", "magenta"):
        return "bar"
    return "title" if style.bold else "dim" if style.dim else "text"
