"""Real profiles for the tests of the profile reader, each made once in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.traces.naive import Naive, naive_sums

HERE = Path(__file__).parent
MI300 = HERE.parents[1].parent / "shared" / "data" / "mi300_fused_attention.xplane.pb"


@dataclass(frozen=True)
class Recorded:
    """A profile with what the script that made it knows."""

    data: bytes
    devices: int
    train: int
    calls: dict[int, int]


def record(devices: int, folder: Path) -> Recorded:
    profile, facts = folder / "profile.pb", folder / "facts.json"
    command = [sys.executable, str(HERE / "profile_script.py"), str(devices), str(profile), str(facts)]
    subprocess.run(command, check=True, timeout=150)
    known = json.loads(facts.read_text())
    calls = {int(key): value for key, value in known["calls"].items()}
    return Recorded(profile.read_bytes(), known["devices"], known["train"], calls)


@pytest.fixture(scope="session")
def one_device(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(1, tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="session")
def eight_devices(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(8, tmp_path_factory.mktemp("eight"))


@pytest.fixture(params=["one_device", "eight_devices"])
def recorded(request: pytest.FixtureRequest) -> Recorded:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def _naive_cache() -> dict[int, Naive]:
    return {}


@pytest.fixture
def naive(recorded: Recorded, _naive_cache: dict[int, Naive]) -> Naive:
    """The independent slow sums of `recorded`."""
    if recorded.devices not in _naive_cache:
        _naive_cache[recorded.devices] = naive_sums(recorded.data)
    return _naive_cache[recorded.devices]


@pytest.fixture(scope="session")
def mi300() -> bytes:
    if not MI300.exists():
        pytest.skip("the profile of a real GPU is not beside this checkout")
    return MI300.read_bytes()
