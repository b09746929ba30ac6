"""The terminal program: opens a run, live or from a file, on the main screen."""

from __future__ import annotations

import os
from collections.abc import Iterable

from textual.app import App, SystemCommand
from textual.screen import Screen

from xlascope.tui.actions import ACTIONS
from xlascope.tui.feed import Feed
from xlascope.tui.glyphs import choose_glyphs
from xlascope.tui.live import RunAtHand
from xlascope.tui.screens.main import MainScreen


class XlascopeApp(App[None]):
    """One run on the screen. Started with what is at hand of it: a path, and the keeper of a live one."""

    TITLE = "xlascope"
    CSS_PATH = "screens/main.tcss"
    ENABLE_COMMAND_PALETTE = True
    AUTO_FOCUS = None

    def __init__(self, run: RunAtHand, feed: Feed | None = None):
        no_color = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if no_color else None)
        self.run_at_hand = run
        self._feed = feed
        if no_color:
            self.theme = "ansi-dark"

    def get_default_screen(self) -> Screen:
        return MainScreen(self.run_at_hand, choose_glyphs(), self._feed or Feed(self.run_at_hand.path))

    def get_system_commands(self, screen: Screen) -> Iterable[SystemCommand]:
        """The palette's entries: the registry's, then Textual's own for themes and screenshots."""
        for action in ACTIONS:
            if action.palette and action.scope == "main" and isinstance(screen, MainScreen):
                yield SystemCommand(action.description, action.tooltip, _runner(screen, action.method))
        for command in super().get_system_commands(screen):
            if command.title not in ("Quit", "Keys", "Maximize", "Minimize"):
                yield command


def _runner(screen: Screen, method: str):  # type: ignore[no-untyped-def]
    async def run() -> None:
        await screen.app.run_action(method, screen)

    return run


def run_app(run: RunAtHand) -> None:
    """Runs the terminal program until the user leaves."""
    XlascopeApp(run).run()
