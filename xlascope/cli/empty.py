"""What ``record`` says of a run in which JAX compiled nothing."""

from __future__ import annotations

from pathlib import Path

from xlascope.runfile import Reader, RunFileError


def empty(path: Path) -> str | None:
    """A sentence on why there is nothing to look at; None where there is, or a part of the run was not recorded."""
    try:
        with Reader(path) as reader:
            kinds = ("compile", "program", "dropped", "not_captured")
            states = [record.json.get("state") for record in reader.records("end")]
            if states[-1:] != ["ended"] or any(True for kind in kinds for _ in reader.records(kind)):
                return None
            imported = any(record.json.get("jax") for record in reader.records("env"))
    except RunFileError:
        return None  # why it could not be written was told
    if not imported:
        return "the script never imported jax: its output is all that the run file holds"
    return "JAX compiled nothing: the script called no jitted function and no operation on arrays"
