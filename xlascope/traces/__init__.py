"""Profiles: XSpace bytes → op times per device, for CPU, GPU and TPU.

>>> times = op_table(read_profile(Path("host.xplane.pb")))
>>> times.rows, times.coverage, times.devices, times.problems
"""

from xlascope.traces.complete import complete_runs
from xlascope.traces.hlo_graph import CallGraph, call_graph
from xlascope.traces.hosts import side_by_side
from xlascope.traces.nesting import Parents
from xlascope.traces.optable import devices, is_collective, op_table
from xlascope.traces.optimes import DeviceTimes, OpRow, OpTimes, ProgramCalls, merge
from xlascope.traces.profile import DeviceKey, OpEvents, Problem, Profile, ProgramKey, Spans
from xlascope.traces.reader import read_profile
from xlascope.traces.sweep import union_length
from xlascope.traces.wire import ProfileError

__all__ = [
    "CallGraph",
    "DeviceKey",
    "DeviceTimes",
    "OpEvents",
    "OpRow",
    "OpTimes",
    "Parents",
    "Problem",
    "Profile",
    "ProfileError",
    "ProgramCalls",
    "ProgramKey",
    "Spans",
    "call_graph",
    "complete_runs",
    "devices",
    "is_collective",
    "merge",
    "op_table",
    "read_profile",
    "side_by_side",
    "union_length",
]
