"""One long script recorded once, for all the tests of facts about it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import FACTS_SCRIPT, Recorded, plain, record


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("facts")
    done = record(str(FACTS_SCRIPT), cwd=folder, finish_budget=30.0, profile_window=60.0)
    assert (done.code, done.err) == (0, b"")
    return done


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What JAX itself says of the same functions, in a process without the recorder."""
    done = plain(str(FACTS_SCRIPT), cwd=tmp_path_factory.mktemp("expected"), env={"EXPECT": "1"})
    assert done.code == 0, done.err.decode()
    return json.loads(done.out)
