"""Operations that only move data or name what is there: shapes, layouts, pieces, constants, arguments."""

from __future__ import annotations

import re

from xlascope.ir.cost import integers, operand_shape
from xlascope.ir.explain import sentences
from xlascope.ir.explain.words import dims, giving, many, name_of, operand, user_name
from xlascope.ir.fusions import is_scalar_broadcast
from xlascope.ir.hlo import HloInstruction, HloModule
from xlascope.ir.shapes import parse_shape, short_shape

_LAYOUT = re.compile(r"\{([\d,]*)")
_RANGE = re.compile(r"\[(-?\d+):(-?\d+)(?::(-?\d+))?\]")
_LONGEST_LITERAL = 40


def broadcast(instruction: HloInstruction, module: HloModule) -> str:
    """A value repeated along new dimensions."""
    if is_scalar_broadcast(instruction):
        source = instruction.computation.get(instruction.operands[0]) if instruction.operands else None
        value = source.operand_text.strip() if source is not None and source.opcode == "constant" else ""
        what = f"the value {value}" if 0 < len(value) <= _LONGEST_LITERAL else "one value"
        return f"fills {short_shape(instruction.shape)} with {what}"
    own = integers(instruction.attributes.get("dimensions"))
    become = f"its {'dim becomes' if len(own) == 1 else 'dims become'} {dims(own)} of {short_shape(instruction.shape)}"
    return f"repeats {operand(instruction, 0)} along new dimensions, {become}"


def transpose(instruction: HloInstruction, module: HloModule) -> str:
    """Dimensions in another order."""
    order = integers(instruction.attributes.get("dimensions"))
    return sentences.transposed(operand(instruction, 0), order, short_shape(instruction.shape))


def constant(instruction: HloInstruction, module: HloModule) -> str:
    """A literal, written out where it is short."""
    value = instruction.operand_text.strip()
    shown = f": {value}" if len(value) <= _LONGEST_LITERAL else ""
    return f"a constant {short_shape(instruction.shape)}{shown}"


def parameter(instruction: HloInstruction, module: HloModule) -> str:
    """An argument of the program or of a computation."""
    number = instruction.parameter_number
    count = "?" if number is None else number
    if instruction.computation.is_entry:
        named = f", {instruction.op_name}" if instruction.op_name else ""
        return f"the program's argument {count}{named}, {short_shape(instruction.shape)}"
    text = f"the computation's argument {count}, {short_shape(instruction.shape)}"
    name = user_name(instruction)
    callers = module.callers(instruction.computation.name)
    if name is not None:
        return f"{text}: {name} of the program"
    if len(callers) == 1 and number is not None and callers[0].opcode in ("fusion", "call"):
        given = callers[0].operands
        return f"{text}: {given[number]} of {callers[0].name}" if number < len(given) else text
    return text


def get_tuple_element(instruction: HloInstruction, module: HloModule) -> str:
    """One element of a tuple."""
    name = instruction.operands[0] if instruction.operands else "?"
    index = instruction.attributes.get("index", "?")
    return f"element {index} of {name}, {short_shape(instruction.shape)}; moves no data"


def tuple_(instruction: HloInstruction, module: HloModule) -> str:
    """Values put into a tuple."""
    count = len(instruction.operands)
    return f"groups {count} value{'' if count == 1 else 's'}; moves no data"


def bitcast(instruction: HloInstruction, module: HloModule) -> str:
    """The same bytes under another shape."""
    return f"reads the same bytes of {operand(instruction, 0)} as {short_shape(instruction.shape)}; moves no data"


def layout_words(layout: str) -> str:
    """``{0,1}`` in words: which dimension lies closest in memory. The text itself for a layout of another form."""
    match = _LAYOUT.match(layout)
    order = integers(match.group(1)) if match else ()
    if not order:
        return layout or "the default"
    name = "row-major" if list(order) == sorted(order, reverse=True) else f"dim {order[0]} closest together"
    return f"{name} {layout}"


def copy(instruction: HloInstruction, module: HloModule) -> str:
    """A copy, with another layout or in another memory where that is so."""
    source = instruction.computation.get(instruction.operands[0]) if instruction.operands else None
    old = parse_shape(source.shape) if source is not None else None
    new = parse_shape(instruction.shape)
    if new is not None and new.elements:
        new = new.elements[0]  # a copy-start gives target, source, context
    started = "starts copying" if instruction.opcode == "copy-start" else "copies"
    if old is not None and new is not None and old.layout != new.layout:
        return (
            f"{started} {operand(instruction, 0)} into another layout: "
            f"{layout_words(old.layout)} to {layout_words(new.layout)}"
        )
    return f"{started} {operand(instruction, 0)}"


def slice_(instruction: HloInstruction, module: HloModule) -> str:
    """A part at fixed places."""
    text = instruction.attributes.get("slice", "")
    parts, source = _RANGE.findall(text), operand_shape(instruction, 0)
    told = []
    for dimension, (start, stop, step) in enumerate(parts):
        size = source.dims[dimension] if source is not None and dimension < len(source.dims) else None
        if size is not None and (start, stop) == ("0", str(size)) and step in ("", "1"):
            continue
        every = f", every {step}." if step not in ("", "1") else ""
        told.append(f"dim {dimension} from {start} to before {stop}{every}")
    where = "; ".join(told) if parts else text or "?"
    return f"takes {short_shape(instruction.shape)} out of {operand(instruction, 0)}" + (f": {where}" if where else "")


