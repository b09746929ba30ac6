"""What lies on the screen's desk: the newest record of each kind and what the user has chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from xlascope.tui.feeding.links import Focus, Links
from xlascope.tui.feeding.live import Measuring
from xlascope.tui.forms.switches import Switches
from xlascope.tui.model import CallTimes, EquationTable, OpsTable, Overview, VariantRow


@dataclass(slots=True)
class Desk:
    """Only the screen's own thread touches it."""

    overview: Overview = field(default_factory=Overview)
    program: str | None = None
    variant: str | None = None
    switches: Switches = field(default_factory=Switches)
    ops: OpsTable = field(default_factory=OpsTable)
    ops_of: tuple[str | None, str | None] | None = None
    """Program and variant that `ops` was asked for."""
    links: Links = field(default_factory=Links)
    graph: Any = None
    graph_of: tuple[str | None, str | None] | None = None
    """Program and variant that `graph` is of."""
    equations: EquationTable = field(default_factory=EquationTable)
    file: str | None = None
    """The source file that is shown; None: the one of the program's function."""
    library: bool = False
    """Whether the source pane shows lines of libraries instead of the user's that called them."""
    astray: tuple[str, int] | None = None
    """The line of operations that have no program which the source pane shows."""
    variants: tuple[VariantRow, ...] = ()
    calls: CallTimes | None = None
    """None until those of the program are read."""
    focus: Focus = field(default_factory=Focus)
    current: str = "functions"
    zoomed: bool = False
    told_crash: bool = False
    failure: str = ""
    explained: str = ""
    """The instruction that the explanation is about."""
    said: tuple[str, str] = ("", "")
    """Subject and sentence about the equations under the cursor, which an explanation is added to."""
    landed: tuple[str | None, str | None] | None = None
    """Program and variant whose hottest op the cursors were put on."""
    linked: tuple[str | None, str | None] | None = None
    """Program and variant that `links` are of: better ones of the same move nothing that the user moved."""
    moved: bool = False
    """Whether the user moved a cursor since the program is shown."""
    collected: set[tuple[str, str]] = field(default_factory=set)
    """Programs and stages that a lab was asked for."""
    waits: bool = False
    """Whether the script seems to wait for input."""
    awaited: str | None = None
    """Name of the variant whose result is to be shown once it is there."""
    awaited_ticket: int | None = None
    rejected: tuple[dict[str, Any], str] | None = None
    """Switches without a key that were refused last, and why: their form tells it."""

    @property
    def shown_switches(self) -> Switches:
        """The switches of what the panes show."""
        shown = [row for row in self.variants if row.name == self.variant]
        return Switches.of(shown[-1].switches) if shown else Switches()

    @property
    def coming(self) -> Switches | None:
        """The switches that were turned and are measured, or about to be; None where the panes show them."""
        return self.switches if self.switches != self.shown_switches else None

    def cancelled_by_back(self, measuring: Sequence[Measuring]) -> Measuring | None:
        """Which measurement under way the key for backing out gives up: the awaited one, else the newest."""
        awaited = [entry for entry in measuring if self.awaited is not None and entry.ticket == self.awaited_ticket]
        return next(iter([*awaited, *reversed(measuring)]), None)
