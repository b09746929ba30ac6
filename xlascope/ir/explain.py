"""One sentence in plain words on what an instruction does, with its own shapes and attributes."""

from __future__ import annotations

import re
from collections.abc import Callable

from xlascope.ir.collectives import parse_groups
from xlascope.ir.cost import integers, operand_shape
from xlascope.ir.fusions import fusion_library, is_real_member, is_scalar_broadcast, real_members
from xlascope.ir.hlo import HloInstruction, HloModule
from xlascope.ir.shapes import Shape, parse_shape, short_shape

_ELEMENTWISE = {
    "abs": "absolute value |x|",
    "add": "a + b",
    "and": "bitwise or logical and",
    "atan2": "angle of the point (b, a)",
    "cbrt": "cube root",
    "ceil": "rounding up",
    "clamp": "each value kept between a lower and an upper bound",
    "cosine": "cos x",
    "divide": "a / b",
    "erf": "the error function",
    "exponential": "e^x",
    "exponential-minus-one": "e^x - 1",
    "floor": "rounding down",
    "imag": "the imaginary part",
    "is-finite": "whether x is neither infinite nor NaN",
    "log": "ln x",
    "log-plus-one": "ln(1 + x)",
    "logistic": "the sigmoid 1 / (1 + e^-x)",
    "maximum": "the larger of a and b",
    "minimum": "the smaller of a and b",
    "multiply": "a * b",
    "negate": "-x",
    "not": "bitwise or logical not",
    "or": "bitwise or logical or",
    "popcnt": "number of bits that are set",
    "power": "a to the power b",
    "real": "the real part",
    "remainder": "remainder of a / b",
    "round-nearest-afz": "rounding, halves away from zero",
    "round-nearest-even": "rounding, halves to even",
    "rsqrt": "1 / sqrt(x)",
    "select": "b where the condition holds, else c",
    "shift-left": "bits shifted left",
    "shift-right-arithmetic": "bits shifted right, sign kept",
    "shift-right-logical": "bits shifted right, zeros in front",
    "sign": "sign of x",
    "sine": "sin x",
    "sqrt": "square root",
    "subtract": "a - b",
    "tan": "tan x",
    "tanh": "tanh x",
    "xor": "bitwise or logical exclusive or",
}
_DIRECTIONS = {"EQ": "=", "NE": "≠", "LT": "<", "LE": "≤", "GT": ">", "GE": "≥"}
_FUSION_KINDS = {
    "kLoop": "one loop over the output",
    "kInput": "built around a reduction of its input",
    "kOutput": "built around a dot or convolution, the rest applied to its output",
    "kCustom": "handed to a specialised kernel",
}


def explain(instruction: HloInstruction, module: HloModule) -> str | None:
    """What the instruction does, and into which fusion it went; None for an opcode without an explanation."""
    opcode = instruction.opcode
    if opcode in _ELEMENTWISE:
        text = f"elementwise {_ELEMENTWISE[opcode]} on {_many(instruction)}"
    elif opcode in _TELLERS:
        text = _TELLERS[opcode](instruction, module)
    else:
        return None
    if not is_real_member(instruction):
        return text
    fused = [own.name for own in module.callers(instruction.computation.name) if own.opcode == "fusion"]
    return f"{text}; fused into {', '.join(fused)}" if fused else text


def _many(instruction: HloInstruction) -> str:
    shape = parse_shape(instruction.shape)
    if shape is None or shape.size is None:
        return short_shape(instruction.shape)
    if shape.is_scalar:
        return f"a scalar {shape.dtype}"
    return f"{shape.text}, {shape.size:,} elements"


def _operand(instruction: HloInstruction, position: int) -> str:
    """Name and shape of an operand."""
    if position >= len(instruction.operands):
        return "nothing"
    shape = operand_shape(instruction, position)
    return f"{instruction.operands[position]}" + (f" {shape.text}" if shape is not None else "")


def _sizes(shape: Shape | None, dimensions: tuple[int, ...]) -> str:
    known = [
        f"{dimension} ({shape.dims[dimension]})"
        if shape is not None and dimension < len(shape.dims)
        else str(dimension)
        for dimension in dimensions
    ]
    return ("dim " if len(known) == 1 else "dims ") + ", ".join(known)


