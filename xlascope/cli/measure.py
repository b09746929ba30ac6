"""``xlascope measure RUN SWITCHES``: a variant of a recorded program, timed in turn with its baseline."""

from __future__ import annotations

import argparse
import json
import queue
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from xlascope.cli import sharding
from xlascope.cli.arguments import CommandParser
from xlascope.cli.errors import CommandError
from xlascope.cli.narration import wait_for
from xlascope.cli.switch_sets import check_passes, needs_new_run, target_named, used
from xlascope.cli.units import show_size
from xlascope.protocol.machines import is_platform
from xlascope.protocol.xla_values import wrong_value
from xlascope.runfile import RunFileError
from xlascope.session.keeper import Keeper
from xlascope.session.switches import MATMUL_PRECISIONS, variant_name, wrong_set_name

_SUMMARY = (
    "variant", "id", "program", "switches", "place", "args", "median_ns", "ci_low_ns", "ci_high_ns", "samples",
    "baseline_median_ns", "ratio", "ratio_ci_low", "ratio_ci_high", "verdict", "max_abs_error", "max_rel_error",
    "max_ulp_error", "mismatched", "first_different", "compile_ns", "peak_bytes", "baseline_peak_bytes",
    "device_count", "simulated",
)
_DIFFERENCES = ("max_abs_error", "max_rel_error", "max_ulp_error", "mismatched")
_LONGEST = 86_400  # seconds
_APART = 0.02  # medians and pairs that differ by less need no word about it
_EPILOG = (
    "What is printed: the median of all calls of the variant and of the baseline (JSON: median_ns, "
    "baseline_median_ns, with ci_low_ns and ci_high_ns), and the ratio of their times pair by pair (ratio, "
    "ratio_ci_low, ratio_ci_high): the calls of a pair follow each other, so that what the machine does meanwhile "
    "cancels. The verdict is made of the ratio's 95 % interval: slower or faster where it excludes 1 and the change "
    "is at least 1 %, same within ±3 %, else unclear. On a busy machine the ratio of the two medians can be another "
    "one; where it contradicts, that is said."
)


def parser() -> CommandParser:
    """The arguments of `measure`."""
    made = CommandParser("measure", "; `xlascope measure --help` lists the switches", allow_abbrev=False, description=(
        "Compile a variant of a recorded program, time it in turn with the program as it is, and add the result to the "
        "run file. The script itself is not run."), epilog=_EPILOG)
    made.add_argument("run", metavar="RUN", nargs="?", help="a run file")
    made.add_argument("--program", metavar="P", help="scores#1, scores or 1; by default the hottest")
    made.add_argument("--jit", choices=("on", "off", "deep-off"), help="only on a live run: press J there")
    made.add_argument("--fusion", choices=("on", "off"), help="off: without XLA's fusion passes")
    sharding.add_arguments(made)
    made.add_argument("--target", metavar="TARGET",
                      help="gpu, tpu or cpu: execute it on that of this machine, in turn with where it was recorded; "
                      "tpu:v5e:2x4, cuda:h100:1x1x4: compile it for hardware that is not there, times are predicted")
    made.add_argument("--passes-off", metavar="NAME,…", action="append", default=[],
                      help="without these passes of XLA (repeatable)")
    made.add_argument("--matmul-precision", metavar="P", choices=MATMUL_PRECISIONS,
                      help=f"of matrix multiplications: {', '.join(MATMUL_PRECISIONS)}")
    made.add_argument("--x64", action="store_true", help="needs a new run of the script: tells how")
    made.add_argument("--donate", metavar="ARG", action="append", default=[],
                      help="give an argument's memory to an output of its shape; ARG=off takes it back (repeatable)")
    made.add_argument("--compiler-option", metavar="KEY=VALUE", action="append", default=[], help="an XLA option")
    made.add_argument("--name", metavar="NAME", help="keep these switches in the run file under a name")
    made.add_argument("--use", metavar="NAME", help="the switches kept under a name: NAME, or OTHER_RUN#NAME")
    made.add_argument("--budget", metavar="SECONDS", type=float, default=5.0, help="time for samples (default: 5)")
    made.add_argument("--consent", action="store_true", help="execute it though it has ordered effects")
    made.add_argument("--no-profile", action="store_true", help="no times per operation of the variant")
    made.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return made


