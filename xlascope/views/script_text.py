"""The script's files as recorded, and what encloses a line of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.source import RunSource

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
    record = source.memo("source records", lambda: _records(source)).get(file)
    if record is None:
        return None
    tree = source.keep.get_or(("parsed", source.digest(record, "text")), lambda: _parsed(source, record))
    return _around(tree, line) if tree is not None else None


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
