"""Ways through a computation: the longest by self time, and the shortest between two nodes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from xlascope.graphs.folds import Folds
from xlascope.graphs.visible import consumer_of


@dataclass(frozen=True, slots=True)
class Way:
    """Nodes one after the other, as values go. ``ns`` is their self time, ``of_ns`` that of the whole computation.

    Times are None where they are unknown. ``backwards``: from the second of the two ends asked for to the first.
    """

    nodes: tuple[str, ...]
    ns: int | None
    of_ns: int | None
    backwards: bool = False


def critical_path(folds: Folds, group: str | None = None) -> Way | None:
    """The chain of dependent nodes of a computation with the most self time; None where nothing was measured.

    A node that calls a computation counts with all that is in it: what is inside of a loop runs turn after turn.
    """
    times = {box: self_ns(folds, box) for box in _nodes(folds, group)}
    known = [time for time in times.values() if time is not None]
    if not known:
        return None
    best: dict[str, int] = {}
    before: dict[str, str] = {}
    feeds: dict[str, list[str]] = {}
    for flow in folds.wiring(group).flows:
        feeds.setdefault(flow.target, []).append(flow.source)
    for box, time in times.items():  # the text has operands before their users
        source = max((own for own in feeds.get(box, ()) if own in best), key=lambda own: best[own], default=None)
        best[box] = (time or 0) + (best[source] if source is not None else 0)
        if source is not None:
            before[box] = source
    last = max(best, key=lambda box: best[box])
    return Way(tuple(reversed(_back(last, before))), best[last], sum(known))


def path_between(folds: Folds, first: str, second: str) -> Way | None:
    """The shortest way along values from one box to the other, in either direction; None where there is none.

    Boxes of different computations are taken as those of the innermost computation around both; a fold is any of its
    nodes.
    """
    group, depth = _meet(folds, folds.first_node(first), folds.first_node(second))
    starts, ends = (
        {str(_chain(folds, node)[depth]) for node in folds.nodes_in(box)} for box in (first, second)
    )
    shared = starts & ends
    if shared:
        node = min(shared)
        return Way((node,), self_ns(folds, node), None)
    below: dict[str, list[str]] = {}
    for flow in folds.wiring(group).flows:
        below.setdefault(flow.source, []).append(flow.target)
    forwards = _shortest(below, starts, ends)
    found = forwards or _shortest(below, ends, starts)
    if not found:
        return None
    times = [time for time in (self_ns(folds, box) for box in found) if time is not None]
    whole = [time for time in (self_ns(folds, box) for box in _nodes(folds, group)) if time is not None]
    return Way(tuple(found), sum(times) if times else None, sum(whole) if whole else None, not forwards)


def _shortest(below: dict[str, list[str]], starts: set[str], ends: set[str]) -> list[str]:
    before: dict[str, str] = {}
    queue, seen = deque(sorted(starts)), set(starts)
    while queue:
        current = queue.popleft()
        if current in ends:
            return _back(current, before)[::-1]
        for target in below.get(current, ()):
            if target not in seen:
                seen.add(target)
                before[target] = current
                queue.append(target)
    return []


def _back(last: str, before: dict[str, str]) -> list[str]:
    found = [last]
    while found[-1] in before:
        found.append(before[found[-1]])
    return found


def _meet(folds: Folds, first: str, second: str) -> tuple[str | None, int]:
    """The innermost computation around two nodes, and where in their chains what stands in it is."""
    chains = [_chain(folds, node) for node in (first, second)]
    shared = 0
    for one, other in zip(*chains, strict=False):
        if one != other:
            break
        shared += 1
    inner = min(shared, len(chains[0]) - 1, len(chains[1]) - 1)
    return chains[0][inner - 1], inner


def _chain(folds: Folds, node: str) -> list[str | None]:
    """What a node is in, outermost first, and it."""
    node = consumer_of(folds.graph, node)
    return [None, *reversed(folds.graph.ancestors(node)), node]


def _nodes(folds: Folds, group: str | None) -> list[str]:
    return [node.id for node in folds.graph.nodes_of_group.get(group, ()) if not node.folded]


def self_ns(folds: Folds, box: str) -> int | None:
    """Self time of a node or of all that is in a group; None where nothing was measured."""
    group = folds.graph.group_by_id.get(box)
    if group is not None:
        return group.self_ns
    node = folds.graph.node_by_id.get(box)
    return node.self_ns if node is not None else None
