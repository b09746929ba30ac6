"""The module that XLA's partitioner got, among the passes that a source holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xlascope.ir import HloModule, parse_hlo
from xlascope.ir.passes.names import Step
from xlascope.ir.scan import whole_number
from xlascope.views.compiler.pass_store import pass_sequence, snapshot_text
from xlascope.views.provenance.origins import Provenance, of_module, provenance
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.sources.stages import hlo_module

# Passes that give every instruction its sharding, and those that cut the module by them, as backends name them.
_PROPAGATION = ("shardy-xla", "sharding-propagation")
_PARTITIONING = ("spmd-partitioning", "tpu-spmd-partitioning", "stateful_rng_spmd_partitioner")


@dataclass(frozen=True, slots=True)
class Partitioned:
    """``module``: whole shapes with ``sharding=``; ``after``: the optimized module of each device, None if not held."""

    module: HloModule
    origin: Provenance
    after: HloModule | None
    after_origin: Provenance | None
    devices: int


def partitioned(source: Source, program: str, variant: str | None) -> Partitioned | None:
    """None when no pass is held, or when nothing was partitioned."""
    sequence = pass_sequence(source, program, variant)
    if sequence is None:
        return None
    steps = [snapshot.step for snapshot in sequence.snapshots]
    place = before_partitioning(steps)
    if place is None:
        return None
    index = steps[place].index
    after = hlo_module(source, program, "optimized", variant)
    if isinstance(source, RunSource):
        stage = f"pass:{index}"
        module = hlo_module(source, program, stage, variant)
        if module is None:
            return None
        origin = provenance(source, program, variant, stage)
        after_origin = provenance(source, program, variant) if after is not None else None
    else:
        module = parse_hlo(snapshot_text(sequence, place))
        origin = of_module(module, None)
        after_origin = of_module(after, None) if after is not None else None
    count = _partitions(module) or (_partitions(after) if after is not None else None)
    return Partitioned(module, origin, after, after_origin, count) if count else None


def before_partitioning(steps: Sequence[Step]) -> int | None:
    """The place of the form that is cut next. Pipelines inside of the partitioning come between it and its result."""
    cut = next((at for at, step in enumerate(steps) if step.name in _PARTITIONING), len(steps))
    places = [
        at for at, step in enumerate(steps[:cut]) if step.before in _PARTITIONING or step.name in _PROPAGATION
    ]
    return places[-1] if places else None


def _partitions(module: HloModule) -> int | None:
    return whole_number(module.header.get("num_partitions", ""))
