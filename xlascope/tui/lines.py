"""The texts around the panes, made from records: pure functions, one for each line."""

from __future__ import annotations

import time
from collections.abc import Sequence

from xlascope.tui.feeding.live import LiveNow, is_silent
from xlascope.tui.glyphs import Glyphs
from xlascope.tui.model import CallTimes, OpRow, OpsTable, Overview, ProgramInfo, VariantRow, is_op_by_op
from xlascope.tui.text.numbers import clock, count, counted, duration, percent, size
from xlascope.tui.widgets.chart import ChartSpec, Interval, Series
from xlascope.tui.widgets.part_line import Part
from xlascope.tui.widgets.status import HeaderState

_ORDER = ("start python", "import jax", "trace", "lower", "compile", "run", "finish")
_DOING = {"finishing": "finishing: compiling what links equations to instructions"}
_SHORT = {"start python": "python", "import jax": "import"}


def header(overview: Overview, live: LiveNow, is_live: bool, fallback: str, now_ns: int | None = None) -> HeaderState:
    """The first line: a live run's state is what the keeper says, until the file tells its end."""
    state = overview.state
    if is_live and state not in ("ended", "killed", "crashed"):
        state = "ended" if live.ended else live.state
    if not is_live and state == "starting" and not overview.script:
        state = "opening"
    elapsed = None
    # While the file still says that it runs, its clock stands at when it was last read.
    over = overview.state not in ("running", "starting") or live.wall_ns is None
    if overview.wall_ns is not None and over and state not in ("running", "starting"):
        elapsed = overview.wall_ns / 1e9
    elif live.wall_ns is not None:
        elapsed = live.wall_ns / 1e9
    elif overview.started_ns is not None and state == "running":
        elapsed = ((now_ns if now_ns is not None else time.time_ns()) - overview.started_ns) / 1e9
    code = overview.exit_code if overview.exit_code is not None else (live.exit_code if live.ended else None)
    facts = overview.facts + ((f"! {len(overview.trouble)} lost or damaged",) if overview.trouble else ())
    if is_live and not live.recording:
        facts = ("! not recorded any more", *facts)
    said = f"exit {code}" if code is not None else f"signal {live.signal}" if live.signal else ""
    return HeaderState(overview.script or fallback, state, elapsed, facts, said)


def phases(
    overview: Overview, live: LiveNow, is_live: bool, program: ProgramInfo | None, ops: OpsTable | None,
    calls: CallTimes, glyphs: Glyphs, last_line: str = "", now: float | None = None, apart: bool = False,
) -> list[Part]:
    """The second line: what took the time so far, then what is being done now.

    `apart`: a call in the script took another time than the measured baseline's.
    """
    parts: list[Part] = []
    known = dict(overview.phases)
    made = sum(known.get(name, 0) for name in ("trace", "lower", "compile", "eager ops"))
    if "import jax" in known:
        known["import jax"] += known.get("import others", 0)
    pieces = [(_SHORT.get(name, name), known[name]) for name in _ORDER[:2] if name in known]
    if made:
        pieces.append(("trace+compile", made))
    if "run" in known:
        pieces.append(("run", known["run"]))
    for name, ns in pieces:
        text = f" {name} {duration(ns, glyphs.micro)}"
        if name == "trace+compile":
            eager = f", {count(overview.eager)} eager" if overview.eager else ""
            functions = sum(1 for item in overview.functions if item.programs)
            text += f": {functions} fn, {counted(len(overview.programs), 'program')}{eager}"
        # One part with its separator, so that both go where there is no room.
        parts.append(Part((f" {glyphs.separator}" if parts else "") + text, "dim", rank=4))
    if is_live and not live.ended and live.activity:
        now = now if now is not None else time.monotonic()
        silent = bool(live.where) and is_silent(live, now)
        doing = f" now {_doing(live, max(now - live.since, 0), silent)}"
        parts.append(Part((f" {glyphs.separator}" if parts else "") + doing, "accent", rank=8))
        if silent:
            parts.append(Part(f", silent: main thread at {live.where}", "warn", rank=8))
    if program is not None and program.calls is not None:
        least, most = program.calls_at_least, program.calls_at_most
        number = f"{'' if program.calls_exact else glyphs.estimated}{counted(program.calls, 'call')}"
        if not program.calls_exact and least:
            upto = f"{count(least)} to {count(most)} calls" if most is not None else ""
            number = upto or f"at least {counted(least, 'call')}"
        parts.append(Part(f" {glyphs.separator} {program.id} {number}", "text", rank=7))
    elif program is not None and program.calls_at_least:
        parts.append(Part(f" {glyphs.separator} {program.id} at least {counted(program.calls_at_least, 'call')}",
                          "text", rank=7))  # fmt: skip
    if program is not None and (program.calls is not None or program.calls_at_least):
        mean = program.per_call_ns
        if mean is not None:
            bound = "at least " if program.per_call_at_least else ""
            parts.append(Part(f" {bound}{duration(mean, glyphs.micro)}", "text", rank=6))
            if apart:
                told = " in the script, the baseline alone (= why)"
                parts.append(Part(told, "dim", "explain_variant", "why the two times differ", 5))
        if len(calls.ns) > 1:
            parts.append(Part(f" {glyphs.sparkline([float(ns) for ns in calls.ns[-14:]])}", "bar", rank=3))
    if is_live and last_line:
        parts.append(Part(f"  {glyphs.separator} {last_line}", "dim", rank=2))
    return parts


