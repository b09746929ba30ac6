"""First calls that would outweigh all others seen: left out of op times, and told."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.recording import record_script
from xlascope.cli.main import main
from xlascope.report.text import render
from xlascope.report.text.times import _coverage, duration
from xlascope.runfile import Chunk
from xlascope.traces import OpTimes, read_profile
from xlascope.tui.feeding.overview import _told
from xlascope.views import Source, open_source, query
from xlascope.views import functions as functions_module
from xlascope.views.sources.source import RunSource
from xlascope.views.times import windows as windows_module
from xlascope.views.times.call_time import CallTime
from xlascope.views.times.heat import Heat
from xlascope.views.times.op_store import Span
from xlascope.views.times.windows import FirstCall, Window, first_calls, observed, opening_calls, slow_first_calls

MS = 1_000_000
NOTHING = OpTimes((), (), (), None, 1, "none", ())

EIGHT = """
import jax
jax.config.update("jax_num_cpu_devices", 8)
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec as P

mesh = jax.make_mesh((8,), ("d",), axis_types=(jax.sharding.AxisType.Auto,))
x = jax.device_put(jnp.ones((512, 512)), NamedSharding(mesh, P("d")))
w = jax.device_put(jnp.ones((512, 512)) * 0.01, NamedSharding(mesh, P(None)))

@jax.jit
def step(w, x):
    loss, grads = jax.value_and_grad(lambda w: jnp.sum(jnp.tanh(x @ w @ w.T)))(w)
    return w - 1e-4 * grads, loss

for _ in range(40):
    w, loss = step(w, x)
    loss.block_until_ready()
"""


def _window(why: str, *spans: Span) -> Window:
    chunk = Chunk(1, "profile", None, None, 0, {"why": why}, b"")
    return Window(chunk, None, None, why, 0, 1, False, False, None, why, NOTHING, {s.program_id: s for s in spans})


def _slow(monkeypatch: pytest.MonkeyPatch, *seen: Window) -> dict[int, FirstCall]:
    monkeypatch.setattr(windows_module, "observed", lambda _source: seen)
    return windows_module._first_calls(None)  # type: ignore[arg-type]


def _left_out(monkeypatch: pytest.MonkeyPatch, *seen: Window) -> dict[int, FirstCall]:
    return {number: call for number, call in _slow(monkeypatch, *seen).items() if call.left_out}


def test_which_first_calls_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hollow one of 100 ms and five of 10 ms the first; not of four, not of 30 ms, not where the window came later.
    """

    def calls(later: int, opening: int, hole: int, program_id: int = 1, each: int = 10 * MS) -> Span:
        spent = opening + later * each
        return Span(program_id, 0, 1, calls=later + 1, calls_ns=spent, opening_ns=opening, hole_ns=hole)

    hollow = calls(5, 100 * MS, 20 * MS)
    assert _left_out(monkeypatch, _window("first", hollow)) == {1: FirstCall(100 * MS, 10 * MS)}
    assert _left_out(monkeypatch, _window("first", calls(4, 100 * MS, 20 * MS))) == {}
    assert _left_out(monkeypatch, _window("first", calls(10, 30 * MS, 10 * MS))) == {}
    assert _left_out(monkeypatch, _window("first", calls(100, 100 * MS, 20 * MS))) == {}  # a tenth at most
    assert _left_out(monkeypatch, _window("periodic", hollow)) == {}
    tiny = calls(10, 1000, 900, program_id=2, each=10)
    assert set(_left_out(monkeypatch, _window("first", hollow, tiny))) == {1}
    later = _window("periodic", calls(3, 10 * MS, 0))
    early = _window("first", calls(2, 100 * MS, 20 * MS))
    assert _left_out(monkeypatch, early, later) == {1: FirstCall(100 * MS, 10 * MS)}
    # One that was computing all the time has to be slower, by more, beside more of the others.
    assert _left_out(monkeypatch, _window("first", calls(10, 100 * MS, 0))) == {}
    assert _left_out(monkeypatch, _window("first", calls(199, 1000 * MS, 0))) == {}
    assert set(_left_out(monkeypatch, _window("first", calls(200, 1000 * MS, 0)))) == {1}


ODD = """
import jax, jax.numpy as jnp

@jax.jit
def step(x, w):
    return jnp.tanh(x @ w)

for _ in range(50):
    step(jnp.ones((3, 5)), jnp.ones((5, 7))).block_until_ready()
"""


