"""Nodes and edges made when they are asked for, body by body: of a large module only what is looked at is made."""

from __future__ import annotations

from bisect import bisect_right
from collections import ChainMap, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Generic, TypeVar, overload

from xlascope.graphs.model import Edge, Group, Node

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Body:
    """What one computation holds. No edge leaves it; ``inputs`` and ``outputs`` are its edges by node."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @cached_property
    def inputs(self) -> Mapping[str, tuple[Edge, ...]]:
        """Edges by the node they go into."""
        return _by(self.edges, attrgetter("target"))

    @cached_property
    def outputs(self) -> Mapping[str, tuple[Edge, ...]]:
        """Edges by the node they come from."""
        return _by(self.edges, attrgetter("source"))

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        """Its nodes."""
        return {node.id: node for node in self.nodes}


def _by(edges: Sequence[Edge], end: Callable[[Edge], str]) -> dict[str, tuple[Edge, ...]]:
    found: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        found[end(edge)].append(edge)
    return {key: tuple(own) for key, own in found.items()}


class Bodies:
    """The bodies of a graph in the order of the text.

    ``starts`` are the positions of their first nodes, ``groups`` the group each is shown in, ``ids`` the node ids;
    ``make`` makes one by its number. May be asked from several threads: what two make at once is the same.
    """

    def __init__(
        self, ids: Sequence[str], starts: Sequence[int], groups: Sequence[str | None], make: Callable[[int], Body]
    ) -> None:
        self.ids, self.starts, self.groups = ids, starts, groups
        self._make = make
        self._made: dict[int, Body] = {}
        self._position: dict[str, int] | None = None
        self._of_group: dict[str | None, list[int]] = {}
        for number, group in enumerate(groups):
            self._of_group.setdefault(group, []).append(number)

    def __len__(self) -> int:
        return len(self.groups)

    def body(self, number: int) -> Body:
        """The body of a number, made when it is asked for the first time."""
        made = self._made.get(number)
        if made is None:
            made = self._made.setdefault(number, self._make(number))
        return made

    def position_of(self, node_id: str) -> int | None:
        """The place of a node in the text; None for an id that is none."""
        if self._position is None:
            self._position = {own: position for position, own in enumerate(self.ids)}
        return self._position.get(node_id)

    def number_of(self, node_id: str) -> int | None:
        """The body that holds a node; None for an id that is none."""
        position = self.position_of(node_id)
        # Empty bodies share their start with the next one, which bisect_right finds.
        return None if position is None else bisect_right(self.starts, position) - 1

    def of(self, node_id: str) -> Body | None:
        """The body that holds a node; None for an id that is none."""
        number = self.number_of(node_id)
        return None if number is None else self.body(number)

    def of_group(self, group: str | None) -> list[int]:
        """Numbers of the bodies that a group shows."""
        return self._of_group.get(group, [])

    def shown(self) -> list[str | None]:
        """The groups that hold nodes."""
        return list(self._of_group)


class Nodes(Sequence[Node]):
    """All nodes in the order of the text; their number is known without making them."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies

    def __len__(self) -> int:
        return len(self._bodies.ids)

    @overload
    def __getitem__(self, item: int) -> Node: ...

    @overload
    def __getitem__(self, item: slice) -> tuple[Node, ...]: ...

    def __getitem__(self, item: int | slice) -> Node | tuple[Node, ...]:
        if isinstance(item, slice):
            return tuple(self[place] for place in range(*item.indices(len(self))))
        place = item + len(self) if item < 0 else item
        if not 0 <= place < len(self):
            raise IndexError(item)
        number = bisect_right(self._bodies.starts, place) - 1
        return self._bodies.body(number).nodes[place - self._bodies.starts[number]]

    def __iter__(self) -> Iterator[Node]:
        for number in range(len(self._bodies)):
            yield from self._bodies.body(number).nodes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


class Edges(Sequence[Edge]):
    """All edges; they are made to be counted."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies

    def __len__(self) -> int:
        return sum(len(self._bodies.body(number).edges) for number in range(len(self._bodies)))

    @overload
    def __getitem__(self, item: int) -> Edge: ...

    @overload
    def __getitem__(self, item: slice) -> tuple[Edge, ...]: ...

    def __getitem__(self, item: int | slice) -> Edge | tuple[Edge, ...]:
        return tuple(self)[item]

    def __iter__(self) -> Iterator[Edge]:
        for number in range(len(self._bodies)):
            yield from self._bodies.body(number).edges

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]


class Asked(Mapping[_Key, _Value], Generic[_Key, _Value]):
    """A mapping whose values are made when asked for; ``find`` raises KeyError for a key that is none."""

    def __init__(self, find: Callable[[_Key], _Value], keys: Callable[[], Sequence[_Key]]) -> None:
        self._find, self._keys = find, keys

    def __getitem__(self, key: _Key) -> _Value:
        return self._find(key)

    def __iter__(self) -> Iterator[_Key]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())


def node_by_id(bodies: Bodies) -> Mapping[str, Node]:
    """Nodes by id."""

    def find(node_id: str) -> Node:
        body = bodies.of(node_id)
        if body is None:
            raise KeyError(node_id)
        return body.by_id[node_id]

    return Asked(find, lambda: bodies.ids)


def nodes_of_group(bodies: Bodies) -> Mapping[str | None, tuple[Node, ...]]:
    """The nodes right inside of each group, None the outermost."""

    def find(group: str | None) -> tuple[Node, ...]:
        numbers = bodies.of_group(group)
        if not numbers:
            raise KeyError(group)
        return tuple(node for number in numbers for node in bodies.body(number).nodes)

    return Asked(find, bodies.shown)


def edges_of(bodies: Bodies, way: str) -> Mapping[str, tuple[Edge, ...]]:
    """Edges by node: ``way`` is ``inputs`` or ``outputs``."""

    def find(node_id: str) -> tuple[Edge, ...]:
        body = bodies.of(node_id)
        if body is None:
            raise KeyError(node_id)
        found: tuple[Edge, ...] = getattr(body, way)[node_id]
        return found

    def keys() -> list[str]:
        return [key for number in range(len(bodies)) for key in getattr(bodies.body(number), way)]

    return Asked(find, keys)


def inputs_of_group(bodies: Bodies) -> Mapping[str | None, Mapping[str, tuple[Edge, ...]]]:
    """Edges by the node they go into, group by group."""

    def find(group: str | None) -> Mapping[str, tuple[Edge, ...]]:
        numbers = bodies.of_group(group)
        if not numbers:
            raise KeyError(group)
        if len(numbers) == 1:
            return bodies.body(numbers[0]).inputs
        return ChainMap(*(dict(bodies.body(number).inputs) for number in numbers))

    return Asked(find, bodies.shown)


def groups_of_group(groups: Sequence[Group]) -> Mapping[str | None, tuple[Group, ...]]:
    """The groups right inside of each group, None the outermost."""
    inner: dict[str | None, list[Group]] = {}
    for group in groups:
        inner.setdefault(group.parent, []).append(group)
    return {key: tuple(found) for key, found in inner.items()}
