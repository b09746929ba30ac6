"""Which module is which program of a profile: joined by XLA's number and by what instructions are called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from xlascope.traces import OpTimes, Problem, ProfileError, call_graph
from xlascope.views.sources.dump import DumpModule, Proto

Key = tuple[int | None, str | None]
"""A program as the rows of op times name it: XLA's number and the module's name."""

_FITS = 0.9
"""Share of a program's ops that a module has to hold to be that program's, where the profile has no HLO of its own."""


@dataclass(frozen=True, slots=True)
class Executed:
    """``modules``: those with times, the hottest first, then those that are only held. ``of``: module id by program."""

    modules: tuple[DumpModule, ...]
    of: Mapping[Key, str]
    problems: tuple[Problem, ...] = ()

    def keys(self, module: str) -> frozenset[Key]:
        """The programs that are this module."""
        return frozenset(key for key, name in self.of.items() if name == module)


def executed(
    times: OpTimes,
    protos: Mapping[int, bytes],
    dump: tuple[DumpModule, ...],
    names: Callable[[DumpModule], frozenset[str] | None],
    where: str = "",
) -> Executed:
    """Join the programs of a profile with its own HLO (``protos``) and with the modules of a dump.

    ``where`` names the profile in messages. ``names`` gives what the instructions of a module's optimized HLO are
    called, None where that is not held.
    """
    ops: dict[Key, set[str]] = {(each.program_id, each.module): set() for each in times.rows}
    for call in times.calls:
        ops.setdefault((call.program_id, call.module), set())
    for row in times.rows:
        ops[row.program_id, row.module].add(row.op)
    own = {
        number: DumpModule(f"{name}#{number}", name, {"optimized": Proto(f"{where}: {name}#{number}", data)}, number)
        for number, data in protos.items()
        if (name := _module_name(data)) is not None
    }
    of: dict[Key, str] = {}
    found: dict[str, DumpModule] = {}
    problems: list[Problem] = []
    for key, seen in ops.items():
        if key == (None, None):
            continue
        proto = own.get(key[0]) if key[0] is not None else None
        name = key[1] or (proto.name if proto is not None else None) or "unnamed"
        held = names(proto) if proto is not None and any(each.name == name for each in dump) else None
        module, problem = _of_dump(key[0], name, seen, held, dump, names)
        problems += [problem] if problem is not None else []
        if module is None:
            module = proto or DumpModule(name if key[0] is None else f"{name}#{key[0]}", name, {}, key[0])
        elif proto is not None and "optimized" not in module.stages:
            module = replace(module, stages={**module.stages, **proto.stages})
        of[key] = module.id
        found.setdefault(module.id, module)
    numbers = {each.number for each in found.values()}
    rest = [each for each in dump if each.id not in found]
    rest += [each for number, each in own.items() if number not in numbers and each.id not in found]
    for each in rest:
        found.setdefault(each.id, each)
    return Executed(tuple(found.values()), of, tuple(problems))


def _module_name(proto: bytes) -> str | None:
    try:
        return call_graph(proto).module or None
    except ProfileError:
        return None


def _of_dump(
    number: int | None,
    name: str,
    ops: set[str],
    own: frozenset[str] | None,
    dump: tuple[DumpModule, ...],
    names: Callable[[DumpModule], frozenset[str] | None],
) -> tuple[DumpModule | None, Problem | None]:
    """The module of the dump that a program is, or why it is none of those of its name.

    ``own``: what instructions are called in the HLO that the profile holds of it; None where it holds none.
    """
    mine = [each for each in dump if each.name == name]
    if not mine:
        return None, None
    fits: dict[str, float] = defaultdict(float)
    for each in mine:
        held = names(each)
        if held is None or not ops:
            fits[each.id] = 1.0 if each.number == number else 0.0
        else:
            fits[each.id] = len(ops & held) / len(ops)
    # An op of the HLO that ran is in that of each dump of the same compilation.
    least = 1.0 if own is not None and ops <= own else _FITS
    fitting = [each for each in mine if fits[each.id] >= least]
    numbered = [each for each in fitting if each.number == number and number is not None]
    if numbered or len(fitting) == 1:
        return (numbered or fitting)[0], None
    listed = ", ".join(each.id for each in mine[:5]) + (" …" if len(mine) > 5 else "")
    if fitting:
        return None, Problem("dump", f"{name} ({number}) may be any of {listed} of the dump: it is joined with none.")
    best = max(fits.values())
    text = f"{listed} of the dump has {best:.0%} of the ops of {name} ({number}): it is another compilation."
    return None, Problem("dump", text)
