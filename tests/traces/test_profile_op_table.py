"""Times per op against an independent slow sum, on profiles of real programs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from tests.traces.conftest import Recorded
from tests.traces.naive import Naive, naive_sums
from tests.traces.xspace_proto import XSpace
from xlascope.traces import Profile, merge, op_table, read_profile
from xlascope.traces.hlo_graph import call_graph


def test_sums_equal_an_independent_sweep(recorded: Recorded, naive: Naive) -> None:
    times = op_table(read_profile(recorded.data))
    rows = {(row.device, row.program_id, row.op): row for row in times.rows}
    assert {key: row.count for key, row in rows.items()} == dict(naive.count)
    for key, row in rows.items():
        assert row.total_ns == pytest.approx(naive.total[key] / 1000, abs=0.6)
        assert row.self_ns == pytest.approx(float(naive.own[key]) / 1000, abs=1.1)
    for device in times.devices:
        assert device.busy_ns == pytest.approx(naive.busy[device.device] / 1000, abs=0.6)
        assert device.op_ns == pytest.approx(naive.covered[device.device] / 1000, abs=0.6)


def test_self_times_add_up_to_covered_time(recorded: Recorded) -> None:
    times = op_table(read_profile(recorded.data))
    for device in times.devices:
        own = sum(row.self_ns for row in times.rows if row.device == device.device)
        assert own == pytest.approx(device.op_ns, abs=1)


def test_coverage_of_a_training_step(recorded: Recorded) -> None:
    profile = read_profile(recorded.data)
    train = [i for i, program in enumerate(profile.programs) if program.program_id == recorded.train]
    step = replace(profile, ops=profile.ops.take(np.isin(profile.ops.program, train)))
    times = op_table(step)
    assert len(times.devices) == recorded.devices
    assert times.coverage is not None and 0.95 <= times.coverage <= 1


def test_calls_are_exact(recorded: Recorded, naive: Naive) -> None:
    """Four functions of one name, one of them also called on a thread, keep their own counts."""
    times = op_table(read_profile(recorded.data))
    for program, calls in recorded.calls.items():
        assert times.calls_of(program) == calls == naive.calls[program]
    same = [row.program_id for row in times.calls if row.module == "jit_step"]
    assert len(set(same)) == 4


def test_a_loop_does_not_contain_its_body(one_device: Recorded) -> None:
    times = op_table(read_profile(one_device.data))
    loops = [row for row in times.rows if row.opcode == "while" and row.program_id == one_device.train]
    assert loops
    for loop in loops:
        assert loop.self_ns < 0.2 * loop.total_ns


def test_removing_an_event_lowers_coverage(one_device: Recorded) -> None:
    """Events are removed from the bytes; busy time stays, because the end markers still show the op's run."""
    whole = op_table(read_profile(one_device.data))
    naive = naive_sums(one_device.data)
    top = sorted((op for op in naive.ops if op.program == one_device.train), key=lambda op: op.start - op.end)
    alone = [op for op in top if not _overlapped(op, naive.ops)][:3] or top[:1]
    assert alone
    first = min((op for op in naive.ops if op.run == alone[0].run), key=lambda op: op.start)
    last = max((op for op in naive.ops if op.run == alone[0].run), key=lambda op: op.end)
    for op in [*alone, first, last]:
        less = op_table(read_profile(_without(one_device.data, op.name, op.start)))
        assert less.coverage is not None and whole.coverage is not None
        assert sum(row.count for row in less.rows) == sum(row.count for row in whole.rows) - 1
        assert less.coverage <= whole.coverage
        assert any(problem.kind == "unstarted" for problem in less.problems)
        if op in alone:
            assert less.coverage < whole.coverage


def test_no_removal_raises_coverage(recorded: Recorded) -> None:
    """Whichever one op event is lost, coverage does not go up, nor do the runs get longer."""
    whole = op_table(read_profile(recorded.data))
    naive = naive_sums(recorded.data)
    chosen = np.random.default_rng(4).choice(len(naive.ops), 25, replace=False)
    for op in (naive.ops[int(i)] for i in chosen):
        less = op_table(read_profile(_without(recorded.data, op.name, op.start)))
        assert less.coverage is not None and whole.coverage is not None
        assert less.coverage <= whole.coverage + 1e-12
        for before, after in zip(whole.devices, less.devices, strict=True):
            assert after.busy_ns <= before.busy_ns + 1


def _overlapped(op, ops) -> bool:
    return any(o is not op and o.device == op.device and o.start < op.end and o.end > op.start for o in ops)


def _without(data: bytes, name: str, start_ps: int) -> bytes:
    space = XSpace.FromString(data)
    removed = 0
    for plane in space.planes:
        names = {entry.key: entry.value.name for entry in plane.stat_metadata}
        for line in plane.lines:
            for i, event in enumerate(line.events):
                if line.timestamp_ns * 1000 + event.offset_ps == start_ps and any(
                    names[s.metadata_id] == "hlo_op" and names[s.ref_value] == name for s in event.stats
                ):
                    del line.events[i]
                    removed += 1
                    break
    assert removed == 1
    return space.SerializeToString()


