"""Rows of the tables on the screen from rows of views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from xlascope.tui.model import OpRow, VariantRow
from xlascope.tui.text.numbers import size


def op_rows(rows: Iterable[Any]) -> tuple[OpRow, ...]:
    """Rows of the view `ops`, one for each op: its devices together, the most self time first.

    Programs that were not captured and whose modules bear one name are told as one. With jit off each equation is a
    module of its own, and ops of several may bear one name.
    """
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        module = getattr(row, "module", None)
        apart = () if row.program is None else (module, tuple(row.equations or ()))
        groups.setdefault((row.program or module, row.op, *apart), []).append(row)
    total = sum(row.self_ns or 0 for group in groups.values() for row in group)
    same = Counter(key[:2] for key in groups)
    made = (_op_row(key[0], group, total, key[2:] if same[key[:2]] > 1 else ()) for key, group in groups.items())
    return tuple(sorted(made, key=lambda row: -(row.self_ns or 0)))


def _op_row(program: str | None, group: list[Any], total: int, apart: tuple[Any, ...]) -> OpRow:
    first = group[0]
    devices: dict[str, int] = {}
    for row in sorted(group, key=lambda row: (row.device_kind, len(str(row.device)), str(row.device))):
        name = f"{row.device_kind}:{row.device}"
        devices[name] = devices.get(name, 0) + (row.self_ns or 0)
    self_ns, count = _sum(row.self_ns for row in group), _sum(row.count for row in group)
    return OpRow(
        program,
        first.op,
        first.opcode or "",
        next(iter(devices)) if len(devices) == 1 else f"{len(devices)} devices",
        count,
        _sum(row.total_ns for row in group),
        self_ns,
        self_ns / total if self_ns is not None and total else None,
        self_ns / count if self_ns is not None and count else None,
        tuple(getattr(first, "own_first", first.equations) or ()),
        bool(first.added_by_xla),
        first.user_file,
        first.user_line,
        first.bytes,
        first.flops,
        bool(getattr(first, "equations_exact", True)),
        frozenset(getattr(first, "inferred", ())),
        tuple(devices.items()) if len(devices) > 1 else (),
        apart,
    )


def _sum(values: Iterable[int | None]) -> int | None:
    """None where one is unknown."""
    every = list(values)
    known = [value for value in every if value is not None]
    return sum(known) if len(known) == len(every) else None


def _exchange(each: Any) -> str:
    turns = f" ×{each.count}" if each.count not in (None, 1) else ""
    where = f", equation {each.equation}" if each.equation is not None else ""
    return f"{each.kind}{turns}, {size(each.bytes)}{where}"


def variant_row(row: Any, samples: tuple[tuple[int, ...], tuple[int, ...]]) -> VariantRow:
    """A row of the view `variants`, with its samples and its baseline's in ns."""
    from xlascope.tui.forms.more_checks import in_words, needs

    made = {"name", "collectives", "exchanges", "series", "switches", "equation_ns", "notes", "foretold", "needs",
            "fits"}  # fmt: skip
    names = set(VariantRow.__dataclass_fields__) - made
    known = {name: value for name in names if (value := getattr(row, name, None)) is not None}
    known = {**dict.fromkeys(names), **known}
    known["simulated"], known["sensitive"] = bool(known.get("simulated")), bool(known.get("sensitive"))
    return VariantRow(
        name=row.variant,
        switches=dict(row.switches or {}),
        collectives=len(row.collectives) if row.collectives is not None else None,
        exchanges=tuple(_exchange(each) for each in row.collectives or ()),
        equation_ns=tuple((each.path, each.ns) for each in row.equation_ns or ()),
        notes=tuple(row.notes),
        foretold=in_words(row.target, row.prediction),
        needs=needs(row.memory),
        fits=row.memory["fits"] if row.memory is not None else None,
        series=samples,
        **known,
    )
