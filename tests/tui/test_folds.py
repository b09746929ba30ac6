"""Folds, hidden parts, structured searches and links of lines, in texts of real programs and odd ones."""

from __future__ import annotations

import re
from functools import cache

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from xlascope.tui.text.folds import Folds, find_folds
from xlascope.tui.text.following import following
from xlascope.tui.text.hiding import shown
from xlascope.tui.text.lines import TextLines
from xlascope.tui.text.op_kinds import role_of
from xlascope.tui.text.queries import parse_query, pattern_of

STAGES = ("jaxpr", "stablehlo", "hlo")


@cache
def texts() -> dict[str, str]:
    """A loop with a branch and a nested function, in each of the compiler's texts."""

    def body(carry, w):
        carry = jax.lax.cond(carry.sum() > 0, lambda c: jnp.tanh(c @ w), lambda c: jax.nn.softmax(c), carry)
        return carry, carry.max()

    def f(x, ws):
        x, tops = jax.lax.scan(body, x, ws)
        return jax.jit(jnp.linalg.norm)(x) + tops.sum() + (x + jnp.asarray(range(4000), "float32")[:16]).sum()

    traced = jax.jit(f).trace(jnp.ones((4, 16)), jnp.ones((3, 16, 16)))
    lowered = traced.lower()
    return {
        "jaxpr": str(traced.jaxpr),
        "stablehlo": lowered.as_text(),
        "hlo": lowered.compile().as_text(),
    }


def folded(language: str) -> tuple[TextLines, Folds]:
    source = TextLines(texts()[language])
    return source, find_folds(source, language)


@pytest.mark.parametrize("language", STAGES)
def test_folds_of_real_texts_begin_and_end_with_brackets(language):
    source, folds = folded(language)
    assert len(folds) > 5
    for fold in range(len(folds)):
        first, last = source.line(folds.headers[fold]), source.line(folds.lasts[fold])
        if fold not in folds.tables:
            assert first.rstrip().endswith(("{", "[", "(")) or "{ lambda " in first
            end = last or source.line(folds.lasts[fold] - 1)
            # A condition ends before the line that closes it and begins the body.
            assert end.strip()[:1] in ("}", "]") or end.lstrip().startswith(("in ", "stablehlo.return"))
    outside = [line for line in range(len(source)) if not any(True for _ in folds.around(line))]
    if language == "hlo":
        assert all(not re.match(r"\s+(ROOT )?%", source.line(line)) for line in outside)
        (table,) = folds.tables
        assert source.line(folds.headers[table]) == "FileNames" and folds.is_closed(table)


edges = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=12)


@hypothesis_settings(max_examples=200, deadline=None)
@given(edges, st.data())
def test_places_are_the_lines_that_are_not_hidden(made, data):
    nested = []
    for top, size in sorted(made):
        if all(top > last or top + size <= last for _, last in nested):
            nested.append((top, top + size))
    folds = Folds(80, nested)
    closed = data.draw(st.lists(st.sampled_from(range(len(folds))), unique=True)) if len(folds) else []
    folds.set_closed(closed, True)
    hidden = {line for fold in closed for line in range(folds.headers[fold] + 1, folds.lasts[fold] + 1)}
    seen = [line for line in range(80) if line not in hidden]
    assert folds.shown == len(seen)
    assert [folds.line_at(place) for place in range(len(seen))] == seen
    for line in range(80):
        assert folds.is_hidden(line) == (line in hidden)
        above = max(each for each in seen if each <= line)
        assert folds.place_of(line) == seen.index(above)
        assert set(folds.around(line)) == {
            fold for fold in range(len(folds)) if folds.headers[fold] <= line <= folds.lasts[fold]
        }
    wanted = data.draw(st.integers(0, 79))
    folds.reveal(wanted)
    assert not folds.is_hidden(wanted)


