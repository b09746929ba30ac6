"""Which dimension of which argument is split over which mesh axis: pure planning, no JAX.

The batch plan: arguments that the program returns with the same shape and dtype are parameters and replicated; of
the others those with the most common leading size are split on it. Results are left to XLA.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

Spec = tuple[tuple[str, ...], ...]
"""For each dimension the mesh axes that split it; () where it stays whole."""


class ShardingError(ValueError):
    """A sharding that cannot be: the text names the choice, `advice` what would be valid."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Leaf:
    """One flat input or output of a program, in the program's own (logical) shape."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """A mesh and a spec for each flat input; `notes` say what was chosen."""

    mesh: dict[str, int]
    specs: tuple[Spec, ...]
    notes: tuple[str, ...]


def leaves(entries: Sequence[Mapping[str, Any]]) -> list[Leaf]:
    """Leaves from the `inputs` or `outputs` of a program record."""
    return [
        Leaf(str(entry.get("name") or ""), tuple(entry.get("shape") or ()), str(entry.get("dtype")))
        for entry in entries
    ]


def plan(
    inputs: Sequence[Leaf],
    outputs: Sequence[Leaf],
    devices: int,
    mesh: Mapping[str, int] | None = None,
    shard_plan: str | None = None,
    shard: Mapping[str, str] | None = None,
) -> ShardPlan:
    """The plan for `devices` devices: a named plan (`batch` unless `shard` is given), then the specs of `shard`.

    Raises ShardingError.
    """
    axes = _mesh(devices, mesh)
    chosen = shard_plan or ("replicate" if shard else "batch")
    if chosen == "batch":
        specs, notes = _batch(inputs, outputs, axes)
    elif chosen == "replicate":
        specs, notes = [_whole(leaf) for leaf in inputs], []
    else:
        raise ShardingError(f"there is no sharding plan {chosen!r}", "plans are: batch, replicate")
    for argument, text in (shard or {}).items():
        index = find_argument(inputs, argument)
        specs[index] = parse_spec(text, inputs[index], index, axes)
    if shard and len(shard) < len(inputs) and chosen == "replicate":
        notes.append("arguments without a spec are replicated")
    return ShardPlan(axes, tuple(specs), tuple(notes))


def _mesh(devices: int, mesh: Mapping[str, int] | None) -> dict[str, int]:
    if not mesh:
        return {"x": devices}
    axes = {str(name): int(size) for name, size in mesh.items()}
    if any(size < 1 for size in axes.values()) or prod(axes.values()) != devices:
        shape = ",".join(f"{name}={size}" for name, size in axes.items())
        raise ShardingError(
            f"the mesh {shape} has {prod(axes.values())} places and the variant {devices} devices",
            f"the sizes of the mesh axes must multiply to {devices}",
        )
    return axes


def _whole(leaf: Leaf) -> Spec:
    return ((),) * len(leaf.shape)


def _batch(inputs: Sequence[Leaf], outputs: Sequence[Leaf], axes: Mapping[str, int]) -> tuple[list[Spec], list[str]]:
    axis, size = next(iter(axes.items()))
    returned = {(leaf.shape, leaf.dtype) for leaf in outputs}
    parameters = [(leaf.shape, leaf.dtype) in returned for leaf in inputs]
    candidates = [
        leaf for leaf, is_parameter in zip(inputs, parameters, strict=True) if not is_parameter and leaf.shape
    ]
    if not candidates:
        raise ShardingError(
            "the batch plan found no argument to split: each one is a scalar or is returned with the same shape",
            _example(inputs, axis, size),
        )
    leading = _most_common_leading(candidates, outputs)
    if leading % size:
        raise ShardingError(
            f"the batch plan would split dimension 0 of size {leading} over {size} devices, and {leading} is not a "
            f"multiple of {size}",
            f"a device count that divides {leading}, or --shard with another dimension",
        )
    specs, split = [], []
    for index, (leaf, is_parameter) in enumerate(zip(inputs, parameters, strict=True)):
        spec = _whole(leaf)
        if not is_parameter and leaf.shape and leaf.shape[0] == leading:
            spec = ((axis,), *spec[1:])
            split.append(leaf.name or str(index))
        specs.append(spec)
    return specs, [
        f"batch plan: {', '.join(split)} split on dimension 0 ({leading}) over {axis}={size}; others replicated"
    ]


def _most_common_leading(candidates: Sequence[Leaf], outputs: Sequence[Leaf]) -> int:
    """A tie goes to the size that results also lead with (a batch runs through the program), then to the first."""
    counts = Counter(leaf.shape[0] for leaf in candidates)
    led = {leaf.shape[0] for leaf in outputs if leaf.shape}
    order = [leaf.shape[0] for leaf in candidates]
    return max(counts, key=lambda size: (counts[size], size in led, -order.index(size)))


def _example(inputs: Sequence[Leaf], axis: str, size: int) -> str:
    for index, leaf in enumerate(inputs):
        for dimension, extent in enumerate(leaf.shape):
            if extent % size == 0 and extent:
                spec = ",".join(axis if d == dimension else "-" for d in range(len(leaf.shape)))
                return f"say which dimension to split, for instance --shard {index}={spec}"
    return f"no dimension of any argument can be split {size} ways: choose another number of devices"


def find_argument(inputs: Sequence[Leaf], argument: str) -> int:
    """Position of an argument given by position or by its path name. Raises ShardingError."""
    if argument.isascii() and argument.isdigit() and int(argument) < len(inputs):
        return int(argument)
    named = [index for index, leaf in enumerate(inputs) if leaf.name and leaf.name == argument]
    if len(named) == 1:
        return named[0]
    known = ", ".join(f"{index} {leaf.name}".strip() for index, leaf in enumerate(inputs[:12]))
    more = f" and {len(inputs) - 12} more" if len(inputs) > 12 else ""
    raise ShardingError(f"the program has no argument {argument!r}", f"arguments are: {known}{more}")


def parse_spec(text: str, leaf: Leaf, index: int, axes: Mapping[str, int]) -> Spec:
    """A spec such as `x,-` or `x+y` (two axes on one dimension) for one argument. Raises ShardingError.

    A spec shorter than the argument's rank leaves the last dimensions whole.
    """
    who = f"argument {index}" + (f" ({leaf.name})" if leaf.name else "")
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if len(parts) > len(leaf.shape):
        raise ShardingError(
            f"the spec {text!r} has {len(parts)} dimensions and {who} has {len(leaf.shape)}",
            f"{who} has shape {list(leaf.shape)}: give at most {len(leaf.shape)} entries, `-` for a whole dimension",
        )
    used: set[str] = set()
    spec: list[tuple[str, ...]] = []
    for dimension, part in enumerate(parts):
        names = () if part == "-" else tuple(part.split("+"))
        for name in names:
            if name not in axes:
                valid = ", ".join(f"{axis} ({size})" for axis, size in axes.items())
                raise ShardingError(f"the mesh has no axis {name!r} (spec {text!r} of {who})", f"axes are: {valid}")
            if name in used:
                raise ShardingError(
                    f"the spec {text!r} of {who} uses the mesh axis {name!r} twice",
                    "an axis can split one dimension of an argument; use `-` for the others",
                )
            used.add(name)
        ways = prod(axes[name] for name in names)
        if leaf.shape[dimension] % ways:
            raise ShardingError(
                f"the spec {text!r} splits dimension {dimension} of {who} {ways} ways, and its size "
                f"{leaf.shape[dimension]} is not a multiple of {ways}",
                f"a dimension of {list(leaf.shape)} that {ways} divides, or other mesh sizes",
            )
        spec.append(names)
    return (*spec, *((),) * (len(leaf.shape) - len(spec)))
