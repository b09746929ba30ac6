"""The feed over real files: what the views answer becomes what the screen shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fixed import TEXTS
from hosting import screen_text, settle
from on_screen import until
from written_run import SOURCE, write_run

from xlascope.tui.app import XlascopeApp
from xlascope.tui.feeding.feed import Feed
from xlascope.tui.feeding.links import StageLinks, link, path_key
from xlascope.tui.feeding.live import RunAtHand
from xlascope.tui.feeding.loader import Pace
from xlascope.tui.feeding.margins import continuations, jaxpr_marks, line_marks, source_marks
from xlascope.tui.feeding.overview import file_overview
from xlascope.tui.feeding.rows import op_rows
from xlascope.tui.glyphs import UNICODE
from xlascope.tui.lines import explain_op, ops_title
from xlascope.tui.model import EquationRow, EquationTable, OpsTable, ProgramInfo
from xlascope.tui.screens.main import MainScreen
from xlascope.tui.text.lines import TextLines
from xlascope.tui.widgets.ops_table import OpsTable as OpsPane
from xlascope.tui.widgets.ops_table import key_of
from xlascope.tui.widgets.text_pane import LineMark
from xlascope.views import ViewError

PROFILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "mi300_fused_attention.xplane.pb"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "a.xlascope")


@pytest.fixture
def feed(run):
    made = Feed(run)
    made.open()
    yield made
    made.close()


def test_overview(feed):
    overview = feed.overview()
    assert overview.script == "softmax.py --steps 3"
    assert (overview.state, overview.exit_code, overview.wall_ns) == ("crashed", 1, 3 * 10**9)
    assert overview.exception is not None and "ValueError: bad" in overview.exception
    assert [item.name for item in overview.functions] == ["scores", "eager ops (1)"]
    assert overview.functions[0].where == "softmax.py:4"
    assert overview.programs["scores#1"].equations == 10
    assert ("import jax", 10**9) in overview.phases
    assert any("3 output dropped: too much" in text for text in overview.trouble)


def test_output_is_asked_for_in_pieces(feed):
    first = feed.output(0)
    assert "step 1" in first.text
    assert feed.output(first.last).text == ""


def test_the_jaxpr_comes_with_its_equations(feed):
    stage = feed.stage("scores#1", "jaxpr", None, OpsTable())
    assert stage.lines.line(11).strip().startswith("j:f32[128] = reduce_sum")
    links = feed.links("scores#1", None, feed.equations("scores#1"))
    assert links.row_equations[11] == ("7",)
    assert links.row_equations[2] == links.row_equations[3] == ("0",)
    assert stage.about == "scores#1 · 10 equations"


def test_instructions_of_the_optimized_module_have_their_lines(feed):
    stage = feed.stage("scores#1", "optimized", None, OpsTable())
    line = feed.links("scores#1", None, feed.equations("scores#1")).node_row["ynn_fusion.1"]
    assert stage.lines.line(line).strip().startswith("%ynn_fusion.1 =")


def test_the_source_is_the_whole_file(feed):
    stage = feed.stage("scores#1", "source", None, OpsTable())
    assert (stage.first_number, len(stage.lines), stage.file) == (1, 9, SOURCE)


def test_what_is_missing_is_said(feed):
    assert feed.stage("scores#1", "stablehlo", None, OpsTable()).missing == "stablehlo is not captured yet"
    assert feed.ops("scores#1").note


def test_variants_have_their_samples(feed):
    row = feed.variants("scores#1")[0]
    assert (row.name, row.switches, row.verdict) == ("fusion=off", {"fusion": "off"}, "slower")
    assert row.series == ((160, 164, 168), (120, 124, 128))


def test_stages_of_a_variant_are_its_own(feed):
    assert feed.stage("scores#1", "optimized", "fusion=off", OpsTable()).variant == "fusion=off"
    assert feed.stage("scores#1", "jaxpr", "fusion=off", OpsTable()).variant is None


def test_an_instruction_is_explained(feed):
    assert "elementwise e^x" in feed.explanation("scores#1", None, "exp.0")
    assert feed.explanation("scores#1", None, "no-such-thing") is None


def test_a_file_that_is_not_one_raises_what_the_screen_tells(tmp_path):
    path = tmp_path / "x.xlascope"
    path.write_text("no")
    with pytest.raises(ViewError):
        Feed(path).open()


@pytest.fixture
def hlo(tmp_path) -> Path:
    path = tmp_path / "module.txt"
    path.write_text(TEXTS["optimized"])
    return path


async def opened(path: Path, words: str) -> list[str]:
    app = XlascopeApp(RunAtHand(path))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen) or len(app.screen_stack) > 2)
        await until(pilot, lambda: any(words in line for line in screen_text(app)), rounds=1500)
        await settle(pilot)
        return screen_text(app)


async def test_an_hlo_file_is_shown_as_text_and_graph(hlo):
    shown = "\n".join(await opened(hlo, "ynn_fusion.1"))
    assert "4 optimized HLO" in shown and "ENTRY " in shown and "ynn_fusion.1" in shown
    assert "? help" in shown and "J F D S" not in shown  # only a run can be measured


async def test_a_run_file_of_a_crash_opens_with_the_traceback(run):
    shown = "\n".join(await opened(run, "ended with an exception"))
    assert "ValueError: bad" in shown and "q twice leaves" in shown


@pytest.mark.skipif(not PROFILE.exists(), reason="the profile of a GPU is not at hand")
async def test_a_profile_of_a_gpu_is_shown_with_the_hlo_it_carries():
    shown = "\n".join(await opened(PROFILE, "gpu:0"))
    assert "time per op  jit_loss_fn#17" in shown and "4 optimized HLO  jit_loss_fn#17" in shown
    assert "te_fused_attn_backward_ffi" in shown and "coverage 100.0%" in shown


def table(*rows: tuple[str, str | None, float | None, float | None, bool, str, tuple[str, int] | None, int | None]):
    made = [
        EquationRow(path, parent, "add", share, own, estimated, state, place, None, row)
        for path, parent, share, own, estimated, state, place, row in rows
    ]
    return EquationTable(tuple(made), True, True)


LOOP = table(
    ("4", None, 0.9, 0.1, False, "present", ("f.py", 9), 3),
    ("4.0", "4", 0.5, 0.5, True, "present", ("f.py", 5), 4),
    ("4.1", "4", 0.3, 0.3, False, "present", ("f.py", 5), 5),
    ("5", None, None, None, False, "folded", ("f.py", 6), 8),
    ("6", None, None, None, False, "present", ("f.py", 7), 9),
    ("7", None, 0.1, 0.05, False, "inside", ("f.py", 5), 10),
    ("7.0", "7", 0.05, 0.05, False, "present", ("f.py", 5), 11),
)


def test_a_line_costs_what_its_equations_contain_and_nothing_twice():
    marks = source_marks(LOOP, "f.py")
    assert marks[8] == LineMark(0.9, False, own=0.1)
    assert marks[4].estimated and marks[4].share == pytest.approx(0.9) and marks[4].own == pytest.approx(0.9)
    assert marks[5] == LineMark(kind="nothing_left") and marks[6] == LineMark(kind="unknown")
    assert source_marks(LOOP, "g.py") == {}
    assert sum(mark.own or 0.0 for mark in marks.values()) == pytest.approx(1.0)


def test_an_equation_has_the_time_of_its_line_of_the_jaxpr():
    marks = jaxpr_marks(LOOP)
    assert (marks[3], marks[4]) == (LineMark(0.9, False, own=0.1), LineMark(0.5, True, own=0.5))
    assert marks[8] == LineMark(kind="nothing_left")
    # Links by source position cannot tell that nothing is left; later ones would take it back.
    assert jaxpr_marks(replace(LOOP, exact=False))[8] == LineMark(kind="unknown")


def test_links_go_both_ways_and_what_contains_stands_for_what_is_inside():
    node = SimpleNamespace
    nodes = [
        node(id="loop", equations=("4",), owner=None, line=20, group=None),
        node(id="fusion", equations=("4.0", "4.1"), owner=None, line=12, group="loop"),
        node(id="a", equations=("4.0",), owner=None, line=7, group="fusion"),
        node(id="b", equations=("4.1",), owner=None, line=8, group="fusion"),
        node(id="copy", equations=(), owner="a", line=21, group=None),
    ]
    groups = {"loop": node(kind="loop"), "fusion": node(kind="fusion")}
    graph = node(outlines=nodes, group_by_id=groups, ancestors={"loop": (), "fusion": ("loop",)}.get)
    links = link(LOOP, graph, {6: 5})
    focus = links.of_row("jaxpr", 3)
    assert focus.lead == ("4",) and focus.equations == {"4", "4.0", "4.1"}
    assert (focus.nodes, focus.place) == ({"loop", "fusion", "a", "b"}, ("f.py", 9))
    assert links.rows("optimized", focus) == [6, 7, 11, 19]
    member = links.of_row("optimized", 6)
    assert (member.nodes, member.equations) == ({"a", "fusion"}, {"4.0"})
    assert links.of_nodes(["fusion"]).equations == {"4.0", "4.1"}
    assert links.of_nodes(["copy"]).equations == {"4.0"}
    assert links.of_row("jaxpr", 6).equations == links.of_row("jaxpr", 5).equations == {"4.1"}
    assert links.of_place("f.py", 5).equations == {"4.0", "4.1", "7", "7.0"}
    assert links.source_rows("f.py", focus) == [4, 8]
    assert links.of_row("stablehlo", 3).equations == frozenset()


def test_links_that_no_tag_gives_are_told_apart_both_ways():
    node = SimpleNamespace
    nodes = [
        node(id="a", equations=("4.0",), owner=None, line=7, group=None),
        node(id="body/b", equations=("4.0", "4.1"), owner=None, line=8, group=None),
    ]
    rows = tuple(replace(row, inferred=frozenset({"b"})) if row.path == "4.0" else row for row in LOOP.rows)
    graph = node(outlines=nodes, group_by_id={}, ancestors={}.get)
    links = link(replace(LOOP, rows=rows), graph)
    assert links.of_nodes(["body/b"]).guessed == {"4.0"} and links.of_nodes(["a"]).guessed == frozenset()
    # One sure link is enough for an equation, of several instructions.
    assert links.of_nodes(["a", "body/b"]).guessed == frozenset()
    focus = links.of_equations(["4.0"])
    assert focus.guessed == {"body/b"} and links.guessed_rows("optimized", focus) == {7}
    assert links.guessed_rows("optimized", links.of_equations(["4.1"])) == set()
    doubt = links.of_nodes(["body/b"])
    assert links.guessed_rows("jaxpr", doubt) == {links.equation_row["4.0"]}
    # Both equations are of one line of the source, which one of them surely links.
    assert links.guessed_rows("source", doubt, "f.py") == set()
    by_position = link(replace(LOOP, exact=False), graph)
    assert by_position.of_nodes(["a"]).guessed == {"4.0"} and by_position.of_equations(["4.1"]).guessed == {"body/b"}


def test_what_follows_an_equation_on_lines_of_its_own_belongs_to_it():
    text = "{ lambda ; a. let\n  b = scan[\n    jaxpr={ lambda ; c. let\n        d = sin c\n      in (d,) }\n  ] a\n" \
           "  e = cos[\n    accuracy=None\n  ] b\nin (e,) }\n"  # fmt: skip
    assert continuations(TextLines(text.encode()), [1, 3, 6]) == {2: 1, 4: 1, 5: 1, 7: 6, 8: 6}


def test_what_a_loop_contains_is_at_the_line_that_runs_it() -> None:
    """Equation 4 takes the loop's own line and a call inside of its body: that one costs what is the loop's own."""
    text = TextLines(b"module\n  %0 = stablehlo.while(%a = %b)\n  do {\n    %1 = func.call @index(%a)\n    %2 = sine %1\n")
    rows = {"4": (1, 3), "4.0": (4,)}
    links = StageLinks({line: (path,) for path, lines in rows.items() for line in lines}, rows)
    marks = line_marks(LOOP, links, text)
    assert marks[1] == LineMark(0.9, True, own=0.1) and marks[3] == LineMark(0.1, True, own=0.1)
    assert line_marks(LOOP, links, TextLines(text.data.replace(b"stablehlo.while", b"func.call")))[3].share == 0.9


def test_paths_are_sorted_by_number():
    assert sorted(["10", "9", "4.b1.2", "4.b0.10", "4"], key=path_key) == ["4", "4.b0.10", "4.b1.2", "9", "10"]


def test_the_pace_of_questions_leaves_the_machine_to_the_script():
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    assert pace.ready()
    pace.took(3.0)
    assert pace.ready()
    pace.took(0.1)
    assert not pace.ready()
    now[0] = 0.41
    assert pace.ready()
    pace.took(100.0)
    now[0] = 2.5
    assert pace.ready()


def test_lines_of_every_stage_are_explained(feed):
    name, said = feed.row_explanation("scores#1", None, "jaxpr", 11)
    assert name == "reduce_sum" and said.startswith("sum over dim 1 (64) of i f32[128,64]") and "f32[128]" in said
    assert feed.row_explanation("scores#1", None, "jaxpr", 0) is None
    stage = feed.stage("scores#1", "optimized", None, OpsTable())
    row = stage.lines.find(" dot(", 0)
    name, said = feed.row_explanation("scores#1", None, "optimized", row)
    assert name.startswith("dot") and said.startswith("matrix product: contracts dim 1 (256) of ")
    assert feed.row_explanation("scores#1", None, "optimized", 10**6) is None
    assert feed.row_explanation("scores#1", None, "stablehlo", 3) is None  # it was not captured


def test_an_op_of_several_devices_is_one_row() -> None:
    """Times add up, and each device's own is kept, in the order of the devices."""

    def row(op: str, device: str, self_ns: int | None, count: int = 2) -> SimpleNamespace:
        return SimpleNamespace(
            program="step#1", op=op, opcode="dot", device_kind="cpu", device=device, count=count, total_ns=self_ns,
            self_ns=self_ns, equations=("0",), added_by_xla=False, user_file=None, user_line=None, bytes=8, flops=None,
        )  # fmt: skip

    of_b = [row("b", "10", 300), row("b", "2", 100)]
    b, a = op_rows([row("a", "2", 100), *of_b])
    assert (b.op, b.device, b.count, b.self_ns, b.total_ns, b.share, b.per_call_ns) == ("b", "2 devices", 4, 400, 400, 0.8, 100)
    assert b.by_device == (("cpu:2", 100), ("cpu:10", 300))
    assert (a.device, a.by_device, a.share, a.per_call_ns) == ("cpu:2", (), 0.2, 50)
    table = OpsTable(rows=(b, a), coverage=0.9)
    assert "  cpu:2 100 ns, cpu:10 300 ns" in explain_op(b, table)
    assert not any("by device" in line for line in explain_op(a, table))
    # Two devices and two calls: four executions are whole, three are not.
    whole, cut = replace(table, calls_seen=2), replace(table, calls_seen=3)
    assert any("all 2 devices: a call counts once on each" in line for line in explain_op(b, whole))
    assert not any("multiple" in line for line in (*explain_op(b, whole), *explain_op(a, whole)))
    assert any("4 is no multiple of the calls seen" in line for line in explain_op(b, cut))
    assert "count and self over 2 devices" in "".join(part.text for part in ops_title(table, "step#1", UNICODE))
    columns = {column.key: column for column in OpsPane().columns}
    assert columns["by_device"].text(b) == "▃█" and columns["by_device"].text(a) == ""
    (unknown,) = op_rows([row("a", "0", None), row("a", "1", 5)])
    assert unknown.self_ns is None and unknown.share is None