def test_folding_a_million_lines_counts_folds_not_lines():
    body = "  %x = f32[] add(%a, %b)\n" * 18
    source = TextLines("HloModule m\n\n" + f"%c (a: f32[]) -> f32[] {{\n{body}}}\n\n" * 5000)
    folds = find_folds(source, "hlo")
    folds.close_all(True)
    assert (len(folds), folds.shown, folds.all_closed) == (5000, 5002, True)
    assert folds.line_at(folds.place_of(100_000 - 5)) == 2 + 21 * ((100_000 - 7) // 21)


def test_hidden_parts_of_lines():
    line = (
        '  %dot.1 = f32[4,16]{1,0} dot(%a, %b), lhs_contracting_dims={1}, metadata={op_name="a}{b" stack_frame_id=3}, '
        'frontend_attributes={x="}"}, backend_config={"a":{"b":["1"]}}, sharding={devices=[2,2]<=[4]}, '
        "big={" + "7," * 60 + "7}"
    )
    assert shown(line, "hlo") == (
        "  %dot.1 = f32[4,16]{1,0} dot(%a, %b), lhs_contracting_dims={1}, sharding={devices=[2,2]<=[4]}, big={…121}"
    )
    assert shown("  %c = f32[99]{0} constant({" + "1, " * 98 + "1}), metadata={}", "hlo").endswith("constant({…297})")
    shapes = ", ".join(["f32[128,64]{1,0}"] * 20)
    assert (
        shown(f"  %t = ({shapes}) tuple(%a)", "hlo")
        == "  %t = (f32[128,64]{1,0}, f32[128,64]{1,0}, … 18 more) tuple(%a)"
    )
    assert shown('%1 = stablehlo.add %0, %0 : tensor<f32> loc("a"("b.py":1:2))', "stablehlo") == (
        "%1 = stablehlo.add %0, %0 : tensor<f32>"
    )
    assert shown("%c = stablehlo.constant dense<" + '"0x' + "AB" * 99 + '"> : tensor<9xf32>', "stablehlo") == (
        "%c = stablehlo.constant dense<…202> : tensor<9xf32>"
    )
    assert shown("  a:f32[] = sin b", "jaxpr") == "  a:f32[] = sin b"


@hypothesis_settings(max_examples=300, deadline=None)
@given(st.text(alphabet='ab=,{}()[]"\\ %<>:;/*#x.\n-1', max_size=200))
def test_odd_lines_are_shortened_without_failing(text):
    for language in STAGES:
        shown(" %a = f32[] add(" + text, language)
        source = TextLines(text * 3)
        folds = find_folds(source, language)
        links = following(source, folds, language)
        for line in range(len(source)):
            assert all(0 <= each < len(source) for each in links.used(line) + links.users(line))


def test_operands_and_users_of_hlo_are_those_of_the_parser():
    from xlascope.ir import parse_hlo

    source, folds = folded("hlo")
    links = following(source, folds, "hlo")
    module = parse_hlo(texts()["hlo"])
    for own in module.instructions():
        if own.opcode == "parameter":
            wanted = (
                [] if own.computation.is_entry else [each.line - 1 for each in module.callers(own.computation.name)]
            )
        else:
            made = [each for each in own.operand_instructions() if each is not None]
            called = [module.computation(name) for names in own.called.values() for name in names]
            wanted = list(dict.fromkeys([each.line - 1 for each in made] + [each.line - 1 for each in called]))
        found, number = links.used(own.line - 1), len(set(own.operands))
        assert found[:number] == wanted[:number] and sorted(found) == sorted(wanted)
        assert links.users(own.line - 1) == [each.line - 1 for each in own.computation.users(own.name)]


@pytest.mark.parametrize("language", ["stablehlo", "jaxpr"])
def test_definitions_and_users_answer_each_other(language):
    source, folds = folded(language)
    links = following(source, folds, language)
    defining = re.compile(r"^\s*%\w+(?::\d+)? = " if language == "stablehlo" else r"^\s*[a-z]+:\S+ = ")
    known = 0
    for line in range(len(source)):
        if defining.match(source.line(line)):
            for definition in links.used(line):
                assert definition < line or "func.func" in source.line(definition) or "let " in source.line(definition)
                if defining.match(source.line(definition)):
                    assert line in links.users(definition), (source.line(line), source.line(definition))
                    known += 1
    assert known > 15


def test_searches_by_what_a_line_is():
    source, _ = folded("hlo")
    lines = texts()["hlo"].split("\n")

    def rows(query: str, language: str = "hlo", where: TextLines = source) -> list[int]:
        return list(where.search_all(pattern_of(parse_query(query), language), 10**6))

    tanh = [row for row, line in enumerate(lines) if re.search(r"\} tanh\(", line)]
    assert rows("op:tanh") == tanh and tanh
    assert rows("shape:f32[4,16]") == [row for row, line in enumerate(lines) if "f32[4,16]" in line]
    assert all("fusion" in lines[row].split(" = ")[0] for row in rows("name:fusion"))
    stable = TextLines(texts()["stablehlo"])
    assert rows("op:tanh", "stablehlo", stable) == [
        row for row, line in enumerate(texts()["stablehlo"].split("\n")) if "stablehlo.tanh " in line
    ]
    assert rows("shape:f32[4,16]", "stablehlo", stable) == [
        row for row, line in enumerate(texts()["stablehlo"].split("\n")) if "tensor<4x16xf32>" in line
    ]
    assert parse_query("eq:4.0").is_linked and parse_query("op:x").kind == "op" and parse_query("a:b").kind == "text"


@hypothesis_settings(max_examples=100, deadline=None)
@given(st.text(alphabet="abA\n", max_size=60), st.text(alphabet="abA", min_size=1, max_size=3))
def test_all_matching_lines(text, needle):
    fold = needle == needle.lower()
    lines = text.split("\n")
    wanted = [row for row, line in enumerate(lines) if needle in (line.lower() if fold else line)]
    assert list(TextLines(text).find_all(needle, 1000)) == wanted


def test_operations_have_roles_by_what_they_are_for():
    assert [role_of(name) for name in ("dot", "stablehlo.dot_general", "fusion")] == ["op"] * 3
    assert [role_of(name) for name in ("copy", "stablehlo.reshape", "dynamic-slice")] == ["op_move"] * 3
    assert [role_of(name) for name in ("all-reduce-start", "psum_invariant", '"stablehlo.all_gather"')] == [
        "op_exchange"
    ] * 3
    assert [role_of(name) for name in ("while", "scan", "stablehlo.case")] == ["op_control"] * 3
    assert [role_of(name) for name in ("custom-call", "pure_callback")] == ["op_library"] * 2


def test_a_range_of_lines_has_each_equation_once_and_what_lies_inside_of_it_in_it():
    from xlascope.tui.feeding.margins import RangeShares
    from xlascope.tui.model import EquationRow, EquationTable

    loop = EquationRow("0", None, "scan", share=0.75, own=0.25)
    inner = EquationRow("0.0", "0", "dot_general", share=0.5, own=0.5, estimated=True)
    alone = EquationRow("1", None, "sin", share=0.125, own=0.125)
    # The loop takes two lines; its body lies elsewhere.
    shares = RangeShares(EquationTable((loop, inner, alone), True), [(3, loop), (9, loop), (20, inner), (10, alone)])
    assert shares(0, 30) == (0.875, False)
    assert shares(3, 9) == (0.75, False)
    assert shares(20, 20) == (0.5, True)
    assert shares(11, 19) == (None, False)


def test_results_on_several_lines_belong_to_their_fold():
    text = "let f = { lambda ; a:f32[]. let\n    b:f32[] = sin a\n  in (b, b,\n      b) } in\n{ lambda ; c:f32[]. let\n    d:f32[] = jit[name=f jaxpr=f] c\n  in (d,) }\n"
    folds = find_folds(TextLines(text), "jaxpr")
    assert [(folds.headers[each], folds.lasts[each]) for each in range(len(folds))] == [(0, 3), (4, 6)]
