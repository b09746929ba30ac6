"""Which program of one side is which of the other: by function and signature, and where a name is gone by equations."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath

from xlascope.ir.alignment import canonical
from xlascope.ir.shapes import short_shape
from xlascope.views import fields
from xlascope.views.comparing.sides import Side, programs
from xlascope.views.names.program_records import function_name, program_records
from xlascope.views.sources.dump import DumpModule
from xlascope.views.sources.source import HloSource, RunSource
from xlascope.views.sources.stages import jaxpr_index, readable_module

_FAR = 200
"""Lines apart at which the place of a function says nothing any more."""


@dataclass(frozen=True, slots=True)
class Known:
    """What tells a program from others. ``inputs``: types of the arguments; None where the side does not say.
    ``body``: its jaxpr as text, None where that is empty or not held.
    """

    id: str
    function: str
    file: str | None = None
    line: int | None = None
    inputs: tuple[str, ...] | None = None
    statics: tuple[str, ...] = ()
    primitives: tuple[tuple[str, int], ...] = ()
    shapes: tuple[tuple[str, int], ...] = ()
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """``same_signature``: the arguments' types agree, so that both did the same work; None: not known."""

    a: Known
    b: Known
    same_signature: bool | None


def known(side: Side) -> list[Known]:
    """The programs of a side."""
    source = side.source
    if isinstance(source, RunSource):
        return [_of_run(source, name) for name in programs(side)]
    assert isinstance(source, HloSource)
    mine = set(programs(side))
    return [
        Known(module.id, _bare(module.name), shapes=_shapes(source, module))
        for module in source.modules
        if module.id in mine
    ]


def _shapes(source: HloSource, module: DumpModule) -> tuple[tuple[str, int], ...]:
    """What the arguments of a module are, and how many instructions it has of each opcode."""
    held = [stage for stage in ("optimized", "hlo") if stage in module.stages]
    found = readable_module(source, module.id, held[0]) if held else None
    if found is None or found.entry is None:
        return ()
    counts = Counter(each.opcode for each in found.instructions())
    given = (each for each in found.entry.instructions if each.opcode == "parameter")
    counts.update(f"parameter {short_shape(each.shape)}" for each in given)
    return tuple(sorted(counts.items()))


def _bare(module: str) -> str:
    """The function of a module's name."""
    name = module.partition("(")[0]
    for prefix in ("jit_", "pmap_", "jit__"):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def _of_run(source: RunSource, name: str) -> Known:
    record = program_records(source)[name]
    body = record.json
    inputs = tuple(
        f"{each.get('dtype')}{each.get('shape')}{'*' if each.get('weak_type') else ''}"
        for each in fields.mappings(body, "inputs")
    )
    index = jaxpr_index(source, name)
    counts = Counter(canonical(each.primitive) for each in index.equations) if index is not None else Counter[str]()
    return Known(
        name, function_name(record), fields.text(body, "file"), fields.integer(body, "line"), inputs,
        fields.texts(body, "statics"), tuple(sorted(counts.items())),
        body=_ADDRESS.sub("", index.text) if index is not None and index.equations else None,
    )  # fmt: skip


_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Of functions in the parameters of an equation."""


def match(a: list[Known], b: list[Known]) -> tuple[list[Pair], list[Known], list[Known]]:
    """Pairs in the order of `b`, and what is only in `a` or in `b`. The likeliest pairs are made first."""
    scored = [
        (score, i, j)
        for i, one in enumerate(a)
        for j, two in enumerate(b)
        if (score := _score(one, two)) is not None
    ]
    scored.sort(key=lambda each: (-each[0], abs(each[1] - each[2]), each[1]))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in scored:
        if i not in taken and j not in partner:
            partner[j] = i
            taken.add(i)
    for i, j in _renamed(a, b, taken, set(partner)):
        partner[j] = i
        taken.add(i)
    pairs = [Pair(a[i], b[j], _agree(a[i], b[j])) for j, i in sorted(partner.items())]
    return pairs, [each for i, each in enumerate(a) if i not in taken], [
        each for j, each in enumerate(b) if j not in partner]


def is_renamed(pair: Pair) -> bool:
    """Whether the function has another name on each side: then its equations are the same."""
    return pair.a.function.rpartition(".")[2] != pair.b.function.rpartition(".")[2]


def _renamed(a: list[Known], b: list[Known], taken: set[int], found: set[int]) -> list[tuple[int, int]]:
    """Of what is left those whose arguments and equations one other has, and no second one."""
    left = [(i, each) for i, each in enumerate(a) if i not in taken and each.body is not None]
    right = [(j, each) for j, each in enumerate(b) if j not in found and each.body is not None]
    alike = [(i, j) for i, one in left for j, two in right if one.body == two.body and _agree(one, two)]
    of_a, of_b = Counter(i for i, _ in alike), Counter(j for _, j in alike)
    return [(i, j) for i, j in alike if of_a[i] == of_b[j] == 1]


def _agree(a: Known, b: Known) -> bool | None:
    if a.inputs is None or b.inputs is None:
        return None
    return _strong(a.inputs) == _strong(b.inputs) and a.statics == b.statics


def _strong(inputs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each.rstrip("*") for each in inputs)


def _score(a: Known, b: Known) -> float | None:
    """How likely two programs are the same one; None: they are not."""
    if a.function.rpartition(".")[2] != b.function.rpartition(".")[2]:
        return None
    if a.inputs is None or b.inputs is None:
        # A profile or a dump names modules by function and nothing else; the more alike they are, the likelier.
        return 1.0 + (_alike(a.shapes, b.shapes) if a.shapes and b.shapes else 0.0)
    same_file = a.file is not None and b.file is not None and PurePath(a.file).name == PurePath(b.file).name
    if a.function == "<lambda>" and not same_file:
        return None
    near = 0.0
    if a.line is not None and b.line is not None:
        near = max(0.0, 1 - abs(a.line - b.line) / _FAR)
    alike = _alike(a.primitives, b.primitives)
    types = _strong(a.inputs) == _strong(b.inputs)
    return (
        8.0 * types + 3.0 * (a.statics == b.statics) + 2.0 * (a.function == b.function) + 2.0 * same_file
        + 2.0 * alike + near + 0.5 * (a.inputs == b.inputs)
    )  # fmt: skip


def _alike(a: tuple[tuple[str, int], ...], b: tuple[tuple[str, int], ...]) -> float:
    """Share of what is counted on both sides that they have in common."""
    ours, theirs = Counter(dict(a)), Counter(dict(b))
    every = (ours | theirs).total()
    return (ours & theirs).total() / every if every else 1.0
