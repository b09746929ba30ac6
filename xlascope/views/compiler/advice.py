"""What to change so that a storm of compiles does not come again, with the line; said only where the causes tell it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from xlascope.views.compiler.changes import few, values
from xlascope.views.compiler.leading import Places, is_reached, leading, leads, lines, where
from xlascope.views.compiler.rows import Compile
from xlascope.views.names.program_records import program_records
from xlascope.views.sources.script_text import Enclosing, called_at, drives, enclosing
from xlascope.views.sources.source import RunSource

TYPES = 3  # arguments whose dtypes are told
_ANOTHER = re.compile(r"another (\w+) object")
_CONTAINERS = frozenset({"frozenset", "tuple", "partial", "method"})
"""Types of static values whose class is nobody's to change."""
_SIZES = {"shape", "new_sizes", "slice_sizes", "sizes", "start_indices", "limit_indices", "dimension_size"}
OTHERS = 3  # compiles for a second cause, at least a quarter of all, for which it is told what to do too
PASSES = 4  # compiles of one operation on one line, above which its loop is more than one pass over parameters


def advice(source: RunSource, group: Sequence[Compile], together: bool = False) -> str | None:
    """For the compiles of one function, or ``together`` of several eager primitives; of its most frequent cause,
    and of a second one that is frequent too."""
    if together:
        return _eager(source, group)
    again = [row for row in group if row.cause not in (None, "first", "unknown")]
    causes = Counter(row.cause for row in again).most_common()
    if not causes:
        return None
    first = causes[0][0]
    said = _of_cause(source, group, again, first)
    for cause, number in causes[1:]:
        if number >= OTHERS and 4 * number >= len(again) and not any({first, cause} <= set(each) for each in _ALIKE):
            more = _of_cause(source, group, again, cause)
            return said if more is None else more if said is None else f"{said} And: {more}"
    return said


def _of_cause(source: RunSource, group: Sequence[Compile], again: Sequence[Compile], cause: str | None) -> str | None:
    rows = [row for row in again if row.cause == cause]
    say = _SAYINGS.get(cause or "")
    if say is None:
        return None
    if cause in ("function", "captured") and not rows[0].eager and (apart := _apart(group, rows)) is not None:
        return apart
    alike = [row for row in again if row.cause in _OF_TYPES] if cause in _OF_TYPES else rows
    said = say(source, again if cause in _OF_TYPES else rows)
    if said is None:
        return None
    held = _held([row for row in again if row.cause == "captured"])
    if cause == "function" and held and not leading(rows, rows[-1].made_file):
        said += f" Hand over {held} as an argument instead of capturing it."
    return said if cause not in _AT_CALLS else said + _called(alike, said)


def _called(rows: Sequence[Compile], said: str) -> str:
    """The user's lines that call, where what is to be changed is what they pass; empty where they are named already."""
    places = Counter(
        (row.own_file, row.own_line) if row.own_line is not None else (row.call_file, row.call_line) for row in rows
    )
    places.pop((None, None), None)
    if not places or any(where(*place) in said for place in places):
        return ""
    return f" It is called {_at_lines(places)}."


def _place(around: Enclosing | None, file: str | None) -> str | None:
    """Words for what runs a line again."""
    if around is None:
        return None
    if around.loop is not None:
        return f"the loop at {where(file, around.loop)}"
    return f"`{around.function}`" if around.function is not None else None


def runs_once(source: RunSource, file: str | None, line: int | None) -> bool:
    """Whether the text says that a line runs once: it is in no function and no loop of its file."""
    around = enclosing(source, file, line)
    return around is not None and around.function is None and around.loop is None


