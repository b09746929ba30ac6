"""Files with flipped, cut and repeated bytes: an answer, or a sentence with an exit code."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from crafted_run import OPTIMIZED, small_run
from recorded_scripts import Recorded

from xlascope.report.as_json import dumps
from xlascope.report.text import render
from xlascope.runfile import Reader
from xlascope.views import VIEWS, ViewError, open_source, query


def ask_everything(path: Path) -> int:
    """Exit codes are told by ViewError; returns how many views gave an answer."""
    answered = 0
    try:
        source = open_source(path)
    except ViewError as error:
        assert error.exit_code == 3
        return 0
    with source:
        for view in VIEWS:
            try:
                answer = query(view.name, source)
            except ViewError as error:
                assert error.exit_code in (2, 3)
                continue
            dumps(view.name, answer)
            render(view.name, answer, width=80)
            answered += 1
    return answered


def damaged(data: bytes, random_: random.Random) -> bytes:
    """One of: bytes flipped, a stretch zeroed, the end cut off, a stretch moved."""
    out = bytearray(data)
    way, at = random_.randrange(4), random_.randrange(len(out))
    if way == 0:
        for _ in range(random_.randrange(1, 12)):
            out[random_.randrange(len(out))] ^= 1 << random_.randrange(8)
    elif way == 1:
        out[at : at + random_.randrange(1, 5000)] = bytes(len(out[at : at + random_.randrange(1, 5000)]))
    elif way == 2:
        del out[at:]
    else:
        piece = out[at : at + random_.randrange(1, 2000)]
        there = random_.randrange(len(out))
        out[there : there + len(piece)] = piece
    return bytes(out)


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_run_file_never_crashes_a_view(seed: int, tmp_path: Path) -> None:
    good = small_run(tmp_path / "good.xlascope").read_bytes()
    random_, answered = random.Random(seed), 0
    for number in range(50):
        path = tmp_path / f"bad{number}.xlascope"
        path.write_bytes(damaged(good, random_))
        answered += ask_everything(path)
    assert answered > 100


def test_a_damaged_profile_never_crashes_a_view(one_device: Recorded, tmp_path: Path) -> None:
    with Reader(one_device.path) as reader:
        (good,) = [chunk.data for chunk in reader.chunks("profile")]
    random_ = random.Random(7)
    for number in range(40):
        path = tmp_path / f"bad{number}.xplane.pb"
        path.write_bytes(damaged(good, random_))
        ask_everything(path)


def test_a_damaged_hlo_text_never_crashes_a_view(one_device: Recorded, tmp_path: Path) -> None:
    random_, answered = random.Random(11), 0
    for number in range(60):
        path = tmp_path / f"bad{number}.hlo"
        good = (OPTIMIZED if number % 2 else one_device.facts["loop#1"]["optimized"]).encode()
        path.write_bytes(damaged(good, random_))
        answered += ask_everything(path)
    assert answered > 100


@pytest.mark.parametrize("name", ["pipe", "run.xlascope", "host.xplane.pb"])
def test_a_pipe_is_refused_and_not_waited_for(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(ViewError, match="not a regular file") as raised:
        open_source(tmp_path / name)
    assert raised.value.exit_code == 3


@pytest.mark.parametrize("name", ["host.xplane.pb", "f.txt"])
def test_an_empty_file_is_said_to_be_empty(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    with pytest.raises(ViewError, match="the file is empty") as raised:
        open_source(tmp_path / name)
    assert raised.value.exit_code == 3
