"""The names of the views there are, with what each tells."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment

from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.row_table import fit

_NAME = 12
_NAMES_ONLY = 20
"""Up to so many cells there is no room for sentences."""


class ViewsList(LineView):
    """One row a view; where there is room its sentence stands beside its name."""

    HELP = "The views of the run. The one under the cursor is read; enter goes to its page."

    def __init__(self, **how: object):
        super().__init__(**how)  # type: ignore[arg-type]
        self._views: Sequence[tuple[str, str]] = ()

    def set_views(self, views: Sequence[tuple[str, str]]) -> None:
        """Names and sentences, in the order to show."""
        self._views = views
        self.rows_changed()

    @property
    def current(self) -> str | None:
        """The name of the view under the cursor."""
        return self._views[self.cursor][0] if 0 <= self.cursor < len(self._views) else None

    def put_on(self, name: str) -> None:
        """Puts the cursor on a view without telling."""
        names = [each for each, _ in self._views]
        if name in names:
            with self.prevent(LineView.CursorMoved):
                self.go_to(names.index(name))

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._views)

    def row_text(self, row: int) -> str:
        """A row as text."""
        return "  ".join(self._views[row])

    def find_row(self, needle: str, start: int, backwards: bool) -> int | None:
        """The first view from `start` on that is meant; runs in a thread."""
        found = self.find_rows(needle, len(self._views))
        ahead = [row for row in found if (row <= start if backwards else row >= start)]
        return None if not ahead else ahead[-1] if backwards else ahead[0]

    def find_rows(self, needle: str, limit: int) -> Sequence[int]:
        """The views whose name begins with the text, else those with it in their name, else in their sentence."""
        wanted = needle.lower()
        names = [name for name, _ in self._views]
        for meant in (
            [row for row, name in enumerate(names) if name.startswith(wanted)],
            [row for row, name in enumerate(names) if wanted in name],
        ):
            if meant:
                return meant[:limit]
        return super().find_rows(needle, limit)

    def cut_row(self) -> str:
        """The whole of the row under the cursor, where it is too long for the list; else nothing."""
        if not 0 <= self.cursor < len(self._views):
            return ""
        said = safe(self._views[self.cursor][1], ascii_only=self.ascii_only)
        room = self.view_width - 1 - _NAME
        return self.row_text(self.cursor) if self.view_width > _NAMES_ONLY and cell_len(said) > room else ""

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row as it is drawn."""
        name, said = self._views[row]
        pointer = self.glyphs.cursor if row == self.cursor else " "
        tokens = [(f"{name:<{_NAME}}", "define")]
        if width > _NAMES_ONLY:
            said = safe(said, ascii_only=self.ascii_only)
            room = width - 1 - _NAME
            tokens.append((said if cell_len(said) <= room else fit(said, room, False, self.glyphs), "dim"))
        return [Segment(pointer, self.palette["accent"]), *self.marked(tokens, self.column)]
