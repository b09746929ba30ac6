"""The parser against XLA's own reading of real modules, and against damaged text."""

from __future__ import annotations

import random
import re

import pytest
from hlo_corpus import mutate, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from xlascope.ir import HloModule, parse_hlo

# Opcodes whose name in the text is not that of XLA's enumeration, dashes and case aside.
_ENUM_NAMES = {
    "exponential": "exp",
    "sine": "sin",
    "cosine": "cos",
    "exponential-minus-one": "expm1",
    "log-plus-one": "log1p",
    "opt-barrier": "optimizationbarrier",
    "count-leading-zeros": "clz",
}

OLD_TEXT = """\
HloModule jit_f, entry_computation_layout={(f32[4]{0})->f32[4]{0}}

%region (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %sum = f32[] add(f32[] %a, f32[] %b)
}

ENTRY %main (x: f32[4]) -> f32[4] {
  %x = f32[4]{0} parameter(0), sharding={devices=[2,1]<=[2]}
  %c = f32[] constant(2), metadata={op_name="jit(f)/mul" source_file="/a b/train.py" source_line=7}
  %r = f32[] reduce(f32[4]{0} %x, f32[] %c), dimensions={0}, to_apply=%region
  %t = (s32[], /*index=1*/f32[4]{0}) custom-call(%r, /*index=1*/%x), custom_call_target="a, b) = \\"q\\"", \
backend_config="{\\"known_trip_count\\":{\\"n\\":\\"12\\"}}"
  ROOT %g = f32[4]{0} get-tuple-element(%t), index=1, metadata={op_name="jit(f)/a\\"b"}
}
"""


def names_of(module: HloModule) -> dict[str, set[str]]:
    return {computation.name: set(computation.names) for computation in module.computations}


def assert_same(module: HloModule, expected: dict) -> None:
    """Computations, names, opcodes and operands are XLA's; ``%x#1`` is text for an element XLA calls ``x_1``."""
    assert {computation.name for computation in module.computations} == set(expected)
    for computation in module.computations:
        theirs = {name: (opcode, operands) for name, opcode, operands in expected[computation.name]}
        sugar = {
            f"{name}_{index}"
            for own in computation.instructions
            for name, index in own.operand_refs
            if index is not None
        }
        assert set(computation.names) == set(theirs) - (sugar - set(computation.names))
        for own in computation.instructions:
            opcode, operands = theirs[own.name]
            assert _ENUM_NAMES.get(own.opcode, own.opcode.replace("-", "")) == opcode.lower()
            assert [name if at is None else f"{name}_{at}" for name, at in own.operand_refs] == operands


def test_every_program_reads_as_in_xla(corpus):
    for program in corpus.programs:
        module = parse_hlo(program.text)
        assert module.problems == [], (program.name, program.stage)
        assert len(module) == sum(len(members) for members in program.computations.values())
        assert_same(module, program.computations)


def test_every_pass_of_gpu_and_tpu_compilers(corpus, dumps):
    compared = 0
    for path, text in dumps.items():
        module = parse_hlo(text)
        assert module.problems == [], path
        for own in module.instructions():
            assert all(own.computation.get(name) is not None for name in own.operands), own.text
            assert all(module.computation(name) for names in own.called.values() for name in names), own.text
        reference = corpus.texts.get(path)
        if isinstance(reference, dict):  # an older XLA cannot read all of a newer one's text
            compared += 1
            assert_same(module, reference)
    assert compared > 100


def test_details_of_an_instruction(corpus):
    module = parse_hlo(corpus.get("softmax").text)
    assert module.name.startswith("jit_")
    assert module.header["is_scheduled"] == "true"
    assert module.entry is not None and module.entry.is_entry
    root = module.entry.root
    assert root is not None and root.is_root and root.opcode == "fusion" and root.fusion_kind == "kLoop"
    assert root.called["calls"][0] in {computation.name for computation in module.computations}
    assert module.callers(root.called["calls"][0]) == [root]
    assert [parameter.parameter_number for parameter in module.entry.parameters] == [0, 1]
    for own in module.instructions():
        assert module.text.split("\n")[own.line - 1].strip() == own.text
        assert f"%{own.name} = {own.shape} {own.opcode}({own.operand_text})" in own.text


