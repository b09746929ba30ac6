"""Times and memory foretold for hardware that is not there: never measured, and always told as predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from xlascope.ir import HloModule, collectives
from xlascope.ir.cycles import cycles_of, estimated_cycles, roofline_ns, schedule
from xlascope.views import fields


@dataclass(frozen=True, slots=True)
class Prediction:
    """``by``: `cycles` (the compiler's own estimates of scheduled instructions × the turns of their loops ÷ the clock)
    or `roofline` (each instruction at the published peak, one after the other: a lower bound, without any launch).

    ``counted`` instructions are in it, ``without`` have no estimate; ``unknown_loops`` were counted once; of
    ``exchanges``, collectives, the time on the links between devices is not in it.
    """

    ns: int
    by: str
    cycles: int | None
    clock_ghz: float | None
    counted: int
    without: int
    unknown_loops: tuple[str, ...]
    exchanges: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """What the time was made of, for JSON."""
        return {key: list(value) if isinstance(value, tuple) else value
                for key, value in asdict(self).items() if key != "ns"}


def predict(body: Mapping[str, Any], module: HloModule | None) -> Prediction | None:
    """Of a variant's record that has a target; None without one, or without what a prediction needs."""
    device = fields.mapping(body, "device")
    if device is None or module is None:
        return None
    found = schedule(module)
    clock = fields.number(device, "clock_ghz")
    cycles = estimated_cycles(found)
    if cycles is not None and clock:
        return Prediction(round(cycles.total / clock), "cycles", cycles.total, clock, cycles.counted, cycles.without,
                          found.unknown_loops, _exchanges(module, estimated=True))
    flops, moved = fields.number(device, "flops_per_s"), fields.number(device, "bytes_per_s")
    if not flops or not moved:
        return None
    ns, unknown = roofline_ns(found, module, flops, moved)
    return Prediction(ceil(ns), "roofline", None, None, len(found.steps) - unknown, unknown, found.unknown_loops,
                      _exchanges(module, estimated=False))


def _exchanges(module: HloModule, *, estimated: bool) -> tuple[str, ...]:
    """The collectives, with ``estimated`` those that the compiler gave no cycles."""
    instructions = [module.get(each.instruction) for each in collectives(module)]
    return tuple(each.name for each in instructions
                 if each is not None and not (estimated and cycles_of(each) is not None))


def memory_fit(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """``needs_bytes`` by the compiler's own analysis, ``has_bytes`` of one device as published; whether it ``fits``."""
    device = fields.mapping(body, "device")
    needs = fields.integer(body, "peak_bytes")
    has = fields.integer(device, "memory_bytes") if device is not None else None
    if needs is None or has is None:
        return None
    return {"needs_bytes": needs, "has_bytes": has, "fits": needs <= has}
