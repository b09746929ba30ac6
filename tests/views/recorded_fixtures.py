from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from crafted_run import small_run
from recorded_scripts import EIGHT_DEVICES, ONE_DEVICE, Recorded

from xlascope.views import Source, open_source

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def run_path(tmp_path: Path) -> Path:
    return small_run(tmp_path / "r.xlascope")


@pytest.fixture
def run(run_path: Path) -> Iterator[Source]:
    with open_source(run_path) as source:
        yield source


def _record(folder: Path, text: str) -> Recorded:
    script, facts, path = folder / "script.py", folder / "facts.json", folder / "run.xlascope"
    script.write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "xlascope", "record", "--profile-window", "100", "--finish-budget", "60", "-o", str(path)]
    done = subprocess.run(
        [*command, str(script), str(facts)], capture_output=True, text=True, env=environment, timeout=150
    )
    assert done.returncode == 0, done.stderr
    return Recorded(path, script, json.loads(facts.read_text()))


@pytest.fixture(scope="session")
def one_device(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Watched from beginning to end: every call is in its one window."""
    return _record(tmp_path_factory.mktemp("one"), ONE_DEVICE)


@pytest.fixture(scope="session")
def eight_devices(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return _record(tmp_path_factory.mktemp("eight"), EIGHT_DEVICES)
