"""The arguments of a program's first call: kept within limits, so that it can be executed again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .. import compat

AT_ONCE = 1 << 20  # bytes up to which arguments are copied at once; more is copied by the second thread


@dataclass(slots=True)
class Kept:
    """Arguments on their way: host bytes where copied, else a reference to an immutable array."""

    program: str
    leaves: list[dict[str, Any]]
    values: list[Any]
    ready: list[Any] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether all values are on the host."""
        return len(self.ready) == len(self.values)


class Arguments:
    """Keeps arguments by the policy ``full``, ``specs`` or ``none``; limits in bytes, for a program and for the run."""

    def __init__(self, link: Any, policy: str, limit: int, total: int) -> None:
        self._link = link
        self._policy = policy
        self._limit = limit
        self._left = total
        self._waiting: list[Kept] = []

    @property
    def waiting(self) -> bool:
        """Whether values of a program have still to be sent."""
        return bool(self._waiting)

    def record(self, program: str, rows: list[dict[str, Any]], values: tuple[Any, ...] | None) -> None:
        """Keep the flat ``values`` of a call that is about to be made; ``rows`` are the program's input rows."""
        leaves = [
            {"index": index, "name": row["name"], "dtype": row["dtype"], "shape": row["shape"], "blob": None,
             "key_impl": None, "why_not": None}
            for index, row in enumerate(rows)
        ]
        if self._policy == "none":
            self._send(program, "none", [], {})
            return
        why = self._why_not(rows, values)
        if why is not None:
            for leaf in leaves:
                leaf["why_not"] = why
            self._send(program, "synthetic", leaves, {})
            return
        assert values is not None
        size = sum(row["bytes"] or 0 for row in rows)
        self._left -= size
        kept = Kept(program, leaves, list(values))
        self._copy(kept, [row["donated"] for row in rows], at_once=size <= AT_ONCE)
        if kept.finished:
            self._deliver(kept)
        else:
            self._waiting.append(kept)

    def give_up(self) -> int:
        """Forget what still waits; how many programs' arguments that were."""
        left, self._waiting = len(self._waiting), []
        return left

    def _why_not(self, rows: list[dict[str, Any]], values: tuple[Any, ...] | None) -> str | None:
        if self._policy == "specs":
            return "--args specs"
        if values is None:
            return "lowered ahead of time, without values"
        if len(values) != len(rows):
            return "the call's values do not match the program's inputs"
        size = sum(row["bytes"] or 0 for row in rows)
        if size > self._limit:
            return f"{size} bytes are over the limit for one program"
        if size > self._left:
            return "the limit for the run is reached"
        return None

    def _copy(self, kept: Kept, donated: list[bool], *, at_once: bool) -> None:
        """Copy what cannot wait (donated, mutable, small); stop at the first that can."""
        kept.ready = []
        later = [not at_once and not donated[i] and compat.is_array(v) for i, v in enumerate(kept.values)]
        copies = [None if wait else self._host(kept.leaves[i], kept.values[i]) for i, wait in enumerate(later)]
        if not any(later):
            kept.ready, kept.values = copies, [None] * len(copies)
            return
        pairs = zip(later, kept.values, copies, strict=True)
        kept.values = [value if wait else copy for wait, value, copy in pairs]

    def _host(self, leaf: dict[str, Any], value: Any) -> Any:
        """A host copy of one leaf, or None with its ``why_not``."""
        try:
            array, leaf["key_impl"] = compat.host_copy(value, leaf["dtype"])
        except (RuntimeError, ValueError, TypeError) as error:
            leaf["why_not"] = str(error).partition("\n")[0][:200]
            return None
        leaf["dtype"], leaf["shape"] = str(array.dtype), list(array.shape)
        return array

    def work(self) -> None:
        """Copy and send one program's arguments that could wait. In the second thread, or at the end."""
        if not self._waiting:
            return
        kept = self._waiting.pop(0)
        pairs = zip(kept.leaves, kept.values, strict=True)
        kept.ready = [self._host(leaf, value) if compat.is_array(value) else value for leaf, value in pairs]
        kept.values = []
        self._deliver(kept)

    def _deliver(self, kept: Kept) -> None:
        blobs = {}
        for index, array in enumerate(kept.ready):
            if array is not None:
                kept.leaves[index]["blob"] = f"a{index}"
                blobs[f"a{index}"] = array.tobytes()
        whole = all(leaf["blob"] is not None for leaf in kept.leaves)
        self._send(kept.program, "recorded" if whole else "synthetic", kept.leaves, blobs)

    def _send(self, program: str, state: str, leaves: list[dict[str, Any]], blobs: dict[str, bytes]) -> None:
        self._link.send({"kind": "args", "program": program, "state": state, "leaves": leaves}, blobs)
