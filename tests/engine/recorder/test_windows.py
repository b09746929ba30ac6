"""When profile windows open and close."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from xlascope.engine.core.memory import Heap, Held
from xlascope.engine.recorder import execution as execution_module
from xlascope.engine.recorder import windows as windows_module
from xlascope.engine.recorder.execution import Execution
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


def test_a_program_that_begins_while_a_window_is_closed_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ending a window takes time; who dispatches meanwhile cannot open another."""
    now = [0.0]
    monkeypatch.setattr(windows_module, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns))
    sink = Sink()
    windows = Windows(sink, 0.1)

    def stop() -> bytes:
        now[0] += 0.05
        script = threading.Thread(target=windows.dispatched, args=(True,))
        script.start()
        script.join()
        return b""

    monkeypatch.setattr(windows_module.compat, "open_profile", lambda _level: SimpleNamespace(stop=stop))
    windows.open_first()
    windows.dispatched(False)
    now[0] += 1.01
    windows.tick()
    assert windows.is_open
    windows.close()
    # Not a "first" one: of those it is known that nothing was under way as they opened.
    assert [m["meta"]["why"] for m in sink.sent] == ["first", "periodic"]


def test_a_script_of_eager_primitives_alone_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a program that begins to run in such a window gets one of its own, as that one ends too soon."""
    now = [0.0]
    monkeypatch.setattr(windows_module, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns))
    monkeypatch.setattr(windows_module.compat, "open_profile", lambda _level: SimpleNamespace(stop=lambda: b""))
    sink, busy = Sink(), [False]
    windows = Windows(sink, 0.1, busy=lambda: busy[0])
    windows.open_first()
    windows.dispatched(False)
    for seconds, is_open in ((1.01, False), (1.01, True), (0.11, False), (1.2, False), (0.9, False), (0.2, True)):
        now[0] += seconds
        busy[0] = seconds == 1.2  # compiling as the window is due: it comes a second later
        windows.tick()
        assert windows.is_open == is_open
    windows.dispatched(True)
    now[0] += 0.11
    windows.tick()
    assert windows.is_open
    now[0] += 0.16
    windows.tick()
    assert not windows.is_open
    assert [m["meta"]["why"] for m in sink.sent] == ["first", "periodic", "periodic", "periodic"]


def test_imports_and_compiles_are_no_cost_of_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that takes seconds to import and a program that takes seconds to compile: its run is seen all the same."""
    now, compiled = [0.0], [0.0]
    for module in (windows_module, execution_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns))
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
    for module in (windows_module, execution_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns))
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


def test_a_window_stays_open_for_an_execution_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it notes next to nothing for as long as need be, while it notes events not for long."""
    now, heap, over = [0.0], [0, 0], [False]
    clock = SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns)
    monkeypatch.setattr(windows_module, "time", clock)
    monkeypatch.setattr(execution_module, "time", clock)
    monkeypatch.setattr(windows_module, "Heap", lambda: SimpleNamespace(look=lambda: Held(heap[0], heap[1])))
    array = SimpleNamespace(nbytes=4, is_deleted=lambda: False, is_ready=lambda: over[0])
    monkeypatch.setattr(execution_module.compat, "unfinished", lambda _limit: [array])
    session = SimpleNamespace(stop=lambda: bytes(heap[0] // 5))
    monkeypatch.setattr(windows_module.compat, "open_profile", lambda _level: session)

    def closed_after(grows: int, ends: float, spreads: int = 0) -> tuple[float, float]:
        """Seconds that the window is open after a program began, and what that counts as.

        ``grows`` and ``spreads``: bytes in use, and bytes of the heaps, a second.
        """
        heap[:], over[0] = [0, 0], False
        windows = Windows(Sink(), 0.1)
        windows.dispatched(True)
        began = now[0]
        while windows.is_open:
            assert windows.patience <= windows_module.TICK
            now[0] += windows.patience
            heap[:] = int(grows * (now[0] - began)), int(spreads * (now[0] - began))
            over[0] = now[0] - began >= ends
            windows.tick()
        return now[0] - began, windows._spent["first"]

    took, spent = closed_after(0, 600.0)
    assert 600.0 <= took < 601.0 and spent < 0.2
    assert closed_after(0, 0.1)[0] < windows_module.FIRST_RUN + 0.05
    took, spent = closed_after(1 << 19, 600.0)
    assert took == pytest.approx(execution_module.LONGEST, abs=0.8) and 0.02 < spent < 0.2
    assert closed_after(1 << 17, 600.0)[0] == pytest.approx(execution_module.LARGEST / (1 << 17), abs=0.8)
    assert closed_after(50 << 20, 600.0)[0] == pytest.approx(8 / 50, abs=0.1)
    for grows, most in ((0, 40), (2 << 20, 24)):
        took, _ = closed_after(grows, 600.0, spreads=50 << 20)
        assert took == pytest.approx(most / 50 + windows_module.FIRST_RUN, abs=0.15)
    assert closed_after(1 << 30, 600.0)[0] < 0.15  # so many events that the end of the window would take seconds
    assert closed_after(0, 1e9)[0] == pytest.approx(execution_module.QUIET_LONGEST, abs=1.0)


def test_what_executes_is_told_by_its_arrays() -> None:
    import jax
    import jax.numpy as jnp

    assert Execution(Heap()).is_over
    slow = jax.jit(lambda x: jax.lax.fori_loop(0, 4000, lambda _, y: jnp.sin(y @ y), x))
    jax.block_until_ready(slow(jnp.ones((200, 200))))
    out = slow(jnp.ones((200, 200)))
    execution = Execution(Heap())
    assert not execution.is_over
    out.block_until_ready()
    assert execution.is_over and not execution.is_worth_waiting()
    out = slow(out)
    execution = Execution(Heap())
    out.delete()  # or given away by the script
    assert execution.is_over and execution.settled_ns is None


@pytest.mark.parametrize("held", [0, 1 << 20])
def test_an_execution_whose_result_the_script_drops_is_seen_to_end(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import jax
    import jax.numpy as jnp

    monkeypatch.setattr(execution_module, "HELD_BYTES", held)
    slow = jax.jit(lambda x: jax.lax.fori_loop(0, 4000, lambda _, y: jnp.sin(y @ y), x))
    value = jax.block_until_ready(slow(jnp.ones((200, 200))))
    out = slow(value)
    before = time.time_ns()
    execution = Execution(Heap())
    assert not execution.is_over and execution.settled_ns is None
    out.block_until_ready()
    del out
    assert execution.is_over and (execution.settled_ns is None) == (held == 0)
    assert held == 0 or before <= execution.settled_ns <= time.time_ns()
