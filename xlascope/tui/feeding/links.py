"""One cursor for all panes: which lines, equations, instructions and ops belong together.

The rule, a join of the views `equations` and `graph`: an equation stands for what lies inside of it and for the
instructions that came of all of these. An instruction stands for its members (of a fusion, loop or call) and for the
equations of all of these, and is shown with the fusion that holds it; one that XLA added has the equations of the
instruction it is there for. A source line stands for its equations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from xlascope.tui.model import EquationTable

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Focus:
    """What the cursor is on, in every form: equations by path, instructions by id, one place in the source.

    `lead` are the equations under the cursor themselves, without what lies inside of them; `guessed` the equations, or
    the instructions, that no tag links to what the cursor is on.
    """

    equations: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    place: Place | None = None
    library: Place | None = None
    lead: tuple[str, ...] = ()
    guessed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StageLinks:
    """Of a stage's text: the equations of each line (from 0), those of its owner for what XLA added; the lines of each
    equation."""

    equations: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Links:
    """Of one program. Rows are lines of a stage's text, from 0; an equation's path is looked up as it is written.

    `stage_equations` has the equations of the lines of StableHLO and of HLO before optimization, `stage_rows` the lines
    of each equation there. `inferred` names the instructions of an equation that the flow of data links to it; without
    `exact` no link is by a tag.
    """

    equation_row: Mapping[str, int] = field(default_factory=dict)
    row_equations: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    equation_place: Mapping[str, Place] = field(default_factory=dict)
    equation_library: Mapping[str, Place] = field(default_factory=dict)
    place_equations: Mapping[Place, tuple[str, ...]] = field(default_factory=dict)
    inside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    node_equations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    equation_nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    node_row: Mapping[str, int] = field(default_factory=dict)
    row_node: Mapping[int, str] = field(default_factory=dict)
    group_nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    node_fusions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stage_equations: Mapping[str, Mapping[int, tuple[str, ...]]] = field(default_factory=dict)
    stage_rows: Mapping[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    inferred: Mapping[str, frozenset[str]] = field(default_factory=dict)
    exact: bool = True

    def of_equations(self, paths: Iterable[str]) -> Focus:
        """From equations on."""
        lead = tuple(sorted(set(paths), key=path_key))
        equations = {*lead, *(each for path in lead for each in self.inside.get(path, ()))}
        pairs = [(node, path) for path in equations for node in self.equation_nodes.get(path, ())]
        nodes = frozenset(node for node, _ in pairs)
        sure = {node for node, path in pairs if not self.is_guessed(node, path)}
        return Focus(frozenset(equations), nodes, *self._places(lead), lead, nodes - sure)

    def of_nodes(self, nodes: Iterable[str]) -> Focus:
        """From instructions on; a group stands for its members too."""
        wanted = set(nodes)
        lead = {path for node in wanted for path in self.node_equations.get(node, ())}
        around = {fusion for node in wanted for fusion in self.node_fusions.get(node, ())}
        for node in list(wanted):
            wanted.update(self.group_nodes.get(node, ()))
        pairs = [(node, path) for node in wanted for path in self.node_equations.get(node, ())]
        equations = frozenset(path for _, path in pairs)
        sure = {path for node, path in pairs if not self.is_guessed(node, path)}
        ordered = tuple(sorted(lead or equations, key=path_key))
        return Focus(equations, frozenset(wanted | around), *self._places(ordered), ordered, equations - sure)

    def of_place(self, file: str, line: int) -> Focus:
        """From a source line on."""
        found = self.of_equations(self.place_equations.get((file, line), ()))
        in_library = any(self.equation_library.get(path) == (file, line) for path in found.lead)
        if in_library and not any(self.equation_place.get(path) == (file, line) for path in found.lead):
            return replace(found, library=(file, line))
        return replace(found, place=(file, line))

    def of_row(self, stage: str, row: int) -> Focus:
        """From a line of a stage on; empty for a line that nothing is known of."""
        if stage == "jaxpr":
            return self.of_equations(self.row_equations.get(row, ()))
        if stage == "optimized":
            return self.of_nodes([self.row_node[row]]) if row in self.row_node else Focus()
        paths = self.stage_equations.get(stage, {}).get(row, ())
        return self.of_equations(paths) if paths else Focus()

    def rows(self, stage: str, focus: Focus) -> list[int]:
        """Lines of a stage that belong to what the cursor is on, in order."""
        if stage == "jaxpr":
            return sorted({self.equation_row[path] for path in focus.equations if path in self.equation_row})
        if stage == "optimized":
            return sorted({self.node_row[node] for node in focus.nodes if node in self.node_row})
        known = self.stage_rows.get(stage, {})
        return sorted({row for path in focus.equations for row in known.get(path, ())})

    def is_guessed(self, node: str, path: str) -> bool:
        """Is an instruction linked to an equation by something else than a tag?"""
        return not self.exact or node.rpartition("/")[2] in self.inferred.get(path, ())

    def guessed_rows(self, stage: str, focus: Focus, file: str | None = None) -> set[int]:
        """Those of a stage's lines that belong to what the cursor is on by guessed links alone."""
        if not focus.guessed:
            return set()
        doubtful = Focus(focus.equations & focus.guessed, focus.nodes & focus.guessed)
        sure = Focus(focus.equations - focus.guessed, focus.nodes - focus.guessed)
        if stage == "source":
            return set(self.source_rows(file, doubtful)) - set(self.source_rows(file, sure))
        return set(self.rows(stage, doubtful)) - set(self.rows(stage, sure))

    def source_rows(self, file: str | None, focus: Focus) -> list[int]:
        """Lines of a source file that belong to what the cursor is on, in order."""
        places = {self.equation_place.get(path) for path in focus.equations}
        places |= {self.equation_library.get(path) for path in focus.equations} | {focus.place}
        return sorted({place[1] - 1 for place in places if place is not None and place[0] == file})

    def _places(self, paths: Iterable[str]) -> tuple[Place | None, Place | None]:
        """The user's line and the library's of the first equation that has one."""
        for path in paths:
            if path in self.equation_place:
                return self.equation_place[path], self.equation_library.get(path)
        return None, None


