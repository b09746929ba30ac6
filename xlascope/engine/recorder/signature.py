"""What JAX's caches know two compiles of one function apart by, and the differences between two of them in words."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import compat
from .identity import mesh_shape, static_text, user_callable

CAPTURED = 32
EMPTY = "no axes"
"""A mesh without axes, which JAX itself sets and keys by, as within a transformation."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What distinguishes two programs of one function."""

    program: str
    inputs: tuple[tuple[str, str, str], ...]  # name, type, sharding
    statics: tuple[str, ...]
    donated: tuple[bool, ...]
    x64: bool
    equations: str
    function: int | None
    how: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What JAX may compile one program again for.

    ``tree``: of the arguments (`compat.argument_tree`). ``names``: of the positional parameters. ``placed``: the device
    each input is committed to. ``given``: of each static argument its name and ``by position`` or ``by keyword``, which
    JAX tells apart. ``options``: named facts of the jit. ``context``: JAX's configuration. ``statics``: of
    each static argument whose text does not tell all (name, type, how it compares: ``identity`` or ``equality``, which
    object). ``captured``: what the function holds by name, as text and which object. ``bound``: the type of a method's
    object. ``literals``: constants in the equations. ``bodies``: functions that an eager primitive was handed.
    ``under``: the transformations that an eager operation is dispatched for.
    """

    tree: compat.Tree | None = None
    names: tuple[str, ...] = ()
    placed: tuple[str | None, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    context: tuple[tuple[str, str], ...] = ()
    statics: tuple[tuple[str, str, str, int], ...] = ()
    captured: tuple[tuple[str, str, int], ...] = ()
    bound: str | None = None
    literals: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
    made: tuple[str, int, str] | None = None
    clears: int = 0
    given: tuple[tuple[str, str], ...] = ()
    under: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of the key: ``part`` is what kind of thing changed, ``name`` which one."""

    part: str
    name: str | None
    before: str | None
    after: str | None
    text: str


def circumstances_of(
    jaxpr: Any, params: Mapping[str, Any], call: dict[str, Any], literals: tuple[str, ...], makers: compat.Makers,
    clears: compat.Clears, behind: compat.Behind | None = None,
) -> Circumstances:
    """The circumstances of a call that `compat.dispatch_frames` found; what it does not tell is left empty.

    ``behind``: the call in whose place a transformation has this dispatched.
    """
    fun = behind.fun if behind is not None else call["fun"]
    values = call["values"] or ()
    options = [("compiler options", repr(dict(kvs)))] if (kvs := params.get("compiler_options_kvs")) else []
    for key in ("in_shardings", "out_shardings"):
        options += [(key, text) for text in [_shardings(params.get(key) or ())] if text]
    equations = compat.open_jaxpr(jaxpr).eqns
    return Circumstances(
        tree=behind.tree if behind is not None else compat.argument_tree(call, static_text),
        names=behind.names if behind is not None else compat.parameter_names(call),
        placed=tuple(compat.placed_on(each) for each in values),
        options=tuple(options),
        context=compat.tracing_context(_context_text),
        statics=tuple(_comparison(name, value) for name, value in compat.static_arguments(call) if not _plain(value)),
        captured=tuple(captured(fun)),
        bound=_bound(fun),
        literals=literals,
        bodies=tuple(_bodies(equations[0])) if len(equations) == 1 else (),
        made=behind.made if behind is not None else makers.place(call),
        clears=clears.count(fun),
        given=tuple(compat.statics_given(call)),
    )


def _context_text(value: Any) -> str:
    """A part of the configuration: of meshes their axes, of devices which."""
    if hasattr(value, "axis_names"):
        return str(mesh_shape(value) or EMPTY)
    if hasattr(value, "device_kind"):
        return f"{value.platform}:{value.id}"
    return static_text(value)


def _shardings(shardings: Sequence[Any]) -> str:
    known = [str(getattr(each, "spec", each)) for each in shardings if hasattr(each, "device_set")]
    return ", ".join(known[:20])


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, complex, str, bytes))


def _comparison(name: str, value: Any) -> tuple[str, str, str, int]:
    kind = type(value)
    return name, kind.__qualname__, "identity" if kind.__eq__ is object.__eq__ else "equality", id(value)


