from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from xlascope.cli.collect import collect
from xlascope.views import open_source
from xlascope.views.sources.missing import Lacking
from xlascope.views.sources.source import RunSource

HERE = Path(__file__).parent
# Looked at without a campaign.
FEW = "ode_adjoint,graph_network,sharded_mlp,ring,switched,repeated,vmap_grad,rng_uniform,convolution,counted,constant,identity"


@dataclass(frozen=True)
class Linked:
    """A recorded run of programs, and by program what is true of it (`full_paths.py`)."""

    path: Path
    facts: dict[str, Any]
    source: RunSource

    @property
    def programs(self) -> list[str]:
        return [f"{name}#1" for name in self.facts]


def record(folder: Path, names: str) -> tuple[Path, dict[str, Any]]:
    path, facts = folder / "run.xlascope", folder / "facts.json"
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), "JAX_PLATFORMS": "cpu"}
    environment |= {"XLASCOPE_TEST_PROGRAMS": names} if names else {}
    command = [sys.executable, "-m", "xlascope", "record", "--profile-window", "100", "--finish-budget", "100"]
    script = str(HERE / "linked_programs.py")
    both = [
        subprocess.Popen([*command, "-o", str(path), script], env=environment),
        subprocess.Popen([sys.executable, str(HERE / "full_paths.py"), str(facts)], env=environment),
    ]
    assert [each.wait(900) for each in both] == [0, 0]
    return path, json.loads(facts.read_text())


def opened(folder: Path, names: str) -> Iterator[Linked]:
    path, facts = record(folder, names)
    with open_source(path) as source:
        assert isinstance(source, RunSource)
        yield Linked(path, facts, source)


@pytest.fixture(scope="session")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Linked]:
    yield from opened(tmp_path_factory.mktemp("few"), FEW)


@pytest.fixture(scope="session")
def with_kernels(linked: Linked) -> Linked:
    collect(linked.path, [Lacking(f"{name}#1", "machine") for name in ("ode_adjoint", "repeated", "identity")])
    return linked
