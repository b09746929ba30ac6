"""First calls that are far slower than later ones and could not be left out of the times of ops and equations."""

from __future__ import annotations

from xlascope.views.comparing.sides import Side
from xlascope.views.sources.source import RunSource
from xlascope.views.times.windows import executables, slow_first_calls


def first_calls_told(a: Side, b: Side, one: str, two: str) -> str | None:
    """That times of equations hold them, while a program's own time is of its quick calls; None where they do not."""
    told = [text for text in (_told("A", a, one), _told("B", b, two)) if text is not None]
    return f"times of equations hold the slow first call: {'; '.join(told)}" if told else None


def _told(name: str, side: Side, program: str) -> str | None:
    if not isinstance(side.source, RunSource) or side.variant is not None:
        return None
    owners = executables(side.source)
    held = [
        call
        for number, call in slow_first_calls(side.source).items()
        if owners.get(number) == program and not call.left_out
    ]
    if not held:
        return None
    return f"{name} {held[0].took_ns / 1e6:.3g} ms, later ones {held[0].later_ns / 1e6:.3g} ms"
