"""Graphs of real jaxprs: nodes are equations, and values go as the variables do."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

from xlascope.engine.core.tags import walk
from xlascope.engine.recorder.equations import text_and_rows
from xlascope.graphs.folds import Folds
from xlascope.graphs.jaxpr import Time, build_jaxpr_graph
from xlascope.graphs.layout import layout
from xlascope.graphs.navigate import search
from xlascope.graphs.render import render
from xlascope.graphs.visible import visible
from xlascope.ir import index_jaxpr
from xlascope.ir.jaxpr_text import statements


def attention(q, k, v):
    return jax.nn.softmax(q @ k.T / 8.0, axis=-1) @ v


def looped(x):
    def body(carry, row):
        return jnp.tanh(carry * row), carry.sum()

    carry, sums = jax.lax.scan(body, x[0], x)
    carry = jax.lax.while_loop(lambda c: c.sum() < 10, lambda c: c * 1.5 + 1, carry)
    return jax.lax.cond(carry.sum() > 0, lambda c: c + 1.0, lambda c: c - sums.sum(), carry)


def loss(w, x):
    hidden = jax.checkpoint(lambda a: jnp.sin(a @ w))(x)
    return jnp.where(hidden > 0, hidden, 0.1 * hidden).sum()


X = jnp.arange(32.0).reshape(8, 4)
PROGRAMS = {
    "attention": (attention, (X, X, X)),
    "looped": (looped, (X,)),
    "gradient": (jax.grad(loss), (jnp.ones((4, 4)), X)),
    "batched": (jax.vmap(lambda a, b: jax.jit(jnp.dot)(a, b) + a.max()), (X, X)),
    "random": (lambda key: jax.random.normal(key, (3,)), (jax.random.key(1),)),
    "sorted": (lambda x: jnp.argsort(x, axis=0) + jnp.cumsum(x, axis=0).astype(int), (X,)),
}


@pytest.fixture(params=PROGRAMS, scope="module")
def program(request):
    function, arguments = PROGRAMS[request.param]
    jaxpr = jax.make_jaxpr(function)(*arguments)
    text, rows = text_and_rows(jaxpr)
    return jaxpr, index_jaxpr(text, rows)


def uses(jaxpr) -> set[tuple[str, str, int]]:
    """(giving equation, using equation, operand) by the identity of variables, inside of each jaxpr."""
    found = set()
    equations = list(walk(jaxpr))
    body = {path: path.rpartition(".")[0] for path, _ in equations}
    givers = {}
    for path, equation in equations:
        for variable in equation.outvars:
            givers[body[path], id(variable)] = path
    for path, equation in equations:
        for position, variable in enumerate(equation.invars):
            source = givers.get((body[path], id(variable)))
            if source is not None:
                found.add((source, path, position))
    return found


def test_edges_are_those_of_the_variables(program):
    jaxpr, index = program
    graph = build_jaxpr_graph(index)
    nodes = {node.id: node for node in graph.nodes if node.opcode != "parameter"}
    assert set(nodes) == {path for path, _ in walk(jaxpr)}
    assert all(node.equations == (path,) for path, node in nodes.items())
    edges = {(edge.source, edge.target, edge.operand) for edge in graph.edges if edge.source in nodes}
    assert edges == uses(jaxpr)
    assert {edge.source for edge in graph.edges} - set(nodes) == {
        edge.source for edge in graph.edges if graph.node_by_id[edge.source].opcode == "parameter"
    }


def test_inputs_and_results_are_marked(program):
    jaxpr, index = program
    graph = build_jaxpr_graph(index)
    top = [node for node in graph.nodes_of_group[None] if node.opcode == "parameter"]
    variables = [*jaxpr.jaxpr.constvars, *jaxpr.jaxpr.invars]
    assert [node.shape for node in top] == [variable.aval.str_short(short_dtypes=True) for variable in variables]
    roots = {node.id for node in graph.nodes_of_group[None] if node.is_root}
    given = {id(variable): path for path, equation in walk(jaxpr) for variable in equation.outvars if "." not in path}
    assert roots == {given[id(variable)] for variable in jaxpr.jaxpr.outvars if id(variable) in given}


def test_nested_jaxprs_are_groups(program):
    _, index = program
    graph = build_jaxpr_graph(index)
    for equation in index.equations:
        assert tuple(group for group in graph.ancestors(equation.path) if ".b" not in group) == index.ancestors(
            equation.path
        )
    opened = frozenset(group.id for group in graph.groups)
    picture = render(layout(visible(graph, opened, folds=Folds(graph, most=None)), 120)).text()
    assert all(statement.outputs[0] in picture for statement in statements(index).values() if statement.outputs)


def test_loops_and_branches_say_what_they_are():
    text, rows = text_and_rows(jax.make_jaxpr(looped)(X))
    graph = build_jaxpr_graph(index_jaxpr(text, rows))
    kinds = {graph.node_by_id[group.id].opcode: group for group in graph.groups if group.caller}
    assert kinds["scan"].trip_count == 8 and kinds["scan"].kind == "loop"
    inner = [group.role for group in graph.groups_of_group[kinds["while"].id]]
    assert inner == ["condition", "body"]
    assert {group.role for group in graph.groups_of_group[kinds["cond"].id]} == {"branch 0", "branch 1"}


def test_times_add_up_and_estimates_are_told():
    text, rows = text_and_rows(jax.make_jaxpr(attention)(X, X, X))
    index = index_jaxpr(text, rows)
    times = {path: Time(100 * number, number % 2 == 0) for number, path in enumerate(index.by_path, 1)}
    graph = build_jaxpr_graph(index, times)
    assert graph.total_self_ns == sum(time.ns for time in times.values())
    assert {node.id for node in graph.nodes if node.estimated} == {p for p, time in times.items() if time.estimated}
    picture = render(layout(visible(graph), 100)).text()
    assert "~" in picture and "OUT" in picture


def test_a_line_of_the_source_finds_its_equations():
    text, rows = text_and_rows(jax.make_jaxpr(loss)(jnp.ones((4, 4)), X))
    graph = build_jaxpr_graph(index_jaxpr(text, rows))
    line = loss.__code__.co_firstlineno + 2
    assert line in {place[1] for node in search(graph, f":{line}") if (place := graph.place_of(node))}
    assert set(search(graph, f"test_graph_jaxpr.py:{line}")) == set(search(graph, f":{line}")) != set()
    assert search(graph, f"other.py:{line}") == []


def test_a_text_that_is_not_understood_gives_a_graph_without_edges():
    text, rows = text_and_rows(jax.make_jaxpr(attention)(X, X, X))
    for damaged in ("", text[: len(text) // 2], text.replace(" = ", " : "), text.replace("]", "")):
        graph = build_jaxpr_graph(index_jaxpr(damaged, rows))
        assert {row["path"] for row in rows} <= set(graph.node_by_id)
        layout(visible(graph), 80)
