"""What the recorder cannot capture is listed, with the reason; processes that a script starts are listed too."""

import subprocess

import pytest

from tests.faithful.case import CORPUS
from tests.faithful.harness import recorder, show


def run_view(name, tmp_path):
    run_file = tmp_path / "run.xlascope"
    subprocess.run([*recorder(run_file), str(CORPUS / "jax" / f"{name}.py")], capture_output=True, cwd=tmp_path)
    return show(run_file, "run")


@pytest.mark.parametrize(
    ("script", "name", "reason"),
    [
        ("raises_in_trace", "bad", "TracerBoolConversionError"),
        ("jit_disabled", None, "jit was disabled"),
        ("serialized_executable", "f", "deserialized"),
    ],
)
def test_told_with_its_reason(script, name, reason, tmp_path):
    (told,) = run_view(script, tmp_path)["not_captured"]
    assert told["name"] == name
    assert reason in told["reason"]
    assert told["file"] == str(CORPUS / "jax" / f"{script}.py") and told["line"]


def test_a_child_is_listed_by_its_command(tmp_path):
    (child,) = run_view("jit_in_subprocess", tmp_path)["children"]
    assert child["how"] == "subprocess" and child["argv"][-1] == "child"


def test_a_fork_is_listed(tmp_path):
    (child,) = run_view("fork_after_jit", tmp_path)["children"]
    assert child["how"] == "fork"
