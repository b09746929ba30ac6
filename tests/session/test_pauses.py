"""A recording that may have lost its end is told so, and one that only was not told its end is not."""

from __future__ import annotations

import pytest

from xlascope.session import pauses as module
from xlascope.session.pauses import LATE_S, Pauses


def test_a_long_pause_explains_a_missing_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    pauses = Pauses()
    for _ in range(100):
        now[0] += 0.1
        pauses.look()
    assert pauses.missing() is None and pauses.longest == pytest.approx(0.1)
    now[0] += LATE_S + 4
    pauses.look()
    now[0] += 0.1
    assert "nothing was read from the recorder for 12 s" in (pauses.missing() or "")
