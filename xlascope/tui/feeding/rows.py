"""Rows of the tables on the screen from rows of views."""

from __future__ import annotations

from typing import Any

from xlascope.tui.model import OpRow, VariantRow
from xlascope.tui.text.numbers import size


def op_row(row: Any, total: int) -> OpRow:
    """A row of the view `ops`; `total`: self time of all its rows, in ns."""
    self_ns = row.self_ns
    return OpRow(
        row.program or getattr(row, "module", None),
        row.op,
        row.opcode or "",
        f"{row.device_kind}:{row.device}",
        row.count,
        row.total_ns,
        self_ns,
        self_ns / total if self_ns is not None and total else None,
        self_ns / row.count if self_ns is not None and row.count else None,
        tuple(row.equations or ()),
        bool(row.added_by_xla),
        row.user_file,
        row.user_line,
        row.bytes,
        row.flops,
        bool(getattr(row, "equations_exact", True)),
        frozenset(getattr(row, "inferred", ())),
    )


def _exchange(each: Any) -> str:
    turns = f" ×{each.count}" if each.count not in (None, 1) else ""
    where = f", equation {each.equation}" if each.equation is not None else ""
    return f"{each.kind}{turns}, {size(each.bytes)}{where}"


def variant_row(row: Any, samples: tuple[tuple[int, ...], tuple[int, ...]]) -> VariantRow:
    """A row of the view `variants`, with its samples and its baseline's in ns."""
    from xlascope.tui.forms.more_checks import in_words, needs

    made = {"name", "collectives", "exchanges", "series", "switches", "equation_ns", "notes", "foretold", "needs"}
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
        series=samples,
        **known,
    )
