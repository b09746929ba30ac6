"""View ``stage``: one form of a program as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from xlascope.ir import JaxprIndex
from xlascope.ir.provenance import without_tags
from xlascope.views.choice import choose
from xlascope.views.source import RunSource, Source
from xlascope.views.stages import available, jaxpr_index, required
from xlascope.views.variant_names import variant_name


@dataclass(frozen=True, slots=True)
class Stage:
    """``text`` is exact. ``available``: the stages that are held. ``jaxpr``: for that stage, its equations."""

    stage: str
    text: str
    program: str
    variant: str | None
    available: tuple[str, ...]
    jaxpr: JaxprIndex | None = field(default=None, metadata={"json": False})


def query(source: Source, program: str | None = None, variant: str | None = None, stage: str | None = None) -> Stage:
    """One stage of a program (the hottest) or of a variant of it. Raises ViewError (exit code 2) if it is not there."""
    name = choose(source, program)
    which = variant_name(source, name, variant)
    held = available(source, name, which)
    wanted = stage or default_stage(held)
    found = required(source, name, wanted, which)
    index: Any = None
    if wanted == "jaxpr" and isinstance(source, RunSource) and which is None:
        index = jaxpr_index(source, name)
    # A lab compiles the lowering with tagged equations: the tags are ours, not the compiler's.
    text = without_tags(found.text) if which is not None else found.text
    return Stage(wanted, text, name, which, held, index)


def default_stage(held: tuple[str, ...]) -> str:
    """What is shown when no stage is named: the jaxpr, else the optimized HLO, else what there is."""
    for name in ("jaxpr", "optimized", *held):
        if name in held:
            return name
    return "jaxpr"
