"""What the screens that lie over the main one have in common: their keys at the foot, searching, copying, help."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeVar

from textual.message import Message
from textual.worker import get_current_worker

from xlascope.tui.actions import actions_for, key_label
from xlascope.tui.closing import ClosesOnce
from xlascope.tui.copying import copy_out
from xlascope.tui.glyphs import UNICODE, Glyphs
from xlascope.tui.widgets.chart import Chart
from xlascope.tui.widgets.dialogs import HelpOverlay, PromptLine
from xlascope.tui.widgets.line_view import LineView
from xlascope.tui.widgets.part_line import Part
from xlascope.tui.widgets.passes_list import PassesList
from xlascope.tui.widgets.row_table import RowTable

Result = TypeVar("Result")
_SEARCH_HINT = "search: lower case ignores case"


class Failed(Message):
    """What a worker was to read cannot be read: why."""

    def __init__(self, text: str):
        super().__init__()
        self.text = text


class OverScreen(ClosesOnce[Result]):
    """A screen with a `PromptLine`; a subclass says what it is called and which scopes of keys it has."""

    SUBJECT: ClassVar[str] = ""
    """What its help is of."""
    KEYS_OF: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Groups of its help: a title and a scope of the registry of actions."""
    FILTER_HINT: ClassVar[str] = ""

    def __init__(self, glyphs: Glyphs):
        super().__init__()
        self.glyphs = glyphs
        self._asking: LineView | None = None

    def post_from_worker(self, message: Message) -> None:
        """Tells this screen what a worker found, unless the worker is not wanted any more; called in its thread."""
        if not get_current_worker().is_cancelled:
            self.post_message(message)

    def key_parts(self, scope: str) -> Iterator[Part]:
        """The keys of a scope for the line at the foot, each with its word; a click does the same."""
        for action in actions_for(scope):
            if action.shown:
                label = key_label(action.keys.split(",")[0], self.glyphs is not UNICODE)
                yield Part(f" {label}", "key", action.method, action.tooltip)
                yield Part(f" {action.description} ", "dim", action.method, action.tooltip)

    def back_in_view(self) -> bool:
        """Backs out of the prompt, or of the search of the view with the keys; False when neither is open."""
        prompt, view = self.query_one(PromptLine), self.focused
        if prompt.is_open:
            prompt.action_give_up()
        elif isinstance(view, LineView) and view.needle:
            view.clear_search()
        else:
            return False
        return True

    def copy_view(self, view: LineView, name: str) -> None:
        """The cursor's line to the clipboard, and all lines to a file whose name has `name` in it."""
        if view.cursor >= 0:
            path = copy_out(view, name)
            self.app.copy_to_clipboard(view.row_text(view.cursor))
            self.notify(f"line copied; all of it is in {path}", markup=False)

    def action_leave(self) -> None:
        """Back to the main screen; what is being collected goes on."""
        self.dismiss()

    def action_help(self) -> None:
        """What the view with the keys shows, and the keys of this screen."""
        view = self.focused
        about = view.HELP if isinstance(view, LineView | Chart) else ""
        groups = [(title, actions_for(scope)) for title, scope in self.KEYS_OF]
        self.app.push_screen(HelpOverlay(f"Help: {self.SUBJECT}", about, groups, self.glyphs is not UNICODE))

    # searching and filtering

    def on_line_view_search_requested(self, message: LineView.SearchRequested) -> None:
        """Opens the prompt for a search or a filter of a view."""
        self._asking = view = message.view
        filtering = message.purpose == "filter"
        value = view.filter_text if filtering and isinstance(view, RowTable | PassesList) else ""
        self.query_one(PromptLine).ask(message.purpose, self.FILTER_HINT if filtering else _SEARCH_HINT, value)

    def on_prompt_line_typed(self, message: PromptLine.Typed) -> None:
        """Searches and filters as one types."""
        if not self.query_one(PromptLine).passed(message):
            self._look_for(message.purpose, message.text)

    def on_prompt_line_ended(self, message: PromptLine.Ended) -> None:
        """Gives the keys back to the view, with what was typed; given up, it is neither searched nor filtered."""
        self.query_one(PromptLine).close()
        view = self._asking
        if view is not None:
            self.set_focus(view)
            if message.purpose == "filter" or view.needle != message.text:
                self._look_for(message.purpose, message.text or "")

    def _look_for(self, purpose: str, text: str) -> None:
        view = self._asking
        if purpose == "filter":
            if isinstance(view, RowTable | PassesList):
                view.set_filter(text)
        elif view is not None and text:
            view.start_search(text)
        elif view is not None:
            view.clear_search()

    def on_line_view_search_done(self, message: LineView.SearchDone) -> None:
        """Says that nothing was found."""
        if message.row is None and message.needle:
            self.notify(f"not found: {message.needle}", timeout=2, markup=False)
