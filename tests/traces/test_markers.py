"""Which execution an end marker belongs to whose op event was lost."""

from __future__ import annotations

import numpy as np

from xlascope.traces.collect import Rows
from xlascope.traces.markers import attribute_orphans


def _ops(events: list[tuple[int, int, int, int, int]]) -> tuple[Rows, np.ndarray]:
    """Rows of (key, op, program, run, start) on one device, each 10 long; and their ends."""
    key, op, program, run, start = (np.asarray(column, np.int64) for column in zip(*events, strict=True))
    rows = Rows()
    rows.add(_p=key, op=op, program_id=program, module=program * 0, run_id=run, start=start)
    return rows, start + 10


def _owner(events: list[tuple[int, int, int, int, int]], key: int, name: int, time: int) -> int:
    rows, end = _ops(events)
    ends = Rows()
    ends.add(key=np.asarray([key]), time=np.asarray([time]), name=np.asarray([name]))
    return int(attribute_orphans(rows, np.zeros(len(end), np.int64), end, np.asarray([0]), ends)[0])


def test_the_execution_that_lacks_the_op_has_lost_it() -> None:
    """Op 2 ends run 7 and was lost; run 8 begins much sooner after its end than run 7's last event ended before it."""
    seventh = [(10, 1, 5, 7, 0)]
    eighth = [(12, 1, 5, 8, 1000), (13, 2, 5, 8, 1010)]
    assert _owner(seventh + eighth, 11, 2, 990) == 0


def test_the_program_that_has_the_op_has_lost_it() -> None:
    """Op 2 belongs to program 5 alone, as an earlier run shows; the marker stands nearer to program 6."""
    earlier = [(1, 1, 5, 6, -500), (2, 2, 5, 6, -490)]
    events = [*earlier, (10, 1, 5, 7, 0), (12, 3, 6, 8, 1000)]
    assert _owner(events, 11, 2, 990) == 2


def test_the_only_execution_of_a_program_is_told_by_nearness() -> None:
    events = [(10, 1, 5, 7, 0), (11, 3, 5, 7, 100), (13, 1, 6, 8, 1000), (14, 3, 6, 8, 1100)]
    assert _owner(events, 12, 2, 990) == 2
    assert _owner(events, 12, 2, 115) == 1
    assert _owner(events, 12, 2, 500) == 1
    assert _owner([*events, (20, 2, 7, 9, 2000)], 12, 2, 500) == -1  # of another program, which has such an op


def test_an_execution_on_other_threads_can_have_lost_it() -> None:
    """The thread ran one op of run 7 alone: its neighbours are of runs 6 and 8, which have theirs."""
    events = [(10, 2, 5, 6, 0), ((1 << 32) + 1, 1, 5, 7, 100), (12, 2, 5, 8, 200)]
    assert _owner(events, 11, 2, 130) == 1


def test_another_thread_is_no_neighbour() -> None:
    events = [(10, 1, 5, 7, 0), ((1 << 32) + 12, 1, 6, 8, 16)]
    assert _owner(events, 11, 2, 15) == 0
    assert _owner(events, (2 << 32) + 11, 2, 15) == -1


def test_where_no_execution_lacks_the_op_one_was_lost_whole() -> None:
    """Program 6 is one op; what ran on the thread around it was not longer for that."""
    events = [(9, 3, 6, 1, -100), (10, 1, 5, 7, 0), (12, 1, 5, 8, 1000)]
    assert _owner(events, 11, 3, 990) == -1
