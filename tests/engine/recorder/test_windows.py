"""When profile windows open and close."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from xlascope.engine.recorder import windows as windows_module
from xlascope.engine.recorder.windows import Windows


class Sink:
    """A link that keeps what is sent."""

    alive = True

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, body: dict[str, Any], blobs: Any = None) -> None:
        self.sent.append(body)

    def drop(self, what: str, why: str, count: int = 1) -> None:
        self.sent.append({"kind": "dropped", "what": what})


def test_windows_keep_away_while_held_and_when_off() -> None:
    off = Windows(Sink(), 0.0)
    off.open_first()
    off.dispatched(True)
    off.tick()
    off.close()
    assert not off.is_open and off.off
    sink = Sink()
    windows = Windows(sink, 5.0)
    windows.hold()
    windows.open_first()
    assert not windows.is_open
    windows.release()
    windows.open_first()
    assert windows.is_open
    windows.hold()
    assert not windows.is_open
    assert [m["meta"]["why"] for m in sink.sent] == ["first"]
    windows.release()


def test_a_new_program_is_owed_a_window_until_one_has_seen_it() -> None:
    windows = Windows(Sink(), 5.0)
    assert not windows.owed  # no program yet
    windows.open_first()
    windows.dispatched(True)
    assert windows.is_open and windows.owed
    windows.close()
    assert not windows.owed
    windows.hold()
    windows.dispatched(True)
    assert not windows.owed  # the script profiles by itself: ours will not come
    windows.release()
    assert windows.owed


def test_imports_and_compiles_are_no_cost_of_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that takes seconds to import and a program that takes seconds to compile: its run is seen all the same."""
    now, compiled = [0.0], [0.0]
    monkeypatch.setattr(windows_module, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns))
    windows = Windows(Sink(), 0.1, compiling=lambda: compiled[0])
    windows.open_first()
    now[0] = 60.0  # imports
    windows.dispatched(False)
    now[0] = 61.1
    windows.tick()
    assert not windows.is_open
    now[0] = 62.0
    windows.dispatched(True)
    assert windows.is_open
    now[0], compiled[0] = 122.0, 59.9
    windows.dispatched(True)
    now[0] = 122.3
    windows.tick()
    assert not windows.is_open
    windows.dispatched(True)
    assert windows.is_open
    windows.close()
