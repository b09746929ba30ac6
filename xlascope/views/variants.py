"""View ``variants``: what was measured of a program, each switch against its baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from xlascope.ir import HloModule, collectives, fusion_summary, parse_hlo
from xlascope.runfile import Record
from xlascope.stats import opposed
from xlascope.views import fields
from xlascope.views.compiler.prediction import memory_fit, predict
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import id_of, name_of
from xlascope.views.partitioning.exchanges import Exchange, exchanges
from xlascope.views.provenance.origins import NOTHING, Provenance, of_module
from xlascope.views.sources.source import RunSource
from xlascope.views.sources.stages import jaxpr_index, jaxpr_key
from xlascope.views.times.heat import ranking

_JUDGED = ("ratio_ci_low", "ratio_ci_high", "baseline_median_ns", "median_ns")


@dataclass(frozen=True, slots=True)
class EquationTime:
    """Time of one top-level equation dispatched by itself (jit off), synchronised after it."""

    path: str
    ns: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One measurement. Times are for one call; ``ratio`` is variant ÷ baseline, from neighbouring pairs.

    ``fusions_before`` and ``fusions_after`` count the fusions with two or more real members; ``kinds_before`` and
    ``kinds_after`` tell those of XLA by kind, ``library_fusions_…`` those handed to a library; ``fusions_left`` names
    all that the variant still has. ``simulated``: CPU devices that share the machine's cores.
    ``matches_script``: the baseline was the script's own module. ``sensitive``: correct variants may differ by much.
    ``max_ulp_error``: the largest difference of two outputs in units of the last place; ``first_different``: path of
    the first output that differs; ``mismatched``: elements finite on one side only. ``predicted_ns`` is no measurement:
    ``prediction`` tells its source; ``memory``: what the program needs on the ``target``, and has.
    ``total_synced_ns``: with jit off, the call with a synchronisation after each equation; ``whole_equation``: the only
    one's primitive, where it is dispatched as one program without jit too.
    """

    id: str
    variant: str
    switches: dict[str, Any]
    place: str | None
    args: str | None
    median_ns: int | None
    ci_low_ns: int | None
    ci_high_ns: int | None
    samples: int | None
    baseline_median_ns: int | None
    ratio: float | None
    ratio_ci_low: float | None
    ratio_ci_high: float | None
    verdict: str | None
    fusions_before: int | None
    fusions_after: int | None
    max_abs_error: float | None
    compile_ns: int | None
    peak_bytes: int | None
    predicted_ns: int | None
    collectives: tuple[Exchange, ...] | None
    baseline_ci_low_ns: int | None
    baseline_ci_high_ns: int | None
    baseline_compile_ns: int | None
    max_rel_error: float | None
    sensitive: bool | None
    device_count: int | None
    simulated: bool | None
    matches_script: bool | None
    fusions_left: tuple[str, ...] | None
    kinds_before: dict[str, int] | None
    kinds_after: dict[str, int] | None
    library_fusions_before: int | None
    library_fusions_after: int | None
    equation_ns: tuple[EquationTime, ...] | None
    total_synced_ns: int | None
    notes: tuple[str, ...]
    requested_ns: int | None
    changes: Changes
    max_ulp_error: int | None
    first_different: str | None
    mismatched: int | None
    target: str | None
    memory: dict[str, Any] | None
    prediction: dict[str, Any] | None
    whole_equation: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """``before`` in the baseline, ``after`` in the variant; None: not known."""

    before: int | None
    after: int | None

    @property
    def differ(self) -> bool:
        """Whether both are known and not the same."""
        return self.before is not None and self.after is not None and self.before != self.after


@dataclass(frozen=True, slots=True)
class Changes:
    """What a variant's optimized module has, against its baseline's: all computations, insides of fusions included.

    ``fusions``: of two or more real members; ``nan`` and ``infinite``: elements of the outputs.
    """

    instructions: Counts
    fusions: Counts
    collectives: Counts
    copies: Counts
    converts: Counts
    peak_bytes: Counts
    nan: Counts
    infinite: Counts


@dataclass(frozen=True, slots=True)
class Failed:
    """A measurement that could not be made."""

    variant: str | None
    switches: dict[str, Any]
    error: str | None
    advice: str | None


@dataclass(frozen=True, slots=True)
class Variants:
    """Oldest first."""

    rows: tuple[Variant, ...]
    program: str
    failed: tuple[Failed, ...]


def query(source: RunSource, program: str | None = None) -> Variants:
    """The variants of a program; without one, of the hottest that has any."""
    if program is None:
        measured = {record.program for record in source.records("variant")}
        program = next((name for name in ranking(source) if name in measured), None)
    name = choose(source, program)
    rows = tuple(_row(source, name, record) for record in source.records("variant", name))
    failed = tuple(
        Failed(
            record.variant or fields.text(record.json, "variant"),
            fields.mapping(record.json, "switches") or {},
            fields.text(record.json, "error"),
            fields.text(record.json, "advice"),
        )
        for record in source.records("failed", name)
    )
    return Variants(rows, name, failed)


def _row(source: RunSource, program: str, record: Record) -> Variant:
    return source.keep.get_or(
        ("variant", record.id, jaxpr_key(source, program)), lambda: _read(source, program, record)
    )