def captured(fun: Any) -> Iterator[tuple[str, str, int]]:
    """What a function holds that is none of its arguments: of partials, defaults and closures, by name."""
    while isinstance(fun, functools.partial):
        yield from ((f"{index}", static_text(each), id(each)) for index, each in enumerate(fun.args[:CAPTURED]))
        yield from ((name, static_text(each), id(each)) for name, each in list(fun.keywords.items())[:CAPTURED])
        fun = fun.func
    plain = user_callable(fun) if fun is not None else None
    plain = getattr(plain, "__func__", plain)
    code = getattr(plain, "__code__", None)
    if code is None:
        return
    defaults = getattr(plain, "__defaults__", None) or ()
    names = code.co_varnames[: code.co_argcount][-len(defaults) :] if defaults else ()
    yield from ((name, static_text(each), id(each)) for name, each in zip(names, defaults, strict=False))
    cells = getattr(plain, "__closure__", None) or ()
    for name, cell in zip(code.co_freevars[:CAPTURED], cells, strict=False):
        try:
            yield name, static_text(cell.cell_contents), id(cell.cell_contents)
        except ValueError:  # an empty cell
            continue


def _bound(fun: Any) -> str | None:
    while isinstance(fun, functools.partial):
        fun = fun.func
    return type(fun.__self__).__qualname__ if inspect.ismethod(fun) else None


# JAX itself makes what these are handed, once for each type, where that is none of the script's.
_NO_BODIES = ("scatter", "reduce", "sort", "select_and", "cumsum", "jit", "pjit")
BY_JAX = "a function that JAX made"


def _bodies(equation: Any) -> Iterator[str]:
    """Where the functions come from that an equation's parameters were traced of; `BY_JAX` for one of JAX's own."""
    seldom = equation.primitive.name.startswith(_NO_BODIES)
    for sub in compat.sub_jaxprs(equation):
        name, file, line, _ = compat.debug_info(sub)
        if file is not None and compat.is_user_file(file):
            yield f"{name or 'a function'} ({file.rpartition('/')[2]}:{line})"
        elif not seldom:
            yield BY_JAX


# -------------------------------------------------------------------------------------------------------- differences
def differences(
    old: Signature, new: Signature, was: Circumstances | None = None, now: Circumstances | None = None
) -> list[Difference]:
    """What changed between two signatures and their circumstances, the function's identity left aside."""
    was, now = was or Circumstances(), now or Circumstances()
    found: list[Difference] = []
    structures = list(_tree_changes(was.tree, now.tree, now.names))
    found += structures
    if len(old.inputs) == len(new.inputs):
        for before, after in zip(old.inputs, new.inputs, strict=True):
            found += _input_changes(before, after)
    elif not structures:
        counts = str(len(old.inputs)), str(len(new.inputs))
        found.append(_change("structure", None, *counts, words="number of array arguments"))
    found += _static_changes(old.statics, new.statics)
    if sorted(name for name, _ in was.given) == sorted(name for name, _ in now.given):
        found += _named("structure", was.given, now.given, "static argument ")
    if old.x64 != new.x64:
        found.append(_change("x64", None, _on(old.x64), _on(new.x64), "x64"))
    if len(old.donated) == len(new.donated) and old.donated != new.donated:
        found.append(_change("donation", None, _donated(old), _donated(new), "donated arguments"))
    if len(was.placed) == len(now.placed) == len(new.inputs):
        for (name, *_), place, other in zip(new.inputs, was.placed, now.placed, strict=True):
            if place != other:
                found.append(_change("device", name, _committed(place), _committed(other), f"device of {name}:"))
    if was.context and now.context and was.context != now.context:
        changed = _named("config", was.context, now.context)
        found += [each for each in changed if each.name not in _SAID_ELSEWHERE and not _by_itself(each)]
    found += _named("option", was.options, now.options)
    return found


def mesh_contexts(was: Circumstances, now: Circumstances) -> Difference | None:
    """Where no mesh became one without axes, or the other way round: nobody sets that, but it is in JAX's key."""
    changed = _named("parameters", was.context, now.context)
    return next((each for each in changed if _by_itself(each)), None)


def _by_itself(change: Difference) -> bool:
    return {change.before, change.after} == {"None", EMPTY}


_SAID_ELSEWHERE = ("jax_enable_x64", "axis_env_state")


def _committed(place: str | None) -> str:
    return f"on {place}" if place is not None else "not committed to a device"


def _change(part: str, name: str | None, before: str, after: str, words: str) -> Difference:
    return Difference(part, name, before, after, f"{words} {before} → {after}")


def _on(value: bool) -> str:
    return "on" if value else "off"


def _donated(signature: Signature) -> str:
    names = [name for (name, *_), given in zip(signature.inputs, signature.donated, strict=False) if given]
    return ", ".join(names) or "none"