def _dot(instruction: HloInstruction, module: HloModule) -> str:
    own = instruction.attributes
    left, right = integers(own.get("lhs_contracting_dims")), integers(own.get("rhs_contracting_dims"))
    names = [*instruction.operands, "?", "?"]
    batch = integers(own.get("lhs_batch_dims"))
    text = (
        f"contracts {_sizes(operand_shape(instruction, 0), left)} of {names[0]} with "
        f"{_sizes(operand_shape(instruction, 1), right)} of {names[1]}"
    )
    if not left:
        text = f"outer product of {names[0]} and {names[1]}"
    if batch:
        text += f", for each index of {_sizes(operand_shape(instruction, 0), batch)}"
    return f"matrix product: {text}, giving {short_shape(instruction.shape)}"


def _convolution(instruction: HloInstruction, module: HloModule) -> str:
    window = re.search(r"size=([\dx]+)", instruction.attributes.get("window", ""))
    size = f" with a window of {window.group(1)}" if window else ""
    groups = instruction.attributes.get("feature_group_count", "1")
    grouped = f", features in {groups} groups" if groups != "1" else ""
    return (
        f"slides the kernel {_operand(instruction, 1)} over {_operand(instruction, 0)}{size}{grouped}, "
        f"giving {short_shape(instruction.shape)}"
    )


def _applied(instruction: HloInstruction, module: HloModule) -> str:
    """The operation that a called computation applies: the opcode of its root."""
    for names in instruction.called.values():
        for name in names:
            computation = module.computation(name)
            if computation is not None and computation.root is not None:
                return {"add": "sum", "multiply": "product", "maximum": "maximum", "minimum": "minimum"}.get(
                    computation.root.opcode, computation.root.opcode
                )
    return "combination"


def _reduce(instruction: HloInstruction, module: HloModule) -> str:
    dimensions = integers(instruction.attributes.get("dimensions"))
    return (
        f"{_applied(instruction, module)} over {_sizes(operand_shape(instruction, 0), dimensions)} of "
        f"{_operand(instruction, 0)}, giving {short_shape(instruction.shape)}"
    )


def _reduce_window(instruction: HloInstruction, module: HloModule) -> str:
    window = re.search(r"size=([\dx]+)", instruction.attributes.get("window", ""))
    size = f" of {window.group(1)}" if window else ""
    return f"{_applied(instruction, module)} over a sliding window{size} of {_operand(instruction, 0)}"


def _broadcast(instruction: HloInstruction, module: HloModule) -> str:
    if is_scalar_broadcast(instruction):
        return f"fills {short_shape(instruction.shape)} with one value"
    dimensions = integers(instruction.attributes.get("dimensions"))
    return (
        f"repeats {_operand(instruction, 0)} along new dimensions, its own become "
        f"{_plain(dimensions)} of {short_shape(instruction.shape)}"
    )


def _plain(dimensions: tuple[int, ...]) -> str:
    return ("dim " if len(dimensions) == 1 else "dims ") + ", ".join(map(str, dimensions))


def _transpose(instruction: HloInstruction, module: HloModule) -> str:
    order = integers(instruction.attributes.get("dimensions"))
    return f"reorders the dimensions of {_operand(instruction, 0)} as {', '.join(map(str, order))}"


def _fusion(instruction: HloInstruction, module: HloModule) -> str:
    members = real_members(instruction, module)
    library = fusion_library(instruction)
    how = f"handed to the library {library}" if library else _FUSION_KINDS.get(instruction.fusion_kind or "", "")
    opcodes = [
        member.opcode
        for name in instruction.called.get("calls", ())
        if (computation := module.computation(name)) is not None
        for member in computation.instructions
        if member.opcode not in ("parameter", "constant", "tuple", "get-tuple-element", "bitcast")
        and not is_scalar_broadcast(member)
    ]
    shown = ", ".join(opcodes[:6]) + (f" and {len(opcodes) - 6} more" if len(opcodes) > 6 else "")
    one = "one kernel for a single operation" if members == 1 else f"{members} operations in one kernel"
    parts = [one, how, shown]
    return ": ".join(part for part in (", ".join(part for part in parts[:2] if part), shown) if part)


def _while(instruction: HloInstruction, module: HloModule) -> str:
    shape = parse_shape(instruction.shape)
    carried = f", carrying {len(shape.elements)} values" if shape is not None and shape.elements is not None else ""
    turns = f"{instruction.trip_count:,} times" if instruction.trip_count is not None else "until its condition fails"
    body = instruction.called.get("body", ("?",))
    return f"runs {', '.join(body)} {turns}{carried}"


def _conditional(instruction: HloInstruction, module: HloModule) -> str:
    called = instruction.called
    names = [
        name
        for role in ("branch_computations", "true_computation", "false_computation")
        for name in called.get(role, ())
    ]
    return f"runs one of {len(names)} branches, chosen by {_operand(instruction, 0)}"


