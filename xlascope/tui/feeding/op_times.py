"""The table of ops from views: what windows saw, what was measured of a variant, what is foretold of one."""

from __future__ import annotations

from typing import Any, Protocol

from xlascope.tui.feeding.rows import op_rows
from xlascope.tui.model import BASELINE, OpRow, OpsTable


class Asked(Protocol):
    """What answers: a `feed.Feed`."""

    @property
    def kind(self) -> str:
        """Of the source."""

    def query(self, view: str, **options: Any) -> Any:
        """The answer of a view, None where there is none."""

    def doubt(self, program: str | None, guessed: bool) -> str:
        """What titles say of links that are guessed."""


def op_times(feed: Asked, program: str | None, variant: str | None) -> OpsTable:
    """Of a program or of all, of the script or of a variant."""
    found = feed.query("ops", program=program, variant=variant)
    if variant is not None and (found is None or not found.rows):
        # The script's own ops are of another module: one name may be another instruction there.
        return op_times(feed, program, None) if variant == BASELINE else _foretold(feed, program, variant)
    if found is None or not found.rows:
        run = feed.query("run")
        goes_on = run is not None and run.state in ("starting", "running")
        seen = f"no profile window {'has seen this program yet' if goes_on else 'saw this program'}"
        return OpsTable(note="this file holds no times" if feed.kind in ("hlo", "dump") else seen)
    rows = op_rows(found.rows)
    return OpsTable(
        rows=rows,
        coverage=found.coverage,
        calls_seen=found.calls_seen,
        windows=getattr(found, "windows", None),
        window_ns=found.window_ns,
        exact=bool(found.equations_exact),
        variant=found.variant,
        simulated=bool(found.simulated),
        doubt=feed.doubt(program, any(row.equations and not row.exact and not row.added_by_xla for row in rows)),
        left_out=tuple(each.why for each in found.dropped if each.what == "first call"),
    )


def _foretold(feed: Asked, program: str | None, variant: str) -> OpsTable:
    """Of a variant that was only compiled, for hardware that is not there; else why there is nothing."""
    found = feed.query("predictions", program=program, variant=variant)
    if found is None or found.variant is None:
        return OpsTable(note=f"no op of {variant} was timed", variant=variant)
    where = found.target.partition(":")[0]
    rows = tuple(
        OpRow(
            row.program, row.op, row.opcode, where, row.times, row.predicted_ns, row.predicted_ns, row.share,
            row.exact_ns / row.times if row.predicted_ns is not None and row.times else None, row.equations,
            bool(row.added_by_xla), row.user_file, row.user_line, row.bytes, row.flops, row.equations_exact,
            predicted=True,
        )
        for row in found.rows
    )  # fmt: skip
    exact = any(row.equations_exact for row in found.rows)
    return OpsTable(rows=rows, exact=exact, variant=found.variant, predicted=found.by)
