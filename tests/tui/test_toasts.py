"""What the program says in passing is read whole."""

from __future__ import annotations

import pytest
from fixed import FixedFeed, at_hand
from hosting import settle
from on_screen import text_of, until

from xlascope.tui.app import XlascopeApp

SAID = "this file is open for reading only; `xlascope measure` adds variants"


@pytest.mark.parametrize("width", [118, 120, 122])
async def test_a_message_that_just_fills_a_line_is_not_cut(width):
    app = XlascopeApp(at_hand(None), FixedFeed("ended"))
    async with app.run_test(size=(width, 36), notifications=True) as pilot:
        await until(pilot, lambda: "FUNCTIONS" in text_of(app))
        await settle(pilot)
        app.notify(SAID)
        await until(pilot, lambda: "reading only" in text_of(app))
        assert "adds" in text_of(app) and "variants" in text_of(app)