def _eager(source: RunSource, group: Sequence[Compile]) -> str | None:
    places: Places = Counter()
    for row in group:
        # How often it is dispatched is what a jit would spare; how often a line did that which ran once is not known.
        place = row.own_file, row.own_line
        places[place] += 1 if runs_once(source, *place) else max(row.runs_at_least or row.runs or 1, 1)
    (file, line), _ = places.most_common(1)[0]
    if (led := _led_by(source, group)) is not None:
        return led
    around = enclosing(source, file, line)
    name = around.function if around is not None else group[0].own_function
    there = [row for row in group if (row.own_file, row.own_line) == (file, line)]
    if all(is_reached(row, row.call_file) for row in there):
        what = f"put `jax.jit` around what {where(file, line)} calls"
    elif name is None or name.startswith("<") or drives(source, file, line, _called_from(source, file)):
        what = f"move the operations {_at_lines(places)} into a jitted function"
    else:
        what = f"put `jax.jit` around `{name}`"
    more = " Their shapes change from call to call: pad to one size." if _ragged(source, group) else ""
    return f"each operation is compiled and dispatched alone: {what}.{more}"


def _led_by(source: RunSource, group: Sequence[Compile]) -> str | None:
    """Of a method that a library calls, and that calls the library: the user's line which calls that, as to jit the
    method alone would not do. None where there is none.
    """
    entries = Counter((row.entry_file, row.entry_line) for row in group if row.entry_line is not None)
    if not entries:
        return None
    (file, line), _ = entries.most_common(1)[0]
    called = called_at(source, file, line)
    if called is None:
        return f"what {where(file, line)} calls runs operation by operation: put `jax.jit` around it."
    return f"`{called}` at {where(file, line)} runs operation by operation: call `jax.jit({called})` there."


def _at_lines(places: Places) -> str:
    """The lines with the most compiles first."""
    return f"at {lines(places)}"


def _called_from(source: RunSource, file: str | None) -> frozenset[int]:
    """Lines of a file that led to a program."""
    records = *source.records("compile"), *program_records(source).values()
    bodies = [each.json for each in records]
    outside = ("eager", "control flow")
    own = [body for body in bodies if body.get("eager") is not True and body.get("how") not in outside]
    found = {
        body.get(f"{kind}line") for body in own for kind in ("own_", "call_") if body.get(f"{kind}file") == file
    }
    return frozenset(each for each in found if isinstance(each, int))


def _ragged(source: RunSource, group: Sequence[Compile]) -> bool:
    """Whether one operation of one line in a loop came in more shapes than a pass over a few parameters has."""
    changed = [row for row in group if row.cause == "shape" or _is_of_shapes(row)]
    places = Counter((row.name, row.own_file, row.own_line) for row in changed)
    for (_, file, line), number in places.most_common():
        if number < PASSES:
            return False
        around = enclosing(source, file, line)
        if around is not None and around.loop is not None:
            return True
    return False


def _is_of_shapes(row: Compile) -> bool:
    """Whether nothing but sizes among a primitive's parameters changed."""
    changed = {part.name for part in row.difference if part.part != "shape"}
    return row.cause == "parameters" and bool(changed) and changed <= _SIZES


