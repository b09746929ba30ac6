"""What of a graph is on the picture: opened groups, folded instructions, at most so many boxes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from xlascope.graphs.folds import Folds, without_folds
from xlascope.graphs.labels import shorten
from xlascope.graphs.levels import LevelPlan
from xlascope.graphs.model import Graph, Group, Node
from xlascope.graphs.wiring import Flow

LIMIT = 500
# Groups open in each other down to here: no picture is deeper, and the stack is not endless.
_DEEPEST = 64
_MOST_INLETS = 8
_MOST_BUNCHES = 3


@dataclass(frozen=True, slots=True)
class Link:
    """Values that go from one box to another, parallel ones merged.

    ``values`` are the tuple elements that go (a path of indexes each, ``()`` for a whole value), ``count`` the operands
    they fill. ``shape`` and ``bytes`` are of the one value, or None for several.
    """

    source: str
    target: str
    values: tuple[tuple[int, ...], ...]
    count: int
    shape: str | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Box:
    """A node, or a group that has no instruction of its own (``node`` None). ``inner`` when it is opened.

    ``folded`` are texts of what is drawn inside of the label, ``outside`` ids of neighbours that are not shown,
    ``stubs`` names of boxes outside of its level: ``⇢`` a user, ``⇠`` an operand. An ``inlet`` stands for a value that
    comes from outside of a fold: ``node`` is the one that makes it.
    """

    id: str
    node: Node | None
    group: Group | None
    inner: Level | None = None
    folded: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()
    inlet: bool = False

    @property
    def opened(self) -> bool:
        """Whether its inside is shown."""
        return self.inner is not None

    @property
    def self_ns(self) -> int | None:
        """Time of all that the box stands for while it is closed."""
        if self.inlet:
            return None
        if self.group is not None:
            return self.group.self_ns
        return self.node.self_ns if self.node is not None else None

    @property
    def is_parameter(self) -> bool:
        """Whether a value comes in here: a parameter, or from outside of the level."""
        return self.node is not None and (self.inlet or self.node.opcode == "parameter")

    @property
    def only_feeds(self) -> bool:
        """Parameters: their lines are the first to give way to names."""
        return self.is_parameter or (self.group is not None and self.group.label == "parameters")

    @property
    def name(self) -> str:
        """What it is called on the picture."""
        if self.node is not None:
            return self.node.name or self.node.id
        return (self.group.label if self.group is not None else "") or self.id


@dataclass(frozen=True, slots=True)
class Level:
    """The boxes of one group (None: the entry computation), values going forward, and the links between them."""

    group: str | None
    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class VisibleGraph:
    """``left_out`` boxes did not fit into ``limit``; those shown are the nearest to ``focus``."""

    graph: Graph
    opened: frozenset[str]
    level: Level
    shown: int
    left_out: int
    limit: int
    focus: str | None
    folds: Folds
    boxes: Mapping[str, Box] = field(default_factory=dict, repr=False)


def visible(
    graph: Graph,
    opened: frozenset[str] = frozenset(),
    focus: str | None = None,
    limit: int = LIMIT,
    steps: int | None = None,
    folds: Folds | None = None,
) -> VisibleGraph:
    """The boxes to draw. Where a level holds more than fit, those nearest to ``focus`` are taken.

    ``focus`` is a node or group (by default the hottest box, else the root). ``folds`` says how long levels are folded
    (by default not at all). With ``steps`` only the boxes at most so many links away from the focus are drawn, and of
    its own level only.
    """
    folds = folds if folds is not None else without_folds(graph)
    maker = _Maker(folds, opened, focus, limit, steps)
    level = maker.level(maker.start())
    boxes: dict[str, Box] = {box.id: box for box in walk(level)}
    return VisibleGraph(graph, opened, level, len(boxes), maker.left_out, limit, focus, folds, boxes)


def walk(level: Level) -> Iterator[Box]:
    """All boxes of a level and of the opened ones in it, each box before what it holds."""
    for box in level.boxes:
        yield box
        if box.inner is not None:
            yield from walk(box.inner)


def shown_id(shown: VisibleGraph, node_id: str) -> str | None:
    """The box that stands for a node: its own, its consumer's if it is folded, else the nearest group around it."""
    if node_id in shown.boxes:
        return node_id
    node_id = consumer_of(shown.graph, node_id)
    if node_id in shown.boxes:
        return node_id
    return next((group for group in shown.folds.ancestors(node_id) if group in shown.boxes), None)


