"""The options of `record` and of the screen, and which words are the script's."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xlascope.cli import config
from xlascope.cli.errors import CommandError
from xlascope.cli.units import parse_seconds, parse_size
from xlascope.session.errors import PlanError
from xlascope.session.plan import ARGS_MODES, LaunchPlan, check_script, choose_python

SMALLEST_RUN = 1 << 20  # bytes: below that not even the records of one program are sure of a place


@dataclass(frozen=True, slots=True)
class Option:
    """``field`` of the plan it sets (None: handled apart); ``value`` its placeholder, None for a flag."""

    name: str
    value: str | None
    help: str
    field: str | None = None
    parse: Callable[[str], Any] = str
    short: str | None = None


def _mode(text: str) -> str:
    if text not in ARGS_MODES:
        raise ValueError(f"{text!r} is none of {', '.join(ARGS_MODES)}")
    return text


def parse_run_size(text: str) -> int:
    """Bytes of a run file. Raises ValueError for what is no size, and for one too small."""
    size = parse_size(text)
    if size < SMALLEST_RUN:
        raise ValueError(f"{text} is too little to hold a run; at least 1MiB")
    return size


OPTIONS = (
    Option("--python", "EXE", "run the script with this Python (default: $VIRTUAL_ENV's if it has jax, else ours)"),
    Option("--module", "MODULE", "run a module, as python -m does; what follows is its arguments", short="-m"),
    Option("--args", "full|specs|none", "keep arguments whole, their shapes only, or nothing (default: full)",
           "args", _mode),
    Option("--args-limit", "SIZE", "keep whole arguments up to this size a program (default: 64MiB)",
           "args_limit", parse_size),
    Option("--args-total", "SIZE", "and up to this size a run (default: 512MiB)", "args_total", parse_size),
    Option("--profile-window", "SECONDS", "length of a profile window, 0 for none (default: 0.1)",
           "profile_window", parse_seconds),
    Option("--finish-budget", "SECONDS", "time to spend when the script has ended (default: a tenth of the run)",
           "finish_budget", parse_seconds),
    Option("--max-size", "SIZE", "limit of the run file (default: 1GiB, at least 1MiB)", "max_size", parse_run_size),
    Option("--no-source", None, "keep no source text"),
    Option("--no-config", None, "read no configuration file"),
)
OUTPUT = Option("--output", "RUN", "the run file to write (default: ./STEM-YYYYMMDD-HHMMSS.xlascope)", short="-o")
OUTPUT_OF_SCREEN = replace(
    OUTPUT, help="the run file to write (default: one in $XDG_STATE_HOME/xlascope/runs; `record`: one in .)"
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """The options given, by name; the script or module, and its own arguments. ``help``: --help was asked for."""

    given: dict[str, str]
    script: str | None
    module: str | None
    argv: tuple[str, ...]
    help: bool = False


def split(words: Sequence[str], options: Sequence[Option] = OPTIONS) -> Parsed:
    """Take the options in front of the script; from there on every word is the script's. Raises CommandError."""
    by_name = {name: option for option in options for name in (option.name, option.short) if name}
    given: dict[str, str] = {}
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        if word in ("-h", "--help"):
            return Parsed(given, None, None, (), help=True)
        name, glued, value = _parts(word, by_name)
        option = by_name.get(name)
        if option is None:
            raise CommandError(f"unknown option {name}; options stand in front of the script (see --help)")
        if option.value is None:
            if glued:
                raise CommandError(f"{name} takes no value")
        elif not glued:
            if not rest:
                raise CommandError(f"{name} needs a value: {name} {option.value}")
            value = rest.pop(0)
        given[option.name] = value
        if option.name == "--module":
            return Parsed(given, None, value, tuple(rest))
    return Parsed(given, rest[0] if rest else None, None, tuple(rest[1:]))


def _parts(word: str, by_name: dict[str, Option]) -> tuple[str, bool, str]:
    if not word.startswith("--") and word[:2] in by_name and len(word) > 2:
        return word[:2], True, word[2:].removeprefix("=")
    name, equals, value = word.partition("=")
    return name, bool(equals), value


def given_to_script(parsed: Parsed, options: Sequence[Option]) -> str | None:
    """The first of the script's own words that is one of these options, not given before it; None without one."""
    ours = {name for option in options if option.name != "--module" and option.name not in parsed.given
            for name in (option.name, option.short) if name}  # fmt: skip
    return next((word for word in parsed.argv if word.partition("=")[0] in ours), None)


def make_plan(parsed: Parsed, *, stay: bool) -> LaunchPlan:
    """The plan of a command line over the configuration's defaults. Raises CommandError, PlanError."""
    if parsed.script is None and parsed.module is None:
        raise CommandError("which script? Give its path, or -m MODULE")
    settings = {} if "--no-config" in parsed.given else config.load(os.environ, Path.cwd())
    values = {option.field: _value(option, parsed.given.get(option.name), settings)
              for option in OPTIONS if option.field is not None}
    if parsed.script is not None:
        check_script(parsed.script)
    python = parsed.given.get("--python") or settings.get("python")
    if python is not None and not isinstance(python, str):
        raise CommandError("the setting python is not a path")
    source = "--no-source" not in parsed.given and settings.get("source", True) is not False
    plan = LaunchPlan(parsed.script, parsed.module, parsed.argv, choose_python(python, os.environ), source=source,
                      stay=stay)
    return replace(plan, **{name: value for name, value in values.items() if value is not None})


def _value(option: Option, text: str | None, settings: dict[str, Any]) -> Any:
    key = option.name.removeprefix("--")
    where = option.name
    if text is None:
        if key not in settings:
            return None
        text, where = str(settings[key]), f"the setting {key}"
    try:
        return option.parse(text)
    except ValueError as error:
        raise CommandError(f"{where}: {error}") from error


def describe(options: Sequence[Option]) -> str:
    """The options' part of a help text."""
    rows = []
    for option in options:
        names = f"{option.short}, {option.name}" if option.short else option.name
        rows.append((f"{names} {option.value}" if option.value else names, option.help))
    width = max(len(left) for left, _ in rows)
    return "\n".join(f"  {left:<{width}}  {right}" for left, right in rows)


__all__ = [
    "OPTIONS", "OUTPUT", "OUTPUT_OF_SCREEN", "CommandError", "Option", "Parsed", "PlanError", "describe", "make_plan",
    "split",
]  # fmt: skip