def _places(instruction: HloInstruction, first: int) -> str:
    names = [name_of(instruction, position) for position in range(first, len(instruction.operands))]
    shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
    return f"at {shown}, computed at run time" if names else "at a place computed at run time"


def dynamic_slice(instruction: HloInstruction, module: HloModule) -> str:
    """A part at places that are computed."""
    return f"takes {short_shape(instruction.shape)} out of {operand(instruction, 0)} {_places(instruction, 1)}"


def dynamic_update_slice(instruction: HloInstruction, module: HloModule) -> str:
    """A part overwritten at places that are computed."""
    return f"writes {operand(instruction, 1)} into {operand(instruction, 0)} {_places(instruction, 2)}"


def gather(instruction: HloInstruction, module: HloModule) -> str:
    """Parts taken at indices."""
    sizes = instruction.attributes.get("slice_sizes", "?")
    along = integers(instruction.attributes.get("start_index_map"))
    where = f" into {dims(along)}" if along else ""
    return (
        f"picks pieces of size {sizes} from {operand(instruction, 0)} at the indices {operand(instruction, 1)}{where}, "
        f"{giving(instruction)}"
    )


def pad(instruction: HloInstruction, module: HloModule) -> str:
    """Elements added around and in between."""
    told = []
    for dimension, part in enumerate(instruction.attributes.get("padding", "").split("x")):
        numbers = part.split("_")
        if len(numbers) >= 2 and any(number.strip() not in ("0", "") for number in numbers):
            inner = f", {numbers[2]} between" if len(numbers) > 2 and numbers[2] != "0" else ""
            told.append(f"dim {dimension}: {numbers[0]} before, {numbers[1]} after{inner}")
    border = "; ".join(told) or "of nothing"
    return f"adds a border of {name_of(instruction, 1)} to {operand(instruction, 0)} ({border}), {giving(instruction)}"


def concatenate(instruction: HloInstruction, module: HloModule) -> str:
    """Arrays joined."""
    along = integers(instruction.attributes.get("dimensions"))
    return sentences.joined(len(instruction.operands), dims(along), short_shape(instruction.shape))


def reshape(instruction: HloInstruction, module: HloModule) -> str:
    """The same elements under another shape."""
    return sentences.reshaped(operand(instruction, 0), short_shape(instruction.shape))


def reverse(instruction: HloInstruction, module: HloModule) -> str:
    """Elements in reverse order."""
    return sentences.reversed_along(operand(instruction, 0), dims(integers(instruction.attributes.get("dimensions"))))


def iota(instruction: HloInstruction, module: HloModule) -> str:
    """Numbers counted along a dimension."""
    return sentences.counted_along(instruction.attributes.get("iota_dimension", "?"), short_shape(instruction.shape))


def rng(instruction: HloInstruction, module: HloModule) -> str:
    """Random numbers of a distribution."""
    kind = instruction.attributes.get("distribution", "").removeprefix("rng_")
    return f"random numbers{f', {kind}' if kind else ''}, {many(instruction)}"


def rng_bits(instruction: HloInstruction, module: HloModule) -> str:
    """Random bits from a state."""
    algorithm = instruction.attributes.get("algorithm", "").removeprefix("rng_").replace("_", " ")
    how = f" by {algorithm}" if algorithm else ""
    return f"random bits{how} from the state {operand(instruction, 0)}, {giving(instruction)}"


def rng_state(instruction: HloInstruction, module: HloModule) -> str:
    """The device's own random state."""
    return f"the device's random state, moved on by {instruction.attributes.get('delta', '?')}"


def dimension_size(instruction: HloInstruction, module: HloModule) -> str:
    """The size of a dynamic dimension, read or set."""
    along = dims(integers(instruction.attributes.get("dimensions")))
    if instruction.opcode == "set-dimension-size":
        return f"says that {along} of {operand(instruction, 0)} has {name_of(instruction, 1)} valid elements"
    return f"the number of valid elements along {along} of {operand(instruction, 0)}"


TELLERS = {
    "broadcast": broadcast,
    "transpose": transpose,
    "constant": constant,
    "parameter": parameter,
    "get-tuple-element": get_tuple_element,
    "tuple": tuple_,
    "bitcast": bitcast,
    "bitcast-convert": bitcast,
    "copy": copy,
    "copy-start": copy,
    "slice": slice_,
    "dynamic-slice": dynamic_slice,
    "dynamic-update-slice": dynamic_update_slice,
    "gather": gather,
    "pad": pad,
    "concatenate": concatenate,
    "reshape": reshape,
    "dynamic-reshape": reshape,
    "reverse": reverse,
    "iota": iota,
    "rng": rng,
    "rng-bit-generator": rng_bits,
    "rng-get-and-update-state": rng_state,
    "get-dimension-size": dimension_size,
    "set-dimension-size": dimension_size,
}
