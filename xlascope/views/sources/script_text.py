"""The script's files as recorded, and what encloses a line of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.sources.source import RunSource

LARGEST = 2 << 20  # characters of a file that is parsed


@dataclass(frozen=True, slots=True)
class Enclosing:
    """Around a line: the innermost function or class body's name, and the line of the innermost loop within it."""

    function: str | None
    loop: int | None


def enclosing(source: RunSource, file: str | None, line: int | None) -> Enclosing | None:
    """What encloses a line; None when the file was not kept or is no Python that this Python reads."""
    if file is None or line is None:
        return None
    tree = _tree(source, file)
    return _around(tree, line) if tree is not None else None


def drives(source: RunSource, file: str | None, line: int | None, calls: frozenset[int]) -> bool:
    """Whether the function around a line cannot be jitted whole, as far as its text tells.

    It calls programs (on one of the lines ``calls``), or has values read on the host or written out. True for code
    outside of any function; False where the text is not known.
    """
    tree = _tree(source, file) if file is not None and line is not None else None
    if tree is None or line is None:
        return False
    scope = _scope(tree, line)
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        return True
    if any(_first(scope) <= each <= (scope.end_lineno or each) for each in calls):
        return True
    return any(isinstance(node, ast.Call) and _is_host(node.func) for node in ast.walk(scope))


def called_at(source: RunSource, file: str | None, line: int | None) -> str | None:
    """What a line calls, as it is written (``model.init``): the only call on it that is none of JAX's; else None."""
    tree = _tree(source, file) if file is not None and line is not None else None
    if tree is None:
        return None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.lineno == line]
    names = {ast.unparse(call.func) for call in calls if isinstance(call.func, ast.Name | ast.Attribute)}
    found = [name for name in names if name.partition(".")[0] not in _OF_JAX and name not in _HOST_NAMES]
    return found[0] if len(found) == 1 and "(" not in found[0] else None


_OF_JAX = frozenset({"jax", "jnp", "np", "numpy", "lax", "random", "jrandom", "jr"})
_HOST_NAMES = frozenset({"print", "input", "open", "float", "int", "bool"})
_HOST_METHODS = frozenset({"item", "tolist", "block_until_ready", "device_get"})


def _is_host(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id in _HOST_NAMES
    return isinstance(called, ast.Attribute) and called.attr in _HOST_METHODS


def _tree(source: RunSource, file: str | None) -> ast.Module | None:
    record = source.memo("source records", lambda: _records(source)).get(file)
    if record is None:
        return None
    return source.keep.get_or(("parsed", source.digest(record, "text")), lambda: _parsed(source, record))


def _records(source: RunSource) -> dict[str | None, Record]:
    return {fields.text(each.json, "file"): each for each in source.records("source")}


def _parsed(source: RunSource, record: Record) -> ast.Module | None:
    text = source.text(record)
    if text is None or len(text) > LARGEST:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _scope(tree: ast.Module, line: int) -> ast.AST:
    """The innermost function or class body that holds a line, else the module."""
    scope: ast.AST = tree
    node: ast.AST | None = tree
    while node is not None:
        if isinstance(node, _SCOPES) and not _in_head(node, line):
            scope = node
        node = next((each for each in _children(node) if _holds(each, line)), None)
    return scope


def _around(tree: ast.Module, line: int) -> Enclosing:
    function: str | None = None
    loop: int | None = None
    node: ast.AST | None = tree
    while node is not None:
        # Decorators and defaults belong to what is around the definition.
        if isinstance(node, _SCOPES) and not _in_head(node, line):
            function, loop = node.name, None
        elif isinstance(node, _LOOPS):
            loop = node.lineno
        node = next((each for each in _children(node) if _holds(each, line)), None)
    return Enclosing(function, loop)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for each in ast.iter_child_nodes(node):
        # Some nodes have no place of their own (arguments, comprehension's generators): theirs are looked at instead.
        if hasattr(each, "lineno"):
            yield each
        else:
            yield from _children(each)


def _first(node: ast.AST) -> int:
    decorators = getattr(node, "decorator_list", ())
    return min([node.lineno, *(each.lineno for each in decorators)])  # type: ignore[attr-defined]


def _holds(node: ast.AST, line: int) -> bool:
    return _first(node) <= line <= (node.end_lineno or node.lineno)  # type: ignore[attr-defined]


def _in_head(node: ast.AST, line: int) -> bool:
    body = getattr(node, "body", ())
    return bool(body) and line < min(each.lineno for each in body) and line <= node.lineno  # type: ignore[attr-defined]
