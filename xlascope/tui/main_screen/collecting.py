"""Stages that a run does not record while it runs are made in a lab when a pane asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from xlascope.tui.feeding.messages import StageLoaded, Uncollected
from xlascope.tui.model import MACHINE_STAGES, NOT_CAPTURED

if TYPE_CHECKING:
    from xlascope.tui.screens.main import MainScreen

_MADE_LATER = {
    "hlo": "HLO before optimization",
    "tagged": "links of equations",
    "located": "links before optimization",
    "machine": "machine code",
}


class Collecting:
    """The part of the main screen that asks the keeper for what the file lacks."""

    @property
    def _collector(self) -> MainScreen:
        return cast("MainScreen", self)

    def on_uncollected(self, message: Uncollected) -> None:
        """Links that tags would make exact: once the script was seen at work undisturbed, or after it."""
        screen = self._collector
        run = screen.run_at_hand
        seen = not run.live or screen.live.now.ended or bool(screen.desk.ops.rows)
        if screen.concerns(message) and message.program is not None and seen:
            for what in message.what:
                self.collect(message.program, what)

    def action_passes(self) -> None:
        """Opens the screen of passes, which has them collected where the file has none."""
        from xlascope.tui.screens.passes import PassesScreen, subject_of

        screen, desk = self._collector, self._collector.desk
        if desk.program is None or desk.overview.kind not in ("run", "dump"):
            screen.notify("no program was compiled yet: there are no passes" if desk.overview.kind == "run"
                          else "this file holds no passes: a run or an XLA dump folder does", timeout=3)  # fmt: skip
            return
        screen.app.push_screen(PassesScreen(screen, desk.program, desk.variant, subject_of(screen)))

    def action_compare(self) -> None:
        """Opens the screen of comparison: with the other run that was opened, else of the variant on the screen."""
        from xlascope.tui.screens.compare import CompareScreen
        from xlascope.tui.screens.compare_model import words_of

        screen, desk = self._collector, self._collector.desk
        words = words_of(screen.run_at_hand, desk.program, desk.variant, desk.variants)
        if words is None:
            screen.notify("nothing to compare: measure a variant (F, D, S), or open two runs", timeout=3)
        else:
            screen.app.push_screen(CompareScreen(screen, words, desk.program))

    def action_views(self) -> None:
        """Opens the screen of views, with its list."""
        self._open_views(None)

    def view_names(self) -> list[tuple[str, str]]:
        """The views that this file has, and what each tells."""
        from xlascope.views import ViewError

        try:
            return [(name, view.help) for name, view in self._collector.feed.views().items()]
        except (ViewError, OSError):
            return []  # nothing was written yet

    def action_view(self, name: str, variant: str | None = None, seek: str = "") -> None:
        """Opens the page of a view, or the place on this screen that the view has."""
        from xlascope.tui.screens.view_pages import ELSEWHERE

        if name in ELSEWHERE:
            self._go_elsewhere(ELSEWHERE[name])
        else:
            self._open_views(name, variant, seek)

    def _open_views(self, name: str | None, variant: str | None = None, seek: str = "") -> None:
        from xlascope.tui.screens.passes import subject_of
        from xlascope.tui.screens.views import ViewsScreen
        from xlascope.views import ViewError

        screen = self._collector
        try:
            known = screen.feed.views()
        except (ViewError, OSError) as error:
            screen.notify(f"nothing to read yet: {error}", timeout=3, markup=False)
            return
        if name is not None and name not in known:
            screen.notify(f"this file has no view {name}: it has {', '.join(known)}", timeout=4)
            return
        screen.app.push_screen(ViewsScreen(screen, subject_of(screen), name, variant, seek), self._go_elsewhere)

    def _go_elsewhere(self, action: str | None) -> None:
        if action is not None:
            screen = self._collector
            screen.call_after_refresh(screen.app.run_action, action, screen)

    def collect_for(self, message: StageLoaded) -> None:
        """A pane shows a stage that is not there: it is made at once."""
        content, program = message.content, message.program
        if content.missing is None or program is None:
            return
        if content.stage == "hlo":
            self.collect(program, "hlo")
        elif content.stage in MACHINE_STAGES and content.missing.endswith(NOT_CAPTURED):
            self.collect(program, "machine")

    def collect(self, program: str, what: str) -> None:
        """Asks for a stage once; the effect line shows how far it is."""
        screen = self._collector
        keeper = screen.run_at_hand.keeper
        if keeper is None or what not in _MADE_LATER or (program, what) in screen.desk.collected:
            return
        screen.desk.collected.add((program, what))
        name = f"{_MADE_LATER[what]} of {program}"
        try:
            ticket = keeper.collect(program, what)
        except (OSError, RuntimeError, ValueError) as error:
            screen.live.failed(name, str(error))
        else:
            screen.live.measuring(ticket, program, name)
        screen.draw_status()
