"""How a level of many boxes is folded: by the user's names, and by runs of instructions where there are no names.

A level is what one box shows when it is opened. A computation with more boxes than `MOST` gets levels of its own for
the name scopes in it; a level that is still too long is cut into parts, where the fewest values are alive.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from threading import RLock

from xlascope.graphs.levels import LevelPlan, Tree
from xlascope.graphs.model import Graph, Group, Node
from xlascope.graphs.wiring import Flow, Wiring, wire

MOST = 40
"""More boxes than this in one level are folded."""
_CARRYING = frozenset({"parameter", "constant", "tuple", "get-tuple-element", "bitcast"})
_WORDS = 3
_NUMBER = re.compile(r"(\.\d+)+$")


class Folds:
    """The levels of a graph, made when they are asked for. ``most`` None folds nothing."""

    def __init__(self, graph: Graph, by_scope: bool = True, most: int | None = MOST) -> None:
        self.graph, self.by_scope, self.most = graph, by_scope, most
        self._plans: dict[str | None, LevelPlan] = {}
        self._groups: dict[str, Group] = {}
        self._parents: dict[str, str | None] = {}
        self._wirings: dict[str | None, Wiring] = {}
        self._uncut: set[str] = set()
        self._lock = RLock()
        self._borders: dict[str, tuple[list[tuple[str, Flow]], list[tuple[str, str]]]] = {}

    def plan(self, level: str | None) -> LevelPlan:
        """The level of a group, of a fold, or (None) the whole picture."""
        if level not in self._plans or level in self._uncut:
            with self._lock:  # the screen and its workers ask the same folds
                if level not in self._plans:
                    self._plan_computation(level)
                if level in self._uncut:
                    self._cut(str(level))
        return self._plans[level]

    def borders(self, level: str) -> tuple[list[tuple[str, Flow]], list[tuple[str, str]]]:
        """What goes into a fold (its box, the flow), and out of it (its box, the box outside that it reaches)."""
        if level not in self._borders:
            inlets: list[tuple[str, Flow]] = []
            outlets: list[tuple[str, str]] = []
            for flow in self.wiring(self.computation_of(level)).flows:
                inside, other = self._child_of(level, flow.source), self._child_of(level, flow.target)
                if inside is None and other is not None:
                    inlets.append((other, flow))
                elif inside is not None and other is None:
                    outlets.append((inside, self._beside(level, flow.target)))
            self._borders[level] = inlets, outlets
        return self._borders[level]

    def _child_of(self, level: str, item: str) -> str | None:
        """The box of a level that is or holds an item; None where the item lies elsewhere."""
        parent = self._parents.get(item)
        while parent is not None and parent != level:
            item, parent = parent, self._parents.get(parent) if parent in self._groups else None
        return item if parent == level else None

    def _beside(self, level: str, item: str) -> str:
        """The box that an item shows as, seen from a level that it is not in."""
        around = {level, *self.ancestors(level)}
        while (parent := self._parents.get(item)) is not None and parent in self._groups and parent not in around:
            item = parent
        return item

    def group(self, box_id: str) -> Group | None:
        """The group that a box opens to, a fold included."""
        found = self._groups.get(box_id)
        return found if found is not None else self.graph.group_by_id.get(box_id)

    def is_fold(self, box_id: str) -> bool:
        """Whether a box is a scope or a part: a group that only the picture has."""
        return box_id in self._groups

    def wiring(self, computation: str | None) -> Wiring:
        """Which node feeds which in a computation, None: the entry."""
        if computation not in self._wirings:
            self._wirings[computation] = wire(self.graph, computation)
        return self._wirings[computation]

    def nodes_in(self, box_id: str) -> list[str]:
        """The nodes and groups that a fold stands for; any other box stands for itself."""
        found: list[str] = []
        waiting = [box_id]
        while waiting:
            current = waiting.pop()
            if current in self._groups:
                waiting += reversed(self._plans[current].children)
            else:
                found.append(current)
        return found

    def first_node(self, box_id: str) -> str:
        """The first node of a fold."""
        return self.nodes_in(box_id)[0]

    def hottest_node(self, box_id: str) -> str:
        """The node of a fold with the most self time; the first where none was measured."""
        timed = [(own, node) for node in self.nodes_in(box_id) if (own := self._time_of(node)) is not None]
        return max(timed, key=lambda each: each[0])[1] if timed else self.first_node(box_id)

    def _time_of(self, node_id: str) -> int | None:
        held = self.graph.group_by_id.get(node_id) or self.graph.node_by_id.get(node_id)
        return held.self_ns if held is not None else None

    def computation_of(self, box_id: str) -> str | None:
        """The group of the graph, not a fold, that a box lies in."""
        while box_id in self._groups:
            parent = self._parents[box_id]
            if parent is None or parent not in self._groups:
                return parent
            box_id = parent
        node, group = self.graph.node_by_id.get(box_id), self.graph.group_by_id.get(box_id)
        return node.group if node is not None else group.parent if group is not None else None

    def ancestors(self, box_id: str) -> tuple[str, ...]:
        """The boxes around a box, nearest first."""
        found: list[str] = []
        current: str | None = box_id
        while current is not None and len(found) < 1000:
            computation = self.computation_of(current)
            self.plan(computation)
            if self._parents.get(current) in self._uncut:
                self.plan(self._parents[current])
            parent = self._parents.get(current, computation)
            if parent is None or parent in found:
                break
            found.append(parent)
            current = parent
        return tuple(found)

    # making plans

    def _plan_computation(self, group: str | None) -> None:
        graph = self.graph
        nodes = [node for node in graph.nodes_of_group.get(group, ()) if not node.folded]
        items = [node.id for node in nodes]
        items += [each.id for each in graph.groups_of_group.get(group, ()) if each.caller is None]
        wiring = self.wiring(group)
        tree = Tree(group, items, {node.id: node for node in nodes})
        if self.most is not None and len(items) > self.most:
            if self.by_scope and any(node.scope for node in nodes):
                tree.add_scopes(self._scopes(nodes, wiring), self._free)
            links = tree.links(wiring.flows)
            for level in list(tree.children):
                tree.cut(level, links.get(level, []), self.most, self._free)
        self._keep(tree, tree.plans(wiring.flows))

    def _cut(self, level: str) -> None:
        """Cuts a part that is still too long: of a long computation that is done where somebody looks."""
        items, flows = self._plans[level].children, [flow for _, _, flow in self._plans[level].flows]
        nodes = {item: node for item in items if (node := self.graph.node_by_id.get(item)) is not None}
        tree = Tree(level, items, nodes)
        tree.cut(level, tree.links(flows)[level], self.most or len(items), self._free)
        self._keep(tree, tree.plans(flows))
        self._uncut.discard(level)

    def _keep(self, tree: Tree, plans: dict[str | None, LevelPlan]) -> None:
        self._parents.update({item: level for level, children in tree.children.items() for item in children})
        for level in reversed(tree.order()):
            if level != tree.root and level is not None:
                self._groups[level] = self._fold(level, tree, plans)
        self._uncut |= tree.uncut
        self._plans.update(plans)

    def _free(self, name: str) -> str:
        number, found = 1, name
        while found in self._groups or found in self.graph.node_by_id or found in self.graph.group_by_id:
            number += 1
            found = f"{name} ({number})"
        self._groups[found] = Group(found, "scope", None, None)
        return found

    def _fold(self, level: str, tree: Tree, plans: dict[str | None, LevelPlan]) -> Group:
        """The group of a fold: its time, size and what is in it."""
        children = plans[level].children
        times = [self._self_ns(child, tree.nodes) for child in children]
        known = [time for time in times if time is not None]
        members = sum(self._groups[child].members if child in self._groups else 1 for child in children)
        spent = dict(zip(children, times, strict=True))
        label = tree.labels[level] or _span(level, spent, self._groups, tree.nodes)
        return Group(
            id=level,
            kind=tree.kinds[level],
            parent=self._parents.get(level),
            self_ns=sum(known) if known else None,
            members=members,
            label=label,
        )

    def _self_ns(self, box_id: str, nodes: Mapping[str, Node]) -> int | None:
        group = self.group(box_id)
        if group is not None:
            return group.self_ns
        node = nodes.get(box_id)
        return node.self_ns if node is not None else None

    def _scopes(self, nodes: Sequence[Node], wiring: Wiring) -> dict[str, tuple[str, ...]]:
        """The names around each node: its own, else those of what it is there for; a parameter's are its users'."""
        by_id = {node.id: node for node in nodes}
        users: dict[str, list[str]] = {}
        for flow in wiring.flows:
            users.setdefault(flow.source, []).append(flow.target)
        found: dict[str, tuple[str, ...]] = {}
        for node in reversed(nodes):
            owner = by_id.get(node.owner) if node.owner is not None else None
            if node.is_root and node.opcode == "tuple":
                found[node.id] = ()
            elif node.opcode != "parameter" and (node.scope or not (node.added_by_xla or node.owner)):
                found[node.id] = node.scope
            elif owner is not None:
                found[node.id] = owner.scope
            else:
                found[node.id] = _common([found.get(user, ()) for user in users.get(node.id, ())])
        return found


def _common(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The names that all paths begin with."""
    if not paths:
        return ()
    shortest = min(paths, key=len)
    for place, name in enumerate(shortest):
        if any(path[place] != name for path in paths):
            return shortest[:place]
    return shortest


