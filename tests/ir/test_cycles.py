"""The compiler's cycles over a schedule: loops by their turns, insides of fusions not counted apart."""

from __future__ import annotations

import pytest

from xlascope.ir import parse_hlo
from xlascope.ir.cycles import Cycles, estimated_cycles, roofline_ns, schedule

TEXT = """HloModule jit_f, is_scheduled=true

%fused (p: f32[8]) -> f32[8] {
  %p = f32[8] parameter(0)
  ROOT %e = f32[8] exponential(%p), backend_config={"window_config":{"estimated_cycles":"77"}}
}

%body (s: (s32[], f32[8])) -> (s32[], f32[8]) {
  %s = (s32[], f32[8]) parameter(0)
  %i = s32[] get-tuple-element(%s), index=0
  %one = s32[] constant(1)
  %next = s32[] add(%i, %one)
  %v = f32[8] get-tuple-element(%s), index=1
  %f.1 = f32[8] fusion(%v), kind=kLoop, calls=%fused, backend_config={"window_config":{"estimated_cycles":"100"}}
  ROOT %t = (s32[], f32[8]) tuple(%next, %f.1)
}

%cond (c: (s32[], f32[8])) -> pred[] {
  %c = (s32[], f32[8]) parameter(0)
  %n = s32[] constant(LIMIT)
  %j = s32[] get-tuple-element(%c), index=0
  ROOT %lt = pred[] compare(%j, %n), direction=LT
}

ENTRY %main (x: f32[8]) -> f32[8] {
  %x = f32[8] parameter(0)
  %zero = s32[] constant(2)
  %init = (s32[], f32[8]) tuple(%zero, %x)
  %while.1 = (s32[], f32[8]) while(%init), condition=%cond, body=%body
  %y = f32[8] get-tuple-element(%while.1), index=1
  ROOT %f.2 = f32[8] fusion(%y), kind=kLoop, calls=%fused, backend_config={"window_config":{"estimated_cycles":"5"}}
}
"""


@pytest.mark.parametrize(("limit", "turns"), [(12, 10), (3, 1), (2, 0), (0, 0)])
def test_a_counted_loop(limit: int, turns: int) -> None:
    found = schedule(parse_hlo(TEXT.replace("LIMIT", str(limit))))
    assert estimated_cycles(found) == Cycles(100 * turns + 5, 2, 2)
    assert found.unknown_loops == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [("direction=LT", "direction=NE"), ("add(%i, %one)", "multiply(%i, %one)"), ("tuple(%zero, %x)", "tuple(%q, %x)")],
)
def test_a_loop_of_unknown_length_is_counted_once_and_named(old: str, new: str) -> None:
    found = schedule(parse_hlo(TEXT.replace("LIMIT", "12").replace(old, new)))
    cycles = estimated_cycles(found)
    assert cycles is not None and cycles.total == 105 and found.unknown_loops == ("while.1",)


def test_without_estimates_there_are_no_cycles() -> None:
    module = parse_hlo(TEXT.replace("LIMIT", "12").replace("estimated_cycles", "other"))
    found = schedule(module)
    assert estimated_cycles(found) is None
    # A turn: the add of two scalars (12 bytes), the fusion (64), the comparison (9); then the last fusion.
    ns, unknown = roofline_ns(found, module, 1e15, 1e9)
    assert (round(ns), unknown) == (10 * (12 + 64 + 9) + 64, 0)


def test_a_library_call_moves_its_operands_and_computes_nobody_knows_what() -> None:
    module = parse_hlo(
        "HloModule jit_g, is_scheduled=true\n\nENTRY %main (x: f32[8]) -> f32[8] {\n  %x = f32[8] parameter(0)\n"
        '  ROOT %c = f32[8] custom-call(%x), custom_call_target="solve"\n}\n'
    )
    ns, unknown = roofline_ns(schedule(module), module, 1e15, 1e9)
    assert (ns, unknown) == (64.0, 1)
