"""View ``equations``: the equations of jaxprs, with the time of the instructions that came of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xlascope.ir import HloModule, JaxprIndex
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import BASELINE, variant_name, variant_record
from xlascope.views.provenance.attribution import Share, attribute
from xlascope.views.provenance.eager import PATH, calling_lines, eager_programs, eager_times
from xlascope.views.provenance.guesses import Guesses
from xlascope.views.provenance.instructions import as_one_says
from xlascope.views.provenance.origins import NOTHING, Provenance, provenance
from xlascope.views.provenance.positions import is_library, user_places
from xlascope.views.sources.source import RunSource
from xlascope.views.sources.stages import hlo_module, jaxpr_index, stage_key
from xlascope.views.times.heat import ranking
from xlascope.views.times.observations import observation, program_of
from xlascope.views.variants import equation_times

_NOTES = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One equation. ``self_ns`` = ``exact_ns`` + ``estimated_ns``, without what lies inside of it; sums over all calls
    and devices in the windows, None where nothing was seen.

    ``instructions``: all that came of it; where that is guessed, the likeliest, and ``instructions_left_off`` how many
    more may have (`provenance/guesses.py`). With none ``state`` is ``folded``: XLA folded it into something else
    or merged it, which is not 0 ns; ``unknown``: the optimized HLO is not held; ``alone``: dispatched by itself, jit
    off; ``eager``: no function of the user holds it; ``rest``: no equation (its path is empty), but the time of ops
    that have none, so that all rows add up to that of all ops. ``total_ns``: with what lies inside. ``estimated``: a
    part of that is split or guessed, be it 0. ``user_file`` and ``user_line``: the user's own line, that of the
    equation around it where it has none; ``library_file`` and ``library_line``: the innermost place in an installed
    package; ``text_line``: its line (from 1) in the jaxpr. ``xla_file`` and ``xla_line``: the place that XLA's metadata
    names for most of the instructions that are its alone. It differs from ``file`` and ``line``, where the equation was
    traced, where JAX lowered once what several call sites share (`random_split`): XLA names the first of them.
    ``inferred``: those of ``instructions`` that no tag links to it, but the flow of data does.
    """

    program: str | None
    path: str
    parent: str | None
    primitive: str
    file: str | None
    line: int | None
    self_ns: int | None
    exact_ns: int | None
    estimated_ns: int | None
    instructions: tuple[str, ...]
    total_ns: int | None
    share: float | None
    state: str
    estimated: bool = False
    user_file: str | None = None
    user_line: int | None = None
    library_file: str | None = None
    library_line: int | None = None
    text_line: int | None = None
    xla_file: str | None = None
    xla_line: int | None = None
    instructions_left_off: int = 0
    inferred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Equations:
    """Programs hottest first, equations in the order of the jaxpr, then eager primitives that were seen to run, each an
    equation of a program of its own. ``op_ns``: time of all ops, as in the view ``ops``.

    ``equation_coverage``: the part of it that has an equation. ``equations_exact``: instructions are linked by tags.
    ``notes``: why nothing is known of the equations in some loops, and what to do.
    """

    rows: tuple[Row, ...]
    program: str | None
    variant: str | None
    op_ns: int | None
    equation_coverage: float | None
    equations_exact: bool
    notes: tuple[str, ...] = ()

    @property
    def exact_share(self) -> float | None:
        """The exact part of the op time that has an equation; None when nothing was seen."""
        own = [row for row in self.rows if row.state != "rest"]
        exact = sum(row.exact_ns or 0 for row in own)
        every = exact + sum(row.estimated_ns or 0 for row in own)
        return exact / every if every else None


def is_estimated(row: Row, exact: bool) -> bool:
    """Whether its self time is an estimate; ``exact``: as the answer's ``equations_exact``.

    Of one that shares an instruction, and got nothing of its time, no time is known for sure either.
    """
    sure = exact or row.state in ("eager", "alone")
    return not sure or bool(row.estimated_ns) or (row.estimated and not row.self_ns)


