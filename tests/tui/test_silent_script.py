"""Where a silent script is: asked of the recorder, shown in the second line."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from xlascope.tui.feeding.live import LiveNow, LiveState, innermost, is_silent

STACK = '  File "/a/train.py", line 9, in <module>\n    load()\n  File "/a/data.py", line 5, in load\n    time.sleep(9)\n'


def test_the_innermost_frame_is_named():
    assert innermost(STACK) == "data.py:5 in load"
    assert innermost("") == ""


def test_silent_is_neither_output_nor_a_new_activity_for_five_seconds():
    now = LiveNow(state="running", heard=10.0, since=12.0)
    assert not is_silent(now, 16.9) and is_silent(now, 17.0)
    assert not is_silent(replace(now, ended=True), 99.0)
    assert not is_silent(replace(now, state="idle"), 99.0)


def test_an_answer_with_a_stack_is_no_measurement():
    state = LiveState()
    state.take({"kind": "result", "id": 7, "ok": True, "stack": STACK})
    assert state.now.where == "data.py:5 in load"
    assert not state.now.failures and not state._early


def test_a_script_that_has_not_imported_jax_grows_silent_too():
    status = SimpleNamespace(
        state="running", exit_code=None, signal=None, wall_ns=1, last_line="", open_line=False, calls={}, pid=7,
        recording=True, activity=SimpleNamespace(activity="starting", name=None, detail=None, since_ns=None),
    )  # fmt: skip
    state = LiveState()
    state.take_status(status)
    since = state.now.since
    state.take_status(status)
    assert state.now.since == since > 0 and is_silent(state.now, since + 5)
