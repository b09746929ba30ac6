"""Sentences that say the same of an equation, of a StableHLO operation and of an instruction.

Arguments are words: an operand is its name and type, a result its type, ``along`` such as ``dim 1`` or ``dims 0, 1``.
"""

from __future__ import annotations

from collections.abc import Sequence


def repeated(source: str, dimensions: Sequence[int], result: str) -> str:
    """A broadcast; ``dimensions``: those of the result that the operand's own become."""
    if not dimensions:
        return f"fills {result} with {source}"
    become = "dim becomes dim" if len(dimensions) == 1 else "dims become dims"
    return f"repeats {source}: its {become} {', '.join(map(str, dimensions))} of {result}"


def reshaped(source: str, result: str) -> str:
    """A reshape."""
    return f"gives the elements of {source} the shape {result}"


def transposed(source: str, order: Sequence[int], result: str) -> str:
    """A transpose; ``order``: which dimension of the operand each one of the result is."""
    return f"reorders the dimensions of {source} as {', '.join(map(str, order))}, giving {result}"


def gathered(source: str, sizes: str, indices: str, result: str) -> str:
    """A gather of pieces."""
    return f"picks pieces of size {sizes} from {source} at the indices {indices}, giving {result}"


def joined(count: int, along: str, result: str) -> str:
    """A concatenation."""
    return f"joins {count} arrays along {along}, giving {result}"


def reversed_along(source: str, along: str) -> str:
    """A reversal."""
    return f"reverses {source} along {along}"


def counted_along(dimension: str, result: str) -> str:
    """An iota."""
    return f"counts 0, 1, 2, … along dim {dimension} of {result}"


def product(names: Sequence[str], contracted: Sequence[str], batch: str, result: str) -> str:
    """A product of two arrays; ``contracted``: which dimensions of either, empty for an outer product."""
    if contracted:
        text = f"contracts {contracted[0]} of {names[0]} with {contracted[1]} of {names[1]}"
    else:
        text = f"outer product of {names[0]} and {names[1]}"
    each = f", for each index of {batch}" if batch else ""
    return f"matrix product: {text}{each}, giving {result}"
