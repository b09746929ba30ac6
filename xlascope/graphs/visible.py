"""What of a graph is on the picture: opened groups, folded instructions, at most so many boxes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from xlascope.graphs.labels import shorten
from xlascope.graphs.model import Graph, Group, Node

LIMIT = 500
# Groups open in each other down to here: no picture is deeper, and the stack is not endless.
_DEEPEST = 64


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
    """A node, or a computation that has no instruction of its own (``node`` None). ``inner`` when it is opened.

    ``folded`` are texts of what is drawn inside of the label, ``outside`` ids of neighbours that are not shown.
    """

    id: str
    node: Node | None
    group: Group | None
    inner: Level | None = None
    folded: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()

    @property
    def opened(self) -> bool:
        return self.inner is not None

    @property
    def self_ns(self) -> int | None:
        """Time of all that the box stands for while it is closed."""
        if self.group is not None:
            return self.group.self_ns
        return self.node.self_ns if self.node is not None else None

    @property
    def is_parameter(self) -> bool:
        return self.node is not None and self.node.opcode == "parameter"


@dataclass(frozen=True, slots=True)
class Level:
    """The boxes of one group (None: the entry computation) in the order of the text, and the links between them."""

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
    boxes: Mapping[str, Box] = field(default_factory=dict, repr=False)


def visible(
    graph: Graph,
    opened: frozenset[str] = frozenset(),
    focus: str | None = None,
    limit: int = LIMIT,
    steps: int | None = None,
) -> VisibleGraph:
    """The boxes to draw. Where a level holds more than fit, those nearest to ``focus`` are taken.

    ``focus`` is a node or group (by default the hottest box, else the root); ``steps`` keeps only boxes at most so many
    links away from it, on its own level.
    """
    maker = _Maker(graph, opened, focus, limit, steps)
    level = maker.level(None)
    boxes: dict[str, Box] = {box.id: box for box in walk(level)}
    return VisibleGraph(graph, opened, level, len(boxes), maker.left_out, limit, focus, boxes)


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
    node = shown.graph.node_by_id.get(node_id)
    seen: set[str] = set()
    while node is not None and node.folded and node.id not in seen:
        seen.add(node.id)
        users = shown.graph.outputs.get(node.id, ())
        if not users:
            break
        node_id = users[0].target
        if node_id in shown.boxes:
            return node_id
        node = shown.graph.node_by_id.get(node_id)
    return next((group for group in shown.graph.ancestors(node_id) if group in shown.boxes), None)


@dataclass(slots=True)
class _Maker:
    graph: Graph
    opened: frozenset[str]
    focus: str | None
    limit: int
    steps: int | None
    left_out: int = 0
    used: int = 0

    def level(self, group_id: str | None, depth: int = 0) -> Level:
        """The level of a group; the boxes of opened groups inside of it count after its own."""
        every = [node.id for node in self.graph.nodes_of_group.get(group_id, ()) if not node.folded]
        every += [group.id for group in self.graph.groups_of_group.get(group_id, ()) if group.caller is None]
        kept = self._kept(group_id, every)
        boxes = [self._box(box_id) for box_id in every if box_id in kept]
        links, folded = self._links(boxes)
        self.left_out += len(every) - len(boxes)
        self.used += len(boxes)
        finished = tuple(
            replace(
                box,
                inner=self.level(box.id, depth + 1) if self._is_open(box, depth) else None,
                folded=tuple(folded.get(box.id, ())) + self._stands_for(box),
                outside=self._outside(box.id, kept) if len(boxes) < len(every) else (),
            )
            for box in boxes
        )
        shown = tuple(link for link in links if link.source in kept)
        return Level(group_id, finished, shown, len(every) - len(boxes))

    def _is_open(self, box: Box, depth: int) -> bool:
        return box.group is not None and box.id in self.opened and depth < _DEEPEST

    def _box(self, box_id: str) -> Box:
        return Box(box_id, self.graph.node_by_id.get(box_id), self.graph.group_by_id.get(box_id))

    def _stands_for(self, box: Box) -> tuple[str, ...]:
        """For a parameter of an opened group: the operand that its caller gives it."""
        node = box.node
        if node is None or node.parameter_number is None or node.group is None:
            return ()
        group = self.graph.group_by_id[node.group]
        caller = group.caller or group.parent
        if group.kind not in ("fusion", "call") or caller is None:
            return ()
        for edge in self.graph.inputs.get(caller, ()):
            if edge.operand == node.parameter_number:
                return (f"= {self.graph.node_by_id[edge.source].name}",)
        return ()

    def _links(self, boxes: list[Box]) -> tuple[list[Link], dict[str, list[str]]]:
        """Links between the boxes of a level, and the label texts of what is folded into each."""
        values: dict[tuple[str, str], list[tuple[int, ...]]] = {}
        counts: dict[tuple[str, str], int] = {}
        shapes: dict[tuple[str, str], tuple[str, int | None]] = {}
        folded: dict[str, list[str]] = {}
        for box in boxes:
            for edge in self.graph.inputs.get(box.id, ()) if box.node is not None else ():
                start = (edge.element,) if edge.element is not None else ()
                source, path, texts = self._resolve(edge.source, start)
                folded.setdefault(box.id, []).extend(texts)
                if source is None:
                    continue
                key = (source.id, box.id)
                counts[key] = counts.get(key, 0) + 1
                known = values.setdefault(key, [])
                if path not in known:
                    known.append(path)
                size = source.bytes if not path and edge.element is None else None
                shapes[key] = (edge.shape, size if edge.source == source.id else self._bytes(edge.source))
        links = []
        for (start_id, end_id), paths in values.items():
            shape, size = shapes[start_id, end_id] if len(paths) == 1 else (None, None)
            links.append(Link(start_id, end_id, tuple(sorted(paths)), counts[start_id, end_id], shape, size))
        return links, folded

    def _bytes(self, node_id: str) -> int | None:
        return self.graph.node_by_id[node_id].bytes

    def _resolve(self, node_id: str, path: tuple[int, ...]) -> tuple[Node | None, tuple[int, ...], list[str]]:
        """Go through folded nodes to the box a value comes from; None when it is a scalar told by the label."""
        texts: list[str] = []
        node = self.graph.node_by_id[node_id]
        for _ in range(len(self.graph.nodes)):
            if not node.folded:
                return node, path, texts
            edges = self.graph.inputs.get(node.id, ())
            if node.opcode == "constant" or not edges:
                return None, path, [node.detail or node.name]
            if node.opcode == "get-tuple-element":
                if node.detail.isascii() and node.detail.isdigit():
                    path = (int(node.detail), *path)
            else:
                texts.append(node.opcode)
            if edges[0].element is not None:
                path = (edges[0].element, *path)
            node = self.graph.node_by_id[edges[0].source]
        return None, path, texts  # only a text whose instructions use each other in a ring comes here

    def _kept(self, group_id: str | None, every: list[str]) -> set[str]:
        """The boxes of a level that are shown: all, or the nearest to the focus."""
        room = max(self.limit - self.used, 0)
        own_focus = self._focus_of(group_id, every)
        if len(every) <= room and (self.steps is None or group_id is not None or own_focus is None):
            return set(every)
        if not every or not room:
            return set()
        start = own_focus or self._default_focus(every)
        kept, queue = {start: 0}, deque([start])
        while queue and len(kept) < room:
            current = queue.popleft()
            if self.steps is not None and kept[current] >= self.steps:
                continue
            for neighbour in (*self._sources(current), *self._users(current)):
                if neighbour not in kept and len(kept) < room:
                    kept[neighbour] = kept[current] + 1
                    queue.append(neighbour)
        if self.steps is None:
            # What hangs together with nothing fills the room that is left, in the order of the text.
            for box_id in every:
                if len(kept) >= room:
                    break
                kept.setdefault(box_id, 0)
        return set(kept)

    def _sources(self, box_id: str) -> list[str]:
        """The boxes that feed a box."""
        found: dict[str, None] = {}
        for edge in self.graph.inputs.get(box_id, ()):
            source, _, _ = self._resolve(edge.source, ())
            if source is not None:
                found.setdefault(source.id)
        return list(found)

    def _users(self, box_id: str) -> list[str]:
        """The boxes that a box feeds."""
        found: dict[str, None] = {}
        passed, queue = {box_id}, [box_id]
        while queue:
            for edge in self.graph.outputs.get(queue.pop(), ()):
                if not self.graph.node_by_id[edge.target].folded:
                    found.setdefault(edge.target)
                elif edge.target not in passed:
                    passed.add(edge.target)
                    queue.append(edge.target)
        return list(found)

    def _outside(self, box_id: str, kept: set[str]) -> tuple[str, ...]:
        around = dict.fromkeys((*self._sources(box_id), *self._users(box_id)))
        return tuple(found for found in around if found not in kept)

    def _focus_of(self, group_id: str | None, every: list[str]) -> str | None:
        """The box of this level that is, or holds, the focus."""
        if self.focus is None:
            return None
        own = set(every)
        return next((found for found in (self.focus, *self.graph.ancestors(self.focus)) if found in own), None)

    def _default_focus(self, every: list[str]) -> str:
        hottest = max(every, key=self._self_ns)
        if self._self_ns(hottest):
            return hottest
        nodes = self.graph.node_by_id
        return next((box_id for box_id in every if box_id in nodes and nodes[box_id].is_root), every[-1])

    def _self_ns(self, box_id: str) -> int:
        return self._box(box_id).self_ns or 0


def folded_text(box: Box, longest: int) -> str:
    """The second line of a box: what is folded into it, and how many neighbours are not shown."""
    texts = list(dict.fromkeys(box.folded))
    if texts and not texts[0].startswith("= "):
        texts[0] = f"with {texts[0]}"
    if box.outside:
        texts.append(f"{len(box.outside)} more not shown")
    return shorten(" · ".join(texts), longest)
