"""What the time of the run goes to, each instant counted once: a stack of what is being done, for each thread."""

from __future__ import annotations

import _thread
import time
from typing import Any

IMPORTS = 400  # packages that are told apart


class Spending:
    """Self times of nested activities of the main thread and, apart, of all others. Times in nanoseconds."""

    def __init__(self) -> None:
        self._main = _thread.get_ident()
        self._lock = _thread.allocate_lock()  # among the other threads only: a signal handler runs in the main one
        self._stacks: dict[int, list[list[Any]]] = {}  # activity, detail, began, in activities inside of it
        self.parts: dict[str, list[int]] = {}  # own time, how often begun outside of itself
        self.elsewhere: dict[str, int] = {}
        self.imports: dict[str, list[int]] = {}  # own time, time with what it imported
        self._told: Any = None

    def begin(self, activity: str, detail: str = "") -> None:
        """``activity`` begins in this thread, inside of what is going on there."""
        self._stacks.setdefault(_thread.get_ident(), []).append([activity, detail, time.monotonic_ns(), 0])

    def end(self, activity: str, detail: str = "") -> int:
        """It ends, and what was begun inside of it and never ended; its own time. 0 when it had not begun."""
        thread = _thread.get_ident()
        stack = self._stacks.get(thread, [])
        if not any(each[0] == activity and each[1] == detail for each in stack):
            return 0
        now = time.monotonic_ns()
        while True:
            name, of, began, inside = stack.pop()
            whole = now - began
            if stack:
                stack[-1][3] += whole
            else:
                self._stacks.pop(thread, None)
            self._count(thread, name, of, whole, whole - inside, stack)
            if (name, of) == (activity, detail):
                return int(whole - inside)

    def _count(self, thread: int, name: str, of: str, whole: int, own: int, around: list[list[Any]]) -> None:
        if thread != self._main:
            with self._lock:
                self.elsewhere[name] = self.elsewhere.get(name, 0) + own
            return
        part = self.parts.setdefault(name, [0, 0])
        part[0] += own
        part[1] += not any(each[0] == name for each in around)
        if of and (of in self.imports or len(self.imports) < IMPORTS):
            times = self.imports.setdefault(of, [0, 0])
            times[0] += own
            if not any(each[1] == of for each in around):
                times[1] += whole

    def within(self, activity: str) -> bool:
        """Whether this thread is inside of an activity."""
        return any(each[0] == activity for each in self._stacks.get(_thread.get_ident(), ()))

    def move(self, activity: str, to: str, ns: int) -> None:
        """Time of the main thread counted for one activity was another's, as is known only now."""
        if _thread.get_ident() != self._main or activity not in self.parts:
            return
        self.parts[activity][0] -= ns
        self.parts[activity][1] -= 1
        other = self.parts.setdefault(to, [0, 0])
        other[0] += ns
        other[1] += 1

    def record(self) -> dict[str, Any] | None:
        """The ``spent`` record with what is known by now; None when nothing changed since the last."""
        body = {
            "kind": "spent",
            "parts": {name: {"ns": ns, "count": count} for name, (ns, count) in self.parts.items()},
            "elsewhere": dict(self.elsewhere),
            "imports": [
                {"name": name, "own_ns": own, "ns": whole}
                for name, (own, whole) in sorted(self.imports.items(), key=lambda item: -item[1][1])[:50]
            ],
        }
        if body == self._told:
            return None
        self._told = body
        return body
