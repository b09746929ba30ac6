"""Real labs ended at any point of a measurement: told, replaced, and the file whole."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import xlascope.session.measuring as measuring
from tests.session.running import Events, environment
from xlascope.runfile import Reader
from xlascope.session.keeper import Keeper

_SCRIPT = """
import jax, jax.numpy as jnp
@jax.jit
def f(x): return jnp.tanh(x @ x).sum(0)
f(jnp.ones((64, 64)))
"""
_AT = {"loading": ("started",), "compiling": ("compiling", "running"), "measuring": ("measuring",)}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    (folder / "s.py").write_text(_SCRIPT)
    run = folder / "r.xlascope"
    command = [sys.executable, "-m", "xlascope", "record", "-o", str(run), str(folder / "s.py")]
    subprocess.run(command, check=True, capture_output=True, env={**environment(), "JAX_PLATFORMS": "cpu"})
    return run


@pytest.fixture(scope="module")
def keeper(recorded: Path) -> Iterator[Keeper]:
    made = Keeper.reopen(recorded)
    made.start()
    yield made
    made.stop()


def lab_of(keeper: Keeper) -> int:
    """The process of the one lab there is, which may be about to be started."""
    for _ in range(3000):
        labs = list(keeper._measurer._labs.values())
        if labs and labs[0]._process.pid is not None:
            return labs[0]._process.pid
        time.sleep(0.01)
    raise AssertionError("no lab was started")


def whole(run: Path) -> None:
    with Reader(run) as reader:
        for record in [*reader.records("variant"), *reader.records("failed")]:
            for digest in (record.json.get("blobs") or {}).values():
                assert reader.blob(digest) is not None
        assert all(chunk.data for chunk in reader.chunks("samples"))
    with closing(sqlite3.connect(f"file:{run}?mode=ro", uri=True)) as file:
        assert file.execute("pragma integrity_check").fetchone() == ("ok",)


def at(events: Events, ticket: int, moments: tuple[str, ...]) -> None:
    def reached(event: dict[str, Any]) -> bool:
        if event["kind"] == "progress":
            return event.get("id") == ticket and event.get("activity") in moments
        return event["kind"] == "measurement" and event.get("ticket") == ticket and event.get("state") in moments

    events.until(reached)


@pytest.mark.parametrize(
    ("moment", "number"),
    [("loading", signal.SIGKILL), ("compiling", signal.SIGABRT), ("measuring", signal.SIGKILL)],  # SIGABRT: a CHECK
)
def test_a_lab_ended_at_any_point_is_told_and_replaced(
    recorded: Path, keeper: Keeper, moment: str, number: signal.Signals
) -> None:
    events = Events(keeper)
    ticket = keeper.measure("f#1", {"fusion": "off"}, 30.0, profile=False)
    at(events, ticket, _AT[moment])
    os.kill(lab_of(keeper), number)
    answer = events.result(ticket)
    assert not answer["ok"] and f"killed by signal {int(number)}" in answer["error"]
    assert answer["advice"] == "measure again; it starts a new one"
    assert events.result(keeper.measure("f#1", {"fusion": "off"}, 0.05, profile=False))["ok"]
    whole(recorded)


def test_a_stopped_lab_is_ended(recorded: Path, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    events = Events(keeper)
    ticket = keeper.measure("f#1", {"fusion": "off"}, 30.0, profile=False)
    at(events, ticket, ("measuring",))
    monkeypatch.setattr(measuring, "HEARTBEAT_S", 2.0)
    os.kill(lab_of(keeper), signal.SIGSTOP)
    answer = events.result(ticket)
    assert not answer["ok"] and "no sign of life" in answer["error"]
    whole(recorded)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_thirty_random_kills(recorded: Path, keeper: Keeper) -> None:
    rng, events, killed = random.Random(20261), Events(keeper), 0
    for turn in range(30):
        ticket = keeper.measure("f#1", {"fusion": "off"}, 1.0, profile=turn % 2 == 0)
        at(events, ticket, ("started",))
        time.sleep(rng.uniform(0, 6.0))
        if keeper._measurer._labs:
            os.kill(lab_of(keeper), rng.choice((signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV)))
        answer = events.result(ticket)
        killed += not answer["ok"]
        assert answer["ok"] or "killed by signal" in answer["error"]
        whole(recorded)
    assert killed >= 10
    assert events.result(keeper.measure("f#1", {"fusion": "off"}, 0.05, profile=False))["ok"]
