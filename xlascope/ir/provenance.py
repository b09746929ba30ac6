"""Equation tags in HLO: which jaxpr equations an instruction comes from.

The engine tags each equation's name stack (`xlascope/engine/core/tags.py`); XLA carries the tags in ``op_name`` through
every pass. The tagged module is the untagged one but for metadata, which `names_between` checks.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from xlascope.ir.hlo import HloModule

_TAG = re.compile(r"xs(b\d+\.)?(\d+)_")
_IN_NAME = re.compile(r"/xs(?:b\d+\.)?\d+_(?=[/\";)\]])|\bxs(?:b\d+\.)?\d+_(?:/|(?=\)))")


def paths_of(op_name: str, known: Collection[str] | None = None) -> tuple[str, ...]:
    """Paths that an ``op_name`` names, each once; XLA joins the names of merged instructions with ``;``.

    With ``known`` paths, one that is not among them stands for its nearest enclosing equation: some lowerings trace
    jaxprs of their own inside an equation.
    """
    found: dict[str, None] = {}
    for name in op_name.split(";"):
        parts = [(branch or "") + number for branch, number in _TAG.findall(name)]
        while parts and known is not None and ".".join(parts) not in known:
            parts.pop()
        if parts:
            found[".".join(parts)] = None
    return tuple(found)


def without_tags(text: str) -> str:
    """HLO text with the tags cut out of its ``op_name`` metadata."""
    return _IN_NAME.sub("", text) if "xs" in text else text


def names_between(tagged: HloModule, untagged: HloModule) -> tuple[dict[str, str], str | None]:
    """Tagged name → untagged name, and where the modules part (None: the same instructions in the same order).

    By name; where only names differ (programs with a random generator), by place.
    """
    a = [(i.name, i.opcode) for c in tagged.computations for i in c.instructions]
    b = [(i.name, i.opcode) for c in untagged.computations for i in c.instructions]
    if [opcode for _, opcode in a] == [opcode for _, opcode in b]:
        return {name: other for (name, _), (other, _) in zip(a, b, strict=True)}, None
    there = dict(b)
    first = next((x[0] for x, y in zip(a, b, strict=False) if x[1] != y[1]), "the end")
    mismatch = f"the tagged module has {len(a)} instructions, the script's {len(b)}; they part at {first}"
    return {name: name for name, opcode in a if there.get(name) == opcode}, mismatch
