"""The demos run under plain Python, and the registry tells the truth about them."""

import subprocess
import sys

import pytest

from tests.faithful.harness import recorder, show
from xlascope.demo import DEMOS, find
from xlascope.views import open_source, query

FOLDER = DEMOS[0].path.parent


def run(demo, steps):
    return subprocess.run(
        [sys.executable, str(demo.path), "--steps", str(steps)], capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)
def test_runs_under_python_alone(demo):
    done = run(demo, 3)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("done  3 ")
    assert done.stderr == ""


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)
def test_no_steps_is_no_error(demo):
    done = run(demo, 0)
    assert done.returncode == 0, done.stderr


CAPTURED = {
    "softmax": {"scores", "train_step"},
    "transformations": {"predict_one", "gradient_one", "predict_batch", "fit", "error_on_device"},
    "transformer": {"train_step", "sample_batch"},
    "heat": {"advance", "one_step"},
    "mistakes": {"total_energy", "look_up", "unrolled", "recreated.<locals>.<lambda>"},
}


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)
def test_recorded_demo_shows_its_functions(demo, tmp_path):
    run_file = tmp_path / "run.xlascope"
    done = subprocess.run([*recorder(run_file), str(demo.path), "--steps", "3"], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1].startswith("done  3 ")
    rows = show(run_file, "functions")["functions"]
    assert {row["name"] for row in rows} == CAPTURED[demo.name]
    programs = {row["name"]: len(row["programs"]) for row in rows}
    if demo.name == "mistakes":
        assert programs["total_energy"] == 3, "one for each length"
        assert show(run_file, "compiles")["compiles"]


def test_an_installed_demo_has_the_lines_of_one_that_is_not(tmp_path):
    demo, told = find("transformer"), []
    for folder in (tmp_path / "lib/python3.1/site-packages/pkg", tmp_path / "elsewhere"):
        folder.mkdir(parents=True)
        script = folder / demo.path.name
        script.write_text(demo.path.read_text())
        run_file = folder / "run.xlascope"
        done = subprocess.run([*recorder(run_file), str(script), "--steps", "3"], capture_output=True, text=True)
        assert done.stdout.splitlines()[-1].startswith("done  3 ")
        with open_source(run_file) as source:
            equations = query("equations", source, program="train_step").rows
            buffers = query("memory", source, program="train_step").buffers
        files = {row.user_file for row in equations} | {buffer.file for buffer in buffers}
        assert files - {None} == {str(script)}
        lines = {row.path: (row.user_line, row.library_line) for row in equations}
        told.append((lines, {buffer.instruction: buffer.line for buffer in buffers}))
    assert told[0] == told[1]
    assert len({line for line, _ in told[0][0].values()} & set(range(42, 54))) > 5, "the lines of attention"


def test_every_script_of_the_folder_is_registered():
    scripts = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "notes"}
    assert scripts == {demo.name for demo in DEMOS}
    assert len(DEMOS) == len(scripts)


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.name)
def test_note_is_short_enough_to_read(demo):
    assert demo.steps and demo.about.endswith(".")
    assert len(demo.title) <= 90
    for press, seen in demo.steps:
        assert press in demo.note and seen in demo.note
        assert len(seen) <= 100


def test_the_note_of_what_compiles_long_says_to_wait():
    assert "Wait until train_step is compiled" in find("transformer").note


def test_find():
    assert find("softmax") is DEMOS[0]
    assert find("nothing") is None


def test_registry_imports_no_jax():
    code = "import sys, xlascope.demo; print([n for n in sys.modules if n.split('.')[0] in ('jax', 'jaxlib', 'numpy')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
