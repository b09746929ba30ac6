from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from crafted_run import small_run
from recorded_scripts import EIGHT_DEVICES, ONE_DEVICE, Recorded

from tests.recording import record_script
from xlascope.views import Source, open_source


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
    facts = folder / "facts.json"
    path = record_script(folder, text, "--profile-window", "100", argv=(str(facts),))
    return Recorded(path, folder / "script.py", json.loads(facts.read_text()))


@pytest.fixture(scope="session")
def one_device(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Watched from beginning to end: every call is in its one window."""
    return _record(tmp_path_factory.mktemp("one"), ONE_DEVICE)


@pytest.fixture(scope="session")
def eight_devices(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return _record(tmp_path_factory.mktemp("eight"), EIGHT_DEVICES)
