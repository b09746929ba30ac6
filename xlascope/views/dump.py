"""The modules of an XLA dump folder (``--xla_dump_to``): which file is which stage of which module."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FILE = re.compile(r"module_(\d+)\.(.+)\.txt\Z")
_BEFORE = re.compile(r"(.+?)\.before_optimizations\Z")
# The part before is the backend's: `cpu_`, `sm_9.0a_gpu_`; a TPU's has none.
_AFTER = re.compile(r"(.+?)\.(?:[\w.\-]*_)?after_optimizations\Z")
_PASS = re.compile(r"(.+?)\.(\d+)\.(.+)\Z")
_CHANGE_LIST = re.compile(r"\.cl_\d+\Z")


@dataclass(frozen=True, slots=True)
class DumpModule:
    """One compilation. ``id`` is ``jit_f#1`` by the number of the dump, ``stages`` maps a stage to its file."""

    id: str
    name: str
    stages: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class DumpFolder:
    """The modules of a folder that XLA dumped into."""

    modules: tuple[DumpModule, ...]


def read_dump(folder: Path) -> DumpFolder:
    """Find the modules by their file names, in the order of their numbers. Raises OSError for an unreadable folder."""
    found: dict[tuple[int, str], dict[str, Path]] = {}
    passes: dict[tuple[int, str], list[tuple[int, Path]]] = {}
    for file in sorted(folder.iterdir()):
        match = _FILE.match(file.name)
        if match is None or not file.is_file():
            continue
        number, rest = int(match.group(1)), match.group(2)
        for stage, pattern in (("hlo", _BEFORE), ("optimized", _AFTER)):
            named = pattern.match(rest)
            if named:
                found.setdefault((number, _name(named.group(1))), {})[stage] = file
        step = _PASS.match(rest)
        if step:
            passes.setdefault((number, _name(step.group(1))), []).append((int(step.group(2)), file))
    for key, steps in passes.items():
        found.setdefault(key, {}).update({f"pass:{index}": file for index, file in sorted(steps)})
    modules = [DumpModule(f"{name}#{number}", name, stages) for (number, name), stages in sorted(found.items())]
    return DumpFolder(tuple(modules))


def _name(text: str) -> str:
    return _CHANGE_LIST.sub("", text)
