"""Fusions, collectives, costs and explanations of real modules."""

from __future__ import annotations

import pytest

from xlascope.ir import collectives, cost, explain, flops, fusion_summary, parse_groups, parse_hlo

FUSION = """\
HloModule m

%inner (p: f32[4]) -> f32[4] {
  %p = f32[4]{0} parameter(0)
  %s = f32[] constant(2)
  %w = f32[4]{0} broadcast(%s), dimensions={}
  %m = f32[4]{0} multiply(%p, %w)
  ROOT %n = f32[4]{0} negate(%m)
}

%outer (q: f32[4]) -> f32[4] {
  %q = f32[4]{0} parameter(0)
  %f = f32[4]{0} fusion(%q), kind=kLoop, calls=%inner
  ROOT %e = f32[4]{0} exponential(%f)
}

%one (r: f32[4]) -> f32[2,2] {
  %r = f32[4]{0} parameter(0)
  %a = f32[4]{0} abs(%r)
  ROOT %b = f32[2,2]{1,0} bitcast(%a)
}

ENTRY %main (x: f32[4]) -> f32[2,2] {
  %x = f32[4]{0} parameter(0)
  %nested = f32[4]{0} fusion(%x), kind=kInput, calls=%outer
  ROOT %wrapped_abs = f32[2,2]{1,0} fusion(%nested), kind=kLoop, calls=%one
}
"""


def test_real_members_of_fusions():
    module = parse_hlo(FUSION)
    summary = fusion_summary(module)
    assert [(own.name, own.members) for own in summary.fusions] == [("nested", 3), ("wrapped_abs", 1)]
    assert summary.count == 1 and summary.one_op == 1 and summary.names == ("nested",)
    assert summary.by_kind == {"kInput": 1} and summary.library == {}


def test_fusion_off_leaves_none(corpus):
    """What the switch does on CPU is what the count says: no fusion of two real members is left."""
    before = {}
    for program in corpus.programs:
        if program.stage == "fusion off":
            assert fusion_summary(parse_hlo(program.text)).count == 0, program.name
            before[program.name] = fusion_summary(parse_hlo(corpus.get(program.name).text)).count
    assert set(before) == {"softmax", "attention", "network", "scan"}
    assert before["softmax"] == 2 and before["attention"] >= 4 and before["network"] >= 3


def test_library_fusions_are_told_apart(corpus):
    summary = fusion_summary(parse_hlo(corpus.get("softmax").text))
    assert summary.library == {"ynn": 1} and summary.by_kind == {"kLoop": 1}
    assert summary.names == ("ynn_fusion.1", "broadcast_multiply_fusion")


def test_collectives_of_shard_map(corpus):
    found = {own.kind: own for own in collectives(parse_hlo(corpus.get("collectives").text))}
    assert set(found) == {"collective-permute", "all-gather", "all-reduce", "reduce-scatter", "all-to-all"}
    assert {kind: own.bytes for kind, own in found.items()} == {
        "collective-permute": 64,
        "all-gather": 256,
        "all-reduce": 64,
        "reduce-scatter": 256,
        "all-to-all": 256,
    }
    assert found["all-gather"].operand_bytes == 64 and found["reduce-scatter"].result_bytes == 64
    assert found["collective-permute"].groups == ((0, 1), (1, 2), (2, 3), (3, 0))
    assert all(own.groups == ((0, 1, 2, 3),) for kind, own in found.items() if kind != "collective-permute")
    assert all(own.source_file.endswith("compile_programs.py") for own in found.values())


def test_collectives_of_a_sharded_step(corpus):
    (reduced,) = collectives(parse_hlo(corpus.get("sharded").text))
    assert reduced.kind == "all-reduce" and reduced.groups == ((0, 1, 2, 3),)
    assert reduced.bytes == 4 + 4 * (32 * 64 + 64 * 8)


def test_asynchronous_collectives_of_a_gpu(dumps):
    """The all-reduce of the gradients, while XLA's passes hold it as a pair, and afterwards as one."""
    texts = [text for path, text in dumps.items() if "jit_loss" in path and "async-start(" in text]
    assert len(texts) >= 2
    for text in [text for text in texts if "%all-reduce-start" in text]:
        (found,) = collectives(parse_hlo(text))
        assert (found.kind, found.instruction, found.done) == ("all-reduce", "all-reduce-start", "all-reduce-done")
        assert found.is_async and found.bytes == 98305 * 4 and found.groups == ((0, 1, 2, 3),)
        assert found.source_line is not None
    (final,) = [text for path, text in dumps.items() if path.endswith("gpu_after_optimizations.txt")]
    (found,) = collectives(parse_hlo(final))
    assert (found.kind, found.is_async, found.bytes) == ("all-reduce", False, 98305 * 4)


