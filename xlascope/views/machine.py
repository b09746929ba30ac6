"""View ``machine``: the kernels that XLA compiled for a program on CPU, and what their machine code does."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from xlascope.ir import HloInstruction, HloModule
from xlascope.ir.machine import Mix
from xlascope.views.compiler.machine_code import implemented, is_own, machine_code
from xlascope.views.compiler.records import machine_record
from xlascope.views.errors import ViewError
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import variant_name
from xlascope.views.provenance.origins import provenance
from xlascope.views.sources.source import RunSource
from xlascope.views.sources.stages import hlo_module
from xlascope.views.times.observations import observation

# What runs without code of its own being compiled for it.
_RUNTIME = {
    "while": "a loop of the runtime", "conditional": "a branch of the runtime", "call": "a call of the runtime",
    "copy": "a copy of the runtime", "copy-start": "a copy of the runtime", "copy-done": "a copy of the runtime",
    "all-reduce": "a collective of the runtime", "all-gather": "a collective of the runtime",
    "all-to-all": "a collective of the runtime", "reduce-scatter": "a collective of the runtime",
    "collective-permute": "a collective of the runtime", "dot": "a library", "convolution": "a library",
    "fft": "a library", "sort": "a sort of the runtime", "infeed": "the runtime", "outfeed": "the runtime",
    "partition-id": "the runtime", "replica-id": "the runtime", "rng-get-and-update-state": "the runtime",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One function of machine code. ``kernel``: the unit it was compiled in; ``instruction``: what it implements.
    ``also``: other fusions that compute the same and run it too; ``equations`` and ``self_ns`` are those of all.

    ``bytes`` to ``mix`` are None without a disassembler. ``self_ns``: of the instruction, over all executions seen;
    None for a function that is a part of another's time (a sort's comparator) or was not profiled.
    """

    kernel: str
    instruction: str | None
    symbol: str
    bytes: int | None
    instructions: int | None
    vector_bits: int | None
    widest_bits: int | None
    mix: Mix | None
    equations: tuple[str, ...]
    self_ns: int | None
    share: float | None
    opcode: str | None
    also: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """An instruction that took time, or is a fusion or a library's, and has no kernel of its own: ``why``."""

    instruction: str
    opcode: str
    why: str
    equations: tuple[str, ...]
    self_ns: int | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Machine:
    """Rows with the most time first. ``architecture``: ``x86-64``, ``aarch64``. ``note``: what is missing, and why."""

    rows: tuple[Row, ...]
    without: tuple[Without, ...]
    program: str
    variant: str | None
    architecture: str | None
    note: str | None


def query(source: RunSource, program: str | None = None, variant: str | None = None) -> Machine:
    """Of one program (the hottest) or of a variant of it. Raises ViewError (exit code 2) when it was not collected."""
    name = choose(source, program)
    which = variant_name(source, name, variant)
    record = machine_record(source, name, which)
    if record is None:
        raise ViewError(
            f"the machine code of {name} is not in {source.path.name}",
            "`show` collects it when it may write to the file (without --no-collect).",
        )
    code = machine_code(source, record)
    module = hlo_module(source, name, "optimized", which)
    origin = provenance(source, name, which)
    times = _times(source, name, which)
    total = sum(times.values())
    of = implemented(code, module)
    rows = []
    for kernel in code.kernels:
        made_for = of.get(kernel.symbol, ())
        # A comparator's time is in that of the sort that calls it.
        whole = bool(made_for) and is_own(kernel.symbol, made_for[0])
        timed = [each.name for each in made_for if whole and each.name in times]
        ns = sum(times[each] for each in timed) if timed else None
        function = kernel.function
        rows.append(
            Row(
                kernel=kernel.kernel,
                instruction=made_for[0].name if made_for else None,
                symbol=kernel.symbol,
                bytes=function.size if function is not None else None,
                instructions=len(function.instructions) if function is not None else None,
                vector_bits=kernel.mix.vector_bits if kernel.mix is not None else None,
                widest_bits=kernel.mix.widest_bits if kernel.mix is not None else None,
                mix=kernel.mix,
                equations=tuple(dict.fromkeys(path for each in made_for for path in origin.paths(each.name))),
                self_ns=ns,
                share=ns / total if ns is not None and total else None,
                opcode=made_for[0].opcode if made_for else None,
                also=tuple(each.name for each in made_for[1:]),
            )
        )
    rows.sort(key=lambda row: -(row.self_ns or 0))
    covered = {name for row in rows for name in (row.instruction, *row.also)}
    without = [
        Without(
            each.name,
            each.opcode,
            _why(each),
            origin.paths(each.name),
            times.get(each.name),
            times[each.name] / total if total and each.name in times else None,
        )
        for each in (module.instructions() if module is not None else ())
        if each.name not in covered and (each.name in times or _is_library(each, module))
    ]
    without.sort(key=lambda each: -(each.self_ns or 0))
    architectures = {kernel.function.architecture for kernel in code.kernels if kernel.function is not None}
    note = code.note
    if note is None and not code.kernels:
        note = "XLA compiled no kernel for it: all it does are calls of libraries and of the runtime"
    return Machine(tuple(rows), tuple(without), name, which, next(iter(architectures), None), note)


def _is_library(instruction: HloInstruction, module: HloModule | None) -> bool:
    """A fusion that is handed to a library, or a call of one, outside of other fusions."""
    if instruction.opcode == "fusion":
        return instruction.fusion_kind == "kCustom"
    return instruction.opcode == "custom-call"


def _why(instruction: HloInstruction) -> str:
    if instruction.opcode == "fusion":
        kind = instruction.backend_config or ""
        library = "ynn" if "__ynn_fusion" in kind else "onednn" if "onednn" in kind.lower() else None
        if instruction.fusion_kind == "kCustom":
            return f"a fusion of the library {library}" if library else "a fusion of a library"
        return "no kernel of this name was compiled"
    if instruction.opcode == "custom-call":
        return f"a call of {instruction.attributes.get('custom_call_target', '?').strip(chr(34))}"
    return _RUNTIME.get(instruction.opcode, "no kernel of this name was compiled")


def _times(source: RunSource, program: str, variant: str | None) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    try:
        seen = observation(source, program, variant)
    except ViewError:
        return {}  # a variant that was measured without a profile
    for row in seen.times.rows:
        found[row.op] += row.self_ns
    return dict(found)
