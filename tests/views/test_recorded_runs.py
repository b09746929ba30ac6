"""Views of real runs against what the scripts and JAX say of themselves, and against the profile's own events."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from recorded_scripts import Recorded

from xlascope.cli.show import main
from xlascope.ir import parse_hlo
from xlascope.runfile import Reader
from xlascope.views import open_source, query
from xlascope.views.sources.stages import jaxpr_index
from xlascope.views.times.windows import executables, first_calls


def line_of(recorded: Recorded, text: str) -> int:
    lines = recorded.script.read_text().splitlines()
    return 1 + next(number for number, line in enumerate(lines) if text in line)


def same_order(text: str) -> str:
    """HLO text with the keys of each backend configuration sorted: XLA writes them in another order each time."""
    parts = text.split("backend_config=")
    for number, part in enumerate(parts[1:], 1):
        if part.startswith("{"):
            body, end = json.JSONDecoder().raw_decode(part)
            parts[number] = json.dumps(body, sort_keys=True) + part[end:]
    return "backend_config=".join(parts)


def events(path: Path) -> list[dict[str, Any]]:
    """All events with stats of the windows of a run, read by JAX itself."""
    from jax.profiler import ProfileData

    found = []
    with Reader(path) as reader:
        for chunk in reader.chunks("profile"):
            for plane in ProfileData.from_serialized_xspace(chunk.data).planes:
                for line in plane.lines:
                    for event in line.events:
                        stats = {key: value for key, value in event.stats if key is not None}
                        found.append({"name": event.name, "start": event.start_ns, "ns": event.duration_ns, **stats})
    return found


def test_calls_are_those_of_the_script(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        calls = {row.id: (row.calls, row.calls_exact) for row in query("programs", source).programs}
        rows = {row.name: row for row in query("functions", source).functions}
    expected = {"scores#1": 23, "scores#2": 7, "loop#1": 11, "<lambda>#1": 3}
    assert {name: calls[name] for name in expected} == {name: (count, True) for name, count in expected.items()}
    assert (rows["scores"].calls, rows["scores"].calls_exact, rows["scores"].programs) == (
        30, True, ("scores#1", "scores#2"),
    )  # fmt: skip
    assert rows["scores"].file == str(one_device.script)
    assert abs(rows["scores"].line - line_of(one_device, "def scores")) <= 1


def test_stages_and_equations_are_jaxs_own(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        for name, facts in one_device.facts.items():
            optimized = query("stage", source, program=name, stage="optimized").text
            assert same_order(optimized) == same_order(facts["optimized"])
            stage = query("stage", source, program=name, stage="jaxpr")
            assert stage.text == facts["jaxpr"]
            assert len(jaxpr_index(source, name).equations) == facts["equations"]
        counts = {row.id: row.equations for row in query("programs", source).programs}
    assert {name: counts[name] for name in one_device.facts} == {
        name: facts["equations"] for name, facts in one_device.facts.items()
    }


@pytest.mark.parametrize("fixture", ["one_device", "eight_devices"])
def test_op_totals_are_those_of_the_profile(fixture: str, request: pytest.FixtureRequest) -> None:
    recorded = request.getfixturevalue(fixture)
    found = events(recorded.path)
    ends = {event["_c"]: event["start"] for event in found if event["name"].startswith("end: ") and "_c" in event}
    totals: dict[Any, float] = defaultdict(float)
    counts: dict[Any, int] = defaultdict(int)
    with open_source(recorded.path) as source:
        left_out = first_calls(source)
    earliest: dict[int, Any] = {}
    for event in sorted((e for e in found if "hlo_op" in e), key=lambda e: e["start"]):
        earliest.setdefault(int(event["program_id"]), event["run_id"])
    for event in found:
        if "hlo_op" in event:
            number = int(event["program_id"])
            if number in left_out and event["run_id"] == earliest[number]:
                continue
            key = int(event["program_id"]), event["hlo_op"], str(event["device_ordinal"])
            totals[key] += ends.get(event.get("_p"), event["start"] + event["ns"]) - event["start"]
            counts[key] += 1
    with open_source(recorded.path) as source:
        names = executables(source)
        rows = query("ops", source).rows
    mine = {(row.program, row.op, row.device): row for row in rows}
    assert len(mine) == len(rows) == len(totals)
    for (number, op, device), total in totals.items():
        row = mine[names[number], op, device]
        assert row.count == counts[number, op, device]
        assert row.total_ns == pytest.approx(total, abs=2 + counts[number, op, device])


@pytest.mark.parametrize("fixture", ["one_device", "eight_devices"])
def test_self_times_add_up_to_what_ops_cover(fixture: str, request: pytest.FixtureRequest) -> None:
    recorded = request.getfixturevalue(fixture)
    with open_source(recorded.path) as source:
        ops, devices = query("ops", source), query("devices", source).rows
        for device in devices:
            assert sum(row.self_ns for row in ops.rows if row.device == device.device) == device.op_ns
            assert 0 < device.op_ns <= device.busy_ns <= device.window_ns
        assert ops.coverage == sum(d.op_ns for d in devices) / sum(d.busy_ns for d in devices)
        functions = query("functions", source)
        shares = sum(row.share or 0 for row in functions.functions)
        assert shares + functions.eager_share == pytest.approx(1)


def test_a_loop_does_not_contain_its_body(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        rows = query("ops", source, program="loop").rows
    loop = next(row for row in rows if row.opcode == "while")
    inside = [row for row in rows if row.count == 11 * 40]
    assert inside and loop.count == 11
    assert loop.self_ns < loop.total_ns - sum(row.self_ns for row in inside) // 2


def test_ops_lead_to_lines_and_equations(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        answer = query("ops", source, program="scores#1")
        equations = jaxpr_index(source, "scores#1").by_path
    lines = {line_of(one_device, "logits = x @ w"), line_of(one_device, "softmax")}
    for row in answer.rows:
        assert row.program == "scores#1"
        assert row.added_by_xla or (row.file == str(one_device.script) and set(row.lines) <= lines and row.lines)
        assert set(row.equations) <= set(equations)
    dots = [row for row in answer.rows if any(equations[path].primitive == "dot_general" for path in row.equations)]
    assert len(dots) == 1 and dots[0].flops >= 2 * 128 * 256 * 64
    # The fusion's root is the softmax's exp; its work is the product's, and so is its line.
    assert dots[0].user_line == line_of(one_device, "logits = x @ w") and len(dots[0].lines) == 2
    assert answer.calls_seen == 23


def test_equations_share_out_the_time_of_their_ops(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        for name in ("loop#1", "scores#1"):
            answer, ops = query("equations", source, program=name), query("ops", source, program=name)
            rows = {row.path: row for row in answer.rows}
            linked = [row for row in ops.rows if row.equations]
            assert sum(row.self_ns or 0 for row in rows.values()) == sum(row.self_ns for row in linked)
            assert answer.op_ns == ops.self_ns and answer.equation_coverage == pytest.approx(ops.equation_coverage)
            for row in rows.values():
                assert (row.self_ns is None) == (row.exact_ns is None) == (row.estimated_ns is None)
                assert row.self_ns is None or row.self_ns == row.exact_ns + row.estimated_ns
                inside = [other.self_ns or 0 for other in rows.values() if other.path.startswith(f"{row.path}.")]
                assert row.total_ns is None or row.total_ns == (row.self_ns or 0) + sum(inside)
                assert row.instructions or row.self_ns is None
            for op in linked:
                if len(op.equations) == 1 and op.equations_exact:
                    assert rows[op.equations[0]].exact_ns >= op.self_ns
        loop = {row.path: row for row in query("equations", source, program="loop").rows}
        assert [loop[path].primitive for path in ("0", "0.0", "0.1")] == ["scan", "dot_general", "tanh"]
        assert loop["0.0"].self_ns > 0 and loop["0.1"].self_ns > 0
        scores = query("equations", source, program="scores#1").rows
        assert any(row.state == "folded" and row.self_ns is None for row in scores)


def test_an_instruction_of_one_equation_is_at_its_line(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        for name in ("loop#1", "scores#1"):
            places = {row.path: (row.file, row.line) for row in query("equations", source, program=name).rows}
            module = parse_hlo(query("stage", source, program=name, stage="optimized").text)
            linked = [node for node in query("graph", source, program=name).nodes if len(node.equations) == 1]
            named = [(node, module.get(node.name).stack[0]) for node in linked if module.get(node.name).stack]
            assert len(named) > 5
            assert all((frame.file, frame.line) == places[node.equations[0]] for node, frame in named)
            assert all(file == str(one_device.script) for file, _ in places.values())


def test_eager_ops_are_at_the_line_that_dispatched_them(one_device: Recorded) -> None:
    with open_source(one_device.path) as source:
        eager = [row for row in query("ops", source).rows if row.program and row.program.startswith("broadcast_in_dim")]
        functions = query("functions", source).functions
    assert eager and {row.file for row in eager} == {str(one_device.script)}
    assert "broadcast_in_dim" not in {row.name for row in functions}


@pytest.mark.parametrize("fixture", ["one_device", "eight_devices"])
def test_equations_of_all_programs_add_up_to_all_ops(fixture: str, request: pytest.FixtureRequest) -> None:
    """An eager primitive is one equation, at the line that dispatched it."""
    with open_source(request.getfixturevalue(fixture).path) as source:
        ops, equations = query("ops", source), query("equations", source)
        eager = [row for row in equations.rows if row.state == "eager"]
        for row in eager:
            mine = [op for op in ops.rows if op.program == row.program]
            assert {op.equations for op in mine} == {(row.path,)} and all(op.equations_exact for op in mine)
            assert {(op.file, op.line) for op in mine} == {(row.file, row.line)}
            assert row.self_ns == row.exact_ns == sum(op.self_ns for op in mine)
            assert query("equations", source, program=row.program).rows == (row,)
    assert eager and ops.self_ns == equations.op_ns
    assert equations.equation_coverage == pytest.approx(ops.equation_coverage)
    assert sum(row.self_ns or 0 for row in equations.rows) == pytest.approx(ops.self_ns, rel=0.01)


def test_devices_are_simulated_and_exchange_along_an_axis(eight_devices: Recorded) -> None:
    with open_source(eight_devices.path) as source:
        devices = query("devices", source, program="train").rows
        rows = query("collectives", source, program="train").rows
    assert [(row.device, row.simulated, row.calls) for row in devices] == [(str(i), True, 9) for i in range(8)]
    expected = parse_hlo(eight_devices.facts["train#1"]["optimized"])
    names = {each.name for each in expected.instructions() if each.opcode.startswith(("all-", "collective-"))}
    assert {row.instruction for row in rows} == names
    reduced = [row for row in rows if row.kind == "all-reduce"]
    assert {row.device for row in reduced} == {str(i) for i in range(8)}
    assert all(row.mesh_axes == ("data",) and row.count == 9 and row.time_ns > 0 for row in reduced)
    assert reduced[0].groups == ((0, 2, 4, 6), (1, 3, 5, 7))
    assert reduced[0].bytes == 256 * 64 * 4


def test_graph_is_that_of_the_module(one_device: Recorded) -> None:
    module = parse_hlo(one_device.facts["loop#1"]["optimized"])
    with open_source(one_device.path) as source:
        answer = query("graph", source, program="loop")
        ops = query("ops", source, program="loop").rows
    assert {node.name for node in answer.nodes} == set(module.names)
    assert {node.name: node.self_ns for node in answer.nodes if node.self_ns is not None} == {
        row.op: row.self_ns for row in ops
    }


def test_an_hlo_file_and_a_dump_folder_give_the_same_graph(one_device: Recorded, tmp_path: Path) -> None:
    text = one_device.facts["loop#1"]["optimized"]
    file = tmp_path / "module_0003.jit_loop.cpu_after_optimizations.txt"
    file.write_text(text)
    with open_source(file) as single, open_source(tmp_path) as folder, open_source(one_device.path) as source:
        nodes = [node.id for node in query("graph", source, program="loop").nodes]
        assert [node.id for node in query("graph", single).nodes] == nodes
        assert [node.id for node in query("graph", folder, program="jit_loop").nodes] == nodes
        assert query("stage", folder, program="3").text == text
        assert [row.id for row in query("programs", folder).programs] == ["jit_loop#3"]


def test_a_profile_by_itself_has_the_ops_of_the_run(one_device: Recorded, tmp_path: Path) -> None:
    with Reader(one_device.path) as reader:
        (data,) = [chunk.data for chunk in reader.chunks("profile")]
    file = tmp_path / "t.xplane.pb"
    file.write_bytes(data)
    with open_source(file) as profile, open_source(one_device.path) as source:
        left, right = query("ops", profile), query("ops", source)
        assert [(row.op, row.self_ns) for row in left.rows] == [(row.op, row.self_ns) for row in right.rows]
        assert left.coverage == right.coverage
        one = query("ops", profile, program="loop")
        assert {row.module for row in one.rows} == {"jit_loop"}
        busy = [(row.device, row.busy_ns) for row in query("devices", source).rows]
        assert [(row.device, row.busy_ns) for row in query("devices", profile).rows] == busy


def test_op_times_kept_on_disk_are_used_and_not_trusted(one_device: Recorded, cache_home: Path) -> None:
    with open_source(one_device.path) as source:
        fresh = query("ops", source)
    (kept,) = cache_home.rglob("optimes-*.json")
    with open_source(one_device.path) as source:
        assert query("ops", source) == fresh
    body = json.loads(kept.read_text())
    body["rows"][0][6] = "many"
    for text in (json.dumps(body), "{", "[]", "\x00"):
        kept.write_text(text)
        with open_source(one_device.path) as source:
            assert query("ops", source) == fresh
        assert json.loads(kept.read_text())["rows"][0][6] != "many"


def test_show_prints_exactly_the_text_of_a_stage(one_device: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(one_device.path), "stage", "--program", "scores#2", "--stage", "optimized"]) == 0
    with open_source(one_device.path) as source:
        assert capsys.readouterr().out == query("stage", source, program="scores#2", stage="optimized").text


def test_filtered_rows_are_those_that_python_would_keep(one_device: Recorded, capsys: pytest.CaptureFixture) -> None:
    with open_source(one_device.path) as source:
        rows = query("ops", source).rows
        kept = query("ops", source, filter="opcode=fusion & self>1us | !(equation=0)").rows
        assert kept == tuple(
            row
            for row in rows
            if (row.opcode == "fusion" and row.self_ns > 1000)
            or not any(path == "0" or path.startswith("0.") for path in row.equations)
        )
        assert 0 < len(kept) < len(rows) and query("ops", source).rows == rows
        every = query("equations", source).rows
        assert query("equations", source, filter="folded").rows == tuple(r for r in every if r.state == "folded")
        answer = query("equations", source)
        hot = query("equations", source, filter="share>3% & primitive!=while").rows
        assert hot == tuple(
            row for row in every
            if row.primitive != "while" and row.total_ns is not None and row.total_ns > 0.03 * answer.op_ns
        )
        assert 0 < len(hot) < len(every)
    assert main([str(one_device.path), "ops", "--filter", "self>1", "--no-collect"]) == 2
    assert "self>1\n     ^ 1 needs a unit at column 6" in capsys.readouterr().err
    assert main([str(one_device.path), "ops", "--filter", "self>9000s", "--no-collect", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["rows"] == [] and "no row answers" in told.err


def test_the_graph_of_a_jaxpr(one_device):
    """Its nodes are the equations, its times those of the view `equations`, split ones marked."""
    with open_source(one_device.path) as source:
        program = query("programs", source).programs[0].id
        answer = query("graph", source, program=program, stage="jaxpr")
        rows = {row.path: row for row in query("equations", source, program=program).rows}
        assert {node.id for node in answer.nodes} == set(rows)
        assert all(node.self_ns == rows[node.id].self_ns and node.equations == (node.id,) for node in answer.nodes)
        assert all(node.estimated == bool(rows[node.id].estimated_ns) for node in answer.nodes)
        assert {edge.source for edge in answer.edges} | {edge.target for edge in answer.edges} <= set(rows)
        assert {node.group for node in answer.nodes} <= {None, *(group.id for group in answer.groups)}
