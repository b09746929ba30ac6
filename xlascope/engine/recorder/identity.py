"""What a traced program is: its function, its signature, and the structure of its jaxpr."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import itertools
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .. import compat
from ..core.tags import walk

STATIC_TEXT = 200
MOST_LOOKED_AT = 300  # equations
LITERALS = 256  # constants of equations that are kept to tell two traces apart


@dataclass(frozen=True, slots=True)
class Function:
    """The Python callable behind a program; ``library``: jitted inside JAX itself, so that to its caller it is eager.

    Of a function of JAX's that the script jits, the place is the script's: where it was first called.
    """

    id: str
    name: str
    file: str | None
    line: int | None
    last_line: int | None
    library: bool


def function_of(
    jaxpr: Any, fun: Any, qualified: Callable[[Any], str | None], direct: bool = False, call: Any = None
) -> Function:
    """The user's function, looked for through wrappers, partials and what JAX's own closures hold.

    ``direct``: the script itself called the jitted object, at ``call`` (file, line, function).
    """
    name, file, line, _ = compat.debug_info(jaxpr)
    last: int | None = None
    found = user_callable(fun) if fun is not None else None
    plain = found if found is not None else fun
    if plain is not None:
        name = (None if isinstance(plain, functools.partial) else qualified(plain)) or name
        code = getattr(plain, "__code__", None)
        if code is not None and name is not None and code.co_name != (short := name.rpartition(".")[2]):
            code = _code_called(jaxpr, short) or code
        if code is not None:
            file, line = code.co_filename, code.co_firstlineno
            last = max((each[2] for each in code.co_lines() if each[2] is not None), default=line)
    name = name or "unknown"
    path = os.path.abspath(file) if file and not file.startswith("<") else file
    library = file is not None and not compat.is_user_file(file)
    if library and direct and call is not None and fun is not None and not compat.is_jitted_by_library(fun):
        if (given := compat.given_to_pmap(fun)) is not None:
            name = qualified(given) or name
        return called_at(call, name)
    return Function(f"{name}@{path}:{line}", name, path, line, last, library)


def called_at(call: tuple[str, int, str], name: str) -> Function:
    """A function of JAX's as the script's: its place is where it was called (file, line, function)."""
    place = os.path.abspath(call[0]) if not call[0].startswith("<") else call[0]
    return Function(f"{name}@{place}:{call[1]}", name, place, call[1], call[1], False)


def was_given_functions(jaxpr: Any, outside: Callable[[str], bool]) -> bool:
    """Whether a function that JAX itself jits called one of the script's as it was traced: `odeint` does, its `func`.

    ``outside``: whether a file is neither JAX's nor Python's. An equation's frames are those since the trace began, and
    of one that a transformation made those that called it, which still run. Of a large trace the first equations tell.
    """
    equations = compat.open_jaxpr(jaxpr).eqns
    if len(equations) < 2 and not any(True for each in equations for _ in compat.sub_jaxprs(each)):
        return False  # a primitive, dispatched by itself
    running = set()
    frame: Any = sys._getframe()
    while frame is not None:
        running.add(frame.f_code)
        frame = frame.f_back
    first = itertools.islice(walk(jaxpr), MOST_LOOKED_AT)
    codes = itertools.chain.from_iterable(compat.user_codes(equation.source_info) for _, equation in first)
    return any(outside(code.co_filename) and code not in running for code in codes)


def _code_called(jaxpr: Any, name: str) -> Any:
    """The code of the function of this name that the first equations were traced in.

    A library that jits a function of its own in the name of the user's (equinox does) is seen through so.
    """
    for equation in compat.open_jaxpr(jaxpr).eqns[:32]:
        for code in compat.user_codes(equation.source_info):
            if code.co_name == name:
                return code
    return None


def qualified_name(fun: Any) -> str | None:
    """``__qualname__`` of a callable; of a callable object its class's."""
    name = getattr(fun, "__qualname__", None) or getattr(fun, "__name__", None)
    if name is None:
        name = type(fun).__qualname__
    return str(name)


