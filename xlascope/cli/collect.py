"""Make what a view needs and the run file lacks, in a lab, before the view is shown."""

from __future__ import annotations

import queue
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlascope.runfile import RunFileError
from xlascope.session.keeper import Keeper

_WHAT = {"tagged": "equation links", "located": "equation links before optimization"}


def collect(path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """Add each (program, stage) to the run file; what cannot be had is told on stderr, and the view does without."""
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    keeper = Keeper.reopen(path)
    keeper.subscribe(events.put)
    try:
        keeper.start()
    except RunFileError as error:
        _say(f"{error}; shown without what would have to be added")
        return
    try:
        for program, what in pairs:
            _say(f"compiling {program} for its {_WHAT.get(what, what)} …")
            _wait(events, keeper.collect(program, what), program)
    finally:
        keeper.stop()


def _wait(events: queue.Queue[dict[str, Any]], ticket: int, program: str) -> None:
    while True:
        event = events.get()
        if event["kind"] == "problem":
            _say(str(event["text"]))
        if event["kind"] == "result" and event.get("id") == ticket:
            if not event.get("ok"):
                _say(f"{program}: {event.get('error')}; {event.get('advice')}")
            return


def _say(text: str) -> None:
    print(f"xlascope show: {text}", file=sys.stderr, flush=True)
