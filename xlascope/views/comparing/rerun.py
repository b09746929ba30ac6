"""A pair of programs of two runs, executed again in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from xlascope.stats import Ratio, opposed, verdict
from xlascope.views import fields
from xlascope.views.compare import OPPOSED, Program

RERUN_EFFECT = 0.03
"""A change of a program executed again is at least so large: two executables of one program can differ by less."""


def rerun_of(program: Program, result: Mapping[str, object]) -> Program:
    """The program with times of both executed in turn; with a note instead where that failed."""
    body = dict(result)
    if not body.get("ok"):
        return replace(program, note=f"not executed again: {body.get('error')}")
    ratio, low, high = (fields.number(body, key) for key in ("ratio", "ratio_ci_low", "ratio_ci_high"))
    medians = fields.number(body, "baseline_median_ns"), fields.number(body, "median_ns")
    judged = None
    if ratio is not None and low is not None and high is not None:
        judged = verdict(Ratio(ratio, low, high), min_effect=RERUN_EFFECT, medians=medians)
        if body.get("same_code") is True:
            judged = "same"  # known, whatever the noise: one executable was sampled in turn with itself
    samples = fields.integer(body, "samples") or 0
    notes = [*fields.texts(body, "notes")]
    if judged != "same" and opposed(low, high, *medians) is not None:
        notes.append(OPPOSED)
    if fields.text(body, "args") == "synthetic":
        notes.append("executed with made-up arguments")
    same_code = True if body.get("same_code") is True else program.same_code
    return replace(
        program, a_ns=fields.whole_ns(body, "baseline_median_ns"), b_ns=fields.whole_ns(body, "median_ns"),
        a_calls=samples, b_calls=samples, ratio=ratio, ratio_ci_low=low, ratio_ci_high=high, verdict=judged,
        share=None, same_code=same_code, how="rerun", note="; ".join(notes) or None,
        max_abs_error=fields.number(body, "max_abs_error"),
    )  # fmt: skip
