"""Programs made once by JAX in processes of their own, and two labs that serve all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_process import LabProcess, Program, make_programs


@pytest.fixture(scope="session")
def program_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("programs")
    return {name: folder / name for name in ("one", "many", "wide")}


@pytest.fixture(scope="session")
def programs(program_files: dict[str, Path]) -> dict[str, Program]:
    """Programs on one device."""
    return make_programs(program_files["one"], "1") | make_programs(program_files["wide"], "1", "x64")


@pytest.fixture(scope="session")
def many_device_programs(program_files: dict[str, Path]) -> dict[str, Program]:
    return make_programs(program_files["many"], "8")


@pytest.fixture(scope="session")
def lab() -> Iterator[LabProcess]:
    with LabProcess() as process:
        yield process


@pytest.fixture(scope="session")
def lab8() -> Iterator[LabProcess]:
    with LabProcess(devices=8) as process:
        yield process
