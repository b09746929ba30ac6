"""Names of XLA's passes that can be switched off: of a program where they were collected, and those known to ship."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from xlascope.ir.passes import SHIPPED_PASSES
from xlascope.views.compiler.pass_store import required_passes
from xlascope.views.errors import ViewError
from xlascope.views.sources.source import Source


def pass_names(source: Source, program: str) -> tuple[str, ...]:
    """Those that ran on a program, as far as its snapshots tell; none where its passes were not collected."""
    try:
        sequence = required_passes(source, program, None)
    except ViewError:
        return ()
    names = (name for each in sequence.passes for name in (each.name, each.before) if name)
    return tuple(dict.fromkeys(name for name in names if name not in ("pipeline-start", "pipeline-end")))


def check(names: Iterable[str], known: Iterable[str]) -> None:
    """Raises ViewError (exit code 2) for a name that neither the program nor the shipped list has.

    XLA itself says nothing to such a name, and the variant would be the baseline.
    """
    everything = sorted({*known, *SHIPPED_PASSES})
    for name in names:
        if name not in everything:
            near = difflib.get_close_matches(name, everything, 4, 0.5)
            lists = "Key p, or `xlascope show RUN passes`, lists a program's."
            more = f"Names near it: {', '.join(near)}." if near else lists
            raise ViewError(f"{name}: no pass of XLA is known by this name", more)
