"""How a level of many boxes is folded: by the user's names, and by runs of instructions where there are no names.

A level is what one box shows when it is opened. A computation with more boxes than `MOST` gets levels of its own for
the name scopes in it; a level that is still too long is cut into parts, where the fewest values are alive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import RLock

from xlascope.graphs.model import Graph, Group, Node
from xlascope.graphs.parts import cut, topological
from xlascope.graphs.wiring import Flow, Wiring, wire

MOST = 40
"""More boxes than this in one level are folded."""
_MOST_PARAMETERS = 12
_Scopes = Mapping[str, tuple[str, ...]]
_Free = Callable[[str], str]


@dataclass(slots=True)
class LevelPlan:
    """``children`` are box ids in an order in which values go forward, ``flows`` (source box, target box, flow)."""

    children: list[str] = field(default_factory=list)
    flows: list[tuple[str, str, Flow]] = field(default_factory=list)


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
        tree = _Tree(group, items, {node.id: node for node in nodes})
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
        tree = _Tree(level, items, nodes)
        tree.cut(level, tree.links(flows)[level], self.most or len(items), self._free)
        self._keep(tree, tree.plans(flows))
        self._uncut.discard(level)

    def _keep(self, tree: _Tree, plans: dict[str | None, LevelPlan]) -> None:
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

    def _fold(self, level: str, tree: _Tree, plans: dict[str | None, LevelPlan]) -> Group:
        """The group of a fold: its time, size and what is in it."""
        children = plans[level].children
        times = [self._self_ns(child, tree.nodes) for child in children]
        known = [time for time in times if time is not None]
        members = sum(self._groups[child].members if child in self._groups else 1 for child in children)
        label = tree.labels[level] or _span(children, self._groups, tree.nodes)
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


class _Tree:
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

    def add_scopes(self, scopes: _Scopes, free: _Free) -> None:
        """A level for each name that holds two boxes and more, and not all of those around it."""
        self._scope(self.root, self.children[self.root], scopes, 0, "", free)

    def _scope(
        self, level: str | None, items: list[str], scopes: _Scopes, depth: int, prefix: str, free: _Free
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

    def cut(self, level: str | None, links: list[tuple[str, str]], most: int, free: _Free) -> None:
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
        self, level: str | None, items: list[str], values: list[tuple[str, str]], most: int, free: _Free
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


def _common(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The names that all paths begin with."""
    if not paths:
        return ()
    shortest = min(paths, key=len)
    for place, name in enumerate(shortest):
        if any(path[place] != name for path in paths):
            return shortest[:place]
    return shortest


def _span(children: Sequence[str], groups: Mapping[str, Group], known: Mapping[str, Node]) -> str:
    """What a part is called: its first and last name, or what most of it does."""
    named = [groups[child].label for child in children if child in groups and groups[child].kind == "scope"]
    if len(named) * 2 > len(children):
        return f"{named[0]} … {named[-1]}" if len(named) > 1 else named[0]
    nodes = [known[child] for child in children if child in known]
    counts = Counter(node.opcode for node in nodes)
    common = " ".join(f"{opcode}×{count}" if count > 1 else opcode for opcode, count in counts.most_common(3))
    if nodes:
        return common + (" …" if len(counts) > 3 else "")
    inner = [groups[child].label if child in groups else child for child in children]
    return f"{inner[0]} … {inner[-1]}"


def without_folds(graph: Graph) -> Folds:
    """Levels as the module has them."""
    return Folds(graph, most=None)
