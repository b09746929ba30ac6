"""CPU, GPU and TPU forms written by hand, with times that can be added up in the head."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.traces.build_space import SpaceBuilder, hlo_proto
from xlascope.traces import OpTimes, ProfileError, merge, op_table, read_profile
from xlascope.traces.optable import is_collective


def rows_of(times: OpTimes) -> dict[tuple[str, str], tuple[int, int, int]]:
    return {(row.device, row.op): (row.count, row.total_ns, row.self_ns) for row in times.rows}


def problems_of(times: OpTimes) -> set[str]:
    return {problem.kind for problem in times.problems}


def cpu_op(plane, line, op: str, start: int, end: int, key: int, run: int = -7, device: int = 0, **more) -> None:
    stats = {"hlo_op": op, "hlo_module": "jit_f", "program_id": 3, "run_id": run, "device_ordinal": device, "_p": key}
    plane.event(line, op, start, end, **{**stats, **more})


def marker(plane, line, op: str, at: int, key: int) -> None:
    plane.event(line, f"end: {op}", at, at + 1, _c=key, _ct=0)


# -- CPU -------------------------------------------------------------------------------------------------------


def test_an_op_ends_at_its_marker_on_another_thread() -> None:
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    first, second = plane.line("tf_XLAEigen/1", 1000), plane.line("tf_XLAEigen/2", 2000)
    cpu_op(plane, first, "dot", 5000, 5010, key=1)
    marker(plane, second, "dot", 6000, key=1)
    times = op_table(read_profile(builder.bytes()))
    assert rows_of(times) == {("0", "dot"): (1, 1000, 1000)}
    assert times.devices[0].busy_ns == 1000


def test_a_marker_of_another_name_or_time_is_not_taken() -> None:
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    cpu_op(plane, line, "dot", 100, 110, key=1)
    cpu_op(plane, line, "add", 200, 220, key=2)
    marker(plane, line, "mul", 900, key=1)
    marker(plane, line, "add", 50, key=2)
    cpu_op(plane, line, "neg", 300, 310, key=3)
    marker(plane, line, "neg", 305, key=3)
    times = op_table(read_profile(builder.bytes()))
    assert {op: total for (_, op), (_, total, _) in rows_of(times).items()} == {"dot": 10, "add": 20, "neg": 5}
    assert {(p.kind, p.count) for p in times.problems if p.kind == "unfinished"} == {("unfinished", 2)}


def test_a_loop_that_outlasts_the_profile_lasts_as_long_as_what_ran_inside_of_it() -> None:
    """The launch of the loop takes 5; its body's events go on until 400, and the profile ends before its marker."""
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    cpu_op(plane, line, "while", 100, 105, key=1)
    for key, start in enumerate((120, 220, 320), 2):
        cpu_op(plane, line, "dot", start, start + 10, key=key)
        marker(plane, line, "dot", start + 80, key=key)
    times = op_table(read_profile(builder.bytes()), {3: {"dot": "while"}})
    assert rows_of(times)["0", "while"] == (1, 300, 60) and rows_of(times)["0", "dot"] == (3, 240, 240)
    assert times.coverage == 1.0
    assert "unfinished" in {problem.kind for problem in times.problems}


def test_loop_body_is_nested_by_the_call_graph_and_parallel_ops_share() -> None:
    """while 0..100 with body a 10..40 and b 30..60; c 90..110 runs beside the loop, and is none of its body."""
    builder = SpaceBuilder()
    meta = builder.plane("/host:metadata")
    proto = hlo_proto(
        "jit_f",
        {
            "body": [("a", "dot", []), ("b", "add", [])],
            "main": [("while.1", "while", ["body"]), ("c", "copy", [])],
        },
    )
    meta.event_id("jit_f(3)", stats={"Hlo Proto": proto, "program_id": 3})
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    for key, (op, start, end) in enumerate([("while.1", 0, 100), ("a", 10, 40), ("b", 30, 60), ("c", 90, 110)]):
        cpu_op(plane, line, op, start, end, key=key)
    times = op_table(read_profile(builder.bytes()))
    assert times.nesting == "call graph"
    # while alone 0..10 and 60..90, shared with c 90..100; a and b share 30..40
    assert rows_of(times) == {
        ("0", "while.1"): (1, 100, 45),
        ("0", "a"): (1, 30, 25),
        ("0", "b"): (1, 30, 25),
        ("0", "c"): (1, 20, 15),
    }
    assert {row.op: row.opcode for row in times.rows}["a"] == "dot"


