"""Calls between windows, mesh axes, positions, programs by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from crafted_run import JAXPR, SCRIPT, program_body
from hypothesis import given
from hypothesis import strategies as st

from xlascope.ir import Frame, collectives, explain, parse_hlo
from xlascope.report.text import render
from xlascope.runfile import Writer
from xlascope.views import open_source, query
from xlascope.views.errors import ViewError
from xlascope.views.names.program_records import resolve
from xlascope.views.partitioning.exchanges import equations_of, mesh_axes, read_mesh
from xlascope.views.provenance.attribution import _split
from xlascope.views.provenance.flow import by_flow
from xlascope.views.provenance.instructions import instructions
from xlascope.views.provenance.origins import Provenance
from xlascope.views.provenance.positions import Own, is_in, package_of
from xlascope.views.times.call_rate import Glimpse, Lifetime, estimate

MS = 1_000_000


def glimpses(calls: list[int], windows: list[tuple[int, int]]) -> list[Glimpse]:
    """What windows see of calls that start at given times."""
    found = []
    for start, end in windows:
        mine = [call for call in calls if start <= call < end]
        found.append(Glimpse(start, end, len(mine), mine[0] if mine else None, mine[-1] if mine else None))
    return found


@given(st.integers(1, 50), st.lists(st.integers(1, 400), min_size=1, max_size=5), st.integers(20, 100))
def test_a_steady_rate_is_found_from_windows(distance: int, gaps: list[int], length: int) -> None:
    distance *= MS // 10
    windows, at = [], 0
    for gap in gaps:
        windows.append((at, at + length * MS))
        at += length * MS + gap * MS
    calls = list(range(0, at, distance))
    guess = estimate(glimpses(calls, windows), Lifetime(0, at))
    assert guess == pytest.approx(len(calls), rel=0.1, abs=2 + 2 * len(gaps))


def test_a_burst_that_ended_inside_a_window_is_not_stretched() -> None:
    calls = list(range(10 * MS, 40 * MS, MS // 10))
    windows = [(0, 200 * MS), (10_000 * MS, 10_200 * MS)]
    assert estimate(glimpses(calls, windows), Lifetime(10 * MS, 60_000 * MS)) == len(calls)


def test_a_program_called_once_stays_once() -> None:
    windows = [(0, 200 * MS), (10_000 * MS, 10_200 * MS)]
    assert estimate(glimpses([50 * MS], windows), Lifetime(50 * MS, 60_000 * MS)) == 1


def test_a_first_call_before_the_first_window_is_counted() -> None:
    assert estimate([Glimpse(500 * MS, 600 * MS, 0, None, None)], Lifetime(0, 600 * MS)) == 1


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data())
def test_groups_along_axes_are_recognised(sizes: list[int], data: st.DataObject) -> None:
    mesh = tuple((name, size) for name, size in zip("xyz", sizes, strict=False))
    along = data.draw(st.sets(st.sampled_from([name for name, _ in mesh])))
    ids = np.arange(int(np.prod(sizes))).reshape(sizes)
    order = [i for i, (name, _) in enumerate(mesh) if name not in along]
    inside = [i for i, (name, _) in enumerate(mesh) if name in along]
    count = int(np.prod([sizes[i] for i in inside], initial=1))
    groups = ids.transpose(order + inside).reshape(-1, count).tolist()
    expected = tuple(name for name, size in mesh if name in along and size > 1)
    assert mesh_axes(groups, mesh, "all-reduce") == expected


def test_groups_that_are_no_lines_have_no_axes() -> None:
    mesh = (("x", 2), ("y", 2))
    assert mesh_axes([[0, 3], [1, 2]], mesh, "all-reduce") is None
    assert mesh_axes([[0, 1], [2]], mesh, "all-gather") is None
    assert mesh_axes([[0, 9]], mesh, "all-gather") is None
    assert mesh_axes([[0, 1], [1, 0]], mesh, "collective-permute") == ("y",)
    assert mesh_axes(None, mesh, "all-reduce") == ("x", "y")
    assert mesh_axes([[0, 1]], None, "all-reduce") is None


@pytest.mark.parametrize(
    ("value", "axes"),
    [({"x": 4, "y": 2}, (("x", 4), ("y", 2))), ([["x", 8]], (("x", 8),)), ("x=4,y=2", (("x", 4), ("y", 2))),
     ({}, None), (None, None), ({"x": 0}, None), ({"x": True}, None), ([1, 2], None), ("x", None)],
)  # fmt: skip
def test_a_mesh_is_read_in_each_form(value: object, axes: object) -> None:
    assert read_mesh(value) == axes


@given(st.integers(0, 10**12), st.dictionaries(st.text(max_size=3), st.floats(0.001, 1e12), min_size=1, max_size=9))
def test_parts_of_a_time_add_up(ns: int, weights: dict[str, float]) -> None:
    parts = _split(ns, weights)
    assert sum(parts.values()) == ns and min(parts.values()) >= 0 and parts.keys() == weights.keys()


def test_the_innermost_frame_of_the_users_code_counts() -> None:
    library = Frame("/usr/lib/python3.12/site-packages/flax/linen.py", "f", 3)
    helper, script = Frame("/home/u/model.py", "g", 5), Frame("/home/u/train.py", "main", 9)
    assert Own("/home/u/train.py").place([library, helper, script]) == ("/home/u/train.py", 9)
    assert Own().place([library, helper, script]) == ("/home/u/model.py", 5)
    assert Own().place([library]) == (library.file, 3)
    assert Own().place([]) == (None, None)


def test_packages_of_the_script_and_of_its_functions_are_the_users() -> None:
    site = "/home/u/.venv/lib/python3.12/site-packages/"
    flax, layers, step = Frame(site + "flax/linen.py", "f", 3), Frame(site + "mine/layers.py", "g", 5), Frame(
        site + "mine/sub/step.py", "step", 7)
    script = Frame("/home/u/train.py", "main", 9)
    loss = Frame("/home/u/train.py", "loss", 2)
    # A package's function that the script jits: its own package is the user's, what is installed below is not.
    own = Own("/home/u/train.py", step.file)
    assert own.place([flax, layers, step, script]) == (layers.file, 5)
    assert own.place([flax, step, script]) == (step.file, 7)
    assert own.place([loss, layers, step, script]) == ("/home/u/train.py", 2), "the script's own code within it"
    assert Own("/home/u/train.py", "/home/u/train.py").place([flax, layers, step, script]) == ("/home/u/train.py", 9)
    # The script itself lies in a package.
    demo = Frame(site + "xlascope/demo/transformer.py", "f", 42)
    assert Own(demo.file, demo.file).place([flax, demo]) == (demo.file, 42)
    assert not is_in(site + "xlascope/engine/boot.py", package_of(demo.file or ""))
    assert package_of("/home/u/train.py") is None
    assert not is_in("/x/site-packages/mine/lib/site-packages/other/a.py", package_of("/x/site-packages/mine/b.py"))


def test_programs_are_found_by_what_people_type() -> None:
    names = {"A.step#1": "A.step", "A.step#2": "A.step", "f#3": "f"}
    ranking = ["A.step#2", "f#3", "A.step#1"]
    assert [resolve(wanted, names, ranking) for wanted in ("A.step#1", "1", "#3", "A.step", "step", "f")] == [
        "A.step#1", "A.step#1", "f#3", "A.step#2", "A.step#2", "f#3",
    ]  # fmt: skip
    with pytest.raises(ViewError, match="no such program"):
        resolve("", names, ranking)


COMBINED = """HloModule jit_train, is_scheduled=true, num_partitions=8

