"""Which equations an instruction comes from: exactly by its tags, else by source position and primitive."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from xlascope.graphs.equations import owners_of
from xlascope.ir import Equation, HloInstruction, HloModule, JaxprIndex
from xlascope.ir.provenance import module_paths, names_between, path_order
from xlascope.views.errors import ViewError
from xlascope.views.provenance.carried_values import handed_over
from xlascope.views.provenance.expanded import regions
from xlascope.views.provenance.flow import by_flow
from xlascope.views.provenance.inference import absorbed
from xlascope.views.provenance.values import Values
from xlascope.views.sources.source import RunSource
from xlascope.views.sources.stages import hlo_module, jaxpr_index, jaxpr_key, stage_key, tagged_module

# Scopes whose name is not that of their primitive.
_PRIMITIVES = {"while": ("scan", "while")}
# XLA made these of nothing that the program says: they name values, and are there in every module.
SOURCES = frozenset({"parameter", "constant"})

_Paths = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Equation paths by instruction name. ``exact``: from tags, and no guess.

    ``inferred``: by instruction name, those of its equations that no tag names, but the flow of data does (`flow.py`,
    `inference.py`).
    ``mismatch`` says where the tagged module and this one part: the links are then of what is the same in both.
    ``added`` are the instructions that XLA added itself, ``handed`` those that it did not although no equation names
    them; ``owners`` name the instruction that one without equations is there for.
    ``key`` identifies it for good.
    """

    equations: Mapping[str, tuple[str, ...]]
    added: frozenset[str]
    exact: bool
    owners: Mapping[str, str] = field(default_factory=dict)
    key: Hashable = None
    mismatch: str | None = None
    inferred: Mapping[str, frozenset[str]] = field(default_factory=dict)
    handed: frozenset[str] = frozenset()

    def paths(self, name: str) -> tuple[str, ...]:
        """The equations of an instruction; of one that XLA added, those of the instruction it is there for."""
        return self.equations.get(name) or self.equations.get(self.owners.get(name, ""), ())

    def is_guessed(self, name: str, path: str) -> bool:
        """Is this equation of the instruction told by something else than a tag?"""
        return not self.exact or path in self.inferred.get(name, ())


NOTHING = Provenance({}, frozenset(), False)
# The record that holds the tagged form of a stage.
_TAGGED = {"optimized": "tagged", "hlo": "located"}


def provenance(source: RunSource, program: str, variant: str | None, stage: str = "optimized") -> Provenance:
    """Of an HLO stage of a program or of a variant of it: ``hlo`` (before optimization), ``pass:N``, ``optimized``.

    Where no tagged form of the stage is held, and its own text has no tags, links are guessed from source positions.
    """
    key = (
        "provenance", stage, stage_key(source, program, stage, variant), jaxpr_key(source, program),
        stage_key(source, program, _TAGGED[stage]) if variant is None and stage in _TAGGED else None,
        stage_key(source, program, "hlo"), stage_key(source, program, "located"),
    )  # fmt: skip

    def read() -> Provenance:
        module = hlo_module(source, program, stage, variant)
        if module is None:
            return NOTHING
        tagged = tagged_module(source, program, stage, variant)
        before = _before(source, program) if stage != "hlo" else None

        def brought() -> Mapping[str, tuple[str, ...]]:
            return regions(before, provenance(source, program, None, "hlo").equations) if before is not None else {}

        found = of_module(module, jaxpr_index(source, program), tagged, brought, _values(source, program))
        # Before optimization nothing is XLA's own.
        handed = frozenset(module.names) if stage == "hlo" else handed_over(module)
        return replace(found, key=key, added=found.added - handed, handed=handed)

    return source.large.get_or(key, read)


def _values(source: RunSource, program: str) -> Values | None:
    index = jaxpr_index(source, program)
    key = "values", jaxpr_key(source, program)
    return source.large.get_or(key, lambda: Values(index)) if index is not None else None


def _before(source: RunSource, program: str) -> HloModule | None:
    """The HLO before optimization, where it is held."""
    try:
        return hlo_module(source, program, "hlo")
    except ViewError:
        return None


def of_module(
    module: HloModule,
    jaxpr: JaxprIndex | None,
    tagged: HloModule | None = None,
    brought: Callable[[], Mapping[str, tuple[str, ...]]] | None = None,
    values: Values | None = None,
) -> Provenance:
    """Equations of each instruction; a fusion has those of its members, which come after its own.

    ``tagged``: the same module compiled with tagged equations; without it tags are looked for in the module itself.
    ``brought``: the equations that brought a computation which instructions apply, by its name before optimization.
    ``values``: those of the jaxpr, where others ask for them too.
    """
    known = {equation.path for equation in jaxpr.equations} if jaxpr is not None else None
    names, mismatch = names_between(tagged, module) if tagged is not None else ({}, None)
    own: dict[str, tuple[str, ...]]
    own = {names.get(name, name): paths for name, paths in module_paths(tagged or module, known).items()
           if tagged is None or name in names}  # fmt: skip
    nothing = jaxpr is not None and not jaxpr.equations
    exact = (tagged is not None or bool(own) or nothing) and mismatch is None
    if not own and tagged is None and jaxpr is not None:
        own = _by_position(module, _Positions(jaxpr))
    inferred: dict[str, frozenset[str]] = {}
    if exact:
        values = values or (Values(jaxpr) if jaxpr is not None else None)
        flowing = by_flow(module, own, values, brought)
        inferred |= {name: frozenset(paths) for name, paths in flowing.items()}
        own = own | flowing
        if values is not None:
            for name, paths in absorbed(module, values, own).items():
                own[name] = tuple(sorted({*own[name], *paths}, key=path_order))
                inferred[name] = inferred.get(name, frozenset()) | set(paths)
    equations = _with_members(module, own)
    if inferred:
        inferred |= _told_by_inferred(module, own, equations, inferred)
    every = zip(module.names, module.opcodes, strict=True)
    added = {name for name, opcode in every if opcode not in SOURCES and name not in equations}
    if not exact:
        added = {each.name for each in module.instructions() if each.name in added and each.op_name is None}
    # All that has no equation has an owner, be it added by XLA or a part of the program that was not matched.
    owners = owners_of(module, equations)
    return Provenance(equations, frozenset(added), exact, owners, None, mismatch, inferred)


