"""The terminal program: opens a run, live or from a file, on the main screen.

The first picture is a frame drawn by one widget, with nothing imported but Textual; the main screen is imported and
put in its place right after it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import SystemCommand
from textual.binding import Binding
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from xlascope.tui.own_errors import Failing, raised_by

if TYPE_CHECKING:
    from xlascope.tui.feeding.feed import Feed
    from xlascope.tui.feeding.live import RunAtHand
    from xlascope.tui.screens.main import MainScreen


class Frame(Widget):
    """Where the lines and panes of the main screen will be."""

    DEFAULT_CSS = "Frame { width: 1fr; height: 1fr; }"

    def __init__(self, script: str, live: bool):
        super().__init__()
        self._script, self._live = script, live

    def render_line(self, y: int) -> Strip:
        """A line of the frame, with what is known before anything is read."""
        width, height = self.size
        texts = {
            0: f" xlascope  {self._script}   {'STARTING' if self._live else 'opening'}",
            4: " FUNCTIONS  device time",
            5: f" {'starting python' if self._live else 'reading the file'}",
            height - 1: " ? help  tab pane  q quit",
        }
        text = texts.get(y, "")
        if not text.isprintable():
            text = "".join(each if each.isprintable() else "?" for each in text)
        strip = Strip([Segment(text, Style(bold=y in (0, 4)))]).adjust_cell_length(width)
        return strip.apply_style(self.rich_style)


class XlascopeApp(Failing[None]):
    """One run on the screen. Started with what is at hand of it: a path, and the keeper of a live one."""

    TITLE = "xlascope"
    ENABLE_COMMAND_PALETTE = True
    AUTO_FOCUS = None
    NOTIFICATION_TIMEOUT = 3
    CSS = """
    ToastRack { dock: top; align: right top; margin: 4 0 0 0; }
    Toast { margin: 0; padding: 0 1; width: auto; max-width: 60vw; }
    """
    BINDINGS: ClassVar = [Binding("ctrl+c", "interrupt", "Interrupt the script", show=False, priority=True)]

    def __init__(self, run: RunAtHand, feed: Feed | None = None):
        no_color = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if no_color else None)
        self.run_at_hand = run
        self._feed = feed
        if no_color:
            self.theme = "ansi-dark"

    def compose(self) -> Iterable[Widget]:
        """Only a frame: it is painted before anything else is imported."""
        yield Frame(self.run_at_hand.script or self.run_at_hand.path.name, self.run_at_hand.live)

    def on_mount(self) -> None:
        """The main screen comes as soon as the frame has been painted."""
        self.call_after_refresh(self._open_main)

    def _open_main(self) -> None:
        from textual.scrollbar import ScrollBar, ScrollBarRender

        from xlascope.tui.feeding.feed import Feed
        from xlascope.tui.glyphs import ASCII, choose_glyphs
        from xlascope.tui.screens.main import MainScreen
        from xlascope.tui.widgets.plain_bars import AsciiScrollBar

        glyphs = choose_glyphs()
        self.set_class(glyphs is ASCII, "-ascii")
        ScrollBar.renderer = AsciiScrollBar if glyphs is ASCII else ScrollBarRender
        self.push_screen(MainScreen(self.run_at_hand, glyphs, self._feed or Feed(self.run_at_hand.path)))

    async def _on_key(self, event: events.Key) -> None:
        """A key that was on its way to a pane when a line for typing opened belongs to that line."""
        from xlascope.tui.widgets.dialogs import PromptLine

        # The line stops these keys: none comes here that it has seen.
        if isinstance(self.focused, PromptLine) and (event.is_printable or event.key == "enter"):
            event.prevent_default()
            self.focused._forward_event(events.Key(event.key, event.character))

    async def action_quit(self) -> None:
        """Textual's own quit key asks too while the script runs."""
        screen = self._main_screen()
        if screen is not None:
            screen.action_quit()
        else:
            self.exit()

    def action_command_palette(self) -> None:
        """The palette, one at a time; Textual's own has an id that the one before it may still hold while it closes."""
        from xlascope.tui.closing import Palette

        if not any(isinstance(each, Palette) for each in self.screen_stack):
            self.push_screen(Palette())

    def _handle_exception(self, error: Exception) -> None:
        """An error of Textual's palette (a click on an entry that typing just took away) ends the palette alone."""
        from xlascope.tui.closing import Palette

        if isinstance(self.screen, Palette) and raised_by(error).startswith("textual."):
            self.call_later(self.screen.dismiss)
        else:
            super()._handle_exception(error)

    def action_interrupt(self) -> None:
        """Ctrl-C is the script's: it asks first."""
        screen = self._main_screen()
        if screen is not None:
            screen.action_interrupt()
        else:
            self.exit()

    def _main_screen(self) -> MainScreen | None:
        from xlascope.tui.screens.main import MainScreen

        return next((screen for screen in self.screen_stack if isinstance(screen, MainScreen)), None)

    def get_system_commands(self, screen: Screen) -> Iterable[SystemCommand]:
        """The palette's entries: the registry's, the views, then Textual's own for themes and screenshots."""
        from xlascope.tui.widgets.dialogs import ConfirmQuit

        main = self._main_screen()
        if main is not None and not any(isinstance(each, ConfirmQuit) for each in self.screen_stack):
            yield from self._own_commands(main)
        for command in super().get_system_commands(screen):
            if command.title not in ("Quit", "Keys", "Maximize", "Minimize"):
                yield command

    def _own_commands(self, main: MainScreen) -> Iterable[SystemCommand]:
        from xlascope.tui.actions import ACTIONS

        for action in ACTIONS:
            if action.palette and action.scope == "main":
                yield SystemCommand(action.description, action.tooltip, self._runner(main, action.method))
            elif action.palette and action.scope == "graph":
                shown = [pane for pane in main.stage_panes() if pane.showing == "graph"]
                if shown and shown[0].graph_pane is not None:
                    title = f"Graph: {action.description[:1].lower()}{action.description[1:]}"
                    yield SystemCommand(title, action.tooltip, self._runner(shown[0].graph_pane, action.method))
        for name, about in main.view_names():
            yield SystemCommand(f"View: {name}", about, self._runner(main, f"view('{name}')"))

    def _runner(self, widget: Widget, method: str) -> Callable[[], Awaitable[None]]:
        """Runs an action of the main screen, from whatever lies over it."""

        async def run() -> None:
            main = self._main_screen()
            while main is not None and self.screen is not main:
                self.pop_screen()
            await self.run_action(method, widget)

        return run


def run_app(run: RunAtHand) -> None:
    """Runs the terminal program until the user leaves."""
    XlascopeApp(run).run()
