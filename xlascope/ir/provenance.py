"""Equation tags in HLO: which jaxpr equations an instruction comes from.

The engine tags each equation's name stack (`xlascope/engine/core/tags.py`); XLA carries the tags in ``op_name`` through
every pass. The tagged module is the untagged one but for metadata, which `names_between` checks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

from xlascope.ir.hlo import HloModule

_TAG = re.compile(r"xs(b\d+\.)?(\d+)_")
_IN_NAME = re.compile(r"/xs(?:b\d+\.)?\d+_(?=[/\";)\]])|\bxs(?:b\d+\.)?\d+_(?:/|(?=\)))")
# A name stack begins with the transformation that was called; what a function or a region holds begins anew.
_WHOLE = ("jit(", "pmap(")
_MOST_MERGED = 64

# What they call is a part of the computation around them.
_TRANSPARENT = frozenset({"fusion", "async-start", "async-update", "async-done"})
_CONTROL = frozenset({"while", "conditional"})

Chain = tuple[str, ...]
"""The steps of a path: ``("4", "b1.0")`` is ``4.b1.0``."""


def paths_of(op_name: str, known: Collection[str] | None = None) -> tuple[str, ...]:
    """Paths that an ``op_name`` names, each once; XLA joins the names of merged instructions.

    With ``known`` paths, one that is not among them stands for its nearest enclosing equation: some lowerings trace
    jaxprs of their own inside an equation.
    """
    return known_paths(map(chain_of, names_of(op_name)), known)


def names_of(op_name: str) -> list[str]:
    """The names of the instructions that were merged: XLA writes ``a/x;a/y``, and of combined ones ``a/(x:y)``."""
    found: list[str] = []
    for part in op_name.split(";"):
        waiting = [part]
        while waiting and len(found) < _MOST_MERGED:
            name = waiting.pop(0)
            choice = _choice(name) if ":" in name else None
            if choice is None:
                found.append(name)
            else:
                start, parts, stop = choice
                waiting = [name[:start] + one + name[stop:] for one in parts] + waiting
    return found


def _choice(name: str) -> tuple[int, list[str], int] | None:
    """The first parenthesis that holds alternatives: where it opens, what they are, where it has closed."""
    opened: list[tuple[int, list[int]]] = []
    first: tuple[int, list[int], int] | None = None
    for at, character in enumerate(name):
        if character == "(":
            opened.append((at, []))
        elif character == ":" and opened:
            opened[-1][1].append(at)
        elif character == ")" and opened:
            start, colons = opened.pop()
            if colons and (first is None or start < first[0]):
                first = start, colons, at
    if first is None:
        return None
    start, colons, end = first
    return start, [name[a + 1 : b] for a, b in pairwise([start, *colons, end])], end + 1


def without_tags(text: str) -> str:
    """HLO text with the tags cut out of its ``op_name`` metadata."""
    return _IN_NAME.sub("", text) if "xs" in text else text


def has_tags(module: HloModule) -> bool:
    """Was it lowered with tagged equations, of which something is left?"""
    return "xs" in module.text and any(_TAG.search(each.op_name or "") for each in module.instructions())


def module_paths(module: HloModule, known: Collection[str] | None = None) -> dict[str, tuple[str, ...]]:
    """Equation paths by instruction name, of the instructions that have any by their tags.

    The names inside a function, or a region such as a reduction's, can begin anew there (before optimization those of
    all functions do): their paths go on where those of the callers end.
    """
    return _Resolver(module, known).paths()


@dataclass(frozen=True, slots=True)
class _Context:
    """What the relative names of a computation go on from. ``repeats``: they may begin with the end of that.

    ``inherits``: what has a name without a tag is of the callers' equations (not in a loop or a branch).
    """

    prefixes: frozenset[Chain]
    repeats: bool
    inherits: bool


class _Resolver:
    """Paths of all instructions. Many instructions bear one name: what it says is read once."""

    def __init__(self, module: HloModule, known: Collection[str] | None) -> None:
        self._module = module
        self._known = known
        self._contexts: dict[str, _Context] = {}
        self._chains: dict[int, tuple[Chain, ...]] = {}
        self._names: dict[str, tuple[tuple[Chain, bool], ...]] = {}
        self._alone: dict[str, tuple[Chain, ...]] = {}
        self._paths: dict[tuple[Chain, ...], tuple[str, ...]] = {}

    def paths(self) -> dict[str, tuple[str, ...]]:
        op_names = self._module.op_names()
        # In HLO text a computation is written before those that call it.
        for computation in reversed(self._module.computations):
            context = self._context(computation.name)
            for index in range(computation.start, computation.stop):
                op_name = op_names[index]
                chains = self._resolve(op_name, context, computation.is_entry) if op_name is not None else ()
                if chains:
                    self._chains[index] = chains
        names = self._module.names
        found: dict[str, tuple[str, ...]] = {}
        for index, chains in sorted(self._chains.items()):
            paths = self._paths.get(chains)
            if paths is None:
                paths = self._paths[chains] = known_paths(chains, self._known)
            if paths:
                # Each its own tuple: what shares one is taken for alike, and its time split together.
                found[names[index]] = (*paths,)
        return found

    def _context(self, computation: str) -> _Context:
        known = self._contexts.get(computation)
        if known is not None:
            return known
        prefixes: set[Chain] = set()
        repeats, inherits = False, True
        # Found again on the way up only in damaged text, where computations call each other in a circle.
        self._contexts[computation] = _Context(frozenset(), repeats, inherits)
        for caller in self._module.callers(computation):
            chains = self._chains.get(caller.index, ())
            if caller.opcode == "call":
                prefixes.update(chains)
                continue
            outer = self._context(caller.computation.name)
            if caller.opcode in _TRANSPARENT:
                prefixes |= outer.prefixes
                repeats, inherits = outer.repeats, outer.inherits
            elif caller.op_name is not None and not is_whole(caller.op_name):
                prefixes |= outer.prefixes
                repeats = outer.repeats
            else:
                prefixes.update(chains)
                repeats = True
            inherits = inherits and caller.opcode not in _CONTROL
        found = self._contexts[computation] = _Context(frozenset(prefixes), repeats, inherits)
        return found

    def _resolve(self, op_name: str, context: _Context, is_entry: bool) -> tuple[Chain, ...]:
        alone = self._alone.get(op_name)
        if alone is not None:
            return alone
        parts = self._names.get(op_name)
        if parts is None:
            parts = self._names[op_name] = tuple((self._own(name), is_whole(name)) for name in names_of(op_name))
        found: dict[Chain, None] = {}
        for own, whole in parts:
            if whole or is_entry:
                found[own] = None
            elif not own:
                if context.inherits:
                    found.update(dict.fromkeys(sorted(context.prefixes)))
            elif not context.repeats:
                found.update(dict.fromkeys(sorted(prefix + own for prefix in context.prefixes)))
            else:
                found.update(dict.fromkeys(self._joined(context.prefixes, own)))
        chains = tuple(chain for chain in found if chain)
        if all(whole for _, whole in parts):  # the same wherever it stands
            self._alone[op_name] = chains
        return chains

    def _own(self, name: str) -> Chain:
        """The chain of a name; XLA may write one whole name behind another, of which the last counts."""
        chain = chain_of(name)
        if self._known is not None and len(chain) > 1 and ".".join(chain) not in self._known and is_whole(name):
            first = _TAG.search(name)
            start = name.rfind("/" + name[: first.end()]) if first is not None else -1
            if start >= 0 and ".".join(last := chain_of(name[start:])) in self._known:
                return last
        return chain

    def _joined(self, prefixes: frozenset[Chain], own: Chain) -> list[Chain]:
        """Relative names of a region whose callers have whole ones: the region's begin somewhere in the callers'."""
        fitting, others = [], []
        for prefix in sorted(prefixes):
            lengths = [k for k in range(1, min(len(prefix), len(own)) + 1) if prefix[-k:] == own[:k]]
            candidates = [prefix + own[k:] for k in lengths]
            there = [each for each in candidates if self._known is None or ".".join(each) in self._known]
            if self._known is None:
                there = there[-1:]
            if there:
                fitting.append(there[0])
            others.append(prefix + own)
        return fitting or others


def is_whole(name: str) -> bool:
    """Does a name begin at the program, not in a function or a region of it?"""
    return name.startswith(_WHOLE)


def chain_of(name: str) -> Chain:
    """The tags of one name, outermost first."""
    return tuple((branch or "") + number for branch, number in _TAG.findall(name))


def known_paths(chains: Iterable[Chain], known: Collection[str] | None) -> tuple[str, ...]:
    """The paths of chains, each once; with ``known`` ones, the nearest enclosing that is known."""
    found: dict[str, None] = {}
    for chain in chains:
        while chain and known is not None and ".".join(chain) not in known:
            chain = chain[:-1]
        if chain:
            found[".".join(chain)] = None
    return tuple(found)


def names_between(tagged: HloModule, untagged: HloModule) -> tuple[dict[str, str], str | None]:
    """Tagged name → untagged name, and where the modules part (None: the same instructions in the same order).

    By name; where only names differ (programs with a random generator), by place.
    """
    names, others = tagged.names, untagged.names
    opcodes, there_opcodes = tagged.opcodes, untagged.opcodes
    if opcodes == there_opcodes:
        return dict(zip(names, others, strict=True)), None
    there = dict(zip(others, there_opcodes, strict=True))
    parted = (name for name, x, y in zip(names, opcodes, there_opcodes, strict=False) if x != y)
    first = next(parted, "the end")
    mismatch = f"the tagged module has {len(names)} instructions, the script's {len(others)}; they part at {first}"
    return {name: name for name, opcode in zip(names, opcodes, strict=True) if there.get(name) == opcode}, mismatch


def path_order(path: str) -> tuple[int, ...]:
    """Sorts equation paths in the order of the jaxpr's text."""
    numbers = (part.removeprefix("b") for part in path.split("."))
    return tuple(int(number) if number.isascii() and number.isdigit() else 0 for number in numbers)