def _function(source: RunSource, rows: Sequence[Compile]) -> str:
    row = rows[-1]
    if row.eager:
        led, at = leads(rows, row.call_file), where(row.call_file, row.call_line)
        said = f"`{row.name}` at {at} runs outside of jit, where JAX compiles it for each new function object"
        if led:
            return f"{said}; {led}."
        if (row.reason or "").startswith("JAX makes"):
            return f"`{row.name}` at {at} runs outside of jit, where {row.reason}: call it inside of a jitted function."
        repeats = _place(enclosing(source, row.call_file, row.call_line), row.call_file)
        out = f"outside of {repeats}" if repeats else "once"
        return f"{said}: define what it is given {out}, or call it inside of a jitted function."
    places: Places
    places = Counter((each.made_file, each.made_line) for each in rows if each.made_line is not None)
    if not places:
        return "keep one jitted function and call that, instead of making it again."
    (file, number), _ = places.most_common(1)[0]
    at = lines(places)
    if row.reason is not None and "the method of another" in row.reason:
        if calls := leading(rows, file):
            own_file, own_line = calls.most_common(1)[0][0]
            place = _place(enclosing(source, own_file, own_line), own_file)
            said = f"`jax.jit` at {at}, in a package, wraps a method of each new object, called {_at_lines(calls)}"
            return f"{said}: make that object once{f', outside of {place},' if place else ''} and use it again."
        return (
            f"`jax.jit` at {at} wraps a method of each new object: jit one function outside of the class, and hand it "
            "what it needs of the object as arguments."
        )
    if led := leads(rows, file):
        return f"`jax.jit` at {at}, in a package, is called again and again; {led}."
    around = enclosing(source, file, number)
    if around is not None and around.loop is not None:
        return (
            f"`jax.jit` at {at} is called in each turn of the loop at {where(file, around.loop)}: call it once, "
            "before the loop, and keep what it returns."
        )
    if around is not None and around.function is not None:
        return (
            f"`jax.jit` at {at} is called in each call of `{around.function}`: call it once, outside of "
            f"`{around.function}`, and keep what it returns.{_used(source, rows, around.function)}"
        )
    return f"`jax.jit` at {at} is called again and again: call it once, and keep what it returns."


def _used(source: RunSource, rows: Sequence[Compile], maker: str) -> str:
    """Where what a function makes is called; nothing where that function calls it itself."""
    places: Places = Counter((row.call_file, row.call_line) for row in rows if row.call_line is not None)
    if not places or rows[-1].call_function is None or maker in rows[-1].call_function.split("."):
        return ""
    (file, line), _ = places.most_common(1)[0]
    around = enclosing(source, file, line)
    loop = f", in the loop at {where(file, around.loop)}" if around is not None and around.loop is not None else ""
    return f" What it makes is called {_at_lines(places)}{loop}."


def _held(rows: Sequence[Compile]) -> str:
    """Names of the captured values that changed."""
    names = dict.fromkeys(part.name for row in rows for part in row.difference if part.part == "captured" and part.name)
    return ", ".join(f"`{name}`" for name in names)


def _captured(source: RunSource, rows: Sequence[Compile]) -> str:
    what = _held(rows) or "what it captures"
    return f"pass {what} as an argument instead of capturing it: then one compile serves all. {_function(source, rows)}"


def _apart(group: Sequence[Compile], again: Sequence[Compile]) -> str | None:
    """Of function objects of which each is jitted once, at a line of its own; None where a line made several."""
    made_before = {row.against for row in again}
    alike = [row for row in group if row in again or row.program in made_before]
    places = Counter((row.made_file, row.made_line) for row in alike)
    if (None, None) in places or len(places) == 1 or max(places.values()) > 1:
        return None
    lines = [where(file, line) for file, line in places]
    name = (group[0].name or "?").rpartition("<locals>.")[2]
    return f"`{name}` is jitted at {', '.join(lines[:-1])} and {lines[-1]}, and compiled anew for each: jit it once."


def _shape(source: RunSource, rows: Sequence[Compile]) -> str:
    name = _argument(rows, "shape", "rank")
    seen = _values(rows, name, "shape", "rank")
    if len({each.startswith("key<") for each in seen}) == 2:
        return f"{name} comes as a typed key and as its bits ({few(seen)}): make keys one way, by `jax.random.key`."
    if len(seen) > 1 and len({_rank(each) for each in seen}) == len(seen):
        return f"{name} comes in {len(seen)} ranks ({few(seen)}): give it one rank before the call."
    if len(seen) == 2:
        return f"{name} comes as {seen[0]} and {seen[1]}: pad the smaller one, or drop a last incomplete batch."
    return f"{name} comes in {len(seen)} shapes ({few(seen)}): pad it to one size, or to a few."


