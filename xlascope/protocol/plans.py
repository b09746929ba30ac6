"""Sharding plans: which dimension of which argument is split over which mesh axis, by written rules. No JAX.

Which arguments are parameters and which the batch: `protocol/roles.py`.

The plans, on a mesh whose first axis is for the batch and whose last is for parameters (the same one if there is one):

* `replicate`: every argument whole on each device;
* `batch`: the batch split on its first dimension over the first axis, all else whole;
* `fsdp`: as `batch`, and each parameter split on its largest dimension that the last axis divides, the first of equals;
* `as-script`: as the script had it (the engine leaves the program as it is);
* `auto`: replicate, batch and fsdp (on a mesh of several axes also on one axis of all devices), each measured, ranked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from .roles import Roles, roles
from .specs import Leaf, ShardingError, Spec, divisors, find_argument, mesh_for, mesh_text, parse_spec

PLANS = ("replicate", "batch", "fsdp", "as-script")
AUTO = "auto"
_MOST_NAMED = 6


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """A mesh and a spec for each flat input, None for one that lies as the script had it.

    `notes` say what was chosen, `why` for each input that stays whole.
    """

    mesh: dict[str, int]
    specs: tuple[Spec | None, ...]
    notes: tuple[str, ...]
    why: tuple[str | None, ...] = ()


def plan(
    inputs: Sequence[Leaf],
    outputs: Sequence[Leaf],
    devices: int,
    mesh: Mapping[str, int] | None = None,
    shard_plan: str | None = None,
    shard: Mapping[str, str] | None = None,
    spread: bool = False,
) -> ShardPlan:
    """The plan for `devices` devices: a named plan (`batch` unless `shard` is given), then the specs of `shard`.

    `spread`: the script laid the program over devices itself; arguments that no plan and no spec names stay so.
    Raises ShardingError.
    """
    axes = mesh_for(devices, mesh)
    chosen = shard_plan or ("replicate" if shard else "batch")
    if chosen in ("batch", "fsdp"):
        specs, why, notes = _split(inputs, outputs, axes, chosen)
    elif chosen == "replicate":
        specs = [_whole(leaf) for leaf in inputs]
        why, notes = [f"the plan is {'replicate' if shard_plan else 'the specs given, and this has none'}"], []
        why = why * len(inputs)
    else:
        raise ShardingError(
            f"there is no sharding plan {chosen!r} to compile", f"plans are: {', '.join((*PLANS, AUTO))}"
        )
    left = spread and not shard_plan
    given: dict[int, str] = {}
    for argument, text in (shard or {}).items():
        index = find_argument(inputs, argument)
        if index in given:
            raise ShardingError(
                f"argument {index} has two specs: --shard {given[index]} and --shard {argument}", "give one of them"
            )
        given[index] = argument
        specs[index] = parse_spec(text, inputs[index], index, axes)
        why[index] = f"its spec is {text!r}"
    if shard and len(shard) < len(inputs) and chosen == "replicate":
        notes.append(f"arguments without a spec {'lie as the script had them' if left else 'are replicated'}")
    laid = tuple(None if left and index not in given else spec for index, spec in enumerate(specs))
    notes += _steps_split(inputs, laid, axes)
    reasons = [None if spec is None or any(spec) else reason for spec, reason in zip(laid, why, strict=True)]
    return ShardPlan(axes, laid, tuple(notes), tuple(reasons))


def candidates(
    inputs: Sequence[Leaf],
    outputs: Sequence[Leaf],
    devices: int,
    mesh: Mapping[str, int] | None = None,
    flat: bool = True,
) -> tuple[list[dict[str, Any]], list[str]]:
    """What `auto` measures, as switches; and a sentence for each plan that cannot be had here.

    Of a mesh of several axes one axis over all devices is tried too, unless `flat` is false. Plans that give every
    argument the same spec as an earlier one on the same mesh are measured once. Raises ShardingError for a mesh that
    does not fit.
    """
    meshes: list[dict[str, int] | None] = [dict(mesh) if mesh else None]
    if flat and mesh and len([size for size in mesh.values() if size > 1]) > 1:
        meshes.append(None)
    found: list[dict[str, Any]] = []
    refused: list[str] = []
    seen: set[tuple[Any, ...]] = set()
    for axes in meshes:
        fitted = mesh_for(devices, axes)
        for name in ("replicate", "batch", "fsdp"):
            if name == "replicate" and found:
                continue  # the same on every mesh
            try:
                made = plan(inputs, outputs, devices, axes, name)
            except ShardingError as error:
                refused.append(f"{name} on {mesh_text(fitted)}: {error}")
                continue
            key = (tuple(fitted.items()), made.specs)
            if key not in seen:
                seen.add(key)
                found.append({"devices": devices, "shard_plan": name} | ({"mesh": axes} if axes else {}))
    return found, refused


def _whole(leaf: Leaf) -> Spec:
    return ((),) * len(leaf.shape)


def _split(
    inputs: Sequence[Leaf], outputs: Sequence[Leaf], axes: Mapping[str, int], chosen: str
) -> tuple[list[Spec], list[str], list[str]]:
    """Specs, why each would stay whole, and notes, of `batch` and `fsdp`."""
    known = roles(inputs, outputs)
    first, last = next(iter(axes)), list(axes)[-1]
    size = axes[first]
    specs, why = [], []
    split: list[str] = []
    cut: list[str] = []
    for index, leaf in enumerate(inputs):
        spec, reason = _whole(leaf), "a scalar has no dimension to split"
        if not leaf.shape:
            pass
        elif known.batch[index]:
            if leaf.shape[0] % size == 0:
                spec = ((first,), *spec[1:])
                split.append(leaf.name or str(index))
            else:
                reason = f"not divisible: dimension 0 of size {leaf.shape[0]} over {first}={size}"
        elif known.parameters[index]:
            reason = f"the plan {chosen} keeps parameters whole"
            dimension = _largest(leaf, axes[last])
            if chosen == "fsdp" and dimension is not None:
                spec = tuple((last,) if at == dimension else () for at in range(len(leaf.shape)))
                cut.append(leaf.name or str(index))
            elif chosen == "fsdp":
                reason = f"not divisible: no dimension of {list(leaf.shape)} is a multiple of {last}={axes[last]}"
        else:
            reason = f"the plan {chosen} splits what leads with {known.leading}, and this leads with {leaf.shape[0]}"
        specs.append(spec)
        why.append(reason)
    if not split and not (chosen == "fsdp" and cut):
        raise _nothing_split(inputs, known, chosen, first, size)
    notes = []
    if split:
        over = f"{first}={size}"
        notes.append(f"{chosen} plan: {_some(split)} split on dimension 0 ({known.leading}) over {over}"
                     + ("" if cut else "; others replicated"))
        notes += _doubt(inputs, known, first, size)
    else:
        notes.append(f"{chosen} plan: {_batch_whole(inputs, known, first, size)}")
    if cut:
        notes.append(f"{chosen} plan: parameters {_some(cut)} split on their largest divisible dimension over "
                     f"{last}={axes[last]}; others replicated")
    return specs, why, notes


def _steps_split(inputs: Sequence[Leaf], laid: Sequence[Spec | None], axes: Mapping[str, int]) -> list[str]:
    """A note for each place of a scan whose steps, not a batch, are what is split."""
    places: dict[str, list[int]] = {}
    for index, (leaf, spec) in enumerate(zip(inputs, laid, strict=True)):
        if leaf.scanned is not None and spec and spec[0]:
            places.setdefault(leaf.scanned, []).append(index)
    return [_steps(inputs, indices, place, laid, axes) for place, indices in places.items()]


def _steps(
    inputs: Sequence[Leaf], indices: Sequence[int], place: str, laid: Sequence[Spec | None], axes: Mapping[str, int]
) -> str:
    names = [inputs[index].name or str(index) for index in indices]
    spec = laid[indices[0]] or ((),)
    axis, ways = "+".join(spec[0]), prod(axes[each] for each in spec[0])
    shape = inputs[indices[0]].shape
    other = next((at for at, extent in enumerate(shape) if at and extent and extent % ways == 0), None)
    instead = ""
    if other is not None:
        cut = ",".join([*"-" * other, axis])
        instead = f"; --shard {names[0]}={cut} (S on the screen) splits its dimension {other}"
    split = f"{_some(names)} {'is' if len(names) == 1 else 'are'} split on dimension 0"
    return (
        f"{split}, over which a scan at {place} iterates: these are its steps, one after the "
        f"other, and no batch; each step needs its slice from the device that has it{instead}"
    )


def _batch_whole(inputs: Sequence[Leaf], known: Roles, axis: str, ways: int) -> str:
    """Why a plan that splits parameters splits no batch."""
    if known.leading is None:
        return "no array is split as the batch: each one is returned with the same shape"
    names = _some(_names(inputs, known.batch))
    return f"{names} not split on dimension 0: {_undivided(known.leading, axis, ways)}"


def _undivided(extent: int, axis: str, ways: int) -> str:
    return f"size {extent} is not a multiple of {axis}={ways} ({_over(extent)})"


def _over(extent: int) -> str:
    return f"it can be split over {divisors(extent)}"


def _doubt(inputs: Sequence[Leaf], known: Roles, axis: str, ways: int) -> list[str]:
    """A note where the size split is a later dimension of an array too: seldom a batch's, often that of weights."""
    inner = next((leaf for leaf in inputs if known.leading in leaf.shape[1:]), None)
    if inner is None:
        return []
    where = inner.shape.index(known.leading or 0, 1)
    text = f"{known.leading} is dimension {where} of {inner.name or inputs.index(inner)} too"
    return [f"{text}; it was taken for the batch's size because {known.because}. "
            f"If what is split are weights, {_instead(inputs, known, axis, ways)}"]  # fmt: skip