def _by_position(module: HloModule, index: _Positions) -> dict[str, tuple[str, ...]]:
    found = {}
    for instruction in module.instructions():
        if instruction.op_name is not None and (paths := index.find(instruction, instruction.op_name)):
            found[instruction.name] = paths
    return found


def _with_members(module: HloModule, own: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    found = dict(own)
    united = _Unions()
    # A fusion inside of a fusion is written before the one that holds it, so that its members are complete.
    for fusion in module.of_opcode("fusion"):
        inner = [found[name] for name in _members(module, fusion) if name in found]
        if inner:
            found[fusion.name] = united.of([own.get(fusion.name, ()), *inner])
    return found


def _members(module: HloModule, fusion: HloInstruction) -> list[str]:
    """Names of what a fusion holds, parameters and constants left out."""
    bodies = [module.computation(name) for name in fusion.called.get("calls", ())]
    return [
        name
        for body in bodies
        if body is not None
        for name, opcode in zip(body.names, body.opcodes, strict=True)
        if opcode not in SOURCES
    ]


def _told_by_inferred(
    module: HloModule,
    own: Mapping[str, _Paths],
    equations: Mapping[str, _Paths],
    inferred: Mapping[str, frozenset[str]],
) -> dict[str, frozenset[str]]:
    """The equations that fusions have only by what is ``inferred`` of them and of their members."""
    by_tag: dict[str, set[str]] = {}
    for fusion in module.of_opcode("fusion"):
        members = _members(module, fusion)
        if fusion.name not in inferred and not any(name in inferred or name in by_tag for name in members):
            continue
        tagged = set(own.get(fusion.name, ())) - inferred.get(fusion.name, frozenset())
        for name in members:
            told = by_tag.get(name)
            if told is None:
                told = set(equations.get(name, ())) - inferred.get(name, frozenset())
            tagged |= told
        by_tag[fusion.name] = tagged
    found = {name: frozenset(equations.get(name, ())) - paths for name, paths in by_tag.items()}
    return {name: paths for name, paths in found.items() if paths}


class _Unions:
    """Sorted unions of tuples of paths. The same ones are worked out once and are one object.

    Of a program without tags each layer of many equal ones has the equations of all of them: without sharing that is
    the square of the program.
    """

    def __init__(self) -> None:
        self._of_same: dict[tuple[int, ...], tuple[str, ...]] = {}
        self._parts: list[Sequence[tuple[str, ...]]] = []
        self._orders = _Orders()

    def of(self, parts: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        """All paths of the parts once, in the order of the jaxpr's text."""
        distinct = {id(part): part for part in parts if part}
        key = tuple(sorted(distinct))
        made = self._of_same.get(key)
        if made is None:
            whole = set[str]().union(*distinct.values())
            made = self._of_same[key] = tuple(sorted(whole, key=self._orders.__getitem__))
            self._parts.append(parts)  # alive, so that no other object takes the identity of one of them
        return made


class _Orders(dict[str, tuple[int, ...]]):
    """Where paths stand in the order of the jaxpr's text."""

    def __missing__(self, path: str) -> tuple[int, ...]:
        self[path] = path_order(path)
        return self[path]


class _Positions:
    """Equations by primitive and source line. Several equations of one line and primitive cannot be told apart."""

    def __init__(self, jaxpr: JaxprIndex) -> None:
        self._exact: dict[tuple[str, str | None, int | None], list[Equation]] = {}
        for equation in jaxpr.equations:
            self._exact.setdefault((equation.primitive, equation.file, equation.line), []).append(equation)
        self._found: dict[tuple[str, tuple[tuple[str | None, int | None], ...]], tuple[str, ...]] = {}

    def find(self, instruction: HloInstruction, op_name: str) -> tuple[str, ...]:
        """The equations at an instruction's place; instructions of one name and place share one tuple."""
        key = op_name, tuple((frame.file, frame.line) for frame in instruction.stack)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._find(*key)
        return found

    def _find(self, op_name: str, places: Sequence[tuple[str | None, int | None]]) -> tuple[str, ...]:
        paths: list[str] = []
        for name in op_name.split(";"):
            # What a loop needs for itself (its counter) belongs to the loop: from the innermost scope outwards.
            for scope in reversed(name.split("/")):
                found = self._at(scope.partition("[")[0], places)
                if found:
                    paths.extend(equation.path for equation in found)
                    break
        return tuple(sorted(set(paths), key=path_order))

    def _at(self, scope: str, places: Sequence[tuple[str | None, int | None]]) -> list[Equation]:
        for primitive in _PRIMITIVES.get(scope, (scope,)):
            for file, line in places:
                found = self._exact.get((primitive, file, line))
                if found:
                    return found
        return []
