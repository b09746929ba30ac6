"""Text made to hang, overflow or recurse: what is understood is kept, and it ends (the suite's time-out says so)."""

from __future__ import annotations

import pytest
from hlo_corpus import walk

from xlascope.graphs import build_graph
from xlascope.graphs.dot import to_dot
from xlascope.graphs.layout import layout
from xlascope.graphs.render import render
from xlascope.graphs.visible import visible
from xlascope.ir import collectives, cost, explain, flops, fusion_summary, parse_groups, parse_hlo, shape_bytes

LONG = 300_000
INSTRUCTION = "HloModule m\n\nENTRY %e (a: f32[]) -> f32[] {{\n  %a = f32[] parameter(0)\n  {}\n}}\n"


def use(text: str):
    """Everything that a view asks of a module."""
    module = parse_hlo(text)
    walk(module)
    fusion_summary(module)
    collectives(module)
    for own in module.instructions():
        explain(own, module)
        cost(own, module)
        shape_bytes(own.shape)
    graph = build_graph(module)
    placed = layout(visible(graph, frozenset(group.id for group in graph.groups)), 80)
    render(placed, rows=(0, 50))
    to_dot(graph)
    return module


@pytest.mark.parametrize(
    "line",
    [
        '%b = f32[] custom-call(%a), custom_call_target="' + '\\"' * LONG,
        "%b = f32[] add(%a, " + "/*" * LONG,
        "%b = f32[] add(" + "(" * LONG,
        "%b = (" + "f32[], " * LONG + "f32[] add(%a)",
        "%b = f32[" + "1," * LONG + "] add(%a, %a)",
        "%b = " + "(" * LONG + ") add(%a, %a)",
        "b (" + ") -> (" * LONG,
        "b (" + ") -> (" * LONG + "{",
        "b" + " " * LONG + "{ x",
        "%b = f32[] convolution(%a, %a), dim_labels=" + "_" * LONG,
        "%b = f32[] add(%a), metadata={" + 'op_name="' * LONG,
        "%b = f32[] add(%a), " + "{" * LONG,
        "%b = f32[] all-reduce(%a), replica_groups=" + "{0," * LONG,
        "%b = f32[] all-reduce(%a), replica_groups=[" + "9" * LONG + "]<=[" + "9" * 5000 + "]",
        "x" * LONG,
        "%" * LONG,
    ],
    ids=range(16),
)
def test_long_lines(line):
    module = use(INSTRUCTION.format(line))
    assert module.get("a") is not None


def test_numbers_without_end():
    huge = "9" * 5000
    text = (
        f'HloModule m\n\nFileNames\n{huge} "f"\n\nStackFrames\n1 {{file_location_id={huge} parent_frame_id={huge}}}\n\n'
        f"ENTRY %e (a: f32[]) -> f32[] {{\n  %a = f32[{huge}] parameter({huge})\n"
        f"  %b = f32[9999999999999999999,9999999999999999999,{'9999999999999999,' * 30}1] add(%a#{huge}, %a)\n"
        f"  %c = f32[] while(%b), metadata={{stack_frame_id={huge} source_line={huge}}}, "
        f'backend_config={{"known_trip_count":{{"n":"{huge}"}}}}\n'
        f"  ROOT %d = f32[] all-reduce(%c), channel_id={huge}, replica_groups={{{{{huge}}}}}\n}}\n"
    )
    module = use(text)
    assert module.get("a").parameter_number is None and module.get("d").module is module
    assert parse_groups(f"{{{{{huge}}}}}") is None and parse_groups(f"[{huge},1]<=[{huge}]") is None
    assert parse_groups(f"mesh['x'={huge}] {{'x'}}") is None


def nested(depth: int, times: int) -> str:
    """Computations that each call the next one so many times."""
    parts = [
        "HloModule m\n\n%f.0 (p.0: f32[4]) -> f32[4] {\n"
        "  %p.0 = f32[4] parameter(0)\n  ROOT %n.0 = f32[4] negate(%p.0)\n}\n"
    ]
    for level in range(1, depth + 1):
        calls = "\n".join(
            f"  %c.{level}.{number} = f32[4] fusion(%p.{level}), kind=kLoop, calls=%f.{level - 1}"
            for number in range(times)
        )
        name = "ENTRY %f" if level == depth else "%f"
        parts.append(
            f"{name}.{level} (p.{level}: f32[4]) -> f32[4] {{\n  %p.{level} = f32[4] parameter(0)\n{calls}\n}}\n"
        )
    return "\n".join(parts)


def test_calls_that_double_at_each_step():
    module = use(nested(50, 2))
    top = module.entry.root
    assert flops(top, module) == 4 * 2**49
    assert fusion_summary(module).fusions[-1].members == 2**49


def test_calls_deeper_than_the_stack():
    module = parse_hlo(nested(3000, 1))
    assert flops(module.entry.root, module) is None  # rather than an overflow of the stack
    module = use(nested(3000, 1))
    assert len(build_graph(module).groups) == 3000


def test_a_computation_that_calls_itself():
    module = use(INSTRUCTION.format("ROOT %b = f32[] call(%a), to_apply=%e"))
    assert flops(module.get("b"), module) is None