def test_with_jit_off_ops_of_one_name_in_several_modules_stay_apart() -> None:
    def row(module: str, equation: str, self_ns: int) -> SimpleNamespace:
        return SimpleNamespace(
            program="scores#1", op="ynn_fusion", opcode="fusion", device_kind="cpu", device="0", count=20, module=module,
            total_ns=self_ns, self_ns=self_ns, equations=(equation,), added_by_xla=False, user_file=None, user_line=None,
            bytes=None, flops=None,
        )  # fmt: skip

    rows = op_rows([row("jit_dot_general", "0", 880), row("jit_dot_general", "7", 40), row("jit_reduce_max", "1", 80)])
    deep = [replace(each, equations=()) for each in rows]
    assert len({key_of(each) for each in deep}) == 3  # of deep-off no equations are known, but the modules are
    assert [(each.equations, each.count, each.self_ns) for each in rows] == [
        (("0",), 20, 880), (("1",), 20, 80), (("7",), 20, 40)]  # fmt: skip
    assert len({key_of(each) for each in rows}) == 3
    (alone,) = op_rows([row("jit_f", "0", 880)])
    assert key_of(alone) == key_of(replace(alone, equations=("0", "1")))  # links that come later leave the cursor there


def test_of_very_much_output_the_end_is_read_and_told_as_such() -> None:
    class Written(Feed):
        def query(self, view: str, **options: Any) -> Any:
            line = "x" * 99 + "\n"
            return SimpleNamespace(chunks=[SimpleNamespace(id=n, text=line * 20_000) for n in range(1, 5)])

    piece = Written(Path("run.xlascope")).output(0)
    assert piece.is_cut and piece.last == 4 and piece.text.startswith("x" * 99 + "\n") and piece.text.endswith("x\n")
    assert 4 << 20 < len(piece.text) < 7 << 20


def test_modules_of_equal_name_are_told_apart_in_the_list() -> None:
    infos = {each: ProgramInfo(each, each.partition("#")[0]) for each in ("jit_f#4", "jit_f#8", "jit_g")}
    assert [item.name for item in file_overview("dump", "dump", infos, None).functions] == ["jit_f#4", "jit_f#8", "jit_g"]
