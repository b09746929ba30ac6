"""HLO as people write it, over several lines and without what XLA infers: read as XLA's own parser reads it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hlo_survival import WRITTEN

from xlascope.ir import HloModule, parse_hlo

PRINTED = "from jaxlib import _hlo; import sys; print(_hlo.hlo_module_from_text(sys.stdin.read()).to_string())"


def facts(module: HloModule) -> dict[str, list[tuple]]:
    return {
        computation.name: [
            (each.name, each.opcode, each.operands, each.called, each.is_root, each.op_name, each.stack)
            for each in computation.instructions
        ]
        for computation in module.computations
    }


def test_it_is_read_as_xla_reads_it():
    written = parse_hlo(WRITTEN)
    assert written.problems == []
    printed = subprocess.run(
        [sys.executable, "-c", PRINTED], input=WRITTEN, capture_output=True, text=True, timeout=120, check=True
    )
    own = parse_hlo(printed.stdout)
    assert own.problems == [] and own.name == written.name == "written"
    # XLA makes names unique in the module, and prints what is called first.
    def plain(found: dict[str, list[tuple]]) -> list:
        return sorted(
            [(opcode, len(operands), sorted(called), root, name, stack) for _, opcode, operands, called, root, name, stack in rows]
            for rows in found.values()
        )  # fmt: skip

    assert plain(facts(written)) == plain(facts(own))
    assert {name: len(rows) for name, rows in facts(written).items()} == {
        "largest": 3, "condition": 4, "body": 7, "main": 7,
    }  # fmt: skip


def test_details_are_those_of_all_its_lines():
    module = parse_hlo(WRITTEN)
    most, loop, call = module.get("most"), module.get("loop"), module.get("y")
    assert most.operands == ("a.0", "b.0") and most.shape == "" and most.is_root
    assert loop.called == {"body": ("body",), "condition": ("condition",)}
    assert call.backend_config == '{\n      "of": {"tile": [4, 8]}\n    }' and call.shape == "f32[4, 8]{1, 0}"
    assert (call.op_name, call.source_file, call.source_line) == ("jit(f)/call", "f.py", 7)
    assert module.get("again").attributes == {"direction": "LT"}
    assert module.get("both").operands == ("next", "y")
    assert module.get("result").attributes == {"dimensions": "{1}", "to_apply": "largest"}
    assert module.computation("largest").signature == "(a.0: f32[], b.0: f32[]) -> f32[]"
    assert module.header == {"is_scheduled": "true"}
    lines = WRITTEN.splitlines()
    first = lines.index("  y = f32[4, 8]{1, 0} custom-call(x), custom_call_target=\"f\", backend_config={") + 1
    assert call.line == first
    # Any of its lines is the instruction's; the comment before it is nobody's.
    assert [module.at_line(first + k) is call for k in range(-1, 6)] == [False, *[True] * 5, False]
    assert module.at_line(lines.index("  // the larger one") + 1) is None
    assert dict(zip(module.names, module.op_names(), strict=True))["y"] == "jit(f)/call"


@pytest.mark.parametrize(
    ("line", "kept"),
    [("  what is this", 1), ("  x = f32[2", 1), ("  %n (a: f32[],", 1), ("  x =\n  ( (\n  {", 3)],
)
def test_what_is_not_understood_is_named_line_by_line(line, kept):
    head = "HloModule m\n\nENTRY e {\n  a = f32[2] parameter(0)\n"
    module = parse_hlo(f"{head}{line}\n  ROOT b = f32[2] negate(a)\n}}\n")
    assert [(each.line, each.reason) for each in module.problems] == [(5 + k, "not an instruction") for k in range(kept)]
    assert module.names == ["a", "b"] and module.entry.root.operands == ("a",)


SEVERAL = """HloModule m

