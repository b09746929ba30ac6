"""Estimates of an instruction's work from its shapes: floating-point operations and bytes moved.

An addition and an exponential both count as one operation, a multiply-add as two. Bytes are those of operands and
result, each once: what must be moved if nothing stays in a cache. Where a number is not defined the answer is None.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from xlascope.ir.hlo import HloComputation, HloInstruction, HloModule
from xlascope.ir.shapes import Shape, parse_shape

_ONE_EACH_NAMES = """
    abs acos acosh add and asin asinh atan2 atanh cbrt ceil clamp count-leading-zeros compare complex convert
    cosh cosine divide erf exponential
    exponential-minus-one floor imag is-finite log log-plus-one logistic maximum minimum multiply negate not or
    popcnt power real reduce-precision remainder round-nearest-afz round-nearest-even rsqrt select shift-left
    shift-right-arithmetic shift-right-logical sign sine sinh sqrt stochastic-convert subtract tan tanh xor
"""
_ONE_EACH = frozenset(_ONE_EACH_NAMES.split())
_NO_WORK_NAMES = """
    add-dependency after-all all-gather all-gather-done all-gather-start all-reduce-done all-to-all
    async-done async-update bitcast bitcast-convert broadcast collective-broadcast collective-permute
    collective-permute-done collective-permute-start concatenate constant copy copy-done copy-start domain
    dynamic-reshape dynamic-slice dynamic-update-slice gather get-dimension-size get-tuple-element iota
    opt-barrier pad parameter partition-id ragged-all-to-all replica-id reshape reverse
    set-dimension-size slice transpose tuple
"""
_NO_WORK = frozenset(_NO_WORK_NAMES.split())
# Nothing is moved for these: they name values that are there already.
_NO_BYTES_NAMES = """
    add-dependency after-all bitcast constant domain get-tuple-element opt-barrier parameter
    partition-id replica-id tuple
"""
_NO_BYTES = frozenset(_NO_BYTES_NAMES.split())
_SLICING = frozenset({"slice", "dynamic-slice", "gather"})
_INTEGER = re.compile(r"-?\d{1,18}")
# Computations deeper than this in each other are left uncounted: real ones are not, and the stack is not endless.
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Cost:
    """``flops`` and ``bytes`` of one execution; None where they are not known."""

    flops: int | None
    bytes: int | None


def cost(instruction: HloInstruction, module: HloModule) -> Cost:
    """Estimated work of an instruction; a fusion's is that of its members, a loop's that of all its turns if known."""
    return Cost(flops(instruction, module), moved_bytes(instruction, module))


def flops(instruction: HloInstruction, module: HloModule) -> int | None:
    """Operations of one execution; None for custom calls, loops of unknown length and the like."""
    return _flops(instruction, module, 0)


def _flops(instruction: HloInstruction, module: HloModule, depth: int) -> int | None:
    opcode = instruction.opcode
    if opcode in _NO_WORK:
        return 0
    shape = parse_shape(instruction.shape)
    if shape is None:
        return None
    if opcode in _ONE_EACH:
        return shape.size
    if opcode == "dot":
        return _dot_flops(instruction, shape)
    if opcode == "convolution":
        return _convolution_flops(instruction, shape)
    if opcode in ("reduce", "all-reduce", "reduce-scatter", "reduce-window", "map", "scatter", "select-and-scatter"):
        return _applied_flops(instruction, module, shape, depth)
    if opcode in ("fusion", "call", "while"):
        return _called_flops(instruction, module, depth)
    return None


def operand_shape(instruction: HloInstruction, position: int) -> Shape | None:
    """Shape of an operand, as its producer in the same computation gives it."""
    references = instruction.operand_refs
    if not -len(references) <= position < len(references):
        return None
    name, index = references[position]
    producer = instruction.computation.get(name)
    shape = parse_shape(producer.shape) if producer is not None else None
    return shape.element(index) if shape is not None else None


def integers(text: str | None) -> tuple[int, ...]:
    """The whole numbers of an attribute's text: ``{1,2}`` gives 1, 2."""
    return tuple(int(number) for number in _INTEGER.findall(text or ""))


def _dot_flops(instruction: HloInstruction, shape: Shape) -> int | None:
    left = operand_shape(instruction, 0)
    if left is None or shape.size is None:
        return None
    sizes = []
    for dimension in integers(instruction.attributes.get("lhs_contracting_dims")):
        if not 0 <= dimension < len(left.dims) or left.dims[dimension] is None:
            return None
        sizes.append(left.dims[dimension])
    return 2 * shape.size * math.prod(size for size in sizes if size is not None)