def _input_changes(before: tuple[str, str, str], after: tuple[str, str, str]) -> Iterator[Difference]:
    name, old, old_sharding = before
    _, new, new_sharding = after
    if old != new:
        part, more = _type_change(old, new)
        what = "weak type of" if part == "weak type" else "argument"
        more = f" ({more})" if more else ""
        yield Difference(part, name, old, new, f"{what} {name}: {old} → {new}{more}")
    elif old_sharding != new_sharding:
        one, other = ("one device" if each == "None" else each for each in (old_sharding, new_sharding))
        yield _change("sharding", name, one, other, f"sharding of {name}:")


def _type_change(old: str, new: str) -> tuple[str, str]:
    """Which part of a type such as ``~f32[8,3]`` or ``f32[8@x]`` changed, and the dimensions in words."""
    (kind, shape), (new_kind, new_shape) = _split(old), _split(new)
    if old.removeprefix("~") == new.removeprefix("~"):
        return "weak type", ""
    if shape == new_shape:
        return "dtype", ""
    sizes, new_sizes = ([each.partition("@")[0] for each in dims] for dims in (shape, new_shape))
    if sizes == new_sizes:
        return ("sharding", "") if kind == new_kind else ("dtype", "")
    if len(sizes) != len(new_sizes):
        return "rank", ""
    changed = [str(index) for index, (a, b) in enumerate(zip(sizes, new_sizes, strict=True)) if a != b]
    return "shape", f"dimension{'s' if len(changed) > 1 else ''} {', '.join(changed)}"


def _split(text: str) -> tuple[str, list[str]]:
    kind, _, rest = text.removeprefix("~").partition("[")
    inner = rest.partition("]")[0]
    return kind, inner.split(",") if inner else []


def _static_changes(old: Sequence[str], new: Sequence[str]) -> Iterator[Difference]:
    for index, (text, other) in enumerate(zip(old, new, strict=False)):
        if text != other:
            name, equals, value = text.partition("=")
            other_value = other.partition("=")[2]
            if not equals:
                name, value, other_value = str(index), text, other
            words = f"static argument {text} → {other}" if equals else f"static {index}: {text} → {other}"
            yield Difference("static", name, value, other_value, words)
    if len(old) != len(new):
        yield _change("static", None, str(len(old)), str(len(new)), "number of static arguments")


def _named(
    part: str, old: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]], what: str = ""
) -> Iterator[Difference]:
    before, after = dict(old), dict(new)
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield _change(part, name, before.get(name, "none"), after.get(name, "none"), f"{what}{name}:")


def _tree_changes(old: Any, new: Any, names: Sequence[str]) -> Iterator[Difference]:
    """Where two structures of arguments part, each place once."""
    if old is None or new is None or old == new:
        return
    positional, keywords = old[2][0], old[2][1]
    new_positional, new_keywords = new[2][0], new[2][1]
    if len(positional[2]) != len(new_positional[2]) or keywords[1] != new_keywords[1]:
        before, after = (_passed(each, names) for each in ((positional, keywords), (new_positional, new_keywords)))
        yield _change("structure", None, before, after, "arguments given")
        return
    labels = [names[index] if index < len(names) else f"args[{index}]" for index in range(len(positional[2]))]
    pairs = [*zip(labels, positional[2], new_positional[2], strict=True)]
    pairs += zip((key.strip("'") for key in keywords[1] or ()), keywords[2], new_keywords[2], strict=True)
    for label, before, after in pairs:
        yield from _walk(label, before, after)


def _passed(given: tuple[Any, Any], names: Sequence[str]) -> str:
    positional, keywords = given
    count = len(positional[2])
    by_place = list(names[:count]) if len(names) >= count else [f"{count}"]
    words = [f"{', '.join(by_place)} by position"] if count else []
    words += [f"{', '.join(key.strip(chr(39)) for key in keywords[1])} by keyword"] if keywords[1] else []
    return " and ".join(words) or "none"


def _walk(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if old == new:
        return
    differ = isinstance(old, str) or isinstance(new, str) or old[:2] != new[:2] or len(old[2]) != len(new[2])
    if differ:
        yield _change("structure", path, _described(old), _described(new), f"structure of {path}:")
        return
    kind, keys, children = old
    for index, (before, after) in enumerate(zip(children, new[2], strict=True)):
        inner = f"{path}[{keys[index]}]" if kind == "dict" else f"{path}[{index}]"
        yield from _walk(inner, before, after)


def _described(node: Any) -> str:
    if isinstance(node, str):
        return f"an {node}" if node == compat.LEAF else node
    kind, keys, children = node
    if kind == "dict":
        listed = ", ".join(keys[:8]) + (", …" if len(keys) > 8 else "")
        return f"dict of {listed}" if keys else "empty dict"
    if keys is None:
        return f"{kind} of {len(children)}"
    return f"{kind} {keys}" if len(str(keys)) <= 80 else f"{kind} {str(keys)[:79]}…"
