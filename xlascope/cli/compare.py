"""``xlascope compare A B``: two runs, or two variants, with programs and equations matched by what they do."""

from __future__ import annotations

import argparse
import queue
import sys
from dataclasses import replace
from typing import Any

from xlascope.cli.arguments import CommandParser
from xlascope.cli.errors import CommandError
from xlascope.runfile import RunFileError
from xlascope.views.compare import Compare, Program, compare
from xlascope.views.comparing.rerun import rerun_of
from xlascope.views.comparing.sides import Side, open_sides
from xlascope.views.errors import ViewError
from xlascope.views.sources.missing import missing
from xlascope.views.sources.source import RunSource


def parser() -> CommandParser:
    """The arguments of `compare`."""
    made = CommandParser(
        "compare", "; `xlascope compare --help` lists the arguments", allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Two runs side by side: programs matched by function and signature, equations by what they do.",
        epilog=(
            "A and B: run files, profiles (.xplane.pb or a folder), XLA dump folders, PROFILE+DUMP joined;\n"
            "RUN#VARIANT is a measured variant (its id or name), RUN#baseline its baseline; RUN beside a variant of\n"
            "itself means the baseline, RUN#observed what the script did.\n"
            "exit codes: 0 done; 1 with --fail-slower, a program is slower; 2 wrong usage; 3 a file that cannot be read"
        ),
    )  # fmt: skip
    made.add_argument("a", metavar="A", nargs="?", help="what was before")
    made.add_argument("b", metavar="B", nargs="?", help="what is now")
    made.add_argument("--program", metavar="P", help="only this program of B: scores#1 or scores")
    made.add_argument("--fail-slower", metavar="PCT", type=float, help=(
        "exit 1 when a program is slower for sure (the interval of its ratio excludes 1) by more than PCT percent"))
    made.add_argument("--rerun", action="store_true", help=(
        "execute both programs of each pair in turn in a lab, with the arguments recorded in A: the surest verdicts"))
    made.add_argument("--budget", metavar="SECONDS", type=float, default=3.0, help=(
        "time for each pair with --rerun (default: 3)"))
    made.add_argument("--no-collect", action="store_true", help="compare only what the files hold")
    made.add_argument("--json", action="store_true", help="one JSON object on stdout")
    return made


def main(argv: list[str]) -> int:
    """Returns 0, 1 (a failed gate), 2 wrong usage, 3 an input that cannot be read."""
    options = parser().read(argv)
    if isinstance(options, int):
        return options
    if options.b is None:
        raise CommandError("compare: which two? `xlascope compare BEFORE AFTER`")
    if options.fail_slower is not None and not 0 <= options.fail_slower < 1e6:
        raise CommandError("compare: --fail-slower needs a percentage of 0 or more")
    if not options.budget > 0:
        raise CommandError("compare: --budget needs a number of seconds above 0")
    try:
        if not options.no_collect:
            _collect(options)
        answer = _answer(options)
    except ViewError as error:
        raise CommandError(f"compare: {error}", error.exit_code) from error
    except RunFileError as error:
        raise CommandError(f"compare: {error}", 3) from error
    _write(answer, options.json)
    return _gate(answer, options.fail_slower)


def _collect(options: argparse.Namespace) -> None:
    """Have the links of equations made, where a run file lacks them."""
    from xlascope.cli.collect import collect

    a, b = open_sides(options.a, options.b)
    with a.source, b.source:
        lacking = {
            each.source.path: [found for found in missing(each.source, "ops", None, None)]
            for each in (a, b)
            if isinstance(each.source, RunSource) and not each.source.being_written()
        }
    for path, wanted in lacking.items():
        if wanted:
            collect(path, wanted, "compare")


def _answer(options: argparse.Namespace) -> Compare:
    a, b = open_sides(options.a, options.b)
    with a.source, b.source:
        program = None
        if options.program is not None:
            program = _chosen(b, options.program)
        answer = compare(a, b, program)
        return _rerun(a, b, answer, options.budget) if options.rerun else answer


def _chosen(b: Side, wanted: str) -> str:
    """The id of the program of B that is meant. Raises ViewError."""
    from xlascope.views.names.program_choice import choose

    return choose(b.source, wanted)


def _rerun(a: Side, b: Side, answer: Compare, budget_s: float) -> Compare:
    """The same with the times of both programs executed in turn. Raises CommandError where no lab can have them."""
    from xlascope.session.keeper import Keeper

    if a.variant is not None or b.variant is not None:
        raise CommandError("compare: --rerun is for two runs; variants are measured in turn already")
    if not isinstance(a.source, RunSource) or not isinstance(b.source, RunSource):
        raise CommandError("compare: --rerun needs two run files: nothing else can be executed again")
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    keeper = Keeper.reopen(a.source.path)
    keeper.subscribe(events.put)
    keeper.start()
    try:
        programs = []
        for each in answer.programs:
            if each.same_signature is not True:
                programs.append(replace(each, note="not executed again: another signature"))
                continue
            _say(f"{each.program_a} and {each.program_b} in turn …")
            ticket = keeper.measure(
                each.program_a, {}, budget_s, profile=False, other=(b.source.path, each.program_b))
            programs.append(rerun_of(each, _wait(events, ticket)))
    finally:
        keeper.stop()
    # What the machine did while the runs were recorded no longer matters to what was executed in turn now.
    again = all(each.how == "rerun" for each in programs)
    notes = ["Equations have the times of the recorded runs."] if again else [*answer.notes]
    versions = [_jax_of(each) for each in (a.source, b.source)]
    if versions[0] != versions[1]:
        notes.append(f"Executed again, both were compiled by the JAX of A ({versions[0]}), not each by its own.")
    return replace(answer, programs=tuple(programs), notes=tuple(notes))


def _jax_of(source: RunSource) -> str:
    record = source.last("env")
    return str(record.json.get("jax")) if record is not None else "unknown"


def _wait(events: queue.Queue[dict[str, Any]], ticket: int) -> dict[str, Any]:
    while True:
        event = events.get()
        if event["kind"] == "problem":
            _say(str(event["text"]))
        if event["kind"] == "result" and event.get("id") == ticket:
            return event


def _say(text: str) -> None:
    print(f"xlascope compare: {text}", file=sys.stderr, flush=True)


def _write(answer: Compare, as_json: bool) -> None:
    from xlascope.report.text.encodings import writable

    if as_json:
        from xlascope.report.as_json import dumps

        text = dumps("compare", answer) + "\n"
    else:
        from xlascope.report.text import render

        text = render("compare", answer)
    sys.stdout.write(writable(text, sys.stdout.encoding or "utf-8"))
    sys.stdout.flush()


def _gate(answer: Compare, percent: float | None) -> int:
    if percent is None:
        return 0
    if not answer.programs:
        _say("no program of A is in B: nothing was compared")
    failed = [each for each in answer.programs if is_slower(each, percent)]
    for each in failed:
        assert each.ratio is not None
        _say(f"{each.program_b} is {100 * (each.ratio - 1):.1f} % slower "
             f"[{each.ratio_ci_low:.3f} to {each.ratio_ci_high:.3f} times the time]")  # fmt: skip
    unsure = sum(each.verdict == "unclear" for each in answer.programs)
    if unsure:
        _say(f"{unsure} of {len(answer.programs)} programs: not known; --rerun, or longer runs, tell more")
    return 1 if failed else 0


def is_slower(program: Program, percent: float) -> bool:
    """For sure (its interval excludes 1), and by more than so many percent as far as was measured."""
    return program.verdict == "slower" and program.ratio is not None and program.ratio > 1 + percent / 100
