"""Foreign HLO as text, and everything that views and panes ask of a text: what survives it survives the screen."""

from __future__ import annotations

import json
import random

from hlo_corpus import mutate, walk

from xlascope.graphs import build_graph
from xlascope.ir import (
    HloModule,
    collectives,
    cost,
    explain,
    fusion_summary,
    index_jaxpr,
    parse_hlo,
    shape_bytes,
    short_shape,
)
from xlascope.ir.explain.operations import explain_operation
from xlascope.ir.loose import first_statement
from xlascope.ir.scan import is_comment
from xlascope.tui.text.explaining import explain_row
from xlascope.tui.text.folds import find_folds
from xlascope.tui.text.following import following
from xlascope.tui.text.hiding import shown
from xlascope.tui.text.lines import TextLines

OLD = """\
HloModule jit_f.12, entry_computation_layout={(f32[8,4]{1,0},s32[])->(f32[8,4]{1,0}, s32[])}

region_0.4 {
  Arg_0.5 = f32[] parameter(0)
  Arg_1.6 = f32[] parameter(1)
  ROOT add.7 = f32[] add(Arg_0.5, Arg_1.6), metadata={op_type="reduce_sum" op_name="jit(f)/reduce_sum" source_file="/a b/f.py" source_line=12}
}

ENTRY main.12 {
  Arg_0.1 = f32[8,4]{1,0} parameter(0)
  constant.3 = f32[] constant(0)
  reduce.8 = f32[8]{0} reduce(f32[8,4]{1,0} Arg_0.1, f32[] constant.3), dimensions={1}, to_apply=region_0.4, metadata={op_name="jit(f)/reduce_sum" source_file="f.py" source_line=12}
  broadcast.9 = f32[8,4]{1,0} broadcast(reduce.8), dimensions={0}, sharding={devices=[2,2]<=[4]}
  Arg_1.2 = s32[] parameter(1)
  ROOT tuple.11 = (f32[8,4]{1,0}, s32[]) tuple(broadcast.9, Arg_1.2)
}
"""
WRITTEN = """
// What it is for.
HloModule written,
  is_scheduled=true

/* of two */
%largest (a.0: f32[],
    b.0: f32[]) -> f32[] {
  %a.0 = f32[] parameter(0)
  %b.0 = f32[] parameter(1)
  // the larger one
  ROOT %most = maximum(%a.0,
      %b.0)
}

condition{
  state = (s32[], f32[4, 8]) parameter(0)
  turn = get-tuple-element(state), index=0
  last = s32[] constant(3)
  ROOT again = pred[] compare(turn, last), direction=
    LT
}

body {
  state = (s32[], f32[4, 8]) parameter(0)
  turn = s32[] get-tuple-element(state), index=0
  one = s32[] constant(1)
  next = s32[] add(turn, one)
  x = f32[4, 8]{1, 0} get-tuple-element(state), index=1
  y = f32[4, 8]{1, 0} custom-call(x), custom_call_target="f", backend_config={
      "of": {"tile": [4, 8]}
    },
    metadata={op_name="jit(f)/call"
              source_file="f.py" source_line=7}
  ROOT both = (s32[], f32[4, 8])
    tuple(next, y)
}

ENTRY main {
  p = f32[4, 8] parameter(0)
  zero = s32[] constant(0)
  begin = tuple(zero, p)
  loop = (s32[], f32[4, 8]) while(begin),
    condition=condition,
    body=body
  out = f32[4, 8] get-tuple-element(loop), index=1
  least = f32[] constant(-inf)
  ROOT result = f32[4] reduce(f32[4, 8] out, f32[] least)
    , dimensions={1}, to_apply=largest
}
"""
OPERANDS = """HloModule operands
ENTRY e {
  a = f32[4] add(f32[4] multiply(f32[4] parameter(0), f32[4]{0} parameter(1)), /*second*/ f32[4] broadcast(f32[] constant(2)))
  b = f32[8] concatenate(a,
    f32[4] negate(a), a), dimensions={0}, metadata={op_name="jit(f)/concatenate" source_file="f.py" source_line=3}
  ROOT c = (f32[8], (f32[4], s32[])) tuple(b, tuple(negate(a), s32[] constant(7)))
}
"""

