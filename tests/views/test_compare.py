"""The view and the command ``compare`` on two recorded runs of one script, in which two functions were changed."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from crafted_run import OPTIMIZED

from tests.recording import record_script
from xlascope.cli.compare import is_slower, main
from xlascope.cli.errors import CommandError
from xlascope.report.as_json import to_json
from xlascope.report.text import render
from xlascope.runfile import Writer
from xlascope.stats import Ratio
from xlascope.stats.runs import LEVELS
from xlascope.traces import read_profile
from xlascope.traces.call_spans import LEAST, call_spans
from xlascope.views import Source, open_source, query
from xlascope.views.compare import Compare, Program, _notes, compare
from xlascope.views.comparing.foreign import _renamed
from xlascope.views.comparing.sides import open_sides, parse
from xlascope.views.comparing.times import Compared, Machine, is_told, machine

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "xlascope" / "report" / "schemas" / "compare.json").read_text())
MI300 = ROOT.parent / "shared" / "data" / "mi300_fused_attention.xplane.pb"
BEFORE = """
import time
import jax, jax.numpy as jnp

@jax.jit
def waves(x):
    for _ in range(4):
        x = jnp.sin(x) + 1
    return x

@jax.jit
def scores(x):
    y = x @ x.T
    return jax.nn.softmax(y, axis=-1)

@jax.jit
def steady(x):
    return jnp.sort(x, axis=0)

x = jnp.linspace(0, 1, 160 * 160).reshape(160, 160)
end, rounds = time.time() + 1.2, 0
while time.time() < end or rounds < 60:
    rounds += 1
    for f in (waves, scores, steady):
        f(x).block_until_ready()
