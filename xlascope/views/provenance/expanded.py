"""Equations that XLA replaced by several instructions without their name, found by what reads their values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from xlascope.ir import HloInstruction, HloModule
from xlascope.ir.shapes import short_shape
from xlascope.views.provenance.values import Values

_CLONE = re.compile(r"\.clone(?:\.\d+)*\Z")
_BRANCH = re.compile(r"\.b\d+\Z")
# Their inside is a part of the flow of data around them.
_CALLS = frozenset(
    [
        "pjit", "jit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr",
        "remat", "remat2", "checkpoint",
    ]
)  # fmt: skip
# XLA puts many instructions in the place of one of these, or one of another kind, and none has its name.
_EXPANDED = frozenset(
    [
        "cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp", "reduce_window", "reduce_window_sum",
        "reduce_window_max", "reduce_window_min", "select_and_scatter", "select_and_scatter_add",
        "select_and_gather_add", "rng_uniform", "rng_bit_generator", "random_bits", "conv_general_dilated", "sort",
        "top_k", "approx_top_k", "triangular_solve", "cholesky", "fft",
    ]
)  # fmt: skip
# Opcode → the primitives that XLA simplifies to it.
_SIMPLER = {
    "broadcast": frozenset({"broadcast_in_dim"}),
    "iota": frozenset({"iota"}),
    "slice": frozenset({"slice", "dynamic_slice", "gather"}),
}
_MOST = 200

Paths = tuple[str, ...]


class Lost:
    """The equations that no instruction is named after. ``present``: those that some instruction is."""

    def __init__(self, values: Values, present: Collection[str]) -> None:
        self._values = values
        self._jaxpr = jaxpr = values.jaxpr
        # One that calls a jaxpr has instructions where anything inside it has.
        self._present = {around for path in present for around in (path, *jaxpr.ancestors(path))}
        self._unread: dict[str, list[str]] = {}
        self._known: dict[tuple[str, str | None, str], frozenset[str]] = {}
        self._any = any(self._is_maker(each.path, None, "") for each in jaxpr.equations)
        lost = {each.primitive for each in jaxpr.equations if each.path not in self._present}
        self._simpler = {opcode for opcode, primitives in _SIMPLER.items() if primitives & lost}

    def makers(self, readers: Paths) -> frozenset[str]:
        """Expanded equations whose value comes to one of ``readers`` by way of equations that have no instruction."""
        return self._of(readers, None, "") if self._any else frozenset()

    def simplified(self, readers: Paths, instruction: HloInstruction) -> frozenset[str]:
        """Equations of the instruction's own kind and shape among what comes to ``readers`` that way."""
        if instruction.opcode not in self._simpler:
            return frozenset()
        return self._of(readers, instruction.opcode, _as_jax(short_shape(instruction.shape)))

    def _of(self, readers: Paths, opcode: str | None, shape: str) -> frozenset[str]:
        found: set[str] = set()
        for reader in readers:
            key = reader, opcode, shape
            if key not in self._known:
                self._known[key] = self._upstream(reader, opcode, shape)
            found |= self._known[key]
        return frozenset(found)

    def _is_maker(self, path: str, opcode: str | None, shape: str) -> bool:
        equation = self._jaxpr.by_path.get(path)
        if equation is None or path in self._present:
            return False
        if opcode is None:
            return equation.primitive in _EXPANDED
        return equation.primitive in _SIMPLER[opcode] and (equation.outputs[:1] == (shape,) or opcode == "slice")

    def _upstream(self, reader: str, opcode: str | None, shape: str) -> frozenset[str]:
        found: set[str] = set()
        seen = {reader}
        waiting = self._sources(reader)
        while waiting and len(seen) < _MOST:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            equation = self._jaxpr.by_path.get(path)
            if equation is None:  # an input of a jaxpr: what its caller was given
                caller = self._jaxpr.by_path.get(_BRANCH.sub("", path.partition(":")[0]))
                if caller is not None and caller.primitive in _CALLS:
                    waiting += self._sources(caller.path)
            elif equation.children and equation.primitive in _CALLS:
                waiting += self._results(path)
            elif self._is_maker(path, opcode, shape):
                found.add(path)
            elif path not in self._present and not equation.children:
                waiting += self._sources(path)
        return frozenset(found)

    def _sources(self, path: str) -> list[str]:
        return [edge.source for edge in self._values.graph.inputs.get(path, ())]

    def _results(self, caller: str) -> list[str]:
        """The equations in the body of a call that none there reads."""
        if caller not in self._unread:
            children = self._jaxpr.by_path[caller].children
            read = {source for child in children for source in self._sources(child)}
            self._unread[caller] = [child for child in children if child not in read]
        return self._unread[caller]


def _as_jax(shape: str) -> str:
    """A shape of HLO as a jaxpr writes it."""
    return "bool" + shape[4:] if shape.startswith("pred[") else re.sub(r"\As(?=\d)", "i", shape)


def regions(before: HloModule, equations: Mapping[str, Paths]) -> dict[str, Paths]:
    """The one equation whose reducer or comparator a computation is, before optimization, by the computation's name."""
    found: dict[str, set[Paths]] = {}
    for instruction in before.instructions():
        if instruction.opcode != "call":
            for name in instruction.called.get("to_apply", ()):
                found.setdefault(name, set()).add(equations.get(instruction.name, ()))
    return {name: paths.pop() for name, paths in found.items() if len(paths) == 1 and () not in paths}


def region_name(computation: str) -> str:
    """The name before optimization of a computation that XLA may have copied."""
    return _CLONE.sub("", computation)
