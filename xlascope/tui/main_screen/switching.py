"""Switches and their measurements: what a key turns is measured, and what was measured is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from xlascope.tui.effects import Turned
from xlascope.tui.forms.switches import NO_PYTHON, Switches, variant_name
from xlascope.tui.model import BASELINE

if TYPE_CHECKING:
    from xlascope.tui.forms.more_checks import Checked
    from xlascope.tui.screens.main import MainScreen

_SETTLE = 0.8
"""Seconds after the last turn of a switch with several values before it is measured."""


_BUDGET_S, _LONGER_S = 3.0, 10.0
"""Seconds that the samples of a switch may take, and those of a measurement that is asked for again."""


class Switching:
    """The part of the main screen that turns switches."""

    @property
    def _me(self) -> MainScreen:
        return cast("MainScreen", self)

    def action_switch(self, name: str) -> None:
        """Turns a switch and measures what it names."""
        screen, desk = self._me, self._me.desk
        if desk.program is None:
            screen.notify("no program was compiled: there is nothing to switch")
            return
        if self._on_eager():
            return
        wanted = desk.switches.turned(name)
        while name == "jit" and not screen.run_at_hand.live and wanted.touched and not self._known(wanted):
            wanted = wanted.turned(name)
        if name == "jit" and desk.switches.jit == wanted.jit:
            screen.notify(NO_PYTHON, timeout=6, markup=False)
            return
        screen.functions().hold()
        screen.live.forget_failures()
        before, desk.switches = desk.switches, wanted
        screen.draw_status()
        others = [each for each in wanted.put_back(before) if each == "jit"]
        if name == "jit":
            others = [each for each in wanted.put_back(before) if each != "jit"]
        if others:
            why = "without jit nothing is fused or split" if name == "jit" else f"{name} needs jit"
            screen.notify(f"{' and '.join(others)} put back: {why}", timeout=3)
        if not wanted.touched:
            self.show_variant(None)
            return
        known = self._known(wanted)
        if known is not None:
            self.show_variant(known)
            return
        delay = _SETTLE if name in ("devices", "jit") else 0.0
        screen.set_timer(delay, lambda: self._measure_if(wanted)) if delay else self._measure_if(wanted)

    def _known(self, wanted: Switches) -> str | None:
        """The newest variant that was measured with these switches."""
        known = [row.name for row in self._me.desk.variants if dict(row.switches) == wanted.command()]
        return known[-1] if known else None

    def can_turn_jit(self) -> bool:
        """Whether jit can be turned off: in a live run, or where that was measured while it was one."""
        return self._me.run_at_hand.live or any(dict(row.switches).get("jit") for row in self._me.desk.variants)

    def _on_eager(self) -> bool:
        """Whether the cursor is on what has no program of its own, so that nothing is to be switched; it is told."""
        functions = self._me.functions()
        function, program = functions.chosen
        if function is None or program is not None or not functions.has_focus:
            return False
        self._me.notify(f"{function.name}: JAX dispatches them one by one, there is no program to switch; choose one")
        return True

    def action_sharding(self) -> None:
        """Opens the form; what it hands over is measured."""
        if self._on_eager():
            return
        from xlascope.tui.forms.sharding_checks import Draft
        from xlascope.tui.forms.sharding_form import ShardingForm

        screen, desk = self._me, self._me.desk
        subject = screen.feed.sharding_subject(desk.program) if desk.program is not None else None
        if subject is None:
            screen.notify("no program was compiled: there is nothing to lay over devices")
            return
        own = desk.switches
        mesh = ",".join(f"{axis}={size}" for axis, size in own.mesh) or str(own.devices or subject.first_mesh)
        typed = {int(name): spec for name, spec in own.shard if name.isdecimal()}
        draft = Draft(mesh, own.plan or ("as-script" if subject.devices > 1 else "batch"), typed)
        screen.app.push_screen(ShardingForm(subject, draft, screen.glyphs), self._lay)

    def _lay(self, commands: tuple[dict[str, Any], ...] | None) -> None:
        """Measures what the form handed over; of several plans all, and the view `sharding` ranks them."""
        screen, desk = self._me, self._me.desk
        if not commands:
            return
        screen.functions().hold()
        screen.live.forget_failures()
        for command in commands:
            desk.switches = desk.switches.laid(command)
            self._measure(_BUDGET_S)
        if len(commands) > 1:
            screen.notify("each plan is measured in turn; the view sharding (key V) ranks them", timeout=6)

    def action_more(self, first: str) -> None:
        """Opens the form of the switches without a key, at one of its fields; what it hands over is measured."""
        if self._on_eager():
            return
        from xlascope.session.targets import TargetError
        from xlascope.tui.forms.more_checks import rejected_at, typed
        from xlascope.tui.forms.more_form import MoreForm

        screen, desk = self._me, self._me.desk
        try:
            subject = screen.feed.more_subject(desk.program) if desk.program is not None else None
        except TargetError as error:
            screen.notify(f"{error}; {error.advice}", severity="error")
            return
        if subject is None:
            screen.notify("no program was compiled: there is nothing to switch")
            return
        more, rejected = dict(desk.switches.more), {}
        if desk.rejected is not None and not more and screen.live.now.failures:
            # What was refused stands there again, with why.
            more, why = desk.rejected
            first = rejected_at(more) or first
            rejected = {first: why}
        screen.app.push_screen(MoreForm(subject, typed(more), first, rejected, screen.glyphs), self._more)

    def _more(self, checked: Checked | None) -> None:
        screen, desk = self._me, self._me.desk
        if checked is None or checked.command is None:
            return
        screen.functions().hold()
        screen.live.forget_failures()
        desk.switches = desk.switches.with_more(checked.command)
        if desk.switches.touched:
            self._measure(_BUDGET_S, checked.name)
        else:
            self.show_variant(None)

    def _measure_if(self, wanted: Switches) -> None:
        if self._me.desk.switches == wanted:
            self._measure(_BUDGET_S)

    def action_measure(self) -> None:
        """Once more, for longer: what a busy machine left unclear."""
        self._measure(_LONGER_S)

    def _measure(self, budget_s: float, keep_as: str | None = None) -> None:
        """Measures the switches as they stand; `keep_as`: and keeps them in the run file under that name."""
        screen, desk = self._me, self._me.desk
        keeper = screen.run_at_hand.keeper
        switches = desk.switches.command()
        name = variant_name(switches) or "baseline"
        if desk.program is None or not switches:
            screen.notify("no switch is touched: J, F, D, S, T or + first")
        elif keeper is None:
            screen.notify("this file is open for reading only: measure on a copy of it that you may write, or once its "
                          "run has ended", severity="warning")
            self._switches_back()
        else:
            try:
                ticket = keeper.measure(desk.program, switches, budget_s, **({"name": keep_as} if keep_as else {}))
            except (OSError, RuntimeError, ValueError) as error:
                screen.live.failed(name, str(error))
                self._switches_back()
            else:
                screen.live.measuring(ticket, desk.program, name)
                desk.awaited, desk.awaited_ticket = name, ticket
            screen.draw_status()

    def follow_measurement(self) -> None:
        """Shows the stages of a variant once its result is in the file."""
        desk = self._me.desk
        if desk.awaited is None:
            return
        command = desk.switches.command()
        found = [row for row in desk.variants if dict(row.switches) == command]
        if found and not any(entry.name == desk.awaited for entry in self._me.live.now.measuring):
            desk.awaited = None
            self.show_variant(found[-1].name)

    def hasten_measurement(self) -> None:
        """Once a measurement has ended its row is asked for at once: the next look at everything may be seconds off."""
        screen, desk = self._me, self._me.desk
        under_way = {entry.ticket for entry in screen.live.now.measuring}
        if desk.awaited is not None and desk.program is not None and desk.awaited_ticket not in under_way:
            screen.loader.load_variants(desk.program, desk.variant)

    def give_up_measurement(self) -> None:
        """Puts the switches back when what they name was refused, cancelled or failed."""
        desk = self._me.desk
        if desk.awaited is not None and desk.awaited_ticket in self._me.live.now.undone:
            if variant_name(desk.switches.command()) == desk.awaited:
                told = dict(self._me.live.now.failures).get(desk.awaited)
                desk.rejected = (dict(desk.switches.more), told) if told and desk.switches.more else None
                self._switches_back()
            desk.awaited = None

    def turned(self) -> Turned:
        """What the switches name that the panes do not show yet, and what backing out cancels."""
        desk, measuring = self._me.desk, self._me.live.now.measuring
        cancelled = desk.cancelled_by_back(measuring)
        name = variant_name(desk.coming.command()) if desk.coming is not None else ""
        return Turned(
            name,
            desk.awaited_ticket if name and name == desk.awaited else None,
            cancelled.ticket if cancelled is not None else None,
        )

    def _switches_back(self) -> None:
        """To the switches of what is shown."""
        self._me.desk.switches = self._me.desk.shown_switches
        self._me.draw_status()

    def action_variant(self) -> None:
        """From a variant to the baseline, then to what the script did, then to the newest variant."""
        desk = self._me.desk
        if desk.variant not in (None, BASELINE):
            self.show_variant(BASELINE)
        elif desk.variant is not None:
            self.show_variant(None)
        elif desk.variants:
            self.show_variant(desk.variants[-1].name)
        elif any(entry.program == desk.program for entry in self._me.live.now.measuring):
            self._me.notify("the first variant is still being measured", timeout=4)
        elif desk.calls is None:
            self._me.notify("what was measured is still being read: again in a moment", timeout=4)
        else:
            self._me.notify("no variant was measured yet: turn a switch")

    def show_variant(self, name: str | None) -> None:
        """Shows a variant in all panes; None: what the script itself did."""
        if name != self._me.desk.variant:
            self._me.desk.variant = name
            self._me.reload()
            # Until theirs are read the table and the graph are of what was shown before, and say so.
            self._me.title_ops()
            self._me.show_graph()
        self._switches_back()
        self._me.draw_status()
        self._me.draw_charts()
