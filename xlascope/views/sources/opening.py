"""Opening what a path is: a run file, a profile, XLA's dumps and texts; several of the latter together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xlascope.ir import parse_hlo
from xlascope.runfile import Reader, RunFileError
from xlascope.traces import Problem
from xlascope.traces.expand import MAGIC
from xlascope.views.errors import ViewError
from xlascope.views.sources.dump import DumpModule, read_dump, together
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import HloSource, RunSource, Source
from xlascope.views.sources.texts import check_braces, read_text

_SQLITE = b"SQLite format 3\0"
_PROFILES = (".xplane.pb", ".xplane.pb.gz")
_HLO_PROTOS = (".hlo.pb", ".hlo_proto.pb", ".hlo.pb.gz", ".hlo_proto.pb.gz")
_DEPTH = 4
"""How far below a folder profiles are looked for: `plugins/profile/TIME/` is three."""


@dataclass(slots=True)
class _Found:
    """What a path holds: profiles by session (its folder, or the file) and host, and modules."""

    sessions: dict[Path, dict[str, Path]] = field(default_factory=dict)
    modules: tuple[DumpModule, ...] = ()
    is_folder: bool = False
    notes: tuple[Problem, ...] = ()


def open_source(path: Path | str) -> Source:
    """Open what ``path`` is; ``PROFILE+DUMP`` joins several that are no run files.

    Raises ViewError with exit code 3 for what cannot be read.
    """
    place = Path(path)
    try:
        parts = [place] if place.exists() else split(str(path))
        if len(parts) == 1 and not parts[0].is_dir():
            run = _open_run(parts[0])
            if run is not None:
                return run
        return _joined(place, {part: _look(part) for part in parts})
    except OSError as error:
        raise ViewError(f"{error.filename or place}: cannot be read: {error.strerror}", "", 3) from error


def split(word: str) -> list[Path]:
    """The paths in ``A+B``, where all of them are there; else the word as one path."""
    for at in (place for place, letter in enumerate(word) if letter == "+"):
        first, rest = Path(word[:at]), word[at + 1 :]
        if word[:at] and rest and first.exists():
            others = [Path(rest)] if Path(rest).exists() else split(rest)
            if all(each.exists() for each in others):
                return [first, *others]
    return [Path(word)]


def join(paths: list[Path]) -> Path:
    """The one word that `open_source` splits again."""
    return Path("+".join(map(str, paths)))


def _check(place: Path) -> None:
    """Raises ViewError (3) for what is no file to read."""
    if not place.exists():
        raise ViewError(f"{place}: no such file or folder", "Check the path; `xlascope record` prints it.", 3)
    if not place.is_file():
        raise ViewError(f"{place}: not a regular file", "A run, a profile or HLO text is read from a file.", 3)


def _open_run(place: Path) -> Source | None:
    """A run file, or None for what is none."""
    _check(place)
    # One named so is not even looked into: closing another handle would drop the locks of a keeper in this process.
    if place.suffix != ".xlascope" and not _head(place).startswith(_SQLITE):
        return None
    try:
        return RunSource(Reader(place))
    except RunFileError as error:
        raise ViewError(str(error), "", 3) from error


def _head(place: Path) -> bytes:
    with place.open("rb") as file:
        return file.read(4096)


def _look(place: Path) -> _Found:
    """What a path holds that is no run. Raises ViewError (3) when that is nothing."""
    if place.is_dir():
        return _look_into(place)
    _check(place)
    head = _head(place)
    if place.suffix == ".xlascope" or head.startswith(_SQLITE):
        raise ViewError(f"{place}: a run file holds all of its own", "`xlascope compare A B` takes two of them.", 2)
    if not head:
        raise ViewError(f"{place}: the file is empty", "", 3)
    name = place.name.removesuffix(".gz")
    if name.endswith(".pb") and not place.name.endswith(_HLO_PROTOS):
        return _Found({place: {_host(place): place}})
    is_text = bool(head.strip()) and b"\0" not in head
    if place.name.endswith(_HLO_PROTOS) or b"HloModule" in head or (is_text and name.endswith((".txt", ".hlo"))):
        return _Found(modules=(_hlo_module(place),))
    if name.endswith((".mlir", ".mlirbc", ".stablehlo")) or b"stablehlo." in head or b"module @" in head:
        return _Found(modules=(_stablehlo_module(place),))
    if head.startswith(MAGIC) and name.endswith((".txt", ".hlo")):
        return _Found(modules=(_hlo_module(place),))
    raise ViewError(
        f"{place}: neither a run file, nor a profile (.xplane.pb), nor HLO text",
        "A run file comes from `xlascope record SCRIPT`.",
        3,
    )


def _host(file: Path) -> str:
    return next((file.name.removesuffix(end) for end in reversed(_PROFILES) if file.name.endswith(end)), file.stem)


def _look_into(folder: Path) -> _Found:
    sessions: dict[Path, dict[str, Path]] = {}
    for file in _profiles(folder, _DEPTH):
        sessions.setdefault(file.parent, {})[_host(file)] = file
    modules = read_dump(folder).modules
    notes: tuple[Problem, ...] = ()
    if not modules:
        inner = [each for each in sorted(folder.iterdir()) if not each.name.startswith(".")]
        dumps = {each: found for each in inner if each.is_dir() and (found := _dumped(each))}
        if len(dumps) == 1 and (sessions or len(inner) == 1):
            (modules,) = dumps.values()
        elif len(dumps) > 1:
            # They are of several runs: which one is meant is not known.
            listed = ", ".join(map(str, list(dumps)[:5])) + (" …" if len(dumps) > 5 else "")
            if not sessions:
                raise ViewError(f"{folder}: holds the dumps of several runs", f"Open one of {listed}.", 3)
            said = f"Joined with none of several dumps: {listed}. Name one of them too."
            notes = (Problem("dump", said, len(dumps)),)
    if sessions or modules:
        return _Found(sessions, modules, True, notes)
    files = (each for each in folder.glob("*.xlascope") if each.is_file())
    runs = sorted(files, key=lambda each: each.stat().st_mtime, reverse=True)
    if runs:
        listed = ", ".join(map(str, runs[:3])) + (" …" if len(runs) > 3 else "")
        raise ViewError(f"{folder}: holds run files, of which one is opened by its name", f"The newest: {listed}.", 3)
    advice = (
        "jax.profiler.trace(FOLDER) writes plugins/profile/TIME/HOST.xplane.pb; "
        "XLA_FLAGS=--xla_dump_to=FOLDER files like module_0001.jit_f.cpu_after_optimizations.txt."
    )
    raise ViewError(f"{folder}: holds no profile and no HLO text of an XLA dump", advice, 3)


def _dumped(folder: Path) -> tuple[DumpModule, ...]:
    try:
        return read_dump(folder).modules
    except PermissionError:
        return ()  # somebody else's folder beside what was asked for


def _profiles(folder: Path, depth: int) -> Iterator[Path]:
    for each in sorted(folder.iterdir()):
        if each.name.endswith(_PROFILES) and each.is_file():
            yield each
        elif depth > 1 and each.is_dir() and not each.is_symlink() and not each.name.startswith("."):
            try:
                yield from _profiles(each, depth - 1)
            except PermissionError:
                continue  # somebody else's folder beside what was asked for


def _hlo_module(place: Path) -> DumpModule:
    module = parse_hlo(read_text(place))
    if not len(module):
        raise ViewError(f"{place}: not a single HLO instruction was understood", "", 3)
    check_braces(module, place)
    stage = "optimized" if module.header.get("is_scheduled") == "true" or "after_opt" in place.name else "hlo"
    return DumpModule(f"{module.name}#1", module.name, {stage: place})


def _stablehlo_module(place: Path) -> DumpModule:
    from xlascope.ir.stablehlo import module_name  # other files are opened sooner without it

    name = module_name(read_text(place)) or place.name.partition(".")[0]
    return DumpModule(f"{name}#1", name, {"stablehlo": place})


def _joined(place: Path, found: Mapping[Path, _Found]) -> Source:
    modules = together(*(each.modules for each in found.values()))
    sessions = {folder: files for each in found.values() for folder, files in each.sessions.items()}
    if not sessions:
        return HloSource(place, modules, any(each.is_folder for each in found.values()))
    if len([each for each in found.values() if each.sessions]) > 1:
        several = " and ".join(str(path) for path, each in found.items() if each.sessions)
        raise ViewError(f"{several}: more than one profile", "`xlascope compare A B` lays two side by side.", 2)
    # Sessions lie in folders named by their time.
    newest = max(sessions, key=lambda folder: (folder.name, str(folder)))
    notes = [note for each in found.values() for note in each.notes if len(found) == 1]
    if len(sessions) > 1:
        others = sorted(str(each) for each in sessions if each != newest)
        listed = ", ".join(others[:5]) + (" …" if len(others) > 5 else "")
        notes.append(Problem("session", f"Shown is the newest session, {newest}. Also there: {listed}.", len(others)))
    return ProfileSource(place, sessions[newest], modules, tuple(notes))
