"""``xlascope SCRIPT``: the screen on a live run; without arguments, home."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType

from xlascope.cli.errors import CommandError
from xlascope.cli.options import OPTIONS, OUTPUT_OF_SCREEN, Parsed, describe, make_plan, split
from xlascope.runfile import RunFileError
from xlascope.session.keeper import ENGINE_FAILED, Keeper
from xlascope.session.places import prune, runs_folder
from xlascope.session.plan import LaunchPlan, default_run_path

SCREEN = "xlascope.tui.app"
_LEAVE_S = 1.0


def main(argv: list[str]) -> int:
    """Returns 0 when the screen was left, 2 for wrong usage."""
    if not argv:
        return _home()
    parsed = split(argv, (OUTPUT_OF_SCREEN, *OPTIONS))
    if parsed.help:
        print(f"usage: xlascope [OPTIONS] SCRIPT [ARGS…]\n\n{describe((OUTPUT_OF_SCREEN, *OPTIONS))}")
        return 0
    plan = make_plan(parsed, stay=True)
    need_screen("record the run with `xlascope record SCRIPT` and read it with `xlascope show RUN VIEW`")
    return show_live(plan, parsed)


def show_live(plan: LaunchPlan, parsed: Parsed | None = None, note: str = "") -> int:
    """Start the script, then the screen, which imports while Python and jax start."""
    asked = parsed.given.get("--output") if parsed is not None else None
    folder = runs_folder()
    path = default_run_path(plan, folder) if asked is None else _path(asked)
    columns, rows = shutil.get_terminal_size((80, 24))
    keeper = _started(plan, path, (rows, columns), asked is None)
    try:
        show(keeper.run_path, keeper, script=plan.script or plan.module or "", live=True, note=note)
    finally:
        keeper.stop()
        if asked is None:
            prune(folder)
    print(keeper.run_path, file=sys.stderr)
    return 0


def _started(plan: LaunchPlan, path: Path, size: tuple[int, int], anywhere: bool) -> Keeper:
    """A keeper at work on ``path``; when that cannot be written and ``anywhere`` will do, in a temporary folder."""
    keeper = Keeper(plan, path, size=size, commit_every=0.1, warm=True)
    try:
        keeper.start()
    except RunFileError as error:
        if not anywhere:
            raise CommandError(str(error), 3) from error
        try:
            elsewhere = Path(tempfile.mkdtemp(prefix="xlascope-")) / path.name
        except OSError:
            raise CommandError(str(error), 3) from error
        print(f"xlascope: {error}; now it is {elsewhere}", file=sys.stderr)
        return _started(plan, elsewhere, size, anywhere=False)
    return keeper


def show(
    path: Path,
    keeper: Keeper | None,
    script: str = "",
    live: bool = False,
    note: str = "",
    against: Path | None = None,
) -> None:
    """Draw until the user leaves, or until we are told to end or the terminal is gone."""
    advice = f"`xlascope show {path} run` tells what was recorded"
    try:
        from xlascope.tui.app import XlascopeApp
        from xlascope.tui.feeding.live import RunAtHand
    except ImportError as error:
        raise CommandError(f"the screen cannot start: {error}; {advice}", ENGINE_FAILED) from error

    app = XlascopeApp(RunAtHand(path=path, keeper=keeper, script=script, live=live, note=note, against=against))

    def leave(number: int, frame: FrameType | None) -> None:
        app.exit()
        # A screen that cannot be drawn any more may not end in order.
        last = threading.Timer(_LEAVE_S, lambda: _end_at_once(keeper, 128 + number))
        last.daemon = True
        last.start()

    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, leave)
    app.run()
    if app.failed is not None:
        raise CommandError(f"the screen failed: {app.failed}; {advice}", ENGINE_FAILED)


def _end_at_once(keeper: Keeper | None, code: int) -> None:
    if keeper is not None:
        keeper.stop()
    os._exit(code)


def need_screen(instead: str) -> None:
    """Raise CommandError when there is no terminal to draw on, or no screen in this version."""
    if importlib.util.find_spec(SCREEN) is None:
        raise CommandError(f"the screen: not in this version; {instead}")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError(f"the screen needs a terminal; {instead}")
    if _is_dumb():
        kind = os.environ["TERM"]
        raise CommandError(f"the screen cannot be drawn on a terminal of TERM={kind} (TERM=xterm-256color?); {instead}")


def _is_dumb() -> bool:
    return os.environ.get("TERM") in ("dumb", "unknown")


def _home() -> int:
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and not _is_dumb()
    if not terminal:
        from xlascope.cli.dispatch import usage

        print(usage(), end="", file=sys.stderr)
        return 2
    from xlascope.tui.screens.home import run_home

    return run_home()


def _path(asked: str) -> Path:
    if os.path.isdir(asked):
        raise CommandError(f"-o {asked}: a folder; give the name of a file in it")
    return Path(asked)
