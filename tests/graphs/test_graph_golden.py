"""Pictures of six programs, reviewed by eye. `XLASCOPE_GOLDEN=write pytest …` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xlascope.graphs import build_graph
from xlascope.graphs.compact import layout_compact
from xlascope.graphs.folds import Folds
from xlascope.graphs.layout import layout
from xlascope.graphs.render import render
from xlascope.graphs.visible import visible
from xlascope.ir import parse_hlo

GOLDEN = Path(__file__).with_name("golden")
TIMES = {
    "ynn_fusion.1": 88_100,
    "ynn_fusion": 13_600,
    "broadcast_divide_fusion": 2_500,
    "broadcast_multiply_fusion": 19_800,
}
CASES = {
    "closed": {"cursor": "ynn_fusion.1"},
    "opened": {"opened": {"ynn_fusion.1"}, "cursor": "exp.0"},
    "ascii": {"opened": {"ynn_fusion.1"}, "cursor": "x.1", "ascii_only": True},
    "untimed": {"times": None},
    "all": {"opened": None, "width": 60},
    "compact": {"opened": {"ynn_fusion.1"}, "cursor": "ynn_fusion", "form": layout_compact},
}


def drawn(opened=frozenset(), cursor=None, ascii_only=False, times=TIMES, width=80, form=layout) -> str:
    graph = build_graph(parse_hlo((GOLDEN / "softmax.hlo").read_text()), times)
    groups = frozenset(group.id for group in graph.groups) if opened is None else frozenset(opened)
    return render(form(visible(graph, groups), width), cursor, ascii_only).text() + "\n"


@pytest.mark.parametrize("case", CASES)
def test_softmax(case):
    path = GOLDEN / f"softmax-{case}.txt"
    text = drawn(**CASES[case])
    if os.environ.get("XLASCOPE_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


PROGRAMS = {
    "attention": {"opened": {"ynn_fusion.3"}, "cursor": "ynn_fusion.3", "width": 90},
    "heat": {"opened": {"while.6", "multiply_add_fusion"}, "cursor": "while.6", "width": 100},
    "switch": {"opened": None, "cursor": None, "width": 110},
    "sharded": {"cursor": "all-reduce.3", "width": 90},
    "layers": {"cursor": None, "width": 80},
}
"""An attention block, a scan with its turns, branches, four devices with an all-reduce, equal layers under names."""


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    options = PROGRAMS[name]
    graph = build_graph(parse_hlo((GOLDEN / f"{name}.hlo").read_text()))
    opened = options.get("opened", frozenset())
    groups = frozenset(group.id for group in graph.groups) if opened is None else frozenset(opened)
    shown = visible(graph, groups, folds=Folds(graph))
    assert groups <= set(graph.group_by_id) and shown.left_out == 0
    text = render(layout(shown, options["width"]), options["cursor"]).text() + "\n"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("XLASCOPE_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


def test_heat_and_styles():
    """Heavy are the hottest 80 %: 71 % and the next, 16 %; the cursor's box is double; all is said by tags too."""
    graph = build_graph(parse_hlo((GOLDEN / "softmax.hlo").read_text()), TIMES)
    picture = render(layout(visible(graph), 80), "ynn_fusion")
    assert picture.hot == {"ynn_fusion.1", "broadcast_multiply_fusion"}
    tags = {tag for row in picture.rows for _, tag in row}
    assert tags == {
        "",
        "wire",
        "label",
        "border",
        "border.hot",
        "border.cursor",
        "mark",
        "mark.cursor",
        "name",
        "name.cursor",
        "opcode",
        "opcode.cursor",
        "percent",
        "percent.cursor",
        "heat",
        "heat.cursor",
        "root",
        "shape",
    }
    text = picture.text()
    assert "71% ███▌" in text and "ROOT" in text and "╔" in text and text.count("┏") == 2


def test_ascii_is_ascii():
    assert drawn(**CASES["ascii"]).isascii()