def _doing(live: LiveNow, seconds: float, silent: bool = False) -> str:
    """What the recorder said last, ``seconds`` ago. When a program ends nobody is told: one is silent elsewhere."""
    elapsed = f" {clock(seconds)}" if seconds >= 1 else ""
    if live.activity == "running" and silent and not _without_jax(live):
        return "running"
    if live.activity == "running" and live.name and elapsed:
        return f"running, {live.name} began{elapsed} ago"
    doing = (_DOING.get(live.activity, live.activity), live.name, live.detail)
    return (_without_jax(live) or " ".join(filter(None, doing))) + elapsed


def _without_jax(live: LiveNow) -> str:
    """Before a running script has imported jax the recorder has nothing else to tell."""
    return "running, jax is not imported yet" if (live.activity, live.state) == ("starting", "running") else ""


def starting(live: LiveNow, overview: Overview, now: float | None = None) -> str:
    """What an empty pane says while nothing is compiled yet."""
    if overview.kind != "run":
        return "a profile holds times, no program" if overview.kind == "profile" else "no program was found"
    if overview.programs:
        return "reading the program"
    if live.ended or overview.state in ("ended", "killed", "crashed"):
        if overview.jax is None:
            return "the script never imported jax"
        eager = f": {count(overview.eager)} eager operations, each compiled alone" if overview.eager else ""
        return f"no function was compiled{eager}"
    seconds = max((now if now is not None else time.monotonic()) - live.since, 0)
    if _without_jax(live):
        return _without_jax(live)
    if live.activity:
        return f"{live.activity} {live.name} {clock(seconds)}".replace("  ", " ")
    return "starting python"


def ops_title(ops: OpsTable, program: str | None, glyphs: Glyphs, reading: str | None = None) -> list[Part]:
    """The title of the table of ops: how the numbers came about; `reading`: whose are read to take their place."""
    done = "predicted, not executed" if ops.predicted else "measured"
    seen = f"{done} {ops.variant}" if ops.variant else "observed in the script" if program else "observed"
    about = [(seen, 8)]
    if ops.windows:
        about.append((counted(ops.windows, "window"), 3))
    if ops.calls_seen is not None:
        alone = " of single equations" if is_op_by_op(ops.variant) else ""
        about.append((f"{counted(ops.calls_seen, 'call')}{alone} seen", 4))
    devices = max((len(row.by_device) for row in ops.rows), default=0)
    if devices > 1:
        about.append((f"count and self over {devices} devices", 5))
    if not ops.predicted:
        about.append((f"coverage {ops.coverage * 100:.1f}%" if ops.coverage is not None else "coverage unknown", 6))
    if ops.simulated:
        about.append(("simulated devices", 7))
    if ops.doubt:
        about.append((f"eqns {ops.doubt}", 7))
    if ops.note:
        about = [(ops.note, 8)]
    title = [Part("7 time per op", "title", rank=9), Part(f"  {program or 'all programs'} ", "dim", rank=7)]
    dot = f" {glyphs.middle_dot} "
    told = [Part((dot if place else " ") + text, "dim", rank=rank) for place, (text, rank) in enumerate(about)]
    return title + told + ([Part(f"{dot}reading {reading}", "warn", rank=8)] if reading is not None else [])


