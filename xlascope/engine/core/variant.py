"""One variant of a program against its baseline: outputs compared, times in turn, profiles, the `result`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import outputs, profile
from .heartbeat import Heartbeat
from .measure import Pairs, Subject, in_turn, statistics
from .opcodes import opcodes

DEFAULT_BUDGET_S = 2.0


class Runnable(Subject, Protocol):
    """A subject whose results can be looked at."""

    def outputs(self) -> list[NDArray[Any]]:
        """The outputs of one more call, on the host."""


def measure(
    baseline: Runnable,
    variant: Runnable,
    command: Mapping[str, Any],
    beat: Heartbeat,
    cancelled: Callable[[], bool],
    is_chaotic: Callable[[outputs.Difference], bool],
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Keys and blobs of a `result` that come from executing both.

    `is_chaotic` is asked when the outputs differ notably: whether the baseline's do so too for arguments moved by a
    rounding error. Raises measure.Cancelled, and what a call raises.
    """
    beat.step("running", "first calls")
    before = baseline.outputs()
    difference = outputs.compare(before, variant.outputs())
    del before
    body: dict[str, Any] = {
        "max_abs_error": difference.absolute,
        "max_rel_error": difference.relative,
        "mismatched": difference.mismatched,
        "max_ulp_error": difference.ulp,
        "first_different": _output_name(baseline, difference.first),
        "nan": list(difference.nan),
        "infinite": list(difference.infinite),
        "sensitive": is_chaotic(difference),
    }
    notes = []
    if difference.mismatched:
        notes.append(f"{difference.mismatched} output elements are NaN or infinite on one side only")
    beat.step("measuring", "sampling")
    budget_s = float(command.get("budget_s") or DEFAULT_BUDGET_S)
    pairs = in_turn(baseline, variant, budget_s, cancelled, beat.count)
    body |= statistics(pairs)
    blobs = _sample_blobs(pairs)
    if command.get("profile"):
        beat.step("measuring", "profiling")
        notes += _profiles(baseline, variant, pairs, body, blobs)
    body["notes"] = notes
    body["calls_per_sample"] = [pairs.baseline_calls, pairs.variant_calls]
    return body, blobs


def _output_name(subject: Runnable, position: int | None) -> str | None:
    """The path of an output, or its position where it has none."""
    if position is None:
        return None
    names: Sequence[str] = getattr(subject, "result_names", ())
    return (names[position] if position < len(names) else "") or f"output {position}"


def _sample_blobs(pairs: Pairs) -> dict[str, bytes]:
    baseline, variant = pairs.arrays()
    return {"samples": variant.astype("<i8").tobytes(), "baseline_samples": baseline.astype("<i8").tobytes()}


def _profiles(
    baseline: Subject, variant: Subject, pairs: Pairs, body: dict[str, Any], blobs: dict[str, bytes]
) -> list[str]:
    """One window each, apart from the samples: tracing costs time."""
    notes = []
    for name, subject, samples in (("profile", variant, pairs.variant), ("baseline_profile", baseline, pairs.baseline)):
        try:
            taken = profile.window(subject, int(np.median(samples)))
        except RuntimeError as error:
            return [f"no profile: {error}"]
        blobs[name], body[f"{name}_meta"] = taken.data, taken.meta
        if taken.truncated:
            which = "the variant" if subject is variant else "the baseline"
            notes.append(f"one call of {which} notes more than a profile may hold: op times are of its beginning")
    return notes


def matches(script: bytes | None, baseline: str) -> bool | None:
    """Whether the baseline's optimized module has the instructions of the script's, in order; None: not known."""
    if not script:
        return None
    return opcodes(script.decode("utf-8", "replace")) == opcodes(baseline)


def is_chaotic(
    difference: outputs.Difference,
    random: bool,
    run: Callable[[Sequence[Any]], list[NDArray[Any]]],
    arguments: Callable[[], Sequence[Any]],
) -> bool:
    """Whether correct variants of a program may differ by as much as was seen.

    It draws numbers that XLA does not fix; or its own results move by a tenth of that difference or more when its
    arguments move by a rounding error.
    """
    if random:
        return True
    if not difference.mismatched and (difference.relative is None or difference.relative < outputs.NOTABLE):
        return False
    values = arguments()
    moved = outputs.compare(run(values), run(outputs.nudged(values)))
    if difference.mismatched:
        return bool(moved.mismatched)
    return moved.relative is not None and difference.relative is not None and moved.relative >= difference.relative / 10
