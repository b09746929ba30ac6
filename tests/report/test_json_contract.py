"""The JSON of every view: its schema, and the keys that scripts rely on."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest
from recorded_scripts import Recorded

from xlascope.cli.show import main
from xlascope.report.as_json import plain
from xlascope.views import VIEWS

SCHEMAS = Path(__file__).parents[2] / "xlascope" / "report" / "schemas"
# View → keys; "rows.x" is key x of the entries of rows.
KEYS = {
    "run": "script argv exit_code state wall_ns python jax machine phases phases.name phases.ns dropped dropped.what "
    "dropped.count dropped.why not_captured not_captured.name not_captured.file not_captured.line not_captured.reason",
    "functions": "functions.name functions.file functions.line functions.calls functions.calls_exact "
    "functions.device_ns functions.share functions.compile_ns functions.programs",
    "programs": "programs.id programs.function programs.signature programs.calls programs.equations "
    "programs.variants programs.args",
    "compiles": "compiles.name compiles.file compiles.line compiles.reason compiles.trace_ns compiles.lower_ns "
    "compiles.compile_ns compiles.runs",
    "output": "chunks.stream chunks.t_ns chunks.text truncated",
    "stage": "stage text",
    "graph": "nodes.id nodes.opcode nodes.shape nodes.computation nodes.group nodes.equations nodes.added_by_xla "
    "nodes.owner nodes.self_ns edges.from edges.to edges.operand edges.shape groups.id groups.kind groups.parent "
    "groups.self_ns",
    "ops": "rows.program rows.op rows.opcode rows.device rows.count rows.total_ns rows.self_ns rows.equations "
    "rows.added_by_xla rows.file rows.line rows.flops rows.bytes coverage calls_seen window_ns dropped",
    "equations": "rows.program rows.path rows.parent rows.primitive rows.file rows.line rows.self_ns rows.exact_ns "
    "rows.estimated_ns rows.instructions",
    "links": "rows.line rows.equations rows.added_by_xla rows.owner rows.instruction rows.text stage exact note",
    "machine": "rows.kernel rows.instruction rows.symbol rows.bytes rows.instructions rows.vector_bits rows.mix "
    "rows.equations rows.self_ns without.instruction without.why note",
    "devices": "rows.device rows.kind rows.simulated rows.busy_ns rows.collective_ns rows.idle_ns",
    "variants": "rows.id rows.variant rows.switches rows.place rows.args rows.median_ns rows.ci_low_ns rows.ci_high_ns "
    "rows.samples rows.baseline_median_ns rows.ratio rows.ratio_ci_low rows.ratio_ci_high rows.verdict "
    "rows.fusions_before rows.fusions_after rows.max_abs_error rows.compile_ns rows.peak_bytes rows.predicted_ns "
    "rows.collectives",
    "passes": "passes.index passes.pipeline passes.pass passes.changed passes.group passes.instructions passes.added "
    "passes.removed passes.duration_ns",
    "history": "events.pass_index events.pass events.event events.names",
    "diff": "from to same changed.name changed.before moved removed.text added.text unified",
    "compare": "programs.function programs.a_ns programs.b_ns programs.ratio programs.ratio_ci_low "
    "programs.ratio_ci_high programs.verdict programs.equations programs.max_abs_error only_a only_b",
    "predictions": "rows.program rows.op rows.opcode rows.predicted_ns rows.cycles rows.times rows.equations rows.file "
    "rows.line variant target total_ns by",
    "memory": "peak_bytes buffers buffers.instruction buffers.size_bytes buffers.live_from buffers.live_to "
    "buffers.file buffers.line",
    "collectives": "rows.kind rows.instruction rows.equation rows.file rows.line rows.bytes rows.groups "
    "rows.mesh_axes rows.time_ns rows.device",
    "sharding": "arrays arrays.name arrays.role arrays.shape arrays.spec arrays.why arrays.bytes_per_device arrays.blocks "
    "mesh devices ranking scaling held",
}  # fmt: skip
OPTIONS = {"stage": ["--stage", "jaxpr"], "history": ["--equation", "0"]}


def schema(view: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / f"{view}.json").read_text())


def shown(path: Path, view: str, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main([str(path), view, "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_view_has_a_schema_and_every_schema_a_view() -> None:
    assert {file.stem for file in SCHEMAS.glob("*.json")} == {view.name for view in VIEWS} == set(KEYS)


@pytest.mark.parametrize("view", sorted(KEYS))
def test_the_schema_requires_the_keys_of_the_contract(view: str) -> None:
    body = schema(view)
    jsonschema.Draft202012Validator.check_schema(body)
    assert {"schema", "view"} <= set(body["required"])
    for key in KEYS[view].split():
        outer, _, inner = key.partition(".")
        assert outer in body["required"], key
        if inner:
            entry = body["$defs"][body["properties"][outer]["items"]["$ref"].rpartition("/")[2]]
            assert inner in entry["required"] and inner in entry["properties"], key


@pytest.mark.parametrize("fixture", ["one_device", "eight_devices", "crafted"])
@pytest.mark.parametrize("view", sorted(KEYS))
def test_the_json_of_a_run_fits_its_schema(
    view: str, fixture: str, run_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run_path if fixture == "crafted" else request.getfixturevalue(fixture).path
    body = shown(path, view, capsys, *OPTIONS.get(view, []))
    jsonschema.Draft202012Validator(schema(view)).validate(body)
    assert body["schema"] == 1 and body["view"] == view


def test_times_are_whole_numbers_and_unknown_is_null(run_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (row, *_) = shown(run_path, "functions", capsys)["functions"]
    assert row["device_ns"] is None and row["share"] is None
    assert type(row["compile_ns"]) is int


def test_edges_say_from_and_to(one_device: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    body = shown(one_device.path, "graph", capsys, "--program", "loop")
    names = {node["id"] for node in body["nodes"]}
    assert body["edges"] and all(edge["from"] in names and edge["to"] in names for edge in body["edges"])
    assert "graph" not in body


@dataclass(frozen=True, slots=True)
class _Odd:
    JSON_KEYS: ClassVar[dict[str, str]] = {"pass_": "pass"}

    pass_: tuple[float, ...]
    text: str


def test_what_json_cannot_say_is_null_and_lone_surrogates_stay_ascii() -> None:
    assert plain(_Odd((float("nan"), float("inf"), 1.5), "x")) == {"pass": [None, None, 1.5], "text": "x"}
    out = io.BytesIO()
    from xlascope.report.as_json import dumps

    out.write(dumps("x", _Odd((), "\udcff")).encode("ascii"))
    assert json.loads(out.getvalue())["text"] == "\udcff"
