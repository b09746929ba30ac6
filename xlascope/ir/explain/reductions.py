"""Dots, convolutions, reductions, sorting, scattering: values of the result from many of an operand."""

from __future__ import annotations

import re

from xlascope.ir.cost import integers, operand_shape
from xlascope.ir.explain import sentences
from xlascope.ir.explain.words import CHOICE, applied, dims, giving, name_of, operand, sizes
from xlascope.ir.hlo import HloInstruction, HloModule
from xlascope.ir.shapes import short_shape

_WINDOW_SIZE = re.compile(r"\bsize=([\dx]+)")
_WINDOW_STRIDE = re.compile(r"\bstride=([\dx]+)")
# Words, what each number is where nothing is done, and where it is written.
_WINDOW_MORE = (
    ("padded {} before_after", "0", re.compile(r"\bpad=([\d_x\-]+)")),
    ("the array spread {}", "1", re.compile(r"\blhs_dilate=([\dx]+)")),
    ("the window spread {}", "1", re.compile(r"\brhs_dilate=([\dx]+)")),
)


def dot(instruction: HloInstruction, module: HloModule) -> str:
    """A product of arrays: which dimensions are contracted, which are batched."""
    own, names = instruction.attributes, [name_of(instruction, at) for at in (0, 1)]
    left, right = integers(own.get("lhs_contracting_dims")), integers(own.get("rhs_contracting_dims"))
    batch = integers(own.get("lhs_batch_dims"))
    first, second = operand_shape(instruction, 0), operand_shape(instruction, 1)
    contracted = (sizes(first, left), sizes(second, right)) if left else ()
    return sentences.product(names, contracted, sizes(first, batch) if batch else "", short_shape(instruction.shape))


def window(instruction: HloInstruction) -> str:
    """The sliding window's size, steps, padding and dilation; empty where the text has none."""
    text = instruction.attributes.get("window", "")
    size, stride = _WINDOW_SIZE.search(text), _WINDOW_STRIDE.search(text)
    steps = f" in steps of {stride.group(1)}" if stride and set(stride.group(1).split("x")) != {"1"} else ""
    more = "".join(
        f", {words.format(found.group(1))}"
        for words, usual, pattern in _WINDOW_MORE
        if (found := pattern.search(text)) and set(re.split("[_x]", found.group(1))) != {usual}
    )
    return f"{size.group(1)}{steps}{more}" if size else ""


def convolution(instruction: HloInstruction, module: HloModule) -> str:
    """A convolution and its window."""
    size = window(instruction)
    within = f" with a window of {size}" if size else ""
    own = instruction.attributes
    groups = own.get("feature_group_count", "1")
    grouped = f", features in {groups} groups" if groups != "1" else ""
    labels = f", dimensions {own['dim_labels']}" if "dim_labels" in own else ""
    return (
        f"slides the kernel {operand(instruction, 1)} over {operand(instruction, 0)}{within}{grouped}{labels}, "
        f"{giving(instruction)}"
    )


def reduce(instruction: HloInstruction, module: HloModule) -> str:
    """A reduction: along which dimensions, by what."""
    along = integers(instruction.attributes.get("dimensions"))
    count = len(instruction.operands) // 2
    more = f" with {count - 1} more array{'' if count == 2 else 's'}" if count > 1 else ""
    return (
        f"{applied(instruction, module)} over {sizes(operand_shape(instruction, 0), along)} of "
        f"{operand(instruction, 0)}{more}, {giving(instruction)}"
    )


def reduce_window(instruction: HloInstruction, module: HloModule) -> str:
    """A reduction over windows."""
    size = window(instruction)
    within = f" of {size}" if size else ""
    return (
        f"{applied(instruction, module)} over a sliding window{within} of {operand(instruction, 0)}, "
        f"{giving(instruction)}"
    )


def scatter(instruction: HloInstruction, module: HloModule) -> str:
    """Values written or combined at indices."""
    count = len(instruction.operands)
    arrays = max((count - 1) // 2, 1)
    how = applied(instruction, module)
    together = "one of several at one place stays" if how == CHOICE else f"several at one place combined by {how}"
    more = f" and {arrays - 1} more" if arrays > 1 else ""
    return (
        f"writes {operand(instruction, arrays + 1)}{more} into {operand(instruction, 0)} at the indices "
        f"{operand(instruction, arrays)}, {together}"
    )


def sort(instruction: HloInstruction, module: HloModule) -> str:
    """A sort: along which dimension, by what."""
    along = integers(instruction.attributes.get("dimensions"))
    count = len(instruction.operands)
    together = f", {count - 1} more moved along" if count > 1 else ""
    stable = ", equal ones in their order" if instruction.attributes.get("is_stable") == "true" else ""
    return f"sorts {operand(instruction, 0)} along {sizes(operand_shape(instruction, 0), along)}{together}{stable}"


def fft(instruction: HloInstruction, module: HloModule) -> str:
    """A Fourier transform and its lengths."""
    kind = instruction.attributes.get("fft_type", "FFT")
    lengths = integers(instruction.attributes.get("fft_length"))
    over = (
        f"its last {'dimension' if len(lengths) == 1 else f'{len(lengths)} dimensions'}, "
        f"length {' x '.join(map(str, lengths))}"
        if lengths
        else "its last dimensions"
    )
    return f"Fourier transform {kind} of {operand(instruction, 0)} over {over}, {giving(instruction)}"


def topk(instruction: HloInstruction, module: HloModule) -> str:
    """The largest or smallest values."""
    largest = "smallest" if instruction.attributes.get("largest") == "false" else "largest"
    return f"the {instruction.attributes.get('k', '?')} {largest} values of {operand(instruction, 0)} and their places"


def select_and_scatter(instruction: HloInstruction, module: HloModule) -> str:
    """The gradient of a reduction over windows."""
    size = window(instruction)
    within = f" of {size}" if size else ""
    return (
        f"puts each value of {operand(instruction, 1)} where its window{within} of {operand(instruction, 0)} was "
        f"chosen, several at one place combined by {applied(instruction, module, 'scatter')}"
    )


def triangular_solve(instruction: HloInstruction, module: HloModule) -> str:
    """A triangular system of equations."""
    own = instruction.attributes
    side = "left" if own.get("left_side", "false") == "true" else "right"
    part = "lower" if own.get("lower") == "true" else "upper"
    return (
        f"solves a system whose {part} triangular matrix {operand(instruction, 0)} stands on the {side}, for "
        f"{operand(instruction, 1)}"
    )


def cholesky(instruction: HloInstruction, module: HloModule) -> str:
    """A Cholesky factorization."""
    part = "lower" if instruction.attributes.get("lower") == "true" else "upper"
    return f"Cholesky factor ({part} triangle) of {operand(instruction, 0)}"


def batch_norm(instruction: HloInstruction, module: HloModule) -> str:
    """A batch normalization or its gradient."""
    what = {"training": "normalises", "inference": "normalises with given moments", "grad": "gradient of normalising"}
    feature = dims(integers(instruction.attributes.get("feature_index")))
    return f"{what[instruction.opcode.removeprefix('batch-norm-')]} {operand(instruction, 0)}, feature {feature}"


TELLERS = {
    "dot": dot,
    "convolution": convolution,
    "reduce": reduce,
    "reduce-window": reduce_window,
    "scatter": scatter,
    "sort": sort,
    "fft": fft,
    "topk": topk,
    "select-and-scatter": select_and_scatter,
    "triangular-solve": triangular_solve,
    "cholesky": cholesky,
    **dict.fromkeys(("batch-norm-training", "batch-norm-inference", "batch-norm-grad"), batch_norm),
}
