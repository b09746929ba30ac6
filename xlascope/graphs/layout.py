"""Character-cell coordinates for a visible graph: rows from the top down, lines between them, opened groups nested.

The same graph gives the same picture. Opening a box changes nothing in the rows above it, nor to its left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from xlascope.graphs.boxes import LONGEST_NAME, BoxText, box_text
from xlascope.graphs.labels import bytes_text, shorten
from xlascope.graphs.order import Arrangement, arrange
from xlascope.graphs.place import GAP, Columns, place, ports
from xlascope.graphs.route import Drop, assign_tracks
from xlascope.graphs.visible import Level, Link, VisibleGraph

_INSET = 2
_NARROWEST = 40
_BESIDE = 6


@dataclass(frozen=True, slots=True)
class PlacedBox:
    """A box's rectangle in cells, from (x, y).

    ``level`` is the group it stands in, ``row`` and ``column`` its place there; ``entries`` and ``exits`` are the
    columns of its ports; ``stubs`` are neighbours too far for a line: ``⇢`` a user, ``⇠`` an operand.
    """

    id: str
    x: int
    y: int
    width: int
    height: int
    text: BoxText
    level: str | None
    row: int
    column: int
    depth: int
    opened: bool
    openable: bool
    entries: tuple[int, ...] = ()
    exits: tuple[int, ...] = ()
    stubs: tuple[str, ...] = ()

    def holds(self, x: int, y: int) -> bool:
        """Whether a cell of the picture lies in it."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