def test_a_caller_without_events_is_passed_over() -> None:
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    cpu_op(plane, line, "while.1", 0, 100, key=1)
    cpu_op(plane, line, "inner", 20, 50, key=2)
    parents = {"jit_f": {"inner": "call.1", "call.1": ["while.1", "while.9"]}}
    assert rows_of(op_table(read_profile(builder.bytes()), parents)) == {
        ("0", "while.1"): (1, 100, 70),
        ("0", "inner"): (1, 30, 30),
    }


def test_calls_are_distinct_runs_of_a_program_and_busy_is_their_union() -> None:
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    for key, (run, start) in enumerate([(1, 0), (1, 50), (2, 70), (3, 1000)]):
        cpu_op(plane, line, "a", start, start + 10, key=key, run=run)
    times = op_table(read_profile(builder.bytes()))
    assert times.calls_of(3) == 3 and times.calls_of(99) is None
    (device,) = times.devices
    assert (device.busy_ns, device.op_ns) == (60 + 10 + 10, 40)
    assert device.coverage == 0.5
    assert (device.idle_ns, device.window_ns) == (None, None)


def test_the_end_of_a_lost_op_keeps_its_run_busy() -> None:
    """Ops a 0..10, b 10..30, c 30..100 of one run; the event of c is lost, its marker is there."""
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    cpu_op(plane, line, "a", 0, 10, key=1 << 32)
    cpu_op(plane, line, "b", 10, 30, key=(1 << 32) + 1)
    marker(plane, line, "c", 100, key=(1 << 32) + 2)
    times = op_table(read_profile(builder.bytes()))
    (device,) = times.devices
    assert (device.busy_ns, device.op_ns) == (100, 30)
    assert "unstarted" in problems_of(times)


def test_a_lost_op_belongs_to_the_nearer_of_two_runs() -> None:
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    cpu_op(plane, line, "a", 0, 10, key=1, run=1)
    marker(plane, line, "a", 500, key=2)
    cpu_op(plane, line, "b", 510, 520, key=3, run=2)
    (device,) = op_table(read_profile(builder.bytes())).devices
    assert device.busy_ns == 10 + 20


def test_texts_in_the_events_count_like_references() -> None:
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    plane.event(line, "x", 0, 10, inline=True, hlo_op="dot", hlo_module="jit_f", program_id=3, run_id=1)
    plane.event(line, "x", 20, 30, hlo_op="dot", hlo_module="jit_f", program_id=3, run_id=1)
    times = op_table(read_profile(builder.bytes()))
    assert rows_of(times) == {("0", "dot"): (2, 20, 20)}
    assert "device" in problems_of(times)


def test_host_calls_are_kept_apart_from_ops() -> None:
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    line = plane.line("python")
    plane.event(line, "PjitFunction(train)", 0, 100)
    plane.event(line, "CpuCompiler::RunBackend", 50, 60)
    for other in ("ParseArguments", "$compiler.py:1 backend_compile", "end: Codegen"):
        plane.event(line, other, 0, 5)
    cpu_op(plane, line, "a", 10, 20, key=1)
    profile = read_profile(builder.bytes())
    assert [profile.names[i] for i in profile.host.name] == ["PjitFunction(train)", "CpuCompiler::RunBackend"]
    assert (profile.host.start_ps[0], profile.host.end_ps[0]) == (0, 100_000)
    assert len(profile.ops) == 1


# -- GPU -------------------------------------------------------------------------------------------------------


