"""Where a silent script is: asked of the recorder, shown in the second line."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from xlascope.tui.feeding.live import LiveNow, LiveState, innermost, is_silent

STACK = '  File "/a/train.py", line 9, in <module>\n    load()\n  File "/a/data.py", line 5, in load\n    time.sleep(9)\n'


def test_the_innermost_frame_is_named():
    assert innermost(STACK) == "data.py:5 in load"
    assert innermost("") == ""


def test_of_what_a_library_does_the_users_own_line_is_told():
    inside = STACK + '  File "/env/lib/python3.11/site-packages/jax/_src/compiler.py", line 353, in backend_compile\n    x\n'
    assert innermost(inside) == "data.py:5 in load (backend_compile)"
    ours = STACK + '  File "/src/xlascope/engine/compat/hook.py", line 96, in compile\n    x\n' + inside[len(STACK):]
    assert innermost(ours) == "data.py:5 in load (backend_compile)"
    demo = '  File "/env/lib/python3.11/site-packages/xlascope/demo/heat.py", line 41, in main\n    x\n' + inside[len(STACK):]
    assert innermost(demo) == "heat.py:41 in main (backend_compile)"
    assert innermost('  File "/usr/lib/python3.12/socket.py", line 3, in accept\n    x\n') == "socket.py:3 in accept"


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
