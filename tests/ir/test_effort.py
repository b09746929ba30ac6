"""What an instruction's work counts for where a fusion's time is shared out."""

from __future__ import annotations

import pytest

from xlascope.ir import effort, parse_hlo

TEXT = """HloModule m

add { a = f32[] parameter(0) b = f32[] parameter(1) ROOT s = f32[] add(a, b) }

ENTRY e {
  x = f32[8,16]{1,0} parameter(0)
  w = f32[16,4]{1,0} parameter(1)
  zero = f32[] constant(0)
  sum = f32[8,16]{1,0} add(x, x)
  exp = f32[8,16]{1,0} exponential(sum)
  power = f32[8,16]{1,0} power(x, x)
  dot = f32[8,4]{1,0} dot(exp, w), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  reduce = f32[8]{0} reduce(exp, zero), dimensions={1}, to_apply=add
  spread = f32[8,4]{1,0} broadcast(reduce), dimensions={0}
  odd = f32[8,4]{1,0} custom-call(dot), custom_call_target="f"
  ROOT out = f32[8,4]{1,0} divide(dot, spread)
}
"""


@pytest.mark.parametrize(
    ("name", "additions"),
    [
        ("sum", 8 * 16),
        ("exp", 14 * 8 * 16),
        ("power", 100 * 8 * 16),
        ("dot", 2 * 8 * 4 * 16 / 4),
        ("reduce", 4 * 8 * 15),
        ("spread", 8 * 4 / 10),
        ("odd", 8 * 4 / 10),
        ("out", 3 * 8 * 4),
        ("zero", 1 / 10),
    ],
)
def test_in_additions_of_one_element(name: str, additions: float) -> None:
    module = parse_hlo(TEXT)
    instruction = module.get(name)
    assert instruction is not None and effort(instruction, module) == pytest.approx(additions)
