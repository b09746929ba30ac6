from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from crafted_run import small_run

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
