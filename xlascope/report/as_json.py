"""A view's answer as the JSON of the contract."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

SCHEMA = 1


def to_json(view: str, answer: Any) -> dict[str, Any]:
    """The object that ``--json`` prints: ``schema``, ``view`` and the fields of the answer."""
    return {"schema": SCHEMA, "view": view, **plain(answer)}


def dumps(view: str, answer: Any) -> str:
    """As `to_json`, as text, a line for each key and row: json's own indenting takes four times as long.

    A lone surrogate in a recorded text is escaped, so that the text is valid UTF-8.
    """
    encode = json.JSONEncoder(allow_nan=False).encode

    def rows(value: Any) -> str:
        if not isinstance(value, list) or not any(isinstance(each, dict | list) for each in value):
            return encode(value)
        return "[\n  " + ",\n  ".join(map(encode, value)) + "\n ]"

    keys = [f" {encode(key)}: {rows(value)}" for key, value in to_json(view, answer).items()]
    return "{\n" + ",\n".join(keys) + "\n}"


@cache
def _keys(kind: type[Any]) -> tuple[tuple[str, str], ...]:
    """Key and attribute of each field of a dataclass that JSON has."""
    names: Mapping[str, str] = getattr(kind, "JSON_KEYS", {})
    told = [field.name for field in fields(kind) if field.metadata.get("json", True)]
    return tuple((names.get(name, name), name) for name in (*told, *getattr(kind, "JSON_PROPERTIES", ())))


def plain(value: Any) -> Any:
    """Dataclasses to objects, tuples to lists; ``JSON_KEYS`` of a class renames fields, ``JSON_PROPERTIES`` adds."""
    if value is None or isinstance(value, str | int):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {key: plain(getattr(value, name)) for key, name in _keys(type(value))}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset | Iterator):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
