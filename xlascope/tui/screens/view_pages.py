"""Pages: the text of a view as `xlascope show` writes it, for one program or for all, and how it came about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from xlascope.tui.feeding.feed import Feed
from xlascope.tui.screens.passes_model import Subject

ELSEWHERE = {"output": "show('output')", "stage": "show('jaxpr')", "passes": "passes", "compare": "compare"}
"""Views with a place of their own on the screen, and the action of the main screen that leads there."""
ONE_PAGE = frozenset({"run", "functions", "programs", "compiles", "ops", "devices", "equations"})
"""Views that tell of all programs at once when none is named."""
OF_ALL_FIRST = frozenset({"run", "functions", "programs", "compiles"})
"""Views that are about all programs until the user asks for one."""
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_MOST_ROWS = 4_000
_MOST_PROGRAMS = 50

_ACCOUNTS = {
    "run": "Phases are what the recorder timed; they may overlap the script's own work. Dropped and not captured: "
    "what is missing in all other numbers.",
    "functions": "Calls: XLA numbers the executions of a program, so a window that sees one tells how many there were; "
    "~ where what came after the last one seen is estimated. Device time: self time of ops in the profile windows. "
    "Compile: what JAX reported.",
    "programs": "A program is one traced signature of a function. Calls and device time as for functions.",
    "compiles": "Times are JAX's own: tracing, lowering, compiling. Why: JAX's explanation of what was not in its "
    "cache, or what differs from the program that was compiled before.",
    "diff": "Instructions of the two forms are matched by name, then by what they compute.",
    "history": "Each form between two passes is compared with the one before.",
    "graph": "Percentages are shares of the self time seen in the profile windows.",
    "ops": "Self time: each instant an op was active is given to the innermost active op. Coverage: op time / time the "
    "device was busy, measured on its own.",
    "equations": "An instruction's self time goes to its equations; a fusion of several is split by a rule (~).",
    "links": "By tags that XLA carries through its passes, or (~) by source position.",
    "machine": "Read from the object files that XLA writes when the program is compiled once more.",
    "devices": "Busy: the union of the spans of the programs' executions on that device, in the profile windows. "
    "Idle: the rest of the windows.",
    "variants": "Variant and baseline run in turn; the ratio is that of neighbouring pairs, with a 95 % interval.",
    "predictions": "Compiled for hardware that is not there, never executed: the compiler's own cycles of each op "
    "times the turns of its loops, or a roofline of the device's published peaks where the compiler gives none.",
    "memory": "Peak, arguments, outputs, temporaries: XLA's own figures for one device. Values and lifetimes are read "
    "from the schedule of the optimized HLO: without what loops need inside, padding, and reuse of operands in place.",
    "collectives": "Bytes: what one device holds of it. Axes and groups are read from the optimized HLO, times from "
    "the profile windows.",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A page that is wanted: a view, of a program (None: of all), of a variant, `width` cells wide."""

    view: str
    program: str | None
    variant: str | None
    width: int
    subject: Subject | None = None
    """What a history is told of."""
    ascii_only: bool = False
    whole: bool = False
    """Rows of tables as long as they need to be."""


@dataclass(frozen=True, slots=True)
class Page:
    """`styled` are its lines with colours as ANSI codes; `lacking` what a lab would have to make for it; `uncut` the
    same lines without colours as they were if nothing of them was cut (empty: none is)."""

    request: Request
    styled: tuple[str, ...]
    lacking: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    uncut: tuple[str, ...] = ()


def page(feed: Feed, request: Request) -> Page:
    """The page, or what stands in its way as a page: what the file lacks, what the view needs to be told."""
    view = feed.views()[request.view]
    if request.program is None and "program" in view.options and request.view not in ONE_PAGE:
        names = feed.program_names()
        shown = [_of_one(feed, replace(request, program=name)) for name in names[:_MOST_PROGRAMS]]
        lines = [line for each in shown for line in (*each.styled, "")][:-1]
        if len(names) > _MOST_PROGRAMS:
            lines.append(f"! The first {_MOST_PROGRAMS} of {len(names)} programs; a shows one alone.")
        uncut = tuple(line for each in shown for line in (*(each.uncut or map(_plain, each.styled)), ""))[:-1]
        cut = len(uncut) == len(lines) and any(each.uncut for each in shown)
        return Page(request, tuple(lines) or ("No program was compiled.",), uncut=uncut if cut else ())
    return _of_one(feed, request)


def _of_one(feed: Feed, request: Request) -> Page:
    from xlascope.report.text import draw
    from xlascope.report.text.encodings import writable
    from xlascope.views import ViewError

    view = feed.views()[request.view]
    options: dict[str, Any] = {}
    if "program" in view.options:
        options["program"] = request.program
    if "variant" in view.options and request.program is not None:
        options["variant"] = request.variant
    if request.view == "history":
        if request.subject is None:
            return Page(request, ("Of what? On the main screen, put the cursor on an equation or an instruction.",))
        options |= {"instruction": request.subject.instruction, "equation": request.subject.equation}
    lacking = feed.lacking_of(request.view, request.program, request.variant) if request.program is not None else ()
    try:
        answer, cut = _shortened(feed.ask(request.view, **options))
    except ViewError as error:
        if error.exit_code != 2:
            raise
        return Page(request, tuple(str(error).split("\n")), lacking)

    def lines(text: str) -> tuple[str, ...]:
        text = writable(text, "ascii") if request.ascii_only else text
        return (*cut, *text.rstrip("\n").split("\n"))

    drawn = draw(request.view, answer, request.width, True, request.whole)
    styled = lines(drawn.text)
    if not drawn.cut:
        return Page(request, styled, lacking)
    uncut = lines(draw(request.view, answer, request.width, False, True).text)
    # A picture is drawn otherwise where it may be wider: then no line is that of the other.
    alike = len(uncut) == len(styled) and uncut != tuple(map(_plain, styled))
    return Page(request, styled, lacking, uncut if alike else ())


def _plain(styled: str) -> str:
    return _COLOURS.sub("", styled)


def _shortened(answer: Any) -> tuple[Any, list[str]]:
    """An answer without the rows that no page could hold, and a line that says so."""
    said: list[str] = []
    for name in ("rows", "compiles", "buffers", "programs", "functions"):
        rows = getattr(answer, name, None)
        if isinstance(rows, tuple) and len(rows) > _MOST_ROWS:
            answer = replace(answer, **{name: rows[:_MOST_ROWS]})
            said.append(f"! The first {_MOST_ROWS:,} of {len(rows):,} rows, and sums of these alone; "
                        "`xlascope show` writes all.")  # fmt: skip
    return answer, said


def command(path: str, request: Request) -> str:
    """The command line that writes the same page."""
    words = ["xlascope show", path, request.view]
    if request.program is not None:
        words.append(f"--program '{request.program}'")
        if request.variant is not None:
            words.append(f"--variant '{request.variant}'")
    if request.view == "history" and request.subject is not None:
        name, value = (
            ("equation", request.subject.equation) if request.subject.equation is not None
            else ("instruction", request.subject.instruction)
        )  # fmt: skip
        words.append(f"--{name} {value}")
    return " ".join(words)


def account(request: Request, help: str, path: str) -> list[str]:
    """How the numbers of a page were obtained."""
    said = [f"{request.view}: {help}.", ""]
    if request.view in _ACCOUNTS:
        said += [_ACCOUNTS[request.view], ""]
    said += ["~ estimated, ? unknown, ∅ nothing, + added by XLA.", ""]
    return [*said, "The same page on the command line, with --json for all of it:", f"  {command(path, request)}"]