def consumer_of(graph: Graph, node_id: str) -> str:
    """The node in whose label a folded node is drawn; any other is drawn by itself."""
    node = graph.node_by_id.get(node_id)
    seen: set[str] = set()
    while node is not None and node.folded and node.id not in seen:
        seen.add(node.id)
        users = graph.outputs.get(node.id, ())
        if not users:
            break
        node = graph.node_by_id.get(users[0].target)
    return node.id if node is not None else node_id


@dataclass(slots=True)
class _Maker:
    folds: Folds
    opened: frozenset[str]
    focus: str | None
    limit: int
    steps: int | None
    left_out: int = 0
    used: int = 0
    around: tuple[str, ...] = ()

    def start(self) -> str | None:
        """The level to begin with: the entry computation, but where only a neighbourhood is wanted, its own level."""
        if self.focus is not None:
            self.around = (self.focus, *self.folds.ancestors(self.focus))
        if self.steps is None or self.focus is None:
            return None
        return self.around[1] if len(self.around) > 1 else None

    def level(self, level: str | None, depth: int = 0) -> Level:
        """A level; the boxes of opened groups inside of it count after its own."""
        plan = self.folds.plan(level)
        links = _links(plan)
        kept = self._kept(plan, links, depth)
        self.left_out += len(plan.children) - len(kept)
        self.used += len(kept)
        coming: list[tuple[str, Flow]] = []
        leaving: list[tuple[str, str]] = []
        if level is not None and self.folds.is_fold(level):
            coming, leaving = self.folds.borders(level)
        inlets = _inlets(level or "", coming, kept)
        stubs: dict[str, dict[str, None]] = {}
        for source, target in leaving:
            stubs.setdefault(source, {}).setdefault(f"⇢{self._name(target)}")
        for target, source in inlets.stubs:
            stubs.setdefault(target, {}).setdefault(f"⇠{self._name(source)}")
        neighbours = _neighbours(links) if len(kept) < len(plan.children) else {}
        boxes = [
            Box(own, self.folds.graph.node_by_id[source], None, inlet=True) for own, source in inlets.boxes.items()
        ]
        for box_id in plan.children:
            if box_id not in kept:
                continue
            box = Box(box_id, self.folds.graph.node_by_id.get(box_id), self.folds.group(box_id))
            opened = box.group is not None and box.id in self.opened and depth < _DEEPEST
            boxes.append(
                replace(
                    box,
                    inner=self.level(box.id, depth + 1) if opened else None,
                    folded=tuple(self._folded(box)) + self._stands_for(box),
                    outside=tuple(found for found in neighbours.get(box_id, ()) if found not in kept),
                    stubs=tuple(stubs.get(box_id, ())),
                )
            )
        shown = [link for link in links if link.source in kept and link.target in kept]
        return Level(level, tuple(boxes), (*inlets.links, *shown), len(plan.children) - len(kept))

    def _name(self, box_id: str) -> str:
        graph = self.folds.graph
        return Box(box_id, graph.node_by_id.get(box_id), self.folds.group(box_id)).name

    def _folded(self, box: Box) -> list[str]:
        if box.node is None:
            return []
        return self.folds.wiring(box.node.group).folded.get(box.id, [])

    def _stands_for(self, box: Box) -> tuple[str, ...]:
        """For a parameter of an opened group: the operand that its caller gives it."""
        node, graph = box.node, self.folds.graph
        if node is None or node.parameter_number is None or node.group is None:
            return ()
        group = graph.group_by_id[node.group]
        caller = group.caller or group.parent
        if group.kind not in ("fusion", "call") or caller is None:
            return ()
        for edge in graph.inputs.get(caller, ()):
            if edge.operand == node.parameter_number:
                return (f"= {graph.node_by_id[edge.source].name}",)
        return ()

    def _kept(self, plan: LevelPlan, links: list[Link], depth: int) -> set[str]:
        """The boxes of a level that are shown: all, or the nearest to the focus."""
        every = plan.children
        room = max(self.limit - self.used, 0)
        steps = self.steps if depth == 0 else None
        own_focus = self._focus_of(every)
        if len(every) <= room and (steps is None or own_focus is None):
            return set(every)
        if not every or not room:
            return set()
        start = own_focus or self._default_focus(every)
        neighbours = _neighbours(links)
        kept, queue = {start: 0}, deque([start])
        while queue and len(kept) < room:
            current = queue.popleft()
            if steps is not None and kept[current] >= steps:
                continue
            for neighbour in neighbours.get(current, ()):
                if neighbour not in kept and len(kept) < room:
                    kept[neighbour] = kept[current] + 1
                    queue.append(neighbour)
        if steps is None:
            # What hangs together with nothing fills the room that is left, in the order of the text.
            for box_id in every:
                if len(kept) >= room:
                    break
                kept.setdefault(box_id, 0)
        return set(kept)

    def _focus_of(self, every: list[str]) -> str | None:
        """The box of this level that is, or holds, the focus."""
        own = set(every) if self.around else set()
        return next((found for found in self.around if found in own), None)

    def _default_focus(self, every: list[str]) -> str:
        hottest = max(every, key=self._self_ns)
        if self._self_ns(hottest):
            return hottest
        nodes = self.folds.graph.node_by_id
        return next((box_id for box_id in every if box_id in nodes and nodes[box_id].is_root), every[-1])

    def _self_ns(self, box_id: str) -> int:
        group, node = self.folds.group(box_id), self.folds.graph.node_by_id.get(box_id)
        found = group.self_ns if group is not None else node.self_ns if node is not None else None
        return found or 0


