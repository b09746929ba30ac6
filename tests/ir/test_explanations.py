"""Explanations of instructions, operations and equations: which there are, and that their facts are the module's."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import pytest

from xlascope.ir import explain, fusion_summary, parse_hlo, parse_shape, short_shape
from xlascope.ir.cost import operand_shape
from xlascope.ir.explain import explain_computation
from xlascope.ir.explain.calls import what_is
from xlascope.ir.explain.collectives import axes_of
from xlascope.ir.explain.equations import explain_equation
from xlascope.ir.explain.operations import EXPLAINED as OPERATIONS
from xlascope.ir.explain.operations import explain_operation, read_operation
from xlascope.ir.explain.phrases import PHRASES
from xlascope.ir.explain.words import name_of
from xlascope.tui.text.explaining import explain_row
from xlascope.tui.text.folds import find_folds
from xlascope.tui.text.lines import TextLines


def test_sizes_and_shapes_are_those_of_the_module(corpus):
    """Each ``dim D (N)`` is a dimension of an operand or of the result, each shape one that the line or its operands have."""
    sized = shapes = 0
    for program in corpus.programs:
        module = parse_hlo(program.text)
        for own in module.instructions():
            told = explain(own, module)
            assert told
            known = [operand_shape(own, at) for at in range(len(own.operands))] + [parse_shape(own.shape)]
            flat = [part for shape in known if shape is not None for part in (shape, *(shape.elements or ()))]
            for text in re.findall(r"dims? ((?:\d+ \(\d+\)(?:, )?)+)", told):
                for dim, size in re.findall(r"(\d+) \((\d+)\)", text):
                    assert any(int(dim) < len(each.dims) and each.dims[int(dim)] == int(size) for each in flat), told
                    sized += 1
            for shape in re.findall(r"(?<![\w\[])(?:[fsu]\d+|pred|bf16|c64)\[[\d,]*\]", told):
                inner = [part.text for member in _members(own, module) for part in _shapes(member)]
                assert shape in [each.text for each in flat] + inner, (told, own.text)
                shapes += 1
            giving = re.search(r"giving ((?:\w+\[[\d,]*\])|\((?:\w+\[[\d,]*\](?:, )?)+\))(?=$|[;,] |\))", told)
            if giving and own.opcode != "async-start":
                assert giving.group(1) == short_shape(own.shape), told
    assert sized > 100 and shapes > 2000


def _members(own, module):
    names = [name for found in own.called.values() for name in found]
    return [member for name in names if module.computation(name) for member in module.computation(name).instructions]


def _shapes(member):
    shape = parse_shape(member.shape)
    return [] if shape is None else [shape, *(shape.elements or ())]


def test_an_elementwise_operation_names_all_of_its_operands(corpus):
    """In their order of the sentence each is there by its name, with its own type or the one that all have."""
    named = 0
    for program in corpus.programs:
        module = parse_hlo(program.text)
        for own in module.instructions():
            if own.opcode not in PHRASES and own.opcode not in ("compare", "convert"):
                continue
            told = explain(own, module)
            for at in range(len(own.operands)):
                assert re.search(rf"(?<!\S){re.escape(name_of(own, at))}(?=[\s,;]|$)", told), (told, own.text)
                named += 1
    assert named > 1000


def test_names_of_operands_are_never_read_as_places():
    told = explain_operation("%0 = stablehlo.add %a, %b : tensor<2xf32>")
    assert told == "adds %a and %b, both f32[2], 2 elements"
    said = explain_equation("b:f32[] = integer_pow[y={1} {x}] a", lambda name: "f32[]")
    assert said == "raises a f32[] to the power nothing {x}"
    module = parse_hlo(SMALL.replace("%LINES%", "  %{0} = f32[8] negate(%y)\n  v = f32[8] add(%y, %y)"))
    assert explain(module.get("v"), module) == "adds y and y, both f32[8], 8 elements"


def test_arguments_have_the_users_names():
    def f(state, w):
        return jnp.tanh(state["x"] @ w["up"]).sum() + state["x"].T.reshape(-1)[0]

    shape = jax.ShapeDtypeStruct
    text = jax.jit(f).lower({"x": shape((4, 8), "float32")}, {"up": shape((8, 16), "float32")}).compile().as_text()
    module = parse_hlo(text)
    (dot,) = module.of_opcode("dot")
    assert explain(dot, module).startswith(
        "matrix product: contracts dim 1 (8) of state['x'] with dim 0 (8) of w['up'], giving f32[4,16]"
    )
    assert explain(module.entry.parameters[1], module) == "the program's argument 1, w['up'], f32[8,16]"


SMALL = """\
HloModule m, num_partitions=4

