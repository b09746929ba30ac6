"""Control: fusions, loops, branches, calls, tokens, barriers."""

from __future__ import annotations

import re
from collections import Counter

from xlascope.ir.explain.words import giving, operand, quoted
from xlascope.ir.fusions import fusion_library, is_scalar_broadcast, real_members
from xlascope.ir.hlo import HloInstruction, HloModule
from xlascope.ir.shapes import parse_shape

_FUSION_KINDS = {
    "kLoop": "one loop over the output",
    "kInput": "built around a reduction of its input",
    "kOutput": "built around a dot or convolution, the rest applied to its output",
    "kCustom": "handed to a specialised kernel",
}
LIBRARIES = {
    "ynn": "YNNPACK",
    "xnn": "XNNPACK",
    "onednn": "oneDNN",
    "mkldnn": "oneDNN",
    "cudnn": "cuDNN",
    "cublas": "cuBLAS",
}
_CONFIG_KIND = re.compile(r'"kind"\s*:\s*"(__triton[^"]*|__cudnn[^"]*|__custom_fusion[^"]*)"')
_TILES = re.compile(r'"output_tiles"\s*:\s*\[\s*\{\s*"sizes"\s*:\s*\[([^\]]*)\]')
_NOT_TOLD = ("parameter", "constant", "tuple", "get-tuple-element", "bitcast")
_SHOWN = 6
_LONGEST_LITERAL = 40


def fusion(instruction: HloInstruction, module: HloModule) -> str:
    """What a fusion computes, by its members."""
    members = real_members(instruction, module)
    if not members and (moved := _moved(instruction, module)):
        return moved
    opcodes = [
        member.opcode
        for name in instruction.called.get("calls", ())
        if (computation := module.computation(name)) is not None
        for member in computation.instructions
        if member.opcode not in _NOT_TOLD and not is_scalar_broadcast(member)
    ]
    shown = ", ".join(_counted(opcodes))
    alone = "one kernel for a single operation, which is not counted as a fusion"
    one = alone if members == 1 else f"{members} operations in one kernel"
    how = _how(instruction)
    return ": ".join(part for part in (", ".join(part for part in (one, how) if part), shown) if part)


def _moved(instruction: HloInstruction, module: HloModule) -> str:
    """Of a fusion that computes nothing: what it moves. Empty where that is not one broadcast."""
    bodies = [module.computation(name) for name in instruction.called.get("calls", ())]
    spread = [each for body in bodies if body is not None for each in body.instructions if is_scalar_broadcast(each)]
    if len(spread) != 1:
        return ""
    source = spread[0].computation.get(spread[0].operands[0]) if spread[0].operands else None
    if source is not None and source.opcode == "parameter" and source.parameter_number is not None:
        number, given = source.parameter_number, instruction.operands
        source = instruction.computation.get(given[number]) if number < len(given) else None
    literal = source.operand_text.strip() if source is not None and source.opcode == "constant" else ""
    value = literal if 0 < len(literal) <= _LONGEST_LITERAL else source.name if source is not None else "one value"
    how = _how(instruction)
    how = f", {how}" if how else ""
    return f"broadcast of {value}, {giving(instruction)}: one kernel, which is not counted as a fusion{how}"


def _counted(opcodes: list[str]) -> list[str]:
    """Opcodes in their order, neighbours of a kind counted, of many only the first."""
    if len(opcodes) <= _SHOWN:
        return opcodes
    counts = Counter(opcodes)
    told = [f"{opcode} ×{count}" if count > 1 else opcode for opcode, count in counts.items()]
    if len(told) <= _SHOWN:
        return told
    left = sum(list(counts.values())[_SHOWN:])
    return [*told[:_SHOWN], f"{left} more"]


