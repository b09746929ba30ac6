"""The levels of one computation while they are made: by name scope, and cut where they are too long."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from xlascope.graphs.model import Node
from xlascope.graphs.parts import cut, topological
from xlascope.graphs.wiring import Flow

_MOST_PARAMETERS = 12
Scopes = Mapping[str, tuple[str, ...]]
"""The user's names around each node."""
Free = Callable[[str], str]
"""A group id that is free, from the one that is wished for."""


@dataclass(slots=True)
class LevelPlan:
    """``children`` are box ids in an order in which values go forward, ``flows`` (source box, target box, flow)."""

    children: list[str] = field(default_factory=list)
    flows: list[tuple[str, str, Flow]] = field(default_factory=list)


class Tree:
    """Levels of one computation while they are made: children by level, ids in the order of the text.

    ``uncut`` are parts that are still too long.
    """

    def __init__(self, root: str | None, items: list[str], nodes: dict[str, Node]) -> None:
        self.root = root
        self.nodes = nodes
        self.children: dict[str | None, list[str]] = {root: items}
        self.labels: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self.uncut: set[str] = set()
        self.first = {item: place for place, item in enumerate(items)}

    def order(self) -> list[str | None]:
        """All levels, each before those in it."""
        found: list[str | None] = []
        waiting: list[str | None] = [self.root]
        while waiting:
            level = waiting.pop()
            found.append(level)
            waiting += [child for child in self.children[level] if child in self.children and child != level]
        return found

    def add_scopes(self, scopes: Scopes, free: Free) -> None:
        """A level for each name that holds two boxes and more, and not all of those around it."""
        self._scope(self.root, self.children[self.root], scopes, 0, "", free)

    def _scope(
        self, level: str | None, items: list[str], scopes: Scopes, depth: int, prefix: str, free: Free
    ) -> None:
        while True:
            names: dict[str, list[str]] = {}
            for item in items:
                path = scopes.get(item, ())
                if len(path) > depth:
                    names.setdefault(path[depth], []).append(item)
            if len(names) == 1 and len(next(iter(names.values()))) == len(items):
                depth += 1  # one name around everything says nothing
            else:
                break
        made: dict[str, str] = {}
        for name, own in names.items():
            if len(own) < 2:
                continue
            label, at = name, depth + 1
            while all(len(scopes[item]) > at and scopes[item][at] == scopes[own[0]][at] for item in own):
                label, at = f"{label}/{scopes[own[0]][at]}", at + 1
            group = free(f"{prefix}{label}")
            self.kinds[group], self.labels[group] = "scope", label
            self.children[group] = own
            self.first[group] = self.first[own[0]]
            made.update(dict.fromkeys(own, group))
            self._scope(group, own, scopes, at, f"{prefix}{label}/", free)
        self.children[level] = list(dict.fromkeys(made.get(item, item) for item in items))

    def cut(self, level: str | None, links: list[tuple[str, str]], most: int, free: Free) -> None:
        """Cuts a long level into parts of consecutive boxes; what only one part uses goes into it."""
        items = self.children[level]
        if len(items) <= most:
            return
        order = topological(items, links, self.first)
        parameters = {item for item in items if item in self.nodes and self.nodes[item].opcode == "parameter"}
        rest = [item for item in order if item not in parameters]
        users: dict[str, set[str]] = {}
        for source, target in links if parameters else ():
            if source in parameters:
                users.setdefault(source, set()).add(target)
        if len(rest) > most:
            self._parts(level, rest, links, most, free)
        part_of = {item: part for part in self.children[level] for item in self.children.get(part, ())}
        kept: list[str] = []
        for item in order:
            if item not in parameters:
                continue
            # A parameter lies where all its users lie: a fold of this level, or deeper.
            where = {part_of.get(user, user) for user in users.get(item, ())}
            home = next(iter(where)) if len(where) == 1 else None
            if home is not None and home in self.children and home not in self.nodes:
                self.children[home].insert(0, item)
            else:
                kept.append(item)
        if len(kept) > max(_MOST_PARAMETERS, most - len(self.children[level])):
            group = free(f"{level}/parameters" if level else "parameters")
            self.kinds[group], self.labels[group] = "part", "parameters"
            self.children[group], self.first[group] = kept, self.first[kept[0]]
            if len(kept) > most:
                self._parts(group, kept, [], most, free)
            kept = [group]
        self.children[level] = kept + [item for item in self.children[level] if item not in parameters]

    def _parts(
        self, level: str | None, items: list[str], values: list[tuple[str, str]], most: int, free: Free
    ) -> None:
        parts = cut(items, values, most)
        if len(parts) < 2:
            self.children[level] = items
            return
        made = []
        for number, own in enumerate(parts, 1):
            if len(own) == 1:
                made.append(own[0])
                continue
            group = free(f"{level}/part {number}" if level else f"part {number}")
            self.kinds[group], self.labels[group] = "part", ""
            self.first[group] = self.first[own[0]]
            self.children[group] = own
            made.append(group)
            if len(own) > most:
                self.uncut.add(group)
        self.children[level] = made

    def links(self, flows: Sequence[Flow]) -> dict[str | None, list[tuple[str, str]]]:
        """By level, pairs of its boxes between which a value goes, each once."""
        if len(self.children) == 1:
            pairs = dict.fromkeys((flow.source, flow.target) for flow in flows)
            return {self.root: [pair for pair in pairs if pair[0] != pair[1]]}
        parent = {item: level for level, children in self.children.items() for item in children}
        found: dict[str | None, dict[tuple[str, str], None]] = {}
        chains: dict[str, tuple[str | None, ...]] = {}
        for flow in flows:
            level, source, target = self._meeting(flow, parent, chains)
            if source is not None and target is not None:
                found.setdefault(level, {})[source, target] = None
        return {level: list(pairs) for level, pairs in found.items()}

    def plans(self, flows: Sequence[Flow]) -> dict[str | None, LevelPlan]:
        """What flows in each level."""
        parent = {item: level for level, children in self.children.items() for item in children}
        plans = {level: LevelPlan() for level in self.children}
        chains: dict[str, tuple[str | None, ...]] = {}
        for flow in flows:
            level, source, target = self._meeting(flow, parent, chains)
            if source is not None and target is not None:
                plans[level].flows.append((source, target, flow))
        for level, plan in plans.items():
            if level in self.uncut:
                plan.children = self.children[level]  # in order already, and nobody looks at it as it is
                continue
            links = [(source, target) for source, target, _ in plan.flows]
            plan.children = topological(self.children[level], links, self.first)
        return plans

    def _meeting(
        self, flow: Flow, parent: dict[str, str | None], chains: dict[str, tuple[str | None, ...]]
    ) -> tuple[str | None, str | None, str | None]:
        """The innermost level that holds both ends of a flow, and its two boxes; None where they are the same."""
        a, b = flow.source, flow.target
        level = parent.get(a, self.root)
        if level == parent.get(b, self.root):
            return (level, a, b) if a != b else (level, None, None)
        source, target = self._chain(a, parent, chains), self._chain(b, parent, chains)
        shared = 0
        for one, other in zip(source, target, strict=False):
            if one != other:
                break
            shared += 1
        return source[shared - 1], source[shared], target[shared]

    def _chain(
        self, item: str, parent: dict[str, str | None], chains: dict[str, tuple[str | None, ...]]
    ) -> tuple[str | None, ...]:
        """From the computation down to a node."""
        found = chains.get(item)
        if found is None:
            around = parent.get(item, self.root)
            outer = (self.root,) if around == self.root else self._chain(str(around), parent, chains)
            found = chains[item] = (*outer, item)
        return found
