"""Object files (ELF, x86-64 and AArch64) as functions of machine instructions, by pyelftools and Capstone.

Both belong to the extra ``xlascope[asm]`` and are imported when something is disassembled.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

HOW_TO_ADD = "pip install 'xlascope[asm]'"
_MOST_INSTRUCTIONS = 200_000


class ExtraMissing(Exception):
    """The disassembler is not installed; the text says so, `HOW_TO_ADD` is the command that adds it."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """``offset`` from the function's start, in bytes. ``reads`` and ``writes``: whether it does so in memory."""

    offset: int
    size: int
    mnemonic: str
    operands: str
    reads: bool = False
    writes: bool = False
    jumps: bool = False
    calls: bool = False

    @property
    def text(self) -> str:
        """Mnemonic and operands, as a disassembler writes them."""
        return f"{self.mnemonic} {self.operands}".rstrip()


@dataclass(frozen=True, slots=True)
class Function:
    """One function of an object file. ``architecture``: ``x86-64`` or ``aarch64``; ``size`` in bytes.

    ``problem``: what could not be disassembled, None when all was.
    """

    name: str
    architecture: str
    size: int
    instructions: tuple[Instruction, ...]
    problem: str | None = None


def disassemble(data: bytes) -> list[Function]:
    """The functions of an object file, in the order of their symbols.

    Raises ExtraMissing without the extra, ValueError for bytes that are no object file of a known architecture.
    """
    try:
        import capstone
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ImportError as error:
        raise ExtraMissing(f"no disassembler ({error.name}): {HOW_TO_ADD}") from error
    try:
        file = ELFFile(io.BytesIO(data))
        names = {"EM_X86_64": "x86-64", "EM_AARCH64": "aarch64"}
        architecture = names.get(file["e_machine"])
        if architecture is None:
            raise ValueError(f"machine code for {file['e_machine']} is not read")
        engine = _engine(capstone, architecture)
        return [
            _function(capstone, engine, architecture, name, code, targets) for name, code, targets in _symbols(file)
        ]
    except ValueError:
        raise
    except Exception as error:  # pyelftools and construct raise many kinds for damaged bytes
        kind = "no ELF file" if isinstance(error, ELFError) else f"a damaged object file ({type(error).__name__})"
        raise ValueError(f"{kind}: {error}") from error


def _engine(capstone: Any, architecture: str) -> Any:
    if architecture == "x86-64":
        engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    else:
        # Named ARM64 before Capstone 6.
        arm = getattr(capstone, "CS_ARCH_AARCH64", None) or capstone.CS_ARCH_ARM64
        engine = capstone.Cs(arm, capstone.CS_MODE_LITTLE_ENDIAN)
    engine.detail = True
    return engine


def _symbols(file: Any) -> list[tuple[str, bytes, dict[int, str]]]:
    """Name, code and call targets by offset of each function symbol."""
    table = file.get_section_by_name(".symtab")
    if table is None:
        return []
    places = _relocations(file, table)
    found = []
    for symbol in table.iter_symbols():
        if symbol["st_info"]["type"] != "STT_FUNC" or not isinstance(symbol["st_shndx"], int):
            continue
        section = file.get_section(symbol["st_shndx"])
        start, size = symbol["st_value"], symbol["st_size"]
        code = section.data()[start : start + size]
        targets = {
            place - start: name
            for place, name in places.get(symbol["st_shndx"], {}).items()
            if start <= place < start + size
        }
        found.append((symbol.name, code, targets))
    return found


def _relocations(file: Any, table: Any) -> dict[int, dict[int, str]]:
    """Names by place, by number of the section that they are filled into."""
    found: dict[int, dict[int, str]] = {}
    for section in file.iter_sections():
        if section["sh_type"] not in ("SHT_RELA", "SHT_REL"):
            continue
        into = found.setdefault(section["sh_info"], {})
        for each in section.iter_relocations():
            name = table.get_symbol(each["r_info_sym"]).name
            if name:
                into[each["r_offset"]] = name
    return found


def _function(
    capstone: Any, engine: Any, architecture: str, name: str, code: bytes, targets: dict[int, str]
) -> Function:
    found: list[Instruction] = []
    end = 0
    for raw in engine.disasm(code, 0):
        if len(found) == _MOST_INSTRUCTIONS:
            break
        reads, writes = _memory(raw.mnemonic, raw.op_str, architecture)
        called = next((targets[at] for at in range(raw.address, raw.address + raw.size) if at in targets), None)
        found.append(
            Instruction(
                raw.address,
                raw.size,
                raw.mnemonic,
                raw.op_str if called is None else f"{raw.op_str} <{called}>",
                reads,
                writes,
                raw.group(capstone.CS_GRP_JUMP),
                raw.group(capstone.CS_GRP_CALL) or raw.mnemonic in ("bl", "blr"),
            )
        )
        end = raw.address + raw.size
    problem = None if end == len(code) else f"{len(code) - end} bytes from offset {end} on were not disassembled"
    return Function(name, architecture, len(code), tuple(found), problem)


# These read what their first operand names, or go there.
_READS_FIRST = frozenset({"cmp", "test", "push", "call", "jmp", "bt", "mul", "imul", "div", "idiv"})


def _memory(mnemonic: str, operands: str, architecture: str) -> tuple[bool, bool]:
    """Whether an instruction reads, and writes, memory; by its text (Capstone's flags call AVX stores loads)."""
    if architecture == "aarch64":
        return mnemonic.startswith("ld"), mnemonic.startswith("st")
    if "[" not in operands or mnemonic in ("lea", "nop") or mnemonic.startswith("prefetch"):
        return False, False
    first = operands[: operands.index(",")] if "," in operands else operands
    if "[" not in first or mnemonic in _READS_FIRST or "comis" in mnemonic:
        return True, False
    return not mnemonic.startswith(("mov", "vmov", "set", "vextract", "vpextr", "vcvtps2ph", "pop")), True