def _how(instruction: HloInstruction) -> str:
    library = fusion_library(instruction)
    config = instruction.backend_config or ""
    kernel = _CONFIG_KIND.search(config)
    if kernel and kernel.group(1).startswith("__triton"):
        tiles = _TILES.search(config)
        sizes = " x ".join(re.findall(r"\d+", tiles.group(1))) if tiles else ""
        return "compiled by Triton" + (f" in tiles of {sizes}" if sizes else "")
    if library:
        return f"handed to the library {LIBRARIES.get(library, library)}"
    return _FUSION_KINDS.get(instruction.fusion_kind or "", "")


def while_(instruction: HloInstruction, module: HloModule) -> str:
    """A loop: its turns and what it carries."""
    shape = parse_shape(instruction.shape)
    carried = f", carrying {len(shape.elements)} values" if shape is not None and shape.elements is not None else ""
    turns = f"{instruction.trip_count:,} times" if instruction.trip_count is not None else "until its condition fails"
    body = instruction.called.get("body", ("?",))
    return f"runs {', '.join(body)} {turns}{carried}"


def conditional(instruction: HloInstruction, module: HloModule) -> str:
    """A choice between computations."""
    called = instruction.called
    if "branch_computations" in called:
        names = list(called["branch_computations"])
        chosen = f"{', '.join(names[:4])}{', …' if len(names) > 4 else ''}"
        return f"runs one of {len(names)} branches ({chosen}), chosen by {operand(instruction, 0)}"
    yes, no = called.get("true_computation", ("?",)), called.get("false_computation", ("?",))
    return f"runs one of 2 branches, chosen by {operand(instruction, 0)}: {yes[0]} when true, else {no[0]}"


def call(instruction: HloInstruction, module: HloModule) -> str:
    """A call of a computation."""
    names = [name for found in instruction.called.values() for name in found]
    one = "; XLA executes it as one operation, so that nothing inside has a time" if instruction.runs_as_one else ""
    return f"runs the computation {', '.join(names) or '?'} once, {giving(instruction)}{one}"


def barrier(instruction: HloInstruction, module: HloModule) -> str:
    """An optimization barrier."""
    count = len(instruction.operands)
    return f"keeps {count} value{'' if count == 1 else 's'} as they are: XLA may not optimize across it; moves no data"


def after_all(instruction: HloInstruction, module: HloModule) -> str:
    """A token made of others."""
    count = len(instruction.operands)
    after = f" after {count} other{'' if count == 1 else 's'}" if count else ""
    return f"a token that orders side effects{after}; moves no data"


def add_dependency(instruction: HloInstruction, module: HloModule) -> str:
    """A value that waits for another."""
    return f"{operand(instruction, 0)}, not before {operand(instruction, 1)} is there; moves no data"


def domain(instruction: HloInstruction, module: HloModule) -> str:
    """A change of sharding."""
    return f"marks where the sharding of {operand(instruction, 0)} changes; moves no data"


def feed(instruction: HloInstruction, module: HloModule) -> str:
    """`infeed` and `outfeed`."""
    if instruction.opcode == "infeed":
        return f"takes values that the host has queued, {giving(instruction)}"
    return f"queues {operand(instruction, 0)} for the host"


def transfer(instruction: HloInstruction, module: HloModule) -> str:
    """`send`, `recv` and their ends."""
    channel = quoted(instruction.attributes.get("channel_id", "?"))
    host = " the host" if instruction.attributes.get("is_host_transfer") == "true" else " another device"
    if instruction.opcode == "send":
        return f"sends {operand(instruction, 0)} to{host} over channel {channel}"
    return f"receives from{host} over channel {channel}, {giving(instruction)}"


TELLERS = {
    "fusion": fusion,
    "while": while_,
    "conditional": conditional,
    "call": call,
    "opt-barrier": barrier,
    "after-all": after_all,
    "add-dependency": add_dependency,
    "domain": domain,
    "infeed": feed,
    "outfeed": feed,
    "send": transfer,
    "recv": transfer,
}
