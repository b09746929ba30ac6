"""Links of modules written by hand: what is merged, shared, or cannot be told apart."""

from __future__ import annotations

import pytest

from xlascope.ir import index_jaxpr, parse_hlo
from xlascope.ir.provenance import names_of, paths_of
from xlascope.views.equations import _instructions
from xlascope.views.provenance import attribution
from xlascope.views.provenance.attribution import attribute
from xlascope.views.provenance.instructions import Instructions
from xlascope.views.provenance.origins import of_module
from xlascope.views.provenance.positions import Own, position

SHARED_LITERAL = """HloModule m

%spread (p: f32[]) -> f32[4] {
  %p = f32[] parameter(0)
  ROOT %broadcast.1 = f32[4]{0} broadcast(%p), dimensions={}
}

ENTRY %main (x: f32[4], y: f32[4]) -> f32[4] {
  %x = f32[4]{0} parameter(0)
  %y = f32[4]{0} parameter(1)
  %two = f32[] constant(2)
  %wide = f32[4]{0} fusion(%two), kind=kLoop, calls=%spread
  %mul.1 = f32[4]{0} multiply(%x, %wide), metadata={op_name="jit(f)/xs0_/mul"}
  %sub.1 = f32[4]{0} subtract(%mul.1, %wide), metadata={op_name="jit(f)/xs1_/sub"}
  %either = f32[4]{0} maximum(%x, %y)
  %add.1 = f32[4]{0} add(%sub.1, %either), metadata={op_name="jit(f)/xs2_/add"}
  %neg.1 = f32[4]{0} negate(%either), metadata={op_name="jit(f)/xs3_/neg"}
  ROOT %div.1 = f32[4]{0} divide(%add.1, %neg.1), metadata={op_name="jit(f)/xs4_/div"}
}
"""


def test_a_literal_kept_once_is_of_all_that_read_it_and_nothing_else_is_guessed() -> None:
    origin = of_module(parse_hlo(SHARED_LITERAL), None)
    assert origin.equations["broadcast.1"] == origin.equations["wide"] == ("0", "1")
    assert {"broadcast.1", "wide"} <= origin.inferred.keys() and "mul.1" not in origin.inferred
    # A value that equations read of which none made it: it stays XLA's.
    assert "either" not in origin.equations and origin.added == {"either"}


JAXPR = """{ lambda ; a:f32[4,8] b:f32[8,2]. let
    c:f32[4,2] = dot_general[dimension_numbers=(([1], [0]), ([], []))] a b
    d:f32[2,4] = transpose[permutation=(1, 0)] c
    e:f32[2,4] = mul d 2.0:f32[]
  in (e,) }"""
ROWS = [
    {"path": "0", "primitive": "dot_general", "inputs": [], "outputs": ["f32[4,2]"], "file": "/s.py", "line": 1, "text_line": 2},
    {"path": "1", "primitive": "transpose", "inputs": [], "outputs": ["f32[2,4]"], "file": "/s.py", "line": 2, "text_line": 3},
    {"path": "2", "primitive": "mul", "inputs": [], "outputs": ["f32[2,4]"], "file": "/s.py", "line": 3, "text_line": 4},
]
MERGED = """HloModule m

ENTRY %main (a: f32[4,8], b: f32[8,2]) -> f32[2,4] {
  %a = f32[4,8]{1,0} parameter(0)
  %b = f32[8,2]{1,0} parameter(1)
  %dot.1 = f32[2,4]{1,0} dot(%b, %a), lhs_contracting_dims={0}, rhs_contracting_dims={1}, metadata={op_name="jit(f)/xs1_/transpose"}
  %two = f32[] constant(2)
  %wide = f32[2,4]{1,0} broadcast(%two), dimensions={}
  ROOT %mul.1 = f32[2,4]{1,0} multiply(%dot.1, %wide), metadata={op_name="jit(f)/xs2_/mul"}
}
"""


def test_what_was_merged_into_its_reader_and_what_only_one_equation_reads() -> None:
    module, jaxpr = parse_hlo(MERGED), index_jaxpr(JAXPR, ROWS)
    origin = of_module(module, jaxpr)
    # XLA made the transpose of a product a product: the product is there, though no tag says so.
    assert origin.equations == {"dot.1": ("0", "1"), "mul.1": ("2",), "wide": ("2",)}
    assert origin.inferred == {"dot.1": {"0"}, "wide": {"2"}} and not origin.added
    shares = attribute({"dot.1": 1000, "mul.1": 70}, module, origin, {each["path"]: each["primitive"] for each in ROWS})
    assert (shares["0"].estimated_ns, shares["0"].exact_ns) == (1000, 0)  # the transpose does no work of its own
    assert shares["1"].estimated_ns == 0 and shares["2"].exact_ns == 70


