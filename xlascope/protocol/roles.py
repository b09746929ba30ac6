"""Which inputs of a program are parameters and which the batch, told by names and shapes alone. No JAX.

Inputs are grouped by the Python argument they come from (`params['w']` and `params['b']` by `params`; where all come
from one argument, by its parts):

* an argument whose arrays are all among the results, in shape and dtype, is a parameter: the program returns it anew.
  Each result is the return of one argument, of those with more arrays first. Of an argument that is returned in
  part, in more than half, the arrays found among the remaining results are parameters;
* the batch are the arguments, of the others, whose arrays all lead with the batch's size: the leading size that
  results lead with too, then the most common one, then one that is no later dimension of any array, then the first. A
  tree whose arrays lead with different sizes holds parameters, whatever one of them happens to lead with, and so does a
  tree over all of whose arrays a scan iterates (stacked layers); only where every argument is such a tree do single
  arrays count, or those of the scan;
* of a program that returns none of its arguments, all that is not the batch is a parameter;
* a program whose only result has the shape of one array that is an argument of its own is a layer applied to it, and
  that argument is the batch, where its leading size is found in no other argument or another is a tree as above.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .specs import Leaf

_PART = re.compile(r"\[[^\]]*\]|\.?[^.\[]+")


@dataclass(frozen=True, slots=True)
class Roles:
    """For each input whether it is a parameter, and whether it belongs to the batch, which leads with `leading`.

    `because`: how that size was told, as the end of a sentence. `returned`: which inputs are among the results.
    """

    parameters: tuple[bool, ...]
    batch: tuple[bool, ...]
    leading: int | None
    because: str = ""
    returned: tuple[bool, ...] = ()


def roles(inputs: Sequence[Leaf], outputs: Sequence[Leaf]) -> Roles:
    """Parameters and batch among the inputs, by the rules at the top."""
    groups = _groups(inputs)
    applied = _applied_to(inputs, outputs, groups)
    if applied is not None:
        batch = [index == applied for index in range(len(inputs))]
        because = "the result has the shape of the array that leads with it"
        return Roles(tuple(not each for each in batch), tuple(batch), inputs[applied].shape[0], because,
                     (False,) * len(inputs))  # fmt: skip
    returned = _returned(inputs, outputs, groups)
    others = [leaf for leaf, is_returned in zip(inputs, returned, strict=True) if not is_returned and leaf.shape]
    taken = {(leaf.shape, leaf.dtype) for leaf, is_returned in zip(inputs, returned, strict=True) if is_returned}
    results = [leaf for leaf in outputs if (leaf.shape, leaf.dtype) not in taken]
    alike = [each for each in _alike(inputs, groups) if not any(returned[index] for index in each)]
    alike = [each for each in alike if not _stacked(inputs, each)] or alike
    together = {index for each in alike for index in each}
    candidates = [inputs[index] for index in sorted(together)] or others
    leading, because = _leading(candidates, results, inputs) if candidates else (None, "")
    batch = [
        bool(leaf.shape) and leaf.shape[0] == leading and not returned[index] and (not together or index in together)
        for index, leaf in enumerate(inputs)
    ]
    any_returned = any(is_returned and leaf.shape for is_returned, leaf in zip(returned, inputs, strict=True))
    parameters = returned if any_returned else [not is_batch for is_batch in batch]
    return Roles(tuple(parameters), tuple(batch), leading, because, tuple(returned))


def _groups(inputs: Sequence[Leaf]) -> list[list[int]]:
    """Positions by argument, in order; an input without a name is one of its own."""
    paths = [_PART.findall(leaf.name) or [f"#{index}"] for index, leaf in enumerate(inputs)]
    depth = 1
    while len({tuple(path[:depth]) for path in paths}) == 1 and any(len(path) > depth for path in paths):
        depth += 1
    found: dict[tuple[str, ...], list[int]] = {}
    for index, path in enumerate(paths):
        found.setdefault(tuple(path[:depth]), []).append(index)
    return list(found.values())


def _alike(inputs: Sequence[Leaf], groups: Sequence[Sequence[int]]) -> list[list[int]]:
    """Of each group whose arrays all lead with one size the positions of its arrays, scalars left out."""
    arrays = [[index for index in group if inputs[index].shape] for group in groups]
    return [each for each in arrays if len({inputs[index].shape[0] for index in each}) == 1]


def _stacked(inputs: Sequence[Leaf], group: Sequence[int]) -> bool:
    """Whether these are layers on top of each other, which a scan goes through: several arrays, all iterated over."""
    return len(group) > 1 and all(inputs[index].scanned is not None for index in group)


def _returned(inputs: Sequence[Leaf], outputs: Sequence[Leaf], groups: Sequence[Sequence[int]]) -> list[bool]:
    left = Counter((leaf.shape, leaf.dtype) for leaf in outputs)
    returned = [False] * len(inputs)
    rest = []
    for group in sorted(groups, key=len, reverse=True):
        wanted = Counter((inputs[index].shape, inputs[index].dtype) for index in group)
        rivals = sum(len(each) == 1 and _same(inputs[each[0]], inputs[group[0]]) for each in groups)
        if len(outputs) == 1 and rivals > 1 and len(group) == 1:
            continue  # f(x, y) = x + y: the one result is no more the return of one than of the other
        if wanted <= left:
            left -= wanted
            for index in group:
                returned[index] = True
        elif len(group) > 1:
            rest.append(group)
    for group in rest:
        found, left_then = [], left.copy()
        for index in group:
            key = inputs[index].shape, inputs[index].dtype
            if left_then[key]:
                left_then[key] -= 1
                found.append(index)
        if 2 * len(found) > len(group):
            left = left_then
            for index in found:
                returned[index] = True
    return returned


def _same(one: Leaf, other: Leaf) -> bool:
    return (one.shape, one.dtype) == (other.shape, other.dtype)


def _applied_to(inputs: Sequence[Leaf], outputs: Sequence[Leaf], groups: Sequence[Sequence[int]]) -> int | None:
    """The one argument that a layer is applied to, if the program looks like a layer."""
    if len(outputs) != 1 or not outputs[0].shape or len(inputs) < 2:
        return None
    alone = [each[0] for each in groups if len(each) == 1 and _same(inputs[each[0]], outputs[0])]
    if len(alone) != 1:
        return None
    index = alone[0]
    leading = inputs[index].shape[0]
    trees = any(len({inputs[at].shape[0] for at in each if inputs[at].shape}) > 1 for each in groups)
    elsewhere = any(leading in leaf.shape for at, leaf in enumerate(inputs) if at != index)
    return index if trees or not elsewhere else None


def _leading(candidates: Sequence[Leaf], results: Sequence[Leaf], inputs: Sequence[Leaf]) -> tuple[int, str]:
    """The batch's size, and how it was told."""
    counts = Counter(leaf.shape[0] for leaf in candidates)
    led = {leaf.shape[0] for leaf in results if leaf.shape}
    later = {extent for leaf in inputs for extent in leaf.shape[1:]}
    order = [leaf.shape[0] for leaf in candidates]
    leading = max(counts, key=lambda size: (size in led, counts[size], size not in later, -order.index(size)))
    if leading in led:
        return leading, "results lead with it too"
    equals = [size for size, count in counts.items() if count == counts[leading] and size != leading]
    if not equals:
        return leading, "most arguments lead with it" if len(counts) > 1 else "all arguments lead with it"
    if leading not in later and all(size in later for size in equals):
        return leading, "no array has it as a later dimension"
    return leading, "it comes first of the sizes that equally many arguments lead with"
