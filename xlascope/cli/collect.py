"""Make what a view needs and the run file lacks, in a lab, before the view is shown."""

from __future__ import annotations

import queue
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlascope.runfile import RunFileError
from xlascope.session.keeper import Keeper
from xlascope.views.sources.missing import Lacking

_LONG_S = 3.0
"""So long it may take without a word at its end."""
_WHAT = {"tagged": "equation links", "located": "equation links before optimization",
         "machine": "machine code"}  # fmt: skip
_NAMED = 4


def collect(path: Path, lacking: Sequence[Lacking], command: str = "show") -> None:
    """For ``command``: add each to the run file; what cannot be had is told on stderr, and the view does without."""
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    narrator = Narrator(command, lacking)
    keeper = Keeper.reopen(path)
    keeper.subscribe(events.put)
    try:
        keeper.start()
    except RunFileError as error:
        narrator.say(f"{error}; shown without what would have to be added")
        return
    try:
        narrator.begin()
        for number, each in enumerate(lacking, 1):
            narrator.turn_to(number, each)
            _wait(events, keeper.collect(each.program, each.what, each.switches), each.program, narrator)
        narrator.end()
    finally:
        narrator.clear()
        keeper.stop()


class Narrator:
    """What is told on stderr meanwhile: one line that is written over on a terminal, elsewhere one at the beginning and
    one at the end; and why something cannot be had, once for all programs of which that is so."""

    def __init__(self, command: str, lacking: Sequence[Lacking]) -> None:
        self._command, self._lacking = command, lacking
        self._on_terminal = sys.stderr.isatty()
        self._began = time.monotonic()
        self._now = self._shown = ""
        self._failed: dict[str, list[str]] = {}

    def begin(self) -> None:
        """Before the first, where nothing can be written over."""
        if not self._on_terminal:
            self.say(f"compiling {self._all()} …")

    def turn_to(self, number: int, each: Lacking) -> None:
        """What is made now."""
        many = f" ({number} of {len(self._lacking)})" if len(self._lacking) > 1 else ""
        self._now = f"compiling {each.program} for its {_WHAT.get(each.what, each.what)}{many} …"
        self._write(self._now)

    def progress(self, detail: str) -> None:
        """How far it is."""
        self._write(f"{self._now} {detail}")

    def failed(self, program: str, why: str) -> None:
        """Told at the end, with the others of the same reason."""
        self._failed.setdefault(why, []).append(program)

    def end(self) -> None:
        """What could not be had; where no line was written over, how long it took if that was long."""
        self.clear()
        for why, programs in self._failed.items():
            names = list(dict.fromkeys(programs))
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            self.say(f"{', '.join(names[:_NAMED])}{more}: {why}")
        took = time.monotonic() - self._began
        if not self._on_terminal and took >= _LONG_S:
            self.say(f"that took {took:.0f} s; the run file keeps it")

    def say(self, text: str) -> None:
        """A line that stays."""
        self.clear()
        print(f"xlascope {self._command}: {text}", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Removes the line that is written over."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = ""

    def _write(self, text: str) -> None:
        if self._on_terminal and text != self._shown:
            width = shutil.get_terminal_size((80, 24)).columns
            line = f"xlascope {self._command}: {text}"
            sys.stderr.write(f"\r\x1b[K{line[: width - 1]}")
            sys.stderr.flush()
            self._shown = text

    def _all(self) -> str:
        programs = list(dict.fromkeys(each.program for each in self._lacking))
        kinds = list(dict.fromkeys(_WHAT.get(each.what, each.what) for each in self._lacking))
        if len(kinds) > 1:
            kinds = [kind for kind in kinds if kind != _WHAT["located"]]  # told by the others
        what = " and ".join(kinds)
        return f"{programs[0]} for its {what}" if len(programs) == 1 else f"{len(programs)} programs for their {what}"


def _wait(events: queue.Queue[dict[str, Any]], ticket: int, program: str, narrator: Narrator) -> None:
    while True:
        event = events.get()
        if event["kind"] == "progress" and event.get("id") == ticket and event.get("done"):
            narrator.progress(str(event.get("detail") or ""))
        if event["kind"] == "problem":
            narrator.say(str(event["text"]))
        if event["kind"] == "result" and event.get("id") == ticket:
            if not event.get("ok"):
                narrator.failed(program, f"{event.get('error')}; {event.get('advice')}")
            return
