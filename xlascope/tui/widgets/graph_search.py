"""Searching a graph: over all nodes, also those in closed groups, which are opened for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.message import Message

from xlascope.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from xlascope.graphs.model import Graph
    from xlascope.tui.widgets.graph_pane import GraphPane


class GraphSearch:
    """The part of a `GraphPane` that searches by name, opcode, shape, equation and source line."""

    needle = ""
    _found: list[str] = []  # noqa: RUF012  replaced, never changed
    _found_at = 0
    _sought = ""
    _ahead = 0

    class NodesFound(Message):
        """The nodes that hold the needle."""

        def __init__(self, needle: str, nodes: list[str]):
            super().__init__()
            self.needle, self.nodes = needle, nodes

    @property
    def _searched(self) -> GraphPane:
        return cast("GraphPane", self)

    def action_search_next(self, step: int) -> None:
        """To the next node found, or step by step along a marked way."""
        if self._searched.step_way(step):
            return
        if self.needle and self._sought == self.needle:
            self._ahead += step
        elif self.needle and self._found:
            self._go_to_found(self._found_at + step)

    def start_search(self, needle: str, *, backwards: bool = False, skip_current: bool = False) -> None:
        """Looks for `needle` among all nodes in a thread; `NodesFound` tells."""
        if self._searched.way is not None:
            self._searched.clear_ways()  # n and N are the search's now
        self.needle, self._sought, self._ahead = needle, "", 0
        if self._searched.graph is not None and needle:
            graph, self._sought = self._searched.graph, needle
            job = lambda: self._search_nodes(graph, needle)  # noqa: E731
            self._searched.run_worker(job, group="search", exclusive=True, thread=True)

    def _search_nodes(self, graph: Graph, needle: str) -> None:
        from xlascope.graphs.navigate import search

        self._searched.post_message(self.NodesFound(needle, search(graph, needle)))

    def on_graph_search_nodes_found(self, message: NodesFound) -> None:
        """To the first node, if it is still the needle that is looked for."""
        if message.needle == self.needle:
            self._found, self._found_at, self._sought = message.nodes, 0, ""
            self.tell_search()
            if message.nodes:
                self._go_to_found(self._ahead)
            self._searched.post_message(
                self._searched.SearchDone(
                    self._searched, self.needle, self._searched.cursor if message.nodes else None, False
                )
            )

    def on_line_view_search_done(self, message: LineView.SearchDone) -> None:
        """Keeps `LineView` from moving: the cursor is there already."""
        message.prevent_default()  # the cursor is there already

    def _go_to_found(self, number: int) -> None:
        self._found_at = number % len(self._found)
        self.go_to_node(self._found[self._found_at])
        self.tell_search()

    def tell_search(self) -> None:
        """What is searched for and how often it is there, what is marked, what is left out."""
        said = self._searched.said()
        if self.needle:
            at = f"{self._found_at + 1:,} of {len(self._found):,}" if self._found else "0 matches"
            said.insert(0, f"/{self.needle}  {at}")
        if (
            self._searched._placed is not None
            and self._searched._placed.visible.left_out
            and self._searched.hops is None
        ):
            said.append(f"{self._searched._placed.visible.left_out:,} boxes left out")
        self._searched.set_note("  ".join(said))

    def go_to_node(self, node: str) -> None:
        """Puts the cursor on a node wherever it is; opens what hides it."""
        from xlascope.graphs.navigate import opened_for

        assert self._searched.graph is not None
        opened = opened_for(
            self._searched.graph,
            self._searched.opened,
            node,
            self._searched._asked().folds if self._searched.hops is None else None,
        )
        shown = self._searched.box_of(node)
        if opened != self._searched.opened or shown is None:
            # Also where the picture leaves boxes out: it is made again around the node.
            self._searched.opened, self._searched.box = opened, node
            self._searched.tell_when_laid = True
            self._searched.lay_out()
        else:
            self._searched._move(shown)