def _instead(inputs: Sequence[Leaf], known: Roles, axis: str, ways: int) -> str:
    """Of the arrays that were passed over the one that is the likeliest batch, and how to split it."""
    later = {extent for leaf in inputs for extent in leaf.shape[1:]}
    passed = [
        index
        for index, leaf in enumerate(inputs)
        if leaf.shape and not known.batch[index] and not known.returned[index] and leaf.shape[0] != known.leading
    ]
    if not passed:
        return "--shard ARGUMENT=SPEC, or S on the screen, splits others"
    index = min(passed, key=lambda at: (inputs[at].shape[0] in later, at))
    leaf, name = inputs[index], inputs[index].name or str(index)
    can = [at for at, extent in enumerate(leaf.shape) if extent and extent % ways == 0]
    parts = [] if 0 in can else [f"its dimension 0 of {_undivided(leaf.shape[0], axis, ways)}"]
    if can:
        cut = ",".join([*"-" * can[0], axis])
        parts.append(f"--shard {name}={cut} (S on the screen) splits its dimension {can[0]}")
    return f"{name} may be the batch: {'; '.join(parts)}"


def _names(inputs: Sequence[Leaf], chosen: Sequence[bool]) -> list[str]:
    return [leaf.name or str(index) for index, leaf in enumerate(inputs) if chosen[index]]


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _largest(leaf: Leaf, ways: int) -> int | None:
    can = [at for at, extent in enumerate(leaf.shape) if extent and extent % ways == 0]
    return max(can, key=lambda at: (leaf.shape[at], -at), default=None)


