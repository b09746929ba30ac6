"""The user's own names in ``op_name``: named scopes, modules and functions around an instruction."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from xlascope.graphs.model import Group, Node

_TAG = re.compile(r"xs(?:b\d+\.)?\d+_\Z")
_WRAPPER = re.compile(r"([A-Za-z_]\w*)\((.*)\)\Z")
# What JAX writes for its own constructs: no name of the user's.
_PLAIN = frozenset(
    {"while", "body", "cond", "branch", "closed_call", "checkpoint", "remat", "main", "scan", "body_fun"}
)
_TRANSFORMS = frozenset({"jvp", "transpose", "vmap", "pmap", "shard_map", "rematted_computation", "custom_jvp_call"})
_BRANCH = re.compile(r"branch_\d+_fun\Z")


@lru_cache(maxsize=65536)
def scope_of(op_name: str) -> tuple[str, ...]:
    """Names around the operation, outermost first.

    ``jit(step)/transpose(jvp(layer_0))/attn/dot_general`` gives ``("transpose(jvp(layer_0))", "attn")``: the
    outermost function is the program itself and the last part is the operation. Of the names of merged instructions
    (joined with ``;``) the first counts.
    """
    parts = _split(op_name.partition(";")[0])
    found = []
    for place, part in enumerate(parts[:-1]):
        name = _own(part)
        if name and not (place == 0 and part.startswith(("jit(", "pmap("))):
            found.append(name)
    return tuple(found)


def _split(op_name: str) -> list[str]:
    """Parts between slashes outside of parentheses: a scope may hold the whole path of a transformed function."""
    parts, depth, begin = [], 0, 0
    for place, character in enumerate(op_name):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "/" and depth <= 0:
            parts.append(op_name[begin:place])
            begin = place + 1
    return [*parts, op_name[begin:]]


def _own(part: str) -> str:
    """A part as a name to show; empty where it names nothing of the user's."""
    if not part or _TAG.match(part) or part in _PLAIN or _BRANCH.match(part):
        return ""
    wrapped = _WRAPPER.match(part)
    if wrapped is None:
        return "" if part in _TRANSFORMS else part
    kind, inner = wrapped.groups()
    if kind in ("jit", "pjit"):
        return inner
    if kind not in _TRANSFORMS:
        return part
    names = [name for name in (_own(each) for each in _split(inner)) if name]
    if names:
        return f"{kind}({'/'.join(names)})"
    return kind if kind in ("jvp", "transpose") else ""


def scope_groups(nodes: Iterable[Node]) -> tuple[Group, ...]:
    """A group of kind ``scope`` for each name of the user's around nodes; its id is the names joined with slashes."""
    times: dict[tuple[str, ...], int | None] = {}
    counts: dict[tuple[str, ...], int] = {}
    for node in nodes:
        for depth in range(1, len(node.scope) + 1):
            path = node.scope[:depth]
            counts[path] = counts.get(path, 0) + 1
            known = times.setdefault(path, None)
            if node.self_ns is not None:
                times[path] = (known or 0) + node.self_ns
    return tuple(
        Group("/".join(path), "scope", "/".join(path[:-1]) or None, ns, members=counts[path], label=path[-1])
        for path, ns in times.items()
    )