def test_without_markers_the_event_counts(one_device: Recorded) -> None:
    space = XSpace.FromString(one_device.data)
    durations = 0
    for plane in space.planes:
        names = {entry.key: entry.value.name for entry in plane.event_metadata}
        stats = {entry.key: entry.value.name for entry in plane.stat_metadata}
        for line in plane.lines:
            kept = [event for event in line.events if not names[event.metadata_id].startswith("end: ")]
            durations += sum(e.duration_ps for e in kept if any(stats[s.metadata_id] == "hlo_op" for s in e.stats))
            del line.events[:]
            line.events.extend(kept)
    profile = read_profile(space.SerializeToString())
    assert read_profile(one_device.data).ops.marked.all() and not profile.ops.marked.any()
    assert int((profile.ops.end_ps - profile.ops.start_ps).sum()) == durations > 0


def test_given_call_graph_equals_the_carried_one(one_device: Recorded) -> None:
    profile = read_profile(one_device.data)
    parents = {key: call_graph(proto).parents for key, proto in profile.hlo_protos.items()}
    bare = replace(profile, hlo_protos={})
    own = {(r.program_id, r.op): r.self_ns for r in op_table(bare, parents).rows}
    assert own == {(r.program_id, r.op): r.self_ns for r in op_table(profile).rows}


def test_containment_says_so(one_device: Recorded) -> None:
    profile = replace(read_profile(one_device.data), hlo_protos={})
    times = op_table(profile)
    assert times.nesting == "time containment"
    assert any(problem.kind == "nesting" for problem in times.problems)
    assert sum(row.self_ns for row in times.rows) == pytest.approx(sum(d.op_ns for d in times.devices), abs=1)


def test_several_cpu_devices_are_simulated(one_device: Recorded, eight_devices: Recorded) -> None:
    assert [d.simulated for d in op_table(read_profile(one_device.data)).devices] == [False]
    eight = op_table(read_profile(eight_devices.data)).devices
    assert sorted(d.device for d in eight) == [str(i) for i in range(8)]
    assert all(d.simulated for d in eight)


def test_collectives_only_where_there_are_several_devices(one_device: Recorded, eight_devices: Recorded) -> None:
    assert all(d.collective_ns == 0 for d in op_table(read_profile(one_device.data)).devices)
    for device in op_table(read_profile(eight_devices.data)).devices:
        assert 0 < device.collective_ns <= device.busy_ns
        assert device.idle_ns == device.window_ns - device.busy_ns


def test_merge_adds_windows(recorded: Recorded) -> None:
    times = op_table(read_profile(recorded.data))
    both = merge([times, times])
    assert both.windows == 2 and both.window_ns == 2 * times.window_ns
    single = {(r.program_id, r.op, r.device): (r.count, r.total_ns, r.self_ns) for r in times.rows}
    for row in both.rows:
        assert (row.count, row.total_ns, row.self_ns) == tuple(
            2 * n for n in single[row.program_id, row.op, row.device]
        )
    assert both.coverage == times.coverage
    for program, calls in recorded.calls.items():
        assert both.calls_of(program) == 2 * calls


def test_merge_of_nothing() -> None:
    empty = merge([])
    assert empty.rows == () and empty.window_ns is None and empty.coverage is None


def test_gpu_totals(mi300: bytes) -> None:
    """150 kernels on one stream: totals per op from the protobuf objects."""
    total: dict[str, int] = defaultdict(int)
    spans = []
    for plane in XSpace.FromString(mi300).planes:
        if not plane.name.startswith("/device:GPU"):
            continue
        names = {entry.key: entry.value.name for entry in plane.stat_metadata}
        for line in plane.lines:
            for event in line.events:
                (op,) = (names[s.ref_value] for s in event.stats if names[s.metadata_id] == "hlo_op")
                total[op] += event.duration_ps
                spans.append((event.offset_ps, event.offset_ps + event.duration_ps))
    profile: Profile = read_profile(mi300)
    times = op_table(profile)
    assert len(profile.ops) == len(spans) == 150
    assert {row.op: row.total_ns for row in times.rows} == {op: (ps + 500) // 1000 for op, ps in total.items()}
    (device,) = times.devices
    assert (device.kind, device.device, device.simulated) == ("gpu", "0", False)
    covered, reach = 0, 0
    for start, end in sorted(spans):
        covered += max(0, end - max(start, reach))
        reach = max(reach, end)
    assert device.busy_ns == device.op_ns == (covered + 500) // 1000
    assert {row.program_id for row in times.rows} == {17}
    assert {row.module for row in times.rows} == {"jit_loss_fn"}
    # ROCm kernels carry no run id, so the number of calls is unknown, not 0
    assert times.calls_of(17) is None
    assert [row.likely_calls for row in times.calls] == [5]
