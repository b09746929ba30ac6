"""Where runs are kept that nobody named, and keeping them few."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xlascope.runfile.lock import is_held, lock_of

KEEP_RUNS = 20
KEEP_BYTES = 5 << 30


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """``$XDG_STATE_HOME/xlascope``, else ``~/.local/state/xlascope``: relative values do not count."""
    return _xdg(environment, "XDG_STATE_HOME", ".local/state") / "xlascope"


def runs_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where runs of the screen are kept."""
    return state_folder(environment) / "runs"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """``$XDG_CACHE_HOME/xlascope``, else ``~/.cache/xlascope``: deletable at any time."""
    return _xdg(environment, "XDG_CACHE_HOME", ".cache") / "xlascope"


def config_file(environment: Mapping[str, str] = os.environ) -> Path:
    """``$XDG_CONFIG_HOME/xlascope/config.toml``, else below ``~/.config``."""
    return _xdg(environment, "XDG_CONFIG_HOME", ".config") / "xlascope" / "config.toml"


def _xdg(environment: Mapping[str, str], name: str, fallback: str) -> Path:
    value = environment.get(name, "")
    if value and os.path.isabs(value):
        return Path(value)
    return Path(os.path.expanduser("~")) / fallback


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run file; ``modified`` in seconds since 1970."""

    path: Path
    bytes: int
    modified: float


def kept_runs(folder: Path) -> list[KeptRun]:
    """Run files of a folder, newest first."""
    found = []
    for path in folder.glob("*.xlascope"):
        try:
            stat = path.stat()
        except OSError:
            continue  # removed meanwhile
        found.append(KeptRun(path, stat.st_size, stat.st_mtime))
    return sorted(found, key=lambda run: (run.modified, run.path.name), reverse=True)


def prune(folder: Path, keep: int = KEEP_RUNS, keep_bytes: int = KEEP_BYTES) -> list[KeptRun]:
    """Remove all but the newest ``keep`` runs and ``keep_bytes``, and none being written. Returns the removed."""
    removed, total = [], 0
    for index, run in enumerate(kept_runs(folder)):
        total += run.bytes
        if (index >= keep or total > keep_bytes) and not is_held(lock_of(run.path)):
            run.path.unlink(missing_ok=True)
            run.path.with_name(run.path.name + "-journal").unlink(missing_ok=True)
            lock_of(run.path).unlink(missing_ok=True)
            removed.append(run)
            total -= run.bytes
    return removed


def stale_locks(folder: Path) -> list[Path]:
    """Lock files that no process holds: left by keepers that were killed."""
    return [path for path in folder.glob(".*.xlascope.lock") if not is_held(path)]
