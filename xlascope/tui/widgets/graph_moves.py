"""Moving in a graph along its edges, and opening and closing its groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from xlascope.graphs.navigate import Direction
    from xlascope.tui.widgets.graph_pane import GraphPane


class GraphMoves:
    """The part of a `GraphPane` that moves and opens groups; it remembers where each was scrolled to when opened."""

    _columns: dict[str, int]
    _column_wanted: int | None

    @property
    def _walked(self) -> GraphPane:
        return cast("GraphPane", self)

    def forget_columns(self) -> None:
        """To be called when the graph is another one."""
        self._columns, self._column_wanted = {}, None

    def back_to_column(self) -> None:
        """Scrolls sideways to where a group that was closed had been opened."""
        if self._column_wanted is not None:
            self._walked.column, self._column_wanted = self._column_wanted, None

    def action_edge(self, way: Direction) -> None:
        """To the next box along an edge, or beside this one."""
        pane = self._walked
        if pane.placed is None:
            return
        from xlascope.graphs.navigate import move

        target = move(pane.placed, pane.box, way)
        if target is not None:
            pane._move(target)

    def neighbours(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The boxes that feed the cursor's box, and those that it feeds."""
        pane = self._walked
        if pane.placed is None or pane.box is None:
            return (), ()
        from xlascope.graphs.navigate import neighbours

        return neighbours(pane.placed, pane.box)

    def hottest(self) -> str | None:
        """The box with the most self time; where nothing was measured, the root."""
        placed = self._walked.placed
        if placed is None or not placed.boxes:
            return None
        timed = [box for box in placed.boxes if placed.visible.boxes[box.id].self_ns is not None and not box.opened]
        if timed:
            return max(timed, key=lambda box: placed.visible.boxes[box.id].self_ns or 0).id
        roots = [box for box in placed.boxes if (node := placed.visible.boxes[box.id].node) and node.is_root]
        return (roots or list(placed.boxes))[0].id

    def action_hottest(self) -> None:
        """To the box with the most self time."""
        box = self.hottest()
        if box is not None:
            self._walked._move(box)

    def action_activate(self) -> None:
        """Enter opens a group."""
        self.action_open_group()

    def action_open_group(self) -> None:
        """Opens the cursor's group, or closes it; at a name that leads elsewhere, goes there."""
        pane = self._walked
        if pane.placed is None or pane.box is None:
            return
        place, box = pane.placed.by_id[pane.box], pane.placed.visible.boxes[pane.box]
        if box.inlet and box.node is not None:
            pane.go_to_node(box.node.id)
        elif (box.outside or pane.hops is not None) and not place.openable:
            pane.lay_out()
        elif place.openable and pane.box not in pane.opened:
            pane.opened |= {pane.box}
            self._columns[pane.box] = pane.column
            pane.lay_out()
        elif pane.box in pane.opened:
            self.action_close_group()
        else:
            pane.post_message(pane.NothingInside(pane))

    def action_close_group(self) -> None:
        """Closes the innermost open group around the cursor, with all that is open in it."""
        pane = self._walked
        if pane.placed is None or pane.box is None or pane.graph is None:
            return
        folds = pane.placed.visible.folds
        around = [pane.box, *self._around(pane.box)]
        group = next((each for each in around if each in pane.opened), None)
        if group is not None:
            inside = {each for each in pane.opened if group in folds.ancestors(each)}
            pane.opened -= {group, *inside}
            pane.box, pane.tell_when_laid = group, True
            self._column_wanted = self._columns.pop(group, None)
            pane.lay_out()

    def _around(self, box_id: str) -> tuple[str, ...]:
        """The boxes around one, nearest first; an inlet lies in the level it leads into."""
        placed = self._walked.placed
        assert placed is not None
        level = placed.by_id[box_id].level
        return (level, *placed.visible.folds.ancestors(level)) if level is not None else ()
