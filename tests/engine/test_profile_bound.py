"""The profile of a measurement: bounded by what it notes, and told where it ended within a call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from xlascope.engine.core import profile
from xlascope.engine.core.profile import LARGEST, window
from xlascope.runfile import Chunk
from xlascope.traces import read_profile
from xlascope.views.times.windows import edges


@dataclass
class Loop:
    """Calls of a jitted loop; ``while_open`` is waited for in each."""

    copied_bytes: int = 0
    made: int = 0
    while_open: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        import jax
        import jax.numpy as jnp

        self._loop = jax.jit(lambda x: jax.lax.fori_loop(0, 30, lambda _, y: jnp.sin(y @ y), x))
        self._x = jnp.ones((64, 64))
        self._loop(self._x).block_until_ready()

    def prepare(self, calls: int) -> list[Any]:
        return [self._x] * calls

    def call(self, arguments: Any) -> None:
        self._loop(arguments).block_until_ready()
        self.made += 1
        for event in self.while_open:
            assert event.wait(60)


def _runs(data: bytes) -> int:
    found = read_profile(data)
    number = next(index for index, key in enumerate(found.programs) if key.module == "jit__lambda")
    return len(set(found.ops.run[found.ops.program == number].tolist()))


def test_all_calls_are_seen() -> None:
    subject = Loop()
    taken = window(subject, profile.WINDOW_NS // 5)
    assert (subject.made, _runs(taken.data), taken.truncated) == (5, 5, False)
    assert taken.meta == {"start_ns": taken.start_ns, "end_ns": taken.end_ns, "truncated": False}


def test_what_notes_too_much_is_ended_in_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Loop()
    monkeypatch.setattr(profile, "LARGEST", -LARGEST)  # as if much was noted at once
    bounds: list[Any] = []
    made = profile._Bounded

    def bounded() -> Any:
        bounds.append(made())
        subject.while_open.append(bounds[-1]._ended)
        return bounds[-1]

    monkeypatch.setattr(profile, "_Bounded", bounded)
    taken = window(subject, profile.WINDOW_NS // 5)
    if bounds[0]._heap.look() is None:
        pytest.skip("this C library does not tell what its heaps hold")
    assert taken.truncated and subject.made == 1 and _runs(taken.data) == 1
    chunk = Chunk(1, "profile", None, None, 0, {"why": "variant", **taken.meta}, b"")
    assert not edges(chunk).closes_after and edges(chunk).opens_before
