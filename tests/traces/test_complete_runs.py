"""Which executions a profile holds whole, told by the ops of the entry computation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tests.traces.conftest import Recorded
from xlascope.traces import Profile, call_graph, complete_runs, read_profile
from xlascope.traces.hlo_graph import NO_KERNEL


def _without(profile: Profile, row: int) -> Profile:
    return replace(profile, ops=profile.ops.take(np.arange(len(profile.ops)) != row))


def _rows(profile: Profile, program_id: int) -> np.ndarray:
    number = next(index for index, key in enumerate(profile.programs) if key.program_id == program_id)
    return np.flatnonzero(profile.ops.program == number)


def test_each_call_that_the_script_made_is_complete(recorded: Recorded) -> None:
    profile = read_profile(recorded.data)
    found = {key: len(complete_runs(profile, key)) for key in recorded.calls}
    on_all = {key for key in recorded.calls if len(np.unique(profile.ops.device[_rows(profile, key)])) == recorded.devices}
    assert recorded.train in on_all
    assert {key: found[key] for key in on_all} == {key: recorded.calls[key] for key in on_all}
    assert all(found[key] == 0 for key in recorded.calls.keys() - on_all)


def test_a_call_that_lacks_one_op_is_not(recorded: Recorded) -> None:
    profile = read_profile(recorded.data)
    all_runs = complete_runs(profile, recorded.train)
    graph = call_graph(profile.hlo_protos[recorded.train])
    executed = {op for op in graph.entry if graph.opcodes[op] not in NO_KERNEL}
    looked = set()
    for row in _rows(profile, recorded.train).tolist():
        op, run = profile.names[profile.ops.op[row]], int(profile.run_ids[profile.ops.run[row]])
        if (op, run) in looked:
            continue
        looked.add((op, run))
        assert complete_runs(_without(profile, row), recorded.train) == all_runs - ({run} if op in executed else set())
    assert {op for op, _ in looked} > executed  # ops of the loop's body are there too, and say nothing


def test_without_end_markers_or_hlo_nothing_is_known(recorded: Recorded) -> None:
    profile = read_profile(recorded.data)
    unmarked = replace(profile, ops=replace(profile.ops, marked=np.zeros(len(profile.ops), bool)))
    assert complete_runs(unmarked, recorded.train) == frozenset()
    for protos in ({}, {recorded.train: b"\x0a\xff"}):
        assert complete_runs(_with(profile, protos), recorded.train) == frozenset()


def _with(profile: Profile, protos: Mapping[int, bytes]) -> Profile:
    return replace(profile, hlo_protos=protos)


