"""The graph of a module as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

# They carry values to where they are needed: no program asks for them, and nobody looks for who added them.
CARRIERS = frozenset({"parameter", "constant", "tuple", "get-tuple-element", "bitcast"})


# Nodes, edges and flows are made by the hundred thousand: a frozen dataclass takes three times as long to make.
class Node(NamedTuple):
    """An instruction.

    ``id`` is its name (``computation/name`` where a name is not unique), ``shape`` has no layout, ``group`` is the
    group it lies in (None: the entry computation). ``owner``: the instruction that one without equations is there for.
    ``self_ns`` is None when nothing was measured. ``detail`` is what a label adds: a literal, dimensions, turns.
    ``folded`` nodes are drawn inside of their consumers' labels. ``scope`` are the user's own names around it, the
    outermost first. ``estimated``: a part of ``self_ns`` was split among equations by a rule. ``root_word`` is what a
    root is called.
    """

    id: str
    opcode: str
    shape: str
    computation: str
    group: str | None
    equations: tuple[str, ...]
    added_by_xla: bool
    owner: str | None
    self_ns: int | None
    name: str = ""
    bytes: int | None = None
    is_root: bool = False
    parameter_number: int | None = None
    folded: bool = False
    detail: str = ""
    line: int = 0
    scope: tuple[str, ...] = ()
    estimated: bool = False
    root_word: str = "ROOT"

    @property
    def is_marked(self) -> bool:
        """Does it wear the mark of what XLA added?"""
        return self.added_by_xla and self.opcode not in CARRIERS


class Edge(NamedTuple):
    """A value going from ``source`` to operand number ``operand`` of ``target``; ``shape`` is the value's.

    ``element`` is set where the text names an element of a tuple directly (``%fusion#1``).
    """

    source: str
    target: str
    operand: int
    shape: str
    element: int | None = None


class Outline(NamedTuple):
    """What a node is linked by, as in `Node`."""

    id: str
    group: str | None
    line: int
    equations: tuple[str, ...]
    owner: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """What lies inside of an instruction: fusion, loop, call, conditional, computation (of a reduce, a sort…).

    Kind ``scope`` is what lies under one name of the user's, ``part`` a run of instructions of a long computation; both
    have no caller. ``id`` is the calling instruction's; a computation among several of one caller has its own name and
    ``caller`` None.
    ``self_ns`` is that of the caller and all members, None when nothing of it was measured.
    """

    id: str
    kind: str
    parent: str | None
    self_ns: int | None
    caller: str | None = None
    computation: str | None = None
    role: str = ""
    trip_count: int | None = None
    members: int = 0
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in the order of the text, with indexes by id. What nobody asks for may not have been made yet."""

    name: str
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    groups: tuple[Group, ...]
    node_by_id: Mapping[str, Node] = field(default_factory=dict, repr=False)
    group_by_id: Mapping[str, Group] = field(default_factory=dict, repr=False)
    nodes_of_group: Mapping[str | None, tuple[Node, ...]] = field(default_factory=dict, repr=False)
    groups_of_group: Mapping[str | None, tuple[Group, ...]] = field(default_factory=dict, repr=False)
    inputs: Mapping[str, tuple[Edge, ...]] = field(default_factory=dict, repr=False)
    outputs: Mapping[str, tuple[Edge, ...]] = field(default_factory=dict, repr=False)
    inputs_of_group: Mapping[str | None, Mapping[str, tuple[Edge, ...]]] = field(default_factory=dict, repr=False)
    """Inputs by node, of the nodes of one group."""
    total_self_ns: int | None = None
    language: str = "hlo"
    place_of: Callable[[str], tuple[str, int] | None] | None = field(default=None, repr=False)
    """File and line that a node comes from."""
    holding: Callable[[Sequence[str]], Iterable[Node]] | None = field(default=None, repr=False)
    """The nodes among which those must be whose text holds some words, without making all of them."""

    outlined: Callable[[], Iterable[Outline]] | None = field(default=None, repr=False)
    """The outlines of all nodes in the order of the text, without making the nodes."""

    @property
    def outlines(self) -> Iterable[Outline]:
        """The outlines of all nodes in the order of the text."""
        if self.outlined is not None:
            return self.outlined()
        return (Outline(node.id, node.group, node.line, node.equations, node.owner) for node in self.nodes)

    def candidates(self, words: Sequence[str]) -> Iterable[Node]:
        """Nodes to look at in a search for words in lower case; more than those that have them."""
        return self.holding(words) if self.holding is not None else self.nodes

    def ancestors(self, node_id: str) -> tuple[str, ...]:
        """The groups around a node or group, nearest first."""
        group = self.group_by_id.get(node_id)
        node = self.node_by_id.get(node_id) if group is None else None  # a caller lies where its group does
        parent = group.parent if group is not None else node.group if node is not None else None
        found: list[str] = []
        while parent is not None and parent not in found:
            found.append(parent)
            parent = self.group_by_id[parent].parent
        return tuple(found)
