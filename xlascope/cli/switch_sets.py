"""Parts of `measure` that read the run file first: kept switches, names of passes, and what needs another run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xlascope.cli.errors import CommandError


def used(path: Path, wanted: str) -> dict[str, Any]:
    """The switches kept under ``NAME``, or in another run under ``RUN#NAME``. Raises CommandError."""
    from xlascope.views import ViewError, open_source
    from xlascope.views.names.switch_sets import switch_set
    from xlascope.views.sources.source import RunSource

    other, mark, name = wanted.rpartition("#")
    place = Path(other) if mark else path
    try:
        with open_source(place) as source:
            if not isinstance(source, RunSource):
                raise CommandError(f"measure: --use {wanted}: {source.says}; only a run file keeps switches")
            return switch_set(source, name)
    except ViewError as error:
        raise CommandError(f"measure: --use {error}", error.exit_code) from error


def check_passes(path: Path, program: str, names: Sequence[str]) -> None:
    """Raises CommandError for a pass that nobody knows."""
    if not names:
        return
    from xlascope.views import ViewError, open_source
    from xlascope.views.compiler.pass_names import check, pass_names

    try:
        with open_source(path) as source:
            check(names, pass_names(source, program))
    except ViewError as error:
        raise CommandError(f"measure: --passes-off {error}", error.exit_code) from error


def needs_new_run(path: Path) -> str:
    """Why 64-bit types cannot be switched here, and the command that records the script with them."""
    from xlascope.views import ViewError, open_source, query

    try:
        with open_source(path) as source:
            run = query("run", source)
    except ViewError as error:
        raise CommandError(f"measure: {error}", error.exit_code) from error
    words = ["xlascope", "record", str(getattr(run, "script", None) or "SCRIPT"), *(getattr(run, "argv", None) or ())]
    return (
        "--x64 changes how the script is traced, so it needs a new run of it: "
        f"JAX_ENABLE_X64=1 {shlex.join(words)}"
    )


def target_named(text: str) -> str:
    """A target's name in full, or a platform of this machine. Raises CommandError with what would be valid."""
    from xlascope.protocol.machines import is_platform
    from xlascope.session.targets import TargetError, known_devices, parse

    if is_platform(text.strip().lower()):
        return text.strip().lower()
    try:
        return parse(text, known_devices()).name
    except TargetError as error:
        raise CommandError(f"measure: --target: {error}; {error.advice}") from error