def user_callable(fun: Any, depth: int = 8) -> Any:
    """The innermost callable outside JAX that ``fun`` stands for, or None."""
    if depth == 0 or not callable(fun):
        return None
    if isinstance(fun, functools.partial):
        return user_callable(fun.func, depth - 1)
    wrapped = fun.__dict__.get("__wrapped__") if hasattr(fun, "__dict__") else None
    code = getattr(fun, "__code__", None)
    if code is None:
        call = type(fun).__dict__.get("__call__")
        if wrapped is None and inspect.isfunction(call) and compat.is_user_file(call.__code__.co_filename):
            return call
        return user_callable(wrapped, depth - 1) if wrapped is not None else None
    if wrapped is not None and (inner := user_callable(wrapped, depth - 1)) is not None:
        return inner
    if compat.is_user_file(code.co_filename):
        return fun
    for cell in getattr(fun, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:  # an empty cell
            continue
        content = getattr(content, "f", content)  # JAX's WrappedFun
        if callable(content) and (inner := user_callable(content, depth - 1)) is not None:
            return inner
    return None


def _is_dtype(value: Any) -> bool:
    module, name = type(value).__module__, type(value).__name__
    return module.startswith("numpy") and (name.endswith("DType") or name.startswith("dtype["))


def static_text(value: Any) -> str:
    """A static argument as text; of other objects only the type's name, since their ``repr`` is the script's code."""
    if type(value) in _PLAIN or value is None:
        text = repr(value)
    elif hasattr(type(value), "__members__") and hasattr(value, "_name_"):  # the script's enum is no module of ours
        text = f"{type(value).__qualname__}.{value._name_}"
    elif isinstance(value, (bool, int, float, complex, str, bytes)):
        text = repr(value)
    elif isinstance(value, tuple) and hasattr(type(value), "_fields"):
        text = _fields_text(value, zip(type(value)._fields, value, strict=False))  # type: ignore[attr-defined]
    elif isinstance(value, (tuple, list)):
        text = f"({', '.join(static_text(each) for each in value[:20])})"
    elif dataclasses.is_dataclass(value) and not isinstance(value, type) and hasattr(value, "__dict__"):
        held = vars(value)
        names = [name for name in type(value).__dataclass_fields__ if name in held]
        text = _fields_text(value, ((name, held[name]) for name in names))
    elif _is_dtype(value):
        text = str(value.name)
    elif type(value).__module__.startswith("jax") and type(value).__name__ == "NamedSharding":
        text = f"NamedSharding({dict(value.mesh.shape)}, {value.spec})"
    elif type(value).__module__ == "numpy" and getattr(value, "shape", None) == () and value.dtype.kind in "biufc":
        text = repr(value.item())
    elif ((type(value).__module__ == "numpy" and hasattr(value, "shape")) or compat.is_array(value)):
        text = f"array {value.dtype}[{','.join(map(str, value.shape))}]"
    elif inspect.isroutine(value) or inspect.isclass(value):
        text = str(getattr(value, "__qualname__", type(value).__name__))
    else:
        text = f"<{type(value).__qualname__}>"
    return text if len(text) <= STATIC_TEXT else text[: STATIC_TEXT - 1] + "…"


_PLAIN = frozenset({bool, int, float, complex, str, bytes})


def _fields_text(value: Any, fields: Iterable[tuple[str, Any]]) -> str:
    inner = ", ".join(f"{name}={static_text(each)}" for name, each in itertools.islice(fields, 20))
    return f"{type(value).__qualname__}({inner})"


@dataclass(slots=True)
class Structure:
    """Facts of a jaxpr from one walk in which each distinct sub-jaxpr is visited once."""

    digest: str
    equations: int
    primitives: set[str] = field(default_factory=set)
    mesh: dict[str, int] | None = None
    literals: list[str] = field(default_factory=list)


def structure_of(jaxpr: Any) -> Structure:
    """Hash of the equations with nested ones (each jaxpr once), and their number with repeats counted."""
    result = Structure("", 0)
    memo: dict[int, tuple[bytes, int]] = {}

    def visit(closed: Any) -> tuple[bytes, int]:
        open_one = compat.open_jaxpr(closed)
        known = memo.get(id(open_one))
        if known is not None:
            return known
        digest, count = hashlib.blake2b(digest_size=16), 0
        numbers: dict[Any, int] = {}
        for variable in (*open_one.constvars, *open_one.invars):
            numbers[variable] = len(numbers)
            digest.update(str(variable.aval).encode())
        for equation in open_one.eqns:
            count += 1
            result.primitives.add(equation.primitive.name)
            parts = [equation.primitive.name]
            parts.extend(_atom(each, numbers) for each in equation.invars)
            if len(result.literals) < LITERALS:
                result.literals.extend(_literals(equation.invars))
            for variable in equation.outvars:
                numbers[variable] = len(numbers)
                parts.append(str(variable.aval))
            plain = {key: _plain(value) for key, value in equation.params.items()}
            parts.extend(f"{key}={text}" for key, text in plain.items() if text is not None)
            digest.update("\0".join(parts).encode())
            mesh = equation.params.get("mesh")
            if mesh is not None and result.mesh is None:
                result.mesh = mesh_shape(mesh)
            for sub in compat.sub_jaxprs(equation):
                inner, more = visit(sub)
                digest.update(inner)
                count += more
        digest.update("\0".join(_atom(each, numbers) for each in open_one.outvars).encode())
        memo[id(open_one)] = digest.digest(), count
        return memo[id(open_one)]

    raw, result.equations = visit(jaxpr)
    result.digest = raw.hex()
    return result


def _literals(atoms: Any) -> Iterable[str]:
    return (str(each.val) for each in atoms if hasattr(each, "val") and getattr(each.val, "size", 1) == 1)


def _atom(atom: Any, numbers: dict[Any, int]) -> str:
    if hasattr(atom, "val"):
        return f"{atom.val!r}" if getattr(atom.val, "size", 1) == 1 else str(atom.aval)
    return str(numbers.get(atom, -1))


def _plain(value: Any) -> str | None:
    """Text of a parameter made of plain values only; None for all else, whose text may hold addresses."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, tuple):
        inner = [_plain(each) for each in value]
        return None if any(each is None for each in inner) else f"({','.join(map(str, inner))})"
    return str(value) if type(value).__name__ in {"dtype", "GatherDimensionNumbers", "ConvDimensionNumbers"} else None


def mesh_shape(mesh: Any) -> dict[str, int] | None:
    """Axis sizes of a (concrete or abstract) mesh; None for an empty one."""
    shape = getattr(mesh, "shape", None)
    try:
        sizes = {str(axis): int(size) for axis, size in dict(shape or {}).items()}
    except (TypeError, ValueError):
        return None
    return sizes or None
