"""The lock beside a run file: held by its writer, asked for by whoever wants to know whether it is being written.

It is a file of its own because on NFS a lock on the database would shut out its readers, and closing a second handle of
the database would drop SQLite's own locks.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from xlascope.runfile.errors import RunFileError, RunFileLocked


def lock_of(path: Path) -> Path:
    """The lock file of a run file."""
    return path.with_name(f".{path.name}.lock")


def is_held(lock: Path) -> bool:
    """Whether a process holds this lock file now."""
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def create(path: Path) -> None:
    """Make a run file, empty, where there is none: readable by its owner alone, which SQLite would not see to."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def hold(path: Path, advice: str) -> int:
    """Make the run file ``path`` where it is not there, and hold its lock.

    Returns what `let_go` takes. Raises RunFileLocked when another process has it, RunFileError for a bad place.
    """
    beside = lock_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        create(path)
        for _ in range(20):
            lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if beside.exists() and os.stat(beside).st_ino == os.fstat(lock).st_ino:
                    break
            except BlockingIOError:
                time.sleep(0.01)  # a reader that only asks whether it is held lets go at once
            holder = os.pread(lock, 64, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(lock)
        else:
            raise RunFileLocked(f"{path} is being written by process {holder}; wait until it ends")
    except OSError as error:
        raise RunFileError(f"cannot write {path}: {error.strerror}; {advice}") from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def let_go(path: Path, lock: int) -> None:
    """Remove the lock file and let go of it."""
    lock_of(path).unlink(missing_ok=True)
    os.close(lock)
