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


def test_a_window_that_counts_is_as_short_as_the_last_one_was_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ending a window costs time by what it holds, and to count, a few calls are enough."""
    now, held = [0.0], [0]
    monkeypatch.setattr(windows_module, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns))
    session = SimpleNamespace(stop=lambda: b"x" * held[0])
    monkeypatch.setattr(windows_module.compat, "open_profile", lambda _level: session)
    sink = Sink()
    windows = Windows(sink, 0.1)
    windows.open_first()
    windows.dispatched(True)

    def lengths(bytes_a_second: int, seconds: float) -> list[tuple[str, float]]:
        """Kind and seconds of each window of the time to come."""
        found, opened = [], None
        end = now[0] + seconds
        while now[0] < end:
            now[0] += windows.patience
            before = windows.is_open
            if before and opened is not None:
                held[0] = int((now[0] - opened) * bytes_a_second)
            windows.tick()
            if before and not windows.is_open:
                found.append((sink.sent[-1]["meta"]["why"], now[0] - (opened or 0.0)))
            opened = (opened if before else now[0]) if windows.is_open else None
        return found

    quiet = [length for why, length in lengths(100_000, 30.0) if why == "count"]
    assert quiet and quiet == pytest.approx([windows_module.COUNT_LENGTH] * len(quiet))
    busy = [length for why, length in lengths(30_000_000, 60.0) if why == "count"]
    assert min(busy) == pytest.approx(windows_module.COUNT_SHORTEST)
    assert busy[1:] == pytest.approx([windows_module.COUNT_SHORTEST] * (len(busy) - 1))
    windows.close()