def _rank(array: str) -> int:
    """Of `f32[2,3]`."""
    dimensions = array.partition("[")[2].rstrip("]~")
    return len(dimensions.split(",")) if dimensions else 0


def _dtype(source: RunSource, rows: Sequence[Compile]) -> str:
    if 2 * sum(any(part.part == "x64" for part in row.difference) for row in rows) >= len(rows):
        return _x64(source, rows)
    kinds = "dtype", "x64", "weak type"
    names = _names(rows, "dtype", "x64")
    if len(names) > 1:
        each = ", ".join(f"`{name}` comes as {few(values(rows, name, *kinds))}" for name in names[:TYPES])
        return f"give each argument one dtype before the call: {each}{', …' if len(names) > TYPES else ''}."
    name = _argument(rows, "dtype", "x64")
    return f"give {name} one dtype before the call: it comes as {few(_values(rows, name, *kinds))}."


def _weak(source: RunSource, rows: Sequence[Compile]) -> str:
    name = _argument(rows, "weak type")
    return f"{name} comes as a Python number (~) and as an array: pass an array each time, as with `jnp.asarray`."


def _x64(source: RunSource, rows: Sequence[Compile]) -> str:
    return "64-bit types (`jax_enable_x64`) are switched between calls: switch them once, before the first one."


def _static(source: RunSource, rows: Sequence[Compile]) -> str:
    name = _argument(rows, "static")
    objects = [row for row in rows if row.reason is not None and "equal" in row.reason]
    if 2 * len(objects) >= len(rows):
        if name == "`self`":
            return (
                "`self` is static, and each new object is another key: make the object once, give its class `__eq__` "
                "and `__hash__`, or make the class a pytree (`jax.tree_util.register_dataclass`)."
            )
        if _is_of_jax(objects[-1]):
            return _handed_to_jax(source, objects, name)
        if any(row.reason is not None and "another function object" in row.reason for row in objects):
            (file, line), _ = Counter((row.call_file, row.call_line) for row in objects).most_common(1)[0]
            led = leads(objects, file, "or ")
            return (
                f"static {name} is a function made anew for each call at {where(file, line)}: define that function "
                f"once, at module level{f'; {led}' if led else ''}."
            )
        said = f"static {name} is a new object each time, equal to none before: make it once"
        if (kind := _ANOTHER.search(objects[-1].reason or "")) and kind.group(1) in _CONTAINERS:
            return f"{said}, or have it hold what compares by its value (no lambda, no object without `__eq__`)."
        return f"{said}, or give its class `__eq__` and `__hash__` (a frozen dataclass has both)."
    seen = _values(rows, name, "static")
    return (
        f"static {name} takes {len(seen)} values ({few(seen)}), and each compiles anew: pass it as an ordinary "
        "argument, unless shapes or Python's control flow depend on it."
    )


def _is_of_jax(row: Compile) -> bool:
    """Whether the jitted function is JAX's own: it was jitted while JAX was imported, on no line of the user's."""
    if row.made_file is None:
        return (row.name or "").startswith("_")
    return row.made_file.startswith("<frozen importlib")


def _handed_to_jax(source: RunSource, rows: Sequence[Compile], name: str) -> str:
    """Of a helper of JAX's (`odeint`, `piecewise`), for which what it is handed is static: the line to change is that
    which makes it."""
    (file, line), _ = Counter((row.call_file, row.call_line) for row in rows).most_common(1)[0]
    around = _place(enclosing(source, file, line), file)
    led = leads(rows, file, "or ")
    place = f"outside of {around}" if around else "at module level"
    return (
        f"`{rows[-1].name}`, JAX's own, compiles for each new function object in {name}, and {where(file, line)} hands"
        f" over another one in each call: make the function or lambda once, {place}, pass the same object each time, "
        f"and what changes as an argument of it{f'; {led}' if led else ''}."
    )


