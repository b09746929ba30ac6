"""The machine code of a program that a run file holds: kernels, what they implement, and their text."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from xlascope.ir import HloComputation, HloInstruction, HloModule
from xlascope.ir.machine import ExtraMissing, Function, LlvmModule, Mix, count, disassemble, split_llvm
from xlascope.runfile import Record
from xlascope.views.sources.source import RunSource

_NOT_WORK = frozenset({"metadata", "backend_config", "frontend_attributes", "sharding"})
# Of the function of an instruction that is no fusion.
_SUFFIX = "_kernel"


@dataclass(frozen=True, slots=True)
class Kernel:
    """One function that XLA compiled. ``kernel``: the module (a unit of compilation) it lies in.

    ``symbol``: its name. ``function`` and ``mix`` are None without a disassembler.
    """

    kernel: str
    symbol: str
    function: Function | None
    mix: Mix | None


@dataclass(frozen=True, slots=True)
class MachineCode:
    """Kernels in the order of their object files. ``note``: why there is no disassembly, None when there is."""

    kernels: tuple[Kernel, ...]
    before: tuple[LlvmModule, ...]
    after: tuple[LlvmModule, ...]
    note: str | None


def machine_code(source: RunSource, record: Record) -> MachineCode:
    """Read and disassemble; kept."""
    key = ("machine", source.digest(record, "text"), source.digest(record, "before"), record.id)
    return source.large.get_or(key, lambda: _read(source, record))


def _read(source: RunSource, record: Record) -> MachineCode:
    before = tuple(split_llvm(source.text(record, "before") or ""))
    after = tuple(split_llvm(source.text(record, "text") or ""))
    listed = record.json.get("objects")
    kernels: list[Kernel] = []
    note = None
    for each in listed if isinstance(listed, list) else ():
        name, blob = (each.get("name"), each.get("blob")) if isinstance(each, Mapping) else (None, None)
        data = source.blob(record, blob) if isinstance(blob, str) else None
        if not isinstance(name, str) or data is None:
            continue
        try:
            functions = disassemble(data)
        except ExtraMissing as error:
            note = str(error)
            break
        except ValueError as error:
            note = f"{name}: {error}"
            continue
        kernels += [Kernel(name, function.name, function, count(function)) for function in functions]
    if not kernels and after:
        note = note or "no object file is held"
        kernels = [Kernel(module.name, symbol, None, None) for module in after for symbol in module.symbols]
    return MachineCode(tuple(kernels), before, after, note)


def implemented(code: MachineCode, module: HloModule | None) -> dict[str, tuple[HloInstruction, ...]]:
    """By symbol, the instructions that a function was made for, that of its name first.

    A fusion without a function of its name runs that of a fusion that computes the same: XLA compiles equal ones once.
    A sort's comparator, a reduction's region and a helper are functions of their own: the instruction is the one that
    calls the computation of that name, or that the only other function of the same unit was made for.
    """
    if module is None:
        return {}
    found: dict[str, tuple[HloInstruction, ...]] = {}
    alike: dict[Hashable, str] = {}
    symbols = dict.fromkeys([kernel.symbol for kernel in code.kernels])
    for symbol in symbols:
        own = module.get(symbol.removesuffix(_SUFFIX)) or module.get(symbol)
        if own is not None:
            found[symbol] = (own,)
            alike.setdefault(_shape_of_work(own), symbol)
        elif module.computation(symbol) is not None:
            found[symbol] = tuple(module.callers(symbol)[:1])
    units: dict[str, set[str]] = {}
    for kernel in code.kernels:
        if kernel.symbol in found:
            units.setdefault(kernel.kernel, set()).add(kernel.symbol)
    for kernel in code.kernels:
        beside = units.get(kernel.kernel, set())
        if kernel.symbol not in found and len(beside) == 1:
            found[kernel.symbol] = found[next(iter(beside))][:1]
    for fusion in module.of_opcode("fusion"):
        if fusion.name not in symbols and fusion.fusion_kind != "kCustom":
            same = alike.get(_shape_of_work(fusion))
            if same is not None:
                found[same] += (fusion,)
    return found


def is_own(symbol: str, instruction: HloInstruction) -> bool:
    """Is the function all of an instruction's work, not a part of it?"""
    return symbol.removesuffix(_SUFFIX) == instruction.name or symbol == instruction.name


def _shape_of_work(instruction: HloInstruction) -> Hashable:
    """Equal for two instructions that compute the same of operands of the same shapes."""
    attributes = {key: text for key, text in instruction.attributes.items() if key not in _NOT_WORK}
    called = {role: names for role, names in instruction.called.items() if role in attributes}
    bodies = []
    for role, names in called.items():
        del attributes[role]
        for name in names:
            body = instruction.module.computation(name)
            bodies.append((role, _body(body) if body is not None else name))
    return (
        instruction.opcode, instruction.shape, tuple(sorted(attributes.items())), tuple(bodies),
        instruction.operand_text if instruction.opcode in ("constant", "parameter", "iota") else None,
    )  # fmt: skip


def _body(computation: HloComputation) -> Hashable:
    places = {name: number for number, name in enumerate(computation.names)}
    return tuple(
        (_shape_of_work(each), tuple(places.get(name) for name in each.operands)) for each in computation.instructions
    )


def text_of(code: MachineCode, stage: str, module: HloModule | None, instruction: str | None) -> str:
    """The text of a stage, of all kernels or of those of one instruction. Empty when there is none."""
    of = implemented(code, module)

    def wanted(symbol: str) -> bool:
        return instruction in (None, symbol) or any(each.name == instruction for each in of.get(symbol, ()))

    if stage == "asm":
        return "\n".join(
            _listing(kernel, of.get(kernel.symbol, ())) for kernel in code.kernels
            if kernel.function is not None and wanted(kernel.symbol)
        )  # fmt: skip
    modules = code.before if stage == "llvm:before" else code.after
    return "".join(each.text for each in modules if instruction is None or any(map(wanted, each.symbols)))


_HEAD = re.compile(r"; ===== (\S+?)(?: \(of .*\))?: \d+ instructions")
_DEFINED = re.compile(r'define [^@]*@"?([^"(]+)"?\(')


def kernel_lines(code: MachineCode, stage: str, module: HloModule | None) -> dict[str, tuple[int, ...]]:
    """By instruction, the lines (from 1) of a stage's whole text where its functions begin, that of its name first."""
    of, head = implemented(code, module), _HEAD if stage == "asm" else _DEFINED
    found: dict[str, list[tuple[bool, int]]] = {}
    for number, line in enumerate(text_of(code, stage, module, None).split("\n"), 1):
        match = head.match(line)
        symbol = match.group(1) if match is not None else ""
        for each in of.get(symbol, ()):
            found.setdefault(each.name, []).append((not is_own(symbol, each), number))
    return {name: tuple(number for _, number in sorted(places)) for name, places in found.items()}


def _listing(kernel: Kernel, made_for: tuple[HloInstruction, ...]) -> str:
    function, mix = kernel.function, kernel.mix
    assert function is not None and mix is not None
    others = [each.name for each in made_for if not is_own(kernel.symbol, each)]
    of = f" (of {', '.join(others)})" if others else ""
    width = f", vectors of {mix.vector_bits} bits" if mix.vector_bits is not None else ""
    lines = [f"; ===== {kernel.symbol}{of}: {len(function.instructions)} instructions, {function.size} bytes{width}"]
    lines += [f"{each.offset:6x}:  {each.text}" for each in function.instructions]
    if function.problem is not None:
        lines.append(f"; {function.problem}")
    return "\n".join(lines) + "\n"
