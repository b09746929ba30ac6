"""Links that no tag gives, but what surrounds an instruction does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from xlascope.ir import HloComputation, HloInstruction, HloModule
from xlascope.ir.provenance import path_order
from xlascope.views.provenance.expanded import Lost, region_name
from xlascope.views.provenance.values import Values

# These XLA adds for its own sake (layouts, exchanges, calls), or they only hand values on.
_ITS_OWN = frozenset(
    [
        "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "copy", "copy-start", "copy-done", "call",
        "while", "conditional", "fusion", "custom-call", "partition-id", "replica-id", "async-start", "async-update",
        "async-done", "infeed", "outfeed", "send", "recv", "after-all", "add-dependency", "all-reduce", "all-gather",
        "all-to-all", "reduce-scatter", "collective-permute", "all-reduce-start", "all-reduce-done",
        "all-gather-start", "all-gather-done", "collective-permute-start", "collective-permute-done",
    ]
)  # fmt: skip
# Of these, what they apply is theirs too, though XLA put them in.
_REDUCING = frozenset({"all-reduce", "all-reduce-start", "reduce-scatter"})
_ROUNDS = 6
_MOST_READERS = 16
_MOST_STEPS = 12
_MOST_FOUND = 4096
# They hand on what they are given.
_HANDING = frozenset({"bitcast", "copy", "get-tuple-element"})
# Of these XLA keeps one for several equations that spread the same literal.
_SHARED = frozenset({"broadcast", "iota"})

Paths = tuple[str, ...]


def by_flow(
    module: HloModule,
    own: Mapping[str, Paths],
    values: Values | None = None,
    regions: Callable[[], Mapping[str, Paths]] | None = None,
) -> dict[str, Paths]:
    """Equations of instructions without a tag, where what surrounds them leaves one choice.

    * All of a computation in which nothing has a name is of the one instruction that calls it: XLA made it of that.
    * What applies a reducer or a comparator is of the equation that brought it (``regions``: by computation, before
      optimization), and so are the instructions of that computation.
    * What only instructions of the same equations read is of these (a literal that is spread, a part of an expansion).
      Where an equation without instructions lies on the way there, and XLA expands its kind or simplifies it to such an
      instruction (`expanded.py`), it is of that one. A literal that XLA keeps once for several equations is of all.
    * A copy between two instructions of the same equations is of these.
    """
    return _Flow(module, own, values, regions).find()


class _Flow:
    def __init__(
        self,
        module: HloModule,
        own: Mapping[str, Paths],
        values: Values | None,
        regions: Callable[[], Mapping[str, Paths]] | None,
    ) -> None:
        self._module, self._own, self._regions = module, own, regions
        self._lost = Lost(values, {path for paths in own.values() for path in paths}) if values is not None else None
        self._found: dict[str, Paths] = {}

    def find(self) -> dict[str, Paths]:
        self._nameless_calls()
        module, known = self._module, self._own.keys() | self._found.keys()
        every = enumerate(zip(module.names, module.opcodes, strict=True))
        waiting = [module.at(at) for at, (name, opcode) in every if opcode not in _ITS_OWN and name not in known]
        self._applied(waiting)
        for _ in range(_ROUNDS):  # values go into fusions and come out of them
            left = []
            for instruction in reversed(waiting):
                paths = self._of(instruction) or self._of_region(instruction.computation) or self._inferred(instruction)
                if paths:
                    self._found[instruction.name] = paths
                else:
                    left.append(instruction)
            if len(left) == len(waiting):
                break
            waiting = left[::-1]
        self._copies()
        return self._found

    def _of(self, instruction: HloInstruction) -> Paths:
        return self._own.get(instruction.name) or self._found.get(instruction.name, ())

    def _nameless_calls(self) -> None:
        """What XLA put in the place of an instruction, as a computation of its own (a random generator)."""
        for call in self._module.of_opcode("call"):
            paths = self._own.get(call.name, ())
            for name in call.called.get("to_apply", ()) if paths else ():
                body = self._module.computation(name)
                if body is None or len(self._module.callers(name)) != 1:
                    continue
                inside = list(_inside(self._module, body))
                if all(each.op_name is None for each in inside):
                    work = (each.name for each in inside if each.opcode not in ("parameter", "constant", "tuple"))
                    self._found.update(dict.fromkeys(work, paths))

    def _applied(self, waiting: Collection[HloInstruction]) -> None:
        """Instructions that apply a computation which one equation brought."""
        calling = [(each, each.called.get("to_apply", ())) for each in waiting if each.may_call]
        if self._regions is None or not any(names for _, names in calling):
            return
        known = self._regions()
        for instruction, names in calling:
            paths = known.get(region_name(names[0]), ()) if len(names) == 1 else ()
            if paths:
                self._found[instruction.name] = paths

    def _of_region(self, computation: HloComputation) -> Paths:
        """The equations of the one instruction that applies a computation to its elements (a sort its comparator)."""
        callers = self._module.callers(computation.name)
        if len(callers) != 1 or callers[0].opcode in _ITS_OWN - _REDUCING:
            return ()
        return self._of(callers[0])

    def _inferred(self, instruction: HloInstruction) -> Paths:
        literal = _is_literal(instruction)
        readers = _readers(instruction, literal, self._own)
        of_readers = {self._of(reader) for reader in readers}
        if not of_readers or () in of_readers or len(of_readers) > _MOST_READERS:
            return ()
        lost = self._lost
        if literal:
            if len(of_readers) > 1 and instruction.opcode not in _SHARED:
                return ()
            spread = [lost.simplified(paths, instruction) if lost is not None else () for paths in of_readers]
            each_of = [tuple(found) or paths for found, paths in zip(spread, of_readers, strict=True)]
            return tuple(sorted({path for paths in each_of for path in paths}, key=path_order))
        makers = [self._makers(paths, instruction) for paths in of_readers]
        if len(of_readers) == 1:
            return tuple(sorted(makers[0], key=path_order)) or next(iter(of_readers))
        # They read one value: XLA may have gone round the equation between it and one of them.
        common = frozenset.intersection(*makers) or frozenset.union(*makers)
        return tuple(common) if len(common) == 1 else ()

    def _makers(self, readers: Paths, instruction: HloInstruction) -> frozenset[str]:
        if self._lost is None:
            return frozenset()
        return self._lost.makers(readers) or self._lost.simplified(readers, instruction)

    def _copies(self) -> None:
        for copy in self._module.of_opcode("copy"):
            given = _given(copy) if not self._of(copy) else None
            paths = self._of(given) if given is not None else ()
            if paths and {self._of(reader) for reader in _readers(copy, False, self._own)} == {paths}:
                self._found[copy.name] = paths


def _inside(module: HloModule, computation: HloComputation) -> Iterator[HloInstruction]:
    """All that is in a computation and in those it calls."""
    waiting, seen = [computation], {computation.name}
    while waiting:
        for instruction in waiting.pop().instructions:
            yield instruction
            for name in (name for names in instruction.called.values() for name in names):
                body = module.computation(name)
                if body is not None and name not in seen:
                    seen.add(name)
                    waiting.append(body)


def _given(instruction: HloInstruction) -> HloInstruction | None:
    """Where the value comes from that an instruction hands on: in a fusion too, and through one."""
    found: HloInstruction | None = instruction
    for _ in range(_MOST_STEPS):
        if found is None or (found is not instruction and found.opcode not in (*_HANDING, "parameter", "fusion")):
            return found
        if found.opcode == "parameter":
            found = _argument(found)
        elif found.opcode == "fusion":
            body = found.module.computation(found.called.get("calls", ("",))[0])
            found = body.root if body is not None else None
        else:
            found = found.computation.get(found.operands[0]) if found.operands else None
    return None


def _argument(parameter: HloInstruction) -> HloInstruction | None:
    """What a fusion is given for a parameter of it; None of any other computation."""
    callers, number = parameter.module.callers(parameter.computation.name), parameter.parameter_number
    if len(callers) != 1 or callers[0].opcode != "fusion" or number is None or number >= len(callers[0].operands):
        return None
    return callers[0].computation.get(callers[0].operands[number])


def _is_literal(instruction: HloInstruction) -> bool:
    """Is it made of constants and places alone, in as few steps as a literal takes?"""
    waiting: list[HloInstruction | None] = [instruction]
    for _ in range(_MOST_STEPS):
        if not waiting:
            return True
        each = waiting.pop()
        if each is None or (each.opcode != "fusion" and each.may_call):
            return False
        if each.opcode == "parameter":
            waiting.append(_argument(each))
        elif each.opcode not in ("constant", "iota"):
            if not each.operands or each.opcode in ("fusion", "rng"):
                return False
            waiting += [each.computation.get(name) for name in each.operands]
    return not waiting


def _readers(
    instruction: HloInstruction, literal: bool, own: Mapping[str, Paths], steps: int = 0
) -> list[HloInstruction]:
    """What reads a value: members of fusions rather than the fusions, and what lies behind that which has no name and
    hands it on. Of a ``literal`` also a loop or a function that is given it.

    Empty where it goes to something else: it is a result of the program, of a loop or of a branch.
    """
    computation = instruction.computation
    if steps > _MOST_STEPS:
        return []
    if instruction.is_root:
        callers = instruction.module.callers(computation.name)
        if len(callers) != 1 or callers[0].opcode != "fusion":
            return []
        return _readers(callers[0], literal, own, steps + 1)
    found = []
    for user in computation.users(instruction.name):
        bodies = user.called.get("calls", ()) if user.opcode == "fusion" else ()
        body = instruction.module.computation(bodies[0]) if bodies else None
        if body is not None:
            places = {number for number, name in enumerate(user.operands) if name == instruction.name}
            ways = [each for each in body.parameters if each.parameter_number in places]
        elif user.name not in own and _hands_on(user, literal):
            ways = [user]
        else:
            found.append(user)
            continue
        for way in ways:
            behind = _readers(way, literal, own, steps + 1)
            if not behind or len(found) > _MOST_FOUND:
                return []
            found += behind
    return found


def _hands_on(user: HloInstruction, literal: bool) -> bool:
    """Does it give its value to others as it is? A tuple does at the end of a fusion, and of literals before a loop."""
    if user.opcode == "tuple":
        return user.is_root or (
            literal and all(each.opcode in ("while", "call") for each in user.computation.users(user.name))
        )
    return user.opcode in _HANDING