%sum (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %c = f32[] add(%a, %b)
}

%slow (p: f32[8]) -> f32[8] {
  %p = f32[8]{0} parameter(0)
  ROOT %t = f32[8]{0} tanh(%p)
}

ENTRY %e (x: f32[8,4], y: f32[8]) -> f32[8,4] {
  %x = f32[8,4]{1,0} parameter(0)
  %y = f32[8]{0} parameter(1)
%LINES%
  ROOT %r = f32[8,4]{1,0} negate(%x)
}
"""


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("%v = f32[8,4] all-reduce(%x), channel_id=3, replica_groups={{0,1},{2,3}}, to_apply=%sum",
         "every device gets the sum of all devices' x f32[8,4], over the 2 devices of axis b, channel 3"),
        ("%v = f32[8,4] all-reduce(%x), replica_groups=[2,2]<=[2,2]T(1,0), to_apply=%sum",
         "every device gets the sum of all devices' x f32[8,4], over the 2 devices of axis a"),
        ("%v = f32[8,4] all-reduce(%x), replica_groups=mesh['i'=4] {'i'}, to_apply=%sum",
         "every device gets the sum of all devices' x f32[8,4], over the 4 devices of axis i"),
        ("%v = f32[8,4] all-reduce(%x), replica_groups={{0,3},{1,2}}, to_apply=%sum",
         "every device gets the sum of all devices' x f32[8,4], in 2 groups of 2"),
        ("%v = f32[8,16] all-gather(%x), dimensions={1}, replica_groups=[1,4]<=[4]",
         "every device gets all devices' x f32[8,4], joined along dim 1, over the 4 devices of axes a, b"),
        ("%v = f32[8,4] collective-permute(%x), source_target_pairs={{0,1},{1,0}}",
         "every device sends its x f32[8,4] to one other: 0 to 1, 1 to 0"),
        ("%v = f32[8,4] collective-permute(%x), source_target_pairs={{0,1},{}}",
         "every device sends its x f32[8,4] to one other"),
        ("%v = f32[8,4]{0,1} copy(%x)",
         "copies x f32[8,4] into another layout: row-major {1,0} to dim 0 closest together {0,1}"),
        ("%v = f32[2,4] slice(%x), slice={[2:8:3], [0:4]}",
         "takes f32[2,4] out of x f32[8,4]: dim 0 from 2 to before 8, every 3."),
        ("%z = f32[] constant(7)\n  %v = f32[9,4] pad(%x, %z), padding=0_1x0_0",
         "adds a border of z to x f32[8,4] (dim 0: 0 before, 1 after), giving f32[9,4]"),
        ("%s = ((f32[8]), f32[8], u32[]) async-start(%y), calls=%slow, async_execution_thread=\"host\"\n"
         "  %v = f32[8] async-done(%s)", "waits for s to end, the tanh that it started"),
        ("%v = ((f32[8]), f32[8], u32[]) async-start(%y), calls=%slow, async_execution_thread=\"host\"",
         "starts tanh of p f32[8] on the thread host, without waiting"),
        ("%s = (f32[8], f32[8], u32[]) copy-start(%y)\n  %v = f32[8] copy-done(%s)",
         "waits for s to end, the copy that it started on y f32[8]"),
        ("%v = f32[8,8] custom-call(%x, %x), custom_call_target=\"__cublas$gemm\"",
         "matrix product of x f32[8,4] and x f32[8,4] by cuBLAS, giving f32[8,8] (custom call __cublas$gemm)"),
        ("%v = f32[8,4] custom-call(%x), custom_call_target=\"Sharding\", sharding={devices=[2,2]<=[4]}",
         "says how x f32[8,4] is split over the devices; moves no data by itself (custom call Sharding)"),
        ("%v = f32[8,4] custom-call(%x), custom_call_target=\"nobody\"",
         "calls nobody, code outside of XLA, giving f32[8,4]"),
        ("%v = f32[8,4] multiply(%x, %x)", "multiplies x by x, both f32[8,4], 32 elements"),
        ("%z = f32[] constant(0.25)\n  %b = f32[8] broadcast(%z), dimensions={}\n  %v = f32[8] subtract(%y, %b)",
         "subtracts b (0.25) from y, both f32[8], 8 elements"),
        ("%z = f32[] constant(0)\n  %v = f32[8] clamp(%z, %y, %y)", "keeps y between z (0) and y, both f32[8], 8 elements"),
        ("%v = pred[8] compare(%y, %y), direction=GE", "whether y ≥ y, both f32[8], giving pred[8], 8 elements"),
        ("%c = pred[8] compare(%y, %y), direction=GE\n  %v = f32[8] select(%c, %y, %y)",
         "y where c holds, else y, both f32[8], 8 elements"),
        ("%c = pred[] constant(true)\n  %v = f32[8] select(%c, %y, %y)",
         "y where c (true) holds, else y, both f32[8], 8 elements"),
        ("%c = pred[8] compare(%y, %y), direction=GE\n  %v = pred[8] and(%c, %c)",
         "logical and of c and c, both pred[8], 8 elements"),
        ("%v = s32[8] convert(%y)", "converts y f32[8] to s32, 8 elements"),
        ("%v = f32[8] add(%y)", "adds y f32[8] and nothing, 8 elements"),
        ("%v = f32[8,4] never-heard-of(%x)", None),
    ],
)  # fmt: skip
def test_sentences(lines, told):
    module = parse_hlo(SMALL.replace("%LINES%", "  " + lines))
    assert explain(module.get("v"), module, (("a", 2), ("b", 2))) == told


def test_a_computation_is_told_by_its_size_and_what_runs_it():
    calls = "  %v = f32[8,4] all-reduce(%x), to_apply=%sum\n" + "".join(
        f"  %s.{n} = ((f32[8]), f32[8], u32[]) async-start(%y), calls=%slow\n" for n in range(4)
    )
    module = parse_hlo(SMALL.replace("%LINES%", calls.rstrip("\n")))
    told = {each.name: explain_computation(each, module) for each in module.computations}
    assert told == {
        "sum": "a computation of 3 instructions, run by all-reduce v",
        "slow": "a computation of 2 instructions, run by async-start s.0, async-start s.1, async-start s.2 and 1 more",
        "e": "the program itself: 8 instructions",
    }
    alone = parse_hlo(SMALL.replace("%LINES%", ""))
    assert explain_computation(alone.computation("sum"), alone).endswith("run by nothing")


def test_axes_of_a_mesh():
    mesh = (("x", 2), ("y", 3), ("z", 1))
    assert axes_of([[0, 1, 2], [3, 4, 5]], mesh) == ["y"]
    assert axes_of([[0, 3], [1, 4], [2, 5]], mesh) == ["x"]
    assert axes_of([list(range(6))], mesh) == ["x", "y"]
    assert axes_of([[0, 1], [2, 3], [4, 5]], mesh) == axes_of([[0]], None) == []


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("lapack_sgetrf_ffi", "LU factors of {a} by LAPACK in float32"), ("lapack_zheevd_ffi", "Hermitian"),
        ("blas_strsm", "triangular system"), ("cusolver_geqrf_ffi", "QR factors of {a}, as reflectors by cusolver"),
        ("__onednn$matmul", "oneDNN"), ("__cudnn$convForward", "cuDNN"), ("__gpu$xla.gpu.triton", "Triton"),
        ("TopK", "largest"), ("xla_ffi_python_cpu_callback", "Python"), ("tpu_custom_call", "Pallas"),
    ],
)  # fmt: skip
def test_known_targets(target, words):
    assert words in what_is(target)


def test_unknown_targets():
    assert what_is("lapack_unheard") is what_is("Sharding2") is what_is("") is None


def told_of(f, *arguments, language: str) -> dict[str, str]:
    """Name of the operation → sentence, for each line of the function's text."""
    traced = jax.jit(f).trace(*arguments)
    source = TextLines(str(traced.jaxpr) if language == "jaxpr" else traced.lower().as_text())
    folds = find_folds(source, language)
    found = [explain_row(source, folds, language, row) for row in range(len(source))]
    return dict(said for said in found if said is not None)