def _convolution_flops(instruction: HloInstruction, shape: Shape) -> int | None:
    """Two operations for each output element and each kernel element that feeds it (padding counted as data)."""
    kernel = operand_shape(instruction, 1)
    labels = re.fullmatch(r"([0-9a-z?]+)_([0-9a-z?]+)->([0-9a-z?]+)", instruction.attributes.get("dim_labels", ""))
    if kernel is None or labels is None or kernel.size is None or shape.size is None:
        return None
    outputs = labels.group(2).find("o")
    if not 0 <= outputs < len(kernel.dims) or not kernel.dims[outputs]:
        return None
    # The kernel's input-feature dimension is already that of one group.
    return 2 * shape.size * (kernel.size // (kernel.dims[outputs] or 1))


def _applied_flops(instruction: HloInstruction, module: HloModule, shape: Shape, depth: int) -> int | None:
    """How often the applied computation runs, times its own operations."""
    names = [name for found in instruction.called.values() for name in found]
    inner = [_computation_flops(name, module, depth + 1) for name in names]
    each = None if not inner or None in inner else sum(part for part in inner if part is not None)
    source = operand_shape(instruction, 0)
    result = shape.elements[0] if shape.elements else shape
    if instruction.opcode == "all-reduce":
        sizes = [element.size for element in shape.elements or (shape,)]
        return None if each is None or None in sizes else each * sum(size for size in sizes if size is not None)
    if each is None or source is None or source.size is None or result.size is None:
        return None
    if instruction.opcode == "reduce":
        return each * max(source.size - result.size, 0)
    if instruction.opcode == "map":
        return each * result.size
    if instruction.opcode == "reduce-scatter":
        return each * source.size
    if instruction.opcode == "scatter":
        updates = operand_shape(instruction, len(instruction.operand_refs) - 1)
        return each * updates.size if updates is not None and updates.size is not None else None
    if instruction.opcode == "reduce-window":
        window = re.search(r"size=([\dx]+)", instruction.attributes.get("window", ""))
        return each * result.size * (math.prod(integers(window.group(1))) - 1) if window else None
    return None


def _called_flops(instruction: HloInstruction, module: HloModule, depth: int) -> int | None:
    called = instruction.called
    names = [name for role in ("calls", "to_apply", "body", "condition") for name in called.get(role, ())]
    parts = [_computation_flops(name, module, depth + 1) for name in names]
    if not parts or None in parts:
        return None
    total = sum(part for part in parts if part is not None)
    if instruction.opcode != "while":
        return total
    return total * instruction.trip_count if instruction.trip_count is not None else None


def _computation_flops(name: str, module: HloModule, depth: int) -> int | None:
    key = ("flops", name)
    if key not in module.counted:
        module.counted[key] = None  # what one that calls itself finds
        module.counted[key] = _sum_flops(module.computation(name), module, depth)
    return module.counted[key]


def _sum_flops(computation: HloComputation | None, module: HloModule, depth: int) -> int | None:
    if computation is None or depth > _DEEPEST:
        return None
    total = 0
    for member in computation.instructions:
        part = _flops(member, module, depth)
        if part is None:
            return None
        total += part
    return total


def moved_bytes(instruction: HloInstruction, module: HloModule) -> int | None:
    """Bytes of operands and result. Of what is only sliced, and of what is updated in place, only the piece counts."""
    opcode = instruction.opcode
    if opcode in _NO_BYTES:
        return 0
    if opcode in ("while", "call", "conditional") or opcode.endswith(("-done", "-update")):
        return None
    shape = parse_shape(instruction.shape)
    result = shape.bytes if shape is not None else None
    if result is None:
        return None
    if opcode in _SLICING:
        return 2 * result
    if opcode == "dynamic-update-slice":
        update = operand_shape(instruction, 1)
        return 2 * update.bytes if update is not None and update.bytes is not None else None
    if opcode == "fusion":
        return _fusion_bytes(instruction, module, result)
    parts = [_shape_bytes(operand_shape(instruction, position)) for position in range(len(instruction.operand_refs))]
    return None if None in parts else result + sum(part for part in parts if part is not None)


def _shape_bytes(shape: Shape | None) -> int | None:
    return None if shape is None else shape.bytes


def _fusion_bytes(instruction: HloInstruction, module: HloModule, result: int) -> int | None:
    names = instruction.called.get("calls", ())
    body = module.computation(names[0]) if names else None
    if body is None:
        return None
    total = 0
    for parameter in body.parameters:
        part = _parameter_bytes(parameter)
        if part is None:
            return None
        total += part
    root = body.root
    if root is not None and root.opcode == "dynamic-update-slice":
        update = _shape_bytes(operand_shape(root, 1))
        return None if update is None else total + update
    return total + result


def _parameter_bytes(parameter: HloInstruction) -> int | None:
    """Bytes read of a fusion's parameter: the pieces when all its users take pieces, else the whole."""
    whole = _shape_bytes(parse_shape(parameter.shape))
    users = parameter.computation.users(parameter.name)
    if not users or whole is None:
        return whole
    pieces = 0
    for user in users:
        first = user.operands[0] == parameter.name and parameter.name not in user.operands[1:]
        if first and user.opcode in _SLICING:
            pieces += _shape_bytes(parse_shape(user.shape)) or 0
        elif not (first and user.opcode == "dynamic-update-slice" and user.is_root):
            return whole
    return min(pieces, whole)
