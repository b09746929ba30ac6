"""Links of instructions and lines to equations, against what is found without xlascope."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from linked_fixtures import Linked, opened

from xlascope.views import query
from xlascope.views.links import links
from xlascope.views.provenance.origins import SOURCES, provenance
from xlascope.views.sources.stages import hlo_module, jaxpr_index, stage_text

PLAIN = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast"}
OPCODE = re.compile(r"^\s*(?:ROOT )?%?([\w.\-]+) = .*?\s([a-z][\w\-]*)\(", re.M)
# JAX lowers these, or the reducer inside, once for several equations of the same shapes.
SHARED = {"select_and_scatter_add", "random_bits", "random_fold_in", "random_gamma", "random_split", "gather"}
# Of this XLA makes copies alone.
EXPANDED = {"identity"}


def check_instructions(linked: Linked, name: str) -> None:
    source, program = linked.source, f"{name}#1"
    module, jaxpr = hlo_module(source, program), jaxpr_index(source, program)
    assert module is not None and jaxpr is not None
    origin = provenance(source, program, None)
    facts = linked.facts[name]
    # The script's own module is what plain JAX compiles, and the tagged one has the same instructions.
    assert [each.opcode for each in module.instructions()] == [opcode for _, opcode in OPCODE.findall(facts["untagged"])]
    assert origin.exact and origin.mismatch is None
    tagged = hlo_module(source, program, "tagged")
    if jaxpr.equations:
        assert tagged is not None
        assert [_work(each) for each in tagged.instructions()] == [_work(each) for each in module.instructions()]
        if not name.startswith(("random", "rng", "nuts")):
            assert tagged.names == module.names
    # Where a full path was found, the chain of tags is that path: no link is wrong.
    rows = facts["paths"]
    assert [row[1] for row in rows] == [each.opcode for each in module.instructions()]
    missed = 0
    for (_, opcode, true), each in zip(rows, module.instructions(), strict=True):
        if opcode in SOURCES or opcode == "fusion":
            continue
        own = origin.equations.get(each.name, ())
        if each.name in origin.inferred:
            # No tag names these; a full path may, in a reducer whose caller has lost its name.
            assert set(true) <= set(own)
            continue
        assert not own or set(own) == set(true), (name, each.name, true, own)
        missed += bool(true) and not own
    assert missed <= 0.01 * len(rows)
    # The rest was added by XLA, or carries values, for an instruction that is there.
    real = [each for each in module.instructions() if each.opcode not in PLAIN]
    for each in module.instructions():
        if each.opcode not in SOURCES and each.name not in origin.equations:
            assert (each.name in origin.added) != (each.name in origin.handed), (name, each.name)
            assert (each.opcode in ("tuple", "bitcast")) == (each.name in origin.handed)
            assert not origin.equations or module.get(origin.owners[each.name]) is not None
    if name not in EXPANDED:
        assert sum(each.name in origin.equations for each in real) >= 0.8 * len(real)


def _work(instruction) -> tuple:
    attributes = {key: text for key, text in instruction.attributes.items() if key not in ("metadata", "calls", "to_apply", "body", "condition", "branch_computations")}
    places = {name: index for index, name in enumerate(instruction.computation.names)}
    return instruction.opcode, instruction.shape, [places.get(name) for name in instruction.operands], attributes


def check_lines(linked: Linked, name: str) -> None:
    """An instruction names the innermost frame of XLA's metadata in the untagged module, and so does its equation; but
    where JAX lowered once what several equations share, XLA's is the first of them, and the equation's own is behind."""
    source, program = linked.source, f"{name}#1"
    jaxpr = jaxpr_index(source, program)
    assert jaxpr is not None
    frames = _frames(linked.facts[name]["untagged"])
    nodes = query("graph", source, program=program).rows
    rows = {row.path: row for row in query("equations", source, program=program).rows}
    for node, (found, stack) in zip(nodes, frames, strict=True):
        assert (node.file, node.line) == (stack[0] if stack else (None, None)), (name, node.name, found)
        if len(node.equations) == 1 and stack:
            row = rows[node.equations[0]]
            assert (row.file, row.line) in stack
            if row.primitive not in SHARED:
                assert stack[0] == (row.file, row.line), (name, node.name, row)
                # What is told by the flow of data has no say in where XLA places an equation.
                assert node.inferred or stack[0] == (row.xla_file, row.xla_line), (name, node.name, row)


def _frames(text: str) -> list[tuple[str, list[tuple[str, int]]]]:
    """By instruction its frames, innermost first, by the tables of the text."""
    tables: dict[str, dict[int, str]] = {}
    for section in re.findall(r"^(FileNames|FileLocations|StackFrames)\n((?:\d+ .*\n)+)", text, re.M):
        tables[section[0]] = {int(row.partition(" ")[0]): row.partition(" ")[2] for row in section[1].splitlines()}

    def entry(table: str, number: int, key: str) -> int:
        match = re.search(rf"{key}=(\d+)", tables[table][number])
        return int(match.group(1)) if match else 0

    found = []
    for line in filter(OPCODE.match, text.splitlines()):
        frame = re.search(r"stack_frame_id=(\d+)", line)
        number, stack = int(frame.group(1)) if frame else 0, []
        while number:
            place = entry("StackFrames", number, "file_location_id")
            file = tables["FileNames"][entry("FileLocations", place, "file_name_id")].strip('"')
            stack.append((file, entry("FileLocations", place, "line")))
            number = entry("StackFrames", number, "parent_frame_id") - 1  # XLA writes parents one too high
        found.append((line, stack))
    return found


def check_stages(linked: Linked, name: str) -> None:
    """Each equation's lines in every stage: what the op of the line is called belongs to the equation's primitive."""
    source, program = linked.source, f"{name}#1"
    jaxpr = jaxpr_index(source, program)
    assert jaxpr is not None
    for stage in ("jaxpr", "stablehlo", "hlo", "optimized"):
        if stage_text(source, program, stage) is None:
            continue
        found = links(source, program, stage)
        assert found.exact and (found.note is None or not jaxpr.equations), (name, stage, found.note)
        assert {path for each in found.by_line.values() for path in each.equations} <= set(jaxpr.by_path)
    text = stage_text(source, program, "stablehlo")
    assert text is not None
    found, linked_dots = links(source, program, "stablehlo"), 0
    for number, line in enumerate(text.text.splitlines(), 1):
        if "stablehlo.dot_general" in line:
            primitives = {jaxpr.by_path[path].primitive for path in found.by_line[number].equations}
            assert primitives <= {"dot_general", "custom_vjp_call", "reduce_precision"} and primitives, line
            linked_dots += 1
    # What is left after optimization was there before it.
    assert set(links(source, program, "optimized").lines_of) <= set(found.lines_of)
    assert (linked_dots > 0) == any(jaxpr.by_path[path].primitive == "dot_general" for path in found.lines_of)


def test_programs_are_linked_as_their_full_paths_say(linked: Linked) -> None:
    for name in linked.facts:
        check_instructions(linked, name)


def test_equations_name_the_lines_that_xla_names(linked: Linked) -> None:
    for name in linked.facts:
        check_lines(linked, name)


def test_lines_of_every_stage(linked: Linked) -> None:
    for name in linked.facts:
        check_stages(linked, name)


def test_equations_and_ops_add_up_to_the_same(linked: Linked) -> None:
    ops, equations = query("ops", linked.source), query("equations", linked.source)
    assert ops.self_ns == sum(row.self_ns or 0 for row in equations.rows) == equations.op_ns > 0
    for program in linked.programs:
        of_ops = query("ops", linked.source, program=program)
        of_equations = query("equations", linked.source, program=program)
        rows = [row for row in of_equations.rows if row.self_ns is not None]
        assert sum(row.self_ns for row in rows) == of_ops.self_ns
        assert all(row.self_ns == row.exact_ns + row.estimated_ns for row in rows)
        if program == "vmap_grad#1":  # one fusion
            assert sum(row.exact_ns for row in rows) == 0


def test_a_function_called_from_several_places_has_the_equations_of_all(linked: Linked) -> None:
    for stage, line in (("stablehlo", "stablehlo.tanh"), ("hlo", "= f32[8,8]{1,0} tanh(")):
        text = stage_text(linked.source, "repeated#1", stage)
        assert text is not None
        (number,) = [number for number, each in enumerate(text.text.splitlines(), 1) if line in each]
        found = links(linked.source, "repeated#1", stage).by_line[number]
        assert found.equations == ("0.1", "1.1", "2.1", "3.1", "4.1.1")
    answer = query("links", linked.source, program="repeated#1", stage="stablehlo")
    assert [row.equations for row in answer.rows if "stablehlo.tanh" in row.text] == [("0.1", "1.1", "2.1", "3.1", "4.1.1")]


def test_a_module_without_equations_has_none(linked: Linked) -> None:
    origin = provenance(linked.source, "identity#1", None)
    assert origin.exact and not origin.equations and not origin.owners and origin.added == {"copy", "copy.1"}


def test_lines_of_the_source_are_linked(linked: Linked) -> None:
    program = linked.programs[0]
    rows = query("links", linked.source, program=program, stage="source").rows
    equations = query("equations", linked.source, program=program).rows
    wanted = {(row.path, row.user_line) for row in equations if row.path and row.user_file == equations[0].user_file}
    assert rows and {(path, row.line) for row in rows for path in row.equations} == wanted
    text = Path(equations[0].user_file).read_text().splitlines()
    assert all(row.text == text[row.line - 1].strip() for row in rows)


def test_before_optimization_nothing_is_added(linked: Linked) -> None:
    for name in linked.programs[:4]:
        rows = query("links", linked.source, program=name, stage="hlo").rows
        assert rows and not any(row.added_by_xla for row in rows)


def _maker(linked: Linked, program: str, primitive: str) -> tuple[str, ...]:
    (path,) = (each.path for each in jaxpr_index(linked.source, program).equations if each.primitive == primitive)
    return (path,)


def test_what_xla_put_in_the_place_of_a_random_generator_is_of_its_equation(linked: Linked) -> None:
    origin, module = provenance(linked.source, "rng_uniform#1", None), hlo_module(linked.source, "rng_uniform#1")
    made = [each.name for each in module.instructions() if each.opcode in ("xor", "shift-right-logical", "convert")]
    assert len(made) > 20
    # They end in the sum, whose own equation is another one.
    assert {origin.equations[name] for name in made} == {_maker(linked, "rng_uniform#1", "rng_uniform")}
    assert all(origin.inferred[name] == set(origin.equations[name]) for name in made)


def test_a_reducer_tells_the_equation_that_brought_it(linked: Linked) -> None:
    origin, module = provenance(linked.source, "counted#1", None), hlo_module(linked.source, "counted#1")
    windows = [each.name for each in module.of_opcode("reduce-window")]
    paths = [each.path for each in jaxpr_index(linked.source, "counted#1").equations if each.primitive == "cumsum"]
    assert windows and {path for name in windows for path in origin.equations[name]} <= set(paths)


def test_what_leads_to_a_convolution_is_of_it(linked: Linked) -> None:
    source = linked.source
    jaxpr, module = jaxpr_index(source, "convolution#1"), hlo_module(source, "convolution#1")
    origin = provenance(source, "convolution#1", None)
    primitives = {each.path: each.primitive for each in jaxpr.equations}
    for each in module.of_opcode("convolution"):
        assert {primitives[path] for path in origin.equations[each.name]} == {"conv_general_dilated"}
    real = [each for each in module.instructions() if each.opcode not in PLAIN]
    assert sum(each.name in origin.equations for each in real) >= 0.9 * len(real)
    rows = {row.name: row for row in query("graph", source, program="convolution#1").rows}
    assert all(rows[each.name].inferred == (each.name in origin.inferred) for each in real)
    assert any(rows[each.name].inferred for each in module.of_opcode("transpose"))
    # A fusion of both kinds tells them apart, in every view alike.
    told = {name: set(row.inferred_equations) for name, row in rows.items() if row.inferred}
    assert told == {name: set(paths) for name, paths in origin.inferred.items()}
    of_equations = query("equations", source, program="convolution#1").rows
    assert {(name, row.path) for row in of_equations for name in row.inferred} == {
        (name, path) for name, paths in told.items() for path in paths
    }
    in_text = {row.instruction: set(row.inferred_equations) for row in query("links", source, program="convolution#1").rows}
    assert {name: paths for name, paths in in_text.items() if paths} == told


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_program(tmp_path_factory: pytest.TempPathFactory) -> None:
    for linked in opened(tmp_path_factory.mktemp("all"), ""):
        for name in linked.facts:
            check_instructions(linked, name)
            check_lines(linked, name)
            check_stages(linked, name)
