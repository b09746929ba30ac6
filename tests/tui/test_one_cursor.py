"""One cursor for all panes, over a recorded run: what lights up is the join of the views, worked out here once more."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hosting import settle
from on_screen import until

import xlascope.demo
from xlascope.cli.show import main as show
from xlascope.tui.app import XlascopeApp
from xlascope.tui.feeding.feed import Feed
from xlascope.tui.feeding.live import RunAtHand
from xlascope.tui.feeding.margins import jaxpr_marks, source_marks
from xlascope.tui.screens.main import MainScreen
from xlascope.tui.widgets.graph_pane import GraphPane
from xlascope.tui.widgets.source_pane import SourcePane
from xlascope.tui.widgets.status import ExplainLine
from xlascope.views import open_source
from xlascope.views.links import links as lines_of_stage

DEMO = Path(xlascope.demo.__file__).parent / "transformer.py"
PROGRAM = "train_step#1"
PAIRS = 200
BEFORE = ("stablehlo", "hlo")
PANES = ("jaxpr", *BEFORE, "optimized", "source", "graph", "ops")


def view(path: Path, name: str, *options: str) -> Any:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert show([str(path), name, "--program", PROGRAM, "--json", *options]) == 0
    return json.loads(out.getvalue())


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's run with all that links need, which `show` has a lab make."""
    folder = tmp_path_factory.mktemp("transformer")
    path = folder / "run.xlascope"
    command = [sys.executable, "-m", "xlascope", "record", "-o", str(path), str(DEMO), "--steps", "40"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=dict(os.environ))
    view(path, "equations")
    view(path, "stage", "--stage", "hlo")
    return path


class Join:
    """What belongs to an equation, an instruction, a source line or a line of text, from the views' JSON alone."""

    def __init__(self, path: Path):
        equations = view(path, "equations")
        graph = view(path, "graph", "--stage", "optimized")
        self.rows = {row["path"]: row for row in equations["rows"]}
        self.nodes = {node["id"]: node for node in graph["nodes"]}
        self.groups = {group["id"]: group for group in graph["groups"]}
        self.ops = [row["op"] for row in view(path, "ops")["rows"]]
        self.exact = equations["equations_exact"] and graph["equations_exact"]
        source = open_source(path)
        self.before = {stage: lines_of_stage(source, PROGRAM, stage).by_line for stage in BEFORE}
        source.close()

    def around(self, path: str) -> set[str]:
        found, parent = {path}, self.rows[path]["parent"]
        while parent is not None:
            found.add(parent)
            parent = self.rows[parent]["parent"]
        return found

    def groups_around(self, node: str) -> list[str]:
        found, group = [], self.nodes[node]["group"]
        while group is not None:
            found.append(group)
            group = self.groups[group]["parent"]
        return found

    def equations_of(self, node: str) -> set[str]:
        mine = self.nodes[node]
        owner = self.nodes.get(mine["owner"] or "")
        return set(mine["equations"] or (owner["equations"] if owner else ()))

    def from_equations(self, paths: set[str]) -> tuple[set[str], set[str]]:
        equations = {path for path in self.rows if paths & self.around(path)}
        return equations, {node for node, each in self.nodes.items() if equations & set(each["equations"])}

    def from_node(self, node: str) -> tuple[set[str], set[str]]:
        members = {each for each in self.nodes if each == node or node in self.groups_around(each)}
        equations = set().union(*(self.equations_of(each) for each in members))
        fusions = {group for group in self.groups_around(node) if self.groups[group]["kind"] == "fusion"}
        return equations, members | fusions

    def from_row(self, pane: str, row: int) -> tuple[set[str], set[str]]:
        if pane == "jaxpr":
            return self.from_equations({path for path, each in self.rows.items() if each["text_line"] == row + 1})
        if pane == "source":
            return self.from_equations(self.at_line(row + 1))
        if pane in BEFORE:
            link = self.before[pane].get(row + 1)
            return self.from_equations(set(link.equations or link.owner_equations) if link else set())
        if pane == "optimized":
            return self.from_node(next(node for node, each in self.nodes.items() if each["text_line"] == row + 1))
        raise AssertionError(pane)

    def at_line(self, line: int) -> set[str]:
        mine = (str(DEMO), line)
        return {path for path, each in self.rows.items() if (each["user_file"], each["user_line"]) == mine}

    def lit(self, pane: str, equations: set[str], nodes: set[str]) -> set[int]:
        if pane == "jaxpr":
            return {self.rows[path]["text_line"] - 1 for path in equations if self.rows[path]["text_line"]}
        if pane == "source":
            return {row for row in range(200) if self.at_line(row + 1) & equations}
        if pane == "optimized":
            return {self.nodes[node]["text_line"] - 1 for node in nodes}
        return {line - 1 for line, link in self.before[pane].items() if equations & set(link.equations)}

    def starts(self, pane: str) -> list[Any]:
        if pane == "jaxpr":
            return sorted({each["text_line"] - 1 for each in self.rows.values() if each["text_line"]})
        if pane == "source":
            return [row for row in range(90) if self.at_line(row + 1)]
        if pane == "optimized":
            return sorted(each["text_line"] - 1 for each in self.nodes.values())
        if pane == "graph":
            return sorted(self.nodes)
        return list(range(len(self.ops))) if pane == "ops" else sorted(line - 1 for line in self.before[pane])


