"""A measurement that waits or runs: what was asked for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xlascope.protocol.machines import is_platform
from xlascope.session import targets
from xlascope.session.lab_inputs import NotMeasurable
from xlascope.session.switches import variant_name
from xlascope.session.targets import Target, TargetError

# What XLA writes files for while it compiles; each is a record of a kind of its own.
DUMPED = ("passes", "machine")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A measurement that was asked for; events carry its ``id``."""

    id: int
    program: str
    switches: dict[str, Any]
    budget_s: float
    profile: bool
    consent: bool = False
    """Whether a program with ordered effects may be executed again."""
    collect: str | None = None
    """Not a measurement: what a lab is to make and the file to keep: the stages `hlo`, `tagged` and `located`,
    `passes` or `machine`."""
    set_name: str | None = None
    """The name that the switches are kept under, when they have one."""
    other: tuple[Path, str] | None = None
    """A run file and a program of it that takes the variant's place: the two are measured in turn, nothing is kept."""
    requested_ns: int = field(default_factory=time.time_ns)

    @property
    def name(self) -> str:
        """The variant's name, made of its switches."""
        return variant_name(self.switches)


def target_of(ticket: Ticket) -> Target | None:
    """The hardware that a variant is compiled for without it; None for what is executed. Raises NotMeasurable."""
    if not ticket.switches.get("target") or is_platform(ticket.switches["target"]):
        return None
    try:
        return targets.parse(str(ticket.switches["target"]), targets.known_devices())
    except TargetError as error:
        raise NotMeasurable(str(error), error.advice) from error
