"""HLO in which instructions stand inside of others: read as XLA's own parser reads it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from hlo_survival import IN_PLACE, OPERANDS

from xlascope.graphs import build_graph
from xlascope.ir import HloModule, parse_hlo
from xlascope.views import open_source, query

PRINTED = "from jaxlib import _hlo; import sys; print(_hlo.hlo_module_from_text(sys.stdin.read()).to_string())"

ON_ONE_LINE = """HloModule one, is_scheduled=true ENTRY e { ROOT k = f32[] constant(1) }
"""

SEVERAL_ON_ONE = """HloModule several
add {a = f32[] parameter(0) b = f32[] parameter(1) ROOT s = f32[] add(a,b)}
%mul (a: f32[], b: f32[]) -> f32[] { a = f32[] parameter(0) b = f32[] parameter(1) ROOT m = f32[] multiply(a,
  b) }

ENTRY e {p = f32[] parameter(0) q = f32[] call(p, p), to_apply=add ROOT r = f32[] call(
  p, q), to_apply=mul }
"""

BRACE_BELOW = """HloModule below
twice
{
  a = f32[] parameter(0)
  ROOT b = f32[] add(a, a)
}
ENTRY e
 {
  p = f32[] parameter(0)
  ROOT q = f32[] call(p), to_apply=twice
}
"""

CROOKED = """HloModule crooked
ENTRY e {
  a = f32[2] parameter(0)
  t = (f32[2], f32[2]) tuple(a,
    a) u = f32[2] negate(a), metadata={
    op_name="n"} ROOT v = f32[2]
  get-tuple-element(t), index=1
}
"""

TEXTS = (OPERANDS, IN_PLACE, ON_ONE_LINE, SEVERAL_ON_ONE, BRACE_BELOW, CROOKED)


def printed(text: str) -> HloModule:
    done = subprocess.run(
        [sys.executable, "-c", PRINTED], input=text, capture_output=True, text=True, timeout=120, check=True
    )
    return parse_hlo(done.stdout)


def forms(module: HloModule) -> list:
    """Each computation by what its instructions do: names and their order are left out."""
    return sorted(
        (computation is module.entry, sorted(
            (each.opcode, [computation.get(name).opcode for name in each.operands], len(each.called),
             each.is_root, each.op_name or "", each.parameter_number)
            for each in computation.instructions
        ))
        for computation in module.computations
    )  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=[text.split()[1].strip(",") for text in TEXTS])
def test_it_is_read_as_xla_reads_it(text):
    module, theirs = parse_hlo(text), printed(text)
    assert module.problems == [] and module.name == theirs.name
    assert forms(module) == forms(theirs)
    assert Counter(module.opcodes) == Counter(theirs.opcodes) and len(module) == len(theirs)
    assert {each.name for each in module.computations} == {each.name for each in theirs.computations}
    assert module.op_names() == [each.op_name for each in module.instructions()]


def test_an_operand_has_xlas_name_and_stands_before_its_user():
    module = parse_hlo(OPERANDS)
    assert module.names == printed(OPERANDS).names == [
        "parameter.anon", "parameter.anon.1", "multiply.anon", "constant.anon", "broadcast.anon", "a",
        "negate.anon", "b", "negate.anon.1", "constant.anon.1", "tuple.anon", "c",
    ]  # fmt: skip
    assert module.get("a").operands == ("multiply.anon", "broadcast.anon")
    assert module.get("c").operands == ("b", "tuple.anon") and module.get("c").is_root
    assert module.get("multiply.anon").text == "f32[4] multiply(f32[4] parameter(0), f32[4]{0} parameter(1))"
    assert (module.get("parameter.anon.1").shape, module.get("parameter.anon.1").parameter_number) == ("f32[4]{0}", 1)
    assert module.get("constant.anon.1").operand_text == "7"
    assert [user.name for user in module.entry.users("a")] == ["negate.anon", "b", "negate.anon.1"]
    # A line is that of the statement on it; what begins on a line of its own has that one.
    assert [module.get(name).line for name in ("a", "broadcast.anon", "b", "negate.anon")] == [3, 3, 4, 5]
    assert [getattr(module.at_line(line), "name", None) for line in range(1, 9)] == [
        None, None, "a", "b", "negate.anon", "c", None, None,
    ]  # fmt: skip
    assert (module.get("b").op_name, module.get("b").source_line) == ("jit(f)/concatenate", 3)


def test_a_computation_in_place_is_called_by_xlas_name():
    module = parse_hlo(IN_PLACE)
    assert {name: module.get(name).called for name in ("r", "t", "u", "o", "w")} == {
        "r": {"to_apply": ("_",)}, "t": {"to_apply": ("_.1",)}, "u": {"calls": ("_.3",)}, "o": {"to_apply": ("_.2",)},
        "w": {"branch_computations": ("_.4", "_.5")},
    }  # fmt: skip
    assert module.entry.name == "e" and module.entry.names == ["x", "z", "r", "t", "u", "i", "w"]
    assert [each.name for each in module.callers("_.2")] == ["o"] and module.entry.root.name == "w"
    assert (module.get("r").op_name, module.get("u").op_name, module.get("c").op_name) == ("outer", None, "inner")
    assert module.get("t").attributes["dimensions"] == "{0}"
    assert module.computation("_.3").names == ["a", "b", "c", "constant.anon", "o"]
    lines = IN_PLACE.splitlines()
    where = {name: next(n for n, line in enumerate(lines, 1) if f" {name} = " in line) for name in ("r", "t", "u", "c")}
    assert {name: module.get(name).line for name in where} == where
    # On a line of the inner one it is that one, on the line of both the outer one.
    assert [module.at_line(where["r"] + k).name for k in range(5)] == ["r", "p", "q", "s", "r"]
    assert module.at_line(where["t"]).name == "t" and module.at_line(where["u"] + 1).name == "u"


def test_graph_and_views_follow_them(tmp_path):
    graph = build_graph(parse_hlo(IN_PLACE))
    assert {node.id for node in graph.nodes} >= {"r", "constant.anon", "_.2/s", "_.4/p"}
    file = tmp_path / "in_place.hlo"
    file.write_text(IN_PLACE + "\n")
    with open_source(file) as source:
        found = query("graph", source, stage="hlo")
    assert {(node.computation, node.id) for node in found.nodes} >= {("e", "w"), ("_.4", "d")}
    assert {(edge.source, edge.target) for edge in found.edges} >= {("constant.anon", "o"), ("c", "o")}


def test_bodies_too_deep_are_named():
    line = "n.{0} = f32[2] map(a), to_apply={{ ".format
    text = "".join(line(level) for level in range(20)) + "p = f32[2] negate(a)" + " }" * 20
    module = parse_hlo(f"HloModule m\n\nENTRY e {{\n  a = f32[2] parameter(0)\n  {text}\n}}\n")
    assert module.names == ["a", *(f"n.{level}" for level in range(17))]
    reason = "a computation stands inside of an instruction: it is kept as text"
    assert [(each.line, each.reason, each.text[:5]) for each in module.problems] == [(5, reason, "n.16 ")]


def test_what_stands_too_deep_is_named():
    deep = "f32[2] negate(" * 40 + "a" + ")" * 40
    module = parse_hlo(f"HloModule m\n\nENTRY e {{\n  a = f32[2] parameter(0)\n  ROOT n = f32[2] add({deep}, a)\n}}\n")
    assert module.opcode_counts() == {"parameter": 1, "negate": 16, "add": 1}
    reason = "an operand is an instruction itself: it is kept as text"
    assert [(each.line, each.reason) for each in module.problems] == [(5, reason)]


@pytest.mark.parametrize("text", [
    "  x = f32[] call(a), to_apply={ b = f32[] call(a),\n", "  x = f32[] call(a), to_apply={ b = f32[] call(a) }\n",
    ", b = c(d) }\n", "  x = f32[2] add(f32[2] negate(", " to_apply={ { a = ", "add {a = f32[] b(c)}\n", ",a={}\n",
    "calls={/*", "  x = f32[2] add(a(b)) c = d(\n", "e { a = ",
])  # fmt: skip
def test_what_never_ends_takes_little(text):
    """What would take time that grows with the square of the length would run into the suite's time-out."""
    module = parse_hlo("HloModule m\n\nENTRY e {\n  a = f32[2] parameter(0)\n" + text * (1_000_000 // len(text)))
    assert module.names[0] == "a" and [each.name for each in module.instructions()] == module.names