IN_PLACE = """HloModule in_place

ENTRY e {
  x = f32[4] parameter(0)
  z = f32[] constant(0)
  r = f32[] reduce(x, z), dimensions={0}, to_apply={
    p = f32[] parameter(0)
    q = f32[] parameter(1)
    ROOT s = f32[] add(p, q)
  }, metadata={op_name="outer"}
  t = f32[] reduce(x, z), to_apply={ p = f32[] parameter(0)  q = f32[] parameter(1) ROOT m = f32[] maximum(p, q) }, dimensions={0}
  u = f32[] fusion(r, t), kind=kLoop, calls=
  {
    a = f32[] parameter(0)
    b = f32[] parameter(1)
    c = f32[] subtract(a, b), metadata={op_name="inner"}
    ROOT o = f32[] call(c, f32[] constant(1)), to_apply={ p = f32[] parameter(0) q = f32[] parameter(1)
      ROOT s = f32[] divide(p, q) }
  }
  i = s32[] parameter(1)
  ROOT w = f32[] conditional(i, u, z), branch_computations={ {
    p = f32[] parameter(0)
    ROOT d = f32[] negate(p)
  }, { ROOT p = f32[] parameter(0) } }
}
"""
ODD = """\
HloModule odd, is_scheduled=true, num_partitions=4

%wrapped (p: f32[8]) -> f32[32] {
  %p = f32[8]{0} parameter(0)
  ROOT %g = f32[32]{0} all-gather(%p), dimensions={0}, replica_groups=[1,4]<=[4], channel_id=1
}, execution_thread="side"

%body (s: (s32[], (f32[4], /*index=1*/f32[2,2]{1,0:T(8,128)}))) -> (s32[], (f32[4], f32[2,2])) {
  ROOT %s = (s32[], (f32[4]{0}, /*index=1*/f32[2,2]{1,0:T(8,128)})) parameter(0)
}

%cond (c: (s32[], (f32[4], f32[2,2]))) -> pred[] {
  %c = (s32[], (f32[4]{0}, f32[2,2]{1,0})) parameter(0)
  ROOT %t = pred[] constant(true)
}

ENTRY %main (x: f32[<=8], y: s4[3]) -> f32[] {
  %x = f32[<=8]{0} parameter(0)
  %y = s4[3]{0:E(4)} parameter(1)
  %z = f8e4m3fn[4,4]{1,0:D(D,C)} constant({ { 1, 2 }, { 3, 4 } })
  %t = token[] after-all()
  %o = opaque[] custom-call(%x), custom_call_target="a\\"b", backend_config="{\\"deep\\":{\\"x\\":[1,2]}}"
  %sparse = f32[4,4]{1,0:D(D,C)#(u32)*(u16)} custom-call(%z), custom_call_target="__cublas$gemm", backend_config={"gemm_backend_config":{"alpha_real":1}}
  %dyn = f32[?,8]{1,0} custom-call(%x), custom_call_target="lapack_sgetrf_ffi"
  %start = ((f32[8]), f32[32], u32[]) async-start(%x), calls=%wrapped, async_execution_thread="side"
  %done = f32[32]{0:S(1)} async-done(%start)
  %w = (s32[], (f32[4]{0}, f32[2,2]{1,0})) while(%o), condition=%cond, body=%body, backend_config={"known_trip_count":{"n":"3"}}
  %e = f32[4]{0} get-tuple-element(%w#1), index=0
  %r = f32[4]{0} all-reduce-start(%e), to_apply=%body, replica_groups=mesh['x'=2,'y'=2] {'y'}
  %rd = f32[4]{0} all-reduce-done(%r)
  %cs = (f32[4]{0:S(5)}, f32[4]{0}, u32[]) copy-start(%rd)
  %cd = f32[4]{0:S(5)} copy-done(%cs)
  %f = f32[4]{0} fusion(%cd), kind=kCustom, calls=%body, backend_config={"fusion_backend_config":{"kind":"__triton","block_level_fusion_config":{"output_tiles":[{"sizes":["1","64"]}]}}}
  ROOT %q = f32[] dot(%f, %f), lhs_contracting_dims={0}, rhs_contracting_dims={0}, frontend_attributes={a="}",b="{"}
}
"""
TABLES = """\
HloModule t, frontend_attributes={xla.sdy.meshes={mesh = #sdy.mesh<["x"=2]>}}

FileNames
1 "/a/b.py"

FunctionNames
1 "f"

FileLocations
1 {file_name_id=1 function_name_id=1 line=3 end_line=3 column=1 end_column=5}

StackFrames
1 {file_location_id=1 parent_frame_id=1}
2 {file_location_id=1 parent_frame_id=2}


ENTRY %main.2 (Arg_0.1: f32[2,2]) -> f32[2,2] {
  %Arg_0.1 = f32[2,2]{1,0} parameter(0), metadata={op_name="x[\\'a\\']"}
  %slice.1 = f32[1,2]{1,0} slice(%Arg_0.1), slice={[0:1], [0:2]}, metadata={op_name="jit(f)/s" stack_frame_id=2}
  ROOT %pad.1 = f32[2,2]{1,0} pad(%slice.1, %gone), padding=0_1x0_0, metadata={op_name="jit(f)/p" stack_frame_id=1}
}
"""
JAXPR = """\
let f = { lambda ; a:f32[]. let b:f32[] = sin a in (b,) } in
{ lambda ; c:f32[2,3] d:f32[3]
    e:i32[]. let
    g:f32[2] h:f32[]
      i:f32[2] = scan[
      jaxpr={ lambda ; j:f32[] k:f32[3]. let
          l:f32[] = jit[name=f jaxpr=f] j
        in (l, l) }
      length=2
      num_carry=1
      num_consts=0
    ] 0.0:f32[] c
    m:f32[2] = dot_general[
      dimension_numbers=(([1], [0]), ([], []))
    ] c d
    _:bool[] = cond[branches=({ lambda ; . let  in (True,) }, { lambda ; . let  in (False,) })] e
  in (g, m) }
"""
STABLEHLO = """\
#loc1 = loc("x")
#loc2 = loc("f.py":3:1)
module @jit_f attributes {mhlo.num_partitions = 1 : i32} {
  func.func public @main(%arg0: tensor<2x3xf32> {mhlo.sharding = "{devices=[2,1]<=[2]}"} loc("x")) -> (tensor<2xf32>) {
    %cst = stablehlo.constant dense<"0x0000807F"> : tensor<1xf32>
    %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.add across dimensions = [1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32> loc(#loc2)
    %1:2 = stablehlo.while(%iterArg = %0, %iterArg_1 = %cst) : tensor<2xf32>, tensor<f32>
     cond {
      stablehlo.return %cst : tensor<i1>
    } do {
      %2 = "stablehlo.gather"(%iterArg, %1#0) <{slice_sizes = array<i64: 1, 64>}> : (tensor<?xf32>, tensor<2x!quant.x>) -> tensor<complex<f32>>
      stablehlo.return %2, %iterArg_1 : tensor<2xf32>, tensor<f32>
    } loc(#loc1)
    %3 = stablehlo.custom_call @Sharding(%1#0) {backend_config = "", mhlo.sharding = "{replicated}"} : (tensor<2xf32>) -> tensor<2xf32>
    return %3 : tensor<2xf32>
  }
}
"""
EQUATIONS = json.dumps(
    [
        {"path": "0", "primitive": "scan", "inputs": ["a"], "outputs": ["b"], "file": "f.py", "line": 3, "text_line": 2},
        {"path": "0.0", "primitive": "sin", "inputs": ["a"], "outputs": ["b"], "file": None, "line": None, "text_line": 5},
        {"path": "1.b1.0", "primitive": "cos", "inputs": [], "outputs": [], "text_line": None},
    ]
)
HLO = (OLD, ODD, TABLES, ODD.replace("\n", "\r\n"), OLD.replace("  ", "\t"), WRITTEN, OPERANDS, IN_PLACE)
PAIRS = (("hlo", HLO), ("jaxpr", (JAXPR,)), ("stablehlo", (STABLEHLO,)), ("equations", (EQUATIONS,)))
_MORE = ('"', "\0", "\x1b[31m", "\ud800", "\u202e", "f32[", "<=", "{{0,1}", "%", "ROOT %x = ", "/*index=5*/", "#9")