def gpu_plane(builder: SpaceBuilder, ordinal: int = 0):
    plane = builder.plane(f"/device:GPU:{ordinal}")
    compute, copies = plane.line("Stream #17(Kernel)"), plane.line("Stream #18(MemcpyD2H)")
    plane.event(compute, "gemm", 0, 100, hlo_op="dot.1", hlo_module="jit_f", program_id=3, correlation_id=1)
    plane.event(compute, "loop_add", 120, 150, hlo_op="fusion.2", hlo_module="jit_f", program_id=3, correlation_id=2)
    plane.event(copies, "MemcpyD2H", 140, 200, correlation_id=3)
    derived = plane.line("XLA Ops")
    plane.event(derived, "dot.1", 0, 100, hlo_op="dot.1", hlo_module="jit_f")
    return plane, compute


def test_gpu_busy_is_the_union_of_its_streams() -> None:
    builder = SpaceBuilder()
    gpu_plane(builder)
    host = builder.plane("/host:CPU")
    launches = host.line("python")
    host.event(launches, "launch", 0, 9, hlo_op="dot.1", hlo_module="jit_f", program_id=3, correlation_id=1)
    times = op_table(read_profile(builder.bytes()))
    assert rows_of(times) == {("0", "dot.1"): (1, 100, 100), ("0", "fusion.2"): (1, 30, 30)}
    (device,) = times.devices
    assert (device.kind, device.busy_ns, device.op_ns) == ("gpu", 180, 130)
    assert "command_buffers" not in problems_of(times)


def test_gpu_command_buffers_are_told() -> None:
    builder = SpaceBuilder()
    plane, compute = gpu_plane(builder)
    plane.event(compute, "CommandBuffer::Execute", 300, 400)
    times = op_table(read_profile(builder.bytes()))
    assert [p.count for p in times.problems if p.kind == "command_buffers"] == [1]
    assert times.coverage is not None and times.coverage < 0.5


def test_parallel_streams_share_an_instant() -> None:
    builder = SpaceBuilder()
    plane, _ = gpu_plane(builder)
    nccl = plane.line("Stream #19(Kernel)")
    plane.event(nccl, "ncclKernel", 50, 150, hlo_op="all-reduce-start.1", hlo_module="jit_f", program_id=3)
    times = op_table(read_profile(builder.bytes()))
    assert rows_of(times) == {
        ("0", "dot.1"): (1, 100, 75),
        ("0", "fusion.2"): (1, 30, 15),
        ("0", "all-reduce-start.1"): (1, 100, 60),
    }
    assert times.devices[0].collective_ns == 100


def test_fusions_that_are_a_collective() -> None:
    named = ("async-collective-start", "async-collective-done.3", "async-collective-fusion.1", "fusion.2")
    assert [is_collective(name, "fusion") for name in named] == [True, True, False, False]


# -- TPU -------------------------------------------------------------------------------------------------------


def tpu_space(cores: int = 2) -> SpaceBuilder:
    """Two executions of one module on each core; a loop holds its body by time, on the line of ops."""
    builder = SpaceBuilder()
    builder.plane("Task Environment", {"profile_start_time": 1_000_000_000, "profile_stop_time": 1_000_003_000})
    for core in range(cores):
        plane = builder.plane(f"/device:TPU:{core}", {"device_type_string": "TPU v5e"})
        steps, modules, ops = plane.line("Steps", 50), plane.line("XLA Modules", 50), plane.line("XLA Ops", 50)
        other = plane.line("Async XLA Ops", 50)
        plane.event_id(
            "%while.7 = (s32[], f32[8]) while(%tuple), body=%body",
            "while.7",
            {"hlo_category": "while", "program_id": 42, "flops": 10},
        )
        plane.event_id("%fusion.3 = f32[8]{0} fusion(%p), kind=kLoop", "fusion.3", {"program_id": 42})
        plane.event_id("%copy.1 = f32[8]{0} copy(%p)", "", {"program_id": 42})
        for run, at in enumerate((100, 1100)):
            plane.event(steps, str(run), at, at + 400)
            plane.event(modules, "jit_train(42)", at, at + 400, run_id=run, device_ordinal=core)
            plane.event(ops, "%while.7 = (s32[], f32[8]) while(%tuple), body=%body", at + 10, at + 310)
            plane.event(ops, "%fusion.3 = f32[8]{0} fusion(%p), kind=kLoop", at + 20, at + 120)
            plane.event(ops, "%fusion.3 = f32[8]{0} fusion(%p), kind=kLoop", at + 150, at + 250)
            plane.event(ops, "%copy.1 = f32[8]{0} copy(%p)", at + 320, at + 390)
            plane.event(other, "%copy-start.1 = f32[8]{0} copy-start(%p)", at, at + 400)
    return builder