ASYNC = """\
HloModule m

%add (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %s = f32[] add(%a, %b)
}

ENTRY %main (x: f32[8]) -> f32[32] {
  %x = f32[8]{0} parameter(0)
  %r.1 = f32[8]{0} all-reduce-start(%x), channel_id=1, replica_groups=[1,4]<=[4], to_apply=%add
  %g.1 = (f32[8]{0}, f32[32]{0}) all-gather-start(%x), channel_id=2, replica_groups={{0,1,2,3}}, dimensions={0}
  %p.1 = (f32[8]{0}, f32[8]{0}, u32[], u32[]) collective-permute-start(%x), channel_id=3, source_target_pairs={{0,1}}
  %c.1 = ((f32[8]{0}), f32[2]{0}, u32[]) reduce-scatter-start(%x), channel_id=4, dimensions={0}, to_apply=%add
  %c.2 = f32[2]{0} reduce-scatter-done(%c.1)
  %p.2 = f32[8]{0} collective-permute-done(%p.1)
  %r.2 = f32[8]{0} all-reduce-done(%r.1)
  ROOT %g.2 = f32[32]{0} all-gather-done(%g.1)
}
"""


SPREAD = """\
HloModule m

%begin (p.0: bf16[16,128]) -> (bf16[16,128], bf16[128,128]) {
  %p.0 = bf16[16,128]{1,0} parameter(0)
  %g.0 = bf16[128,128]{1,0} all-gather(%p.0), channel_id=6, replica_groups={{0,1,2,3,4,5,6,7}}, dimensions={0}, metadata={op_name="jit(f)/dot" source_file="/f.py" source_line=8}
  ROOT %cc.0 = (bf16[16,128]{1,0}, bf16[128,128]{1,0}) custom-call(%g.0), custom_call_target="AsyncCollectiveStart"
}

%work (p.1: bf16[16,128], p.2: f32[8]) -> (f32[8], bf16[128,128]) {
  %p.1 = bf16[16,128]{1,0} parameter(0)
  %p.2 = f32[8]{0} parameter(1)
  %n.0 = f32[8]{0} negate(%p.2)
  %g.1 = bf16[128,128]{1,0} all-gather(%p.1), channel_id=6, replica_groups={{0,1,2,3,4,5,6,7}}, dimensions={0}
  ROOT %t.0 = (f32[8]{0}, bf16[128,128]{1,0}) tuple(%n.0, %g.1)
}

%end (p.3: bf16[16,128]) -> bf16[128,128] {
  %p.3 = bf16[16,128]{1,0} parameter(0)
  %g.2 = bf16[128,128]{1,0} all-gather(%p.3), channel_id=6, replica_groups={{0,1,2,3,4,5,6,7}}, dimensions={0}
  ROOT %cc.1 = bf16[128,128]{1,0} custom-call(%p.3, %g.2), custom_call_target="AsyncCollectiveDone"
}

ENTRY %main (x: bf16[16,128], y: f32[8]) -> bf16[128,128] {
  %x = bf16[16,128]{1,0} parameter(0)
  %y = f32[8]{0} parameter(1)
  %g.9 = bf16[128,128]{1,0} all-gather(%x), channel_id=4, replica_groups={{0,1,2,3,4,5,6,7}}, dimensions={0}
  %async-collective-start = (bf16[16,128]{1,0}, bf16[128,128]{1,0}) fusion(%x), kind=kCustom, calls=%begin
  %e.0 = bf16[16,128]{1,0} get-tuple-element(%async-collective-start), index=0
  %fusion.1 = (f32[8]{0}, bf16[128,128]{1,0}) fusion(%e.0, %y), kind=kOutput, calls=%work
  ROOT %async-collective-done = bf16[128,128]{1,0} fusion(%e.0), kind=kCustom, calls=%end
}
"""


def test_a_collective_that_a_tpu_compiler_spreads_over_fusions_is_one():
    module = parse_hlo(SPREAD)
    assert module.problems == []
    told = [(own.instruction, own.done, own.inner, own.bytes, own.is_async, own.source_line) for own in collectives(module)]
    assert told == [
        ("async-collective-start", "async-collective-done", "g.0", 32768, True, 8),
        ("g.9", None, "g.9", 32768, False, None),
    ]
    # Where nothing says which fusion starts it, each is told as it stands.
    assert len(collectives(parse_hlo(SPREAD.replace("AsyncCollectiveStart", "Other")))) == 4


