"""Which execution of an op lies inside which: by the HLO call graph, or, where it is unknown, by time containment.

Ops of XLA's CPU runtime complete on other threads than they start on, so the stack of a thread says nothing; the call
graph does: an op inside a `while` body belongs to the execution of that `while` that was active when it started.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xlascope.traces.grouping import distinct, grouped
from xlascope.traces.hlo_graph import call_graph
from xlascope.traces.profile import OpEvents, Problem, Profile, ProgramKey
from xlascope.traces.wire import I64, ProfileError

ProgramName = int | str
Parents = Mapping[ProgramName, Mapping[str, "str | Sequence[str]"]]
"""For each program (its id or its module's name): for each op inside a called computation, the op or ops calling it."""

Graph = Mapping[str, tuple[str, ...]]
"""For each op inside a called computation, the ops that call it."""

_MAX_LEVELS = 64


@dataclass(frozen=True, slots=True)
class ProgramGraphs:
    """Of each program of a profile: call parents (None: unknown), opcodes, the ops of its entry computation, and those
    inside of command buffers.
    """

    parents: tuple[Graph | None, ...]
    opcodes: tuple[Mapping[str, str], ...]
    entries: tuple[frozenset[str], ...]
    buffered: tuple[frozenset[str], ...]
    problems: tuple[Problem, ...]


def program_graphs(profile: Profile, given: Parents | None) -> ProgramGraphs:
    """The call graphs to use: the caller's, else those of the HLO the profile carries."""
    parents: list[Graph | None] = []
    opcodes: list[Mapping[str, str]] = []
    entries: list[frozenset[str]] = []
    buffered: list[frozenset[str]] = []
    problems: list[Problem] = []
    for program in profile.programs:
        found: Graph | None = None
        codes: Mapping[str, str] = {}
        entry: frozenset[str] = frozenset()
        inside: frozenset[str] = frozenset()
        proto = profile.hlo_protos.get(program.program_id) if program.program_id is not None else None
        if proto is not None:
            try:
                graph = call_graph(proto)
                found, codes, entry, inside = graph.parents, graph.opcodes, graph.entry, graph.buffered
            except ProfileError as error:
                problems.append(Problem("broken", f"The HLO of {program.module} in the profile is broken: {error}"))
        own = _given(program, given)
        parents.append(own if own is not None else found)
        opcodes.append(codes)
        entries.append(entry)
        buffered.append(inside)
    return ProgramGraphs(tuple(parents), tuple(opcodes), tuple(entries), tuple(buffered), tuple(problems))


def _given(program: ProgramKey, given: Parents | None) -> Graph | None:
    if given is None:
        return None
    for key in (program.program_id, program.module):
        if key is not None and key in given:
            return {op: (up,) if isinstance(up, str) else tuple(up) for op, up in given[key].items()}
    return None


def how(profile: Profile, graphs: ProgramGraphs) -> tuple[str, tuple[Problem, ...]]:
    """In words how the events of this profile are nested, and what is doubtful about it."""
    ops = profile.ops
    kinds = {device.kind for device in profile.devices} if len(ops) else set()
    unknown = np.asarray([graph is None for graph in graphs.parents] + [True])
    on_cpu = np.asarray([device.kind == "cpu" for device in profile.devices] + [False])[ops.device]
    by_time = unknown[ops.program] & on_cpu
    methods, problems = [], []
    if (on_cpu & ~by_time).any():
        methods.append("call graph")
    if by_time.any():
        methods.append("time containment")
        programs = distinct(ops.program[by_time].astype(np.int64))[0].tolist()
        names = sorted({(profile.programs[i].module if i >= 0 else None) or "unnamed programs" for i in programs})
        told = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
        text = f"No call graph is known of {told}: containment in time is used, which takes parallel ops for nested."
        problems.append(Problem("nesting", text, int(np.count_nonzero(by_time))))
    if "tpu" in kinds:
        methods.append("order on the core's line")
    return " and ".join(methods) or "none (kernels do not nest)", tuple(problems)


def nest(profile: Profile, ops: OpEvents, graphs: ProgramGraphs) -> I64:
    """For each of `ops`, events of one device of `profile`, the position of the event it lies inside, or -1."""
    parent = np.full(len(ops), -1, np.int64)
    kind = profile.devices[int(ops.device[0])].kind if len(ops) else ""
    if kind == "tpu":
        _by_time(ops, np.arange(len(ops)), ops.line.astype(np.int64), parent)
    elif kind == "cpu":
        known = np.asarray([graph is not None for graph in graphs.parents] + [False])[ops.program]
        _by_graph(ops, np.flatnonzero(known), graphs.parents, profile.names, parent)
        _by_time(ops, np.flatnonzero(~known), ops.run.astype(np.int64), parent)
    return parent


def _by_time(ops: OpEvents, rows: I64, group: I64, parent: I64) -> None:
    """Within each group, the parent of an event is the nearest earlier one that ends no sooner."""
    order = rows[np.lexsort((-ops.end_ps[rows], ops.start_ps[rows], group[rows]))]
    groups, starts, ends = group[order].tolist(), ops.start_ps[order].tolist(), ops.end_ps[order].tolist()
    found = [-1] * len(order)
    stack: list[int] = []
    last = None
    for i, (name, start, end) in enumerate(zip(groups, starts, ends, strict=True)):
        if name != last:
            stack.clear()
            last = name
        while stack and ends[stack[-1]] < end:
            stack.pop()
        if stack and ends[stack[-1]] > start:
            found[i] = stack[-1]
        stack.append(i)
    inside = np.asarray(found, np.int64)
    parent[order] = np.where(inside >= 0, order[inside], -1)


def _by_graph(ops: OpEvents, rows: I64, graphs: Sequence[Graph | None], names: Sequence[str], parent: I64) -> None:
    """Set `parent` of the events at `rows`, program by program."""
    rows = rows[np.argsort(ops.program[rows], kind="stable")]
    borders = np.flatnonzero(np.diff(ops.program[rows])) + 1
    for part in np.split(rows, borders) if rows.size else ():
        graph = graphs[int(ops.program[part[0]])]
        if graph:
            found = _of_one_program(ops.take(part) if len(part) < len(ops) else ops, graph, names)
            parent[part] = np.where(found >= 0, part[found], -1)


def _of_one_program(ops: OpEvents, graph: Graph, names: Sequence[str]) -> I64:
    """The position in `ops`, events of one program on one device, of the event that each lies inside, or -1.

    Events of one op in one execution do not overlap, so of a calling op it is the last one started before.
    """
    total = len(ops)
    rank = np.arange(total)
    if (np.diff(ops.start_ps) <= 0).any():
        rank[np.lexsort((-ops.end_ps, ops.start_ps))] = np.arange(total)
    nodes, node = grouped(ops.op.astype(np.int64), len(names))
    first_run = int(ops.run.min())
    executions, run = grouped(ops.run.astype(np.int64) - first_run, int(ops.run.max()) - first_run + 1)
    runs = len(executions)
    levels = _ancestors([names[op] for op in nodes], graph)
    callers = np.zeros(len(nodes) + 1, bool)
    for candidates in (each for level in levels for each in level):
        callers[candidates] = True
    calling = np.flatnonzero(callers[:-1][node])
    key = (node[calling] * runs + run[calling]) * total + rank[calling]
    order = np.argsort(key)
    by_key, sorted_key = calling[order], key[order]
    result = np.full(total, -1, np.int64)
    open_rows = np.arange(total)
    for level in levels:
        for candidates in level:
            caller = candidates[node[open_rows]]
            rows, caller = open_rows[caller >= 0], caller[caller >= 0]
            group = (caller * runs + run[rows]) * total
            slot = np.searchsorted(sorted_key, group + rank[rows]) - 1
            event = by_key[np.maximum(slot, 0)]
            same = (slot >= 0) & (sorted_key[np.maximum(slot, 0)] >= group)
            active = same & (ops.end_ps[event] >= ops.start_ps[rows])
            rows, event = rows[active], event[active]
            # Of several callers active at once the one started last is the innermost.
            later = (result[rows] < 0) | (rank[event] > rank[np.maximum(result[rows], 0)])
            result[rows[later]] = event[later]
        open_rows = open_rows[result[open_rows] < 0]
    return result


def _ancestors(nodes: Sequence[str], graph: Graph) -> list[list[I64]]:
    """Level by level upwards: arrays op → a calling op, as positions in `nodes`, or -1.

    A caller that has no events of its own is passed over. A computation called from several places has several
    callers, so a level is a list of such arrays.
    """
    index = {op: i for i, op in enumerate(nodes)}
    chains: list[list[list[int]]] = []
    for op in nodes:
        seen, frontier = {op}, [op]
        chain: list[list[int]] = []
        while frontier and len(chain) < _MAX_LEVELS:
            ups = [up for name in frontier for up in graph.get(name, ()) if up not in seen]
            frontier = list(dict.fromkeys(ups))
            seen.update(frontier)
            present = [index[up] for up in frontier if up in index]
            if present:
                chain.append(present)
        chains.append(chain)
    levels: list[list[I64]] = []
    for depth in range(max((len(chain) for chain in chains), default=0)):
        width = max(len(chain[depth]) for chain in chains if len(chain) > depth)
        level = [np.full(len(nodes), -1, np.int64) for _ in range(width)]
        for node, chain in enumerate(chains):
            for slot, up in enumerate(chain[depth] if len(chain) > depth else ()):
                level[slot][node] = up
        levels.append(level)
    return levels