def model(x, w, i):
    y = jnp.tanh(jnp.einsum("abc,cd->abd", x, w))
    y = jax.lax.scan(lambda c, s: (c * 2.0 + s.sum(), c), jnp.float32(0), y)[0] + y.max(axis=(0, 2)).sum()
    return jax.lax.dynamic_slice(x, (0, i, 0), (2, 1, 4)).T.sum() + y**3 + w[i].sum()


ARGUMENTS = (jnp.ones((2, 3, 4)), jnp.ones((4, 5)), 1)


def test_equations_are_explained_with_their_own_shapes():
    told = told_of(model, *ARGUMENTS, language="jaxpr")
    assert told["dot_general"].startswith("matrix product: contracts dim 2 (4) of ")
    assert told["dot_general"].endswith(", giving f32[2,3,5]") and "dim 0 (4) of" in told["dot_general"]
    assert re.fullmatch(r"elementwise tanh of \w+ f32\[2,3,5\], 30 elements", told["tanh"])
    assert re.fullmatch(r"maximum over dims 0 \(2\), 2 \(5\) of \w+ f32\[2,3,5\], giving f32\[3\]", told["reduce_max"])
    assert told["scan"] == "loop of 2 turns over slices of 1 array, carrying 1 value"
    assert re.fullmatch(r"raises \w+ f32\[\] to the power 3", told["integer_pow"])
    assert re.search(r"takes f32\[1,5\] out of \w+ f32\[4,5\] at a place computed", told["dynamic_slice"])
    assert "no explanation" not in " ".join(told.values())


