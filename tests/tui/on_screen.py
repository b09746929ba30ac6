"""The main screen over fixed data, for tests."""

from __future__ import annotations

from contextlib import asynccontextmanager

from fixed import FixedFeed, at_hand
from hosting import screen_text, settle

from xlascope.tui.app import XlascopeApp
from xlascope.tui.feeding.live import RunAtHand
from xlascope.tui.screens.main import MainScreen
from xlascope.tui.widgets.dialogs import TextOverlay

SIZES = [(80, 24), (120, 36), (200, 60)]


@asynccontextmanager
async def shown(size=(120, 36), keeper=None, feed=None):
    app = XlascopeApp(at_hand(keeper), feed or FixedFeed("running" if keeper else "ended"))
    async with app.run_test(size=size) as pilot:
        main = await main_of(app, pilot)
        await until(pilot, lambda: main.desk.program is not None or not main.feed.programs_known)
        await settle(pilot)
        yield app, pilot, main


@asynccontextmanager
async def opened(path, size=(120, 36), **at_hand):
    """The main screen over a run file; what told of the run at once, as its exception, is closed."""
    app = XlascopeApp(RunAtHand(path, script="softmax.py", **at_hand))
    async with app.run_test(size=size) as pilot:
        main = await main_of(app, pilot)
        await until(pilot, lambda: main.desk.program is not None)
        await settle(pilot)
        while isinstance(app.screen, TextOverlay):
            app.pop_screen()
        await settle(pilot)
        yield app, pilot, main


async def main_of(app, pilot):
    """The main screen, once it is there."""
    await until(pilot, lambda: any(isinstance(screen, MainScreen) for screen in app.screen_stack))
    return next(screen for screen in app.screen_stack if isinstance(screen, MainScreen))


async def until(pilot, condition, rounds=400):
    for _ in range(rounds):
        if condition():
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not come to be")


def text_of(app) -> str:
    return "\n".join(screen_text(app))
