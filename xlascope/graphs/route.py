"""Orthogonal lines between two neighbouring rows: one track for each net that has to move sideways."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drop:
    """A net between two rows: the column where it comes down, and those where it goes on."""

    net: int
    source: int
    targets: tuple[int, ...]

    @property
    def straight(self) -> bool:
        """Whether it only goes down."""
        return all(target == self.source for target in self.targets)

    @property
    def span(self) -> tuple[int, int]:
        """Its leftmost and rightmost column."""
        return min(self.source, *self.targets), max(self.source, *self.targets)


def assign_tracks(drops: list[Drop]) -> dict[int, int]:
    """Track (0 the highest) by position in ``drops`` for those that are not straight.

    Two nets share a track only if a column lies between them. Where one goes down in the column in which another came,
    the other turns off above it.
    """
    bent = [number for number, drop in enumerate(drops) if not drop.straight]
    bent.sort(key=lambda number: _turning_order(drops[number], number))
    waits = _waits(drops, bent)
    tracks: dict[int, int] = {}
    ends: list[list[tuple[int, int]]] = []
    waiting = bent
    while waiting:
        ready = [number for number in waiting if not (waits[number] - tracks.keys())]
        # A ring of nets that each wait for the next: let the first go, two lines then share a piece.
        ready = ready or waiting[:1]
        for number in ready:
            first = max((tracks[other] + 1 for other in waits[number] if other in tracks), default=0)
            low, high = drops[number].span
            track = first
            while track < len(ends) and any(low <= end + 1 and begin - 1 <= high for begin, end in ends[track]):
                track += 1
            while track >= len(ends):
                ends.append([])
            ends[track].append((low, high))
            tracks[number] = track
        waiting = [number for number in waiting if number not in tracks]
    return tracks


def _turning_order(drop: Drop, number: int) -> tuple[int, int, int]:
    """Nets to the right from the rightmost on, then nets to the left from the leftmost on: these do not cross."""
    rightward = sum(drop.targets) >= drop.source * len(drop.targets)
    return (0, -drop.source, number) if rightward else (1, drop.source, number)


def _waits(drops: list[Drop], bent: list[int]) -> dict[int, set[int]]:
    """Which nets must turn off above each net."""
    by_source: dict[int, list[int]] = {}
    for number in bent:
        by_source.setdefault(drops[number].source, []).append(number)
    return {
        number: {other for target in drops[number].targets for other in by_source.get(target, ()) if other != number}
        for number in bent
    }