%add (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %sum = f32[] add(%a, %b)
}

ENTRY %main (w: f32[8,8], v: f32[8], u: f32[2], s: f32[]) -> (f32[8,8], f32[8], f32[2], f32[]) {
  %w = f32[8,8]{1,0} parameter(0)
  %v = f32[8]{0} parameter(1)
  %u = f32[2]{0} parameter(2)
  %s = f32[] parameter(3)
  ROOT %all-reduce.1 = (f32[8,8]{1,0}, f32[8]{0}, f32[2]{0}, f32[]) all-reduce(%w, %v, %u, %s), channel_id=1, replica_groups=[1,8]<=[8], to_apply=%add, metadata={op_name="jit(f)/(xs3_/dot_general:xs1_/reduce_sum)"}
}
"""


def test_a_combined_collective_is_told_with_all_it_is_there_for(tmp_path: Path) -> None:
    equations = [
        {"path": str(n), "primitive": name, "inputs": [], "outputs": [], "file": SCRIPT, "line": 5 + n, "text_line": n + 2}
        for n, name in enumerate(("mul", "reduce_sum", "tanh", "dot_general"))
    ]
    writer = Writer(tmp_path / "c.xlascope")
    writer.put("program", program_body("f#1", mesh={"data": 8}), program="f#1")
    writer.put("stage", {"stage": "jaxpr"}, {"text": JAXPR.encode(), "equations": json.dumps(equations).encode()},
               program="f#1")  # fmt: skip
    writer.put("stage", {"stage": "optimized"}, {"text": COMBINED.encode()}, program="f#1")
    writer.close()
    with open_source(tmp_path / "c.xlascope") as source:
        (row,) = query("collectives", source, program="f#1").rows
        facts = instructions(source, "f#1").get("all-reduce.1")
        text = render("collectives", query("collectives", source, program="f#1"), width=140)
    assert (row.equation, row.equations, row.lines) == ("3", ("3", "1"), ((SCRIPT, 8), (SCRIPT, 6)))
    assert row.bytes == facts.bytes == 4 * (64 + 8 + 2 + 1)
    assert " 3 1 " in text and "+1" in text
    module = parse_hlo(COMBINED)
    (start,) = module.of_opcode("all-reduce")
    said = explain(start, module)
    assert said is not None and "the sum of all devices' 4 arrays (w f32[8,8], v f32[8], u f32[2], …)" in said


def test_what_a_collective_applies_is_of_its_equations() -> None:
    own = {"all-reduce.1": ("1", "3")}
    assert by_flow(parse_hlo(COMBINED), own) == {"sum": ("1", "3")}
    assert by_flow(parse_hlo(COMBINED), {}) == {}
    # Of two equations' exchanges neither alone brought it.
    second = "  %all-reduce.2 = f32[] all-reduce(%s), replica_groups=[1,8]<=[8], to_apply=%add\n  ROOT %all-reduce.1"
    assert by_flow(parse_hlo(COMBINED.replace("  ROOT %all-reduce.1", second)), {**own, "all-reduce.2": ("2",)}) == {}


GATHERED = """\
HloModule m, is_scheduled=true, num_partitions=8

