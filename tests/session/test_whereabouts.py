"""Where a silent script is, asked before there is a thread of the recorder's to answer."""

from __future__ import annotations

from pathlib import Path

from tests.session.running import Events, plan, script
from xlascope.session.keeper import Keeper
from xlascope.session.whereabouts import main_stack

WRITTEN = """\
Thread 0x00007f0000000001 (most recent call first):
  File "/a/other.py", line 3 in wait
  File "/a/other.py", line 9 in run

Current thread 0x00007f0000000002 (most recent call first):
  File "/a/a \\"b\\".py", line 5 in load
  File "/a/train.py", line 40 in <module>
"""


def test_the_main_threads_stack_in_a_tracebacks_order() -> None:
    assert main_stack(WRITTEN, 0x7F0000000002) == (
        '  File "/a/train.py", line 40, in <module>\n  File "/a/a \\"b\\".py", line 5, in load\n')
    assert main_stack(WRITTEN, 0x7F0000000001).endswith("line 3, in wait\n")
    assert main_stack(WRITTEN, 0x7F0000000003) == "" == main_stack("", 1)


def asked(tmp_path: Path, text: str) -> tuple[Keeper, Events]:
    keeper = Keeper(plan(script(tmp_path, text), stay=True), tmp_path / "a.xlascope")
    events = Events(keeper)
    keeper.start()
    events.until(lambda event: event["kind"] == "output" and b"ready" in event["data"])
    return keeper, events


def test_a_script_that_has_not_imported_jax_tells_where_it_is(tmp_path: Path) -> None:
    text = "import time\ndef inner():\n    print('ready', flush=True)\n    time.sleep(600)\ninner()\n"
    keeper, events = asked(tmp_path, text)
    try:
        while True:  # until it sleeps
            number = keeper.send({"do": "collect", "what": "stack"})
            told = events.until(lambda event, number=number: event["kind"] == "result" and event["id"] == number)
            if "line 4, in inner" in told["stack"]:
                break
        assert f'File "{tmp_path}/script.py", line 5, in <module>' in told["stack"]
    finally:
        keeper.stop()


def test_a_script_that_closed_all_descriptors_is_left_alone(tmp_path: Path) -> None:
    text = ("import os, sys\nprint('ready', flush=True)\nsys.stdin.readline()\nos.closerange(3, 200)\n"
            "files = [open(__file__ + '.mine', 'w') for _ in range(40)]\nprint('closed', flush=True)\nsys.stdin.readline()\n"
            "print('alive %d' % sum(os.path.getsize(file.name) for file in files), flush=True)\n")
    keeper, events = asked(tmp_path, text)
    try:
        keeper.write_input(b"\n")
        events.until(lambda event: event["kind"] == "output" and b"closed" in event["data"])
        keeper.send({"do": "collect", "what": "stack"})
        keeper.write_input(b"\n")
        told = events.until(lambda event: event["kind"] == "output" and b"alive" in event["data"])
        assert b"alive 0" in told["data"]  # a wrong descriptor would have been written to
    finally:
        keeper.stop()
