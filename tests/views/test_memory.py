"""How long values live, and what XLA says of the same program."""

from __future__ import annotations

from recorded_scripts import Recorded

from xlascope.ir import parse_hlo
from xlascope.views import open_source, query
from xlascope.views.liveness import live_bytes, lives

TEXT = """HloModule m, is_scheduled=true

ENTRY %main (a: f32[4], b: f32[8]) -> (f32[4], f32[2]) {
  %a = f32[4]{0} parameter(0)
  %b = f32[8]{0} parameter(1)
  %constant.1 = f32[100]{0} constant({...})
  %neg.1 = f32[8]{0} negate(%b)
  %view.1 = f32[2,4]{1,0} bitcast(%neg.1)
  %exp.1 = f32[4]{0} exponential(%a)
  %two.1 = f32[2]{0} reduce(%view.1, %exp.1), dimensions={1}, to_apply=%add
  %last.1 = f32[4]{0} add(%exp.1, %exp.1)
  ROOT %out.1 = (f32[4]{0}, f32[2]{0}) tuple(%last.1, %two.1)
}
"""


def test_values_live_from_their_step_to_their_last_use() -> None:
    found, steps = lives(parse_hlo(TEXT))
    assert steps == 9
    assert {each.instruction.name: (each.size, each.start, each.stop, each.result) for each in found} == {
        "a": (16, 0, 8, False),
        "b": (32, 0, 8, False),
        "neg.1": (32, 3, 6, False),  # through its bitcast
        "exp.1": (16, 5, 7, False),
        "two.1": (8, 6, 8, True),  # through the tuple
        "last.1": (16, 7, 8, True),
    }
    assert live_bytes(found, steps) == [48, 48, 48, 80, 80, 96, 104, 88, 72]


def test_a_text_without_an_entry_has_no_values() -> None:
    assert lives(parse_hlo("HloModule m")) == ([], 0)
    assert live_bytes([], 0) == []


def test_the_estimate_and_xlas_own_figures_agree_on_what_both_know(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        for name in ("scores#1", "scores#2", "loop#1"):
            answer = query("memory", source, program=name)
            roles = {role: sum(b.size_bytes for b in answer.buffers if b.role == role) for role in ("argument", "result")}
            assert roles["argument"] == answer.argument_bytes
            assert answer.peak_bytes is not None and answer.estimated_peak_bytes >= answer.argument_bytes
            parts = answer.argument_bytes + answer.output_bytes + answer.temp_bytes - answer.alias_bytes
            assert answer.peak_bytes == max(parts, answer.xla_peak_bytes)
            assert (answer.peak_from == "XLA's peak") == (answer.xla_peak_bytes >= parts)
            # XLA's own peak leaves temporaries out on CPU, what loops need inside among them, as the text does.
            assert answer.xla_peak_bytes <= answer.estimated_peak_bytes * 1.1 + 4096
            assert max(answer.live_bytes) == answer.live_bytes[answer.peak_step] == answer.estimated_peak_bytes
            alive = {b.instruction: b.size_bytes for b in answer.buffers}
            assert sum(alive[each] for each in answer.at_peak) == answer.estimated_peak_bytes
        # The loop's counter is counted with the loop's results: the elements of a tuple are not told apart.
        assert 0 <= roles["result"] - (128 * 128 * 4 + 40 * 4) <= 8
