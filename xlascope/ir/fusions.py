"""Counting fusions by what they really fuse: the check that a fusion switch did what it says."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from xlascope.ir.hlo import HloComputation, HloInstruction, HloModule

# Members that do no work of their own: XLA needs them to write the fusion down.
_NOT_REAL = frozenset({"parameter", "constant", "tuple", "get-tuple-element", "bitcast"})
_DEEPEST = 64
_CONFIG_KIND = re.compile(r'"fusion_config"\s*:\s*\{[^{}]*"kind"\s*:\s*"([^"]*)"')
_LIBRARY = re.compile(r"ynn|xnn|onednn|cudnn|cublas|mkldnn|dot[-_]library", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fusion:
    """A fusion instruction. ``kind`` is HLO's (kLoop…), ``library`` the library that runs it, or None."""

    name: str
    kind: str
    library: str | None
    members: int


@dataclass(frozen=True, slots=True)
class FusionSummary:
    """All fusion instructions outside of other fusions, in the order of the text."""

    fusions: tuple[Fusion, ...]

    @property
    def multi(self) -> tuple[Fusion, ...]:
        """Those with two or more real members."""
        return tuple(fusion for fusion in self.fusions if fusion.members >= 2)

    @property
    def count(self) -> int:
        """How many fusions have two or more real members."""
        return len(self.multi)

    @property
    def by_kind(self) -> dict[str, int]:
        """Fusions with two or more real members, by HLO kind, library fusions left out."""
        return dict(Counter(fusion.kind for fusion in self.multi if fusion.library is None))

    @property
    def library(self) -> dict[str, int]:
        """Library fusions with two or more real members, by library."""
        return dict(Counter(fusion.library for fusion in self.multi if fusion.library is not None))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fusions with two or more real members."""
        return tuple(fusion.name for fusion in self.multi)

    @property
    def one_op(self) -> int:
        """Fusions with at most one real member (``wrapped_*`` and the like), which do not count."""
        return len(self.fusions) - self.count


def is_real_member(instruction: HloInstruction) -> bool:
    """True for a member that does work: no parameter, constant, tuple plumbing, bitcast, broadcast of a scalar."""
    if instruction.opcode in _NOT_REAL:
        return False
    return not is_scalar_broadcast(instruction)


def members_of(computation: HloComputation) -> int:
    """How many real members a computation has itself, those of fusions in it left out."""
    opcodes = computation.opcodes
    spread = [index for index, opcode in enumerate(opcodes) if opcode == "broadcast"]
    scalars = sum(is_scalar_broadcast(computation.instructions[index]) for index in spread)
    return sum(opcode not in _NOT_REAL for opcode in opcodes) - scalars


def is_scalar_broadcast(instruction: HloInstruction) -> bool:
    """True for a broadcast whose operand is a scalar."""
    return instruction.opcode == "broadcast" and instruction.attributes.get("dimensions", "{}") == "{}"


def real_members(instruction: HloInstruction, module: HloModule) -> int:
    """Real members of a fusion, those of fusions inside of it included."""
    return sum(_count(name, module, 0) for name in instruction.called.get("calls", ()))


def _count(name: str, module: HloModule, depth: int) -> int:
    """Real members of a fused computation; 0 for one that is missing, holds itself, or lies deeper than any does."""
    key = ("members", name)
    if key not in module.counted:
        module.counted[key] = 0
        computation = module.computation(name) if depth <= _DEEPEST else None
        total = 0
        for member in computation.instructions if computation else ():
            if member.opcode == "fusion":
                total += sum(_count(inner, module, depth + 1) for inner in member.called.get("calls", ()))
            elif is_real_member(member):
                total += 1
        module.counted[key] = total
    return module.counted[key] or 0


def fusion_library(instruction: HloInstruction) -> str | None:
    """The library a custom fusion hands its work to (``ynn``, ``onednn``, ``cudnn``…), else None."""
    if instruction.fusion_kind != "kCustom":
        return None
    config = _CONFIG_KIND.search(instruction.backend_config or "")
    match = _LIBRARY.search(config.group(1) if config else instruction.name)
    return match.group(0).lower() if match else None


def fusion_summary(module: HloModule) -> FusionSummary:
    """Every fusion instruction that is not inside of another fusion."""
    inside = fusion_computations(module)
    found = [
        Fusion(
            instruction.name,
            instruction.fusion_kind or "",
            fusion_library(instruction),
            real_members(instruction, module),
        )
        for computation in module.computations
        if computation.name not in inside
        for instruction in computation.instructions
        if instruction.opcode == "fusion"
    ]
    return FusionSummary(tuple(found))


def fusion_computations(module: HloModule) -> frozenset[str]:
    """Names of the computations that are the body of a fusion."""
    return frozenset(name for instruction in module.of_opcode("fusion") for name in instruction.called.get("calls", ()))
