"""What can be folded in a text: computations, functions and regions, nested jaxprs, tables for debugging.

A fold is two numbers, its header's line and its last line (both from 0), in arrays: a million lines have tens of
thousands of them. Folds nest or lie apart, in the order of their headers.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from xlascope.tui.text.lines import TextLines

_TABLES = re.compile(rb"(?:FileNames|FunctionNames|FileLocations|StackFrames)\r?$", re.MULTILINE)
_LOCATIONS = re.compile(rb"^#loc\d* = loc\(", re.MULTILINE)
_LOCATION = re.compile(rb"#loc\d* = loc\(")
# Lines that open a fold (group 1) or close one (group 2).
_REGION_EDGES = re.compile(rb"^[ ]*+(?:([\]})][^\n]*)|([^\n]*[\[{(]\r?$))", re.MULTILINE)
_JAXPR_EDGES = re.compile(
    rb"^[ ]*+(?:(\][^\n]*|in \([^\n]*|in [^\n]*\}[^\n]*)|([^\n]*(?:\[\r?$|\{ lambda [^\n]*)))", re.MULTILINE
)


_MOST_RESULT_LINES = 200


class Folds:
    """The folds of one text, and which of them are closed.

    ``tables`` are the positions of those that are closed until asked for: tables that only serve debugging.
    """

    __slots__ = (
        "_before", "_closed", "_hidden_stops", "_hidden_tops", "_parents", "_places",
        "headers", "lasts", "lines", "tables",
    )  # fmt: skip

    def __init__(self, lines: int, edges: Iterable[tuple[int, int]] = (), tables: Iterable[int] = ()):
        """``edges`` are (header, last line); ``tables`` headers of the tables among them."""
        self.lines = lines
        found = sorted({header: last for header, last in edges if header < last}.items())
        self.headers = array("l", (header for header, _ in found))
        self.lasts = array("l", (last for _, last in found))
        wanted = set(tables)
        self.tables = frozenset(at for at, (header, _) in enumerate(found) if header in wanted)
        self._parents = self._nest()
        self._closed = bytearray(len(found))
        self._settle()

    def _nest(self) -> array[int]:
        """For each fold the one around it, -1 at the top."""
        parents: array[int] = array("l")
        open_folds: list[int] = []
        for fold, header in enumerate(self.headers):
            while open_folds and self.lasts[open_folds[-1]] < header:
                open_folds.pop()
            parents.append(open_folds[-1] if open_folds else -1)
            open_folds.append(fold)
        return parents

    def __len__(self) -> int:
        return len(self.headers)

    def copy(self) -> Folds:
        """The same folds, to be opened and closed on their own."""
        other = Folds(0)
        other.lines, other.headers, other.lasts, other.tables = self.lines, self.headers, self.lasts, self.tables
        other._parents, other._closed = self._parents, bytearray(self._closed)
        other._settle()
        return other

    # which are closed

    def is_closed(self, fold: int) -> bool:
        """Whether a fold is closed."""
        return bool(self._closed[fold])

    def set_closed(self, folds: Iterable[int], closed: bool) -> None:
        """Closes or opens some folds."""
        for fold in folds:
            self._closed[fold] = closed
        self._settle()

    def close_all(self, closed: bool) -> None:
        """Closes or opens all but the tables."""
        tables = [(fold, self._closed[fold]) for fold in self.tables]
        self._closed = bytearray([closed]) * len(self.headers)
        for fold, state in tables:
            self._closed[fold] = state
        self._settle()

    @property
    def all_closed(self) -> bool:
        """Whether every fold that is no table is closed."""
        return self._closed.count(1) - sum(self._closed[fold] for fold in self.tables) == len(self) - len(self.tables)

    def _settle(self) -> None:
        """Works out which lines are hidden: those after a closed header, up to its last line."""
        tops, stops, before, places = array("l"), array("l"), array("l", [0]), array("l")
        end, hidden, at = -1, 0, self._closed.find(1)
        while at >= 0:
            header, last = self.headers[at], self.lasts[at]
            if header > end:
                places.append(header - hidden)
                tops.append(header + 1)
                stops.append(last + 1)
                hidden += last - header
                before.append(hidden)
                end = last
            at = self._closed.find(1, at + 1)
        self._hidden_tops, self._hidden_stops, self._before = tops, stops, before
        self._places = places  # where each header that hides lines is seen

    # where lines are seen

    @property
    def shown(self) -> int:
        """How many lines are seen."""
        return self.lines - self._before[-1]

    def is_hidden(self, line: int) -> bool:
        """Whether a line lies inside of a closed fold."""
        at = bisect_right(self._hidden_tops, line) - 1
        return at >= 0 and line < self._hidden_stops[at]

    def place_of(self, line: int) -> int:
        """The place of a line among those that are seen; of a hidden one, that of the header that hides it."""
        at = bisect_right(self._hidden_tops, line) - 1
        if at < 0:
            return line
        if line < self._hidden_stops[at]:
            return self._hidden_tops[at] - 1 - self._before[at]
        return line - self._before[at + 1]

    def line_at(self, place: int) -> int:
        """The line that is seen at a place."""
        return place + self._before[bisect_left(self._places, place)]

    # which fold

    def at_header(self, line: int) -> int | None:
        """The fold whose header a line is."""
        at = bisect_left(self.headers, line)
        return at if at < len(self.headers) and self.headers[at] == line else None

    def around(self, line: int) -> Iterator[int]:
        """The folds that a line lies in, the innermost first, one whose header it is included."""
        at = bisect_right(self.headers, line) - 1
        while at >= 0:
            if self.lasts[at] >= line:
                yield at
            at = self._parents[at]

    def inside(self, fold: int) -> range:
        """The folds within a fold."""
        return range(fold + 1, bisect_right(self.headers, self.lasts[fold]))

    def reveal(self, line: int) -> bool:
        """Opens what hides a line; whether anything did."""
        if not self.is_hidden(line):
            return False
        self.set_closed([fold for fold in self.around(line) if self.headers[fold] != line], False)
        return True


_NAMES = (
    re.compile(r"^\s*(?:let )?([\w.]+) ?= ?\{ lambda "),  # `let body = { lambda`, `jaxpr={ lambda`
    re.compile(r"\bfunc\.func\b.*?(@[\w.$-]+)\("),
    re.compile(r"^\s*([\w.]+)=\[?\(?$"),
    re.compile(r"^%?([\w.$-]+) \("),
)


def fold_name(header: str, table: bool = False) -> str:
    """What the line that opens a fold calls it: `body`, `@main`, else how the line begins."""
    if table:
        return "tables for debugging"
    found = next((match for pattern in _NAMES if (match := pattern.search(header)) is not None), None)
    return found.group(1) if found is not None else header.strip()[:24].rstrip(" {[(")


def find_folds(source: TextLines, language: str) -> Folds:
    """The folds of a text in ``hlo``, ``stablehlo`` or ``jaxpr``; tables for debugging are closed. None for others."""
    count = len(source)
    if language in ("hlo", "optimized") or language.startswith("pass"):
        edges, tables = _hlo(source)
    elif language == "stablehlo":
        edges = _paired(source, _REGION_EDGES)
        edges, tables = _locations(source, edges)
    elif language == "jaxpr":
        edges, tables = _paired(source, _JAXPR_EDGES), []
    else:
        return Folds(count)
    # What holds the whole text (a module, a jaxpr) is no fold: closed, it would leave nothing to see.
    folds = Folds(count, [edge for edge in edges if edge[0] > 0 or edge[1] < count - 1], tables)
    folds.set_closed(folds.tables, True)
    return folds


def _hlo(source: TextLines) -> tuple[list[tuple[int, int]], list[int]]:
    """Computations: a line without indentation that ends with a brace, to the next one that begins with one."""
    edges: list[tuple[int, int]] = []
    data = source.data
    end = b"{\r\n" if b"{\r\n" in data else b"{\n"
    first, at, close = len(data), data.find(end), 0
    while at >= 0:
        begin, later = data.rfind(b"\n", 0, at) + 1, data.find(end, at + 1)
        if data[begin] not in b" \t}/":
            first = min(first, begin)
            if close <= at:  # looked for once, however many begin before it
                found = data.find(b"\n}", at)
                close = found + 1 if found >= 0 else len(data)
            # One that another begins in has no end.
            if close < len(data) and not at < later < close:
                header, last = source.line_of(begin), source.line_of(close)
                # With the empty line after it: closed computations stand one below the other.
                edges.append((header, last + 1 if _is_empty(source, last + 1) else last))
        at = later
    head = data[:first]
    table = _TABLES.search(head)
    if table is None:
        return edges, []
    top = source.line_of(table.start())
    last = source.line_of(len(head.rstrip()) - 1)
    return [(top, last), *edges], [top]


def _result_end(source: TextLines, line: int, closes: bytes) -> int:
    """The last line of a jaxpr's results, of which many take several lines: the one with the brace."""
    end = line
    if closes.startswith(b"in ") and b"}" not in closes:
        while end + 1 < min(len(source), line + _MOST_RESULT_LINES) and "}" not in source.line(end):
            end += 1
    return end