def main(argv: list[str]) -> int:
    """Returns 0 measured, 2 wrong usage or a switch that cannot be had here, 3 unreadable file, 4 it failed."""
    options = parser().read(argv)
    if isinstance(options, int):
        return options
    if options.run is None:
        raise CommandError("measure: which run file? For example `xlascope measure RUN --fusion off`")
    if options.x64:
        raise CommandError(f"measure: {needs_new_run(Path(options.run))}")
    switches = read_switches(options)
    if options.use is not None:
        switches = used(Path(options.run), options.use) | switches
    if switches.get("jit") and len(switches) > 1:
        others = ", ".join(name.replace("_", "-") for name in switches if name != "jit")
        raise CommandError(f"measure: jit {switches['jit']} compiles nothing, so {others} cannot act beside it; "
                           "measure them one by one")
    if not switches:
        raise CommandError("measure: which switch? For example --fusion off, or --devices 8")
    if not 0 < options.budget <= _LONGEST:
        raise CommandError(f"measure: --budget {options.budget:g}: give seconds above 0, at most {_LONGEST:,}")
    if options.name is not None and (wrong := wrong_set_name(options.name)) is not None:
        raise CommandError(f"measure: --name: {wrong}")
    path = Path(options.run)
    try:
        program = _choose(path, options.program)
        check_passes(path, program, switches.get("passes_off") or [])
        wanted, refused = sharding.expand(path, program, switches)
        if len(wanted) > 1 or refused:
            return sharding.measure_all(path, program, wanted, refused, options)
        return _measure(path, program, wanted[0], options)
    except RunFileError as error:
        raise CommandError(str(error), 3) from error


def read_switches(options: argparse.Namespace) -> dict[str, Any]:
    """The switches touched, as a ``measure`` command has them. Raises CommandError."""
    found: dict[str, Any] = {}
    for name in ("jit", "fusion"):
        value = getattr(options, name)
        if value is not None and value != "on":
            found[name] = value
    sharding.read(options, found)
    if options.target is not None:
        if found.get("shard_plan") == "auto" and not is_platform(options.target):
            raise CommandError("measure: auto ranks plans by measured time, and a target is not executed; name a plan")
        found["target"] = target_named(options.target)
    passes = [name.strip() for word in options.passes_off for name in word.split(",") if name.strip()]
    if passes:
        found["passes_off"] = list(dict.fromkeys(passes))
    if options.matmul_precision is not None:
        found["matmul_precision"] = options.matmul_precision
    if options.donate:
        found["donate"] = dict(_donated(word) for word in options.donate)
    if options.compiler_option:
        found["compiler_options"] = _pairs(options.compiler_option, "--compiler-option", "KEY=VALUE")
        for key, value in found["compiler_options"].items():
            if (valid := wrong_value(key, value)) is not None:
                raise CommandError(f"measure: --compiler-option {key}={value}: {valid}")
    return found


def _pairs(words: list[str], name: str, example: str) -> dict[str, str]:
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals and value):
            raise CommandError(f"measure: {name} {word}: write it like {name} {example}")
        found[key] = value
    return found


def _donated(word: str) -> tuple[str, str]:
    name, _, state = word.rpartition("=") if word.endswith(("=on", "=off")) else (word, "", "on")
    if not name:
        raise CommandError(f"measure: --donate {word}: which argument? Its position or its path: --donate 0")
    return name, state


def _choose(path: Path, wanted: str | None) -> str:
    from xlascope.views import ViewError, open_source
    from xlascope.views.names.program_choice import choose

    try:
        with open_source(path) as source:
            if source.kind != "run":
                raise CommandError(f"measure: {path}: {source.says}; only a run file can be executed", 3)
            return choose(source, wanted)
    except ViewError as error:
        raise CommandError(f"measure: {error}", error.exit_code) from error


def _measure(path: Path, program: str, switches: dict[str, Any], options: argparse.Namespace) -> int:
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    keeper = Keeper.reopen(path)
    keeper.subscribe(events.put)
    keeper.start()
    try:
        ticket = keeper.measure(program, switches, options.budget, profile=not options.no_profile,
                                consent=options.consent, name=options.name)
        event = wait_for(keeper, events, ticket, f"{program} {variant_name(switches)}")
    finally:
        keeper.stop()
    if not event.get("ok"):
        advice = f"; {event['advice']}" if event.get("advice") else ""
        raise CommandError(f"measure: {event.get('error')}{advice}", 2 if event.get("refused") else 4)
    result = {key: event.get(key) for key in _SUMMARY} | {
        "id": event["variant_id"], "variant": event["variant"], "switches": switches, "notes": event.get("notes") or []}
    if options.json:
        print(json.dumps({"schema": 1, "view": "variants", "rows": [_row(path, result)]}))
    elif switches.get("target") and not is_platform(switches["target"]):
        print(describe_target(_row(path, result)))
    else:
        print(describe(result, _changes(path, result)))
    return 0


def _changes(path: Path, result: dict[str, Any]) -> list[str]:
    """What the switches made of the module, a line each."""
    from xlascope.report.text.variants import changes_of_module
    from xlascope.views import open_source, query

    with open_source(path) as source:
        answer = query("variants", source, program=result["program"])
    return [text for each in answer.rows if each.id == result["id"] for text in changes_of_module(each)]


def _row(path: Path, result: dict[str, Any]) -> dict[str, Any]:
    """The measurement's row of the view, which knows more than the answer did."""
    from xlascope.report.as_json import dumps
    from xlascope.views import open_source, query

    with open_source(path) as source:
        answer = json.loads(dumps("variants", query("variants", source, program=result["program"])))
    return next((row for row in answer["rows"] if row.get("id") == result["id"]), result)