def damaged(seed: str, chance: random.Random) -> str:
    """A seed with one to four edits, sometimes with foreign characters put in."""
    text = mutate(seed, chance)
    if chance.random() < 0.3:
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice(_MORE) * chance.choice((1, 1, 3, 40)) + text[at:]
    return text


def survives(kind: str, text: str) -> int:
    """Asks everything of a text of a kind; gives how many problems were named. Raises what the parsers raise."""
    if kind == "equations":
        return len(index_jaxpr("", text).problems)
    problems = _module(text) if kind == "hlo" else 0
    source = TextLines(text)
    folds = find_folds(source, kind)
    links = following(source, folds, kind)
    assert links is not None
    for row in range(len(source)):
        line = source.line(row)
        shown(line, kind)
        for other in (*links.used(row), *links.users(row)):
            assert 0 <= other < len(source)
        explain_row(source, folds, kind, row)
        if kind == "stablehlo":
            explain_operation(line)
    folds.close_all(True)
    assert folds.shown <= len(source)
    return problems


def _module(text: str) -> int:
    module = parse_hlo(text)
    walk(module)
    fusion_summary(module)
    collectives(module)
    for own in module.instructions():
        told = explain(own, module, (("x", 2), ("y", 2)))
        assert told is None or told
        cost(own, module)
        shape_bytes(own.shape)
        short_shape(own.shape)
        there = module.at_line(own.line)  # of several on a line one
        assert there is not None and there.line == own.line
    build_graph(module)
    nothing_is_lost(module)
    return len(module.problems)


def _opens(line: str) -> bool:
    return line.rstrip().endswith("{") or first_statement(line, 0, len(line)) is not None


def nothing_is_lost(module: HloModule) -> None:
    """Each line that is not empty is an instruction, begins or ends a computation, is of the head, or is named."""
    lines = module.text.split("\n")
    named = {problem.line for problem in module.problems}
    assert all(0 <= number <= len(lines) for number in named) and all(problem.reason for problem in module.problems)
    known = {own.line + more for own in module.instructions() for more in range(own.text.count("\n") + 1)} | named
    for each in module.computations:
        begins = next(at for at in range(each.line, len(lines) + 1) if _opens(lines[at - 1]))
        known.update(range(each.line, begins + 1))
    first = min((each.line for each in module.computations), default=len(lines) + 1)
    for number, line in enumerate(lines, 1):
        if number > first and number not in known and line.strip() and not is_comment(line):
            assert line.lstrip().startswith("}"), (number, line)