def _span(
    level: str, spent: Mapping[str, int | None], groups: Mapping[str, Group], known: Mapping[str, Node]
) -> str:
    """What a part is called: the name in it that took most of its time, else its first and last name, else the name
    around its nodes with what the hottest does, and what most of them do."""
    children = list(spent)
    hottest, own = max(((child, ns or 0) for child, ns in spent.items()), key=lambda each: each[1])
    if hottest in groups and own * 2 > sum(ns or 0 for ns in spent.values()):
        return f"{groups[hottest].label.removesuffix(' …')} …"
    named = [groups[child].label for child in children if child in groups and groups[child].kind == "scope"]
    if len(named) * 2 > len(children):
        return f"{named[0]} … {named[-1]}" if len(named) > 1 else named[0]
    nodes = [known[child] for child in children if child in known]
    if nodes:
        return _said_of(level, nodes, spent)
    inner = [groups[child].label if child in groups else child for child in children]
    return f"{inner[0]} … {inner[-1]}"


def _said_of(level: str, nodes: Sequence[Node], spent: Mapping[str, int | None]) -> str:
    working = [node for node in nodes if node.opcode not in _CARRYING] or nodes
    counts = Counter(_word(node) for node in working)
    hottest = max((node for node in working if spent[node.id]), key=lambda node: spent[node.id] or 0, default=None)
    words = [word for word, _ in counts.most_common()]
    if hottest is not None:
        words.sort(key=lambda word: word != _word(hottest))
    said = " ".join(f"{word}×{counts[word]}" if counts[word] > 1 else word for word in words[:_WORDS])
    said += " …" if len(words) > _WORDS else ""
    around = Counter(node.scope[-1] for node in working if node.scope).most_common(1)
    named = bool(around) and around[0][1] * 2 > len(working) and f"/{around[0][0]}/" not in f"/{level}/"
    return f"{around[0][0]}: {said}" if named else said


def _word(node: Node) -> str:
    """What a node does: of a fusion that is in the name XLA gave it, `broadcast_add_fusion.3`."""
    if node.opcode != "fusion":
        return node.opcode
    stem = _NUMBER.sub("", node.name or node.id.rpartition("/")[2])
    return stem.removesuffix("_fusion").removeprefix("wrapped_") or node.opcode


def without_folds(graph: Graph) -> Folds:
    """Levels as the module has them."""
    return Folds(graph, most=None)
