"""The switches as the screen holds them: what each stands on, and the variant that they name together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from xlascope.tui.widgets.status import Switch

T = TypeVar("T")
_JIT: tuple[str, ...] = ("on", "off", "deep-off")
_FUSION: tuple[str, ...] = ("on", "off")
_DEVICES: tuple[int | None, ...] = (None, 2, 4, 8)
_PLANS: tuple[str | None, ...] = (None, "batch", "replicate")


@dataclass(frozen=True, slots=True)
class Switches:
    """What stands on which value; None is as the script ran."""

    jit: str = "on"
    fusion: str = "on"
    devices: int | None = None
    plan: str | None = None

    def turned(self, name: str) -> Switches:
        """The next value of a switch: `jit`, `fusion`, `devices` or `sharding`.

        Without jit nothing is compiled that could be fused or split: `jit` and the others put each other back.
        """
        if name == "jit":
            return Switches(jit=_after(_JIT, self.jit))
        self = replace(self, jit="on")
        if name == "fusion":
            return replace(self, fusion=_after(_FUSION, self.fusion))
        if name == "devices":
            devices = _after(_DEVICES, self.devices)
            return replace(self, devices=devices, plan=(self.plan or "batch") if devices else None)
        plan = _after(_PLANS, self.plan)
        return replace(self, plan=plan, devices=(self.devices or _DEVICES[-1]) if plan else None)

    @classmethod
    def of(cls, command: Mapping[str, object]) -> Switches:
        """The switches as a variant was measured with; what has no switch here is left out."""
        jit, fusion, devices, plan = (command.get(name) for name in ("jit", "fusion", "devices", "shard_plan"))
        return cls(
            jit if isinstance(jit, str) else "on",
            fusion if isinstance(fusion, str) else "on",
            devices if isinstance(devices, int) else None,
            plan if isinstance(plan, str) else None,
        )

    def put_back(self, other: Switches) -> list[str]:
        """The names of the switches that were touched in `other` and are not any more."""
        pairs = [("jit", "jit"), ("fusion", "fusion"), ("devices", "devices"), ("plan", "sharding")]
        plain = Switches()
        return [
            name for field, name in pairs
            if getattr(self, field) == getattr(plain, field) != getattr(other, field)
        ]  # fmt: skip

    @property
    def touched(self) -> bool:
        """Whether anything differs from the baseline."""
        return self != Switches()

    def command(self) -> dict[str, object]:
        """Only what was touched, in the words of a `measure` command."""
        values: dict[str, object] = {}
        if self.jit != "on":
            values["jit"] = self.jit
        if self.fusion != "on":
            values["fusion"] = self.fusion
        if self.devices is not None:
            values["devices"] = self.devices
        if self.plan is not None:
            values["shard_plan"] = self.plan
        return values

    def bar(self, as_run: str) -> list[Switch]:
        """The switch bar's entries; `as_run` tells how many devices the script saw."""
        return [
            Switch("J", "jit", self.jit.upper() if self.jit == "on" else self.jit, self.jit != "on",
                   "switch('jit')", "on, off (equation by equation), deep-off (loops in Python too)"),
            Switch("F", "fusion", self.fusion.upper() if self.fusion == "on" else self.fusion, self.fusion != "on",
                   "switch('fusion')", "compile without fusion and time both in turn"),
            Switch("D", "devices", as_run if self.devices is None else f"{self.devices} simulated",
                   self.devices is not None, "switch('devices')", "2, 4 or 8 simulated CPU devices"),
            Switch("S", "sharding", self.plan or "as-run", self.plan is not None,
                   "switch('sharding')", "batch: arguments split on their leading dimension"),
        ]  # fmt: skip


def variant_name(switches: Mapping[str, object]) -> str:
    """The name of a variant, its switches in fixed order: `fusion=off,devices=8`."""
    order = ("jit", "fusion", "devices", "shard_plan")
    known = [f"{key}={switches[key]}" for key in order if key in switches]
    return ",".join(known + [f"{key}={value}" for key, value in switches.items() if key not in order])


def _after(values: tuple[T, ...], current: T) -> T:
    at = values.index(current) if current in values else -1
    return values[(at + 1) % len(values)]
