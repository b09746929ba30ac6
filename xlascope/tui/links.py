"""One cursor for all panes: which lines, equations, instructions and ops belong together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Focus:
    """What the cursor is on, in every form: equations by path, instructions by id, one place in the source."""

    equations: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    place: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """Of one program. Rows are lines of a stage's text, from 0; an equation's path is looked up as it is written."""

    equation_row: Mapping[str, int] = field(default_factory=dict)
    row_equations: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    equation_place: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    node_equations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    equation_nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    node_row: Mapping[str, int] = field(default_factory=dict)
    row_node: Mapping[int, str] = field(default_factory=dict)
    group_nodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of_equations(self, paths: Iterable[str]) -> Focus:
        """From equations on."""
        equations = frozenset(paths)
        nodes = frozenset(node for path in equations for node in self.equation_nodes.get(path, ()))
        return Focus(equations, nodes, self._place(equations))

    def of_nodes(self, nodes: Iterable[str]) -> Focus:
        """From instructions on; a group stands for its members too."""
        wanted = set(nodes)
        for node in list(wanted):
            wanted.update(self.group_nodes.get(node, ()))
        equations = frozenset(path for node in wanted for path in self.node_equations.get(node, ()))
        return Focus(equations, frozenset(wanted), self._place(equations))

    def of_place(self, file: str, line: int) -> Focus:
        """From a source line on."""
        paths = [path for path, place in self.equation_place.items() if place == (file, line)]
        found = self.of_equations(paths)
        return Focus(found.equations, found.nodes, (file, line))

    def of_row(self, stage: str, row: int) -> Focus:
        """From a line of the jaxpr or the optimized HLO on; empty for other stages."""
        if stage == "jaxpr":
            return self.of_equations(self.row_equations.get(row, ()))
        if stage == "optimized" and row in self.row_node:
            return self.of_nodes([self.row_node[row]])
        return Focus()

    def rows(self, stage: str, focus: Focus) -> list[int]:
        """Lines of a stage that belong to what the cursor is on, in order."""
        if stage == "jaxpr":
            return sorted({self.equation_row[path] for path in focus.equations if path in self.equation_row})
        if stage == "optimized":
            return sorted({self.node_row[node] for node in focus.nodes if node in self.node_row})
        return []

    def _place(self, equations: frozenset[str]) -> tuple[str, int] | None:
        for path in sorted(equations, key=path_key):
            if path in self.equation_place:
                return self.equation_place[path]
        return None


def path_key(path: str) -> list[int]:
    """Sorts equation paths by number: `4.10` after `4.9`."""
    return [int(part.removeprefix("b")) for part in path.split(".") if part.removeprefix("b").isdigit()]
