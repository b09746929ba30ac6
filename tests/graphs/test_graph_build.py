"""From modules to graphs: every instruction is there, grouped by what calls it."""

from __future__ import annotations

import random

from hlo_corpus import Corpus

from xlascope.graphs import build_graph
from xlascope.graphs.dot import to_dot
from xlascope.graphs.navigate import search
from xlascope.graphs.visible import visible, walk
from xlascope.ir import fusion_summary, parse_hlo


def graph_of(corpus: Corpus, name: str, stage: str = "optimized", **options):
    return build_graph(parse_hlo(corpus.get(name, stage).text), **options)


def test_every_instruction_and_edge_of_real_programs(corpus):
    for program in corpus.programs:
        module = parse_hlo(program.text)
        graph = build_graph(module)
        expected = {own for members in program.computations.values() for own, _, _ in members}
        assert {node.name for node in graph.nodes} == expected and len(graph.nodes) == len(expected)
        edges = {(edge.source, edge.target, edge.operand) for edge in graph.edges}
        assert edges == {
            (operand, own, position)
            for members in program.computations.values()
            for own, _, operands in members
            for position, operand in enumerate(operands)
        }
        assert {node.group for node in graph.nodes} <= {None, *graph.group_by_id}
        for node in graph.nodes:  # the chain of groups ends, and its members say so
            assert (node.group is None) == (graph.ancestors(node.id) == ())
            assert node in graph.nodes_of_group[node.group]
        fusions = {group.id: group.members for group in graph.groups if group.kind == "fusion"}
        for own in fusion_summary(module).fusions:
            assert fusions.get(own.name, own.members) == own.members


def test_every_pass_of_gpu_and_tpu_compilers(dumps):
    for path, text in list(dumps.items())[::5]:
        module = parse_hlo(text)
        graph = build_graph(module)
        assert len(graph.nodes) == len(module) == len(graph.node_by_id), path
        assert len(graph.edges) == sum(len(own.operands) for own in module.instructions())


def test_a_loop_is_a_group_with_its_turns(corpus):
    graph = graph_of(corpus, "scan")
    (loop,) = [group for group in graph.groups if group.kind == "loop"]
    assert loop.trip_count == 10 and loop.caller == loop.id and loop.role == "body"
    (test,) = graph.groups_of_group[loop.id][:1]
    assert (test.kind, test.role, test.caller, test.parent) == ("computation", "condition", None, loop.id)
    assert {node.opcode for node in graph.nodes_of_group[loop.id]} >= {"parameter", "fusion", "tuple"}


def test_branches_are_groups_of_the_conditional(corpus):
    graph = graph_of(corpus, "switch")
    (choice,) = [group for group in graph.groups if group.kind == "conditional"]
    inner = graph.groups_of_group[choice.id]
    assert [group.role for group in inner] == ["branch_computations"] * 3
    assert graph.nodes_of_group.get(choice.id, ()) == ()


def test_times_add_up_over_groups(corpus):
    module = parse_hlo(corpus.get("scan").text)
    chance = random.Random(4)
    times = {name: chance.randint(1, 1000) for name in module.names if chance.random() < 0.5}
    graph = build_graph(module, times)
    assert graph.total_self_ns == sum(times.values())
    for group in graph.groups:
        members = [node for node in graph.nodes if group.id in (node.id, *graph.ancestors(node.id))]
        known = [node.self_ns for node in members if node.self_ns is not None]
        assert group.self_ns == (sum(known) if known else None)
    assert build_graph(module).total_self_ns is None
    assert all(node.self_ns is None for node in build_graph(module).nodes)


def test_equations_and_what_xla_added(corpus):
    module = parse_hlo(corpus.get("scan").text)
    (loop,), (sine,), (dot,) = (module.of_opcode(opcode) for opcode in ("while", "sine", "dot"))
    equations = {loop.name: ["0"], sine.name: ["0.0"], dot.name: ["0.1"]}
    graph = build_graph(module, None, equations)
    by_id = graph.node_by_id
    assert by_id[loop.name].equations == ("0",) and not by_id[loop.name].added_by_xla
    # A fusion without a tag of its own has those of its members.
    fused = {own.called["calls"][0]: own.name for own in module.of_opcode("fusion")}
    around = [fused[own.computation.name] for own in (sine, dot)]
    assert [by_id[name].equations for name in around] == [("0.0",), ("0.1",)]
    assert not any(by_id[name].added_by_xla for name in around)
    body = loop.called["body"][0]
    copies = [node for node in graph.nodes if node.opcode == "copy" and node.computation == body]
    assert copies and all(node.added_by_xla for node in copies)
    assert {node.owner for node in copies} & set(around)
    assert not any(node.added_by_xla for node in graph.nodes if node.opcode in ("parameter", "constant"))
    assert all((node.owner is not None) <= node.added_by_xla for node in graph.nodes)


