"""Which command the words mean. Imports a command's module only when it is asked for."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import io
import sys
from dataclasses import dataclass
from typing import Any

USAGE = """\
usage: xlascope [OPTIONS] SCRIPT [ARGS…]        show what JAX does with a script, while it runs
       xlascope COMMAND …

Run a Python script unchanged; see what JAX compiled, what XLA made of it, where the time goes, and what a switch
changes.

commands:
{commands}

options, in front of SCRIPT (`xlascope record` takes them too):
{options}

A script that is called like a command is ./NAME. `xlascope COMMAND --help` tells more.
exit codes: 0 done; 1 findings; 2 wrong usage; 3 an input that cannot be read; 4 the engine failed.
"""


@dataclass(frozen=True, slots=True)
class Command:
    """A command in ``module`` (its function ``main(argv)``); ``needs``: modules without which it is not there.

    ``reads``: it opens files and computes; scripts that it may start are other processes.
    """

    name: str
    module: str
    arguments: str
    help: str
    needs: tuple[str, ...] = ()
    reads: bool = False

    @property
    def built(self) -> bool:
        """Whether its modules are part of this version."""
        return all(importlib.util.find_spec(name) is not None for name in (self.module, *self.needs))


class _Nowhere(io.TextIOBase):
    """In the place of a closed stderr: what is told is lost, and nothing fails for it. It takes no descriptor."""

    def write(self, text: str) -> int:
        return len(text)


COMMANDS = (
    Command("record", "xlascope.cli.record", "SCRIPT [ARGS…]", "the same without a screen; writes a run file"),
    Command("open", "xlascope.cli.open", "PATH…", "look at run files, profiles, HLO text", ("xlascope.tui.app",)),
    Command("show", "xlascope.cli.show", "PATH VIEW", "one view as text or JSON", reads=True),
    Command("measure", "xlascope.cli.measure", "RUN [SWITCHES]", "measure a variant of a program beside its baseline"),
    Command("doctor", "xlascope.cli.doctor", "", "what is installed, what works here, where things are kept"),
    Command("demo", "xlascope.cli.demo", "[NAME]", "a shipped example", ("xlascope.tui.app",)),
    Command("compare", "xlascope.cli.compare", "A B", "two runs, or variants of one", reads=True),
    Command("report", "xlascope.cli.report", "RUN -o FILE", "a run as Markdown, HTML or JSON", reads=True),
    Command("export", "xlascope.cli.export", "RUN -o DIR", "a program as a stand-alone script"),
    Command("sql", "xlascope.cli.sql", "RUN QUERY", "a read-only query"),
    Command("strip", "xlascope.cli.strip", "RUN -o OUT", "a copy without arguments, output and home paths"),
)


def run(argv: list[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if sys.stderr is None:
        sys.stderr = _Nowhere()
    try:
        code = _run(words)
        if sys.stdout is not None:
            sys.stdout.flush()  # what cannot be written is told here, not in the interpreter's words at its end
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _silence()
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
            raise
        _silence()
        print(f"xlascope: the output could not be written: {error.strerror}", file=sys.stderr)
        return 4


def _run(words: list[str]) -> int:
    from xlascope.cli.errors import CommandError
    from xlascope.session.errors import PlanError

    name = words[0] if words else ""
    command = next((one for one in COMMANDS if one.name == name), None)
    try:
        if name in ("-h", "--help"):
            print(usage(), end="")
            return 0
        if name == "--version":
            import xlascope

            print(f"xlascope {xlascope.__version__}")
            return 0
        if command is not None:
            if not command.built:
                raise CommandError(f"{name}: not in this version")
            return int(_module(command).main(words[1:]))
        return int(importlib.import_module("xlascope.cli.live").main(words))
    except (CommandError, PlanError) as error:
        meant = _meant(name) if command is None else ""
        print(f"xlascope: {error}{meant}", file=sys.stderr)
        return error.code


def _module(command: Command) -> Any:
    if not command.reads:
        return importlib.import_module(command.module)
    from xlascope.cli.quick_start import imports

    with imports():
        return importlib.import_module(command.module)


def _meant(word: str) -> str:
    """What to add for a word that is no script and nearly a command; else nothing."""
    import difflib
    import os

    close = difflib.get_close_matches(word, [one.name for one in COMMANDS if one.built], 1, 0.7)
    return f"; did you mean `xlascope {close[0]}`?" if close and not os.path.exists(word) else ""


def usage() -> str:
    """The text of --help: the commands that are built."""
    rows = [(f"{one.name} {one.arguments}".rstrip(), one.help) for one in COMMANDS if one.built]
    width = max(len(left) for left, _ in rows)
    from xlascope.cli.options import OPTIONS, OUTPUT_OF_SCREEN, describe

    commands = "\n".join(f"  {left:<{width}}  {right}" for left, right in rows)
    return USAGE.format(commands=commands, options=describe((OUTPUT_OF_SCREEN, *OPTIONS)))


def _silence() -> None:
    """The reader of our output is gone: nothing more is written, also not at the interpreter's end."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