async def test_what_lights_up_is_the_join_of_the_views(recorded: Path) -> None:
    join = Join(recorded)
    assert join.exact and all(join.before.values()), "the lab has made exact links"
    chosen = random.Random(3)
    by_pane: dict[str, list[Any]] = defaultdict(list)
    for _ in range(PAIRS):
        pane = chosen.choice(PANES)
        by_pane[pane].append(chosen.choice(join.starts(pane)))
    app = XlascopeApp(RunAtHand(recorded))
    async with app.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen), rounds=3000)
        screen = app.screen
        assert isinstance(screen, MainScreen)
        await until(pilot, lambda: screen.desk.graph is not None, rounds=3000)
        await settle(pilot)
        assert screen.desk.program == PROGRAM
        for stage in BEFORE:
            screen.action_show_in("d", stage)
            await until(pilot, lambda stage=stage: stage in screen.desk.links.stage_rows, rounds=3000)
            await settle(pilot)
            panes = {"jaxpr": screen.stage_pane("a").text_pane, "optimized": screen.stage_pane("c").text_pane,
                     stage: screen.stage_pane("d").text_pane, "source": screen.query_one(SourcePane)}  # fmt: skip
            table, graph = screen.ops_table(), screen.stage_pane("b").graph_pane
            assert isinstance(graph, GraphPane)
            for pane in [each for each in PANES if each == stage or (each not in BEFORE and by_pane[each])]:
                # The panes that are seen with either stage take their pairs half with one, half with the other.
                turns = by_pane[pane] if pane == stage else by_pane[pane][BEFORE.index(stage) :: 2]
                for row in turns:
                    if pane == "ops":
                        view = table
                        screen.set_focus(table)
                        table.go_to(row)
                        equations, nodes = join.from_node(table.row(row).op)
                    elif pane == "graph":
                        view = graph
                        screen.set_focus(graph)
                        graph.post_message(GraphPane.NodeChosen(graph, row, [row]))
                        equations, nodes = join.from_node(row)
                    else:
                        view = panes[pane]
                        screen.set_focus(view)
                        view.go_to(row)
                        screen.follow_cursor(view)
                        equations, nodes = join.from_row(pane, row)
                    await pilot.pause()
                    assert (screen.desk.focus.equations, screen.desk.focus.nodes) == (equations, nodes), (pane, row)
                    for other, text in panes.items():
                        if text is not view:
                            assert text._linked == join.lit(other, equations, nodes), (pane, row, other)
                    if view is not table:
                        lit = {place for place in range(table.row_count()) if table.row(place).op in nodes}
                        assert table._linked == lit, (pane, row)
                    if view is not graph and nodes:
                        best = max(sorted(nodes), key=lambda node: sum(
                            each.share or 0.0 for each in screen.desk.ops.rows if each.op == node))  # fmt: skip
                        assert graph.box == graph.box_of(best), (pane, row)
    assert sum(map(len, by_pane.values())) == PAIRS and set(by_pane) == set(PANES)


def test_all_margins_add_up_to_the_same_time(recorded: Path) -> None:
    feed = Feed(recorded)
    feed.open()
    ops, table = feed.ops(PROGRAM), feed.equations(PROGRAM)
    covered = view(recorded, "equations")["equation_coverage"]
    assert sum(row.share or 0.0 for row in ops.rows) == pytest.approx(1.0)
    assert sum(row.own or 0.0 for row in table.rows) == pytest.approx(covered)
    for marks in (jaxpr_marks(table), source_marks(table, str(DEMO))):
        assert sum(mark.own or 0.0 for mark in marks.values()) == pytest.approx(covered)
    lines, rows = source_marks(table, str(DEMO)), view(recorded, "equations")["rows"]
    total = sum(row["self_ns"] or 0 for row in rows) / covered
    for line, mark in lines.items():
        own = sum(row["self_ns"] or 0 for row in rows if row["user_line"] == line + 1)
        assert mark.share is None or mark.own == pytest.approx(own / total)
    scans = [row for row in rows if row["primitive"] == "scan"]
    inside = sum(row["total_ns"] or 0 for row in scans)
    assert lines[scans[0]["user_line"] - 1].share == pytest.approx(inside / total), "a loop's line has its body's time"
    assert set(lines) == {row.place[1] - 1 for row in table.rows if row.place is not None}
    feed.close()


async def test_the_head_of_a_nested_jaxpr_tells_its_equations_and_their_time(recorded: Path) -> None:
    rows = view(recorded, "equations")["rows"]
    app = XlascopeApp(RunAtHand(recorded))
    async with app.run_test(size=(200, 60)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, MainScreen), rounds=3000)
        screen = app.screen
        assert isinstance(screen, MainScreen)
        await until(pilot, lambda: bool(screen.desk.links.equation_row), rounds=3000)
        await settle(pilot)
        text = screen.stage_pane("a").text_pane
        screen.set_focus(text)
        heads = [(head, last) for head, last in zip(text.folds.headers, text.folds.lasts, strict=True)
                 if "{ lambda " in text.row_text(head) and not screen.desk.links.row_equations.get(head)]  # fmt: skip
        assert heads
        for head, last in heads:
            text.go_to(head)
            await settle(pilot)
            written = {row["text_line"] for row in rows if row["text_line"] and head < row["text_line"] - 1 <= last}
            said = screen.query_one(ExplainLine).said
            timed = any(row["self_ns"] for row in rows if row["text_line"] in written)
            time = f"% of {PROGRAM}'s op time; - closes them" if timed else "; - closes them"
            assert f"  {last - head + 1} lines, {len(written)} equation" in said and said.endswith(time)
