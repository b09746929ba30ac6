"""The compact form: one row for each box, values as lanes at its left, as version control logs draw their commits."""

from __future__ import annotations

from dataclasses import dataclass, field

from xlascope.graphs.boxes import row_text
from xlascope.graphs.layout import Label, Placed, PlacedBox, Wire
from xlascope.graphs.visible import Level, VisibleGraph

_LANE = 2
_FEWEST_LANES, _MOST_LANES, _CELLS_EACH = 4, 16, 6
_MARK = "●"


@dataclass(slots=True)
class _Lines:
    boxes: list[PlacedBox] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    height: int = 0


@dataclass(slots=True)
class _Lanes:
    """Where the values of a level run: the lane of each box, and how many there are."""

    lane: list[int]
    count: int


def layout_compact(shown: VisibleGraph, width: int) -> Placed:
    """One row a box in the order of the text, the members of an opened group below it, farther to the right.

    A value has one lane from its box to its last user. Where more than fit the width are alive, the names stand in the
    rows instead. The result is drawn, searched and moved over like that of ``layout``.
    """
    most = min(max(width // _CELLS_EACH, _FEWEST_LANES), _MOST_LANES)
    lines = _Lines()
    _lay(shown, shown.level, 0, 0, most, lines)
    right = [box.x + box.width for box in lines.boxes]
    by_id = {box.id: box for box in lines.boxes}
    boxes, wires, labels = tuple(lines.boxes), tuple(lines.wires), tuple(lines.labels)
    return Placed(shown, boxes, wires, labels, max(right, default=0), lines.height, by_id)


def _lay(shown: VisibleGraph, level: Level, x: int, depth: int, most: int, lines: _Lines) -> None:
    position = {box.id: number for number, box in enumerate(level.boxes)}
    links = [(position[link.source], position[link.target]) for link in level.links]
    names = [box.name for box in level.boxes]
    kept, named = _thin(links, [box.only_feeds for box in level.boxes], most - 1)
    lanes = _assign(len(level.boxes), kept)
    stubs_of: dict[int, list[str]] = {number: list(box.stubs) for number, box in enumerate(level.boxes) if box.stubs}
    for source, target in named:
        stubs_of.setdefault(source, []).append(f"⇢{names[target]}")
        stubs_of.setdefault(target, []).append(f"⇠{names[source]}")
    text_x = x + lanes.count * _LANE
    rows: list[int] = []
    for number, box in enumerate(level.boxes):
        y = lines.height
        rows.append(y)
        lines.height += 1
        stubs = tuple(stubs_of.get(number, ()))
        text = row_text(box, shown.graph.total_self_ns, stubs)
        lines.labels.append(Label(x + lanes.lane[number] * _LANE, y, _MARK, box.id))
        lines.boxes.append(
            PlacedBox(
                id=box.id,
                x=text_x,
                y=y,
                width=text.width,
                height=1,
                text=text,
                level=level.group,
                row=number,
                column=0,
                depth=depth,
                opened=box.opened,
                openable=box.group is not None,
                stubs=stubs,
            )
        )
        if box.inner is not None:
            _lay(shown, box.inner, text_x + _LANE, depth + 1, most, lines)
    _draw(level, kept, lanes, x, rows, lines)


def _thin(
    links: list[tuple[int, int]], parameters: list[bool], most: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The links to draw and those to name: where more than ``most`` values are alive, parameters' and the longest.

    What leads backwards, in odd text, is named too.
    """
    users: dict[int, list[int]] = {}
    for source, target in links:
        if source < target:
            users.setdefault(source, []).append(target)
    alive = [0] * len(parameters)
    for source, targets in users.items():
        targets.sort()
        for row in range(source, targets[-1]):
            alive[row] += 1
    named = {(source, target) for source, target in links if source >= target}
    for source, target in sorted(links, key=lambda link: (not parameters[link[0]], link[0] - link[1], link)):
        targets = users.get(source, [])
        if not targets or targets[-1] != target:
            continue
        alone = range(targets[-2] if len(targets) > 1 else source, target)
        if any(alive[row] > most for row in alone):
            targets.pop()
            named.add((source, target))
            for row in alone:
                alive[row] -= 1
    return [link for link in links if link not in named], [link for link in links if link in named]


def _assign(boxes: int, links: list[tuple[int, int]]) -> _Lanes:
    """Give each box a lane: that of an operand used here for the last time, else the first free one."""
    last = list(range(boxes))
    operands: list[list[int]] = [[] for _ in range(boxes)]
    for source, target in links:
        last[source] = max(last[source], target)
        operands[target].append(source)
    lane = [0] * boxes
    taken: set[int] = set()
    for number in range(boxes):
        ended = [lane[own] for own in operands[number] if last[own] == number]
        taken.difference_update(ended)
        lane[number] = min(ended) if ended else next(free for free in range(boxes) if free not in taken)
        if last[number] > number:
            taken.add(lane[number])
    return _Lanes(lane, max(lane, default=-1) + 1)


def _draw(level: Level, links: list[tuple[int, int]], lanes: _Lanes, x: int, rows: list[int], lines: _Lines) -> None:
    targets: dict[int, list[int]] = {}
    for source, target in links:
        targets.setdefault(source, []).append(target)
    for source, own in sorted(targets.items()):
        column = x + lanes.lane[source] * _LANE
        segments = [(column, rows[source], column, rows[max(own)])]
        for target in own:
            mark = x + lanes.lane[target] * _LANE
            if mark != column:
                segments.append((min(mark, column), rows[target], max(mark, column), rows[target]))
        ids = tuple(level.boxes[target].id for target in own)
        lines.wires.append(Wire(source, level.boxes[source].id, ids, tuple(segments), (), ()))