def explain_op(row: OpRow, ops: OpsTable, members: int | None = None) -> list[str]:
    """How the numbers of a row of the table were obtained; `members`: operations that a fusion is made of, if known."""
    if row.predicted:
        return _foretold(row, ops)
    number = ops.windows or 0
    window = counted(number, "profile window") if number else "the profile windows"
    of = "single equations" if is_op_by_op(ops.variant) else "the program"
    seen = "" if ops.calls_seen is None else f" with {counted(ops.calls_seen, 'call')} of {of}"
    # A GPU's profile has an event for each kernel, and an op may launch several.
    kernels = any(name.startswith("gpu") for name in (row.device, *(name for name, _ in row.by_device)))
    what, each = ("kernels", "Per kernel of the op, which may launch several each time") if kernels else (
        "executions", "Per call of the op")  # fmt: skip
    lines = [
        f"{row.op} on {row.device}: self time {duration(row.self_ns)} in {count(row.count)} {what},",
        f"from {window}{seen}" + (f" of the variant {ops.variant}." if ops.variant else " of the running script."),
        *_counted(row, ops),
        "",
        "Self time: each instant an op was active is given to the innermost active op, so rows add up to covered time.",
        f"{each}: {duration(row.self_ns)} / {count(row.count)} = {duration(row.per_call_ns)}; in a loop each turn is a "
        "call.",
        f"Share: of the self time of all rows of this table, {percent(row.share)}.",
        *_total(row),
        *_by_device(row),
    ]
    if ops.coverage is not None:
        lines.append(f"Op coverage {ops.coverage * 100:.1f}%: op time / time the device was busy, measured on its own.")
    lines += [f"{each[:1].upper()}{each[1:]}." for each in ops.left_out]
    if row.equations and not (ops.exact and row.exact) and not row.added_by_xla:
        lines.append("Its equations are matched by source position and primitive: approximate.")
    elif row.inferred:
        told = " ".join(path for path in row.equations if path in row.inferred)
        lines.append(f"No tag names equation {told}: that is told by the flow of data around the op.")
    lines.append("Nothing is scaled to the whole run.")
    if row.added_by_xla:
        lines.append("+ added by XLA: no equation of yours made it; it is shown with the instruction that needs it.")
    if row.opcode == "fusion" and members is not None and members <= 1:
        lines.append("A fusion in name only: XLA wraps a single operation in one to make it a kernel. What counts "
                     "fusions, as the effect of a switch does, counts those of two or more operations.")  # fmt: skip
    return lines


def _foretold(row: OpRow, ops: OpsTable) -> list[str]:
    """How the numbers of an op came about that was only compiled."""
    by = "the device's published peaks of arithmetic and of memory, whichever takes longer: a lower bound"
    if ops.predicted == "cycles":
        by = "the cycles that the compiler itself expects, at the clock of the device"
    times = f", {count(row.count)} times a call" if row.count != 1 else ""
    if row.self_ns is None:
        left = "it is not in the sum" if ops.predicted == "cycles" else "the sum has what it moves at least"
        return [f"{row.op}: nothing is foretold of it{times}; {left}.", "Nothing of it was executed."]
    return [
        f"{row.op}: predicted ~{duration(row.self_ns)} of a call, ~{duration(row.per_call_ns)} each{times}.",
        f"By {by}.",
        "Nothing of it was executed, so that there is no interval and no verdict.",
        f"Share: of what is predicted of all ops, one after the other, {percent(row.share)}.",
    ]


def _counted(row: OpRow, ops: OpsTable) -> list[str]:
    """Why an op has not as many executions as calls were seen, where there is one program."""
    lines = []
    if len(row.by_device) > 1:
        lines.append(f"Executions are those of all {len(row.by_device)} devices: a call counts once on each.")
    calls = 0 if is_op_by_op(ops.variant) else (ops.calls_seen or 0) * max(len(row.by_device), 1)
    if calls and row.count is not None and row.count % calls and len({each.program for each in ops.rows}) == 1:
        lines += [f"{count(row.count)} is no multiple of the calls seen: of a call that a window cut",
                  "only a part of the ops was seen, and an op of a branch or of a loop runs as often as that is taken."]
    return lines


def _by_device(row: OpRow) -> list[str]:
    """Self time of an op on each of several devices, a few to a line."""
    told = [f"{device} {duration(ns)}" for device, ns in row.by_device]
    lines = [", ".join(told[at : at + _DEVICES_A_LINE]) for at in range(0, len(told), _DEVICES_A_LINE)]
    return ["Self time by device:", *(f"  {line}" for line in lines)] if lines else []


