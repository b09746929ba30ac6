"""Exact facts about what is captured, compared with what JAX says of the same functions in another process."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from harness import FACTS_SCRIPT, Recorded

SOURCE = FACTS_SCRIPT.read_text().splitlines()
NAMES = {"inner": "inner#1", "nested": "nested#1", "shown": "shown#1"}


def line_of(text: str) -> int:
    found = [number for number, line in enumerate(SOURCE, 1) if text in line]
    assert len(found) == 1, (text, found)
    return found[0]


def lambda_at(recorded: Recorded, text: str) -> str:
    """The program of the lambda on the line with ``text``."""
    return next(m.body["id"] for m in recorded.of("program") if m.body["line"] == line_of(text))


def program_of(recorded: Recorded, name: str) -> str:
    if name == "grad_soft":
        return lambda_at(recorded, "grad_soft = ")
    return lambda_at(recorded, "checkpointed = ") if name == "checkpointed" else NAMES[name]


@pytest.mark.parametrize("name", ["inner", "nested", "grad_soft", "checkpointed", "shown"])
@pytest.mark.parametrize("stage", ["jaxpr", "stablehlo", "optimized"])
def test_texts_are_jax_s_own(name: str, stage: str, recorded: Recorded, expected: dict[str, Any]) -> None:
    assert without_ids(recorded.stage(program_of(recorded, name), stage)) == without_ids(expected[name][stage])


def without_ids(text: str) -> str:
    """Callbacks are printed with their addresses; the calls stand on other lines, and XLA has no order of keys."""
    text = re.sub(r"(file_name_id=\d+ function_name_id=\d+) .*", r"\1", text)
    text = re.sub(r"backend_config=(\{.*\})", lambda m: "".join(sorted(m[1])), text)
    return re.sub(r"0x[0-9a-f]+|\b[0-9]{9,}\b", "0x", text)


@pytest.mark.parametrize("name", ["inner", "nested", "grad_soft", "checkpointed", "shown"])
def test_equations_have_paths_lines_and_types(name: str, recorded: Recorded) -> None:
    program = program_of(recorded, name)
    text = recorded.stage(program, "jaxpr").splitlines()
    rows = json.loads(recorded.stage(program, "jaxpr", "equations"))
    assert len(rows) == recorded.one("program", id=program).body["equations"] > 0
    assert len({row["path"] for row in rows}) == len(rows)
    for row in rows:
        line = text[row["text_line"] - 1]
        if f" = {row['primitive']}" not in line:
            assert not row["outputs"] and row["primitive"] in line
        if row["file"] is not None:
            assert row["file"] == str(FACTS_SCRIPT)
            assert 1 <= row["line"] <= len(SOURCE)


def test_equations_know_the_library_s_line_too(recorded: Recorded) -> None:
    rows = json.loads(recorded.stage(program_of(recorded, "inner"), "jaxpr", "equations"))
    product = next(row for row in rows if row["primitive"] == "mul")
    file, line = product["library"]
    assert "/jax/_src/numpy/" in file and 0 < line <= len(Path(file).read_text().splitlines())
    assert "own" not in product, "the script's own line is the place already"


def test_paths_of_nested_equations(recorded: Recorded) -> None:
    rows = {row["path"]: row for row in json.loads(recorded.stage("nested#1", "jaxpr", "equations"))}
    loop = next(path for path, row in rows.items() if row["primitive"] == "while")
    scan = next(path for path, row in rows.items() if row["primitive"] == "scan")
    assert rows[f"{loop}.b0.0"]["primitive"] == "reduce_sum", "b0 is the condition"
    assert rows[f"{loop}.b1.0"]["primitive"] in {"jit", "pjit"}, "b1 is the body"
    assert rows[f"{scan}.0"]["primitive"] in {"jit", "pjit"}
    sine = rows[f"{scan}.0.0"]
    assert (sine["primitive"], sine["line"], sine["function"]) == ("sin", line_of("jnp.sin(x) * 2"), "inner")
    assert (sine["inputs"], sine["outputs"]) == (["f32[3]"], ["f32[3]"])


def test_functions(recorded: Recorded) -> None:
    by_name: dict[str, Any] = {m.body["name"]: m.body for m in recorded.of("function") if not m.body["library"]}
    assert set(by_name) == {
        "inner", "nested", "<lambda>", "shown", "Model.predict", "make_step.<locals>.step", "update", "plus", "tanh",
    }  # fmt: skip
    assert by_name["nested"]["line"] == line_of("def nested(")
    assert by_name["nested"]["last_line"] == line_of("return jax.lax.while_loop")
    assert by_name["Model.predict"]["line"] == line_of("partial(jax.jit, static_argnums=0)")
    assert all(m.body["file"] == str(FACTS_SCRIPT) for m in recorded.of("function") if not m.body["library"])
    assert recorded.one("source", file=str(FACTS_SCRIPT)).blobs["text"] == FACTS_SCRIPT.read_bytes()


def test_programs(recorded: Recorded) -> None:
    programs = {m.body["id"]: m.body for m in recorded.of("program")}
    assert programs["Model.predict#1"]["statics"] == ["self=<Model>"]
    assert [programs[f"Model.predict#{k}"]["inputs"][0]["dtype"] for k in (1, 2, 3, 4)] == [
        "float32", "float32", "int32", "float32"]
    assert programs["Model.predict#4"]["inputs"][0]["weak_type"] is True
    assert {programs[p]["how"] for p in ("inner#1", "update#1")} == {"jit"}
    assert programs["update#1"]["statics"] == ["power=2"]
    assert [row["donated"] for row in programs["update#1"]["inputs"]] == [True, False]
    assert [row["name"] for row in programs["update#1"]["inputs"]] == ["state['w']", "key"]
    assert programs["shown#1"]["callbacks"] is True and programs["shown#1"]["ordered"] is False
    assert programs["nested#1"]["callbacks"] is False
    assert programs[lambda_at(recorded, "pmap(lambda p")]["how"] == "pmap"
    assert (programs["tanh#1"]["how"], programs["tanh#1"]["line"]) == ("pmap", line_of("jax.pmap(jnp.tanh)"))
    aot = [p for p in programs.values() if p["how"] == "aot"]
    assert [p["function"] for p in aot] == ["plus"]
    assert {p["x64"] for p in programs.values() if p["function"] == "inner"} == {True, False}
    assert programs["inner#1"]["platform"] in {"cpu", None} and programs["nested#1"]["platform"] == "cpu"
    assert programs["nested#1"]["call_line"] == line_of("fun(*args)")


def test_reasons(recorded: Recorded) -> None:
    compiles = [m.body for m in recorded.of("compile", eager=False)]

    def reasons(line: str) -> list[str]:
        return [c["reason"] for c in compiles if c["call_line"] == line_of(line)]

    assert reasons("# new shape") == ["argument x: f32[3] → f32[4] (dimension 0)"]
    assert reasons("# new dtype") == ["argument x: f32[4] → i32[4]"]
    assert reasons("# weak")[0].startswith("argument x: ") and "~f32[]" in reasons("# weak")[0]
    first, *again = reasons("# re-created")
    assert first == "first call"
    assert len(again) == 2 and all("new function object" in each for each in again)
    assert "other captured values" in reasons("# other constant")[0]
    assert reasons("# new static") == ["static argument power=2 → power=3"]
    assert "cleared" in reasons("# cleared")[0]
    for each in compiles:
        assert each["compile_ns"] > 0 and each["lower_ns"] > 0, each
        assert each["cache"] is None
    assert all(c["trace_ns"] > 0 for c in compiles if c["name"] == "nested")


def test_a_function_made_again_is_one_program(recorded: Recorded) -> None:
    steps = [m.body for m in recorded.of("program", function="make_step.<locals>.step")]
    assert [p["id"] for p in steps] == ["step#1", "step#2"], "two constants"
    assert len(recorded.of("executable", program="step#1")[-1].body["program_ids"]) == 3
    assert recorded.of("calls", program="step#1")[-1].body["hook_calls"] == 3


def test_arguments(recorded: Recorded) -> None:
    args = recorded.one("args", program="update#1")
    assert args.body["state"] == "recorded"
    weights, key = args.body["leaves"]
    assert np.frombuffer(args.blobs[weights["blob"]], weights["dtype"]).tolist() == [1, 1, 1], "before donation"
    assert key["key_impl"] == "threefry2x32"
    assert np.frombuffer(args.blobs[key["blob"]], key["dtype"]).tolist() == [0, 7]
    inner = recorded.of("args", program="inner#1")[0]
    assert np.frombuffer(inner.blobs["a0"], np.float32).tolist() == [0, 1, 2]
    ahead = recorded.one("args", program="plus#2")
    assert ahead.body["state"] == "recorded", "the values of its first call"


def test_windows_hold_every_call(recorded: Recorded) -> None:
    """Calls are the distinct run ids of a program's ids, and the first window covered all of them."""
    chunks = recorded.of("chunk", chunk="profile")
    assert chunks[0].body["meta"]["covers_from_start"] is True
    runs: dict[str, set[Any]] = {}
    for chunk in chunks:
        for plane in jax.profiler.ProfileData.from_serialized_xspace(chunk.blobs["data"]).planes:
            for line in plane.lines:
                for event in line.events:
                    stats = dict(event.stats)
                    if "program_id" in stats and "run_id" in stats:
                        runs.setdefault(str(stats["program_id"]), set()).add(stats["run_id"])

    def calls(program: str) -> int:
        ids = recorded.of("executable", program=program)[-1].body["program_ids"]
        return sum(len(runs.get(each, ())) for each in ids)

    assert calls("nested#1") == 5
    assert calls("Model.predict#1") == 1
    assert calls("step#1") == 3
    assert calls("shown#1") == 3
    eager = [m for m in recorded.of("program", how="eager")]
    assert all(recorded.of("executable", program=m.body["id"]) for m in eager)


