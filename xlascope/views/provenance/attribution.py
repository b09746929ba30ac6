"""Time of ops shared out among the equations they come from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass

from xlascope.ir import HloInstruction, HloModule, effort
from xlascope.views.provenance.inference import MOVING, working
from xlascope.views.provenance.origins import Provenance


@dataclass(slots=True)
class Share:
    """Nanoseconds of one equation: what is its alone, and its estimated part of ops that have several."""

    exact_ns: int = 0
    estimated_ns: int = 0


def attribute(
    times: Mapping[str, int], module: HloModule, origin: Provenance, primitives: Mapping[str, str]
) -> dict[str, Share]:
    """Self time by equation path, from self time by op. ``primitives``: by path.

    An op of one equation is that equation's. A fusion's time is split by the effort of its members (`ir/effort.py`:
    what such operations take beside each other), each member counting for its own equations. Of several equations of
    one instruction, those count that are lowered to its opcode (a product, not the transpose merged into it), else
    those that do more than move values. What XLA added counts for the equations it is there for. All that is split,
    attributed, inferred or rests on guessed equations is estimated. The parts of an op add up to its time.
    """
    found: dict[str, Share] = defaultdict(Share)
    alike: dict[Hashable, _Alike] = {}
    for name, ns in times.items():
        paths = origin.paths(name)
        if len(paths) == 1 and origin.exact and name in origin.equations and name not in origin.inferred:
            found[paths[0]].exact_ns += ns
        elif paths:
            same = alike.setdefault(_likeness(module, name, paths, origin), _Alike(name, paths))
            same.ns += ns
    for each in alike.values():
        for path, part in _split(each.ns, _weights(module, each.name, each.paths, origin, primitives)).items():
            found[path].estimated_ns += part
    return dict(found)


@dataclass(slots=True)
class _Alike:
    """Ops that are split alike: the first of them, their paths and the time of all."""

    name: str
    paths: Collection[str]
    ns: int = 0


def _likeness(module: HloModule, name: str, paths: Collection[str], origin: Provenance) -> Hashable:
    """The same for ops that are split alike: the many equal layers of a program without tags, which share their tuples.

    Tuples are told apart by identity: they are as long as the program, and `origin` or an `_Alike` keeps them.
    """
    instruction = module.get(name)
    if instruction is None or instruction.opcode != "fusion":
        return id(paths), instruction and instruction.opcode
    bodies = (module.computation(body) for body in instruction.called.get("calls", ()))
    members = (member for body in bodies if body is not None for member in body.instructions)
    return id(paths), *(
        (member.opcode, id(own), effort(member, module))
        for member in members
        if (own := origin.equations.get(member.name)) is not None
    )


def heaviest(
    module: HloModule, name: str, paths: Collection[str], origin: Provenance, primitives: Mapping[str, str]
) -> list[str]:
    """Those of ``paths`` that most of an instruction's work is for: one, or several that share it alike."""
    weights = _weights(module, name, paths, origin, primitives)
    most = max(weights.values(), default=0.0)
    return [path for path, weight in weights.items() if weight == most]


def _weights(
    module: HloModule, name: str, paths: Collection[str], origin: Provenance, primitives: Mapping[str, str]
) -> dict[str, float]:
    """How much of an op's work is each equation's; equal parts where nothing is known of its members."""
    weights = dict.fromkeys(paths, 0.0)
    instruction = module.get(name)
    if instruction is not None and instruction.opcode == "fusion":
        for body in instruction.called.get("calls", ()):
            computation = module.computation(body)
            for member in computation.instructions if computation is not None else ():
                own = [path for path in origin.equations.get(member.name, ()) if path in weights]
                if is_lent(member, own, primitives):
                    continue
                counting = working(member.opcode, own, primitives)
                part = effort(member, module) / len(counting) if counting else 0.0
                for path in counting:
                    weights[path] += part
    elif instruction is not None:
        for path in working(instruction.opcode, paths, primitives):
            weights[path] = 1.0
    # One that has no member with work (a broadcast, a reshape) is there all the same.
    return weights if sum(weights.values()) > 0 else dict.fromkeys(weights, 1.0)


def is_lent(member: HloInstruction, paths: Collection[str], primitives: Mapping[str, str]) -> bool:
    """Is it a literal that is not of the program's own making?

    What several equations read is kept once and bears the name of the first of them, or of a call that holds them.
    """
    if member.opcode == "broadcast":
        spread = member.operand_instructions()
        if len(spread) != 1 or spread[0] is None or spread[0].opcode != "constant":
            return False
    elif member.opcode != "constant":
        return False
    return not any(primitives.get(path) in MOVING for path in paths)


def _split(ns: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Whole nanoseconds in proportion to the weights, that add up to ``ns``."""
    total = sum(weights.values())
    parts, upto, given = {}, 0.0, 0
    for path, weight in weights.items():
        upto += weight
        reached = round(ns * upto / total)
        parts[path] = reached - given
        given = reached
    return parts