def test_slow_first_calls_that_are_counted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of 1,000 ms before nine of 10 ms; not one of 40 ms, nor of 100 ms before 90: it is little of the whole."""
    for opening, later, told in ((1000, 9, True), (40, 9, False), (100, 90, False)):
        span = Span(1, 0, 1, calls=later + 1, calls_ns=(opening + later * 10) * MS, opening_ns=opening * MS)
        found = _slow(monkeypatch, _window("first", span))
        assert found == ({1: FirstCall(opening * MS, 10 * MS, left_out=False)} if told else {})
        assert _left_out(monkeypatch, _window("first", span)) == {}


def test_the_table_of_ops_says_whether_a_slow_first_call_is_in_it(tmp_path: Path) -> None:
    with open_source(record_script(tmp_path, ODD)) as source:
        assert isinstance(source, RunSource)
        slow = slow_first_calls(source)
        told = [each.why for each in query("ops", source).dropped if each.what == "first call"]
        assert len(told) == len(slow)
        assert sum("in the sums" in each for each in told) == len(slow) - len(first_calls(source))


def test_functions_say_what_first_calls_make_of_the_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """300 calls of 0.7 ms and one of 57 ms are no 300 × 0.7 ms; of another program the whole is per call × calls."""
    time = CallTime(700_000, 270, False, 267 * MS, 300)
    summed = Heat(300, True, 300, 203 * MS, 300, time, 267 * MS)
    monkeypatch.setattr(functions_module, "executables", lambda source: {1: "step#1", 2: "other#1"})
    monkeypatch.setattr(functions_module, "opening_calls", lambda source: {1: 57 * MS, 2: 57 * MS})

    def told(heat: Heat, total: int, name: str = "step#1") -> int | None:
        return functions_module._first_calls(None, {name: heat}, 700_000, 300, total)  # type: ignore[arg-type]

    assert told(summed, 267 * MS) == 57 * MS
    assert told(replace(summed, estimated_ns=210 * MS), 210 * MS) is None
    assert told(replace(summed, estimated_ns=1000 * MS, per_call=replace(time, calls_ns=1000 * MS)), 1000 * MS) is None
    monkeypatch.undo()
    with open_source(record_script(tmp_path, ODD)) as source:
        assert isinstance(source, RunSource)
        answer = query("functions", source)
        (step,) = answer.functions
        opening = set(opening_calls(source).values())
    assert step.first_call_ns is None or step.first_call_ns in opening
    row = replace(step, first_call_ns=57 * MS, estimated_ns=267 * MS)
    text = " ".join(render("functions", replace(answer, functions=(row,)), whole=True).split())
    assert "are in it: step 57.0 ms of 267 ms. Per call says what others take." in text
    assert "First calls (cold memory, sleeping threads) are 57.0 ms of it." in _told(row, answer)


def test_ops_cover_what_eight_devices_were_busy_with(tmp_path: Path) -> None:
    """The first call waits for threads that are not there yet: it is slower than others, and holes lie in it."""
    script, run = tmp_path / "eight.py", tmp_path / "run.xlascope"
    script.write_text(EIGHT)
    assert main(["record", "--python", sys.executable, "-o", str(run), str(script)]) == 0
    with open_source(run) as source:
        assert isinstance(source, RunSource)
        ops = query("ops", source, program="step#1")
        left_out = sum(each.count or 0 for each in ops.dropped if each.what == "first call")
        calls = sum(len({*_runs(source, window)}) for window in observed(source))
        assert ops.calls_seen == calls - left_out
        assert ops.coverage is not None and ops.coverage >= 0.95
        rows = query("devices", source, program="step#1").rows
        left = sum(row.busy_ns - row.op_ns for row in rows)
        assert ops.uncovered_ns == left
        assert "the rest" not in _coverage(ops)
        half = replace(ops, coverage=0.5)
        count = sum(row.count for row in ops.rows)
        assert f"(the rest: {duration(left)}, {duration(left / count)} for each op" in _coverage(half)


def _runs(source: Source, window: Window) -> list[int]:
    assert isinstance(source, RunSource)
    profile = read_profile(source.chunk_data(window.chunk.id) or b"")
    ops = profile.ops
    of = {index for index, key in enumerate(profile.programs) if key.module == "jit_step"}
    return [int(run) for program, run in zip(ops.program, ops.run, strict=True) if int(program) in of]
