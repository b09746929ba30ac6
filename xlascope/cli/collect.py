"""Make what a view needs and the run file lacks, in a lab, before the view is shown."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlascope.runfile import RunFileError
from xlascope.session.keeper import Keeper
from xlascope.views.missing import Lacking

_EACH_S = 1.0
"""Seconds between two lines of progress."""
_WHAT = {"tagged": "equation links", "located": "equation links before optimization",
         "machine": "machine code"}  # fmt: skip


def collect(path: Path, lacking: Sequence[Lacking]) -> None:
    """Add each to the run file; what cannot be had is told on stderr, and the view does without."""
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    keeper = Keeper.reopen(path)
    keeper.subscribe(events.put)
    try:
        keeper.start()
    except RunFileError as error:
        _say(f"{error}; shown without what would have to be added")
        return
    try:
        for each in lacking:
            _say(f"compiling {each.program} for its {_WHAT.get(each.what, each.what)} …")
            _wait(events, keeper.collect(each.program, each.what, each.switches), each.program)
    finally:
        keeper.stop()


def _wait(events: queue.Queue[dict[str, Any]], ticket: int, program: str) -> None:
    told, said = time.monotonic(), None
    while True:
        event = events.get()
        counted = event["kind"] == "progress" and event.get("id") == ticket and event.get("done")
        if counted and event.get("detail") != said and time.monotonic() - told >= _EACH_S:
            told, said = time.monotonic(), event.get("detail")
            _say(f"{program}: {said}")
        if event["kind"] == "problem":
            _say(str(event["text"]))
        if event["kind"] == "result" and event.get("id") == ticket:
            if not event.get("ok"):
                _say(f"{program}: {event.get('error')}; {event.get('advice')}")
            return


def _say(text: str) -> None:
    print(f"xlascope show: {text}", file=sys.stderr, flush=True)
