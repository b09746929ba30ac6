"""The passes of a compile in order: loops folded, what changed nothing left out, times as bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.segment import Segment

from xlascope.tui.actions import bindings
from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.screens.passes_model import PassItem, PassTable
from xlascope.tui.text.numbers import duration
from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.row_table import fit


@dataclass(frozen=True, slots=True)
class _Loop:
    """A fix-point loop: its passes that are shown, and how often it ran."""

    group: str
    items: tuple[PassItem, ...]
    turns: int

    @property
    def net(self) -> int:
        return sum(each.net for each in self.items)

    @property
    def duration_ns(self) -> int | None:
        known = [each.duration_ns for each in self.items if each.duration_ns is not None]
        return sum(known) if known else None


class PassesList(LineView):
    """One row for each pass; a loop is one row until it is opened."""

    HELP = (
        "The passes of XLA that changed the program, in order: number, name, by how many instructions, time. A "
        "pipeline that ran again until nothing changed is one row, `×n`, until enter. `*` touched what the cursor was "
        "on when you came. `f` keeps passes whose name, pipeline or opcodes contain a text, `u` shows those that "
        "changed nothing too."
    )
    SCOPES = ("list", "passlist")
    HEADER_ROWS = 2
    BINDINGS = bindings("passlist")

    class Chosen(LineView.CursorMoved):
        """The cursor is on another pass; None: there is none."""

        def __init__(self, view: PassesList, row: int, item: PassItem | None):
            super().__init__(view, row)
            self.item = item

    def __init__(self, *, id: str | None = None, classes: str | None = None, glyphs: Glyphs = UNICODE):
        super().__init__(id=id, classes=classes, glyphs=glyphs)
        self._table: PassTable | None = None
        self._rows: list[PassItem | _Loop] = []
        self._opened: set[str] = set()
        self._touched: Mapping[int, object] = {}
        self._unchanged = False
        self.filter_text = self._filter_said = ""

    def set_table(self, table: PassTable) -> None:
        """Other passes; loops whose passes touched something are open."""
        self._table = table
        self._relist()
        self._tell()

    def set_touched(self, touched: Mapping[int, object], chief: int | None) -> None:
        """The passes that touched what the user came with, by number: the cursor goes to the ``chief`` of them."""
        self._touched = touched
        items = self._table.items if self._table is not None else ()
        self._opened |= {each.group for each in items if each.index in touched and each.group is not None}
        self._relist()
        if chief is not None:
            self.go_to_pass(chief)

    def go_to_pass(self, index: int) -> None:
        """Puts the cursor on a pass, if it is shown."""
        for row, each in enumerate(self._rows):
            if isinstance(each, PassItem) and each.index == index:
                self.go_to(row, centre=True)

    def set_filter(self, text: str) -> None:
        """Keeps passes that contain a text; empty shows all."""
        self.filter_text = text
        self._relist()

    @property
    def current(self) -> PassItem | None:
        """The pass under the cursor; of a loop its last."""
        if not 0 <= self.cursor < len(self._rows):
            return None
        row = self._rows[self.cursor]
        return row.items[-1] if isinstance(row, _Loop) else row

    def _relist(self) -> None:
        kept = self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None
        before = self.current
        every = [each for each in (self._table.items if self._table is not None else ())
                 if each.changed or self._unchanged]  # fmt: skip
        items = [each for each in every if self._kept(each)]
        rows: list[PassItem | _Loop] = []
        for at, each in enumerate(items):
            if each.group is None:
                rows.append(each)
                continue
            if at == 0 or items[at - 1].group != each.group:
                members = tuple(one for one in items if one.group == each.group)
                rows.append(_Loop(each.group, members, self._turns(each.group)))
            if each.group in self._opened or self.filter_text:
                rows.append(each)
        self._rows = rows
        self._filter_said = f"f {self.filter_text}  {len(items)} of {len(every)}" if self.filter_text else ""
        self.tell_search()
        self.rows_changed()
        if kept is not None:
            # Where its row is gone, the row of its loop.
            same = [row for row, each in enumerate(rows) if _key(each) == _key(kept)]
            around = [row for row, each in enumerate(rows) if _key(each)[0] == kept.group]
            for row in (same or around)[:1]:
                self.go_to(row)
            if self.current != before:
                self._tell()  # on a row of the same number stands another pass

    def _turns(self, group: str) -> int:
        items = self._table.items if self._table is not None else ()
        return max((each.turn or 1 for each in items if each.group == group), default=1)

    def tell_search(self) -> None:
        """While nothing is searched for, the title tells of the filter."""
        super().tell_search()
        if not self.needle:
            self.set_note(self._filter_said)

    def _kept(self, each: PassItem) -> bool:
        text = f"{each.index} {each.name} {each.pipeline} {each.change}"
        needle = self.filter_text
        return needle in (text.lower() if needle == needle.lower() else text)

    # drawing

    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def row_text(self, row: int) -> str:
        """A row as text."""
        each = self._rows[row]
        if isinstance(each, _Loop):
            return f"{each.items[0].pipeline} {self.glyphs.times}{each.turns}"
        time = duration(each.duration_ns)
        return f"{each.index} {each.name} {each.instructions} {each.change} {time} {each.pipeline}"

    def draw_row(self, row: int, width: int) -> list[Segment]:
        """A row as it is drawn."""
        each = self._rows[row]
        pointer = (self.glyphs.cursor if row == self.cursor else " ", "accent")
        return self.marked([pointer, *(self._loop(each, width - 1) if isinstance(each, _Loop)
                                       else self._pass(each, width - 1))])  # fmt: skip

    def draw_header(self, line: int, width: int) -> list[Segment]:
        """Titles of the columns, under the list's own."""
        if line == 0 or self._table is None:
            return super().draw_header(0, width) if line == 0 else []
        left, bar = self._widths(width - 6)
        titles = f"{'#':>5} {fit('pass', left, False, self.glyphs)}{'instr.':>6}{'time':>8} "
        return [Segment(titles + " " * (bar + 1), self.palette["header"])]

    def _widths(self, width: int) -> tuple[int, int]:
        """Cells of the name, and of the bar where there is room for one."""
        bar = 6 if width >= 40 else 0
        return max(width - 6 - 8 - 1 - (bar + 1 if bar else 0), 6), bar

    def _loop(self, loop: _Loop, width: int) -> list[tuple[str, str]]:
        glyphs = self.glyphs
        sign = glyphs.opened if loop.group in self._opened else glyphs.closed
        touched = any(each.index in self._touched for each in loop.items)
        name = f"{safe(loop.items[0].pipeline, ascii_only=self.ascii_only)} {glyphs.times}{loop.turns}"
        rest = self._rest(name, "define", loop.net, loop.duration_ns, None, width - 5)
        return [*self._mark(touched), (f"{sign:>3} ", "dim"), *rest]

    def _pass(self, each: PassItem, width: int) -> list[tuple[str, str]]:
        name = safe(each.name, ascii_only=self.ascii_only)
        lead = "  " if each.group is not None else ""
        turn = f" ({each.turn})" if each.turn is not None else ""
        role = "text" if each.changed else "dim"
        return [
            *self._mark(each.index in self._touched),
            (f"{each.index:>3} ", "dim"),
            *self._rest(f"{lead}{name}{turn}", role, each.net, each.duration_ns, each.share, width - 5),
        ]

    def _mark(self, touched: bool) -> list[tuple[str, str]]:
        return [("*" if touched else " ", "accent")]

    def _rest(
        self, name: str, role: str, net: int, ns: int | None, share: float | None, width: int
    ) -> list[tuple[str, str]]:
        """Name, by how many instructions, time, and a bar where there is room."""
        left, bar = self._widths(width)
        change = f"{net:+}" if net else ""
        time = duration(ns, self.glyphs.micro)
        tokens = [(fit(name, left, False, self.glyphs), role)]
        tokens.append((f"{change:>6}", "good" if net < 0 else "warn" if net > 0 else "dim"))
        tokens.append((f"{time:>8} ", "text" if ns is not None else "dim"))
        if bar:
            tokens += [(" ", "text"), (self.glyphs.bar(share, bar), "bar_hot" if share == 1 else "bar")]
        return tokens

    # keys and mouse

    def watch_cursor(self, old: int, new: int) -> None:
        """Tells which pass the cursor is on."""
        super().watch_cursor(old, new)
        self._tell()

    def _tell(self) -> None:
        self.post_message(self.Chosen(self, self.cursor, self.current))

    def click_row(self, x: int, row: int, again: bool) -> None:
        """A click on the cursor's row, or at a row's beginning, opens it."""
        if again or x <= 5:
            self.action_activate()

    def action_activate(self) -> None:
        """Opens or closes a loop; on a pass, goes to its text."""
        row = self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None
        if isinstance(row, _Loop):
            self._opened ^= {row.group}
            self._relist()
        elif row is not None:
            super().action_activate()

    def action_unchanged(self) -> None:
        """Shows passes that changed nothing too, and hides them again."""
        self._unchanged = not self._unchanged
        self._relist()

    def action_filter(self) -> None:
        """Asks what to filter by."""
        self.ask_for("filter")


def _key(row: PassItem | _Loop) -> tuple[str | None, int]:
    """What a row is about, when the list is another one."""
    return (row.group, -1) if isinstance(row, _Loop) else ("", row.index)
