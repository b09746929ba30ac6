"""A view's answer as the JSON of the contract."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

SCHEMA = 1


def to_json(view: str, answer: Any) -> dict[str, Any]:
    """The object that ``--json`` prints: ``schema``, ``view`` and the fields of the answer."""
    return {"schema": SCHEMA, "view": view, **plain(answer)}


def dumps(view: str, answer: Any) -> str:
    """As `to_json`, as text. A lone surrogate in a recorded text is escaped, so that the text is valid UTF-8."""
    return json.dumps(to_json(view, answer), indent=1, allow_nan=False)


def plain(value: Any) -> Any:
    """Dataclasses to objects, tuples to lists; ``JSON_KEYS`` of a class renames fields, ``JSON_PROPERTIES`` adds."""
    if is_dataclass(value) and not isinstance(value, type):
        names: Mapping[str, str] = getattr(type(value), "JSON_KEYS", {})
        told = [field.name for field in fields(value) if field.metadata.get("json", True)]
        told += getattr(type(value), "JSON_PROPERTIES", ())
        return {names.get(name, name): plain(getattr(value, name)) for name in told}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset | Iterator):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
