"""Which pass made, changed, merged or removed an instruction, or the instructions of an equation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from xlascope.ir.passes.diff import Difference
from xlascope.ir.passes.form import Form
from xlascope.ir.passes.lines import op_name
from xlascope.ir.passes.sequence import PassSequence
from xlascope.ir.passes.tagged import TaggedLines


@dataclass(frozen=True, slots=True)
class Happening:
    """``place`` is that of the snapshot after the pass. ``event``: ``created``, ``changed``, ``merged`` or ``removed``.

    ``names``: of ``merged`` those that took it in (a fusion; after common subexpression elimination the one that
    stayed), of the others the instruction's own at that point. ``of``: of ``merged`` what was taken in; of ``created``
    what a new fusion was made of.
    """

    place: int
    event: str
    names: tuple[str, ...]
    of: tuple[str, ...] = ()


def instruction_history(sequence: PassSequence, name: str) -> list[Happening]:
    """Of an instruction of the last form that has one of that name; [] when none has.

    Followed by its name and, where that changed, by what it does and where it comes from.
    """
    last = len(sequence.snapshots) - 1
    anchor = next((place for place in range(last, -1, -1) if _line_of(sequence, place, name) is not None), None)
    if anchor is None:
        return []
    return _backwards(sequence, anchor, name)[::-1] + _forwards(sequence, anchor, name)


def equation_history(
    sequence: PassSequence, path: str, known: Collection[str] | None = None
) -> list[Happening]:
    """Of the instructions that carry the tag of an equation or of one inside of it; [] when none ever does.

    ``known``: all paths there are.
    """
    texts, tagged = sequence.texts, sequence.tagged_lines(known)
    found: list[Happening] = []
    before: list[tuple[int, str]] = []
    for place, snapshot in enumerate(sequence.snapshots):
        mine = tagged.of(path, snapshot.text)
        row = texts.rows[snapshot.text]
        now = [(each, texts.computation_at(snapshot.text, at)) for at, each in enumerate(row) if each in mine]
        if now != before:
            if place and before:
                found += _between(sequence, place, path, tagged)
            else:
                form = texts.form(snapshot.text)
                names = tuple(_names(form, [at for at, each in enumerate(form.ids) if each in mine]))
                found += [Happening(place, "created", names)] if names else []
        before = now
    return found


def equation_remains(sequence: PassSequence, path: str, known: Collection[str] | None = None) -> bool:
    """Whether any instruction of the last form carries the tag of an equation or of one inside of it."""
    last = sequence.snapshots[-1].text
    return not sequence.tagged_lines(known).of(path, last).isdisjoint(sequence.texts.rows[last])


def _between(sequence: PassSequence, place: int, path: str, tagged: TaggedLines) -> list[Happening]:
    """What one pass did to the instructions of an equation."""
    a, b, difference = _compared(sequence, place)
    then, now = (tagged.of(path, sequence.snapshots[each].text) for each in (place - 1, place))
    had = {at for at, each in enumerate(a.ids) if each in then}
    has = {at for at, each in enumerate(b.ids) if each in now}
    callers, fused = _fusions(b), _fusions(a)
    forward, backward = difference.forward(), difference.backward()
    moved = {y: x for x, y in difference.moved}
    into: dict[str, list[str]] = {}
    created, changed = [], []
    for y in sorted(has):
        fusion = callers.get(b.block_of(y).name)
        x = backward.get(y)
        if fusion is not None and (x is None or y in moved or a.block_of(x).name not in fused):
            into.setdefault(fusion, []).append(a.instructions[x].name if x is not None else b.instructions[y].name)
        elif x is None:
            created.append(y)
        elif y in moved or x not in had:
            changed.append(y)
    changed += [y for x, y, _ in difference.changed if x in had and y in has]
    gone = [x for x in sorted(had) if x not in forward]
    survivors = _survivors(a, forward) if gone else {}
    for x in list(gone):
        other = survivors.get((a.hashes[x], a.places[x]))
        if other is None:
            other = _folded(sequence, a, b, difference, x)
        if other is not None:
            into.setdefault(b.instructions[other].name, []).append(a.instructions[x].name)
            gone.remove(x)
    created = [y for y in created if b.instructions[y].name not in into]
    found = []
    if into:
        of = dict.fromkeys(name for names in into.values() for name in names)
        found.append(Happening(place, "merged", tuple(into), tuple(of)))
    for event, form, positions in (("created", b, created), ("changed", b, changed), ("removed", a, gone)):
        names = _names(form, positions)
        if names:
            found.append(Happening(place, event, tuple(names)))
    return found


def _backwards(sequence: PassSequence, anchor: int, name: str) -> list[Happening]:
    """From a snapshot back to where the instruction was made, the latest first."""
    found: list[Happening] = []
    line = _line_of(sequence, anchor, name)
    for place in range(anchor, 0, -1):
        if _untouched(sequence, place, line):
            continue
        a, b, difference = _compared(sequence, place)
        y = b.find(name)
        if y is None:
            break
        x = difference.backward().get(y)
        if x is None:
            return [*found, Happening(place, "created", (name,), tuple(_made_of(a, b, difference, y)))]
        found += _event(place, a, b, difference, x, y)
        name, line = a.instructions[x].name, a.ids[x]
    return [*found, Happening(0, "created", (name,))]


def _forwards(sequence: PassSequence, anchor: int, name: str) -> list[Happening]:
    """From a snapshot on, until it is gone."""
    found: list[Happening] = []
    line = _line_of(sequence, anchor, name)
    for place in range(anchor + 1, len(sequence.snapshots)):
        if _untouched(sequence, place, line):
            continue
        a, b, difference = _compared(sequence, place)
        x = a.find(name)
        y = difference.forward().get(x) if x is not None else None
        if x is None or y is None:
            survivors = _survivors(a, difference.forward()) if x is not None else {}
            other = survivors.get((a.hashes[x], a.places[x])) if x is not None else None
            if other is None and x is not None:
                other = _folded(sequence, a, b, difference, x)
            if other is not None:
                return [*found, Happening(place, "merged", (b.instructions[other].name,), (name,))]
            return [*found, Happening(place, "removed", (name,))]
        found += _event(place, a, b, difference, x, y)
        name, line = b.instructions[y].name, b.ids[y]
    return found


def _untouched(sequence: PassSequence, place: int, line: int | None) -> bool:
    """Whether a pass left the very line of an instruction in the same computation."""
    numbers = sequence.snapshots[place - 1].text, sequence.snapshots[place].text
    if numbers[0] == numbers[1]:
        return True
    rows = [sequence.texts.rows[number] for number in numbers]
    if line is None or any(line not in row for row in rows):
        return False
    found = [sequence.texts.computation_at(number, row.index(line)) for number, row in zip(numbers, rows, strict=True)]
    return found[0] == found[1]


def _event(place: int, a: Form, b: Form, difference: Difference, x: int, y: int) -> list[Happening]:
    """What a pass did to an instruction that is there before and after it."""
    name, moved = b.instructions[y].name, (x, y) in difference.moved
    fusion = _fusions(b).get(b.block_of(y).name)
    # A fusion may take in a computation as a whole: then nothing in it has moved.
    if fusion is not None and (moved or a.block_of(x).name not in _fusions(a)):
        return [Happening(place, "merged", (fusion,), (a.instructions[x].name,))]
    if moved:
        return [Happening(place, "changed", (name,))]
    if any(x == before and y == after for before, after, _ in difference.changed):
        return [Happening(place, "changed", (name,))]
    return []


def _compared(sequence: PassSequence, place: int) -> tuple[Form, Form, Difference]:
    a, b = sequence.snapshots[place - 1].text, sequence.snapshots[place].text
    return sequence.texts.form(a), sequence.texts.form(b), sequence.difference(place)


def _line_of(sequence: PassSequence, place: int, name: str) -> int | None:
    """The number of the line that defines an instruction in a snapshot."""
    wanted = sequence.texts.defining(name)
    if not wanted:
        return None
    return next((each for each in sequence.texts.rows[sequence.snapshots[place].text] if each in wanted), None)


def _fusions(form: Form) -> dict[str, str]:
    """Fused computation → the fusion that calls it."""
    return {call: each.name for each in form.instructions if each.opcode == "fusion" for call in each.calls}


def _made_of(a: Form, b: Form, difference: Difference, y: int) -> list[str]:
    """What a new fusion took in."""
    bodies = set(b.instructions[y].calls) if b.instructions[y].opcode == "fusion" else set()
    fused = _fusions(a)
    pairs = difference.forward().items()
    taken = [x for x, at in pairs if b.block_of(at).name in bodies and a.instructions[x].opcode != "parameter"]
    moved = {x for x, _ in difference.moved}
    return [a.instructions[x].name for x in sorted(taken) if x in moved or a.block_of(x).name not in fused]


def _survivors(a: Form, forward: Mapping[int, int]) -> dict[tuple[int, int], int]:
    """What an instruction did, and where → the one after the pass that did the same and stayed."""
    return {(a.hashes[x], a.places[x]): y for x, y in forward.items()}


def _folded(sequence: PassSequence, a: Form, b: Form, difference: Difference, x: int) -> int | None:
    """A new instruction that does what one that is gone did and its user too: it has its opcode and the user's origin.

    So XLA makes of ``transpose(dot(a, b))`` a ``dot(b, a)`` that is named after the transpose.
    """
    each, place = a.instructions[x], a.block_of(x)
    new = [y for y in difference.added if b.instructions[y].opcode == each.opcode]
    if each.opcode in ("parameter", "constant") or not new:
        return None
    lines = sequence.texts.lines
    removed = [user for user in difference.removed if place.start <= user < place.stop]
    origins = {op_name(lines[a.ids[user]]) for user in removed if each.name in a.instructions[user].operands} - {""}
    return next((y for y in new if op_name(lines[b.ids[y]]) in origins), None) if origins else None


def _names(form: Form, positions: Sequence[int]) -> list[str]:
    return [form.instructions[at].name for at in positions if form.instructions[at].opcode != "parameter"]
