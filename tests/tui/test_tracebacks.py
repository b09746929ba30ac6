"""What matters most of a traceback, told first."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fixed import FixedFeed, FixedKeeper
from hosting import screen_text, settle
from on_screen import shown, until

from xlascope.tui.text.tracebacks import headline
from xlascope.tui.widgets.dialogs import TextOverlay

SCRIPTS = {
    "def f(x):\n    return [1][x]\nf(3)\n": ["IndexError: list index out of range", "s.py:2 in f"],
    "raise ValueError('two\\n  lines')\n": ["ValueError: two", "  lines", "s.py:1 in <module>"],
    "try:\n    1 / 0\nexcept Exception as e:\n    raise KeyError('k') from e\n": ["KeyError: 'k'", "s.py:4 in <module>"],
    "import json\njson.loads('{')\n": [
        "json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        "s.py:2 in <module>",
    ],
    "import jax, jax.numpy as jnp\n@jax.jit\ndef f(x):\n    return x @ x\nf(jnp.ones((2, 3)))\n": [
        "TypeError: dot_general requires contracting dimensions to have the same shape, got (3,) and (2,).",
        "s.py:4 in f",
    ],
    "f(\n": ["SyntaxError: '(' was never closed", "s.py:1"],
    "raise SystemError\n": ["SystemError", "s.py:1 in <module>"],
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_exception_comes_first_then_the_users_own_line(script, tmp_path):
    (tmp_path / "s.py").write_text(script)
    done = subprocess.run([sys.executable, tmp_path / "s.py"], capture_output=True, text=True)
    assert headline(done.stderr) == SCRIPTS[script]


def test_what_is_no_traceback_is_told_by_its_last_line():
    assert headline("  + Exception Group\n  | x\n") == ["  | x"]
    assert headline("") == [""]


async def test_the_exception_is_seen_on_a_small_screen_however_long_the_traceback_is():
    feed = FixedFeed("running")
    feed.exception = (
        "Traceback (most recent call last):\n"
        + "".join(f'  File "/x/train.py", line {n}, in f\n    f()\n' for n in range(1, 40))
        + '  File "/v/lib/python3.11/site-packages/jax/a.py", line 9, in dot\n    raise\nTypeError: shapes\n'
    )
    feed.state, feed.exit_code = "crashed", 1
    async with shown((80, 24), keeper=FixedKeeper(), feed=feed) as (app, pilot, _screen):
        await until(pilot, lambda: isinstance(app.screen, TextOverlay))
        rows = [row.strip("│ ") for row in screen_text(app)]
        at = rows.index("TypeError: shapes")
        assert rows[at - 2] == "The script ended with an exception" and rows[at + 1] == "train.py:39 in f"
        assert rows[at + 3] == "Traceback (most recent call last):"
        assert "esc closes, o: the script's output, j k scroll, q twice leaves" in screen_text(app)[-3]


async def test_the_output_is_one_key_away_from_the_traceback():
    feed = FixedFeed("crashed")
    feed.exception = "Traceback (most recent call last):\n  File \"/x/s.py\", line 1, in <module>\nTypeError: shapes\n"
    async with shown((80, 24), feed=feed) as (app, pilot, screen):
        await until(pilot, lambda: isinstance(app.screen, TextOverlay))
        await pilot.press("o")
        await settle(pilot)
        assert app.screen is screen and screen.output_pane().has_focus
        assert "▌OUTPUT" in "\n".join(screen_text(app))
