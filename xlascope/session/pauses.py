"""How long the keeper's thread did not come to read: the recorder waits for it, and then gives up."""

from __future__ import annotations

import time

LATE_S = 8.0
"""A recorder gives up on a keeper that reads nothing for ten seconds, and the script runs on."""


class Pauses:
    """``longest``: seconds between two looks, at the most."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._looked = time.monotonic()

    def look(self) -> None:
        """Call often, from the thread in question."""
        now = time.monotonic()
        self.longest, self._looked = max(self.longest, now - self._looked), now

    def missing(self) -> str | None:
        """What to say of a recording that did not say its end; None where no pause explains it."""
        self.look()
        if self.longest < LATE_S:
            return None
        late = f"nothing was read from the recorder for {self.longest:.0f} s"
        return f"{late}: what the script did then may be missing; record it again"
