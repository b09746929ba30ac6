"""Opcodes of HLO text in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from xlascope.engine.core.opcodes import opcodes

TEXT = """HloModule jit_f, is_scheduled=true, entry_computation_layout={(f32[4]{0})->(f32[4]{0}, s32[])}

%fused (p: f32[4]) -> f32[4] {
  %p = f32[4]{0} parameter(0)
  ROOT %neg.1 = f32[4]{0} negate(%p), metadata={op_name="jit(f)/neg = add(x)"}
}

ENTRY %main.3 (x: f32[4]) -> (f32[4], s32[]) {
  %x = f32[4]{0:T(8,128)} parameter(0)
  custom.1 = ((f32[4]{0}, u8[2]{0}), /*index=1*/s32[]) custom-call(%x), custom_call_target="a(b)"
  ROOT tuple.2 = (f32[4]{0}, s32[]) tuple(%x, %x)
}
"""


def test_opcodes() -> None:
    assert opcodes(TEXT) == ["parameter", "negate", "parameter", "custom-call", "tuple"]


def test_names_and_metadata_do_not_count() -> None:
    renamed = TEXT.replace("%neg.1", "%other.77").replace("jit(f)/neg = add(x)", "")
    assert opcodes(renamed) == opcodes(TEXT)
    assert opcodes(TEXT.replace("negate(", "cosine(")) != opcodes(TEXT)


@given(st.text(max_size=300), st.integers(0, len(TEXT)))
def test_any_text_is_read(noise: str, cut: int) -> None:
    assert isinstance(opcodes(TEXT[:cut] + noise + TEXT[cut:]), list)
