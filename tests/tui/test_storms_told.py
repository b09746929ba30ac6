"""What the pane of functions tells of a function that was compiled again and again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from fixed import FixedFeed

from xlascope.tui.feeding.eager_row import eager_item
from xlascope.tui.feeding.overview import program_infos, run_overview
from xlascope.views.compiler.eager_lines import EagerLine
from xlascope.views.compiler.storms import CauseCount, Storm

MARKED = ("6 compiles", True)
UNMARKED = ("199k–203k calls", False)


def storm(compiles: int, again_ns: int, **more: Any) -> Storm:
    causes = (CauseCount("shape", compiles - 1, "argument x: f32[3] → f32[4] (dimension 0)"), CauseCount("first", 1, ""))
    facts: dict[str, Any] = {
        "name": "scores", "file": "/s.py", "line": 4, "eager": False, "compiles": compiles, "ns": again_ns + 10**9,
        "again_ns": again_ns, "causes": causes, "advice": "pad it.", "programs": ("scores#2",), "runs": None,
        "runs_exact": False, "runs_at_least": None, "names": (),
    }  # fmt: skip
    return Storm(**(facts | more))


def items(storms: tuple[Storm, ...]) -> dict[str, Any]:
    feed = FixedFeed()
    programs = feed.query("programs")
    compiles = SimpleNamespace(compiles=feed.query("compiles").compiles, storms=storms)
    overview = run_overview(
        feed.query("run"), program_infos(programs, ()), programs, feed.query("functions"), compiles
    )
    return {item.name: item for item in overview.functions}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (storm(6, 10**6), MARKED),
        (storm(2, 2 * 10**9), ("2 compiles", True)),
        (storm(2, 10**6), UNMARKED),
        (storm(6, 10**6, programs=("step#1",)), UNMARKED),
    ],
)
def test_a_function_compiled_often_or_for_long_is_marked(given: Storm, expected: tuple[str, bool]) -> None:
    item = items((given,))["scores"]
    assert (item.calls, item.alert) == expected
    told = [text for text in item.told if text.startswith(("Compiled", "→"))]
    if "scores#2" not in given.programs:
        assert told == []
        return
    assert told[0].startswith(f"Compiled {given.compiles} times, ") and "f32[3] → f32[4]" in told[0]
    assert told[1] == "→ pad it."


def test_the_worst_of_eager_operations_is_told() -> None:
    eager = storm(7, 10**6, eager=True, name="scan", programs=("scan#1",))
    item = items((eager,))["eager ops (37)"]
    assert item.alert and item.told[-3:] == (
        "Most time for compiling, scan at s.py:4:",
        "Compiled 7 times, 1.00 s with tracing and lowering: 6 × argument x: f32[3] → f32[4] (dimension 0).",
        "→ pad it.",
    )
    assert not items((storm(7, 10**6, eager=True, name="main", names=("add ×7",)),))["eager ops (37)"].alert


def line(number: int | None, runs: int, ns: int | None, advice: str | None = None) -> EagerLine:
    return EagerLine("/s.py", number, ("add",), runs, ns, False, advice)


@pytest.mark.parametrize(
    ("given", "where", "said"),
    [
        ((line(13, 1, 9_000), line(26, 480, 10, "do it.")), "s.py:13",
         "s.py:13 took most of their time: ~<1% of all device time, dispatched once. "
         "s.py:26 dispatched at least 480 times. Do it"),
        ((line(26, 480, 9_000, "each operation is compiled and dispatched alone: do it."), line(13, 1, 10)), "s.py:26",
         "s.py:26 took most of their time: ~<1% of all device time, ×480 dispatches at least. Do it"),
        ((line(None, 99, 90_000), line(3, 1, 9_000)), "s.py:3",
         "s.py:3 took most of their time: ~<1% of all device time, dispatched once"),
        ((line(3, 1, None), line(4, 7, None)), "s.py:4",
         "s.py:4 dispatched most of them; no window saw their times: ×7 dispatches at least"),
    ],
)  # fmt: skip
def test_the_row_of_eager_operations_names_the_line_that_matters(given: Any, where: str, said: str) -> None:
    feed = FixedFeed()
    functions = feed.query("functions")
    functions.eager_lines = given
    row = eager_item(feed.query("compiles").compiles[1:], (), functions)
    assert row is not None and (row.where, row.said) == (where, said)


def test_of_a_package_s_function_the_user_s_line_is_shown() -> None:
    led = storm(6, 10**6, own_file="/train.py", own_line=40)
    assert items((led,))["scores"].led == "train.py:40" and items((storm(6, 10**6),))["scores"].led == ""
    eager = storm(7, 10**6, eager=True, name="scan", programs=("scan#1",), own_file="/train.py", own_line=40)
    assert "Most time for compiling, scan at train.py:40:" in items((eager,))["eager ops (37)"].told
