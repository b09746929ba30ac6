"""A jaxpr as the engine sends it: its text, and its equations as a tree of paths."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from xlascope.ir.hlo import Problem

PATH = re.compile(r"\d+(?:\.(?:\d+|b\d+\.\d+))*\Z")


@dataclass(frozen=True, slots=True)
class Equation:
    """One equation. ``parent`` is the path of the equation whose body holds it, None at the top.

    ``function`` is the Python function of its source line. An equation that JAX traced without any frame of the user,
    in a jitted function of JAX's own, has the place of the equation around it, as in XLA's metadata. ``text_line`` is
    the line (from 1) of the jaxpr's text that writes it, None where it has none of its own. ``own`` is the innermost
    place outside of installed packages, ``library`` the innermost in one, where they are not ``file`` and ``line``.
    """

    path: str
    primitive: str
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    file: str | None
    line: int | None
    text_line: int | None
    parent: str | None
    function: str | None = None
    children: tuple[str, ...] = ()
    own: tuple[str, int] | None = None
    library: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class JaxprIndex:
    """Text and equations, in the order of execution."""

    text: str
    equations: tuple[Equation, ...]
    problems: tuple[Problem, ...] = ()
    by_path: Mapping[str, Equation] = field(default_factory=dict)
    by_text_line: Mapping[int, tuple[Equation, ...]] = field(default_factory=dict)

    @property
    def roots(self) -> tuple[Equation, ...]:
        """The equations of the outermost jaxpr."""
        return tuple(equation for equation in self.equations if equation.parent is None)

    def ancestors(self, path: str) -> tuple[str, ...]:
        """The paths around an equation, nearest first."""
        found = []
        equation = self.by_path.get(path)
        while equation is not None and equation.parent is not None:
            found.append(equation.parent)
            equation = self.by_path.get(equation.parent)
        return tuple(found)

    def at_source(self, file: str, line: int) -> tuple[Equation, ...]:
        """The equations that a source line wrote."""
        return tuple(found for found in self.equations if found.line == line and found.file == file)


def parent_path(path: str) -> str | None:
    """``4.b1.0`` and ``4.0`` lie in 4; a path without a dot lies at the top."""
    parts = path.split(".")[:-1]
    if parts and parts[-1].startswith("b"):
        parts.pop()
    return ".".join(parts) or None


def index_jaxpr(text: str, equations_json: str | bytes | Sequence[Mapping[str, Any]]) -> JaxprIndex:
    """Index the equations. An entry that makes no sense is left out and listed in ``problems`` (line: its position)."""
    problems: list[Problem] = []
    entries: Sequence[Any]
    if isinstance(equations_json, str | bytes):
        try:
            loaded = json.loads(equations_json)
        except (ValueError, RecursionError) as error:
            loaded = []
            problems.append(Problem(1, "", f"the equations are no JSON: {error}"))
        if not isinstance(loaded, list):
            problems.append(Problem(1, "", "the equations are no JSON list"))
            loaded = []
        entries = loaded
    else:
        entries = equations_json
    plain: dict[str, Equation] = {}
    for position, entry in enumerate(entries, 1):
        equation = _read(entry)
        if equation is None:
            problems.append(Problem(position, str(entry)[:200], "no path or no primitive"))
        elif equation.path in plain:
            problems.append(Problem(position, equation.path, "a second equation of this path"))
        else:
            plain[equation.path] = equation
    return _link(text, plain, problems)


def _read(entry: Any) -> Equation | None:
    if not isinstance(entry, Mapping):
        return None
    path, primitive = entry.get("path"), entry.get("primitive")
    if not isinstance(path, str) or not PATH.match(path) or not isinstance(primitive, str):
        return None
    return Equation(
        path=path,
        primitive=primitive,
        outputs=_texts(entry.get("outputs")),
        inputs=_texts(entry.get("inputs")),
        file=_text(entry.get("file")),
        line=_number(entry.get("line")),
        text_line=_number(entry.get("text_line")),
        parent=parent_path(path),
        function=_text(entry.get("function")),
        own=_place(entry.get("own")),
        library=_place(entry.get("library")),
    )


def _place(value: Any) -> tuple[str, int] | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    file, line = _text(value[0]), _number(value[1])
    return None if file is None or line is None else (file, line)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(part) for part in value) if isinstance(value, list | tuple) else ()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _link(text: str, plain: dict[str, Equation], problems: list[Problem]) -> JaxprIndex:
    children: dict[str, list[str]] = {}
    for equation in plain.values():
        if equation.parent is not None:
            if equation.parent not in plain:
                problems.append(Problem(0, equation.path, f"its parent {equation.parent} is missing"))
            children.setdefault(equation.parent, []).append(equation.path)
    _inherit_places(plain)
    linked = {path: replace(equation, children=tuple(children[path])) if path in children else equation
              for path, equation in plain.items()}  # fmt: skip
    by_line: dict[int, list[Equation]] = {}
    for equation in linked.values():
        if equation.text_line is not None:
            by_line.setdefault(equation.text_line, []).append(equation)
    lines = {line: tuple(found) for line, found in by_line.items()}
    return JaxprIndex(text, tuple(linked.values()), tuple(problems), linked, lines)


def _inherit_places(plain: dict[str, Equation]) -> None:
    """Give each equation without a file the place of the nearest equation around it that has one."""
    for path in sorted(plain, key=len):
        equation = plain[path]
        around = plain.get(equation.parent) if equation.parent is not None else None
        if equation.file is None and around is not None:
            plain[path] = replace(equation, file=around.file, line=around.line, function=around.function)
