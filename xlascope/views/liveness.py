"""How long the values of a scheduled module live, from its text: the order of the entry computation is the schedule."""

from __future__ import annotations

from dataclasses import dataclass

from xlascope.ir import HloInstruction, HloModule, parse_shape

# Their results lie where their operands do.
_ALIAS_NAMES = "bitcast tuple get-tuple-element optimization-barrier domain while copy-done add-dependency after-all"
_ALIASES = frozenset(_ALIAS_NAMES.split())
# Compiled into the program, so that they need no memory of a call.
_STATIC = frozenset({"constant", "partition-id", "replica-id"})


@dataclass(frozen=True, slots=True)
class Life:
    """One value, alive at the steps ``start`` to ``stop`` of the schedule, both included; ``result``: given back."""

    instruction: HloInstruction
    size: int
    start: int
    stop: int
    result: bool


def lives(module: HloModule) -> tuple[list[Life], int]:
    """The values of the entry computation that need memory, and the number of steps.

    Arguments belong to the caller and live to the end; results live to the end. What loops and calls need inside of
    them is left out, and so is the reuse of operands in place (donated arguments among them).
    """
    entry = module.entry
    if entry is None:
        return [], 0
    members = list(entry.instructions)
    last = {member.name: step for step, member in enumerate(members)}
    end = len(members) - 1
    results: set[str] = set()
    # Backwards: a use of an alias is a use of all that it stands for.
    for step in range(end, -1, -1):
        member = members[step]
        if member.is_root:
            results.add(member.name)
        if member.is_root or member.opcode == "parameter":
            last[member.name] = end
        alias = _is_alias(member)
        used = last[member.name] if alias else step
        for name in member.operands:
            if name in last:
                last[name] = max(last[name], used)
                if alias and member.name in results:
                    results.add(name)
    found = []
    for step, member in enumerate(members):
        size = _size(member)
        if size:
            start = 0 if member.opcode == "parameter" else step
            found.append(Life(member, size, start, last[member.name], member.name in results))
    return found, len(members)


def _is_alias(member: HloInstruction) -> bool:
    return member.opcode in _ALIASES or member.opcode.endswith("-done")


def _size(member: HloInstruction) -> int | None:
    if _is_alias(member) or member.opcode in _STATIC:
        return None
    shape = parse_shape(member.shape)
    return shape.bytes if shape is not None else None


def live_bytes(found: list[Life], steps: int) -> list[int]:
    """Bytes alive at each step."""
    change = [0] * (steps + 1)
    for life in found:
        change[life.start] += life.size
        change[life.stop + 1] -= life.size
    total, result = 0, []
    for step in range(steps):
        total += change[step]
        result.append(total)
    return result