def _structure(source: RunSource, rows: Sequence[Compile]) -> str:
    name = _argument(rows, "structure")
    seen = _values(rows, name, "structure")
    if name == "`?`" and all(text.isdecimal() for text in seen):
        return f"pass as many arrays each time: they are {few(seen)}."
    lengths = {text.rpartition(" of ")[0] for text in seen}
    if len(lengths) == 1 and len(seen) > 2 and all(text.rpartition(" of ")[2].isdecimal() for text in seen):
        return (
            f"{name} changes its length ({few(seen)}), and each length compiles anew: keep one length, or stack what "
            "it holds into one array of a fixed size."
        )
    return f"pass {'the arguments' if name == '`?`' else name} in one form: it comes as {few(seen)}."


def _placement(source: RunSource, rows: Sequence[Compile]) -> str:
    name = _argument(rows, "sharding", "device")
    seen = _values(rows, name, "sharding", "device")
    return f"place {name} once, before the calls (`jax.device_put`): it comes as {few(seen)}."


def _donation(source: RunSource, rows: Sequence[Compile]) -> str:
    at = where(rows[-1].made_file, rows[-1].made_line)
    return f"the function is jitted with other donated arguments at {at}: jit it once."


def _configured(source: RunSource, rows: Sequence[Compile]) -> str:
    names = dict.fromkeys(part.name for row in rows for part in row.difference if part.part in ("config", "option"))
    what = ", ".join(f"`{name}`" for name in names if name)
    at = where(rows[-1].call_file, rows[-1].call_line)
    return f"{what} changed before the call at {at}: each of its values compiles anew; set it once for all calls."


def _cleared(source: RunSource, rows: Sequence[Compile]) -> str:
    return "JAX's caches are cleared between the calls (`jax.clear_caches()` or `clear_cache()`): leave that out."


def _parameters(source: RunSource, rows: Sequence[Compile]) -> str | None:
    row = rows[-1]
    if {part.name for part in row.difference if part.part == "parameters"} != {"length"}:
        return None
    seen, at = values(rows, "length", "parameters"), where(row.call_file, row.call_line)
    return (
        f"`{row.name}` at {at} runs outside of jit with {len(seen)} lengths ({few(seen)}), each compiled anew: call it "
        "inside of a jitted function with the bound as an array, or keep one length."
    )


def _how(source: RunSource, rows: Sequence[Compile]) -> str:
    return "what `lower(…).compile()` returns is not used by a plain call: call that object, or only the function."


_SAYINGS: dict[str, Callable[[RunSource, Sequence[Compile]], str | None]] = {
    "function": _function, "captured": _captured, "shape": _shape, "rank": _shape, "dtype": _dtype,
    "weak type": _weak, "x64": _x64, "static": _static, "structure": _structure, "sharding": _placement,
    "device": _placement, "donation": _donation, "config": _configured, "option": _configured, "cleared": _cleared,
    "how": _how, "parameters": _parameters,
}  # fmt: skip
# What is to be changed lies where the function is called.
_AT_CALLS = ("shape", "rank", "dtype", "weak type", "x64", "static", "structure", "sharding", "device", "cleared")
# Said of all that an argument was, whichever part of its type changed from one compile to the next.
_OF_TYPES = ("shape", "rank", "dtype", "weak type", "x64")
# Causes of which one advice serves both.
_ALIKE = (_OF_TYPES, ("function", "captured"))


def _names(rows: Sequence[Compile], *parts: str) -> list[str]:
    """The arguments of which these parts changed most often."""
    names = Counter(part.name for row in rows for part in row.difference if part.part in parts and part.name)
    return [name for name, number in names.most_common() if number == max(names.values())]


def _argument(rows: Sequence[Compile], *parts: str) -> str:
    names = _names(rows, *parts)
    return f"`{names[0]}`" if names else "`?`"


def _values(rows: Sequence[Compile], name: str, *parts: str) -> list[str]:
    return values(rows, None if name == "`?`" else name.strip("`"), *parts)