def _call(instruction: HloInstruction, module: HloModule) -> str:
    names = [name for found in instruction.called.values() for name in found]
    return f"runs the computation {', '.join(names) or '?'}"


def _compare(instruction: HloInstruction, module: HloModule) -> str:
    sign = _DIRECTIONS.get(instruction.attributes.get("direction", ""), "?")
    return f"elementwise comparison a {sign} b of {_operand(instruction, 0)} and {_operand(instruction, 1)}"


def _convert(instruction: HloInstruction, module: HloModule) -> str:
    source, target = operand_shape(instruction, 0), parse_shape(instruction.shape)
    return f"converts {source.dtype if source else '?'} to {target.dtype if target else '?'}, {_many(instruction)}"


def _constant(instruction: HloInstruction, module: HloModule) -> str:
    value = instruction.operand_text.strip()
    shown = f": {value}" if len(value) <= 40 else ""
    return f"a constant {short_shape(instruction.shape)}{shown}"


def _parameter(instruction: HloInstruction, module: HloModule) -> str:
    whose = "program's" if instruction.computation.is_entry else "computation's"
    number = instruction.parameter_number
    return f"the {whose} argument {'?' if number is None else number}, {short_shape(instruction.shape)}"


def _get_tuple_element(instruction: HloInstruction, module: HloModule) -> str:
    name = instruction.operands[0] if instruction.operands else "?"
    return f"element {instruction.attributes.get('index', '?')} of {name}; moves no data"


def _tuple(instruction: HloInstruction, module: HloModule) -> str:
    return f"groups {len(instruction.operands)} values; moves no data"


def _bitcast(instruction: HloInstruction, module: HloModule) -> str:
    return f"reads the same bytes of {_operand(instruction, 0)} as {short_shape(instruction.shape)}; moves no data"


def _copy(instruction: HloInstruction, module: HloModule) -> str:
    source = instruction.computation.get(instruction.operands[0]) if instruction.operands else None
    old = parse_shape(source.shape) if source is not None else None
    new = parse_shape(instruction.shape)
    if new is not None and new.elements:
        new = new.elements[0]  # a copy-start gives target, source, context
    if old is not None and new is not None and old.layout != new.layout:
        return f"copies {_operand(instruction, 0)} into another layout: {old.layout} to {new.layout}"
    return f"copies {_operand(instruction, 0)}"


def _slice(instruction: HloInstruction, module: HloModule) -> str:
    ranges = instruction.attributes.get("slice", "?")
    return f"takes {short_shape(instruction.shape)} out of {_operand(instruction, 0)} at {ranges}"


def _dynamic_slice(instruction: HloInstruction, module: HloModule) -> str:
    return f"takes {short_shape(instruction.shape)} out of {_operand(instruction, 0)} at a place computed at run time"


def _dynamic_update_slice(instruction: HloInstruction, module: HloModule) -> str:
    return f"writes {_operand(instruction, 1)} into {_operand(instruction, 0)} at a place computed at run time"


def _gather(instruction: HloInstruction, module: HloModule) -> str:
    sizes = instruction.attributes.get("slice_sizes", "?")
    return f"picks pieces of size {sizes} from {_operand(instruction, 0)} at the indices {_operand(instruction, 1)}"


def _scatter(instruction: HloInstruction, module: HloModule) -> str:
    last = len(instruction.operands) - 1
    return (
        f"writes {_operand(instruction, last)} into {_operand(instruction, 0)} at given indices, "
        f"several at one place combined by {_applied(instruction, module)}"
    )


def _pad(instruction: HloInstruction, module: HloModule) -> str:
    padding = instruction.attributes.get("padding", "?")
    return f"adds a border to {_operand(instruction, 0)} (low_high for each dimension: {padding})"


def _concatenate(instruction: HloInstruction, module: HloModule) -> str:
    dimensions = integers(instruction.attributes.get("dimensions"))
    return (
        f"joins {len(instruction.operands)} arrays along {_plain(dimensions)}, giving {short_shape(instruction.shape)}"
    )


def _reshape(instruction: HloInstruction, module: HloModule) -> str:
    return f"gives the elements of {_operand(instruction, 0)} the shape {short_shape(instruction.shape)}"


def _reverse(instruction: HloInstruction, module: HloModule) -> str:
    dimensions = integers(instruction.attributes.get("dimensions"))
    return f"reverses {_operand(instruction, 0)} along {_plain(dimensions)}"


def _iota(instruction: HloInstruction, module: HloModule) -> str:
    dimension = instruction.attributes.get("iota_dimension", "?")
    return f"counts 0, 1, 2, … along dim {dimension} of {short_shape(instruction.shape)}"