ENTRY e {
  a = f32[2] parameter(0) b = f32[2] negate(a), metadata={op_name="x = y(z)"} ROOT c = (f32[2], f32[2]{0}) tuple(a, b)
  d = f32[4] concatenate(a, b), dimensions={0} %e = f32[2] slice(d), slice={[1:3]}
}
"""


def test_several_statements_on_a_line_are_each_an_instruction():
    module = parse_hlo(SEVERAL)
    assert module.problems == []
    assert [(each.name, each.opcode, each.operands, each.line) for each in module.instructions()] == [
        ("a", "parameter", (), 4), ("b", "negate", ("a",), 4), ("c", "tuple", ("a", "b"), 4),
        ("d", "concatenate", ("a", "b"), 5), ("e", "slice", ("d",), 5),
    ]  # fmt: skip
    assert module.get("c").is_root and module.get("b").op_name == "x = y(z)" and module.get("c").shape.startswith("(f32")
    assert module.get("d").attributes == {"dimensions": "{0}"} and module.get("e").attributes == {"slice": "{[1:3]}"}
    assert [each.text.strip() for each in module.instructions()][:2] == [
        "a = f32[2] parameter(0)", 'b = f32[2] negate(a), metadata={op_name="x = y(z)"}',
    ]  # fmt: skip
    assert [user.name for user in module.entry.users("a")] == ["b", "c", "d"]
    printed = subprocess.run(
        [sys.executable, "-c", PRINTED], input=SEVERAL, capture_output=True, text=True, timeout=120, check=True
    )
    theirs = parse_hlo(printed.stdout)
    assert sorted(zip(module.names, module.opcodes, strict=True)) == sorted(zip(theirs.names, theirs.opcodes, strict=True))


@pytest.mark.parametrize(
    ("line", "reasons"),
    [
        ("n = f32[2] add(f32[2]{0:T(256)} %a, a), metadata={op_name=\"f(g(x))\" source_file=\"x = y(z)\"}", []),
        ("n = f32[2] custom-call(a), custom_call_target=\"f\", frontend_attributes={x = \"y(\"}, sharding={replicated}", []),
        ("n = f32[2] compare(a, a), direction = LT", []),
        ("n = c64[] constant((1, 2))", []),
        ("n = b(f32[2]) custom-call(a), custom_call_target=\"f\"", []),
    ],
)  # fmt: skip
def test_what_is_kept_as_text_is_named(line, reasons):
    module = parse_hlo(f"HloModule m\n\nENTRY e {{\n  a = f32[2] parameter(0)\n  {line}\n  ROOT b = f32[2] negate(a)\n}}\n")
    assert [(each.line, each.reason, each.text) for each in module.problems] == [(5, reason, line) for reason in reasons]
    assert module.names == ["a", "n", "b"] and module.get("n").text.strip() == line
    assert module.get("n").opcode == re.search(r"([a-z\-]{2,})\(", line).group(1)


def test_an_instruction_outside_of_a_computation_is_named_with_all_its_lines():
    module = parse_hlo("HloModule m\n\nENTRY e {\n  a = f32[2] parameter(0)\n}\nx = f32[2]\n  negate(a)\n")
    assert [(each.line, each.reason) for each in module.problems] == [
        (line, "an instruction outside of a computation") for line in (6, 7)
    ]


def test_a_list_of_computations_that_does_not_close_takes_little():
    line = "%s = f32[] async-start(%x), calls={" + "a_long_name_of_a_computation" * 8 + '="side"'
    module = parse_hlo("HloModule m\n\nENTRY e {\n  x = f32[] parameter(0)\n  " + line + "\n}\n")
    assert module.get("s").called["calls"][0] == "a_long_name_of_a_computation" * 8


def test_what_never_ends_takes_little():
    """What would take time that grows with the square of the length would run into the suite's time-out."""
    head = "HloModule m\n\nENTRY e {\n  a = f32[2] parameter(0)\n"
    lines = (
        "  x = (\n", "  %n (a: f32[],\n", "  a = add(b,\n", ",\n", "x = f32[2\n", "  %a {{{ {\n", "  },\n",
        "  b = f32[2] add(b) c = d\n", " b = f32[2] add(c(d)) ", " b = f32[2] add(d), e={f = g(", " b = f32[2] add(d)\t\t", "\t",
    )  # fmt: skip
    for line in lines:
        module = parse_hlo(head + line * 100_000)
        assert module.get("a") is not None and module.problems