def link(
    table: EquationTable,
    graph: Any,
    continued: Mapping[int, int] | None = None,
    stages: Mapping[str, StageLinks] | None = None,
) -> Links:
    """The links of a program from its equations and from its `graphs.Graph` (None: not held).

    `continued` maps lines of the jaxpr's text that go on with an equation to the line where it begins.
    """  # fmt: skip
    starts: dict[int, list[str]] = defaultdict(list)
    at: dict[Place, list[str]] = defaultdict(list)
    inside: dict[str, list[str]] = defaultdict(list)
    parents = {row.path: row.parent for row in table.rows}
    for row in table.rows:
        if row.row is not None:
            starts[row.row].append(row.path)
        for place in {row.place, row.library} - {None}:
            at[place].append(row.path)  # type: ignore[index]
        parent = row.parent
        while parent is not None:
            inside[parent].append(row.path)
            parent = parents.get(parent)
    row_equations = {row: tuple(paths) for row, paths in starts.items()}
    row_equations.update({row: row_equations[start] for row, start in (continued or {}).items() if start in starts})
    nodes = tuple(graph.outlines) if graph is not None else ()
    equations_of = {node.id: node.equations for node in nodes}
    of_node, of_equation, groups, fusions = {}, defaultdict(list), defaultdict(list), {}
    around: dict[str | None, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for node in nodes:
        of_node[node.id] = node.equations or equations_of.get(node.owner, ())
        for path in node.equations:
            of_equation[path].append(node.id)
        if node.group not in around:
            around[node.group] = _around(graph, node.group)
        outer, held = around[node.group]
        for group in outer:
            groups[group].append(node.id)
        if held:
            fusions[node.id] = held
    return Links(
        equation_row={row.path: row.row for row in table.rows if row.row is not None},
        row_equations=row_equations,
        equation_place={row.path: row.place for row in table.rows if row.place is not None},
        equation_library={row.path: row.library for row in table.rows if row.library is not None},
        place_equations={place: tuple(paths) for place, paths in at.items()},
        inside={path: tuple(paths) for path, paths in inside.items()},
        node_equations=of_node,
        equation_nodes={path: tuple(ids) for path, ids in of_equation.items()},
        node_row={node.id: node.line - 1 for node in nodes if node.line},
        row_node={node.line - 1: node.id for node in nodes if node.line},
        group_nodes={group: tuple(ids) for group, ids in groups.items()},
        node_fusions=fusions,
        stage_equations={stage: found.equations for stage, found in (stages or {}).items()},
        stage_rows={stage: found.rows for stage, found in (stages or {}).items()},
        inferred={row.path: row.inferred for row in table.rows if row.inferred},
        exact=table.exact,
    )


def _around(graph: Any, group: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The groups around what lies in a group, that one first, and those of them that are fusions."""
    outer = (group, *graph.ancestors(group)) if group is not None else ()
    return outer, tuple(each for each in outer if graph.group_by_id[each].kind == "fusion")


def path_key(path: str) -> list[int]:
    """Sorts equation paths by number: `4.10` after `4.9`."""
    return [int(part.removeprefix("b")) for part in path.split(".") if part.removeprefix("b").isdigit()]