def test_tpu_form() -> None:
    times = op_table(read_profile(tpu_space().bytes()))
    for core in ("0", "1"):
        assert rows_of(times)[core, "while.7"] == (2, 600, 200)
        assert rows_of(times)[core, "fusion.3"] == (4, 400, 400)
        assert rows_of(times)[core, "copy.1"] == (2, 140, 140)
    assert {(row.program_id, row.module, row.kind) for row in times.rows} == {(42, "jit_train", "tpu")}
    assert times.calls_of(42) == 2
    for device in times.devices:
        assert (device.busy_ns, device.op_ns, device.idle_ns) == (800, 740, 2200)
        assert not device.simulated
    assert not times.problems


# -- what is wrong with a profile -------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"not a profile at all", b"\x1f\x8b\x08compressed", b"\x0a", b"\xff" * 40, b"{}"])
def test_what_is_no_profile_is_refused_with_its_place(data: bytes) -> None:
    with pytest.raises(ProfileError) as caught:
        read_profile(data)
    assert 0 <= caught.value.place <= len(data)
    assert "byte" in str(caught.value)


def test_an_empty_profile_is_empty_not_zero(tmp_path: Path) -> None:
    path = tmp_path / "empty.xplane.pb"
    path.write_bytes(b"")
    for source in (b"", path):
        times = op_table(read_profile(source))
        assert problems_of(times) == {"empty"}
        assert times.coverage is None and times.window_ns is None and times.rows == ()


def test_a_file_gives_what_its_bytes_give(tmp_path: Path) -> None:
    path = tmp_path / "x.xplane.pb"
    path.write_bytes(tpu_space().bytes())
    assert (
        op_table(read_profile(path)) == op_table(read_profile(str(path))) == op_table(read_profile(path.read_bytes()))
    )


def test_a_cut_profile_keeps_its_whole_planes() -> None:
    data = tpu_space().bytes()
    planes = tpu_space().space.planes
    keep = len(data) - len(planes[-1].SerializeToString()) // 2
    times = op_table(read_profile(data[:keep]))
    assert "truncated" in problems_of(times)
    assert rows_of(times)["0", "while.7"] == (2, 600, 200)
    # The names stand behind the events: these are there, and nothing can be said of them.
    assert any("lack names" in each.text for each in times.problems)