def _nothing_split(inputs: Sequence[Leaf], known: Roles, chosen: str, axis: str, size: int) -> ShardingError:
    if known.leading is None or not any(known.batch):
        return ShardingError(
            f"the {chosen} plan found no argument to split: each one is a scalar or is returned with the same shape",
            _example(inputs, axis, size),
        )
    return ShardingError(
        f"the {chosen} plan would split {_some(_names(inputs, known.batch))} on dimension 0 of size {known.leading} "
        f"over {size} devices, and {known.leading} is not a multiple of {size}",
        f"{_over(known.leading)}; or {_example(inputs, axis, size, known.batch)}",
    )


def _example(inputs: Sequence[Leaf], axis: str, size: int, first: Sequence[bool] = ()) -> str:
    """A spec that can be had, of the inputs marked in `first` if it can be; else what to do."""
    order = sorted(range(len(inputs)), key=lambda index: not (first and first[index]))
    for index in order:
        for dimension, extent in enumerate(inputs[index].shape):
            if extent % size == 0 and extent:
                spec = ",".join(axis if d == dimension else "-" for d in range(len(inputs[index].shape)))
                return f"say which dimension to split, for instance --shard {index}={spec} (S on the screen)"
    return f"choose another number of devices: no dimension of any argument can be split {size} ways"
