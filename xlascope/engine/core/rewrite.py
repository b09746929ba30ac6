"""Switches that change a program's StableHLO before it is compiled: matmul precision and donation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...protocol import specs
from .. import compat
from .module import ModuleFacts
from .switches import ALGORITHMS, PRECISIONS, SwitchError, Switches


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A module as the switches want it; ``notes`` say what was done."""

    bytecode: bytes
    notes: tuple[str, ...]


def rewrites(touched: Switches) -> bool:
    """Whether the switches change the module itself."""
    return touched.matmul_precision is not None or bool(touched.donate)


def rewritten(
    bytecode: bytes, touched: Switches, facts: ModuleFacts, inputs: Sequence[Mapping[str, Any]], kept: Sequence[int]
) -> Rewritten:
    """The module with the switches' precision and donation.

    `inputs`: the input rows of the program's record; `kept`: which of them the module's arguments are.
    Raises SwitchError and ShardingError (an argument that is not there).
    """
    notes: list[str] = []
    with compat.stablehlo_module(bytecode) as module:
        if touched.matmul_precision is not None:
            notes.append(_precision(module, touched.matmul_precision))
        if touched.donate:
            notes += _donation(compat.main_function(module), touched.donate, facts, inputs, kept)
        return Rewritten(compat.portable_bytecode(module), tuple(notes))


def _precision(module: Any, name: str) -> str:
    count, changed = compat.set_matmul_precision(module, PRECISIONS.get(name), ALGORITHMS.get(name))
    what = "float32 matrix multiplications" if name in ALGORITHMS else "matrix multiplications and convolutions"
    if not count:
        raise SwitchError(f"the program has no {what}, so their precision cannot be set", "try another switch")
    if not changed:
        return f"all {count} {what} have the precision {name} already"
    return f"precision {name} set on {changed} of {count} {what}"


def _donation(
    main: Any, wanted: Mapping[str, bool], facts: ModuleFacts, inputs: Sequence[Mapping[str, Any]], kept: Sequence[int]
) -> list[str]:
    leaves = specs.leaves(inputs)
    notes = []
    for argument, on in wanted.items():
        position = specs.find_argument(leaves, argument)
        who = f"argument {position}" + (f" ({leaves[position].name})" if leaves[position].name else "")
        if position not in kept:
            raise SwitchError(f"{who} is not used by the program, so it cannot be donated", "choose one that is used")
        index = list(kept).index(position)
        taken = compat.aliases(main)
        if on == (index in taken):
            notes.append(f"{who} is {'donated' if on else 'not donated'} already")
        elif not on:
            compat.set_donation(main, index, None)
            notes.append(f"{who} is not donated any more")
        else:
            output = _output_for(index, who, facts, taken)
            compat.set_donation(main, index, output)
            name = facts.result_names[output] if output < len(facts.result_names) else ""
            notes.append(f"{who} is donated to {name or f'output {output}'}")
    return notes


def _output_for(index: int, who: str, facts: ModuleFacts, taken: Mapping[int, int | None]) -> int:
    """The first output of the argument's shape and dtype whose memory no other argument gives."""
    tensor, used = facts.inputs[index], set(taken.values())
    same = [number for number, output in enumerate(facts.outputs) if output == tensor]
    free = [number for number in same if number not in used]
    if free:
        return free[0]
    shape = f"{tensor.dtype.name}[{','.join(map(str, tensor.shape))}]"
    if same:
        raise SwitchError(
            f"{who} ({shape}) cannot be donated: each output like it has another donated argument's memory",
            "switch that one's donation off first: --donate ARG=off",
        )
    others = dict.fromkeys(f"{each.dtype.name}[{','.join(map(str, each.shape))}]" for each in facts.outputs)
    raise SwitchError(
        f"{who} ({shape}) cannot be donated: no output has its shape and type", f"outputs are: {', '.join(others)}"
    )
