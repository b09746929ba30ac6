"""Without tags all equal layers are candidates of each other: of so many guesses only the likeliest are told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from xlascope.ir import index_jaxpr, parse_hlo
from xlascope.report.as_json import to_json
from xlascope.report.text import render
from xlascope.tui.feeding.feed import Feed
from xlascope.tui.glyphs import UNICODE
from xlascope.tui.lines import ops_title
from xlascope.tui.model import LINKS_GUESSED, LINKS_TO_COME
from xlascope.views import open_source, query
from xlascope.views.provenance.guesses import MOST, Guesses
from xlascope.views.provenance.origins import of_module

LAYERS = 20
SCRIPT = f"""
import time, jax, jax.numpy as jnp

@jax.jit
def deep(x, w):
    for _ in range({LAYERS}):
        x = jnp.sin(x) @ w
    return jnp.cos(x).sum()

x = w = jnp.ones((8, 8))
begin = time.monotonic()
while time.monotonic() < begin + 2:  # where a busy machine kept the first window from it a later one sees it
    deep(x, w).block_until_ready()
"""


@pytest.fixture(scope="module")
def untagged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("untagged")
    (folder / "deep.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "xlascope", "record", "--finish-budget", "0", "-o", "run.xlascope", "deep.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=True)
    return folder / "run.xlascope", done.stderr


def test_rows_hold_few_guesses_and_say_how_many_more(untagged):
    path, _ = untagged
    with open_source(path) as source:
        graph = to_json("graph", query("graph", source, program="deep"))
        links = to_json("links", query("links", source, program="deep"))
        rows = to_json("equations", query("equations", source, program="deep"))["rows"]
        ops = to_json("ops", query("ops", source, program="deep"))["rows"]
    assert graph["equations_exact"] is links["exact"] is False
    primitives = {row["path"]: row["primitive"] for row in rows}
    sines = [node for node in graph["nodes"] if node["opcode"] == "sine" and node["equations"]]
    assert sines
    for node in sines:
        assert len(node["equations"]) == MOST and node["equations_left_off"] == LAYERS - MOST
        assert {primitives[path] for path in node["equations"]} == {"sin"}
    for row in (*graph["nodes"], *links["rows"], *ops):
        assert len(row["equations"]) <= MOST
        assert not row["equations_left_off"] or len(row["equations"]) == MOST
    by_path = {node["id"]: (node["equations"], node["equations_left_off"]) for node in graph["nodes"]}
    assert all(
        by_path[row["instruction"]] == (row["equations"], row["equations_left_off"])
        for row in links["rows"]
        if row["equations"]
    )
    of_sine = [row for row in rows if row["primitive"] == "sin"]
    assert len(of_sine) == LAYERS
    assert {(len(row["instructions"]), row["instructions_left_off"] > 0) for row in of_sine} == {(MOST, True)}


def test_titles_say_that_links_are_guessed_and_whether_exact_ones_can_be_made(untagged, monkeypatch):
    feed = Feed(untagged[0])
    feed.open()
    program = next(iter(feed.overview().programs))

    def said() -> tuple[str, ...]:
        ops, table = feed.ops(program), feed.equations(program)
        panes = [feed.stage(program, stage, None, ops, table).about for stage in ("jaxpr", "source")]
        return ops.doubt, table.doubt, *panes, "".join(part.text for part in ops_title(ops, program, UNICODE))

    of_ops, of_equations, jaxpr, source, title = said()
    assert of_ops == of_equations == LINKS_GUESSED and f"eqns {LINKS_GUESSED}" in title
    assert jaxpr.startswith(f"{LINKS_GUESSED} · {program}") and source == f"deep.py · {LINKS_GUESSED}"
    monkeypatch.setattr(feed, "lacking", lambda program: ("tagged",))
    of_ops, of_equations, jaxpr, source, title = said()
    assert of_ops == of_equations == LINKS_TO_COME and all(LINKS_TO_COME in each for each in (jaxpr, source, title))
    feed.close()
    with open_source(untagged[0]) as source:
        text = render("equations", query("equations", source, program="deep"), width=200)
    assert text.splitlines()[0].endswith("approximate: linked by source line") and "without --no-collect" in text


def test_what_few_share_comes_first():
    text = """HloModule m

ENTRY %e (x: f32[]) -> f32[] {
  %x = f32[] parameter(0)
  %s = f32[] sine(%x), metadata={op_name="jit(f)/sin" source_file="a.py" source_line=3}
  ROOT %c = f32[] cosine(%s), metadata={op_name="jit(f)/cos" source_file="a.py" source_line=4}
}
"""
    equations = [{"path": str(n), "primitive": "sin", "file": "a.py", "line": 3} for n in range(40)]
    equations += [{"path": "40", "primitive": "cos", "file": "a.py", "line": 4}]
    jaxpr = index_jaxpr("", json.dumps(equations))
    origin = of_module(parse_hlo(text), jaxpr)
    assert not origin.exact and len(origin.equations["s"]) == 40
    guesses = Guesses(origin, jaxpr)
    assert guesses.of_instruction(origin.equations["s"]) == (tuple(map(str, range(MOST))), 40 - MOST)
    both = (*origin.equations["s"], *origin.equations["c"])
    assert guesses.of_instruction(both) == ((*map(str, range(MOST - 1)), "40"), 41 - MOST)
    assert guesses.of_instruction(origin.equations["c"]) == (("40",), 0)
    names = (*["s"] * 20, "c")
    assert guesses.of_equation(names) == ((*["s"] * (MOST - 1), "c"), 21 - MOST)


def test_all_exact_links_are_told():
    module = parse_hlo("HloModule m\n\nENTRY %e (x: f32[]) -> f32[] {\n  ROOT %x = f32[] parameter(0)\n}\n")
    guesses = Guesses(of_module(module, index_jaxpr("", "[]")), None)
    paths = tuple(map(str, range(100)))
    assert guesses.of_instruction(paths) == guesses.of_equation(paths) == (paths, 0)


def test_record_says_which_program_is_left_without_links(untagged):
    path, told = untagged
    lines = told.splitlines()
    assert lines[-1] == "run.xlascope"
    assert lines[-2].startswith("xlascope: no exact links for deep#1: the time for finishing was over; ")
    with open_source(Path(path)) as source:
        (lost,) = [each for each in query("run", source).dropped if each.what == "exact links"]
    assert (lost.count, lost.programs) == (1, ("deep#1",)) and lost.budget_ns > 0
    assert f"`record --finish-budget {-(-lost.budget_ns * 12 // 10**10)}`" in lines[-2]
