"""View ``history``: which pass made, changed, merged or removed an instruction, or those of an equation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xlascope.ir.passes import Happening, PassSequence, equation_history, equation_remains, instruction_history
from xlascope.ir.provenance import names_between
from xlascope.views.compiler.pass_store import required_passes, snapshot_text
from xlascope.views.errors import ViewError
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import variant_name
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.sources.stages import hlo_module, jaxpr_index


@dataclass(frozen=True, slots=True)
class Occurrence:
    """``event``: ``created``, ``changed``, ``merged`` or ``removed``, by the pass before ``pass:PASS_INDEX``.

    ``names``: of ``merged`` the instructions that took it in, else the instruction's own at that point. ``of``: of
    ``merged`` what was taken in, of ``created`` what a new fusion was made of. ``first``: it was there before all
    passes.
    """

    pass_index: int
    pipeline: str
    pass_: str
    event: str
    names: tuple[str, ...]
    of: tuple[str, ...]
    first: bool
    JSON_KEYS: ClassVar = {"pass_": "pass"}


@dataclass(frozen=True, slots=True)
class History:
    """``events`` in the order of the passes; ``remains``: whether anything of it is in the last form."""

    program: str
    variant: str | None
    instruction: str | None
    equation: str | None
    primitive: str | None
    events: tuple[Occurrence, ...]
    remains: bool


def query(
    source: Source,
    program: str | None = None,
    variant: str | None = None,
    instruction: str | None = None,
    equation: str | None = None,
) -> History:
    """Of an instruction of any form (the last that has it), or of an equation. Raises ViewError (2)."""
    name = choose(source, program)
    check(source, name, instruction, equation)
    which = variant_name(source, name, variant)
    sequence = required_passes(source, name, which)
    if equation is not None:
        primitive, known = _equation(source, name, equation)
        if not sequence.tagged:
            raise ViewError(
                f"{name}: its passes were not collected with tags of equations", "Ask by --instruction instead."
            )
        events = equation_history(sequence, equation, known)
        # Merged into an instruction that is named after another equation, it is there without a tag of its own.
        remains = equation_remains(sequence, equation, known) or any(each.event == "merged" for each in events)
    else:
        primitive = None
        instruction = str(instruction).removeprefix("%")
        events = instruction_history(sequence, _as_tagged(source, sequence, name, which, instruction))
        if not events:
            raise ViewError(f"{instruction}: no form of {name} has an instruction of that name",
                            f"`show {source.path} stage --stage optimized` has the names.")  # fmt: skip
        remains = events[-1].event != "removed"
    rows = tuple(_occurrence(sequence, each) for each in events)
    return History(name, which, instruction, equation, primitive, rows, remains)


def check(source: Source, program: str, instruction: str | None, equation: str | None) -> None:
    """What can be told before passes are collected. Raises ViewError (2): nothing is named, or no such equation."""
    if (instruction is None) == (equation is None):
        raise ViewError("history of what?", "Give --instruction NAME or --equation PATH.")
    if equation is not None:
        _equation(source, program, equation)


def _occurrence(sequence: PassSequence, each: Happening) -> Occurrence:
    step = sequence.snapshots[each.place].step
    name = step.name or f"before {step.before}"
    return Occurrence(step.index, step.pipeline, name, each.event, each.names, each.of, each.place == 0)


def _equation(source: Source, program: str, path: str) -> tuple[str | None, frozenset[str] | None]:
    """The primitive of an equation, and the paths there are; None where the jaxpr is not held.

    Raises ViewError (2) when it is held and has no such path.
    """
    index = jaxpr_index(source, program) if isinstance(source, RunSource) else None
    if index is None:
        return None, None
    for each in index.equations:
        if each.path == path:
            return each.primitive, frozenset(one.path for one in index.equations)
    raise ViewError(f"{path}: {program} has no such equation", f"`show {source.path} equations` lists them.")


def _as_tagged(
    source: Source, sequence: PassSequence, program: str, variant: str | None, instruction: str
) -> str:
    """The name in the collected compile of an instruction of the program's own module.

    They are the same but for programs with a random generator, whose tags move the numbering.
    """
    last = sequence.texts.form(sequence.snapshots[-1].text)
    if last.find(instruction) is not None or not sequence.tagged:
        return instruction
    module = hlo_module(source, program, "optimized", variant)
    if module is None or module.get(instruction) is None:
        return instruction
    from xlascope.ir import parse_hlo

    names, mismatch = names_between(parse_hlo(snapshot_text(sequence, len(sequence.snapshots) - 1)), module)
    there = {other: name for name, other in names.items()}
    return there.get(instruction, instruction) if mismatch is None else instruction