def test_pairs_of_start_and_done():
    module = parse_hlo(ASYNC)
    assert module.problems == []
    assert [(own.kind, own.instruction, own.done, own.bytes, own.channel_id) for own in collectives(module)] == [
        ("all-reduce", "r.1", "r.2", 32, 1),
        ("all-gather", "g.1", "g.2", 128, 2),
        ("collective-permute", "p.1", "p.2", 32, 3),
        ("reduce-scatter", "c.1", "c.2", 32, 4),
    ]
    assert explain(module.get("r.1"), module) == (
        "starts: every device gets the sum of all devices' x f32[8], in 1 group of 4, channel 1"
    )
    assert explain(module.get("g.2"), module) == "waits for g.1 to end, the all-gather that it started on x f32[8]"


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("{{0,1},{2,3}}", ((0, 1), (2, 3))),
        ("{{0,3},{1,2}}", ((0, 3), (1, 2))),
        ("[2,2]<=[4]", ((0, 1), (2, 3))),
        ("[2,2]<=[2,2]T(1,0)", ((0, 2), (1, 3))),
        ("mesh['x'=2,'y'=3] {'x'}", ((0, 3), (1, 4), (2, 5))),
        ("mesh['x'=2,'y'=2] {'x','y'}", ((0, 1, 2, 3),)),
        ("{}", None),
        ("[3,2]<=[4]", None),
        ("[2,2]<=[4]T(9,9)", None),
        ("mesh['x'=2] {'z'}", None),
        ("[99999999,99999999]<=[99999999,99999999]", None),
        ("", None),
    ],
)
def test_groups(text, groups):
    assert parse_groups(text) == groups


def test_flops_and_bytes_equal_xlas_cost_analysis(corpus):
    """XLA counts transcendentals apart and a loop once; programs with neither loop nor library call must agree."""
    exact = ["softmax", "attention", "network", "embedding", "pooling", "pooling_grad", "hessian", "vmap", "remat"]
    exact += ["cumulative", "types", "wide_tuple", "shared_call", "sharded"]
    for name in exact:
        program = corpus.get(name)
        module = parse_hlo(program.text)
        entry = [own for own in module.entry.instructions if own.opcode != "call"]
        ours = [flops(own, module) for own in entry]
        theirs = program.cost["flops"] + program.cost.get("transcendentals", 0)
        assert None not in ours and sum(ours) == theirs, name
    for name in ("softmax", "attention", "hessian", "vmap", "remat", "pooling", "pooling_grad", "constant"):
        program = corpus.get(name)
        module = parse_hlo(program.text)
        assert sum(cost(own, module).bytes for own in module.entry.instructions) == program.cost["bytes accessed"], name


def test_a_loop_counts_its_turns(corpus):
    module = parse_hlo(corpus.get("scan").text)
    (loop,) = module.of_opcode("while")
    body = module.computation(loop.called["body"][0])
    each = sum(flops(own, module) for own in body.instructions)
    assert each > 2 * 64**3 and flops(loop, module) >= 10 * each
    unknown = parse_hlo(corpus.get("while").text).of_opcode("while", "call")
    assert flops(unknown[0], unknown[0].module) is None


def test_unknown_is_none():
    module = parse_hlo(
        "HloModule m\nENTRY %e (x: f32[4]) -> f32[4] {\n  %x = f32[4] parameter(0)\n"
        '  %c = f32[4] custom-call(%x), custom_call_target="f"\n  ROOT %n = f32[4] new-op(%c, %gone)\n}\n'
    )
    assert flops(module.get("c"), module) is None and cost(module.get("n"), module).bytes is None
    assert explain(module.get("n"), module) is None
    assert "f, code outside of XLA" in explain(module.get("c"), module)


def test_explanations_name_shapes_and_operands(corpus):
    module = parse_hlo(corpus.get("softmax").text)
    told = {own.opcode: explain(own, module) for own in module.instructions()}
    assert told["dot"] == (
        "matrix product: contracts dim 1 (256) of x with dim 0 (256) of w, giving f32[128,64]; fused into ynn_fusion.1"
    )
    (power,) = module.of_opcode("exponential")
    assert told["exponential"] == (
        f"elementwise e^x of {power.operands[0]} f32[128,64], 8,192 elements; fused into ynn_fusion.1"
    )
    assert told["reduce"] in {
        f"{what} over dim 1 (64) of {name} f32[128,64], giving f32[128]; fused into {fusion}"
        for what, name, fusion in (("sum", "param_0", "ynn_fusion"), ("maximum", "dot_general.0", "ynn_fusion.1"))
    }
    assert explain(module.get("ynn_fusion.1"), module) == (
        "5 operations in one kernel, handed to the library YNNPACK: dot, reduce, broadcast, subtract, exponential"
    )
    loop = parse_hlo(corpus.get("scan").text).of_opcode("while")[0]
    assert explain(loop, loop.module).endswith("10 times, carrying 3 values")


def test_everything_that_real_programs_hold_is_explained(corpus):
    silent = set()
    for program in corpus.programs:
        module = parse_hlo(program.text)
        silent |= {own.opcode for own in module.instructions() if explain(own, module) is None}
    assert silent == set()


def test_summaries_of_every_pass(dumps):
    for path, text in list(dumps.items())[::9]:
        module = parse_hlo(text)
        fusion_summary(module)
        for own in module.instructions():
            assert explain(own, module), (path, own.text)
            known = cost(own, module)
            assert (known.flops is None or known.flops >= 0) and (known.bytes is None or known.bytes >= 0)
        assert all(own.bytes for own in collectives(module))
