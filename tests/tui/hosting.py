"""A bare app around one widget, for tests of widgets alone."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.message import Message
from textual.widget import Widget
from textual.worker import WorkerCancelled


class Host(App[None]):
    """Shows one widget and keeps the messages that reach it."""

    AUTO_FOCUS = None

    def __init__(self, widget: Widget):
        super().__init__()
        self.widget = widget
        self.heard: list[Message] = []

    def compose(self) -> Any:
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()

    def _hear(self, message: Message) -> None:
        self.heard.append(message)

    on_line_view_cursor_moved = on_line_view_activated = on_line_view_search_requested = _hear
    on_line_view_search_done = on_functions_list_chosen = on_graph_pane_node_chosen = _hear
    on_row_table_sorted = on_prompt_line_ended = on_prompt_line_typed = _hear

    def last(self, kind: type[Message]) -> Any:
        """The newest message of a kind."""
        return next(message for message in reversed(self.heard) if type(message) is kind)


def screen_text(app: App[Any]) -> list[str]:
    """What the screen shows, line by line, without trailing blanks."""
    return ["".join(segment.text for segment in line).rstrip() for line in app.screen._compositor.render_strips()]


async def settle(pilot: Any) -> None:
    """Waits until no worker runs and every message was handled."""
    for _ in range(3):
        try:
            await pilot.app.workers.wait_for_complete()
        except WorkerCancelled:
            pass  # a newer question took the worker's place
        await pilot.pause()
