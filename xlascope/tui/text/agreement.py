"""How far two executions of a program agree in their outputs, in words that say in which unit."""

from __future__ import annotations

_FEW_STEPS = 100
_FEW_PARTS = 1e-4
"""Outputs within so many ULP and this part of their largest value are called equal to that: beyond, they differ."""


def brief_agreement(absolute: float | None, relative: float | None, ulp: int | None, mismatched: int | None = 0) -> str:
    """In few words: `outputs equal`, `outputs equal to 6 ULP`, `outputs differ by 2e-03 of their largest value`.

    `absolute` is the largest difference of two elements, `relative` that ÷ the largest magnitude in the same output,
    `ulp` the largest number of steps in the outputs' own floating-point type between two elements; `mismatched`
    elements are NaN or infinite on one side only. Unknown is None; empty where nothing was compared.
    """
    if mismatched:
        return f"outputs: NaN or infinite on one side only: {mismatched:,}"
    if absolute is None:
        return ""
    if not absolute:
        return "outputs equal"
    if ulp is not None and 0 < ulp <= _FEW_STEPS and (relative is None or relative < _FEW_PARTS):
        return f"outputs equal to {ulp} ULP"
    if relative is None:
        return f"outputs differ by up to {absolute:.1g}"
    return f"outputs differ by up to {relative:.0e} of their largest value"


def agreement(absolute: float | None, relative: float | None, ulp: int | None, mismatched: int | None = 0) -> str:
    """In full: `outputs equal to 6 ULP (largest difference 1.1e-08: 2.0e-07 of the largest value of that output)`.

    What the arguments are says `brief_agreement`.
    """
    said = brief_agreement(absolute, relative, ulp, mismatched)
    if not absolute:
        return said
    if ulp is not None and "ULP" not in said:
        said += f", {ulp:,} ULP"
    part = f": {relative:.1e} of the largest value of that output" if relative is not None else ""
    return f"{said} (largest difference {absolute:.1e}{part})"


ULP = "ULP: steps between neighbouring values of the outputs' own type; rounding in another order gives a few."
"""What the unit is."""
