"""Keys and clicks that come faster than a screen opens or goes away."""

from __future__ import annotations

import asyncio

import pytest
from fixed import FixedKeeper
from hosting import settle
from on_screen import shown
from rich.style import Style
from textual.command import CommandList
from textual.events import Click

from xlascope.tui.closing import Palette
from xlascope.tui.widgets.dialogs import HelpOverlay


async def test_the_palette_opens_again_while_the_one_before_it_still_goes_away():
    async with shown() as (app, pilot, screen):
        app.action_command_palette()
        app.action_command_palette()
        await pilot.pause()
        (palette,) = (each for each in app.screen_stack if isinstance(each, Palette))
        palette.dismiss()
        app.action_command_palette()
        await settle(pilot)
        assert isinstance(app.screen, Palette) and app.screen is not palette
        app.screen.dismiss()
        await settle(pilot)
        assert app.screen is screen


async def test_a_click_on_an_entry_that_is_gone_closes_the_palette_alone():
    async with shown() as (app, pilot, screen):
        await pilot.press("ctrl+p")
        await settle(pilot)
        entries = app.screen.query_one(CommandList)
        style = Style(meta={"option": entries.option_count + 5})
        entries.post_message(Click(entries, 0, 0, 0, 0, 1, False, False, False, style=style))
        while app.screen is not screen:  # the list handles nothing any more, which Pilot would wait for
            await asyncio.sleep(0)
        assert app.screen is screen
        await pilot.press("ctrl+p")
        await settle(pilot)
        assert isinstance(app.screen, Palette) and app.screen.query_one(CommandList).option_count


@pytest.mark.parametrize("key", ["question_mark", "ctrl+p", "S", "plus", "V", "p", "q"])
async def test_what_is_closed_twice_takes_nothing_else_with_it(key):
    async with shown(keeper=FixedKeeper()) as (app, pilot, screen):
        await pilot.press(key)
        await settle(pilot)
        over = app.screen
        assert over is not screen
        over.dismiss()
        over.dismiss()
        await settle(pilot)
        assert app.screen is screen and screen.query_one("#functions")
        await pilot.press("question_mark")
        await settle(pilot)
        assert isinstance(app.screen, HelpOverlay)