def test_hook_counts_callback_programs_on_every_call(recorded: Recorded) -> None:
    assert recorded.of("calls", program="shown#1")[-1].body["hook_calls"] == 3


def test_executables(recorded: Recorded) -> None:
    facts = recorded.of("executable", program="nested#1")[-1].body
    assert facts["module"] == "jit_nested"
    assert facts["memory"]["argument"] == 16 and facts["cost"]["flops"] > 0
    assert all(each.isdigit() for each in facts["program_ids"])


def test_what_is_not_captured_is_listed(recorded: Recorded) -> None:
    found = recorded.one("not_captured").body
    assert found["line"] == line_of("# raises") and "AttributeError" in found["reason"]


def test_eager_lines_and_children(recorded: Recorded) -> None:
    lines = {(m.body["name"], m.body["line"]) for m in recorded.of("eager")}
    assert ("add", line_of("# eager")) in lines
    assert [(m.body["how"], m.body["argv"]) for m in recorded.of("child")] == [("system", ["true"])]


def test_nothing_was_dropped_and_the_order_is_right(recorded: Recorded) -> None:
    assert not recorded.dropped
    kinds = [m.kind for m in recorded.messages]
    assert kinds[0] == "hello" and kinds[-1] == "bye"
    at = {(m.kind, m.body.get("stage"), m.body.get("program") or m.body.get("id")): n
          for n, m in reversed(list(enumerate(recorded.messages)))}
    order = [at["program", None, "nested#1"], at["stage", "jaxpr", "nested#1"], at["stage", "stablehlo", "nested#1"],
             at["executable", None, "nested#1"], at["stage", "optimized", "nested#1"]]
    assert order == sorted(order)
    envs = recorded.of("env")
    assert envs[0].body["devices"] is None and envs[-1].body["platform"] == "cpu"
    assert recorded.one("phase", name="import jax").body["ns"] > 0
