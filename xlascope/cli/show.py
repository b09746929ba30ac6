"""``xlascope show PATH VIEW``: one view as text or JSON."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from xlascope.views import VIEWS, ViewError, find, open_source, query
from xlascope.views.names.program_choice import choose
from xlascope.views.sources.missing import concerns, missing
from xlascope.views.sources.opening import join
from xlascope.views.sources.source import RunSource

_OPTIONS = ("program", "variant", "stage", "from", "to", "text", "instruction", "equation", "filter")


class _Usage(Exception):
    """Arguments that make no sense."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Usage(message)


def parser() -> argparse.ArgumentParser:
    """The arguments of ``show``."""
    made = _Parser(
        prog="xlascope show",
        description="Show one view of a run file, a profile (.xplane.pb, or the folder that jax.profiler.trace wrote), "
        "HLO or StableHLO text, or an XLA dump folder. Profile, dump and texts given together are joined.",
        epilog="Views:\n" + _views(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("words", metavar="PATH", nargs="*", help="run file, or profile, XLA dump folder, HLO text …")
    # The last word, or the first: told from a path by what it is, so that it may follow any number of them.
    made.add_argument("view", metavar="VIEW", nargs="?", help="which view; without it the views are listed")
    made.add_argument("--program", metavar="P", help="scores#1, scores or 1; by default the hottest")
    made.add_argument("--variant", metavar="V", help="id or name of a measured variant, or baseline")
    stages = "source, jaxpr, stablehlo, hlo, optimized, pass:N, llvm:before, llvm, asm"
    made.add_argument("--stage", metavar="NAME", help=stages)
    made.add_argument("--from", metavar="N", help="diff: the form after pass N; also hlo, optimized, fusion, fusion#2")
    made.add_argument("--to", metavar="N", help="diff: the later form; without it, one pass against the one before")
    made.add_argument("--text", "--textual", action="store_true", default=None, help="diff: line by line as well")
    made.add_argument("--instruction", metavar="NAME", help="history of an instruction; of llvm and asm, its kernel")
    made.add_argument("--equation", metavar="PATH", help="history of an equation (4.0)")
    made.add_argument("--filter", metavar="EXPR", help="rows of ops, equations: 'opcode=dot & self>1ms | !(share<5%%)'")
    made.add_argument("--json", action="store_true", help="one JSON object on stdout")
    made.add_argument("--dot", action="store_true", help="the view graph as Graphviz text")
    made.add_argument("--no-collect", action="store_true", help="show only what the file holds")
    return made


def _views() -> str:
    width = max(len(view.name) for view in VIEWS)
    return "\n".join(f"  {view.name:<{width}}  {view.help}" for view in VIEWS)


def main(argv: list[str] | None = None) -> int:
    """Run ``show``; returns the exit code: 0, 2 wrong usage, 3 an input that cannot be read."""
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        # The reader of our output has gone: quiet, also when the interpreter flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ViewError as error:
        print(f"xlascope show: {error}", file=sys.stderr)
        return error.exit_code
    except _Usage as error:
        print(f"xlascope show: {error}\n`xlascope show --help` lists the arguments.", file=sys.stderr)
        return 2
    except SystemExit as end:  # argparse ends --help so
        return end.code if isinstance(end.code, int) else 0


def _run(argv: list[str]) -> int:
    # Intermixed: the view may stand behind options.
    wanted = parser().parse_intermixed_args(argv)
    _tell_apart(wanted)
    if wanted.view is None:
        with open_source(wanted.path) as source:
            names = [view for view in VIEWS if source.kind in view.needs]
            width = max(len(view.name) for view in names)
            _write("\n".join(f"{view.name:<{width}}  {view.help}" for view in names) + "\n")
        return 0
    if wanted.view == "passes" and (vars(wanted)["from"] or wanted.to or wanted.text):
        wanted.view = "diff"  # the passes from one to another
    find(wanted.view)
    if wanted.dot and (wanted.view != "graph" or wanted.json):
        raise _Usage("--dot belongs to the view graph, without --json")
    options = {name: getattr(wanted, name) for name in _OPTIONS}
    if not wanted.no_collect:
        _complete(wanted)
    with open_source(wanted.path) as source:
        answer = query(wanted.view, source, **options)
        _write(_rendered(wanted, answer))
        if wanted.filter and not answer.rows:
            print("xlascope show: no row answers --filter", file=sys.stderr)
    return 0


def _tell_apart(wanted: argparse.Namespace) -> None:
    """Which of the words is the view: the last of several, unless it is a path."""
    words = wanted.words
    if not words:  # asked for only now: an option that is not known is told first
        raise _Usage("which file? `xlascope show PATH VIEW`")
    views = {view.name for view in VIEWS}
    if words[0] in views and not os.path.exists(words[0]):
        if len(words) == 1:
            raise _Usage(f"{words[0]} of which file? `xlascope show PATH {words[0]}`")
        words.append(words.pop(0))
    named = len(words) > 1 and (words[-1] in views or not os.path.exists(words[-1]))
    wanted.view = words.pop() if named else None
    if any(word in views and not os.path.exists(word) for word in words[1:]):
        raise _Usage(f"unrecognized argument: {wanted.view}. One view at a time: `xlascope show PATH… VIEW`")
    if len(words) > 1:
        for word in words:
            if not os.path.exists(word):
                raise ViewError(f"{word}: no such file or folder", "Several paths are joined: each has to be there.", 3)
    wanted.path = words[0] if len(words) == 1 else str(join([Path(word) for word in words]))


def _complete(wanted: argparse.Namespace) -> None:
    """Add to the run file what the view needs and a lab can make."""
    with open_source(wanted.path) as source:
        if not isinstance(source, RunSource) or not concerns(wanted.view, wanted.stage) or source.being_written():
            return
        alone = wanted.program is not None or wanted.view not in ("ops", "devices", "equations", "compiles")
        program = choose(source, wanted.program) if alone else None
        if wanted.view == "history" and program is not None:
            from xlascope.views.history import check

            check(source, program, wanted.instruction, wanted.equation)
        lacking = missing(source, wanted.view, program, wanted.stage, wanted.variant)
    if lacking:
        from xlascope.cli.collect import collect

        collect(source.path, lacking)


def _rendered(wanted: argparse.Namespace, answer: Any) -> str:
    if wanted.json:
        from xlascope.report.as_json import dumps

        return dumps(wanted.view, answer) + "\n"
    if wanted.dot:
        from xlascope.graphs.dot import to_dot

        return to_dot(answer.graph)
    from xlascope.report.text import render

    return render(wanted.view, answer)


def _write(text: str) -> None:
    """To stdout, whatever its encoding."""
    if not text.isascii():  # JSON is; it needs nothing that draws
        from xlascope.report.text.encodings import writable

        text = writable(text, sys.stdout.encoding or "utf-8")
    sys.stdout.write(text)
    sys.stdout.flush()
