"""View ``stage``: one form of a program as text."""

from __future__ import annotations

from dataclasses import dataclass

from xlascope.ir.provenance import without_tags
from xlascope.views.compiler.machine_code import machine_code, text_of
from xlascope.views.compiler.records import MACHINE_STAGES, machine_record
from xlascope.views.errors import ViewError
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import variant_name
from xlascope.views.sources.source import RunSource, Source
from xlascope.views.sources.stages import available, hlo_module, required


@dataclass(frozen=True, slots=True)
class Stage:
    """``text`` is exact. ``available``: the stages that are held."""

    stage: str
    text: str
    program: str
    variant: str | None
    available: tuple[str, ...]


def query(
    source: Source, program: str | None = None, variant: str | None = None, stage: str | None = None,
    instruction: str | None = None,
) -> Stage:  # fmt: skip
    """One stage of a program (the hottest) or of a variant of it; of ``llvm``, ``llvm:before`` and ``asm`` that of the
    kernels of one ``instruction``. Raises ViewError (exit code 2) if it is not there."""
    name = choose(source, program)
    which = variant_name(source, name, variant)
    held = available(source, name, which)
    wanted = stage or default_stage(held)
    found = required(source, name, wanted, which)
    if wanted in MACHINE_STAGES and isinstance(source, RunSource):
        return Stage(wanted, _of_kernels(source, name, which, wanted, found.text, instruction), name, which, held)
    if instruction is not None:
        raise ViewError(f"--instruction: {wanted} is one text", f"Stages in parts: {', '.join(MACHINE_STAGES)}.")
    # A lab compiles the lowering with tagged equations: the tags are ours, not the compiler's.
    text = without_tags(found.text) if which is not None else found.text
    return Stage(wanted, text, name, which, held)


def _of_kernels(
    source: RunSource, program: str, variant: str | None, stage: str, text: str, instruction: str | None
) -> str:
    """Machine code as text. Raises ViewError when there is none, saying why."""
    record = machine_record(source, program, variant)
    assert record is not None
    code = machine_code(source, record)
    if stage == "asm" and code.note is not None and not text:
        raise ViewError(f"asm of {program}: {code.note}", "")
    if instruction is None:
        return text
    found = text_of(code, stage, hlo_module(source, program, "optimized", variant), instruction)
    if not found:
        raise ViewError(
            f"{instruction}: XLA compiled no kernel of its own for it",
            "`xlascope show RUN machine` lists the kernels, and what runs in libraries.",
        )
    return found


def default_stage(held: tuple[str, ...]) -> str:
    """What is shown when no stage is named: the jaxpr, else the optimized HLO, else what there is."""
    for name in ("jaxpr", "optimized", *held):
        if name in held:
            return name
    return "jaxpr"
