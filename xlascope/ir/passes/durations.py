"""How long each pass took, from the events of a profile of the compile.

A pass is an event of its own name; a pipeline one whose name ends with the module's in parentheses; a pipeline that
runs inside of another is both. The events have every pass that ran, the snapshots only those that changed something.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from xlascope.ir.passes.names import START, Step

# XLA's own checks between passes; those after a pass are within its event, as it ran them.
_CHECKS = "RunInvariantCheckers"
_OF_MODULE = re.compile(r"(.+) \([^()]*\)\Z")


@dataclass(frozen=True, slots=True)
class Event:
    """A host event of the compiling thread: start (any clock) and length in nanoseconds."""

    name: str
    start_ns: int
    ns: int


@dataclass(slots=True)
class _Run:
    """One run of a pipeline: its passes in order, each with its time."""

    pipeline: str
    passes: list[tuple[str, int]]
    ns: int
    used: int = 0


def match_durations(steps: Sequence[Step], events: Sequence[Event]) -> list[int | None]:
    """The time of each step's pass; None for the start of a pipeline, and where no event fits.

    Each pipeline start takes the next run of that pipeline; within a run a step takes the next pass of its name that is
    followed by the pass the step names as the next one.
    """
    runs: dict[str, list[_Run]] = {}
    for run in _runs(events):
        runs.setdefault(run.pipeline, []).append(run)
    current: dict[str, _Run] = {}
    found: list[int | None] = []
    for step in steps:
        if step.name == START:
            waiting = runs.get(step.pipeline)
            if waiting:
                current[step.pipeline] = waiting.pop(0)
            else:
                current.pop(step.pipeline, None)
            found.append(None)
        else:
            mine = current.get(step.pipeline)
            found.append(_take(mine, step) if mine is not None else None)
    return found


def _take(run: _Run, step: Step) -> int | None:
    passes = run.passes
    for at in range(run.used, len(passes)):
        name, ns = passes[at]
        following = passes[at + 1][0] if at + 1 < len(passes) else "pipeline-end"
        if name == step.name and following == step.before:
            run.used = at + 1
            return ns
    return None


def _runs(events: Sequence[Event]) -> list[_Run]:
    """The runs of pipelines, by their start."""
    found: list[_Run] = []
    stack: list[tuple[int, _Run | None]] = []
    for event in sorted(events, key=lambda event: (event.start_ns, -event.ns)):
        while stack and stack[-1][0] <= event.start_ns:
            stack.pop()
        match = _OF_MODULE.match(event.name)
        around = stack[-1][1] if stack else None
        if match:
            run = _Run(_file_name(match[1]), [], event.ns)
            found.append(run)
            if around is not None:
                # A pipeline that runs once as a pass of another has one event for both.
                around.passes.append((run.pipeline, event.ns))
            stack.append((event.start_ns + event.ns, run))
        else:
            if around is not None and event.name != _CHECKS:
                around.passes.append((_file_name(event.name), event.ns))
            stack.append((event.start_ns + event.ns, None))
    return found


def _file_name(text: str) -> str:
    """As XLA writes it into the name of a file."""
    return re.sub(r"[^A-Za-z0-9_.,\-]", "_", text)
