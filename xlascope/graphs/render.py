"""A placed graph as rows of styled text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from xlascope.graphs.layout import Label, Placed, PlacedBox, Wire

Segment = tuple[str, str]

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES = {
    _UP: "│",
    _DOWN: "│",
    _UP | _DOWN: "│",
    _LEFT: "─",
    _RIGHT: "─",
    _LEFT | _RIGHT: "─",
    _UP | _RIGHT: "└",
    _UP | _LEFT: "┘",
    _DOWN | _RIGHT: "┌",
    _DOWN | _LEFT: "┐",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT: "┤",
    _LEFT | _RIGHT | _DOWN: "┬",
    _LEFT | _RIGHT | _UP: "┴",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}
# Corners, horizontal, vertical, port at the top, port at the bottom.
_LIGHT = "┌┐└┘─│┴┬"
_HEAVY = "┏┓┗┛━┃┷┯"
_DOUBLE = "╔╗╚╝═║╧╤"
_GROUP = "╭╮╰╯─│┴┬"
_MARKED = "◆"
_STRETCH = 32
_ASCII = str.maketrans(
    {
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯", "+"),
        **dict.fromkeys("─╌", "-"),
        "│": "|",
        **dict.fromkeys("┏┓┗┛━┃┷┯", "#"),
        **dict.fromkeys("╔╗╚╝═║╧╤", "*"),
        **dict.fromkeys("█▉▊▋▌▍", "#"),
        **dict.fromkeys("▎▏", "."),
        "▸": ">",
        "▾": "v",
        "►": ">",
        "⇢": ">",
        "⇠": "<",
        "⇣": "v",
        "●": "o",
        "◆": "@",
        "×": "x",
        "…": "~",
        "·": ",",
    }
)


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows ``first`` and following, each a list of (text, style tag) that fills ``width`` cells.

    Tags: ``""`` (empty), ``wire``, ``label``, ``border``, ``border.hot``, ``border.cursor``, ``border.group``, and
    those of the texts: ``mark``, ``name``, ``opcode``, ``shape``, ``percent``, ``heat``, ``root``, ``folded``,
    ``stub``, ``added``, ``marked``; a text under the cursor has ``.cursor`` appended.
    """

    placed: Placed
    rows: list[list[Segment]]
    first: int
    width: int
    hot: frozenset[str] = field(default_factory=frozenset)

    def text(self) -> str:
        """Without styles, trailing blanks left out."""
        return "\n".join("".join(text for text, _ in row).rstrip() for row in self.rows)

    def hit(self, x: int, y: int) -> str | None:
        """The box at a cell of the picture (``y`` counted from the top of the whole picture)."""
        return self.placed.hit(x, y)