def _read(source: RunSource, program: str, record: Record) -> Variant:
    body = record.json
    before, after = _module(source, record, "baseline_optimized"), _module(source, record, "optimized")
    old = fusion_summary(before) if before is not None else None
    new = fusion_summary(after) if after is not None else None
    origin = of_module(after, jaxpr_index(source, program)) if after is not None else NOTHING
    foreseen = predict(body, after)
    return Variant(
        id=id_of(record),
        variant=name_of(record),
        switches=fields.mapping(body, "switches") or {},
        place=fields.text(body, "place"),
        args=fields.text(body, "args"),
        median_ns=fields.whole_ns(body, "median_ns"),
        ci_low_ns=fields.whole_ns(body, "ci_low_ns"),
        ci_high_ns=fields.whole_ns(body, "ci_high_ns"),
        samples=fields.integer(body, "samples"),
        baseline_median_ns=fields.whole_ns(body, "baseline_median_ns"),
        ratio=fields.number(body, "ratio"),
        ratio_ci_low=fields.number(body, "ratio_ci_low"),
        ratio_ci_high=fields.number(body, "ratio_ci_high"),
        verdict=_verdict(body),
        fusions_before=old.count if old is not None else None,
        fusions_after=new.count if new is not None else None,
        max_abs_error=fields.number(body, "max_abs_error"),
        compile_ns=fields.whole_ns(body, "compile_ns"),
        peak_bytes=fields.integer(body, "peak_bytes"),
        predicted_ns=foreseen.ns if foreseen is not None else None,
        collectives=_exchanges(after, origin),
        baseline_ci_low_ns=fields.whole_ns(body, "baseline_ci_low_ns"),
        baseline_ci_high_ns=fields.whole_ns(body, "baseline_ci_high_ns"),
        baseline_compile_ns=fields.whole_ns(body, "baseline_compile_ns"),
        max_rel_error=fields.number(body, "max_rel_error"),
        sensitive=fields.boolean(body, "sensitive"),
        device_count=fields.integer(body, "device_count"),
        simulated=fields.boolean(body, "simulated"),
        matches_script=fields.boolean(body, "matches_script"),
        fusions_left=new.names if new is not None else None,
        kinds_before=old.by_kind if old is not None else None,
        kinds_after=new.by_kind if new is not None else None,
        library_fusions_before=sum(old.library.values()) if old is not None else None,
        library_fusions_after=sum(new.library.values()) if new is not None else None,
        equation_ns=equation_times(body.get("equation_ns")),
        total_synced_ns=fields.whole_ns(body, "total_synced_ns"),
        notes=fields.texts(body, "notes"),
        requested_ns=fields.integer(body, "requested_ns"),
        changes=_changes(body, before, after),
        max_ulp_error=fields.integer(body, "max_ulp_error"),
        first_different=fields.text(body, "first_different"),
        mismatched=fields.integer(body, "mismatched"),
        target=fields.text(body, "target"),
        memory=memory_fit(body),
        prediction=foreseen.facts() if foreseen is not None else None,
        whole_equation=fields.text(body, "whole_equation"),
    )


def _verdict(body: Mapping[str, Any]) -> str | None:
    """As it was given, unless its own numbers deny it, which older files do not look at."""
    numbers = (fields.number(body, key) for key in _JUDGED)
    return "unclear" if opposed(*numbers) is not None else fields.text(body, "verdict")


def _changes(body: Mapping[str, Any], before: HloModule | None, after: HloModule | None) -> Changes:
    def counts(count: Callable[[HloModule], int]) -> Counts:
        return Counts(*(None if module is None else count(module) for module in (before, after)))

    def elements(name: str) -> Counts:
        found = body.get(name)
        two = found if isinstance(found, list) and len(found) == 2 else [None, None]
        return Counts(*(each if isinstance(each, int) and not isinstance(each, bool) else None for each in two))

    def of(*opcodes: str) -> Callable[[HloModule], int]:
        return lambda module: sum(len(module.of_opcode(opcode)) for opcode in opcodes)

    return Changes(
        instructions=counts(lambda module: sum(len(each.instructions) for each in module.computations)),
        fusions=counts(lambda module: fusion_summary(module).count),
        collectives=counts(lambda module: len(collectives(module))),
        copies=counts(of("copy", "copy-start")),
        converts=counts(of("convert")),
        peak_bytes=Counts(fields.integer(body, "baseline_peak_bytes"), fields.integer(body, "peak_bytes")),
        nan=elements("nan"),
        infinite=elements("infinite"),
    )


def _module(source: RunSource, record: Record, name: str) -> HloModule | None:
    digest = source.digest(record, name)
    if digest is None:
        return None
    known = source.large.get(("module", digest))
    if known is not None:
        return known
    text = source.text(record, name)
    return None if text is None else source.large.get_or(("module", digest), lambda: parse_hlo(text))


def _exchanges(module: HloModule | None, origin: Provenance) -> tuple[Exchange, ...] | None:
    return None if module is None else exchanges(module, origin)


def equation_times(value: Any) -> tuple[EquationTime, ...] | None:
    """The list that a measurement with jit off has; None for another."""
    if not isinstance(value, list):
        return None
    found = []
    for entry in value:
        if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str):
            ns = fields.whole_ns({"ns": entry[1]}, "ns")
            if ns is not None:
                found.append(EquationTime(entry[0], ns))
    return tuple(found)
