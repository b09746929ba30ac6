"""The forms of a tagged module before optimization, from which the lines of the untagged ones get their equations."""

from __future__ import annotations

import re
from typing import Any

from .. import compat

_TEXT = r'"(?:[^"\\]|\\.)*"'
_AT = re.compile(rf" ?loc\((?:unknown|#loc\d*|{_TEXT}(?:\(#loc\d*\))?)\)")
_END = re.compile(r" loc\((#loc\d*)\)$")
_ENTRY = re.compile(r"(#loc\d*) = loc\((.*)\)$")
_NAMED = re.compile(rf"({_TEXT})(?:\((#loc\d*)\))?")
_REFERENCE = re.compile(r"#loc\d*")


def forms(module: Any) -> dict[str, bytes]:
    """Blobs of a ``located`` record: ``hlo`` (text before optimization), ``text`` (StableHLO, names behind operations).

    Raises what XLA raises when it cannot translate the module.
    """
    return {
        "hlo": compat.unoptimized_hlo_text(module).encode(),
        "text": with_names(compat.located_text(module)).encode(),
    }


def with_names(text: str) -> str:
    """StableHLO with a table of locations → each operation's last line ends with ` loc("NAME")`; other locations go.

    NAME is the operation's name stack; names of operations that were merged are joined by ``;``.
    """
    lines, table = [], {}
    for line in text.splitlines():
        entry = _ENTRY.match(line)
        if entry:
            table[entry.group(1)] = entry.group(2)
        else:
            lines.append(line)
    names: dict[str, str] = {}
    found = []
    for line in lines:
        end = _END.search(line)
        plain = _AT.sub("", line) if "loc(" in line else line
        name = _name(end.group(1), table, names) if end else ""
        found.append(f'{plain} loc("{name}")' if name else plain)
    return "\n".join(found) + "\n"


def _name(reference: str, table: dict[str, str], names: dict[str, str]) -> str:
    known = names.get(reference)
    if known is None:
        value = table.get(reference, "")
        named = _NAMED.match(value)
        if named:
            known = named.group(1)[1:-1]
            if known.endswith(":") and named.group(2):  # the name of a scope; the operation's own lies in it
                known = _name(named.group(2), table, names) or known
        elif value.startswith("fused"):
            parts = (_name(each, table, names) for each in _REFERENCE.findall(value))
            known = ";".join(part for part in dict.fromkeys(parts) if part)
        else:
            known = ""
        names[reference] = known
    return known