@dataclass(frozen=True, slots=True)
class Wire:
    """One value's lines between two rows. Segments are (x1, y1, x2, y2), ends included.

    ``ups`` and ``downs`` are the cells from which it goes on up into a port, down into one.
    """

    net: int
    source: str
    targets: tuple[str, ...]
    segments: tuple[tuple[int, int, int, int], ...]
    ups: tuple[tuple[int, int], ...]
    downs: tuple[tuple[int, int], ...]

    @property
    def top(self) -> int:
        """Its first row."""
        return min(segment[1] for segment in self.segments)

    @property
    def bottom(self) -> int:
        """Its last row."""
        return max(segment[3] for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Label:
    """What is written beside a line."""

    x: int
    y: int
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Placed:
    """Boxes in reading order (each before what it holds), wires and labels, and the size of the picture in cells."""

    visible: VisibleGraph
    boxes: tuple[PlacedBox, ...]
    wires: tuple[Wire, ...]
    labels: tuple[Label, ...]
    width: int
    height: int
    by_id: Mapping[str, PlacedBox] = field(default_factory=dict, repr=False)

    def hit(self, x: int, y: int) -> str | None:
        """The innermost box at a cell."""
        return next((box.id for box in reversed(self.boxes) if box.holds(x, y)), None)


@dataclass(slots=True)
class _Laid:
    """A level laid out from (0, 0)."""

    boxes: list[PlacedBox] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    width: int = 0
    height: int = 0


def layout(shown: VisibleGraph, width: int) -> Placed:
    """Lay out a visible graph; rows of closed boxes keep to ``width`` cells where their lines allow."""
    laid = _lay(shown, shown.level, max(width, _NARROWEST), 0)
    by_id = {box.id: box for box in laid.boxes}
    return Placed(shown, tuple(laid.boxes), tuple(laid.wires), tuple(laid.labels), laid.width, laid.height, by_id)


def _lay(shown: VisibleGraph, level: Level, width: int, depth: int) -> _Laid:
    total = shown.graph.total_self_ns
    position = {box.id: number for number, box in enumerate(level.boxes)}
    links = [(position[link.source], position[link.target], link.values) for link in level.links]
    # Room for a line beside the widest box.
    room = max(width - _BESIDE, _NARROWEST - _BESIDE)
    plain = [box_text(box, total, (), room) for box in level.boxes]
    arrangement = arrange([text.width for text in plain], links, [box.only_feeds for box in level.boxes], width, GAP)
    stubs = _stubs(level, arrangement)
    texts = [
        box_text(level.boxes[number], total, stubs[number], room) if number in stubs else text
        for number, text in enumerate(plain)
    ]
    inner = {
        number: _lay(shown, box.inner, max(width - 2 * _INSET, _NARROWEST), depth + 1)
        for number, box in enumerate(level.boxes)
        if box.inner is not None
    }
    closed = [_closed_width(arrangement, number, text) for number, text in enumerate(texts)]
    widths = [
        max(closed[number], inner[number].width + 2 * _INSET) if number in inner else closed[number]
        for number in range(len(texts))
    ]
    heights = [text.height + (inner[number].height if number in inner else 0) for number, text in enumerate(texts)]
    columns = place(arrangement, closed, widths, width)
    result = _Laid(width=columns.width)
    tops = _route(level, arrangement, columns, heights, frozenset(inner), result)
    order = [(row, item) for row, items in enumerate(arrangement.rows) for item in items]
    counts: dict[int, int] = {}
    for row, item in order:
        number = arrangement.items[item].box
        if number is None:
            continue
        column = counts.get(row, 0)
        counts[row] = column + 1
        box = level.boxes[number]
        placed = PlacedBox(
            id=box.id,
            x=columns.left[item],
            y=tops[row],
            width=widths[number],
            height=heights[number],
            text=texts[number],
            level=level.group,
            row=row,
            column=column,
            depth=depth,
            opened=box.opened,
            openable=box.group is not None,
            entries=tuple(columns.enter[net, item] for net, _ in arrangement.items[item].above),
            exits=tuple(columns.leave[net, item] for net in dict(arrangement.items[item].below)),
            stubs=stubs.get(number, ()),
        )
        result.boxes.append(placed)
        if number in inner:
            _nest(result, inner[number], placed.x + _INSET, placed.y + texts[number].height - 1)
    return result


def _closed_width(arrangement: Arrangement, number: int, text: BoxText) -> int:
    """A closed box is as wide as its text and its ports need."""
    entries, exits = ports(arrangement, number)
    return max(text.width, 2 * entries + 3, 2 * exits + 4 if exits > 1 else 0)


def _stubs(level: Level, arrangement: Arrangement) -> dict[int, tuple[str, ...]]:
    """The names of the neighbours that no line is drawn to, by box."""
    names: dict[int, list[str]] = {number: list(box.stubs) for number, box in enumerate(level.boxes) if box.stubs}
    for source, target in arrangement.stubs:
        names.setdefault(source, []).append(f"⇢{level.boxes[target].name}")
        names.setdefault(target, []).append(f"⇠{level.boxes[source].name}")
    return {number: tuple(found) for number, found in names.items()}


def _nest(outer: _Laid, inner: _Laid, x: int, y: int) -> None:
    """Move a level into the box that holds it."""
    for box in inner.boxes:
        outer.boxes.append(
            replace(
                box,
                x=box.x + x,
                y=box.y + y,
                entries=tuple(column + x for column in box.entries),
                exits=tuple(column + x for column in box.exits),
            )
        )
    for wire in inner.wires:
        outer.wires.append(
            replace(
                wire,
                segments=tuple((x1 + x, y1 + y, x2 + x, y2 + y) for x1, y1, x2, y2 in wire.segments),
                ups=tuple((cx + x, cy + y) for cx, cy in wire.ups),
                downs=tuple((cx + x, cy + y) for cx, cy in wire.downs),
            )
        )
    outer.labels += [replace(label, x=label.x + x, y=label.y + y) for label in inner.labels]


def _route(
    level: Level,
    arrangement: Arrangement,
    columns: Columns,
    heights: list[int],
    opened: frozenset[int],
    result: _Laid,
) -> list[int]:
    """Draw the lines below each row; gives the top of each row."""
    tops: list[int] = []
    links = {(link.source, link.values): link for link in level.links}
    targets_of: dict[tuple[int, int], list[int]] = {}
    top = 0
    for number, row in enumerate(arrangement.rows):
        tops.append(top)
        height = max((heights[box] if (box := arrangement.items[item].box) is not None else 1) for item in row)
        bottom = top + height
        targets_of.clear()
        for item in row:
            for net, target in arrangement.items[item].below:
                targets_of.setdefault((net, item), []).append(target)
        carriers = list(targets_of)
        drops = [
            Drop(net, columns.leave[net, item], tuple(columns.enter[net, target] for target in targets_of[net, item]))
            for net, item in carriers
        ]
        tracks = assign_tracks(drops)
        starts_here = any(arrangement.items[item].box is not None for _, item in carriers)
        first_track = bottom + (1 if starts_here else 0)
        used = max(tracks.values(), default=-1) + 1
        below = arrangement.rows[number + 1] if number + 1 < len(arrangement.rows) else []
        next_top = first_track + max(used, _reserved(arrangement, columns, below, opened))
        for position, (net, item) in enumerate(carriers):
            box = arrangement.items[item].box
            begin = top + heights[box] if box is not None else top
            track = first_track + tracks[position] if position in tracks else None
            ends = [arrangement.items[target].box for target in targets_of[net, item]]
            _add_wire(level, arrangement, drops[position], track, begin, next_top, ends, result)
        _add_labels(level, arrangement, carriers, drops, links, bottom, result)
        top = next_top
    result.height = top
    result.width = max([result.width, *(label.x + len(label.text) for label in result.labels)])
    return tops


def _reserved(arrangement: Arrangement, columns: Columns, row: list[int], opened: frozenset[int]) -> int:
    """Tracks kept free above a row with an opened box: as many as could be needed however wide that box becomes.

    So what is opened inside of it later does not move its top.
    """
    first = next((place for place, item in enumerate(row) if arrangement.items[item].box in opened), None)
    if first is None:
        return 0
    nets = {net for item in row[first + 1 :] for net, _ in arrangement.items[item].above}
    for item in row[: first + 1]:
        nets |= {
            net
            for net, carrier in arrangement.items[item].above
            if columns.enter[net, item] != columns.leave[net, carrier]
        }
    return len(nets)


def _add_wire(
    level: Level,
    arrangement: Arrangement,
    drop: Drop,
    track: int | None,
    begin: int,
    next_top: int,
    ends: list[int | None],
    result: _Laid,
) -> None:
    if begin >= next_top:
        return
    segments: list[tuple[int, int, int, int]] = []
    last = next_top - 1
    if track is None:
        segments.append((drop.source, begin, drop.source, last))
    else:
        low, high = drop.span
        segments.append((drop.source, begin, drop.source, track))
        segments.append((low, track, high, track))
        segments += [(column, track, column, last) for column in sorted(set(drop.targets))]
    net = arrangement.nets[drop.net]
    targets = tuple(level.boxes[box].id for box in ends if box is not None)
    result.wires.append(
        Wire(
            net=drop.net,
            source=level.boxes[net.source].id,
            targets=targets,
            segments=tuple(segments),
            ups=((drop.source, begin),),
            downs=tuple((column, last) for column in sorted(set(drop.targets))),
        )
    )


def _add_labels(
    level: Level,
    arrangement: Arrangement,
    carriers: list[tuple[int, int]],
    drops: list[Drop],
    links: Mapping[tuple[str, tuple[tuple[int, ...], ...]], Link],
    y: int,
    result: _Laid,
) -> None:
    """Write what a value is below the port it leaves, where the next line leaves room."""
    taken = sorted(drop.source for drop in drops)
    for (net_number, item), drop in zip(carriers, drops, strict=True):
        box = arrangement.items[item].box
        if box is None:
            continue
        net = arrangement.nets[net_number]
        if level.boxes[box].is_parameter and net.values == ((),):
            continue  # a parameter's own line says its shape
        source = level.boxes[net.source].id
        link = links[source, net.values]
        room = next((column for column in taken if column > drop.source), None)
        for text in _texts(link, len(net.targets)):
            if text and (room is None or drop.source + 2 + len(text) < room):
                result.labels.append(Label(drop.source + 2, y, text, source))
                break


def _texts(link: Link, targets: int) -> tuple[str, ...]:
    """The label, longest form first."""
    count = link.count if targets == 1 else len(link.values)
    times = f"×{count}" if count > 1 else ""
    if link.shape is None:
        return (times,)
    shape = shorten(link.shape, LONGEST_NAME)
    size = bytes_text(link.bytes) if link.bytes is not None else ""
    return (" ".join(part for part in (shape, size, times) if part), f"{shape} {times}".strip(), times)
