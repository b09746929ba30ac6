"""``xlascope record SCRIPT``: run a script as it is, and write what JAX did with it."""

from __future__ import annotations

import os
import sys
import termios
import threading
from dataclasses import replace
from pathlib import Path

from xlascope.cli.empty import empty
from xlascope.cli.errors import CommandError
from xlascope.cli.options import OPTIONS, OUTPUT, describe, given_to_script, make_plan, split
from xlascope.cli.unlinked import unlinked
from xlascope.runfile import RunFileError
from xlascope.session.keeper import Keeper
from xlascope.session.plan import default_run_path
from xlascope.session.relay import Relay
from xlascope.session.wiring import hold_closed_streams, relayed

FINISHING_TOLD = 3.0
"""Seconds after the script's end in which the recording is finished without a word."""

USAGE = "usage: xlascope record [-o RUN] [OPTIONS] SCRIPT [ARGS…]"


def main(argv: list[str]) -> int:
    """Returns the script's own exit code once it has started, 128 + n when signal n killed it."""
    parsed = split(argv, (OUTPUT, *OPTIONS))
    if parsed.help:
        print(f"{USAGE}\n\nRun a script unchanged and write a run file. The exit code is the script's own.\n\n"
              f"{describe((OUTPUT, *OPTIONS))}")
        return 0
    plan = make_plan(parsed, stay=False)
    shown = parsed.given.get("--output")
    if shown is not None and Path(shown).is_dir():
        raise CommandError(f"-o {shown}: a folder; give the name of a file in it")
    path = Path(shown) if shown is not None else default_run_path(plan, Path())
    replaced = path.is_file() and path.stat().st_size > 0
    narrator = _Narrator()
    taken = given_to_script(parsed, (OUTPUT, *OPTIONS))
    if taken is not None:
        narrator.say(f"{taken} stands after the script, so the script got it; for xlascope it goes before")
    closed = hold_closed_streams()
    keeper = Keeper(plan, path, wiring=lambda: relayed(closed), commit_every=0.5)
    keeper.subscribe(narrator.event)
    recorded = _open(keeper, narrator)
    if not recorded:  # nobody will look at it: no profile, and no finishing to wait for
        keeper.plan = replace(plan, profile_window=0.0, finish_budget=0.0)
    if recorded and replaced:
        narrator.say(f"{shown if shown is not None else path.name}: the run that was there is replaced")
    code = Relay(keeper).run()
    narrator.finished()
    if recorded:
        for sentence in unlinked(path):
            narrator.say(sentence)
        nothing = empty(path) if code == 0 else None  # what failed has told why
        if nothing is not None:
            narrator.say(nothing)
        narrator.say(shown if shown is not None else os.path.join(".", path.name), plain=True)
    return code


def _open(keeper: Keeper, narrator: _Narrator) -> bool:
    """Open the run file; when that fails tell why: the script is run all the same."""
    try:
        keeper.open()
    except RunFileError as error:
        narrator.say(f"{error}; the script runs without being recorded")
        return False
    return True


class _Narrator:
    """Our own lines on stderr, never glued to the script's last one."""

    def __init__(self) -> None:
        self._at_start = True
        self._waiting: threading.Timer | None = None

    def event(self, event: dict[str, object]) -> None:
        data = event.get("data")
        if isinstance(data, bytes) and data and (event["stream"] != "stdout" or _same_place()):
            self._at_start = data.endswith(b"\n")
        elif event["kind"] == "problem":
            self.say(str(event["text"]))
        elif event.get("activity") == "finishing" and self._waiting is None:
            text = "the script has ended; links of its programs are still being recorded (Ctrl-C leaves out the rest)"
            self._waiting = threading.Timer(FINISHING_TOLD, self.say, [text])
            self._waiting.daemon = True
            self._waiting.start()

    def finished(self) -> None:
        """Nothing is being recorded any more."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting.join()

    def say(self, text: str, plain: bool = False) -> None:
        line = text if plain else f"xlascope: {text}"
        try:
            end = "\r\n" if _is_raw() else "\n"
            sys.stderr.write(f"{'' if self._at_start else end}{line}{end}")
            sys.stderr.flush()
        except OSError:
            return  # nobody is there to be told
        self._at_start = True


def _is_raw() -> bool:
    """Whether stderr is a terminal that needs its carriage returns written out."""
    try:
        return not termios.tcgetattr(2)[1] & termios.OPOST
    except termios.error:
        return False


def _same_place() -> bool:
    try:
        one, two = os.fstat(1), os.fstat(2)
    except OSError:
        return False
    return (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino)
