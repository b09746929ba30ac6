"""The likeliest of many guessed links: without tags, all equal layers of a program are candidates of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from heapq import nsmallest

from xlascope.ir import JaxprIndex
from xlascope.views.provenance.origins import Provenance

MOST = 16
"""So many guesses are told of one instruction, or of one equation; of exact links, all."""

Shortened = tuple[tuple[str, ...], int]
"""Those that are told, in the order they had, and how many were left off."""


class Guesses:
    """Which guesses are told: those that fewest others share, the first of equal ones.

    An equation is told apart by its primitive and source line, an instruction by how few equations it may come from.
    """

    def __init__(self, origin: Provenance, jaxpr: JaxprIndex | None) -> None:
        self._exact, self._equations = origin.exact, origin.equations
        by_path = jaxpr.by_path if jaxpr is not None and not origin.exact else {}
        places = {path: (each.primitive, each.file, each.line) for path, each in by_path.items()}
        alike = Counter(places.values())
        self._shared = {path: alike[place] for path, place in places.items()}
        # Of instructions that share their equations, and of equations that share their instructions, it is done once;
        # the long tuple is kept with it, so that no other takes its identity.
        self._known: dict[int, tuple[tuple[str, ...], Shortened]] = {}

    def of_instruction(self, paths: tuple[str, ...]) -> Shortened:
        """Of the equations of an instruction."""
        return self._shorten(paths, self._shared)

    def of_equation(self, names: tuple[str, ...]) -> Shortened:
        """Of the instructions of an equation."""
        return self._shorten(names, None)

    def _shorten(self, every: tuple[str, ...], shared: Mapping[str, int] | None) -> Shortened:
        if self._exact or len(every) <= MOST:
            return every, 0
        known = self._known.get(id(every))
        if known is None:
            if shared is None:
                shared = {name: len(self._equations.get(name, ())) for name in every}
            counts = shared
            first = nsmallest(MOST, range(len(every)), key=lambda place: counts.get(every[place], 0))
            told = tuple(every[place] for place in sorted(first))
            known = self._known[id(every)] = every, (told, len(every) - len(told))
        return known[1]