def unrolled(layers: int) -> tuple[str, list[dict[str, object]]]:
    """A module without tags of many layers of one line, each a fusion of the same two operations."""
    bodies, calls, rows = [], [], []
    for n in range(layers):
        named = [f'metadata={{op_name="jit(f)/{name}" source_file="/s.py" source_line=7}}' for name in ("mul", "tanh")]
        bodies.append(
            f"%body.{n} (p.{n}: f32[4]) -> f32[4] {{\n"
            f"  %p.{n} = f32[4]{{0}} parameter(0)\n"
            f"  %m.{n} = f32[4]{{0}} multiply(%p.{n}, %p.{n}), {named[0]}\n"
            f"  ROOT %t.{n} = f32[4]{{0}} tanh(%m.{n}), {named[1]}\n}}\n"
        )
        operand = f"%call.{n - 1}" if n else "%x"
        root = "ROOT " if n == layers - 1 else ""
        calls.append(f"  {root}%call.{n} = f32[4]{{0}} fusion({operand}), kind=kLoop, calls=%body.{n}, {named[1]}")
        for at, name in ((2 * n, "mul"), (2 * n + 1, "tanh")):
            rows.append({"path": str(at), "primitive": name, "inputs": [], "outputs": ["f32[4]"], "file": "/s.py",
                         "line": 7, "text_line": at + 2})  # fmt: skip
    entry = ["ENTRY %main (x: f32[4]) -> f32[4] {", "  %x = f32[4]{0} parameter(0)", *calls, "}", ""]
    return "HloModule m\n\n" + "\n".join([*bodies, *entry]), rows


def test_layers_that_cannot_be_told_apart_share_their_equations() -> None:
    layers = 40
    text, rows = unrolled(layers)
    lines = "{ lambda ; a:f32[4]. let\n" + "".join(f"    b{n}:f32[4] = x\n" for n in range(2 * layers)) + "  in (b,) }"
    origin = of_module(parse_hlo(text), index_jaxpr(lines, rows))
    products, all_paths = tuple(map(str, range(0, 2 * layers, 2))), tuple(map(str, range(2 * layers)))
    assert not origin.exact
    assert all(origin.equations[f"m.{n}"] == products for n in range(layers))
    assert all(origin.equations[f"call.{n}"] == all_paths for n in range(layers))
    # One object for all layers: a copy for each would be the square of the program.
    for kind in ("m", "t", "call"):
        assert len({id(origin.equations[f"{kind}.{n}"]) for n in range(layers)}) == 1


def test_the_work_of_a_member_is_not_reckoned_for_each_of_its_equations(monkeypatch) -> None:
    text, rows = unrolled(20)
    lines = "{ lambda ; a:f32[4]. let\n" + "".join(f"    b{n}:f32[4] = x\n" for n in range(40)) + "  in (b,) }"
    module, asked = parse_hlo(text), []
    origin = of_module(module, index_jaxpr(lines, rows))
    work = attribution.effort
    monkeypatch.setattr(attribution, "effort", lambda member, of: asked.append(member.name) or work(member, of))
    shares = attribute({"call.3": 4000, "call.5": 1234, "call.7": 1}, module, origin, {each["path"]: each["primitive"] for each in rows})
    # Twice of the first of the ops that are split alike, once of the others.
    assert sorted(asked) == ["m.3", "m.3", "m.5", "m.7", "t.3", "t.3", "t.5", "t.7"]
    assert sum(share.estimated_ns for share in shares.values()) == 5235 and len(shares) == 40


def test_equations_of_the_same_instructions_share_their_names() -> None:
    text, rows = unrolled(12)
    lines = "{ lambda ; a:f32[4]. let\n" + "".join(f"    b{n}:f32[4] = x\n" for n in range(24)) + "  in (b,) }"
    origin = of_module(parse_hlo(text), index_jaxpr(lines, rows))
    names = _instructions(origin)
    for path in map(str, range(24)):
        assert names[path] == tuple(name for name, paths in origin.equations.items() if path in paths)
    assert len({id(found) for found in names.values()}) == 2


@pytest.mark.parametrize(
    ("op_name", "names", "paths"),
    [
        ("jit(f)/xs4_/while/body/xsb1.0_/mul", ["jit(f)/xs4_/while/body/xsb1.0_/mul"], ("4.b1.0",)),
        ("jit(f)/xs1_/add;jit(f)/xs2_/mul", ["jit(f)/xs1_/add", "jit(f)/xs2_/mul"], ("1", "2")),
        (
            "jit(f)/(transpose(jvp(xs19_))/dot:transpose(jvp(xs15_))/dot)",
            ["jit(f)/transpose(jvp(xs19_))/dot", "jit(f)/transpose(jvp(xs15_))/dot"],
            ("19", "15"),
        ),
        ("jit(f)/(a/xs1_:b/xs2_/(x:y))", ["jit(f)/a/xs1_", "jit(f)/b/xs2_/x", "jit(f)/b/xs2_/y"], ("1", "2")),
        ("jit(f)/(((:", ["jit(f)/(((:"], ()),
        ("eval_jaxpr:", ["eval_jaxpr:"], ()),
    ],
)
def test_names_of_merged_instructions(op_name: str, names: list[str], paths: tuple[str, ...]) -> None:
    assert names_of(op_name) == names and paths_of(op_name) == paths