def _links(plan: LevelPlan) -> list[Link]:
    """Links between the boxes of a level, parallel flows merged."""
    flows: dict[tuple[str, str], list[Flow]] = {}
    number: dict[str, int] = {}
    for source, target, flow in plan.flows:
        flows.setdefault((source, target), []).append(flow)
        number.setdefault(flow.source, len(number))
    links = [_link(source, target, own, number) for (source, target), own in flows.items()]
    return _bundled(links)


def _bundled(links: list[Link]) -> list[Link]:
    """The values of a fold that go in many different bunches leave it as one bundle."""
    of_source: dict[str, dict[tuple[tuple[int, ...], ...], None]] = {}
    for link in links:
        of_source.setdefault(link.source, {}).setdefault(link.values)
    every = {
        source: tuple(sorted({value for values in bunches for value in values}))
        for source, bunches in of_source.items()
        if len(bunches) > _MOST_BUNCHES
    }
    return [
        replace(link, values=every[link.source], shape=None, bytes=None)
        if link.source in every and () not in every[link.source]
        else link
        for link in links
    ]


def _link(source: str, target: str, flows: list[Flow], number: Mapping[str, int]) -> Link:
    """A fold stands for several nodes: a value of it is told by the number of its node too."""
    values = {flow.path if flow.source == source else (number[flow.source], *flow.path) for flow in flows}
    last = flows[-1]
    shape, size = (last.shape, last.bytes) if len(values) == 1 else (None, None)
    return Link(source, target, tuple(sorted(values)), len(flows), shape, size)


def _neighbours(links: list[Link]) -> dict[str, list[str]]:
    """The boxes that feed each box, then those that it feeds."""
    above: dict[str, dict[str, None]] = {}
    below: dict[str, dict[str, None]] = {}
    for link in links:
        above.setdefault(link.target, {}).setdefault(link.source)
        below.setdefault(link.source, {}).setdefault(link.target)
    return {own: list({**above.get(own, {}), **below.get(own, {})}) for own in (*above, *below)}


@dataclass(slots=True)
class _Inlets:
    """``boxes`` maps inlets to the nodes whose values they are; ``stubs`` (box, node outside) where there are many."""

    boxes: dict[str, str] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    stubs: list[tuple[str, str]] = field(default_factory=list)


def _inlets(level: str, coming: list[tuple[str, Flow]], kept: set[str]) -> _Inlets:
    """The values that come into a fold: a box at its top for each, names in the boxes where that would be a crowd."""
    found = _Inlets()
    flows: dict[tuple[str, str], list[Flow]] = {}
    for target, flow in coming:
        if target in kept:
            flows.setdefault((flow.source, target), []).append(flow)
    if len({source for source, _ in flows}) > _MOST_INLETS:
        found.stubs = [(target, source) for source, target in flows]
        return found
    for (source, target), own in flows.items():
        inlet = f"{level} < {source}"
        found.boxes[inlet] = source
        found.links.append(replace(_link(source, target, own, {}), source=inlet))
    return found


def folded_text(box: Box, longest: int) -> str:
    """The second line of a box: what is folded into it, and how many neighbours are not shown."""
    texts = list(dict.fromkeys(box.folded))
    if texts and not texts[0].startswith("= "):
        texts[0] = f"with {texts[0]}"
    if box.outside:
        texts.append(f"{len(box.outside)} more not shown")
    return shorten(" · ".join(texts), longest)
