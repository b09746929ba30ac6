"""Records with missing, extra and wrong keys never crash a view: what is not understood is unknown."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from crafted_run import OPTIMIZED, T0, small_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlascope.report.as_json import dumps
from xlascope.report.text import render
from xlascope.runfile import Writer
from xlascope.views import VIEWS, ViewError, open_source, query
from xlascope.views.compiles import own_place

KEYS = {
    "run": "script module argv python started_ns machine",
    "env": "python jax variables x64 platform devices",
    "phase": "name start_ns ns",
    "end": "state exit_code signal wall_ns ended_ns",
    "exception": "type text",
    "function": "id name file line last_line library",
    "source": "file",
    "program": "id function function_id how signature equations inputs outputs statics callbacks mesh file line",
    "stage": "stage",
    "executable": "program_ids module",
    "args": "state leaves",
    "artifact": "platforms",
    "compile": "name file line reason trace_ns lower_ns compile_ns program eager cache cause difference against body "
    "call_file call_line made_file made_line own_file own_line own_function retrieval_ns",
    "spent": "parts elsewhere imports",
    "eager": "name file line count exact",
    "calls": "program hook_calls",
    "child": "pid argv how",
    "not_captured": "name file line reason",
    "dropped": "what count why",
    "variant": "id variant switches median_ns ratio samples verdict equation_ns notes collectives place mesh",
    "failed": "switches error advice",
}
CHUNK_KEYS = ["stream", "t_ns", "why", "start_ns", "end_ns", "truncated", "index"]
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(
    ["scores#1", "scores", "/home/u/train.py", "jaxpr", "optimized", "eager", "running", "recorded", "x=2", "1e400"]
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
blobs = st.dictionaries(
    st.sampled_from(["text", "equations", "optimized", "baseline_optimized", "bytecode"]),
    st.binary(max_size=20) | st.sampled_from([OPTIMIZED.encode(), OPTIMIZED[:900].encode(), b"[]", b"[{}]"]),
    max_size=3,
)


@st.composite
def records(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, bytes], str | None]:
    kind = draw(st.sampled_from(sorted(KEYS)))
    body = draw(st.dictionaries(st.sampled_from(KEYS[kind].split()), values, max_size=8))
    return kind, body, draw(blobs), draw(st.sampled_from([None, "scores#1", "other#3", ""]))


def ask_everything(path: Path) -> None:
    with open_source(path) as source:
        for view in VIEWS:
            for options in ({}, {"program": "scores#1"}, {"program": "scores", "variant": "v1"}):
                try:
                    answer = query(view.name, source, **{k: v for k, v in options.items() if k in view.options})
                except ViewError:
                    continue
                dumps(view.name, answer)
                render(view.name, answer, width=80)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(records(), min_size=1, max_size=12), st.booleans())
def test_odd_records_crash_no_view(found: list[Any], beside_good_ones: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "odd.xlascope"
        if beside_good_ones:
            small_run(path)
        writer = Writer(path)
        for kind, body, data, program in found:
            writer.put(kind, body, data, program=program, variant="v1" if kind == "variant" else None)
        writer.close()
        ask_everything(path)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["output", "profile"]),
            st.binary(max_size=60),
            st.dictionaries(st.sampled_from(CHUNK_KEYS), values),
            st.sampled_from([None, "scores#1"]),
        ),
        max_size=4,
    )
)
def test_odd_chunks_crash_no_view(found: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = small_run(Path(folder) / "odd.xlascope")
        writer = Writer(path)
        writer.put("variant", {"id": "v1", "variant": "fusion=off", "switches": {}}, program="scores#1", variant="v1")
        for kind, data, meta, program in found:
            writer.chunk(kind, data, meta, program=program, variant="v1" if program else None)
        writer.close()
        ask_everything(path)


def test_an_empty_run_answers_every_view_or_says_why_not(tmp_path: Path) -> None:
    Writer(tmp_path / "e.xlascope").close()
    with open_source(tmp_path / "e.xlascope") as source:
        for name in ("run", "functions", "programs", "compiles", "output", "ops", "devices", "equations"):
            query(name, source)
        for name in ("stage", "graph", "variants", "collectives", "memory"):
            with pytest.raises(ViewError, match="no program was recorded"):
                query(name, source)


def test_a_profile_that_is_none_is_told(tmp_path: Path) -> None:
    path = small_run(tmp_path / "p.xlascope")
    writer = Writer(path)
    writer.chunk("profile", b"\xff" * 50, {"why": "first", "start_ns": T0, "end_ns": T0 + 5})
    writer.close()
    with open_source(path) as source:
        assert [row.what for row in query("ops", source).dropped] == ["broken"]
        assert any(row.what == "profile events" for row in query("run", source).dropped)


def test_a_compile_of_an_older_recorder_has_the_nearest_line_that_is_known() -> None:
    body = {"file": "/a/s.py", "line": 3}
    assert own_place(body) == ("/a/s.py", 3)
    assert own_place(body | {"call_file": "/a/t.py", "call_line": 4}) == ("/a/t.py", 4)
    assert own_place(body | {"own_file": "/a/u.py", "own_line": 5}) == ("/a/u.py", 5)
    assert own_place({}) == (None, None)