class RowIndex:
    """What touches each stretch of rows of a placed graph, and its hottest boxes: found once for many pieces."""

    def __init__(self, placed: Placed) -> None:
        self.hot = hottest(placed)
        self._boxes: dict[int, list[PlacedBox]] = {}
        self._wires: dict[int, list[Wire]] = {}
        self._labels: dict[int, list[Label]] = {}
        for box in placed.boxes:
            for stretch in _stretches(box.y, box.y + box.height - 1):
                self._boxes.setdefault(stretch, []).append(box)
        for wire in placed.wires:
            for stretch in _stretches(wire.top, wire.bottom):
                self._wires.setdefault(stretch, []).append(wire)
        for label in placed.labels:
            self._labels.setdefault(label.y // _STRETCH, []).append(label)

    def near(self, first: int, stop: int) -> tuple[list[PlacedBox], list[Wire], list[Label]]:
        """Boxes (outer ones before what they hold), wires and labels of the rows, and maybe a few more."""
        stretches = _stretches(first, max(stop - 1, first))
        boxes = {box.id: box for stretch in stretches for box in self._boxes.get(stretch, ())}
        wires = {id(wire): wire for stretch in stretches for wire in self._wires.get(stretch, ())}
        labels = [label for stretch in stretches for label in self._labels.get(stretch, ())]
        return list(boxes.values()), list(wires.values()), labels


def _stretches(first: int, last: int) -> range:
    return range(first // _STRETCH, last // _STRETCH + 1)


def hottest(placed: Placed, share: float = 0.8) -> frozenset[str]:
    """The boxes that together make up ``share`` of the measured self time, the largest first.

    A closed box stands for all it holds, an opened one for its own instruction (a fusion's members have no times).
    """
    times: list[tuple[int, str]] = []
    for placed_box in placed.boxes:
        box = placed.visible.boxes[placed_box.id]
        time = box.self_ns if not box.opened else box.node.self_ns if box.node is not None else None
        if time:
            times.append((time, box.id))
    wanted = share * sum(time for time, _ in times)
    found: set[str] = set()
    reached = 0.0
    for time, box_id in sorted(times, key=lambda pair: (-pair[0], pair[1])):
        if reached >= wanted:
            break
        found.add(box_id)
        reached += time
    return frozenset(found)


def render(
    placed: Placed,
    cursor: str | None = None,
    ascii_only: bool = False,
    rows: tuple[int, int] | None = None,
    marked: frozenset[str] = frozenset(),
    index: RowIndex | None = None,
    columns: tuple[int, int] | None = None,
) -> Picture:
    """Draw a placed graph, or only its rows from ``rows[0]`` up to ``rows[1]``; ``marked`` boxes carry a ◆.

    With an ``index`` of the same graph, what lies far from the rows is not looked at; of each row only ``columns`` from
    the first up to the second are drawn.
    """
    first, stop = rows if rows is not None else (0, placed.height)
    first, stop = max(first, 0), min(max(stop, 0), placed.height)
    left, right = columns if columns is not None else (0, placed.width + 1)
    left, right = max(left, 0), min(right, placed.width + 1)
    canvas = _Canvas(left, max(right - left, 0), first, max(stop, first))
    hot = hottest(placed) if index is None else index.hot
    boxes, wires, labels = (placed.boxes, placed.wires, placed.labels) if index is None else index.near(first, stop)
    for box in boxes:
        if box.y < stop and box.y + box.height > first:
            _draw_box(canvas, box, box.id in hot, box.id == cursor)
            if box.id in marked:
                canvas.write(box.x, box.y, _MARKED, "marked")
    _draw_wires(canvas, wires)
    for label in labels:
        canvas.write(label.x, label.y, label.text, "label")
    return Picture(placed, canvas.segments(ascii_only), first, canvas.width, hot)


class _Canvas:
    """Cells of the rows that are drawn: characters and style tags."""

    def __init__(self, left: int, width: int, first: int, stop: int) -> None:
        self.left, self.width, self.first, self.stop = left, width, first, stop
        self.characters = [[" "] * width for _ in range(first, stop)]
        self.tags = [[""] * width for _ in range(first, stop)]

    def write(self, x: int, y: int, text: str, tag: str) -> None:
        if not self.first <= y < self.stop:
            return
        characters, tags = self.characters[y - self.first], self.tags[y - self.first]
        x -= self.left
        if x >= self.width or x + len(text) <= 0:
            return
        for column, character in enumerate(text, x):
            if 0 <= column < self.width:
                characters[column] = character
                tags[column] = tag

    def segments(self, ascii_only: bool) -> list[list[Segment]]:
        return [
            _segments(characters, tags, ascii_only) for characters, tags in zip(self.characters, self.tags, strict=True)
        ]


def _segments(characters: list[str], tags: list[str], ascii_only: bool) -> list[Segment]:
    row: list[Segment] = []
    start = 0
    for column in range(1, len(tags) + 1):
        if column == len(tags) or tags[column] != tags[start]:
            text = "".join(characters[start:column])
            row.append((text.translate(_ASCII) if ascii_only else text, tags[start]))
            start = column
    return row


def _draw_box(canvas: _Canvas, box: PlacedBox, hot: bool, cursor: bool) -> None:
    suffix = ".cursor" if cursor else ""
    if not box.text.bordered:
        column = box.x
        for text, tag in box.text.lines[0]:
            canvas.write(column, box.y, text, tag + suffix)
            column += len(text)
        if cursor:
            canvas.write(box.x, box.y, "►", "mark.cursor")
        return
    if cursor:
        style, tag = _DOUBLE, "border.cursor"
    elif hot:
        style, tag = _HEAVY, "border.hot"
    else:
        style, tag = (_GROUP, "border.group") if box.opened else (_LIGHT, "border")
    across = box.width - 2
    canvas.write(box.x, box.y, style[0] + style[4] * across + style[1], tag)
    for y in range(max(box.y + 1, canvas.first), min(box.y + box.height - 1, canvas.stop)):
        canvas.write(box.x, y, style[5], tag)
        canvas.write(box.x + box.width - 1, y, style[5], tag)
    canvas.write(box.x, box.y + box.height - 1, style[2] + style[4] * across + style[3], tag)
    for column in box.entries:
        canvas.write(column, box.y, style[6], tag)
    for column in box.exits:
        canvas.write(column, box.y + box.height - 1, style[7], tag)
    for number, line in enumerate(box.text.lines):
        column = box.x + 1
        for text, text_tag in line:
            canvas.write(column, box.y + 1 + number, text, text_tag + suffix)
            column += len(text)


def _draw_wires(canvas: _Canvas, wires: Iterable[Wire]) -> None:
    """Lines of one value join; where two values cross, the horizontal one is broken."""
    masks: dict[tuple[int, int], dict[tuple[int, str], int]] = {}
    for wire in wires:
        if wire.bottom < canvas.first or wire.top >= canvas.stop:
            continue
        key = (wire.net, wire.source)
        for (x, y), bit in [*((cell, _UP) for cell in wire.ups), *((cell, _DOWN) for cell in wire.downs)]:
            _mark(masks, canvas, x, y, key, bit)
        for x1, y1, x2, y2 in wire.segments:
            if x1 == x2 and not canvas.left <= x1 < canvas.left + canvas.width:
                continue
            for y in range(max(y1, canvas.first - 1), min(y2, canvas.stop)):
                _mark(masks, canvas, x1, y, key, _DOWN)
                _mark(masks, canvas, x1, y + 1, key, _UP)
            for x in range(max(x1, canvas.left - 1), min(x2, canvas.left + canvas.width)):
                _mark(masks, canvas, x, y1, key, _RIGHT)
                _mark(masks, canvas, x + 1, y1, key, _LEFT)
    for (x, y), by_net in masks.items():
        if len(by_net) == 1:
            mask = next(iter(by_net.values()))
        elif any(mask == _UP | _DOWN for mask in by_net.values()):
            mask = _UP | _DOWN
        else:
            mask = 0
            for own in by_net.values():
                mask |= own
        canvas.write(x, y, _LINES[mask], "wire")


def _mark(
    masks: dict[tuple[int, int], dict[tuple[int, str], int]],
    canvas: _Canvas,
    x: int,
    y: int,
    key: tuple[int, str],
    bit: int,
) -> None:
    if canvas.first <= y < canvas.stop:
        cell = masks.setdefault((x, y), {})
        cell[key] = cell.get(key, 0) | bit
