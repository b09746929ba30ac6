"""Backing out, interrupting the script and leaving."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from xlascope.tui.forms.switches import Switches
from xlascope.tui.widgets.dialogs import ConfirmInterrupt, ConfirmQuit, PromptLine
from xlascope.tui.widgets.graph_pane import GraphPane
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from xlascope.tui.screens.main import MainScreen

_TWICE_S = 3.0
"""Seconds in which a second Ctrl-C leaves once the script has ended."""


class Leaving:
    """The part of the main screen that ends things."""

    _leaving_until = 0.0
    """Until when Ctrl-C leaves at once (`time.monotonic`)."""

    @property
    def _me(self) -> MainScreen:
        return cast("MainScreen", self)

    def action_back(self) -> None:
        """Backs out one layer: a prompt, a search, a filter, a measurement, the maximized pane."""
        screen, view = self._me, self._me.focused
        prompt = screen.query_one(PromptLine)
        cancelled = screen.desk.cancelled_by_back(screen.live.now.measuring)
        if prompt.is_open:
            prompt.action_give_up()
        elif isinstance(view, LineView) and view.needle:
            view.clear_search()
        elif (isinstance(view, RowTable) and view.end_filter()) or (isinstance(view, GraphPane) and view.clear_ways()):
            pass
        elif cancelled is not None and screen.run_at_hand.keeper is not None:
            screen.run_at_hand.keeper.cancel(cancelled.ticket)
            screen.notify(f"cancelling {cancelled.name}", timeout=2)
        elif screen.desk.coming is not None:
            screen.desk.switches = screen.desk.shown_switches
            screen.draw_status()
        elif screen.live.now.failures:
            screen.live.forget_failures()
            screen.draw_status()
        elif screen.desk.zoomed:
            screen.action_zoom()
        elif screen.desk.variant is not None:
            screen.desk.switches = Switches()
            screen.show_variant(None)

    def script_runs(self) -> bool:
        """Whether there is a script that could still be stopped."""
        screen = self._me
        running = screen.desk.overview.state in ("starting", "running")
        return screen.run_at_hand.live and not screen.live.now.ended and running

    def action_interrupt(self) -> None:
        """Asks whether the script is to be interrupted; a second time, whatever was asked, leaves."""
        screen, now = self._me, time.monotonic()
        again, self._leaving_until = now < self._leaving_until, 0.0
        if isinstance(screen.app.screen, ConfirmQuit) or (again and not self.script_runs()):
            screen.app.exit()
        elif self.script_runs():
            screen.app.push_screen(ConfirmInterrupt(screen.run_at_hand.script), self._interrupt)
        else:
            self._leaving_until = now + _TWICE_S
            screen.notify("the script does not run any more; q leaves, and so does Ctrl-C once more", timeout=_TWICE_S)

    def _interrupt(self, answer: str | None) -> None:
        keeper = self._me.run_at_hand.keeper
        if answer == "stop" and keeper is not None:
            keeper.interrupt()
            self._me.notify("the script was interrupted", timeout=3)
        elif answer == "quit":
            self._me.app.exit()

    def action_quit(self) -> None:
        """Leaves; asks first while the script runs."""
        screen = self._me
        run = screen.run_at_hand
        if isinstance(screen.app.screen, ConfirmQuit):
            return
        if self.script_runs():
            screen.app.push_screen(ConfirmQuit(run.script, str(run.path)), self._answered)
        else:
            screen.app.exit()

    def _answered(self, answer: str | None) -> None:
        if answer == "stop":
            self._me.app.exit()
