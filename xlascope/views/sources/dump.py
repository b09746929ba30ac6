"""The modules of an XLA dump folder (``--xla_dump_to``): which file is which stage of which module.

Also those of JAX's own dump (``JAX_DUMP_IR_TO``), and of single files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

_FILE = re.compile(r"module_(\d{1,18})\.(.+?)\.(txt|hlo\.pb)(?:\.gz)?\Z")
_BEFORE = re.compile(r"(.+?)\.before_optimizations\Z")
# The part before is the backend's: `cpu_`, `sm_9.0a_gpu_`; a TPU's has none.
_AFTER = re.compile(r"(.+?)\.(?:[\w.\-]*_)?after_optimizations\Z")
_THUNKS = re.compile(r"(.+?)\.thunk_sequence\Z")
_PASS = re.compile(r"(.+?)\.(\d{1,18})\.(.+)\Z")
_CHANGE_LIST = re.compile(r"\.cl_\d+\Z")
_SHARDY = re.compile(r"module_(\d{1,18})\.(.+)\Z")
_OF_JAX = re.compile(r"jax_ir(\d{1,18})_(.+)_[a-z]+\.mlir(?:\.gz)?\Z")


@dataclass(frozen=True, slots=True)
class Proto:
    """A stage that a profile holds as a serialized HloProto."""

    name: str
    data: bytes = field(repr=False)

    def __str__(self) -> str:
        return self.name


Place = Path | Proto
"""Where the text of a stage is had from."""


@dataclass(frozen=True, slots=True)
class DumpModule:
    """One compilation. ``id`` is ``jit_f#1`` by the number of the dump, ``stages`` maps a stage to where it is."""

    id: str
    name: str
    stages: Mapping[str, Place]
    number: int | None = None


@dataclass(frozen=True, slots=True)
class DumpFolder:
    """The modules of a folder that XLA dumped into."""

    modules: tuple[DumpModule, ...]


def read_dump(folder: Path) -> DumpFolder:
    """Find the modules by their file names, in the order of their numbers. Raises OSError for an unreadable folder."""
    found: dict[tuple[int, str], dict[str, Place]] = {}
    passes: dict[tuple[int, str], dict[int, Path]] = {}
    of_jax: dict[tuple[int, str], dict[str, Place]] = {}
    # Of one form as text and as protobuf the text is taken: it comes first.
    for file in sorted(folder.iterdir(), key=lambda each: (".hlo.pb" in each.name, each.name)):
        if not file.is_file():
            continue
        named = _OF_JAX.match(file.name)
        if named:
            of_jax[int(named.group(1)), named.group(2)] = {"stablehlo": file}
        match = _FILE.match(file.name)
        if match is None:
            continue
        number, rest = int(match.group(1)), match.group(2)
        for stage, pattern in (("hlo", _BEFORE), ("optimized", _AFTER), ("thunks", _THUNKS)):
            of_stage = pattern.match(rest)
            if of_stage:
                found.setdefault((number, _name(of_stage.group(1))), {}).setdefault(stage, file)
        step = _PASS.match(rest)
        if step:
            passes.setdefault((number, _name(step.group(1))), {}).setdefault(int(step.group(2)), file)
    for key, steps in passes.items():
        found.setdefault(key, {}).update({f"pass:{index}": file for index, file in sorted(steps.items())})
    for key, file in _inputs(folder):
        if key in found:
            found[key].setdefault("stablehlo", file)
    return DumpFolder(together(_modules(found), _modules(of_jax)))


def _modules(found: Mapping[tuple[int, str], Mapping[str, Place]]) -> tuple[DumpModule, ...]:
    return tuple(
        DumpModule(f"{name}#{number}", name, stages, number) for (number, name), stages in sorted(found.items())
    )


def _inputs(folder: Path) -> Iterable[tuple[tuple[int, str], Path]]:
    """The StableHLO that the sharding propagation of a module began with, where it was dumped."""
    inner = folder / "shardy"
    for each in sorted(inner.iterdir()) if inner.is_dir() else ():
        named, file = _SHARDY.match(each.name), each / "00.input_module.mlir"
        if named and file.is_file():
            yield (int(named.group(1)), _name(named.group(2))), file


def together(*groups: tuple[DumpModule, ...]) -> tuple[DumpModule, ...]:
    """The modules of several places; the n-th of a name here and there are one where their stages complete each other.

    They are not where the places hold different numbers of that name, or the same stage twice.
    """
    every: tuple[DumpModule, ...] = ()
    for group in groups:
        every = _joined(every, group)
    return every


def _joined(first: tuple[DumpModule, ...], second: tuple[DumpModule, ...]) -> tuple[DumpModule, ...]:
    mine, theirs = _by_name(first), _by_name(second)
    partner: dict[str, DumpModule] = {}
    for name, own in mine.items():
        others = theirs.get(name, [])
        if len(own) == len(others) and all(
            a.stages.keys().isdisjoint(b.stages) for a, b in zip(own, others, strict=True)
        ):
            partner.update({a.id: b for a, b in zip(own, others, strict=True)})
    taken = {id(each) for each in partner.values()}
    merged = [
        replace(each, stages={**each.stages, **partner[each.id].stages}) if each.id in partner else each
        for each in first
    ]
    ids = {each.id for each in merged}
    for each in second:
        if id(each) not in taken:
            merged.append(replace(each, id=_free(each.id, ids)))
            ids.add(merged[-1].id)
    return tuple(merged)


def _by_name(modules: tuple[DumpModule, ...]) -> dict[str, list[DumpModule]]:
    found: dict[str, list[DumpModule]] = defaultdict(list)
    for each in modules:
        found[each.name].append(each)
    return found


def _free(wanted: str, taken: set[str]) -> str:
    """``wanted``, or with what makes it another id than those that are taken."""
    name, letter = wanted, ord("b")
    while name in taken:
        name, letter = f"{wanted}{chr(letter)}" if letter <= ord("z") else f"{wanted}.{letter}", letter + 1
    return name


def _name(text: str) -> str:
    return _CHANGE_LIST.sub("", text)
