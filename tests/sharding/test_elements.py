"""Elements of tuples in a partitioned module: newer XLA writes ``%while.1#2``, older a get-tuple-element."""

from __future__ import annotations

import pytest

from xlascope.ir import parse_hlo
from xlascope.views.partitioning.arrays import Array, Given, of_module
from xlascope.views.partitioning.module import Partitioned
from xlascope.views.provenance import origins
from xlascope.views.provenance.positions import Own

_TEXT = """HloModule jit_layers, num_partitions=8

%add (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %sum = f32[] add(%a, %b)
}

%body (s: (s32[], f32[32,64], f32[8,32])) -> (s32[], f32[32,64], f32[8,32]) {
  ROOT %s = (s32[], f32[32,64], f32[8,32]) parameter(0)
}

%more (t: (s32[], f32[32,64], f32[8,32])) -> pred[] {
  %t = (s32[], f32[32,64], f32[8,32]) parameter(0)
  ROOT %no = pred[] constant(false)
}

ENTRY %main (n: s32[], x: f32[32,64], y: f32[8,32]) -> (f32[64], f32[8,32]) {
  %n = s32[] parameter(0), sharding={replicated}
  %x = f32[32,64] parameter(1), sharding=ROWS
  %y = f32[8,32] parameter(2), sharding=COLUMNS
  %init = (s32[], f32[32,64], f32[8,32]) tuple(%n, %x, %y), sharding={{replicated}, ROWS, COLUMNS}
  %while.1 = (s32[], f32[32,64], f32[8,32]) while(%init), condition=%more, body=%body, sharding={{replicated}, ROWS, COLUMNS}
  %zero = f32[] constant(0)
READ
}
"""
_NAMED = ("{mesh['x'=8], [{'x'}, {}]}", "{mesh['x'=8], [{}, {'x'}]}", """\
  %reduce = f32[64] reduce(%while.1#1, %zero), dimensions={0}, to_apply=%add
  ROOT %out = (f32[64], f32[8,32]) tuple(%reduce, %while.1#2), sharding={{replicated}, COLUMNS}""")
_TILED = ("{devices=[8,1]<=[8]}", "{devices=[1,8]<=[8]}", """\
  %gte.1 = f32[32,64] get-tuple-element(%while.1), index=1, sharding=ROWS
  %gte.2 = f32[8,32] get-tuple-element(%while.1), index=2, sharding=COLUMNS
  %reduce = f32[64] reduce(%gte.1, %zero), dimensions={0}, to_apply=%add
  ROOT %out = (f32[64], f32[8,32]) tuple(%reduce, %gte.2), sharding={{replicated}, COLUMNS}""")


def _results(rows: str, columns: str, read: str) -> list[Array]:
    module = parse_hlo(_TEXT.replace("READ", read).replace("ROWS", rows).replace("COLUMNS", columns))
    found = Partitioned(module, origins.of_module(module, None), None, None, 8)
    arrays = of_module(found, Given.nothing(8, (("x", 8),)), Own())
    return [each for each in arrays if each.role == "output"]


@pytest.mark.parametrize("form", [_NAMED, _TILED])
def test_results_of_a_loop_lie_as_its_elements(form: tuple[str, str, str]) -> None:
    summed, stacked = _results(*form)
    assert (stacked.shape, stacked.dtype, stacked.spec) == ((8, 32), "f32", "-,x")
    assert (stacked.bytes, stacked.bytes_per_device) == (1024, 128)
    assert summed.replicated and "reduce sums over the split dimension 0 of" in (summed.why or "")


def test_an_element_without_a_sharding_of_its_result_lies_as_the_loop_has_it() -> None:
    rows, columns, read = _NAMED
    _, stacked = _results(rows, columns, read.replace(", sharding={{replicated}, COLUMNS}", ""))
    assert (stacked.spec, stacked.bytes_per_device) == ("-,x", 128)
