"""What must hold of every picture, and random modules to try it on."""

from __future__ import annotations

import random
from collections import Counter

from xlascope.graphs.layout import Placed, PlacedBox, layout
from xlascope.graphs.render import render
from xlascope.graphs.visible import Level, visible


def cells_of(segment: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    x1, y1, x2, y2 = segment
    assert (x1 == x2) != (y1 == y2) or (x1, y1) == (x2, y2)
    return [(x, y) for x in range(x1, x2 + 1) for y in range(y1, y2 + 1)]


def holders(placed: Placed, level: str | None) -> list[PlacedBox]:
    """The opened boxes that a level lies in."""
    found = []
    while level is not None:
        found.append(placed.by_id[level])
        level = placed.by_id[level].level
    return found


def levels(level: Level):
    yield level
    for box in level.boxes:
        if box.inner is not None:
            yield from levels(box.inner)


def check(placed: Placed) -> None:
    """All invariants of a picture."""
    boxes_stand_apart(placed)
    wires_cross_no_box(placed)
    every_link_is_drawn_or_named(placed)


def boxes_stand_apart(placed: Placed) -> None:
    """A box touches no other but those it lies in, and lies inside of these."""
    for box in placed.boxes:
        assert box.x >= 0 and box.x + box.width <= placed.width
        assert box.y >= 0 and box.y + box.height <= placed.height
        for outer in holders(placed, box.level):
            assert outer.x < box.x and box.x + box.width < outer.x + outer.width
            assert outer.y < box.y and box.y + box.height < outer.y + outer.height
    by_level: dict[str | None, list[PlacedBox]] = {}
    for box in placed.boxes:
        by_level.setdefault(box.level, []).append(box)
    for siblings in by_level.values():
        siblings.sort(key=lambda box: (box.y, box.x))
        for position, box in enumerate(siblings):
            for other in siblings[position + 1 :]:
                if other.y >= box.y + box.height:
                    break
                assert other.x >= box.x + box.width or box.x >= other.x + other.width, (box.id, other.id)


def wires_cross_no_box(placed: Placed) -> None:
    """No cell of a line lies in a box, but for the opened ones it runs in."""
    occupied: dict[tuple[int, int], list[PlacedBox]] = {}
    for box in placed.boxes:
        for y in range(box.y, box.y + box.height):
            for x in range(box.x, box.x + box.width):
                occupied.setdefault((x, y), []).append(box)
    for wire in placed.wires:
        around = holders(placed, placed.by_id[wire.source].level)
        for segment in wire.segments:
            for cell in cells_of(segment):
                inside = occupied.get(cell, [])
                assert all(box in around for box in inside), (wire.source, cell, [box.id for box in inside])
                for box in inside:  # nor on a border
                    assert box.x < cell[0] < box.x + box.width - 1 and box.y < cell[1] < box.y + box.height - 1


def every_link_is_drawn_or_named(placed: Placed) -> None:
    """Lines of a value lead from a port of its source to a port of its target, unless both boxes name each other."""
    reached: dict[str, set[tuple[int, int]]] = {}
    nets: dict[tuple[str, int], list] = {}
    for wire in placed.wires:
        nets.setdefault((wire.source, wire.net), []).append(wire)
    for (source, _), wires in nets.items():
        cells = {cell for wire in wires for segment in wire.segments for cell in cells_of(segment)}
        box = placed.by_id[source]
        start = [(x, box.y + box.height) for x in box.exits if (x, box.y + box.height) in cells]
        reached.setdefault(source, set()).update(_flood(start, cells))
    for level in levels(placed.visible.level):
        for link in level.links:
            source, target = placed.by_id[link.source], placed.by_id[link.target]
            drawn = any((x, target.y - 1) in reached.get(link.source, ()) for x in target.entries)
            names = placed.visible.boxes[target.id].name, placed.visible.boxes[source.id].name
            named = f"⇢{names[0]}" in source.stubs and f"⇠{names[1]}" in target.stubs
            assert drawn or named, link


def _flood(start: list[tuple[int, int]], cells: set[tuple[int, int]]) -> set[tuple[int, int]]:
    seen, queue = set(start), list(start)
    while queue:
        x, y = queue.pop()
        for cell in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if cell in cells and cell not in seen:
                seen.add(cell)
                queue.append(cell)
    return seen


def shared_cells(placed: Placed) -> int:
    """Cells in which lines of two values run along each other, and could be taken for one."""
    runs: dict[tuple[int, int, bool], set] = {}
    for wire in placed.wires:
        for x1, y1, x2, y2 in wire.segments:
            for cell in cells_of((x1, y1, x2, y2)):
                runs.setdefault((*cell, x1 == x2), set()).add((wire.source, wire.net))
    return sum(len(owners) > 1 for owners in runs.values())


def positions(placed: Placed) -> dict[str, tuple[int, int]]:
    return {box.id: (box.x, box.y) for box in placed.boxes}


def above(placed: Placed, box_id: str) -> set[str]:
    """The boxes above one: in earlier rows of its own level, and of those around it, with all they hold."""
    found: set[str] = set()
    current: PlacedBox | None = placed.by_id[box_id]
    while current is not None:
        earlier = {box.id for box in placed.boxes if box.level == current.level and box.row < current.row}
        found |= earlier | {
            box.id for box in placed.boxes if any(outer.id in earlier for outer in holders(placed, box.level))
        }
        if current.level is not None:
            found.add(current.level)
        current = placed.by_id[current.level] if current.level is not None else None
    return found


def picture(graph, opened=frozenset(), width=100, **options) -> str:
    return render(layout(visible(graph, frozenset(opened)), width), **options).text()


OPCODES = ("add", "multiply", "exponential", "dot", "negate", "select")


def random_module(seed: int, size: int = 30) -> str:
    """HLO text with random operands, scalars, tuples, nested fusions and loops."""
    chance = random.Random(seed)
    computations: list[str] = []
    counter: Counter[str] = Counter()

    def fresh(stem: str) -> str:
        counter[stem] += 1
        return f"{stem}.{counter[stem]}"

    def computation(count: int, depth: int, entry: bool) -> str:
        name = fresh("main" if entry else "comp")
        lines, values, tuples = [], [], []
        for number in range(chance.randint(1, 3)):
            values.append(fresh("p"))
            lines.append(f"%{values[-1]} = f32[8,{number + 1}]{{1,0}} parameter({number})")
        for _ in range(count):
            kind = chance.random()
            operands = [chance.choice(values) for _ in range(chance.choice((1, 1, 2, 2, 3)))]
            listed = ", ".join(f"%{operand}" for operand in operands)
            if kind < 0.1:
                own = fresh("c")
                lines.append(f"%{own} = f32[] constant({chance.randint(0, 9)})")
            elif kind < 0.15:
                own = fresh("bitcast")
                lines.append(f"%{own} = f32[16]{{0}} bitcast(%{operands[0]})")
            elif kind < 0.22:
                own = fresh("w")
                lines.append(f"%{own} = f32[8]{{0}} broadcast(%{operands[0]}), dimensions={{}}")
            elif kind < 0.3:
                tuples.append(fresh("t"))
                own = None
                lines.append(f"%{tuples[-1]} = ({', '.join(['f32[8]{0}'] * len(operands))}) tuple({listed})")
            elif kind < 0.4 and tuples:
                own = fresh("g")
                lines.append(f"%{own} = f32[8]{{0}} get-tuple-element(%{chance.choice(tuples)}), index=0")
            elif kind < 0.55 and depth < 3:
                own = fresh("fusion")
                inner = computation(chance.randint(1, 6), depth + 1, False)
                lines.append(f"%{own} = f32[8]{{0}} fusion({listed}), kind=kLoop, calls=%{inner}")
            elif kind < 0.6 and depth < 2:
                own = fresh("while")
                body, test = (computation(chance.randint(1, 4), depth + 1, False) for _ in range(2))
                lines.append(f"%{own} = f32[8]{{0}} while(%{operands[0]}), condition=%{test}, body=%{body}")
            else:
                own = fresh(chance.choice(("x", "a_rather_long_name_of_an_instruction")))
                lines.append(f"%{own} = f32[8,64]{{1,0}} {chance.choice(OPCODES)}({listed})")
            if own is not None:
                values.append(own)
        lines[-1] = "ROOT " + lines[-1]
        body = "\n".join(f"  {line}" for line in lines)
        computations.append(f"{'ENTRY ' if entry else ''}%{name} () -> f32[] {{\n{body}\n}}\n")
        return name

    computation(size, 0, True)
    return "HloModule random\n\n" + "\n".join(computations)