SHARED_LOWERING = """HloModule m

FileNames
1 "/s.py"
2 "/site-packages/lib.py"

FunctionNames
1 "f"

FileLocations
1 {file_name_id=1 function_name_id=1 line=9 end_line=9 column=1 end_column=9}
2 {file_name_id=1 function_name_id=1 line=5 end_line=5 column=1 end_column=9}
3 {file_name_id=2 function_name_id=1 line=70 end_line=70 column=1 end_column=9}
4 {file_name_id=1 function_name_id=1 line=7 end_line=7 column=1 end_column=9}

StackFrames
1 {file_location_id=1 parent_frame_id=1}
2 {file_location_id=4 parent_frame_id=2}
3 {file_location_id=3 parent_frame_id=3}
4 {file_location_id=2 parent_frame_id=4}

ENTRY %main (a: f32[4]) -> f32[4] {
  %a = f32[4]{0} parameter(0)
  ROOT %n = f32[4]{0} negate(%a), metadata={op_name="jit(f)/neg" stack_frame_id=4}
}
"""


def test_a_line_is_that_of_the_call_site_where_xla_names_the_first_of_several() -> None:
    instruction = parse_hlo(SHARED_LOWERING).get("n")
    assert [(each.file, each.line) for each in instruction.stack] == [
        ("/s.py", 5), ("/site-packages/lib.py", 70), ("/s.py", 7), ("/s.py", 9)]  # fmt: skip
    own = Own(script="/s.py")
    assert position(instruction, own) == ("/s.py", 5)
    # The equation was traced in the package, which line 7 called; line 5 is of another call of the same.
    assert position(instruction, own, ("/site-packages/lib.py", 70)) == ("/s.py", 7)
    assert position(instruction, own, ("/s.py", 1)) == ("/s.py", 5)


LENT = """HloModule m

%fused (p: f32[64]) -> f32[64] {
  %p = f32[64]{0} parameter(0)
  %one = f32[] constant(1), metadata={op_name="jit(f)/xs1_/shard_map" source_file="/s.py" source_line=9}
  %wide = f32[64]{0} broadcast(%one), dimensions={}, metadata={op_name="jit(f)/xs1_/shard_map" source_file="/s.py" source_line=9}
  %two = f32[] constant(2), metadata={op_name="jit(f)/xs0_/mul" source_file="/s.py" source_line=2}
  %twice = f32[64]{0} broadcast(%two), dimensions={}, metadata={op_name="jit(f)/xs0_/mul" source_file="/s.py" source_line=2}
  %add.1 = f32[64]{0} add(%p, %wide), metadata={op_name="jit(f)/shard_map/xs1_/xs0_/add" source_file="/s.py" source_line=4}
  ROOT %mul.1 = f32[64]{0} multiply(%add.1, %twice), metadata={op_name="jit(f)/shard_map/xs1_/xs1_/mul" source_file="/s.py" source_line=5}
}

ENTRY %main (x: f32[64]) -> f32[64] {
  %x = f32[64]{0} parameter(0)
  ROOT %fused.1 = f32[64]{0} fusion(%x), kind=kLoop, calls=%fused, metadata={op_name="jit(f)/shard_map/xs1_/xs1_/mul" source_file="/s.py" source_line=5}
}
"""
LENT_ROWS = [
    {"path": path, "primitive": primitive, "inputs": [], "outputs": ["f32[64]"], "file": "/s.py", "line": line, "text_line": at}
    for at, (path, primitive, line) in enumerate(
        [("0", "mul", 2), ("1", "shard_map", 9), ("1.0", "add", 4), ("1.1", "mul", 5)], 2
    )
]  # fmt: skip


def test_a_literal_that_bears_the_name_of_another_equation_takes_no_time_and_no_line_of_it() -> None:
    module = parse_hlo(LENT)
    jaxpr = index_jaxpr("{ lambda ; a:f32[64]. let\n    b = x\n" * 5, LENT_ROWS)
    origin = of_module(module, jaxpr)
    assert origin.equations["fused.1"] == ("0", "1", "1.0", "1.1")
    primitives = {each["path"]: each["primitive"] for each in LENT_ROWS}
    shares = attribute({"fused.1": 1000}, module, origin, primitives)
    assert {path: share.estimated_ns for path, share in shares.items()} == {"0": 0, "1": 0, "1.0": 500, "1.1": 500}
    # One of the program's own counts: a tenth of an operation for each element, its constant's too.
    shares = attribute({"fused.1": 1345}, module, origin, primitives | {"0": "broadcast_in_dim"})
    assert {path: share.estimated_ns for path, share in shares.items()} == {"0": 65, "1": 0, "1.0": 640, "1.1": 640}
    facts = Instructions(module, origin, Own("/s.py"), jaxpr).get("fused.1")
    assert facts is not None and (facts.line, facts.user_line, facts.lines) == (5, 5, (4, 5))
    assert facts.equations == ("0", "1", "1.0", "1.1") and facts.lent == {"0", "1"}