def test_operations_are_explained_with_their_own_types():
    told = told_of(model, *ARGUMENTS, language="stablehlo")
    assert re.fullmatch(
        r"matrix product: contracts dim 2 \(4\) of %\w+ with dim 0 \(4\) of %\w+, giving f32\[2,3,5\]",
        told["dot_general"],
    )
    assert re.fullmatch(r"elementwise tanh of %\w+ f32\[2,3,5\], 30 elements", told["tanh"])
    assert "out of %arg0 f32[2,3,5] at %arg1, " in told["dynamic_slice"]
    assert re.search(r"(maximum|sum) over dims? .* of %\w+ f32", told["reduce"])
    assert "no explanation" not in " ".join(told.values())


def test_a_fusion_of_one_broadcast_is_told_with_what_it_is_given():
    text = """HloModule m

%body (p: f32[]) -> f32[4] {
  %p = f32[] parameter(0)
  ROOT %spread = f32[4]{0} broadcast(%p), dimensions={}
}

ENTRY %main () -> f32[4] {
  %zero = f32[] constant(0)
  ROOT %wrapped = f32[4]{0} fusion(%zero), kind=kLoop, calls=%body
}
"""
    module = parse_hlo(text)
    assert explain(module.get("wrapped"), module) == (
        "broadcast of 0, giving f32[4]: one kernel, which is not counted as a fusion, one loop over the output"
    )


