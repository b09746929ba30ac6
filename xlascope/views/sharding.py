"""View ``sharding``: how each array of a program lies on the devices, what XLA chose, and why an array is whole.

Shardings of intermediates are those of the module as XLA's partitioner gets it: whole shapes, with the shardings that
propagation gave them. Without the passes of the compile only arguments and results are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xlascope.ir.sharding import mesh_in
from xlascope.ir.stablehlo import result_names
from xlascope.views import fields
from xlascope.views.collectives import mesh_of
from xlascope.views.devices import query as devices_view
from xlascope.views.errors import ViewError
from xlascope.views.memory import query as memory_view
from xlascope.views.names.program_choice import choose
from xlascope.views.names.program_records import program_records
from xlascope.views.names.variant_names import BASELINE, variant_name, variant_record
from xlascope.views.partitioning.arrays import Array, Given, of_module, of_record
from xlascope.views.partitioning.module import partitioned
from xlascope.views.partitioning.ranking import Ranking, Scale, newest, rank, scaling, spread
from xlascope.views.provenance.instructions import own_files
from xlascope.views.provenance.positions import Own
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.sources.stages import stage_text
from xlascope.views.variants import Variant
from xlascope.views.variants import query as variants_view


@dataclass(frozen=True, slots=True)
class Device:
    """What one device did in the variant's profile, and XLA's figure of the most memory it needs. None: unknown."""

    device: str
    simulated: bool
    busy_ns: int
    collective_ns: int
    calls: int | None
    peak_bytes: int | None


@dataclass(frozen=True, slots=True)
class Sharding:
    """``held``: whether the shardings of intermediates are known. ``mesh``: axes and sizes, outermost first.

    ``simulated``: CPU devices that share the machine's cores. ``ranking`` and ``scaling`` are of all variants of the
    program on several devices.
    """

    arrays: tuple[Array, ...]
    program: str
    variant: str | None
    held: bool
    mesh: dict[str, int] | None
    device_count: int | None
    simulated: bool | None
    notes: tuple[str, ...]
    devices: tuple[Device, ...]
    ranking: Ranking
    scaling: tuple[Scale, ...]


def query(source: Source, program: str | None = None, variant: str | None = None) -> Sharding:
    """Of a program (the hottest) as the script ran it, or of a variant of it."""
    name = choose(source, program)
    which = variant_name(source, name, variant)
    if not isinstance(source, RunSource):
        found = partitioned(source, name, None)
        mesh = mesh_in(found.module.text) if found is not None else None
        nothing = Given.nothing(found.devices if found is not None else None, mesh, _result_names(source, name))
        arrays = of_module(found, nothing, Own()) if found is not None else ()
        return Sharding(arrays, name, which, found is not None, dict(mesh) if mesh else None, nothing.devices, None,
                        (), (), Ranking((), None, False), ())
    given = _given(source, name, which)
    notes = []
    found = partitioned(source, name, which) if given.devices is None or given.devices > 1 else None
    arrays = of_module(found, given, own_files(source, name)) if found is not None else of_record(given)
    if given.devices == 1:
        notes.append("It runs on one device: every array lies whole on it.")
    elif found is None:
        notes.append("The passes of this compile are not held: only arguments and results are known.")
    rows = variants_view(source, program=name).rows
    several = [row for row in rows if spread(row)]
    return Sharding(
        arrays=arrays,
        program=name,
        variant=which,
        held=found is not None,
        mesh=dict(given.mesh) if given.mesh is not None else None,
        device_count=given.devices,
        simulated=given.simulated,
        notes=(*notes, *given.notes),
        devices=_devices(source, name, which, given),
        ranking=rank([row for row in several if row.device_count == _count(several, which)]),
        scaling=scaling(several, _baseline_peaks(source, name)),
    )


def _count(rows: list[Variant], which: str | None) -> int | None:
    """The number of devices whose variants are ranked: the variant's own, else the newest measurement's."""
    known = {row.variant: row.device_count for row in newest(rows)}
    return known.get(which or "", list(known.values())[-1] if known else None)


def _given(source: RunSource, program: str, variant: str | None) -> Given:
    """What the records say: mesh, specs, shapes."""
    record = program_records(source)[program].json
    mesh = mesh_of(source, program, variant)
    inputs, outputs = record.get("inputs"), record.get("outputs")
    own = fields.integer(record, "device_count")
    body = {}
    if variant is not None and variant != BASELINE:
        body = variant_record(source, program, variant).json
    count = fields.integer(body, "device_count") if body else own
    if mesh is None and count is not None and count > 1:
        mesh = mesh_of(source, program, None)
    if mesh is not None and count is not None and prod(size for _, size in mesh) != count:
        mesh = None
    platform = fields.text(record, "platform")
    return Given(
        inputs=tuple(each for each in inputs if isinstance(each, dict)) if isinstance(inputs, list) else (),
        outputs=tuple(each for each in outputs if isinstance(each, dict)) if isinstance(outputs, list) else (),
        mesh=mesh,
        devices=count,
        of_script=not body,
        simulated=fields.boolean(body, "simulated") if body else _simulated(platform, own),
        kept=_numbers(body.get("kept_inputs")) or _numbers(record.get("kept_inputs")),
        why=tuple(each if isinstance(each, str) else None for each in _list(body.get("input_why"))),
        input_shardings=fields.texts(body, "input_shardings"),
        output_shardings=fields.texts(body, "output_shardings"),
        notes=fields.texts(body, "notes"),
        peak_bytes=fields.integer(body, "peak_bytes"),
        result_names=_result_names(source, program),
    )


def _result_names(source: Source, program: str) -> tuple[str, ...]:
    text = stage_text(source, program, "stablehlo")
    return result_names(text.text) if text is not None else ()


def _simulated(platform: str | None, count: int | None) -> bool | None:
    return None if platform is None or count is None else platform == "cpu" and count > 1


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _numbers(value: object) -> tuple[int, ...]:
    found = [each for each in _list(value) if isinstance(each, int)]
    return tuple(found) if len(found) == len(_list(value)) else ()


def _devices(source: RunSource, program: str, variant: str | None, given: Given) -> tuple[Device, ...]:
    try:
        rows = devices_view(source, program, variant).rows
    except ViewError:
        return ()  # measured without a profile
    peak = given.peak_bytes if given.peak_bytes is not None else memory_view(source, program, variant).peak_bytes
    return tuple(Device(row.device, row.simulated, row.busy_ns, row.collective_ns, row.calls, peak) for row in rows)


def _baseline_peaks(source: RunSource, program: str) -> dict[str, int | None]:
    found = {}
    for record in source.records("variant", program):
        body = record.json
        found[str(body.get("id", record.id))] = fields.integer(body, "baseline_peak_bytes")
    return found