def _sort(instruction: HloInstruction, module: HloModule) -> str:
    dimensions = integers(instruction.attributes.get("dimensions"))
    count = len(instruction.operands)
    together = f", {count - 1} more moved along" if count > 1 else ""
    return f"sorts {_operand(instruction, 0)} along {_plain(dimensions)}{together}"


def _custom_call(instruction: HloInstruction, module: HloModule) -> str:
    target = instruction.attributes.get("custom_call_target", '"?"').strip('"')
    return f"calls {target}, code outside of XLA, giving {short_shape(instruction.shape)}"


def _rng(instruction: HloInstruction, module: HloModule) -> str:
    return f"random bits or numbers, {short_shape(instruction.shape)}"


def _fft(instruction: HloInstruction, module: HloModule) -> str:
    kind = instruction.attributes.get("fft_type", "FFT")
    return f"Fourier transform {kind} of {_operand(instruction, 0)} over its last dimensions"


def _topk(instruction: HloInstruction, module: HloModule) -> str:
    return f"the {instruction.attributes.get('k', 'k')} largest values of {_operand(instruction, 0)} and their places"


def _select_and_scatter(instruction: HloInstruction, module: HloModule) -> str:
    return f"puts each value of {_operand(instruction, 1)} where its window of {_operand(instruction, 0)} was largest"


def _barrier(instruction: HloInstruction, module: HloModule) -> str:
    return f"keeps {len(instruction.operands)} values as they are: XLA may not optimize across it; moves no data"


def _identity(instruction: HloInstruction, module: HloModule) -> str:
    return f"the number of this device among the {instruction.opcode.removesuffix('-id')}s"


_EXCHANGES = {
    "all-reduce": "every device gets the {what} of all devices' {operand}",
    "all-gather": "every device gets all devices' {operand}, joined",
    "reduce-scatter": "every device gets its part of the {what} of all devices' {operand}",
    "all-to-all": "every device sends a part of its {operand} to every other",
    "ragged-all-to-all": "every device sends parts of unequal size of its {operand} to the others",
    "collective-permute": "every device sends its {operand} to one other",
    "collective-broadcast": "one device sends its {operand} to all",
}


def _collective(instruction: HloInstruction, module: HloModule) -> str:
    kind = instruction.opcode.removesuffix("-start")
    text = _EXCHANGES[kind].format(what=_applied(instruction, module), operand=_operand(instruction, 0))
    groups = parse_groups(instruction.attributes.get("replica_groups", ""))
    if groups is not None:
        text += f", in {len(groups)} group{'s' if len(groups) > 1 else ''} of {len(groups[0])}"
    started = "starts: " if instruction.opcode.endswith("-start") else ""
    return started + text


def _done(instruction: HloInstruction, module: HloModule) -> str:
    return f"waits for {instruction.operands[0] if instruction.operands else '?'} to end"


_Teller = Callable[[HloInstruction, HloModule], str]
_TELLERS: dict[str, _Teller] = {
    "dot": _dot,
    "convolution": _convolution,
    "reduce": _reduce,
    "reduce-window": _reduce_window,
    "broadcast": _broadcast,
    "transpose": _transpose,
    "fusion": _fusion,
    "while": _while,
    "conditional": _conditional,
    "call": _call,
    "async-start": _call,
    "compare": _compare,
    "convert": _convert,
    "constant": _constant,
    "parameter": _parameter,
    "get-tuple-element": _get_tuple_element,
    "tuple": _tuple,
    "bitcast": _bitcast,
    "bitcast-convert": _bitcast,
    "copy": _copy,
    "copy-start": _copy,
    "slice": _slice,
    "dynamic-slice": _dynamic_slice,
    "dynamic-update-slice": _dynamic_update_slice,
    "gather": _gather,
    "scatter": _scatter,
    "pad": _pad,
    "concatenate": _concatenate,
    "reshape": _reshape,
    "reverse": _reverse,
    "iota": _iota,
    "sort": _sort,
    "custom-call": _custom_call,
    "rng-bit-generator": _rng,
    "rng": _rng,
    "fft": _fft,
    "topk": _topk,
    "select-and-scatter": _select_and_scatter,
    "opt-barrier": _barrier,
    "partition-id": _identity,
    "replica-id": _identity,
    **{kind: _collective for kind in _EXCHANGES},
    **{f"{kind}-start": _collective for kind in _EXCHANGES},
    **{f"{kind}-done": _done for kind in [*_EXCHANGES, "async", "copy"]},
}