%both (p.0: f32[8,4], p.1: f32[64]) -> f32[64] {
  %p.0 = f32[8,4]{1,0} parameter(0)
  %p.1 = f32[64]{0} parameter(1)
  %c.0 = f32[4,8]{0,1} bitcast(%p.0)
  %dot.0 = f32[64]{0} custom-call(%c.0, %p.1), custom_call_target="mine"
  ROOT %exp.0 = f32[64]{0} exponential(%dot.0)
}

ENTRY %main (w: f32[1,4], x: f32[64]) -> f32[64] {
  %w = f32[1,4]{1,0} parameter(0)
  %x = f32[64]{0} parameter(1)
  %all-gather = f32[8,4]{1,0} all-gather(%w), channel_id=1, replica_groups={{0,1,2,3,4,5,6,7}}, dimensions={0}, metadata={op_name="p['w']"}
  ROOT %fusion = f32[64]{0} fusion(%all-gather, %x), kind=kLoop, calls=%both
}
"""


def test_what_the_partitioner_added_is_there_for_what_reads_it() -> None:
    """Also within a fusion of several equations, which is its owner as a whole."""
    module = parse_hlo(GATHERED)
    (found,) = collectives(module)
    known = {"dot.0": ("3",), "exp.0": ("7",), "fusion": ("3", "7")}
    owners = {"all-gather": "fusion"}
    assert equations_of(found, module, Provenance(known, frozenset({"all-gather"}), True, owners)) == ("3",)
    whole = {"fusion": ("3", "7")}
    assert equations_of(found, module, Provenance(whole, frozenset(), True, owners)) == ("3", "7")
    own = {**known, "all-gather": ("1",)}
    assert equations_of(found, module, Provenance(own, frozenset(), True, owners)) == ("1",)
    assert equations_of(found, module, Provenance({}, frozenset(), True, {})) == ()
