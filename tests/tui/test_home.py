"""Home: what it lists and what it starts."""

from __future__ import annotations

import os

import pytest
from hosting import screen_text

from xlascope.tui.screens import home
from xlascope.tui.screens.home import Entry, HomeApp, HomeList, entries

SHOWN = [Entry("RECENT RUNS"), Entry("train-1", "2 minutes ago", ("open", "/runs/train-1.xlascope")), Entry(""),
         Entry("DEMOS"), Entry("softmax", "a loop", ("demo", "softmax")), Entry("xlascope doctor", "what works")]  # fmt: skip


def test_it_lists_the_newest_runs_the_demos_and_the_commands(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    runs = tmp_path / "xlascope" / "runs"
    runs.mkdir(parents=True)
    for number in range(15):
        path = runs / f"train-{number}.xlascope"
        path.write_bytes(b"x" * 2048)
        os.utime(path, (1000 + number, 1000 + number))
    found = entries(now=1000 + 14 + 300)
    opened = [entry for entry in found if entry.words[:1] == ("open",)]
    assert [entry.text for entry in opened] == [f"train-{number}" for number in range(14, 2, -1)]
    assert opened[0].about == "5 minutes ago, 2.00 KiB"
    assert ("demo", "softmax") in [entry.words for entry in found]
    assert any(entry.text == "xlascope doctor" for entry in found)


def test_without_runs_it_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert any("xlascope SCRIPT makes one" in entry.text for entry in entries())


@pytest.mark.parametrize(("keys", "words"), [(["enter"], SHOWN[1].words), (["j", "enter"], SHOWN[4].words),
                                             (["j", "j", "k", "enter"], SHOWN[1].words), (["q"], None)])  # fmt: skip
async def test_keys_choose_what_is_started(keys, words):
    app = HomeApp(SHOWN)
    async with app.run_test(size=(80, 20)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
    assert app.return_value == words


async def test_a_click_chooses_too():
    app = HomeApp(SHOWN)
    async with app.run_test(size=(80, 20)) as pilot:
        assert "► train-1" in "\n".join(screen_text(app))
        await pilot.click(HomeList, offset=(6, 5))
        await pilot.click(HomeList, offset=(6, 5))
        await pilot.pause()
    assert app.return_value == ("demo", "softmax")


def test_what_is_chosen_takes_the_place_of_this_process(monkeypatch):
    started = []
    monkeypatch.setattr(home.HomeApp, "run", lambda self: ("demo", "softmax"))
    monkeypatch.setattr(os, "execv", lambda program, words: started.append(words))
    home.run_home()
    assert started[0][-2:] == ["demo", "softmax"]


def test_leaving_is_0(monkeypatch):
    monkeypatch.setattr(home.HomeApp, "run", lambda self: None)
    assert home.run_home() == 0
