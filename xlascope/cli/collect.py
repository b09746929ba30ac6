"""Make what a view needs and the run file lacks, in a lab, before the view is shown."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from xlascope.runfile import RunFileError
from xlascope.session.keeper import Keeper
from xlascope.views.sources.missing import Lacking

_EACH_S = 1.0
"""Seconds between two lines of progress."""
_WHAT = {"tagged": "equation links", "located": "equation links before optimization",
         "machine": "machine code"}  # fmt: skip


def collect(path: Path, lacking: Sequence[Lacking], command: str = "show") -> None:
    """For ``command``: add each to the run file; what cannot be had is told on stderr, and the view does without."""
    events: queue.Queue[dict[str, Any]] = queue.Queue()

    def say(text: str) -> None:
        print(f"xlascope {command}: {text}", file=sys.stderr, flush=True)

    keeper = Keeper.reopen(path)
    keeper.subscribe(events.put)
    try:
        keeper.start()
    except RunFileError as error:
        say(f"{error}; shown without what would have to be added")
        return
    try:
        for each in lacking:
            say(f"compiling {each.program} for its {_WHAT.get(each.what, each.what)} …")
            _wait(events, keeper.collect(each.program, each.what, each.switches), each.program, say)
    finally:
        keeper.stop()


def _wait(
    events: queue.Queue[dict[str, Any]], ticket: int, program: str, say: Callable[[str], None]
) -> None:
    told, said = time.monotonic(), None
    while True:
        event = events.get()
        counted = event["kind"] == "progress" and event.get("id") == ticket and event.get("done")
        if counted and event.get("detail") != said and time.monotonic() - told >= _EACH_S:
            told, said = time.monotonic(), event.get("detail")
            say(f"{program}: {said}")
        if event["kind"] == "problem":
            say(str(event["text"]))
        if event["kind"] == "result" and event.get("id") == ticket:
            if not event.get("ok"):
                say(f"{program}: {event.get('error')}; {event.get('advice')}")
            return
