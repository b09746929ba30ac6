"""A view's answer as text for people, by Rich."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from rich.console import RenderableType

from xlascope.report.text.tables import Paper

# Where no terminal tells its width: wide enough for the tables, narrow enough for a page.
_PLAIN_WIDTH = 120
_RENDERERS = {
    "run": "run",
    "functions": "programs",
    "programs": "programs",
    "compiles": "compiles",
    "output": "plain",
    "stage": "plain",
    "graph": "graph",
    "ops": "times",
    "equations": "equations",
    "devices": "times",
    "collectives": "times",
    "sharding": "sharding",
    "variants": "variants",
    "compare": "compare",
    "predictions": "predictions",
    "memory": "memory",
    "links": "links",
    "machine": "machine",
    "passes": "passes",
    "diff": "passes",
    "history": "passes",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """The text of a view; ``cut``: whether a table or a picture of it would be another one where nothing is cut."""

    text: str
    cut: bool


def render(
    view: str, answer: Any, width: int | None = None, colour: bool | None = None, whole: bool | None = None
) -> str:
    """The text of a view, ``width`` columns wide; colours by default only on a terminal without NO_COLOR.

    Without a width that of ``COLUMNS``, or of the terminal. Where neither is there, as into a pipe or a file, nothing
    is cut: rows of tables are as long as they need to be, and only prose is broken. ``whole`` asks for that anyway.
    """
    return draw(view, answer, width, colour, whole).text


def draw(
    view: str, answer: Any, width: int | None = None, colour: bool | None = None, whole: bool | None = None
) -> Drawn:
    """As `render`, and whether anything is cut."""
    terminal = sys.stdout.isatty()
    if colour is None:
        colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    module = import_module(f"xlascope.report.text.{_RENDERERS[view]}")
    if _RENDERERS[view] == "plain":
        return Drawn(getattr(module, view)(answer, terminal, colour), False)
    make: Callable[[Any], Iterable[RenderableType]] = getattr(module, view)
    told = _told_width()
    console = Paper(
        whole=width is None and told is None and not terminal if whole is None else whole,
        file=io.StringIO(),
        width=width or told or _width(terminal),
        force_terminal=colour,
        no_color=not colour,
        color_system="standard" if colour else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in make(answer):
        console.print(part, crop=False)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return Drawn("\n".join(line.rstrip() for line in text.splitlines()) + "\n", console.cut)


def _told_width() -> int | None:
    told = os.environ.get("COLUMNS", "")
    return int(told) if told.isascii() and told.isdigit() and int(told) > 0 else None


def _width(terminal: bool) -> int:
    # Into a pager the terminal that the user sits at is that of the messages or of the keys.
    for stream in (sys.stdout,) if terminal else (sys.stderr, sys.stdin):
        try:
            if stream.isatty():
                return max(os.get_terminal_size(stream.fileno()).columns, 20)
        except (OSError, ValueError, AttributeError):
            continue  # a terminal that does not tell its size, or a stream that is closed
    return _PLAIN_WIDTH
