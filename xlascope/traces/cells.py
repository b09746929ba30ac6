"""What the wanted stats of a stretch of events say, while the stretch is being parsed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from xlascope.traces.wire import I64


@dataclass(slots=True)
class Cells:
    """For each wanted stat an element for each event: its value, whether there is one, whether it is an id.

    Ids below 0 are -1-k for the k-th of `strings`.
    """

    values: dict[str, I64]
    present: dict[str, np.ndarray]
    refs: dict[str, np.ndarray]
    strings: list[str] = field(default_factory=list)
    _interned: dict[str, int] = field(default_factory=dict)

    @classmethod
    def empty(cls, names: Iterable[str], count: int) -> Cells:
        """Cells of `count` events that say nothing yet."""
        of = tuple(names)
        return cls(
            {name: np.zeros(count, np.int64) for name in of},
            {name: np.zeros(count, bool) for name in of},
            {name: np.zeros(count, bool) for name in of},
        )

    def set(self, name: str, events: I64 | int, values: I64 | int, refs: np.ndarray | bool) -> None:
        """Fill in one stat of some events."""
        self.values[name][events] = values
        self.present[name][events] = True
        self.refs[name][events] = refs

    def set_text(self, name: str, event: int, value: str) -> None:
        """Fill in a stat whose text stands in the event itself."""
        index = self._interned.get(value)
        if index is None:
            index = self._interned[value] = len(self.strings)
            self.strings.append(value)
        self.set(name, event, -1 - index, True)