def test_source_frames_name_the_lines_of_the_program(corpus):
    module = parse_hlo(corpus.get("pooling").text)
    found = {
        frame.function: (frame.file, frame.line)
        for own in module.instructions()
        for frame in own.stack
        if frame.function
    }
    file, line = found["pooling"]
    assert file.endswith("compile_programs.py")
    with open(file, encoding="utf-8") as source:
        assert "lax.reduce_window" in source.read().split("\n")[line - 1]
    outermost = [own.stack[-1].function for own in module.instructions() if own.stack]
    assert set(outermost) == {"<module>"}


def test_trip_count_and_roles_of_a_loop(corpus):
    module = parse_hlo(corpus.get("scan").text)
    (loop,) = module.of_opcode("while")
    assert loop.trip_count == 10
    assert set(loop.called) == {"condition", "body"}
    assert [caller.name for caller in module.callers(loop.called["body"][0])] == [loop.name]


def test_older_text_and_odd_quoting():
    module = parse_hlo(OLD_TEXT)
    assert module.problems == []
    constant, call, root = module.get("c"), module.get("t"), module.get("g")
    assert (constant.source_file, constant.source_line, constant.op_name) == ("/a b/train.py", 7, "jit(f)/mul")
    assert module.get("r").operands == ("x", "c") and module.get("r").called == {"to_apply": ("region",)}
    assert call.shape == "(s32[], /*index=1*/f32[4]{0})" and call.operands == ("r", "x")
    assert call.attributes["custom_call_target"] == '"a, b) = \\"q\\""' and call.trip_count == 12
    assert root.op_name == 'jit(f)/a"b' and root.attributes["index"] == "1"
    assert module.get("x").attributes["sharding"] == "{devices=[2,1]<=[2]}"
    assert module.get("x").stack == () and module.get("x").source_line is None


def test_broken_lines_are_kept_as_problems():
    text = OLD_TEXT.replace("  %r = f32[] reduce(", "  %r ~ f32[] reduce(").replace("ENTRY %main", "}\nENTRY %main")
    module = parse_hlo("stray\n" + text + "  %late = f32[] add(%a, %b)\n}\nHloModule")
    reasons = {(problem.line, problem.reason) for problem in module.problems}
    assert (1, "text before the module's header") in reasons
    assert (10, "a closing brace without a computation") in reasons
    assert (14, "not an instruction") in reasons
    assert [problem.reason for problem in module.problems][-3:] == [
        "an instruction outside of a computation",
        "a closing brace without a computation",
        "not an instruction",
    ]
    assert module.get("g") is not None and module.get("r") is None


@pytest.mark.parametrize("text", ["", "\n", "x", "HloModule", "HloModule m\n\nENTRY e {", "ENTRY %e () -> f32[] {\n}"])
def test_nearly_nothing(text):
    module = parse_hlo(text)
    assert module.problems
    assert walk(module) == 0


def test_mutated_modules_never_raise(corpus):
    """2,000 damaged modules: nothing raises, and lines that were not touched are still read."""
    chance = random.Random(20)
    texts = [corpus.get(name).text for name in ("softmax", "scan", "cond", "collectives")] + [OLD_TEXT]
    parsed = 0
    for _ in range(2000):
        module = parse_hlo(mutate(chance.choice(texts), chance))
        parsed += walk(module)
        assert all(problem.line >= 1 and problem.reason for problem in module.problems)
    assert parsed > 2000 * 10


def test_a_damaged_line_costs_only_itself(corpus):
    text = corpus.get("network").text
    whole = parse_hlo(text)
    for own in list(whole.instructions())[::7]:
        lines = text.split("\n")
        lines[own.line - 1] = re.sub(" = ", " ? ", lines[own.line - 1], count=1)
        module = parse_hlo("\n".join(lines))
        assert len(module) == len(whole) - 1
        assert [problem.line for problem in module.problems] == [own.line]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from(list('HloModule ENTRY%ab=(){}[]",\\\n->ROOT 01f32.#/*')), max_size=200))
def test_any_text_is_read(text):
    walk(parse_hlo(text))
    walk(parse_hlo("HloModule m\nENTRY %e (a: f32[]) -> f32[] {\n" + text))