def test_a_profile_cut_before_its_names_is_refused() -> None:
    data = tpu_space(1).bytes()
    with pytest.raises(ProfileError, match="cut off before anything that could be shown") as caught:
        read_profile(data[: len(data) // 8])
    assert caught.value.place == len(data) // 8


@pytest.mark.parametrize(("last_ns", "told"), [(100, True), (3_000_000, False)])
def test_a_profile_that_falls_silent_at_the_cap(monkeypatch: pytest.MonkeyPatch, last_ns: int, told: bool) -> None:
    monkeypatch.setattr("xlascope.traces.build.EVENT_CAP", 10)
    builder = SpaceBuilder()
    builder.plane("Task Environment", {"profile_start_time": 1_000_000_000, "profile_stop_time": 1_003_000_000})
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    for key in range(20):
        cpu_op(plane, line, "a", key, key + 1, key=key)
    plane.event(line, "other", last_ns, last_ns + 1)
    assert ("capped" in problems_of(op_table(read_profile(builder.bytes())))) is told


@pytest.mark.parametrize(("count", "told"), [(999, False), (1000, True), (1010, True), (1011, False)])
def test_a_profile_of_just_the_cap(monkeypatch: pytest.MonkeyPatch, count: int, told: bool) -> None:
    monkeypatch.setattr("xlascope.traces.build.EVENT_CAP", 1000)
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    for key in range(count):
        plane.event(line, "x", key, key + 1)
    assert ("capped" in problems_of(op_table(read_profile(builder.bytes())))) is told


def test_profiler_warnings_are_passed_on() -> None:
    builder = tpu_space()
    builder.space.warnings.append("dropped 12 events")
    times = op_table(read_profile(builder.bytes()))
    assert [p.text for p in times.problems if p.kind == "profiler"] == ["dropped 12 events"]


def test_merge_keeps_unknown_unknown() -> None:
    builder = SpaceBuilder()
    gpu_plane(builder)
    gpu = op_table(read_profile(builder.bytes()))
    tpu = op_table(read_profile(tpu_space(1).bytes()))
    both = merge([gpu, tpu])
    assert both.window_ns is None and all(device.idle_ns is None for device in both.devices)
    assert both.calls_of(3) is None and both.calls_of(42) == 2
    assert {(d.kind, d.device) for d in both.devices} == {("gpu", "0"), ("tpu", "0")}


def buffered_space() -> SpaceBuilder:
    """A command buffer of two ops: once traced as one event, once as kernels that name the buffer alone."""
    builder = SpaceBuilder()
    meta = builder.plane("/host:metadata")
    proto = hlo_proto(
        "jit_f",
        {
            "command_buffer": [("p", "parameter", []), ("fusion.1", "fusion", []), ("fusion.2", "fusion", [])],
            "main": [("call", "call", ["command_buffer"]), ("dot", "dot", [])],
        },
    )
    meta.event_id("jit_f(3)", stats={"Hlo Proto": proto, "program_id": 3})
    plane = builder.plane("/device:GPU:0")
    line = plane.line("Stream #1(Kernel)")
    of = {"hlo_module": "jit_f", "program_id": 3}
    plane.event(line, "gemm", 0, 100, hlo_op="dot", cuda_graph_id=0, **of)
    plane.event(line, "CudaGraphExec:7", 200, 300, cuda_graph_exec_id=7)
    plane.event(line, "fusion_1", 400, 440, hlo_op="command_buffer", cuda_graph_id=7, **of)
    plane.event(line, "fusion_2", 430, 460, hlo_op="command_buffer", cuda_graph_id=7, **of)
    builder.plane("/device:GPU:1").line("Stream #1(Kernel)")
    return builder


def test_command_buffers_tell_their_time_and_the_ops_they_hide() -> None:
    times = op_table(read_profile(buffered_space().bytes()))
    assert rows_of(times) == {("0", "dot"): (1, 100, 100), ("0", "command_buffer"): (2, 70, 60)}
    said = [(p.count, p.text) for p in times.problems if p.kind == "command_buffers"]
    assert [count for count, _ in said] == [3, 2]
    assert "0.00016 ms of device time" in said[0][1] and "fusion.1, fusion.2." in said[1][1]


def test_a_device_that_did_nothing_is_none_of_the_devices() -> None:
    (device,) = op_table(read_profile(buffered_space().bytes())).devices
    assert (device.device, device.busy_ns) == ("0", 260)


@pytest.mark.parametrize("shift", [0, 200, 20_000, 3_000_000])
def test_stats_whose_ids_are_large(shift: int) -> None:
    """A plane numbers its stats and their texts alike: of many texts some ids take three bytes and more."""
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    for number in range(40):
        cpu_op(plane, line, f"op.{number % 4}", number * 100, number * 100 + 10, key=number + 1, run=number)
    plain = op_table(read_profile(builder.bytes()))
    assert len(plain.rows) == 4
    for entry in plane.proto.stat_metadata:
        entry.key += shift
        entry.value.id += shift
    for event in line.events:
        for stat in event.stats:
            stat.metadata_id += shift
            if stat.HasField("ref_value"):
                stat.ref_value += shift
    assert op_table(read_profile(builder.bytes())) == plain