"""
AFTER = (
    BEFORE.replace("range(4)", "range(16)")
    .replace("    y = x @ x.T\n", "    x = x * 2\n    y = x @ x.T\n")
    .replace("def steady(x):", "def added(x):\n    return x[0] - 1\n\n@jax.jit\ndef steady(x):")
    .replace("(waves, scores, steady)", "(waves, scores, added, steady)")
)


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_script(tmp_path_factory.mktemp("before"), BEFORE)


@pytest.fixture(scope="session")
def after(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_script(tmp_path_factory.mktemp("after"), AFTER)


@pytest.fixture
def answer(before: Path, after: Path) -> Iterator[Compare]:
    a, b = open_sides(str(before), str(after))
    with a.source, b.source:
        yield compare(a, b)


def largest_window(source: Source) -> bytes:
    return max((chunk.data for chunk in source.chunks("profile")), key=len)  # type: ignore[attr-defined]


def of(answer: Compare, function: str) -> Program:
    return next(each for each in answer.programs if each.function == function)


def test_programs_are_matched_and_the_new_one_is_told(answer: Compare) -> None:
    assert {each.function for each in answer.programs} == {"waves", "scores", "steady"}
    assert answer.only_a == () and [each.function for each in answer.only_b] == ["added"]
    assert all(each.same_signature for each in answer.programs)
    assert all(each.a_ns and each.b_ns and each.a_calls and each.b_calls for each in answer.programs)
    assert all(each.max_abs_error is None for each in answer.programs)


def test_a_line_that_was_put_in_shifts_nothing(answer: Compare) -> None:
    rows = of(answer, "scores").equations
    new = [each for each in rows if each.path_a is None]
    assert [each.primitive for each in new] == ["mul"] and new[0].path_b == "0"
    assert all(each.path_b is not None and not each.moved for each in rows)
    shifted = [(int(each.path_a), int(each.path_b)) for each in rows if each.path_a and each.path_b]
    assert shifted and all(b == a + 1 for a, b in shifted)


def test_ops_are_compared_through_their_equations(answer: Compare) -> None:
    waves = of(answer, "waves")
    assert waves.opcodes["sine"] == (4, 16) and waves.a_form.fusions == waves.b_form.fusions
    rows = [each for each in waves.equations if each.primitive == "sin"]
    assert sum(each.path_a is not None for each in rows) == 4 and len(rows) == 16
    assert all(each.b_ns is not None for each in rows) and all(each.line_b is not None for each in rows)
    steady = of(answer, "steady")
    assert steady.opcodes == {} and steady.a_form.instructions == steady.b_form.instructions


def test_the_peak_is_that_of_the_view_memory(after: Path, answer: Compare) -> None:
    with open_source(after) as source:
        for each in answer.programs:
            held = query("memory", source, program=each.program_b)
            assert held.peak_bytes is not None and each.b_form.peak_bytes == held.peak_bytes
            assert each.b_form.temp_bytes == held.temp_bytes


def test_the_source_difference_is_that_of_the_script(answer: Compare) -> None:
    (change,) = answer.sources
    assert "-    for _ in range(4):" in change.unified and "+    for _ in range(16):" in change.unified


def test_the_machine_is_told(before: Path, answer: Compare) -> None:
    assert answer.drift is not None and 0.2 < answer.drift < 5
    with open_source(before) as source:
        told = [record.json for record in source.records("reference")]  # type: ignore[attr-defined]
    assert told[0]["at"] == "start" and told[-1]["at"] == "end" and all(each["kernel_ns"] > 0 for each in told)
    if sys.platform == "linux":
        assert answer.others_a is not None and answer.others_b is not None


def test_the_json_fits_the_schema(answer: Compare) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(to_json("compare", answer))


def test_a_run_and_itself_are_never_faster_or_slower(before: Path) -> None:
    a, b = open_sides(str(before), str(before))
    with a.source, b.source:
        found = compare(a, b)
    assert len(found.programs) == 3 and all(each.ratio == 1 for each in found.programs)
    assert all(each.verdict in ("same", "unclear") for each in found.programs)
    assert all(each.path_a == each.path_b for program in found.programs for each in program.equations)
    assert all(each.a_ns == each.b_ns for program in found.programs for each in program.equations)
    assert found.sources == () and all(not each.opcodes for each in found.programs)


def test_times_of_calls_are_first_start_to_last_end(before: Path) -> None:
    with open_source(before) as source:
        profile = read_profile(largest_window(source))
    spans = call_spans(profile)
    ops = profile.ops
    for index, key in enumerate(profile.programs):
        runs = {}
        for k in np.flatnonzero(ops.program == index).tolist():
            start, end = runs.get(ops.run[k], (np.inf, 0))
            runs[ops.run[k]] = min(start, int(ops.start_ps[k])), max(end, int(ops.end_ps[k]))
        expected = [int(end - start) // 1000 for start, end in sorted(runs.values())]
        expected = expected[1:-1] if len(expected) >= LEAST else expected
        assert key.program_id is not None and spans[key.program_id].tolist() == expected


def test_a_program_slowed_is_found_alone_when_both_are_executed_in_turn(
    before: Path, after: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(before), str(after), "--rerun", "--budget", "0.7", "--fail-slower", "30", "--json"]
    assert main(words) == 1
    said = capsys.readouterr()
    rows = {each["function"]: each for each in json.loads(said.out)["programs"]}
    assert rows["waves"]["verdict"] == "slower" and rows["waves"]["how"] == "rerun" and rows["waves"]["ratio"] > 1.3
    assert "waves#1 is" in said.err and "steady#1 is" not in said.err and "scores#1 is" not in said.err
    assert json.loads(said.out)["notes"] == ["Equations have the times of the recorded runs."]
    # Its machine code is the same, though its lines moved: known, whatever the machine does meanwhile.
    assert rows["steady"]["verdict"] == "same" and rows["steady"]["same_code"] is True
    assert "the machine's noise alone" in rows["steady"]["note"]
    assert rows["waves"]["same_code"] is False and rows["scores"]["same_code"] is False
    assert rows["steady"]["max_abs_error"] == 0 and rows["waves"]["max_abs_error"] > 0
    with open_source(before) as source:
        assert not source.records("variant")  # type: ignore[attr-defined]


def test_what_the_times_are_and_whether_the_code_is_the_same(answer: Compare) -> None:
    for name, same in (("waves", False), ("scores", False), ("steady", True)):
        program = of(answer, name)
        assert program.same_code is same and program.share in LEVELS
        assert program.a_ns is not None and program.a_median_ns is not None
        assert (program.a_ns == program.a_median_ns) if program.share == 0.5 else program.a_ns <= program.a_median_ns


def test_the_same_instructions_of_another_compiler_are_not_the_same_code(before: Path, tmp_path: Path) -> None:
    def changed(kind: str, **more: object) -> Path:
        path = tmp_path / f"{kind}.xlascope"
        shutil.copy(before, path)
        with open_source(path) as source:
            body = dict(source.last(kind).json)  # type: ignore[attr-defined]
        writer = Writer(path)
        writer.put(kind, {**body, **more})
        writer.close()
        return path

    for path in (changed("env", jaxlib="0.9.9"), changed("run", machine={"cpu": "another", "cores": 2})):
        a, b = open_sides(str(before), str(path))
        with a.source, b.source:
            found = compare(a, b)
        assert {each.same_code for each in found.programs} == {None}
        assert all(each.ratio == 1 for each in found.programs)


def test_one_program_asked_for_is_judged_among_all(before: Path, answer: Compare) -> None:
    """What the machine did is told by the others, whichever is looked at."""
    a, b = open_sides(answer.a, answer.b)
    with a.source, b.source:
        alone = compare(a, b, "steady#1")
    assert alone.programs == (of(answer, "steady"),) and alone.only_b == ()


def test_where_unchanged_programs_moved_together_it_is_said(answer: Compare) -> None:
    def times(ratio: float, same: bool | None = True) -> Compared:
        return Compared(1, 1, 1, 1, 50, 50, Ratio(ratio, ratio, ratio), "runs", None, 0.5, same)

    a, b = open_sides(answer.a, answer.b)
    known = Machine(1000, 0.0, 2)
    with a.source, b.source:
        (said,) = _notes(a, b, (known, known), None, [*map(times, (1.2, 1.3, 1.25, 1.22)), times(9.0, False)])
        assert "The 4 programs whose code is the same in both took 1.23 times as long in B" in said
        assert _notes(a, b, (known, known), None, [*map(times, (1.2, 1.3, 1.25)), times(1.2, None)]) == ()
        assert _notes(a, b, (known, known), None, [*map(times, (1.02, 0.99, 1.01, 1.04))]) == ()


def test_the_gate_needs_a_sure_change_that_is_large_enough(answer: Compare) -> None:
    from dataclasses import replace

    one = replace(answer.programs[0], ratio=1.2, ratio_ci_low=1.1, ratio_ci_high=1.3, verdict="slower")
    assert is_slower(one, 10) and not is_slower(one, 25)
    assert not is_slower(replace(one, verdict="unclear"), 0) and not is_slower(replace(one, verdict="faster"), 0)


def test_what_is_unclear_says_what_to_do(answer: Compare) -> None:
    from dataclasses import replace

    def told(**changed: Any) -> str:
        return " ".join(render("compare", replace(answer, programs=(replace(answer.programs[0], **changed),))).split())

    wide = {"ratio": 1.0, "ratio_ci_low": 0.0, "ratio_ci_high": 3e5, "verdict": "unclear"}
    runs = told(how="runs", **wide)
    assert "--rerun` executes both in turn" in runs and "anything" in runs and "a twentieth" in runs
    again = told(how="rerun", **wide)
    assert "a longer --budget" in again and "executes both in turn" not in again and "medians of calls in turn" in again
    assert "unclear:" not in told(how="runs", **{**wide, "verdict": "same"})


def measured(path: Path) -> Path:
    """The crafted run with two measurements of one variant, and one of another."""
    writer = Writer(path)
    for number, name, ratio in ((1, "fusion=off", 2.0), (2, "fusion=off", 3.0), (3, "devices=4", 0.5)):
        body = {
            "id": f"v{number}", "switches": {}, "samples": 30, "median_ns": round(1000 * ratio), "verdict": "slower",
            "baseline_median_ns": 1000, "ratio": ratio, "ratio_ci_low": ratio * 0.99, "ratio_ci_high": ratio * 1.01,
            "max_abs_error": 1e-7, "compile_ns": 7, "baseline_compile_ns": 5, "peak_bytes": 64,
        }  # fmt: skip
        blobs = {"optimized": OPTIMIZED.encode(), "baseline_optimized": OPTIMIZED.encode()}
        writer.put("variant", body, blobs, program="scores#1", variant=name)
    writer.close()
    return path


@pytest.mark.parametrize(("words", "ratio", "error", "times"), [
    (("", "#v1"), 2.0, 1e-7, (1000, 2000)),
    (("", "#fusion=off"), 3.0, 1e-7, (1000, 3000)),
    (("#v1", "#baseline"), 0.5, 1e-7, (2000, 1000)),
    (("#v1", "#v3"), 0.25, None, (2000, 500)),
])  # fmt: skip
def test_variants_of_one_run(
    words: tuple[str, str], ratio: float, error: float | None, times: tuple[int, int], run_path: Path
) -> None:
    measured(run_path)
    a, b = open_sides(*(f"{run_path}{word}" for word in words))
    assert a.source is b.source
    with a.source:
        answer = compare(a, b)
    (row,) = answer.programs
    assert row.ratio == pytest.approx(ratio) and row.how == "in turn" and (row.a_ns, row.b_ns) == times
    assert row.ratio_ci_low is not None and 0.97 * ratio < row.ratio_ci_low < ratio
    assert row.verdict == ("slower" if ratio > 1 else "faster") and row.max_abs_error == error
    assert answer.only_a == () and answer.only_b == () and row.opcodes == {}
    jsonschema.Draft202012Validator(SCHEMA).validate(to_json("compare", answer))


def test_simulated_devices_are_told(run_path: Path) -> None:
    writer = Writer(run_path)
    body = {"id": "v1", "switches": {"devices": 8}, "samples": 9, "median_ns": 2, "baseline_median_ns": 1, "ratio": 2.0,
            "ratio_ci_low": 1.9, "ratio_ci_high": 2.1, "verdict": "slower", "device_count": 8, "simulated": True}  # fmt: skip
    writer.put("variant", body, {"optimized": OPTIMIZED.encode()}, program="scores#1", variant="devices=8")
    writer.close()
    a, b = open_sides(str(run_path), f"{run_path}#v1")
    with a.source, b.source:
        assert [each.note for each in compare(a, b).programs] == ["B on 8 simulated devices"]
        assert [each.note for each in compare(b, a).programs] == ["A on 8 simulated devices"]


def test_what_was_watched_and_what_was_measured_are_not_compared(run_path: Path) -> None:
    measured(run_path)
    a, b = open_sides(f"{run_path}#observed", f"{run_path}#v1")
    with a.source:
        (row,) = compare(a, b).programs
    assert row.ratio is None and row.verdict is None and "measured apart" in (row.note or "")


@pytest.mark.parametrize(("words", "code", "text"), [
    (["RUN"], 2, "which two"),
    (["RUN", "nowhere.xlascope"], 3, "no such file"),
    (["RUN", "RUN#nothing"], 2, "nothing: no such variant"),
    (["RUN", "RUN", "--fail-slower", "-1"], 2, "percentage"),
    (["RUN", "RUN", "--fail-slower", "nan"], 2, "percentage"),
    (["RUN", "RUN#v1", "--rerun", "--no-collect"], 2, "in turn already"),
])  # fmt: skip
def test_wrong_words(words: list[str], code: int, text: str, run_path: Path) -> None:
    with pytest.raises(CommandError, match=text) as raised:
        main([word.replace("RUN", str(measured(run_path))) for word in words])
    assert raised.value.code == code


def test_a_run_without_readings_of_its_machine_is_never_sure(run_path: Path, tmp_path: Path) -> None:
    a, b = open_sides(str(run_path), str(run_path))
    with a.source:
        found = compare(a, b)
        assert not is_told(a)
        assert all(each.verdict in ("unclear", None) for each in found.programs)
    elsewhere = Path(shutil.copy(run_path, tmp_path / "gpu.xlascope"))
    writer = Writer(elsewhere)
    writer.put("env", {"platform": "gpu"})
    writer.close()
    a, b = open_sides(str(elsewhere), str(elsewhere))
    with a.source:
        assert is_told(a) and machine(a).kernel_ns is None


def test_a_path_with_a_number_sign_is_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "run#1.xlascope"
    odd.write_bytes(b"")
    assert parse(str(odd)) == (odd, None)
    assert parse(f"{odd}#v1") == (odd, "v1")


def test_profiles_are_compared_by_module(before: Path, after: Path, tmp_path: Path) -> None:
    files = []
    for path in (before, after):
        files.append(tmp_path / f"{path.parent.name}.xplane.pb")
        with open_source(path) as source:
            files[-1].write_bytes(largest_window(source))
    a, b = open_sides(str(files[0]), str(files[1]))
    with a.source, b.source:
        found = compare(a, b)
        modules = [{row.module for row in each.source.times().calls} for each in (a, b)]  # type: ignore[arg-type]
    both = modules[0] & modules[1]
    assert both and {f"jit_{each.function}" for each in found.programs} == both
    assert {f"jit_{each.function}" for each in found.only_b} == modules[1] - modules[0]
    assert all(each.verdict in ("unclear", None) and each.equations == () for each in found.programs)
    assert found.drift is None


@pytest.mark.skipif(not MI300.exists(), reason="the profile of an AMD GPU is not here")
def test_a_run_beside_a_profile_has_its_ops_by_the_equations_of_the_run(before: Path, tmp_path: Path) -> None:
    file = tmp_path / "of_before.xplane.pb"
    with open_source(before) as source:
        file.write_bytes(largest_window(source))
    for words in ((str(before), str(file)), (str(file), str(before))):
        a, b = open_sides(*words)
        with a.source, b.source:
            found = compare(a, b)
            profile = b.source if words[1] == str(file) else a.source
            rows, calls = query("ops", profile).rows, profile.times().calls  # type: ignore[attr-defined]
        waves = of(found, "waves")
        of_profile, of_run = ("b_ns", "a_ns") if words[1] == str(file) else ("a_ns", "b_ns")
        assert {each.primitive for each in waves.equations} == {"sin", "add"}
        assert all(each.path_a == each.path_b and each.line_a for each in waves.equations)
        spent = sum(each.self_ns for each in rows if each.program and each.program.startswith("jit_waves"))
        count = max(each.calls for each in calls if each.module == "jit_waves")
        told = [getattr(each, of_profile) for each in waves.equations]
        equations = sum(len((each.path_a or "").split()) for each in waves.equations)
        assert equations == 8 and sum(told) == pytest.approx(spent / count, abs=equations)  # each is rounded
        assert all(getattr(each, of_run) is not None for each in waves.equations)
        assert "by source line and primitive" in (waves.note or "")
        text = render("compare", found)
        assert "equations that differ" in text and "--rerun" not in text


def test_a_script_that_lies_elsewhere_is_found_by_its_name() -> None:
    theirs = {"/b/train.py", "/b/c/model.py", "/d/model.py", "/a/same.py"}
    assert _renamed({"/a/train.py", "/a/model.py", "/a/same.py"}, theirs) == {"/a/train.py": "/b/train.py"}


def test_kernels_that_name_no_execution_are_told_as_what_they_took_together() -> None:
    a, b = open_sides(str(MI300), str(MI300))
    with a.source, b.source:
        (found,) = compare(a, b).programs
    assert (found.a_ns, found.verdict) == (None, None)
    told = "the kernels of jit_loss_fn#17 name no execution, so no call is timed; they took 12.1 ms in likely 5 calls"
    assert found.note == f"{told}; {told}"
