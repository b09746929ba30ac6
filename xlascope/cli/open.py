"""``xlascope open PATH…``: the screen on what was recorded before."""

from __future__ import annotations

from pathlib import Path

from xlascope.cli.errors import CommandError
from xlascope.cli.live import need_screen, show
from xlascope.runfile import RunFileError, RunFileLocked
from xlascope.session.keeper import Keeper

USAGE = """\
usage: xlascope open PATH…

Look at run files, profiles (.xplane.pb, or the folder that jax.profiler.trace wrote), XLA dump folders, HLO and
StableHLO text. Two run files, or two profiles, are compared; a profile, a dump and texts given together are joined."""


def main(argv: list[str]) -> int:
    """Returns 0 when the screen was left, 2 for wrong usage, 3 for what cannot be read."""
    if argv and argv[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if not argv:
        raise CommandError("open what? Give a run file, a profile, an HLO text file or an XLA dump folder")
    for word in argv:
        if word.startswith("-") and not Path(word).exists():
            raise CommandError(f"open: unknown option {word}")
        if not Path(word).exists():
            raise CommandError(f"{word}: no such file", 3)
    need_screen("use `xlascope show PATH VIEW`")
    kinds = [_kind(Path(word)) for word in argv]
    if len(argv) == 2 and kinds in (["run", "run"], ["profile", "profile"]):
        _show(Path(argv[1]), Path(argv[0]))
        return 0
    texts = [kind for kind in kinds if kind != "profile"]
    from xlascope.views.sources.opening import join

    if len(argv) > 1 and "run" not in kinds and len(argv) - len(texts) < 2:
        _show(join([Path(word) for word in argv]))
        return 0
    for word in argv:
        _show(Path(word))
    return 0


def _kind(path: Path) -> str:
    from xlascope.views import ViewError, open_source

    try:
        with open_source(path) as source:
            return source.kind
    except ViewError as error:
        raise CommandError(str(error), error.exit_code) from error


def _show(path: Path, against: Path | None = None) -> None:
    keeper = _keeper(path) if _kind(path) == "run" else None
    try:
        show(path, keeper, against=against)
    finally:
        if keeper is not None:
            keeper.stop()


def _keeper(path: Path) -> Keeper | None:
    """What measures on a finished run; None for a file that can only be read: still recorded, or not ours to write."""
    keeper = Keeper.reopen(path, warm=True)
    try:
        keeper.start()
    except (RunFileLocked, RunFileError):
        return None
    return keeper
