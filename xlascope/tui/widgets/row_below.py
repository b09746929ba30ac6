"""The whole of a row that a table above cuts."""

from __future__ import annotations

import re

from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.text.breaking import wrapped
from xlascope.tui.widgets.part_line import Part, PartLine

_USUAL, _MOST = 2, 8
_COLUMNS = re.compile(r"\s{2,}")


def closed_up(row: str) -> str:
    """A row of a table without what pads its columns."""
    return _COLUMNS.sub("  ", row.strip())


class RowBelow(PartLine):
    """Two lines, more where the row needs them, none where nothing is cut."""

    def __init__(self, *, id: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(id=id, glyphs=glyphs, lines=_MOST)
        self.styles.height = 0
        self._row, self._kept = "", False

    def show(self, row: str, kept: bool = False) -> None:
        """Shows a row; without one nothing, in lines that are `kept` for the next one so that nothing moves."""
        self._row, self._kept = row, kept
        self._lay()

    def on_resize(self) -> None:
        """Lays the row out for another width."""
        self._lay()

    def _lay(self) -> None:
        width = max(self.app.size.width - 2, 20)
        lines = wrapped(closed_up(self._row), width) if self._row else []
        if len(lines) > _MOST:
            lines[_MOST - 1 :] = [lines[_MOST - 1][: width - 1] + self.glyphs.ellipsis]
        for number in range(_MOST):
            self.set_parts([Part(f" {lines[number]}", "text")] if number < len(lines) else [], number)
        height = max(len(lines), _USUAL if self._kept else 0)
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height