def test_without_tags_the_names_of_operations_tell(corpus):
    graph = graph_of(corpus, "scan")
    (loop,) = [group.id for group in graph.groups if group.kind == "loop"]
    (before,) = [edge.source for edge in graph.inputs[loop]]
    assert graph.node_by_id[before].opcode == "tuple"
    added = {node.id: node.owner for node in graph.nodes if node.added_by_xla}
    assert added[before] == loop
    copies = [edge.source for edge in graph.inputs[before] if graph.node_by_id[edge.source].opcode == "copy"]
    assert copies and all(added[name] == loop for name in copies)


def test_what_xla_added_has_an_owner(corpus):
    """In a program's module nearly all that XLA added is there for an instruction of the program, which is one."""
    added = without = 0
    for program in corpus.programs:
        graph = build_graph(parse_hlo(program.text))
        for node in graph.nodes:
            if node.added_by_xla:
                added += 1
                without += node.owner is None
                owner = graph.node_by_id.get(node.owner or "")
                # For the result of the whole where nothing of the program is near.
                assert owner is None or not owner.added_by_xla or (owner.is_root and owner.group is None)
            else:
                assert node.owner is None
            if program.stage == "hlo":  # this text has no names of operations: nothing is known
                assert not node.added_by_xla
    assert added > 150 and without < 5


def test_names_that_are_not_unique():
    text = "HloModule m\n%a (p: f32[]) -> f32[] {\n  ROOT %p = f32[] parameter(0)\n}\nENTRY %b (p: f32[]) -> f32[] {\n"
    text += "  %p = f32[] parameter(0)\n  ROOT %c = f32[] call(%p), to_apply=%a\n}\n"
    graph = build_graph(parse_hlo(text))
    assert [node.id for node in graph.nodes] == ["a/p", "b/p", "c"]
    assert [(edge.source, edge.target) for edge in graph.edges] == [("b/p", "c")]
    assert graph.node_by_id["a/p"].group == "c"


def test_scalars_broadcasts_and_bitcasts_fold(corpus):
    graph = graph_of(corpus, "softmax")
    shown = visible(graph, frozenset(group.id for group in graph.groups))
    boxes = {box.id: box for box in walk(shown.level)}
    reduce = next(box for box in boxes.values() if box.node and box.node.opcode == "reduce" and "max" in box.id)
    assert reduce.folded == ("-inf",)
    divide = next(box for box in boxes.values() if box.node and box.node.opcode == "divide")
    assert divide.folded == ("broadcast", "1") or divide.folded == ("1",)
    assert not any(box.node.folded for box in boxes.values() if box.node)
    drawn = {node.id for node in graph.nodes if not node.folded}
    assert drawn <= set(boxes)


def test_search(corpus):
    graph = graph_of(corpus, "softmax")
    assert "dot_general.0" in search(graph, "DOT")
    assert set(search(graph, "f32[128,64] exponential")) == {"exp.0"}
    assert search(graph, "  ") == [] and search(graph, "no such thing") == []


def test_dot_output_holds_every_node_and_edge(corpus):
    graph = graph_of(corpus, "scan")
    text = to_dot(graph)
    assert text.count(" -> ") == len(graph.edges)
    assert all(f'"{node.id}" [label=' in text for node in graph.nodes)
    assert text.count("subgraph") == len(graph.groups) and text.count("{") == text.count("}") + _unbalanced(graph)


def _unbalanced(graph) -> int:
    """Braces inside of labels (dimensions) are balanced, so there is no difference."""
    return sum(node.detail.count("{") - node.detail.count("}") for node in graph.nodes)


def test_a_fusion_does_not_have_the_equations_of_its_literals():
    text = "HloModule m\n%fused (p: f32[2]) -> f32[2] {\n  %p = f32[2]{0} parameter(0)\n  %c = f32[2]{0} constant({1, 2})\n"
    text += "  ROOT %a = f32[2]{0} add(%p, %c)\n}\nENTRY %main (q: f32[2]) -> f32[2] {\n  %q = f32[2]{0} parameter(0)\n"
    text += "  %f = f32[2]{0} fusion(%q), kind=kLoop, calls=%fused\n  ROOT %s = f32[2]{0} sine(%f)\n}\n"
    graph = build_graph(parse_hlo(text), None, {"c": ("0",), "s": ("1",)})
    fusion = graph.node_by_id["f"]
    assert fusion.equations == () and fusion.added_by_xla and fusion.owner == "s"
    assert graph.node_by_id["a"].owner == "s"


def test_outlines_are_those_of_the_nodes(corpus):
    for name in ("scan_grad", "softmax"):
        module = parse_hlo(corpus.get(name).text)
        every = list(module.names)
        equations = {each: (str(place),) for place, each in enumerate(every) if place % 3 == 0}
        for options in ({}, {"equations": equations}, {"equations": equations, "handed": frozenset(every[:20])}):
            fresh, made = build_graph(module, **options), build_graph(module, **options)
            assert [(node.id, node.group, node.line, node.equations, node.owner) for node in made.nodes] == [
                tuple(each) for each in fresh.outlines
            ]
