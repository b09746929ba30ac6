"""View ``collectives``: what the devices exchange, among whom, for which equation, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xlascope.ir import Collective, JaxprIndex, collectives
from xlascope.views import fields
from xlascope.views.errors import ViewError
from xlascope.views.names.program_choice import choose
from xlascope.views.names.program_records import program_records
from xlascope.views.names.variant_names import BASELINE, variant_name, variant_record
from xlascope.views.partitioning.exchanges import equations_of, mesh_axes, read_mesh
from xlascope.views.provenance.instructions import own_files
from xlascope.views.provenance.origins import Provenance, of_module, provenance
from xlascope.views.provenance.positions import Own, position
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.sources.stages import hlo_module, jaxpr_index
from xlascope.views.times.observations import Observation, observation


@dataclass(frozen=True, slots=True)
class Row:
    """One collective on one device; without a profile once, ``device`` and ``time_ns`` None.

    ``bytes``: what one device holds of it, the larger of operands and result. ``groups``: device ids that exchange,
    None for all together. ``time_ns``: total over the ``count`` executions seen, start and done together.
    A combined one has several ``equations``, of which ``equation`` is the first; ``lines`` are those of its equations,
    (file, line), and ``line`` is its own. ``added_by_xla``: the partitioner put it in. ``mesh_axes`` is None where no
    mesh is known. What the partitioner put in has the equations and the line of the instruction that it is there for,
    where it has none of its own.
    """

    kind: str
    instruction: str
    equation: str | None
    file: str | None
    line: int | None
    bytes: int | None
    groups: tuple[tuple[int, ...], ...] | None
    mesh_axes: tuple[str, ...] | None
    time_ns: int | None
    device: str | None
    count: int | None
    added_by_xla: bool
    is_async: bool
    equations: tuple[str, ...]
    lines: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Collectives:
    """In the order of the program's text. ``held`` is false when the optimized HLO is not held, so nothing is known."""

    rows: tuple[Row, ...]
    program: str
    variant: str | None
    held: bool


def query(source: Source, program: str | None = None, variant: str | None = None) -> Collectives:
    """Of a program (the hottest) as the script ran it, or of a variant of it."""
    name = choose(source, program)
    which = variant_name(source, name, variant)
    module = hlo_module(source, name, "optimized", which)
    if module is None:
        return Collectives((), name, which, False)
    exchanged = collectives(module)
    if not exchanged:
        return Collectives((), name, which, True)
    if isinstance(source, RunSource):
        origin, seen = provenance(source, name, which), _seen(source, name, which)
        mesh = mesh_of(source, name, which)
        own, jaxpr = own_files(source, name), jaxpr_index(source, name)
    else:
        seen = _seen(source, name, None) if isinstance(source, ProfileSource) else None
        origin, mesh, own, jaxpr = of_module(module, None), None, Own(), None
    rows = []
    for found in exchanged:
        start, inner = module.get(found.instruction), module.get(found.inner)
        named = inner if start is not None and not start.stack else start
        file, line = position(named, own) if named is not None else (None, None)
        equations = equations_of(found, module, origin)
        lines = _lines(jaxpr, equations)
        if line is None and lines:
            file, line = lines[0]  # XLA calls what it adds after an argument, at no line
        for device, time_ns, count in _times(found, seen):
            rows.append(_row(found, origin, mesh, (file, line), (device, time_ns, count), lines, equations))
    return Collectives(tuple(rows), name, which, True)


def _row(
    found: Collective,
    origin: Provenance,
    mesh: tuple[tuple[str, int], ...] | None,
    place: tuple[str | None, int | None],
    timed: tuple[str | None, int | None, int | None],
    lines: tuple[tuple[str, int], ...],
    equations: tuple[str, ...],
) -> Row:
    return Row(
        kind=found.kind,
        instruction=found.instruction,
        equation=next(iter(equations), None),
        file=place[0],
        line=place[1],
        bytes=found.bytes,
        groups=found.groups,
        mesh_axes=mesh_axes(found.groups, mesh, found.kind),
        time_ns=timed[1],
        device=timed[0],
        count=timed[2],
        added_by_xla=found.instruction in origin.added,
        is_async=found.is_async,
        equations=equations,
        lines=lines,
    )


def _lines(jaxpr: JaxprIndex | None, paths: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """The lines of some equations, each once."""
    known = [jaxpr.by_path[path] for path in paths if path in jaxpr.by_path] if jaxpr is not None else []
    places = ((each.file, each.line) for each in known)
    return tuple(dict.fromkeys((file, line) for file, line in places if file is not None and line is not None))


def _seen(source: Source, program: str, variant: str | None) -> Observation | None:
    try:
        return observation(source, program, variant)
    except ViewError:
        return None  # a variant that was measured without a profile: the collectives are known, their times are not


def _times(found: Collective, seen: Observation | None) -> list[tuple[str | None, int | None, int | None]]:
    """(device, time, executions) of a collective on each device that ran it."""
    times: dict[str, list[int]] = {}
    for row in seen.times.rows if seen is not None else ():
        if row.op in (found.instruction, found.done):
            entry = times.setdefault(row.device, [0, 0])
            entry[0] += row.total_ns
            entry[1] = max(entry[1], row.count)
    rows = [(device, total, count) for device, (total, count) in sorted(times.items())]
    return [*rows] if rows else [(None, None, None)]


def mesh_of(source: RunSource, program: str, variant: str | None) -> tuple[tuple[str, int], ...] | None:
    """Axes and sizes of the mesh that a program, or a variant of it, runs on; None where there is none."""
    return read_mesh(_mesh(source, program, variant))


def _mesh(source: RunSource, program: str, variant: str | None) -> object:
    if variant is not None and variant != BASELINE:
        record = variant_record(source, program, variant)
        switches = fields.mapping(record.json, "switches") or {}
        return record.json.get("mesh") or switches.get("mesh")
    record_of = program_records(source).get(program)
    return record_of.json.get("mesh") if record_of is not None else None
