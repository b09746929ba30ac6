"""What differs between two forms of a module when names, numbering and metadata do not count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from xlascope.ir.passes.form import Form, Texts
from xlascope.ir.passes.lines import op_name


@dataclass(frozen=True, slots=True)
class Difference:
    """Positions of instructions in the two forms; each instruction is in exactly one of them.

    ``same``: pairs that do the same with the same operands; ``changed``: the same instruction with other operands
    (``operands``), another shape (``shape``) or other attributes (``attributes``); ``moved``: it went into another
    computation (a fusion, a loop's body).
    """

    same: tuple[tuple[int, int], ...]
    changed: tuple[tuple[int, int, tuple[str, ...]], ...]
    moved: tuple[tuple[int, int], ...]
    removed: tuple[int, ...]
    added: tuple[int, ...]

    def forward(self) -> dict[int, int]:
        """Position before → position after, of all that are in both."""
        return dict(self._pairs())

    def backward(self) -> dict[int, int]:
        """Position after → position before."""
        return {b: a for a, b in self._pairs()}

    def _pairs(self) -> Iterable[tuple[int, int]]:
        yield from self.same
        yield from ((a, b) for a, b, _ in self.changed)
        yield from self.moved


def compare(texts: Texts, before: int, after: int) -> Difference:
    """The difference between two texts, by their numbers."""
    if before == after:
        count = len(texts.form(before).instructions)
        return Difference(tuple((each, each) for each in range(count)), (), (), (), ())
    return _Matcher(texts, texts.form(before), texts.form(after)).result()


class _Matcher:
    """Pairs the instructions of two forms, the surest pairs first."""

    def __init__(self, texts: Texts, a: Form, b: Form) -> None:
        self._texts, self._a, self._b = texts, a, b
        self._forward: dict[int, int] = {}
        self._backward: dict[int, int] = {}
        self._blocks: dict[str, str] = {}
        self._operands_a, self._operands_b = _operands(a), _operands(b)

    def result(self) -> Difference:
        a, b = self._a, self._b
        self._by_name(lambda x, y: a.hashes[x] == b.hashes[y] and (not self._is_leaf(x) or self._same_block(x, y)))
        self._by_key(self._placed(a), self._placed(b))
        self._by_key(self._unplaced(a), self._unplaced(b))
        opcode_a = [each.opcode for each in a.instructions]
        opcode_b = [each.opcode for each in b.instructions]
        self._by_name(lambda x, y: opcode_a[x] == opcode_b[y] and self._same_block(x, y))
        self._pair_blocks()
        self._by_operands()
        self._by_origin()
        self._inlined()
        same, changed, moved = [], [], []
        for x, y in sorted(self._forward.items()):
            what = self._what(x, y)
            if not self._same_block(x, y):
                moved.append((x, y))
            elif what:
                changed.append((x, y, what))
            else:
                same.append((x, y))
        removed = tuple(x for x in range(len(opcode_a)) if x not in self._forward)
        added = tuple(y for y in range(len(opcode_b)) if y not in self._backward)
        return Difference(tuple(same), tuple(changed), tuple(moved), removed, added)

    def _pair(self, x: int, y: int) -> None:
        self._forward[x] = y
        self._backward[y] = x

    def _same_block(self, x: int, y: int) -> bool:
        one, other = self._a.block_of(x).name, self._b.block_of(y).name
        if one == other or self._blocks.get(one) == other:
            return True
        return self._a.block_hashes[one] == self._b.block_hashes[other]

    def _is_leaf(self, x: int) -> bool:
        """A parameter or constant: alike in every computation, so that its place is all that tells it."""
        return not self._operands_a[x]

    def _placed(self, form: Form) -> dict[int, object]:
        """What an instruction does, and what the whole of its computation does."""
        return {at: (value, form.block_hashes[form.block_of(at).name]) for at, value in enumerate(form.hashes)}

    def _unplaced(self, form: Form) -> dict[int, object]:
        """What an instruction does, for those that do something with operands; others by their computation's name."""
        return {
            at: value if form.instructions[at].operands else (value, form.block_of(at).name)
            for at, value in enumerate(form.hashes)
        }

    def _by_name(self, fits) -> None:  # type: ignore[no-untyped-def]
        """Names are unique in a module as XLA writes it; where they are not, within their computation."""
        there: dict[str, list[int]] = defaultdict(list)
        for y, each in enumerate(self._b.instructions):
            if y not in self._backward:
                there[each.name].append(y)
        for x, each in enumerate(self._a.instructions):
            if x in self._forward:
                continue
            places = [y for y in there.get(each.name, ()) if y not in self._backward and fits(x, y)]
            if len(places) > 1:
                places = [y for y in places if self._same_block(x, y)] or places
            if places:
                self._pair(x, places[0])

    def _by_key(self, a, b) -> None:  # type: ignore[no-untyped-def]
        """In the order of the text, those whose keys are equal."""
        there: dict[object, list[int]] = defaultdict(list)
        for y in sorted(b, reverse=True):
            if y not in self._backward and b[y] is not None:
                there[b[y]].append(y)
        for x in sorted(a):
            if x not in self._forward and a[x] is not None:
                waiting = there.get(a[x])
                if waiting:
                    self._pair(x, waiting.pop())

    def _pair_blocks(self) -> None:
        """Computations with a new name: called in the same place by instructions that are pairs, or look like one."""
        a, b = self._a, self._b
        there: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for y, each in enumerate(b.instructions):
            if each.calls and y not in self._backward:
                there[self._origin(b, y)].append(y)
        for x, each in enumerate(a.instructions):
            if not each.calls:
                continue
            alike = there.get(self._origin(a, x), []) if x not in self._forward else [self._forward[x]]
            if len(alike) != 1:
                continue
            for one, other in zip(each.calls, b.instructions[alike[0]].calls, strict=False):
                known = one in a.block_hashes and other in b.block_hashes
                if known and one != other and one not in b.block_hashes and other not in a.block_hashes:
                    self._blocks.setdefault(one, other)

    def _by_operands(self) -> None:
        """Renamed ones: the same form over operands that are pairs already, or of which there are none."""
        waiting: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for x in reversed(range(len(self._a.instructions))):
            if x not in self._forward:
                each, block = self._a.instructions[x], self._a.block_of(x).name
                # What has no operands is known by its place alone: a parameter or constant of the same computation.
                place = "" if self._operands_a[x] else self._blocks.get(block, block)
                waiting[each.form, self._operands_a[x], place].append(x)
        for y, each in enumerate(self._b.instructions):
            if y not in self._backward:
                operands = tuple([self._backward.get(operand, -2) for operand in self._operands_b[y]])
                place = "" if operands else self._b.block_of(y).name
                found = waiting.get((each.form, operands, place))
                if found:
                    self._pair(found.pop(), y)

    def _by_origin(self) -> None:
        """Moved ones: an instruction that is gone and a new one of the same opcode and origin.

        In the same computation first, where it is one that changed in its attributes, name and operands.
        """
        a, b = self._a, self._b
        anywhere: dict[object, list[int]] = defaultdict(list)
        within: dict[object, list[int]] = defaultdict(list)
        for y in reversed(range(len(b.instructions))):
            if y not in self._backward:
                origin = self._origin(b, y)
                anywhere[origin].append(y)
                within[origin, b.block_of(y).name].append(y)
        for x in range(len(a.instructions)):
            origin = self._origin(a, x) if x not in self._forward else ("", "", "")
            if not origin[2]:
                continue
            block = a.block_of(x).name
            for places in (within.get((origin, self._blocks.get(block, block))), anywhere.get(origin)):
                while places and places[-1] in self._backward:
                    places.pop()
                if places:
                    self._pair(x, places.pop())
                    break

    def _inlined(self) -> None:
        """Of a computation that is gone, what was copied to its caller: names go on there from the caller's."""
        there: dict[object, list[int]] = defaultdict(list)
        for y in reversed(range(len(self._b.instructions))):
            if y not in self._backward:
                there[self._tail(self._b, y)].append(y)
        for x in range(len(self._a.instructions)):
            if x not in self._forward and self._a.block_of(x).name not in self._b.block_hashes:
                places = there.get(self._tail(self._a, x))
                if places:
                    self._pair(x, places.pop())

    def _tail(self, form: Form, at: int) -> tuple[str, str, str]:
        opcode, shape, origin = self._origin(form, at)
        return opcode, shape, origin.rpartition("/")[2] or "?"

    def _origin(self, form: Form, at: int) -> tuple[str, str, str]:
        each = form.instructions[at]
        return each.opcode, each.shape.partition("{")[0], op_name(self._texts.lines[form.ids[at]])

    def _what(self, x: int, y: int) -> tuple[str, ...]:
        if self._a.hashes[x] == self._b.hashes[y]:
            return ()
        one, other = self._a.instructions[x], self._b.instructions[y]
        what = []
        if one.shape != other.shape:
            what.append("shape")
        if one.form.partition(" ")[2] != other.form.partition(" ")[2] and not _only_shapes(one.form, other.form):
            what.append("attributes")
        if tuple(self._forward.get(operand, -1) for operand in self._operands_a[x]) != self._operands_b[y]:
            what.append("operands")
        if not what and not self._calls_alike(one.calls, other.calls):
            what.append("called")
        return tuple(what)

    def _calls_alike(self, one: tuple[str, ...], other: tuple[str, ...]) -> bool:
        """Whether the computations are the same ones, by name or by what they do; what changes inside is told there."""
        a, b = self._a.block_hashes, self._b.block_hashes
        return len(one) == len(other) and all(
            x == y or (a.get(x) is not None and a.get(x) == b.get(y)) for x, y in zip(one, other, strict=True)
        )


def _only_shapes(one: str, other: str) -> bool:
    """Whether two forms differ in shapes only: those of the result, or of operands written with them."""
    return _tail(one) == _tail(other)


def _tail(form: str) -> str:
    """Opcode and what follows the shape."""
    depth = 0
    for at, character in enumerate(form):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == " " and not depth:
            return form[at + 1 :]
    return form


def _operands(form: Form) -> list[tuple[int, ...]]:
    """Positions of each instruction's operands; -1 for a name that is not there."""
    found: list[tuple[int, ...]] = []
    for block in form.blocks:
        own = {each.name: at for at, each in enumerate(form.instructions[block.start : block.stop], block.start)}
        found += [
            tuple([own.get(name, -1) for name in each.operands])
            for each in form.instructions[block.start : block.stop]
        ]
    return found