def describe(result: dict[str, Any], changes: Iterable[str] = ()) -> str:
    """A measurement in words; ``changes``: what the switches made of the module."""
    from xlascope.stats import opposed

    times = (f"{show_time(result['median_ns'])} a call "
             f"[{show_time(result['ci_low_ns'])} – {show_time(result['ci_high_ns'])}]")
    count = result.get("device_count") or 1
    where = f"  on {count} {'simulated ' if result.get('simulated') else ''}devices" if count > 1 else ""
    lines = [f"{result['program']}  {result['variant']}  ({result['id']}){where}"]
    if result["median_ns"] is not None:
        lines.append(f"  variant   {times}, n={result['samples']}")
    if result["baseline_median_ns"] is not None:
        lines.append(f"  baseline  {show_time(result['baseline_median_ns'])} a call")
    if result["ratio"] is not None:
        low, high = result["ratio_ci_low"], result["ratio_ci_high"]
        interval = "[no interval: too few samples]" if low is None or high is None else f"[{low:.3g} – {high:.3g}]"
        medians = opposed(low, high, result["baseline_median_ns"], result["median_ns"])
        lines.append(f"  {result['verdict'] or 'no verdict'}: time × {result['ratio']:.3g} {interval} of neighbouring "
                     f"pairs{_apart(result) if medians is None else ''}")
        if medians is not None:
            lines.append(f"  the medians say × {medians:.3g}: the machine's speed changed by more than the variant "
                         "does; measure again when it is quieter")
    lines += numbers(result)
    lines += (f"  {text}" for text in changes)
    lines.append(f"  arguments: {result['args'] or 'unknown'}; compiled in {show_time(result['compile_ns'])}")
    return "\n".join([*lines, *(f"  note: {note}" for note in result["notes"])])


def _apart(result: dict[str, Any]) -> str:
    """What the medians alone would say, where that is not what the pairs say; empty where it is."""
    if not (result["median_ns"] and result["baseline_median_ns"]):
        return ""
    medians = result["median_ns"] / result["baseline_median_ns"]
    if abs(medians / result["ratio"] - 1) < _APART:
        return ""
    return f" (× {medians:.3g} of the medians, which feel what else the machine does)"


def describe_target(row: dict[str, Any]) -> str:
    """A compile for hardware that is not there, in words; nothing in it was measured but the compile's own time."""
    from xlascope.tui.text.numbers import counted

    lines = [f"{row.get('variant')}  ({row.get('id')})  compiled for {row.get('target')}, not executed"]
    told = row.get("prediction") or {}
    known = counted(told.get("counted"), "instruction")
    if row.get("predicted_ns") is None:
        lines.append("  predicted time: ? (no estimate in the module)")
    elif told.get("by") == "cycles":
        lines.append(f"  predicted {show_time(row['predicted_ns'])} a call: the compiler's {told['cycles']:,} cycles "
                     f"at {told['clock_ghz']:g} GHz ({known}, {told['without']} without)")
    else:
        lines.append(f"  predicted {show_time(row['predicted_ns'])} a call at least: roofline of published peaks "
                     f"without launches ({known}; {told.get('without')} of unknown work)")
    if told.get("exchanges"):
        lines.append(f"  not in it: what devices exchange, in {counted(len(told['exchanges']), 'collective')}")
    if told.get("unknown_loops"):
        lines.append(f"  loops of unknown length, counted once: {', '.join(told['unknown_loops'])}")
    memory = row.get("memory")
    if memory:
        needs, has = show_size(memory["needs_bytes"]), show_size(memory["has_bytes"])
        lines.append(f"  memory: needs {needs} of {has} a device: {'fits' if memory['fits'] else 'does not fit'}")
    for each in row.get("collectives") or ():
        lines.append(f"  {each['count']} x {each['kind']} of {show_size(each['bytes']) if each['bytes'] else '?'}")
    lines.append(f"  fusions of two or more: {row.get('fusions_after')}; compiled in {show_time(row['compile_ns'])}")
    return "\n".join([*lines, *(f"  note: {note}" for note in row.get("notes") or ())])


def numbers(result: dict[str, Any]) -> list[str]:
    """How the variant's outputs differ from the baseline's, in a line; none where they were not compared."""
    from xlascope.tui.text.agreement import agreement

    said = agreement(*(result.get(key) for key in _DIFFERENCES))
    if not said:
        return []
    first = result.get("first_different")
    return [f"  {said}{f'; first that differs: {first}' if first is not None else ''}"]


def show_time(ns: float | None) -> str:
    """``124 µs``; ``?`` for unknown."""
    if ns is None:
        return "?"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(ns) >= size:
            return f"{ns / size:.4g} {unit}"
    return f"{ns:.3g} ns"
