"""What is typed to search a text: plain text, or ``op:dot``, ``name:x``, ``shape:f32[8]``, ``eq:4.0``, ``line:14``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

KINDS = ("op", "name", "shape", "eq", "line")
HINT = "search: text, or op: name: shape: eq: line: and what"
_QUERY = re.compile(r"(op|name|shape|eq|line):(\S.*)")
_SHAPE = re.compile(r"([a-z]+\d*\w*)\[([\d,]*)\]\Z")


@dataclass(frozen=True, slots=True)
class Query:
    """``kind`` is `text` or one of `KINDS`; those of ``eq`` and ``line`` are rows that links give."""

    kind: str
    value: str

    @property
    def is_linked(self) -> bool:
        """Whether it asks for lines by their links, not by their text."""
        return self.kind in ("eq", "line")


@lru_cache(8)
def parse_query(text: str) -> Query:
    """What a search asks for; a text that is no query is looked for as it is."""
    match = _QUERY.match(text)
    return Query(match.group(1), match.group(2).strip()) if match else Query("text", text)


@lru_cache(8)
def pattern_of(query: Query, language: str) -> re.Pattern[bytes] | None:
    """Matches the lines of a language that answer a query of an operation, a name or a shape; None: nothing can."""
    name = language.partition(":")[0]
    name = "hlo" if name in ("optimized", "pass") else name
    if query.kind == "shape":
        text = _shape(query.value, name)
    else:
        form = _FORMS.get((query.kind, name))
        text = form.replace("VALUE", re.escape(query.value)) if form else None
    return None if text is None else re.compile(text.encode("utf-8", "surrogateescape"), re.MULTILINE)


_FORMS = {
    ("op", "hlo"): r"^[ \t]*(?:ROOT )?%?[^\s=]+ = (?:\([^\n]*?\)|[^\s(]\S*) VALUE\(",
    ("op", "stablehlo"): r"(?:\b(?:stablehlo|mhlo|chlo|sdy|func)\.|= )VALUE(?![\w.])",
    ("op", "jaxpr"): r" = VALUE(?=[\[ \n])",
    ("name", "hlo"): r"^[ \t]*(?:ROOT |ENTRY )?%?[^\s=({]*VALUE[^\s=({]*(?= = | [({])",
    ("name", "stablehlo"): r"^[ ]*%[^\s=]*VALUE[^\s=]* =|func\.func [^\n(]*@[^\s(]*VALUE",
    ("name", "jaxpr"): r"(?<![\w.])VALUE(?=:[a-zA-Z])",
}


def _shape(value: str, language: str) -> str | None:
    match = _SHAPE.match(value)
    if language != "stablehlo" or match is None:
        return r"(?<![\w])" + re.escape(value) + ("" if value.endswith(("]", "}")) else r"(?!\w)")
    dtype = {"pred": "i1"}.get(match.group(1), re.sub(r"^([su])(?=\d)", lambda m: "ui" if m.group(1) == "u" else "i",
                                                      match.group(1)))  # fmt: skip
    dims = "".join(f"{size}x" for size in match.group(2).split(",") if size)
    return rf"tensor<{re.escape(dims + dtype)}(?=[>,])"