def query(source: RunSource, program: str | None = None, variant: str | None = None) -> Equations:
    """Of all programs or of one, as the script ran it or as a variant did."""
    which = None
    if program is not None or variant is not None:
        names = [choose(source, program)]
        alone = _alone(source, names[0], variant)
        if alone is not None:
            return alone
        which = observation(source, names[0], variant).variant
    else:
        names = list(ranking(source))
    rows: list[Row] = []
    origins: list[Provenance] = []
    notes: list[str] = []
    total = covered = 0
    alone_ns = {n: ops for n, ops in eager_times(source).items() if program is None or n == names[0]}
    for name in names:
        origin = provenance(source, name, which)
        times = _times(source, name, variant)
        found, shares = _rows(source, name, which, origin, times)
        rows += found
        notes += _as_one(source, name, which, found, times)
        origins += [origin] if origin.equations else []
        total += sum(times.values())
        linked = sum(each.exact_ns + each.estimated_ns for each in shares.values())
        covered += linked
        if name not in alone_ns:
            without = [op for op in times if not found or not origin.paths(op)]
            rows += _rest(name, sum(times.values()) - linked, sum(times.values()), without)
    for name, ops in alone_ns.items() if which is None else ():
        rows.append(_eager(source, name, ops))
        total += 0 if name in names else sum(ops.values())
        covered += sum(ops.values())
    if program is None and variant is None:
        for other, times in _other_times(source, {*names, *alone_ns}).items():
            rows += _rest(other, sum(times.values()), sum(times.values()), list(times))
            total += sum(times.values())
    return Equations(
        rows=tuple(rows),
        program=names[0] if program is not None or variant is not None else None,
        variant=which,
        op_ns=total or None,
        equation_coverage=covered / total if total else None,
        equations_exact=bool(origins) and all(origin.exact for origin in origins),
        notes=tuple(notes[:_NOTES]),
    )


def _as_one(
    source: RunSource, program: str, variant: str | None, rows: list[Row], times: Mapping[str, int]
) -> list[str]:
    """Of the loops that are executed as one operation, those with equations of which nothing is known for that."""
    module = hlo_module(source, program, "optimized", variant) if times else None
    if module is None:
        return []
    unknown = {row.parent for row in rows if row.self_ns is None and row.parent is not None}
    made_of = {name for row in rows if row.path in unknown for name in row.instructions}
    called = {name: module.get(name) for name in times}
    return [
        as_one_says(name, program)
        for name, each in called.items()
        if each is not None and each.runs_as_one and name in made_of
    ]


def _eager(source: RunSource, program: str, ops: Mapping[str, int]) -> Row:
    """The one equation of an eager primitive."""
    file, line = calling_lines(source).get(program, (None, None))
    time = sum(ops.values())
    return Row(
        program=program, path=PATH, parent=None, primitive=eager_programs(source)[program], file=file, line=line,
        self_ns=time, exact_ns=time, estimated_ns=0, instructions=tuple(ops), total_ns=time,
        share=1.0 if time else None, state="eager", user_file=file, user_line=line,
    )  # fmt: skip


def _rest(program: str | None, ns: int, of: int, ops: list[str]) -> list[Row]:
    """The row of what has no equation; none when nothing is left."""
    if not ns:
        return []
    return [
        Row(
            program=program, path="", parent=None, primitive="", file=None, line=None, self_ns=ns, exact_ns=ns,
            estimated_ns=0, instructions=tuple(ops), total_ns=ns, share=ns / of, state="rest",
        )
    ]  # fmt: skip


