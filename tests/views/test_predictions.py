"""The view ``predictions`` on a run made by hand: cycles by the turns of loops, rooflines, and where there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from crafted_run import TAGGED, small_run

from xlascope.ir import parse_hlo
from xlascope.ir.cost import cost
from xlascope.report.text import render
from xlascope.runfile import Writer
from xlascope.views import ViewError, open_source, query

V5E = {"clock_ghz": 1.5, "flops_per_s": 197e12, "bytes_per_s": 819e9, "memory_bytes": 1 << 34}
WITH_CYCLES = (
    TAGGED.replace("rhs_contracting_dims={0}, metadata", "rhs_contracting_dims={0}, CYCLES metadata")
    .replace("CYCLES", 'backend_config={"window_config":{"estimated_cycles":"900"}},')
    .replace("calls=%fused_computation,", 'calls=%fused_computation, backend_config={"estimated_cycles":"150"},')
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = small_run(tmp_path / "run.xlascope")
    writer = Writer(path)

    def put(identity: str, target: str | None, text: str, device: object) -> None:
        name = f"target={target}" if target else "fusion=off"
        body = {"id": identity, "switches": {}, "target": target, "device": device, "place": "lab"}
        blobs = {"optimized": text.encode(), "optimized_tagged": text.encode()}
        writer.put("variant", body, blobs, program="scores#1", variant=name)

    put("v1", "tpu:v5e:1x1", WITH_CYCLES, V5E)
    put("v2", "cuda:h100:1x1x1", TAGGED, {"flops_per_s": 1e12, "bytes_per_s": 1e12})
    put("v3", None, TAGGED, None)
    put("v4", "tpu:nobody:1x1", TAGGED, {})
    writer.close()
    return path


def test_the_cycles_of_each_op_are_the_compilers(run: Path) -> None:
    with open_source(run) as source:
        answer = query("predictions", source, program="scores#1", variant="v1")
        (total,) = [row.predicted_ns for row in query("variants", source, program="scores#1").rows if row.id == "v1"]
    told = [(row.op, row.cycles, row.times, row.predicted_ns) for row in answer.rows]
    assert told == [("dot.1", 900, 1, 600), ("exp_fusion", 150, 1, 100), ("copy.1", None, 1, None)]
    assert answer.total_ns == total == 700 and (answer.counted, answer.without) == (2, 1)
    assert [row.share for row in answer.rows] == [600 / 700, 100 / 700, None]
    assert answer.rows[0].line == 5 and answer.rows[0].opcode == "dot" and answer.rows[0].bound is None
    assert answer.target == "tpu:v5e:1x1" and answer.by == "cycles"
    text = " ".join(render("predictions", answer).split())
    assert "~600 ns" in text and "never executed" in text and "1 op has no estimate" in text


def test_what_devices_exchange_is_in_no_prediction_and_it_is_said(run: Path) -> None:
    text = WITH_CYCLES.replace("copy(%dot.1)", "all-reduce(%dot.1), replica_groups={{0,1}}, to_apply=%add").replace(
        "ENTRY", "%add (a: f32[], b: f32[]) -> f32[] {\n  %a = f32[] parameter(0)\n  %b = f32[] parameter(1)\n"
        "  ROOT %c = f32[] add(%a, %b)\n}\n\nENTRY", 1)  # fmt: skip
    writer = Writer(run)
    for identity, device in (("v6", V5E), ("v7", {"flops_per_s": 1e12, "bytes_per_s": 1e12})):
        body = {"id": identity, "target": "tpu:v5e:1x2", "device": device}
        module = text if identity == "v6" else text.replace("estimated_cycles", "other")
        writer.put("variant", body, {"optimized": module.encode()}, program="scores#1", variant=f"target={identity}")
    writer.close()
    with open_source(run) as source:
        for identity, by in (("v6", "cycles"), ("v7", "roofline")):
            answer = query("predictions", source, program="scores#1", variant=identity)
            assert (answer.by, answer.exchanges) == (by, ("copy.1",))
            assert "What devices exchange is not in it: copy.1." in " ".join(render("predictions", answer).split())
        rows = query("variants", source, program="scores#1").rows
    assert [row.prediction["exchanges"] for row in rows if row.id in ("v6", "v7")] == [["copy.1"], ["copy.1"]]


def test_a_roofline_says_what_bounds_each_op(run: Path) -> None:
    with open_source(run) as source:
        answer = query("predictions", source, program="scores#1", variant="target=cuda:h100:1x1x1")
    module = parse_hlo(TAGGED)
    rows = {row.op: row for row in answer.rows}
    for name in ("dot.1", "exp_fusion", "copy.1"):
        instruction = module.get(name)
        assert instruction is not None
        work = cost(instruction, module)
        compute, memory = (work.flops or 0) * 1e-3, (work.bytes or 0) * 1e-3
        assert rows[name].exact_ns == pytest.approx(max(compute, memory))
        assert rows[name].bound == ("compute" if compute > memory else "memory")
    assert "nobody knows" not in render("predictions", answer)
    assert answer.by == "roofline" and sum(row.exact_ns for row in answer.rows) <= (answer.total_ns or 0)


def test_what_a_call_of_a_library_moves_is_in_the_roofline_and_it_is_said(run: Path) -> None:
    text = TAGGED.replace("copy(%dot.1)", 'custom-call(%dot.1), custom_call_target="nobody"')
    writer = Writer(run)
    body = {"id": "v9", "target": "cuda:h100:1x1x1", "device": {"flops_per_s": 1e12, "bytes_per_s": 1e12}}
    writer.put("variant", body, {"optimized": text.encode()}, program="scores#1", variant="target=v9")
    writer.close()
    with open_source(run) as source:
        answer = query("predictions", source, program="scores#1", variant="v9")
    rows = {row.op: row.predicted_ns for row in answer.rows}
    assert rows["copy.1"] is None and answer.without == 1
    assert "Of 1 op nobody knows what it computes: the sum has what is moved at least." in " ".join(
        render("predictions", answer, 200).split())  # fmt: skip
    assert answer.total_ns is not None and sum(row.exact_ns for row in answer.rows) < answer.total_ns


def test_without_a_name_the_newest_that_has_a_target(run: Path) -> None:
    writer = Writer(run)
    body = {"id": "v5", "target": "tpu:v5e:2x2", "device": V5E}
    writer.put("variant", body, {"optimized": WITH_CYCLES.encode()}, program="scores#1", variant="target=tpu:v5e:2x2")
    writer.close()
    with open_source(run) as source:
        assert query("predictions", source, program="scores#1").variant == "target=tpu:v5e:2x2"


def test_where_nothing_is_foretold_it_is_said(run: Path, tmp_path: Path) -> None:
    with open_source(run) as source:
        with pytest.raises(ViewError, match="fusion=off of scores#1 was executed"):
            query("predictions", source, program="scores#1", variant="v3")
        with pytest.raises(ViewError, match="nothing is foretold of target=tpu:nobody"):
            query("predictions", source, program="scores#1", variant="v4")
    with open_source(small_run(tmp_path / "other.xlascope")) as source:
        answer = query("predictions", source, program="scores#1")
    assert (answer.rows, answer.variant, answer.total_ns) == ((), None, None)
    assert "measure RUN --target tpu:v5e:2x4" in " ".join(render("predictions", answer).split())