_DEVICES_A_LINE = 4
_CALLING = frozenset({"while", "call", "conditional", "async-start"})


def _total(row: OpRow) -> list[str]:
    """Only what calls other ops has a total; any other op's time beyond its own it shared."""
    if row.total_ns is None or row.self_ns is None:
        return []
    if row.opcode in _CALLING:
        return [f"Total, what it called included: {duration(row.total_ns)}."]
    shared = row.total_ns - row.self_ns
    if shared <= 0:
        return []
    return [f"Active for {duration(row.total_ns)}: {duration(shared)} of it while other ops ran at the same time, "
            "which have that time."]  # fmt: skip


def run_facts(overview: Overview, path: str, glyphs: Glyphs) -> list[str]:
    """All that is known of the run as a whole, what went wrong with it included."""
    code = "" if overview.exit_code is None else f", exit code {overview.exit_code}"
    facts = [overview.script, f"{overview.state}{code}, {duration(overview.wall_ns, glyphs.micro)}", path, ""]
    facts += overview.facts
    facts += ["", "Phases:", *(f"  {name:<14} {duration(ns, glyphs.micro)}" for name, ns in overview.phases)]
    trouble = overview.trouble or ("nothing was dropped",)
    facts += ["", "Lost or not captured:", *(f"  {text}" for text in trouble)]
    return facts + (["", *overview.exception.rstrip().split("\n")] if overview.exception else [])


_JOINED = 8  # points of a chart from which on a line joins them


def chart(calls: CallTimes | None, rows: Sequence[VariantRow], variant: str | None, program: str) -> ChartSpec:
    """Samples of the variant against its baseline where there is one, else calls over the run, once they are read."""
    chosen = next((row for row in reversed(rows) if row.name == variant and row.series[0]), None)
    if chosen is None and calls is None:
        return ChartSpec(f"op time per call of {program}", empty=f"reading the calls of {program}")
    if chosen is None:
        assert calls is not None
        scale, unit = _unit(max(calls.ns, default=0))
        # Each is the mean of a window: few of them, joined, would look as if what lies between had been seen.
        joined = len(calls.ns) >= _JOINED
        series = (Series("op time per call", calls.at_s, [ns / scale for ns in calls.ns], "bar", joined),)
        if len(calls.ns) == 1:
            empty = (f"one window timed calls of it: {duration(calls.ns[0])} per call, "
                     f"{calls.at_s[0]:.1f} s after the start")  # fmt: skip
            return ChartSpec(f"op time per call of {program}", empty=empty)
        title = f"op time per call, lines: compiles; {program}"
        return ChartSpec(title, series if calls.ns else (), (), calls.compiles_s, "seconds", unit,
                         "no window has seen a call yet")  # fmt: skip
    own, base = chosen.series
    scale, unit = _unit(chosen.median_ns or max(own))
    made = (
        Series("baseline", *_quantiles(base, scale), "bar", True, "o", True),
        Series(chosen.name, *_quantiles(own, scale), "bar_hot", True, "*", True),
    )
    spans = []
    for low, middle, high, role in (
        (chosen.ci_low_ns, chosen.median_ns, chosen.ci_high_ns, "warn"),
        (chosen.baseline_ci_low_ns, chosen.baseline_median_ns, chosen.baseline_ci_high_ns, "good"),
    ):
        if low is not None and middle is not None and high is not None:
            spans.append(Interval((45, 55), low / scale, middle / scale, high / scale, role))
    title = f"samples, fastest 90 %: {chosen.name}, baseline"
    return ChartSpec(title, made, tuple(spans), (), "% of the samples", unit)


def _unit(ns: float) -> tuple[float, str]:
    """The unit that a time is best read in, and its nanoseconds."""
    return next(((scale, unit) for scale, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")) if ns >= scale), (1.0, "ns"))


def _quantiles(samples: Sequence[int], scale: float) -> tuple[list[float], list[float]]:
    """Percent of the samples and the time they stay below, in units of `scale` nanoseconds.

    The slowest tenth would flatten all others and is left out.
    """
    times = sorted(samples)
    last = len(times) - 1
    steps = range(0, 91, 2) if last > 0 else range(1)
    return [float(step) for step in steps], [times[round(last * step / 100)] / scale for step in steps]


def bytes_text(number: int | None) -> str:
    """Bytes for a table cell; empty where there is nothing to tell."""
    return size(number).replace(" ", "") if number is not None else ""
