"""The whole picture in a few lines: where its time is."""

from __future__ import annotations

from xlascope.graphs.layout import Placed


def minimap(placed: Placed, lines: int) -> list[float | None]:
    """Share of the measured self time of what begins in each of ``lines`` equal parts of the picture, from the top.

    None for a part in which no box with a time begins, and for all when nothing was measured.
    """
    found: list[float | None] = [None] * lines
    total = placed.visible.graph.total_self_ns
    if not total or not placed.height or not lines:
        return found
    for placed_box in placed.boxes:
        box = placed.visible.boxes[placed_box.id]
        time = box.self_ns if not box.opened else box.node.self_ns if box.node is not None else None
        if time is None:
            continue
        line = min(placed_box.y * lines // placed.height, lines - 1)
        found[line] = (found[line] or 0.0) + time / total
    return found


def viewport(top: int, visible: int, height: int, lines: int) -> tuple[int, int]:
    """First line and end of the visible rows on the map."""
    if height <= 0 or lines <= 0:
        return 0, 0
    first = min(top * lines // height, lines - 1)
    return first, max(min(-(-(top + visible) * lines // height), lines), first + 1)