def test_a_fusion_of_one_operation_is_told_not_to_count():
    alone = jax.jit(lambda x: jnp.exp(x) + 1.0).lower(jnp.ones(4)).compile({"xla_disable_hlo_passes": "fusion"})
    together = jax.jit(lambda x: jnp.exp(x) + 1.0).lower(jnp.ones(4)).compile()
    for compiled, counts in ((alone, False), (together, True)):
        module = parse_hlo(compiled.as_text())
        fusions = module.of_opcode("fusion")
        assert fusions and (fusion_summary(module).count > 0) is counts
        assert all(("not counted as a fusion" in explain(each, module)) is not counts for each in fusions)


def test_what_is_written_as_an_asynchronous_opcode_of_its_own_is_told_by_what_it_starts():
    module = parse_hlo("""HloModule m
%fused (p: f32[8]) -> f32[8] {
  %p = f32[8] parameter(0)
  %e = f32[8] exponential(%p)
  ROOT %n = f32[8] negate(%e)
}
ENTRY %main (x: f32[8]) -> f32[8] {
  %x = f32[8] parameter(0)
  %fusion-start = ((f32[8]), f32[8], u32[]) fusion-start(%x), kind=kLoop, calls=%fused
  ROOT %fusion-done = f32[8] fusion-done(%fusion-start)
  %odd-start = f32[8] odd-start(%x)
}
""")
    starts, ends, odd = (module.get(name) for name in ("fusion-start", "fusion-done", "odd-start"))
    assert explain(starts, module).startswith("starts, without waiting: ")
    assert "exponential" in explain(starts, module)
    assert explain(ends, module) == "waits for fusion-start to end, the fusion that it started on x f32[8]"
    assert explain(odd, module) is None


def test_what_a_reducer_of_several_values_does_is_told():
    pair = lambda x, y: (x[0] + y[0], x[1] * y[1])  # noqa: E731
    programs = {
        "maximum with its place": lambda x: jnp.argmax(x, 1),
        "minimum with its place": lambda x: jnp.argmin(x, 1),
        "sum, product": lambda x: jax.lax.reduce((x, x), (0.0, 1.0), pair, (1,)),
    }
    for words, program in programs.items():
        module = parse_hlo(jax.jit(program).lower(jnp.ones((4, 5))).compile().as_text())
        (reduce,) = module.of_opcode("reduce")
        assert re.match(rf"{words} over dim 1 \(5\) of \S+ f32\[4,5\] with 1 more array, giving", explain(reduce, module))


def test_windows_are_told_with_padding_and_what_is_spread():
    text = """HloModule m

ENTRY %main (a: f32[1,8,8,3], k: f32[3,3,3,5]) -> f32[1,6,6,5] {
  %a = f32[1,8,8,3]{3,2,1,0} parameter(0)
  %k = f32[3,3,3,5]{3,2,1,0} parameter(1)
  ROOT %c = f32[1,6,6,5]{3,2,1,0} convolution(%a, %k), window={size=3x3 pad=1_1x0_2 rhs_dilate=2x2}, dim_labels=b01f_01io->b01f
  %top = (f32[12,3]{1,0}, s32[12,3]{1,0}) custom-call(%a), custom_call_target="TopK"
}
"""
    module = parse_hlo(text)
    assert "with a window of 3x3, padded 1_1x0_2 before_after, the window spread 2x2, dim" in explain(module.get("c"), module)
    assert explain(module.get("top"), module).startswith("the 3 largest values of each row of a f32[1,8,8,3] and")


def test_no_explanation_is_invented():
    assert explain_operation("%0 = stablehlo.unheard_of %a : tensor<f32>") is None
    assert explain_operation("  func.func public @main() {") is None and read_operation("}") is None
    source = TextLines("{ lambda ; a:f32[]. let\n    b:f32[] = mystery[x=1] a\n  in (b,) }\n")
    folds = find_folds(source, "jaxpr")
    assert explain_row(source, folds, "jaxpr", 1) == ("mystery", "no explanation for mystery")
    assert explain_row(source, folds, "jaxpr", 0) is explain_row(source, folds, "jaxpr", 99) is None
    assert {"add", "dot_general", "while", "custom_call"} <= OPERATIONS
