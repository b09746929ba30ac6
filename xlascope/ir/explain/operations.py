"""StableHLO operations in plain words, each from its own line: operands, attributes and types stand on it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from xlascope.ir.cost import integers
from xlascope.ir.explain import sentences
from xlascope.ir.explain.phrases import PHRASES, compared, told
from xlascope.ir.explain.words import quoted

_LINE = re.compile(
    r"\s*(?:(%[\w$.]+)(?::(\d+))? = )?\"?((?:stablehlo|mhlo|chlo|sdy)\.[a-z_0-9]+|(?:func\.)?(?:call|return))\b\"?"
)
_TENSOR = re.compile(r"tensor<((?:\d+x|\?x)*)([a-zA-Z]\w*(?:<[^<>]*>)?)(?:, [^<>]*)?>|!\w+\.\w+")
_OPERAND = re.compile(r"%[\w$.]+(?:#\d+)?")
_INTEGER = re.compile(r"^(?:ui|i)(?=\d)")
_LIST = r"\[([-\d, ]*)\]"


@dataclass(frozen=True, slots=True)
class ReadOperation:
    """``name`` without its dialect; ``inputs`` and ``results`` are types as HLO writes them: ``f32[8,64]``."""

    name: str
    operands: tuple[str, ...]
    inputs: tuple[str, ...]
    results: tuple[str, ...]
    text: str
    """What stands between the name and the types."""

    @property
    def giving(self) -> str:
        """Type of the result, of many only their number."""
        if len(self.results) > 3:
            return f"{len(self.results)} values"
        return ", ".join(self.results) or "nothing"

    def operand(self, position: int) -> str:
        """Name and type of an operand."""
        if position >= len(self.operands):
            return "nothing"
        kind = self.inputs[position] if position < len(self.inputs) else self.inputs[-1] if self.inputs else ""
        return f"{self.operands[position]} {kind}".rstrip()

    def sizes(self, position: int, dimensions: tuple[int, ...]) -> str:
        """``dim 1 (256)`` of an operand."""
        kind = self.inputs[position] if position < len(self.inputs) else ""
        known = kind.partition("[")[2].rstrip("]").split(",")
        told = [f"{at} ({known[at]})" if 0 <= at < len(known) and known[at] else str(at) for at in dimensions]
        return ("dim " if len(told) == 1 else "dims ") + ", ".join(told)

    def numbers(self, key: str) -> tuple[int, ...]:
        """The list of whole numbers after a word: ``dims = [1, 0]``, ``array<i64: 1, 64>``."""
        match = re.search(rf"\b{key} = (?:array<i64(?::([-\d, ]*))?>|{_LIST}|(-?\d+))", self.text)
        return integers(next((part for part in match.groups() if part), "")) if match else ()


def read_operation(line: str) -> ReadOperation | None:
    """One operation; None for a line that is none."""
    match = _LINE.match(line)
    if match is None:
        return None
    body, types = _types(line[match.end() :])
    sides = types.split("->")
    inputs = tuple(_named(part) for part in _TENSOR.finditer(sides[0]))
    results = tuple(_named(part) for part in _TENSOR.finditer(sides[-1]))
    if len(sides) == 1 and not line.lstrip().startswith(("stablehlo.return", "return", "func.return")):
        results = results[-1:]  # `select` writes the types of its operands only, the last is the result's
    name = match.group(3).rpartition(".")[2]
    operands = tuple(_OPERAND.findall(re.split(r"<\{|\{", body, maxsplit=1)[0]))
    return ReadOperation(name, operands, inputs, results, body)


def _types(text: str) -> tuple[str, str]:
    """What stands before and after the last `` : `` outside of locations."""
    text = text.partition(" loc(")[0]
    body, colon, types = text.rpartition(" : ")
    return (body, types) if colon else (text, "")


def _integer(match: re.Match[str]) -> str:
    return "u" if match.group() == "ui" else "s"


def _named(match: re.Match[str]) -> str:
    if match.group(2) is None:
        return match.group().rpartition(".")[2]
    named = {"i1": "pred", "complex<f32>": "c64", "complex<f64>": "c128"}
    dtype = named.get(match.group(2)) or _INTEGER.sub(_integer, match.group(2))
    return f"{dtype}[{match.group(1).rstrip('x').replace('x', ',')}]"


def explain_operation(line: str) -> str | None:
    """What an operation does; None for one without an explanation, and for a line that is no operation."""
    operation = read_operation(line)
    if operation is None:
        return None
    if operation.name in _ELEMENTWISE:
        phrase = _ELEMENTWISE[operation.name]
        return _told(operation, PHRASES.get(phrase, phrase))
    tell = _TELLERS.get(operation.name)
    return tell(operation) if tell is not None else None


def _told(o: ReadOperation, phrase: str) -> str:
    """An elementwise phrase; where only one type is written, all operands have it."""
    written = o.inputs if o.name != "complex" else ()  # of `complex` the result's is written alone
    types = [written[min(at, len(written) - 1)] if written else None for at in range(len(o.operands))]
    return told(phrase, list(zip(o.operands, types, strict=True)), o.giving)


_ELEMENTWISE = {
    **{name.replace("-", "_"): name for name in PHRASES},
    "exponential_minus_one": "exponential-minus-one", "next_after": "the next number after {0} towards {1}",
    "square": "square", "lgamma": "logarithm of the gamma function", "digamma": "digamma function",
    "erf_inv": "inverse error function", "erfc": "1 - the error function",
    "broadcast_add": "add", "broadcast_subtract": "subtract", "broadcast_multiply": "multiply",
}  # fmt: skip


def _compare(o: ReadOperation) -> str:
    sign = re.match(r"\s*(\w\w)\b", o.text) or re.search(r"comparison_direction (\w\w)", o.text)
    return _told(o, compared(sign.group(1) if sign else ""))


def _constant(o: ReadOperation) -> str:
    start, stop = o.text.find("dense<"), o.text.rfind(">")
    value = o.text[start + len("dense<") : stop] if 0 <= start < stop else ""
    shown = f": {value}" if 0 < len(value) <= 40 else ""
    return f"a constant {o.giving}{shown}"


def _convert(o: ReadOperation) -> str:
    return f"converts {o.operand(0)} to {o.giving}"


def _bitcast(o: ReadOperation) -> str:
    return f"reads the bits of {o.operand(0)} as {o.giving}"


def _broadcast(o: ReadOperation) -> str:
    return sentences.repeated(o.operand(0), o.numbers("dims"), o.giving)


def _reshape(o: ReadOperation) -> str:
    return sentences.reshaped(o.operand(0), o.giving)


def _transpose(o: ReadOperation) -> str:
    return sentences.transposed(o.operand(0), o.numbers("dims"), o.giving)


def _slice(o: ReadOperation) -> str:
    ranges = re.search(r"\[([\d:, ]*)\]", o.text)
    where = f" at [{ranges.group(1)}]" if ranges else ""
    return f"takes {o.giving} out of {o.operand(0)}{where}"


def _dynamic_slice(o: ReadOperation) -> str:
    return f"takes {o.giving} out of {o.operand(0)} at {', '.join(o.operands[1:5]) or '?'}, computed at run time"


def _dynamic_update(o: ReadOperation) -> str:
    where = ", ".join(o.operands[2:6]) or "?"
    return f"writes {o.operand(1)} into {o.operand(0)} at {where}, computed at run time"


def _gather(o: ReadOperation) -> str:
    sizes = ", ".join(map(str, o.numbers("slice_sizes"))) or "?"
    return sentences.gathered(o.operand(0), sizes, o.operand(1), o.giving)


def _scatter(o: ReadOperation) -> str:
    last = len(o.operands) - 1
    return f"puts {o.operand(last)} into {o.operand(0)} at the indices {o.operand(last // 2)}, combined by its body"


def _concatenate(o: ReadOperation) -> str:
    along = ", ".join(map(str, o.numbers("dim"))) or "?"
    return sentences.joined(len(o.operands), f"dim {along}", o.giving)


def _pad(o: ReadOperation) -> str:
    low, high = (", ".join(map(str, o.numbers(key))) or "?" for key in ("low", "high"))
    return f"adds a border of {o.operand(1)} to {o.operand(0)}: before {low}; after {high}; giving {o.giving}"


def _reverse(o: ReadOperation) -> str:
    return sentences.reversed_along(o.operand(0), o.sizes(0, o.numbers("dims")))


def _iota(o: ReadOperation) -> str:
    return sentences.counted_along(", ".join(map(str, o.numbers("dim"))) or "?", o.giving)


def _dot(o: ReadOperation) -> str:
    pairs = {key: re.search(rf"{key} = {_LIST} x {_LIST}", o.text) for key in ("contracting_dims", "batching_dims")}
    contracting, batching = pairs["contracting_dims"], pairs["batching_dims"]
    names = [o.operands[at] if at < len(o.operands) else "?" for at in (0, 1)]
    contracted = [o.sizes(at, integers(contracting.group(at + 1))) for at in (0, 1)] if contracting is not None else ()
    batch = o.sizes(0, integers(batching.group(1))) if batching is not None else ""
    return sentences.product(names, contracted, batch, o.giving)


def _convolution(o: ReadOperation) -> str:
    return f"slides the kernel {o.operand(1)} over {o.operand(0)}, giving {o.giving}"


def _reduce(o: ReadOperation) -> str:
    body = re.search(r"applies (?:\w+\.)(\w+)", o.text)
    sums = {"add": "sum", "multiply": "product", "and": "logical and", "or": "logical or"}
    what = sums.get(body.group(1), body.group(1)) if body else "combination by its body"
    return f"{what} over {o.sizes(0, o.numbers('dimensions'))} of {o.operand(0)}, giving {o.giving}"


def _while(o: ReadOperation) -> str:
    count = o.text.count("%iterArg") or len(o.operands) // 2
    return f"loop until its condition fails, carrying {count} value{'' if count == 1 else 's'}"


def _case(o: ReadOperation) -> str:
    return f"runs one of its regions, chosen by {o.operand(0)}, giving {o.giving}"


def _call(o: ReadOperation) -> str:
    name = re.search(r"@([\w$.]+)", o.text)
    count = len(o.operands)
    called, plural = name.group(1) if name else "?", "" if count == 1 else "s"
    return f"runs the function {called} on {count} argument{plural}, giving {o.giving}"


def _return(o: ReadOperation) -> str:
    count = len(o.operands)
    return f"the end of this function or region, giving {count} value{'' if count == 1 else 's'}"


def _custom_call(o: ReadOperation) -> str:
    from xlascope.ir.explain.calls import what_is

    target = re.search(r"@([\w$.]+)|call_target_name = \"([^\"]*)\"", o.text)
    name = next((part for part in target.groups() if part), "?") if target else "?"
    sentence = what_is(name)
    if sentence is None:
        return f"calls {name}, code outside of XLA, giving {o.giving}"
    for key, text in {"{a}": o.operand(0), "{b}": o.operand(1), "{giving}": f"giving {o.giving}",
                      "{count}": f"{len(o.operands)} arguments"}.items():  # fmt: skip
        sentence = sentence.replace(key, text, 1)
    return f"{sentence} (custom call {name})"


def _exchange(o: ReadOperation) -> str:
    what = {
        "all_reduce": "every device gets the combination of all devices' {a}",
        "all_gather": "every device gets all devices' {a}, joined",
        "reduce_scatter": "every device gets its part of the combination of all devices' {a}",
        "all_to_all": "every device sends a part of its {a} to every other",
        "collective_permute": "every device sends its {a} to one other",
        "collective_broadcast": "one device sends its {a} to all",
        "partition_id": "the number of this device among the partitions",
        "replica_id": "the number of this device among the replicas",
    }[o.name]
    return what.replace("{a}", o.operand(0)) + f", giving {o.giving}"


def _sort(o: ReadOperation) -> str:
    more = f", {len(o.operands) - 1} more moved along" if len(o.operands) > 1 else ""
    return f"sorts {o.operand(0)}{more}"


def _fft(o: ReadOperation) -> str:
    kind = re.search(r"type = +(\w+)|fft_type (\w+)", o.text)
    lengths = ", ".join(map(str, o.numbers("length") or o.numbers("fft_length"))) or "?"
    name = next((part for part in kind.groups() if part), "FFT") if kind else "FFT"
    return f"Fourier transform {name} of {o.operand(0)} over lengths {lengths}, giving {o.giving}"


def _window(o: ReadOperation) -> str:
    size = ", ".join(map(str, o.numbers("window_dimensions"))) or "?"
    return f"combination over a sliding window of {size} of {o.operand(0)}"


def _select_and_scatter(o: ReadOperation) -> str:
    size = ", ".join(map(str, o.numbers("window_dimensions"))) or "?"
    return f"puts each value of {o.operand(1)} where its window of {size} of {o.operand(0)} was chosen"


def _barrier(o: ReadOperation) -> str:
    return f"keeps {len(o.operands)} values as they are: XLA may not optimize across it"


def _sharding(o: ReadOperation) -> str:
    return (
        f"asks how {o.operand(0)} is split over the devices: {quoted(o.text.partition(' ')[2].partition('<')[2], 60)}"
    )


def _random(o: ReadOperation) -> str:
    return f"random bits from the state {o.operand(0)}, giving {o.giving}"


def _top_k(o: ReadOperation) -> str:
    return f"the {', '.join(map(str, o.numbers('k'))) or '?'} largest values of {o.operand(0)} and their places"


def _element(o: ReadOperation) -> str:
    return f"an element of {o.operand(0)}" if o.name == "get_tuple_element" else f"groups {len(o.operands)} values"


def _solve(o: ReadOperation) -> str:
    if o.name == "cholesky":
        return f"Cholesky factor of {o.operand(0)}"
    return f"solves a triangular system with the matrix {o.operand(0)} for {o.operand(1)}"


_TELLERS: dict[str, Callable[[ReadOperation], str]] = {
    "compare": _compare, "constant": _constant, "convert": _convert, "bitcast_convert": _bitcast,
    "broadcast_in_dim": _broadcast, "reshape": _reshape, "dynamic_reshape": _reshape, "transpose": _transpose,
    "slice": _slice, "dynamic_slice": _dynamic_slice, "dynamic_update_slice": _dynamic_update, "gather": _gather,
    "scatter": _scatter, "concatenate": _concatenate, "pad": _pad, "reverse": _reverse, "iota": _iota,
    "dot_general": _dot, "convolution": _convolution, "reduce": _reduce, "reduce_window": _window, "while": _while,
    "select_and_scatter": _select_and_scatter,
    "case": _case, "if": _case, "call": _call, "return": _return, "custom_call": _custom_call,
    **dict.fromkeys(("all_reduce", "all_gather", "reduce_scatter", "all_to_all", "collective_permute",
                     "collective_broadcast", "partition_id", "replica_id"), _exchange),
    "sort": _sort, "fft": _fft, "optimization_barrier": _barrier, "sharding_constraint": _sharding,
    "rng_bit_generator": _random, "top_k": _top_k, "tuple": _element, "get_tuple_element": _element,
    "cholesky": _solve, "triangular_solve": _solve,
}  # fmt: skip
EXPLAINED = frozenset(_ELEMENTWISE) | frozenset(_TELLERS)
"""The operations that have an explanation, without their dialect."""
