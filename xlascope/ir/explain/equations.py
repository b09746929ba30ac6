"""Jaxpr equations in plain words, by their primitive."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from xlascope.ir.cost import integers
from xlascope.ir.explain import sentences
from xlascope.ir.explain.phrases import PHRASES, Operand, compared, told
from xlascope.ir.explain.reading import ReadEquation, ShapeOf, read_equation
from xlascope.ir.explain.words import quoted
from xlascope.ir.scan import split_top

_DIMENSION_NUMBERS = re.compile(r"\(\(\[([\d, ]*)\], \[([\d, ]*)\]\), \(\[([\d, ]*)\], \[([\d, ]*)\]\)\)")


def explain_equation(text: str, shape_of: ShapeOf) -> str | None:
    """What an equation does; None for a primitive without an explanation, and for a text that is no equation."""
    equation = read_equation(text, shape_of)
    if equation is None:
        return None
    if equation.primitive in _ELEMENTWISE:
        phrase = _ELEMENTWISE[equation.primitive]
        return _told(equation, PHRASES.get(phrase, phrase), range(len(equation.operands)))
    tell = _TELLERS.get(equation.primitive)
    return tell(equation) if tell is not None else None


def _told(equation: ReadEquation, phrase: str, order: Sequence[int]) -> str:
    """An elementwise phrase with the operands in an order; of a scalar literal the value tells all."""
    operands: list[Operand] = [
        (name, None if kind and kind.endswith("[]") and not name[0].isalpha() else kind)
        for name, kind in (equation.operands[position] for position in order)
    ]
    return told(phrase, operands, equation.result)


# A primitive's name to an opcode of HLO, or to what it computes.
_ELEMENTWISE = {
    "abs": "abs", "acos": "acos", "acosh": "acosh", "add": "add", "add_any": "add", "and": "and", "asin": "asin",
    "asinh": "asinh", "atan": "arc tangent", "atan2": "atan2", "atanh": "atanh", "cbrt": "cbrt",
    "ceil": "ceil", "clamp": "clamp", "clz": "count-leading-zeros", "complex": "complex",
    "conj": "complex conjugate", "cos": "cosine", "cosh": "cosh", "digamma": "digamma function",
    "div": "divide", "eq": compared("EQ"), "erf": "erf", "erf_inv": "inverse error function",
    "erfc": "1 - the error function", "exp": "exponential", "exp2": "2^x", "expm1": "exponential-minus-one",
    "floor": "floor", "ge": compared("GE"), "gt": compared("GT"), "imag": "imag", "is_finite": "is-finite",
    "le": compared("LE"), "lgamma": "logarithm of the gamma function", "log": "log", "log1p": "log-plus-one",
    "logistic": "logistic", "lt": compared("LT"), "max": "maximum", "min": "minimum", "mul": "multiply",
    "ne": compared("NE"), "neg": "negate", "nextafter": "the next number after {0} towards {1}", "not": "not",
    "or": "or", "population_count": "popcnt", "pow": "power", "real": "real", "rem": "remainder",
    "rsqrt": "rsqrt", "shift_left": "shift-left", "shift_right_arithmetic": "shift-right-arithmetic",
    "shift_right_logical": "shift-right-logical", "sign": "sign", "sin": "sine", "sinh": "sinh", "sqrt": "sqrt",
    "square": "square", "sub": "subtract", "tan": "tan", "tanh": "tanh", "xor": "xor",
    "stop_gradient": "{0} as it is, without a gradient", "copy": "copies {0}", "copy_p": "copies {0}",
}  # fmt: skip


def _power(e: ReadEquation) -> str:
    return _told(e, f"raises {{0}} to the power {e.params.get('y', '?')}", range(len(e.operands)))


def _round(e: ReadEquation) -> str:
    method = e.params.get("rounding_method", "")
    even = "EVEN" in method or method == "1"
    return _told(e, PHRASES["round-nearest-even" if even else "round-nearest-afz"], range(len(e.operands)))


def _select(e: ReadEquation) -> str:
    if len(e.operands) == 3:
        return _told(e, PHRASES["select"], (0, 2, 1))
    return f"elementwise: one of {len(e.operands) - 1} arrays, chosen by {e.operand(0)}, giving {e.result}"


def _convert(e: ReadEquation) -> str:
    return f"converts {e.operand(0)} to {e.params.get('new_dtype', '?')}, giving {e.result}"


def _bitcast(e: ReadEquation) -> str:
    return f"reads the bits of {e.operand(0)} as {e.params.get('new_dtype', '?')}, giving {e.result}"


def _broadcast(e: ReadEquation) -> str:
    return sentences.repeated(e.operand(0), integers(e.params.get("broadcast_dimensions")), e.result)


def _reshape(e: ReadEquation) -> str:
    return sentences.reshaped(e.operand(0), e.result)


def _squeeze(e: ReadEquation) -> str:
    return f"drops {e.sizes(0, integers(e.params.get('dimensions')))} of {e.operand(0)}, giving {e.result}"


def _transpose(e: ReadEquation) -> str:
    return sentences.transposed(e.operand(0), integers(e.params.get("permutation")), e.result)


def _slice(e: ReadEquation) -> str:
    start, stop = e.params.get("start_indices", "?"), e.params.get("limit_indices", "?")
    every = f", every {e.params['strides']}" if e.params.get("strides", "None") != "None" else ""
    return f"takes {e.result} out of {e.operand(0)}, from {start} to before {stop}{every}"


def _dynamic_slice(e: ReadEquation) -> str:
    return f"takes {e.result} out of {e.operand(0)} at a place computed at run time"


def _dynamic_update(e: ReadEquation) -> str:
    return f"writes {e.operand(1)} into {e.operand(0)} at a place computed at run time"


def _gather(e: ReadEquation) -> str:
    return sentences.gathered(e.operand(0), e.params.get("slice_sizes", "?"), e.operand(1), e.result)


def _scatter(e: ReadEquation) -> str:
    how = {"add": "added to what is there", "mul": "multiplied with what is there", "min": "keeping the smaller",
           "max": "keeping the larger", "sub": "subtracted from what is there"}.get(
        e.primitive.partition("-")[2] or e.primitive.partition("_")[2], "replacing what is there")  # fmt: skip
    return f"puts {e.operand(2)} into {e.operand(0)} at the indices {e.operand(1)}, {how}"


def _concatenate(e: ReadEquation) -> str:
    return sentences.joined(len(e.operands), f"dim {e.params.get('dimension', '?')}", e.result)


def _split(e: ReadEquation) -> str:
    return f"cuts {e.operand(0)} along dim {e.params.get('axis', '?')} into {len(e.outputs)} pieces"


def _pad(e: ReadEquation) -> str:
    config = quoted(e.params.get("padding_config", "?"), 80)
    return f"adds a border of {e.operand(1)} to {e.operand(0)} (low, high, between: {config}), giving {e.result}"


def _reverse(e: ReadEquation) -> str:
    return sentences.reversed_along(e.operand(0), e.sizes(0, integers(e.params.get("dimensions"))))


def _iota(e: ReadEquation) -> str:
    return sentences.counted_along(e.params.get("dimension", "?"), e.result)


def _dot(e: ReadEquation) -> str:
    match = _DIMENSION_NUMBERS.search(e.params.get("dimension_numbers", ""))
    if match is None:
        return f"matrix product of {e.operand(0)} and {e.operand(1)}, giving {e.result}"
    left, right, batch, _ = (integers(part) for part in match.groups())
    names = [e.operands[at][0] if at < len(e.operands) else "?" for at in (0, 1)]
    contracted = (e.sizes(0, left), e.sizes(1, right)) if left else ()
    return sentences.product(names, contracted, e.sizes(0, batch) if batch else "", e.result)


def _convolution(e: ReadEquation) -> str:
    strides = e.params.get("window_strides", "")
    return f"slides the kernel {e.operand(1)} over {e.operand(0)} in steps of {strides or '?'}, giving {e.result}"


def _reduce(e: ReadEquation) -> str:
    what = {"reduce_sum": "sum", "reduce_max": "maximum", "reduce_min": "minimum", "reduce_prod": "product",
            "reduce_and": "logical and", "reduce_or": "logical or", "reduce_xor": "exclusive or",
            "argmax": "place of the maximum", "argmin": "place of the minimum"}[e.primitive]  # fmt: skip
    return f"{what} over {e.sizes(0, integers(e.params.get('axes')))} of {e.operand(0)}, giving {e.result}"


def _cumulative(e: ReadEquation) -> str:
    what = {"cumsum": "sum", "cumprod": "product", "cummax": "maximum", "cummin": "minimum",
            "cumlogsumexp": "logarithm of the sum of exponentials"}[e.primitive]  # fmt: skip
    back = " from the end" if e.params.get("reverse") == "True" else ""
    return f"running {what}{back} along {e.sizes(0, integers(e.params.get('axis')))} of {e.operand(0)}"


def _window(e: ReadEquation) -> str:
    what = {"reduce_window_sum": "sum", "reduce_window_max": "maximum", "reduce_window_min": "minimum"}.get(
        e.primitive, "combination"
    )
    size = e.params.get("window_dimensions", "?")
    steps = e.params.get("window_strides", "?")
    return f"{what} over a sliding window of {size} in steps of {steps} of {e.operand(0)}, giving {e.result}"


def _sort(e: ReadEquation) -> str:
    more = f", {len(e.operands) - 1} more moved along" if len(e.operands) > 1 else ""
    return f"sorts {e.operand(0)} along {e.sizes(0, integers(e.params.get('dimension')))}{more}"


def _top_k(e: ReadEquation) -> str:
    return f"the {e.params.get('k', '?')} largest values of {e.operand(0)} and their places"


def _call(e: ReadEquation) -> str:
    name = e.params.get("name") or e.params.get("fun_name")
    of = f" {name}" if name else ""
    kinds = {
        "custom_jvp_call": f"runs a function{of} with a derivative of its own",
        "custom_vjp_call": f"runs a function{of} with a gradient of its own",
        "custom_vjp_call_jaxpr": f"runs a function{of} with a gradient of its own",
        "checkpoint": "runs a function whose intermediate values are computed again for the gradient",
        "remat2": "runs a function whose intermediate values are computed again for the gradient",
        "jit": f"runs the jitted function{of}",
        "pjit": f"runs the jitted function{of}",
        "shard_map": f"runs a function{of} on each device's part of its arguments",
    }
    what = kinds.get(e.primitive, f"runs a function{of}")
    count = len(e.operands)
    return f"{what} on {count} argument{'' if count == 1 else 's'}, giving {e.result}"


def _scan(e: ReadEquation) -> str:
    length = e.params.get("length", "?")
    back = ", from the last element to the first" if e.params.get("reverse") == "True" else ""
    parts = _scan_parts(e)
    if parts is None:
        return f"loop of {length} turns on {len(e.operands)} values{back}"
    carry, slices = parts
    told = f", carrying {carry} value{'' if carry == 1 else 's'}" if carry else ""
    return f"loop of {length} turns over slices of {slices} array{'' if slices == 1 else 's'}{told}{back}"


def _scan_parts(e: ReadEquation) -> tuple[int, int] | None:
    """How many values a loop carries and over how many arrays it goes; None where the text does not tell."""
    if "num_carry" in e.params:
        carry, constants = integers(e.params["num_carry"]), integers(e.params.get("num_consts"))
        return (carry[0], len(e.operands) - carry[0] - constants[0]) if carry and constants else None
    # Newer texts give the trees of constants, carry and slices, a None for each leaf.
    tree = e.params.get("ft_in", "")
    counts = [part.count("None") for part in split_top(tree[1:-1], 0, max(len(tree) - 2, 0))]
    return (counts[1], counts[2]) if len(counts) == 3 and sum(counts) == len(e.operands) else None


def _while(e: ReadEquation) -> str:
    return f"loop until its condition (cond_jaxpr) fails, carrying {len(e.outputs)} values"


def _cond(e: ReadEquation) -> str:
    branches = e.params.get("branches", "").count("{ lambda") or e.params.get("branches", "").count(",") or None
    number = f"one of {branches} branches" if branches else "one of its branches"
    return f"runs {number}, chosen by {e.operand(0)}, giving {e.result}"


def _random(e: ReadEquation) -> str:
    what = {
        "random_bits": f"random bits from the key {e.operand(0)}",
        "random_seed": f"a random key from the seed {e.operand(0)}",
        "random_wrap": f"makes a typed random key of the words {e.operand(0)}; moves no data",
        "random_unwrap": f"the words of the random key {e.operand(0)}; moves no data",
        "random_fold_in": f"a new random key from {e.operand(0)} and the number {e.operand(1)}",
        "random_split": f"new random keys from {e.operand(0)}",
        "random_clone": f"the random key {e.operand(0)} again",
        "threefry2x32": "random words by Threefry from two key words and two counters",
    }[e.primitive]
    return f"{what}, giving {e.result}"


def _exchange(e: ReadEquation) -> str:
    axes = e.params.get("axes") or e.params.get("axis_name") or "?"
    named = re.sub(r"[()'\",]+", " ", axes).split()
    where = f"over the devices of {'axis' if len(named) == 1 else 'axes'} {', '.join(named)}"
    name = e.primitive.removesuffix("_invariant").removesuffix("2")
    what = {
        "psum": "sum of {a} ", "pmax": "maximum of {a} ", "pmin": "minimum of {a} ",
        "all_gather": "all devices' {a}, joined, ", "psum_scatter": "this device's part of the sum of {a} ",
        "reduce_scatter": "this device's part of the sum of {a} ", "all_to_all": "parts of {a} exchanged ",
        "ppermute": "{a} sent to another device each, ", "pbroadcast": "{a} of one device sent to all ",
        "pvary": "{a} seen as different on each device, ", "axis_index": "this device's number ",
    }.get(name, "{a} exchanged ")  # fmt: skip
    return what.replace("{a}", e.operand(0)) + where + f", giving {e.result}"


def _place(e: ReadEquation) -> str:
    sharding = quoted(e.params.get("sharding") or e.params.get("devices") or "?", 60)
    return f"asks that {e.operand(0)} is kept as {sharding}; changes no value"


def _barrier(e: ReadEquation) -> str:
    return f"keeps {len(e.operands)} values as they are: XLA may not optimize across it"


def _linear(e: ReadEquation) -> str:
    what = {
        "cholesky": "Cholesky factor of {a}", "eigh": "eigenvalues and eigenvectors of the symmetric {a}",
        "eig": "eigenvalues and eigenvectors of {a}", "svd": "singular values and vectors of {a}",
        "lu": "LU factors of {a}", "geqrf": "QR factors of {a}, as reflectors", "qr": "QR factors of {a}",
        "householder_product": "the matrix Q from the reflectors {a}", "schur": "Schur form of {a}",
        "triangular_solve": "solves a triangular system with the matrix {a}",
        "lu_pivots_to_permutation": "the permutation that the pivots {a} mean",
        "tridiagonal_solve": "solves a tridiagonal system", "custom_linear_solve": "solves a linear system",
    }[e.primitive]  # fmt: skip
    return what.replace("{a}", e.operand(0)) + f", giving {e.result}"


def _fft(e: ReadEquation) -> str:
    kind = e.params.get("fft_type", "FFT").rpartition(".")[2]
    return f"Fourier transform {kind} of {e.operand(0)} over lengths {e.params.get('fft_lengths', '?')}"


def _callback(e: ReadEquation) -> str:
    ordered = ", in order with others" if e.params.get("ordered") == "True" else ""
    count = len(e.operands)
    return f"calls back into Python with {count} argument{'' if count == 1 else 's'}{ordered}, giving {e.result}"


def _pallas(e: ReadEquation) -> str:
    return f"a Pallas kernel on {len(e.operands)} arguments, giving {e.result}"


_TELLERS: dict[str, Callable[[ReadEquation], str]] = {
    "integer_pow": _power, "round": _round, "select_n": _select, "convert_element_type": _convert,
    "bitcast_convert_type": _bitcast, "broadcast_in_dim": _broadcast, "reshape": _reshape, "expand_dims": _reshape,
    "squeeze": _squeeze, "transpose": _transpose, "slice": _slice, "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update, "gather": _gather, "concatenate": _concatenate, "split": _split,
    "pad": _pad, "rev": _reverse, "iota": _iota, "dot_general": _dot, "conv_general_dilated": _convolution,
    **dict.fromkeys(("scatter", "scatter-add", "scatter_add", "scatter-mul", "scatter_mul", "scatter_min",
                     "scatter_max", "scatter-min", "scatter-max", "scatter_sub"), _scatter),
    **dict.fromkeys(("reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_and", "reduce_or",
                     "reduce_xor", "argmax", "argmin"), _reduce),
    **dict.fromkeys(("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"), _cumulative),
    **dict.fromkeys(("reduce_window_sum", "reduce_window_max", "reduce_window_min", "reduce_window"), _window),
    "sort": _sort, "top_k": _top_k,
    **dict.fromkeys(("jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call",
                     "custom_vjp_call_jaxpr", "checkpoint", "remat2", "shard_map", "custom_lin"), _call),
    "scan": _scan, "while": _while, "cond": _cond,
    **dict.fromkeys(("random_bits", "random_seed", "random_wrap", "random_unwrap", "random_fold_in", "random_split",
                     "random_clone", "threefry2x32"), _random),
    **dict.fromkeys(("psum", "psum2", "psum_invariant", "pmax", "pmin", "ppermute", "all_gather", "reduce_scatter",
                     "psum_scatter", "all_to_all", "axis_index", "pbroadcast", "pvary", "all_gather_invariant"),
                    _exchange),
    "sharding_constraint": _place, "device_put": _place, "optimization_barrier": _barrier,
    **dict.fromkeys(("cholesky", "eigh", "eig", "svd", "lu", "geqrf", "qr", "householder_product", "schur",
                     "triangular_solve", "lu_pivots_to_permutation", "tridiagonal_solve", "custom_linear_solve"),
                    _linear),
    "fft": _fft,
    **dict.fromkeys(("pure_callback", "io_callback", "debug_callback", "debug_print"), _callback),
    "pallas_call": _pallas,
}  # fmt: skip
EXPLAINED = frozenset(_ELEMENTWISE) | frozenset(_TELLERS)
"""The primitives that have an explanation."""