def _is_empty(source: TextLines, line: int) -> bool:
    if line >= len(source):
        return False
    return source.data[source.offset(line)] in b"\r\n"


def _locations(source: TextLines, edges: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], list[int]]:
    """Each run of lines that define locations is a table."""
    tables: list[int] = []
    position = 0
    while (match := _LOCATIONS.search(source.data, position)) is not None:
        top = last = source.line_of(match.start())
        while last + 1 < len(source) and _LOCATION.match(source.data, source.offset(last + 1)):
            last += 1
        if last > top:
            tables.append(top)
            edges = [*edges, (top, last)]
        position = source.offset(last + 1) if last + 1 < len(source) else len(source.data)
    return edges, tables


def _paired(source: TextLines, pattern: re.Pattern[bytes]) -> list[tuple[int, int]]:
    """Lines that open something with those that close it; a line may close one thing and open another."""
    edges: list[tuple[int, int]] = []
    opened: list[int] = []
    for match in pattern.finditer(source.data):
        line = source.line_of(match.start())
        closes = match.group(1)
        if closes is None:
            opened.append(line)
            continue
        goes_on = closes.rstrip().endswith((b"{", b"["))
        if opened:
            # What goes on is a fold of its own, whose header stays in sight.
            edges.append((opened.pop(), line - 1 if goes_on else _result_end(source, line, closes)))
        if goes_on:
            opened.append(line)
    return edges
