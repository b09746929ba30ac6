"""Where the cursors are put that nobody has moved: on the hottest, as soon as it is known."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, cast

from xlascope.tui.model import MACHINE_STAGES, OpRow, is_op_by_op
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.ops_table import key_of
from xlascope.tui.widgets.source_pane import SourcePane
from xlascope.tui.widgets.text_pane import TextPane

if TYPE_CHECKING:
    from xlascope.tui.screens.main import MainScreen

_CLEARLY = 1.2
"""Two ops of almost the same time must not take turns under the cursor while the script runs."""


class Landing:
    """The part of the main screen that puts cursors on the hottest."""

    @property
    def _lander(self) -> MainScreen:
        return cast("MainScreen", self)

    def follow_times(self) -> None:
        """Ops have other times: cursors that nobody moved go to what is clearly the hottest by now."""
        desk = self._lander.desk
        shares = {row.op: row.share or 0.0 for row in desk.ops.rows}
        held = max((shares.get(node, 0.0) for node in desk.focus.nodes), default=0.0)
        # Links of what was shown before would put the cursors where they do not belong.
        if not desk.moved and desk.landed is not None and desk.linked == desk.landed == (desk.program, desk.variant):
            if max(shares.values(), default=0.0) > _CLEARLY * held:
                desk.landed = None
                self.land()
            else:
                self._land_on_op(self._lander.best_node(desk.focus))
        self._lander.draw_strip()

    def land(self) -> None:
        """Puts all cursors on the hottest op, once it is known, unless the user has moved one."""
        desk = self._lander.desk
        shown = (desk.program, desk.variant)
        if is_op_by_op(desk.variant):
            self._land_on_equation(shown)
            return
        known = [row for row in desk.ops.rows if row.share is not None and row.op in desk.links.node_row]
        if desk.moved or desk.landed == shown or not known:
            return
        desk.landed = shown
        hottest = max(known, key=lambda row: row.share or 0.0)
        self._lander.take_focus(desk.links.of_nodes([hottest.op]), None, hottest.op)
        self._land_in_panes(hottest.op)
        self._land_on_op(hottest.op)

    def _land_on_equation(self, shown: tuple[str | None, str | None]) -> None:
        """The same where each equation was dispatched and timed by itself."""
        desk = self._lander.desk
        timed = [row for row in desk.equations.rows if row.share is not None and row.path in desk.links.equation_row]
        if desk.moved or desk.landed == shown or not timed:
            return
        desk.landed = shown
        hottest = max(timed, key=lambda row: row.share or 0.0)
        self._lander.take_focus(desk.links.of_equations([hottest.path]), None)
        self._land_in_panes(None)
        ran = [row for row in desk.ops.rows if hottest.path in row.equations]
        if ran:
            self._land_on_row(max(ran, key=lambda row: row.share or 0.0))

    def _land_in_panes(self, op: str | None) -> None:
        """Puts the cursors of texts and graphs on what all panes show."""
        screen = self._lander
        for pane in screen.stage_panes():
            if pane.showing not in ("graph", "chart"):
                self.land_on_line(pane.text_pane, pane.showing, pane.content.file if pane.content else None)
            elif pane.graph_pane is not None and pane.graph_pane.stage == "optimized" and op is not None:
                pane.graph_pane.begin_at(op)
        source = screen.query_one(SourcePane)
        self.land_on_line(source, "source", source.shown_file)

    def _land_on_op(self, op: str | None) -> None:
        """Puts the cursor of the table on an op."""
        row = max((row for row in self._lander.desk.ops.rows if row.op == op), key=lambda row: row.share or 0.0,
                  default=None)  # fmt: skip
        if row is not None:
            self._land_on_row(row)

    def _land_on_row(self, row: OpRow) -> None:
        table = self._lander.ops_table()
        with table.prevent(LineView.CursorMoved):
            table.move_to_key(key_of(row))

    def land_on_line(self, view: TextPane, stage: str, file: str | None) -> None:
        """Puts a pane's cursor on the hottest of the lines that belong to what all panes show, without telling."""
        rows = [row for row in self._lander.rows_in(stage, file) if row < view.row_count()]
        if rows:
            view.landed = self.best_row(rows, stage, view)
            with view.prevent(LineView.CursorMoved):
                view.go_to(view.landed, centre=True)

    def best_row(self, rows: list[int], stage: str, view: TextPane) -> int:
        """Of linked rows the one to be seen: the hottest."""
        if stage in MACHINE_STAGES:
            return rows[0]
        best = self._lander.desk.links.node_row.get(self._lander.best_node(self._lander.desk.focus) or "")
        return best if stage == "optimized" and best in rows else max(rows, key=view.share_of)

    def land_on_new(self, stages: Collection[str]) -> None:
        """Puts the cursor of panes whose stage has got its links just now on what belongs to the others."""
        for pane in self._lander.stage_panes():
            view = pane.text_pane
            if pane.showing in stages and pane.content is not None and view.cursor in (0, pane.content.start):
                self.land_on_line(view, pane.showing, None)