def _other_times(source: RunSource, known: set[str]) -> dict[str | None, dict[str, int]]:
    """Self time by op of modules (program None) that were not captured, and of programs whose jaxpr is not held."""
    seen = observation(source, None, None)
    found: dict[str | None, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in seen.times.rows:
        program = program_of(source, seen, row.program_id, row.module)
        if program not in known:
            found[program][row.op] += row.self_ns
    return found


def _alone(source: RunSource, program: str, variant: str | None) -> Equations | None:
    """With jit off each top-level equation was dispatched by itself: times of one call; else None."""
    name = variant_name(source, program, variant)
    if name is None or name == BASELINE or variant is None:
        return None
    told = equation_times(variant_record(source, program, variant).json.get("equation_ns"))
    jaxpr = jaxpr_index(source, program)
    if not told or jaxpr is None:
        return None
    times = {each.path: each.ns for each in told}
    total, common = sum(times.values()), _known(program, jaxpr)
    rows = [
        Row(
            self_ns=times.get(equation.path),
            exact_ns=times.get(equation.path),
            estimated_ns=0 if equation.path in times else None,
            instructions=(),
            total_ns=times.get(equation.path),
            share=times[equation.path] / total if total and equation.path in times else None,
            state="alone" if equation.path in times else "unknown",
            **common[equation.path],
        )
        for equation in jaxpr.equations
    ]
    return Equations(tuple(rows), program, name, total, 1.0 if total else None, True)


def _times(source: RunSource, program: str, variant: str | None) -> dict[str, int]:
    """Self time by op."""
    times: dict[str, int] = defaultdict(int)
    for row in observation(source, program, variant).times.rows:
        times[row.op] += row.self_ns
    return dict(times)


def _rows(
    source: RunSource, program: str, variant: str | None, origin: Provenance, times: dict[str, int]
) -> tuple[list[Row], dict[str, Share]]:
    jaxpr, module = jaxpr_index(source, program), hlo_module(source, program, "optimized", variant)
    if jaxpr is None:
        return [], {}
    shares = attribute(times, module, origin, _primitives(jaxpr)) if module is not None else {}
    names = _instructions(origin)
    inside: dict[str, int] = defaultdict(int)
    split: set[str] = set()
    for path, share in shares.items():
        for around in (path, *jaxpr.ancestors(path)):
            inside[around] += share.exact_ns + share.estimated_ns
            if share.estimated_ns or not share.exact_ns:
                split.add(around)
    total, common = sum(times.values()), _known(program, jaxpr)
    named = _named_by_xla(source, program, variant, module, origin) if module is not None else {}
    guesses = Guesses(origin, jaxpr)
    rows = []
    for equation in jaxpr.equations:
        xla_file, xla_line = named.get(equation.path, (None, None))
        mine = shares.get(equation.path)
        known = mine is not None and bool(times)
        own = mine.exact_ns + mine.estimated_ns if mine is not None and known else None
        told, left_off = guesses.of_equation(names.get(equation.path, ()))
        rows.append(
            Row(
                self_ns=own,
                exact_ns=mine.exact_ns if mine is not None and known else None,
                estimated_ns=mine.estimated_ns if mine is not None and known else None,
                instructions=told,
                instructions_left_off=left_off,
                inferred=tuple(name for name in told if equation.path in origin.inferred.get(name, ())),
                total_ns=inside.get(equation.path) if times else None,
                share=inside[equation.path] / total if total and equation.path in inside else None,
                state=_state(names.get(equation.path, ()), equation.path, origin, inside),
                estimated=equation.path in split,
                xla_file=xla_file,
                xla_line=xla_line,
                **common[equation.path],
            )
        )
    return rows, shares


def _primitives(jaxpr: JaxprIndex) -> dict[str, str]:
    return {equation.path: equation.primitive for equation in jaxpr.equations}


def _known(program: str, jaxpr: JaxprIndex) -> dict[str, dict[str, Any]]:
    """What a row says of each equation whatever was measured, by path.

    Where it comes from is the user's own line, a library's, and the line of the jaxpr's text.
    """
    own = user_places(jaxpr.equations)
    found = {}
    for equation in jaxpr.equations:
        place = (equation.file, equation.line) if equation.file is not None and equation.line is not None else None
        inside_library = place is None or is_library(place[0])
        mine = own[equation.path]
        library = equation.library or (place if place is not None and place != mine and inside_library else None)
        found[equation.path] = {
            "program": program, "path": equation.path, "parent": equation.parent, "primitive": equation.primitive,
            "file": equation.file, "line": equation.line,
            "user_file": mine[0] if mine else None, "user_line": mine[1] if mine else None,
            "library_file": library[0] if library else None, "library_line": library[1] if library else None,
            "text_line": equation.text_line,
        }  # fmt: skip
    return found


def _named_by_xla(
    source: RunSource, program: str, variant: str | None, module: HloModule, origin: Provenance
) -> Mapping[str, tuple[str | None, int | None]]:
    """By equation, the innermost frame that XLA's metadata has most often, of instructions of that equation alone."""

    def read() -> dict[str, tuple[str | None, int | None]]:
        seen: dict[str, Counter[tuple[str | None, int | None]]] = defaultdict(Counter)
        for name, paths in origin.equations.items():
            instruction = module.get(name) if len(paths) == 1 and name not in origin.inferred else None
            if instruction is not None and (stack := instruction.stack):
                seen[paths[0]][stack[0].file, stack[0].line] += 1
        return {path: places.most_common(1)[0][0] for path, places in seen.items()}

    key = ("named by XLA", stage_key(source, program, "optimized", variant), origin.key)
    return source.large.get_or(key, read)


def _instructions(origin: Provenance) -> dict[str, tuple[str, ...]]:
    """The instructions of each equation, fusions after their members' own names in the order of the text.

    Equations of the same instructions share one tuple, as those instructions share theirs: of a program without tags
    each layer of many equal ones may be each instruction of all of them.
    """
    at_once: dict[int, tuple[tuple[str, ...], list[tuple[int, str]]]] = {}
    for place, (name, paths) in enumerate(origin.equations.items()):
        at_once.setdefault(id(paths), (paths, []))[1].append((place, name))
    groups: dict[str, list[int]] = defaultdict(list)
    for group, (paths, _) in at_once.items():
        for path in paths:
            groups[path].append(group)
    made: dict[tuple[int, ...], tuple[str, ...]] = {}
    found: dict[str, tuple[str, ...]] = {}
    for path, of in groups.items():
        key = tuple(of)
        if key not in made:
            made[key] = tuple(name for _, name in sorted(pair for group in of for pair in at_once[group][1]))
        found[path] = made[key]
    return found


def _state(names: tuple[str, ...], path: str, origin: Provenance, inside: dict[str, int]) -> str:
    if names:
        return "present"
    if origin is NOTHING or not origin.equations:
        return "unknown"
    return "inside" if path in inside else "folded"
