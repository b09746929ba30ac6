"""The views there are. A view is a module with ``query(source, **options)`` that returns a frozen dataclass.

The fields of the dataclass are the keys of the JSON output; ``JSON_KEYS`` of a class renames fields whose key is no
Python name, and a field with ``metadata={"json": False}`` is for Python alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from xlascope.runfile import RunFileError
from xlascope.views.errors import ViewError
from xlascope.views.sources.source import Source


@dataclass(frozen=True, slots=True)
class View:
    """``needs``: the kinds of source that can give it; ``options``: the keyword arguments of its query."""

    name: str
    module: str
    needs: frozenset[str]
    options: frozenset[str]
    help: str


def _view(name: str, needs: str, options: str, help: str) -> View:
    return View(name, f"xlascope.views.{name}", frozenset(needs.split()), frozenset(options.split()), help)


VIEWS: tuple[View, ...] = (
    _view("run", "run", "", "the run: script, state, phases, machine, what was lost or not captured"),
    _view("functions", "run", "program", "the functions that JAX compiled, with calls and device time"),
    _view("programs", "run profile hlo dump", "program", "every traced signature: its arguments, stages, variants"),
    _view("compiles", "run", "program", "every compilation: what, which line, why, how long"),
    _view("output", "run", "after", "what the script wrote"),
    _view("stage", "run profile hlo dump", "program variant stage instruction", "one form as text (--stage NAME)"),
    _view("passes", "run profile dump", "program variant", "every pass of XLA: what it changed, how long it took"),
    _view("diff", "run profile dump", "program variant from to text", "two forms between passes (--from N --to M)"),
    _view("history", "run profile dump", "program variant instruction equation", "which pass made, changed, merged it"),
    _view("graph", "run profile hlo dump", "program variant stage", "the graph of a program's HLO or jaxpr"),
    _view("ops", "run profile", "program variant filter", "time for each op and device (--filter EXPR)"),
    _view("equations", "run", "program variant filter", "time for each equation of the jaxprs (--filter EXPR)"),
    _view("links", "run", "program variant stage", "the equations of each line of a stage"),
    _view("machine", "run", "program variant", "the kernels of a program: vector width, mix of instructions"),
    _view("devices", "run profile", "program variant", "busy, collective and idle time of each device"),
    _view("variants", "run", "program", "what was measured: each switch against its baseline"),
    _view("predictions", "run", "program variant", "what ops are foretold to take where --target compiled for"),
    _view("compare", "run", "program variant", "a variant beside its baseline (two runs: `xlascope compare`)"),
    _view("memory", "run profile hlo dump", "program variant", "the values of a program, how large and how long alive"),
    _view("collectives", "run profile hlo dump", "program variant", "what devices exchange: bytes, groups, axes, time"),
    _view("sharding", "run profile dump", "program variant", "how arrays lie on the devices, why one is whole"),
)
# The time of a run goes on while its file stays the same; output is kept piece by piece by its own view.
_VOLATILE = frozenset({"run", "output"})


def find(name: str) -> View:
    """The view of that name. Raises ViewError (exit code 2) with the names there are."""
    for view in VIEWS:
        if view.name == name:
            return view
    names = ", ".join(view.name for view in VIEWS)
    raise ViewError(f"{name}: not in this version", f"The views are: {names}.")


def query(name: str, source: Source, **options: Any) -> Any:
    """The answer of a view. Options that are None are as not given.

    Raises ViewError for a view or an option that does not exist, and for a source that cannot give it.
    """
    view = find(name)
    if source.kind not in view.needs:
        possible = ", ".join(each.name for each in VIEWS if source.kind in each.needs)
        raise ViewError(f"{source.path}: {source.says} has no view {name}", f"It can show: {possible}.")
    given = {key: value for key, value in options.items() if value is not None}
    for key in given:
        if key not in view.options:
            allowed = ", ".join(f"--{option}" for option in sorted(view.options)) or "none"
            raise ViewError(f"the view {name} takes no --{key}", f"Its options: {allowed}.")
    answer = import_module(view.module).query
    kept = given.pop("filter", None)
    test = None
    if kept is not None:
        from xlascope.views.filtering import test_of

        test = test_of(name, kept)
    try:
        if view.name in _VOLATILE:
            return answer(source, **given)
        found = source.memo(("view", name, *sorted(given.items())), lambda: answer(source, **given))
        if test is None:
            return found
        kept_by = test(found)
        return replace(found, rows=tuple(row for row in found.rows if kept_by(row)))
    except RunFileError as error:
        raise ViewError(str(error), "What is left of it cannot answer this view.", 3) from error
