"""How long an instruction's work takes beside an addition of as many elements: what a fusion's time is shared out by.

The weights are what XLA's CPU code was measured to take for 32,768 float32 elements in a loop that computes nothing
else (x86-64 with AVX-512, JAX 0.12), rounded: an addition 0.06 ns an element, an exponential 1, a multiply-add of a
product 0.03. Other processors differ by small factors, counts of operations by large ones: `flops` takes an exponential
for as much as an addition, and a product's for thirty times what it costs.
"""

from __future__ import annotations

from xlascope.ir.cost import flops
from xlascope.ir.hlo import HloInstruction, HloModule
from xlascope.ir.shapes import parse_shape

_NAMES_BY_WEIGHT = {
    3.0: "divide sqrt",
    5.0: "rsqrt",
    8.0: "gather remainder",
    14.0: "erf exponential exponential-minus-one log log-plus-one logistic tanh",
    30.0: "cosine erf-inv sine",
    60.0: "tan",
    100.0: "power",
    200.0: "acos acosh asin asinh atan2 atanh cbrt cosh sinh",
    2.0: "concatenate copy pad reverse transpose",
}
_WEIGHTS = {name: weight for weight, names in _NAMES_BY_WEIGHT.items() for name in names.split()}
_PRODUCT = 0.25
_REDUCED = 4.0
_REDUCTIONS = frozenset({"all-reduce", "reduce", "reduce-scatter", "reduce-window", "scatter", "select-and-scatter"})
_NAMED = 0.1


def effort(instruction: HloInstruction, module: HloModule) -> float:
    """In additions of one element. What computes and moves nothing counts a tenth for each element of its result."""
    weight = _WEIGHTS.get(instruction.opcode)
    shape = parse_shape(instruction.shape)
    elements = float(shape.size or 0) if shape is not None else 0.0
    if weight is not None:
        return weight * elements
    counted = flops(instruction, module)
    if not counted:
        return _NAMED * elements
    if instruction.opcode in ("dot", "convolution"):
        return _PRODUCT * counted
    return counted * (_REDUCED if instruction.opcode in _REDUCTIONS else 1.0)
