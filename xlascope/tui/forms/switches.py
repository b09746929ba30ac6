"""The switches as the screen holds them: what each stands on, and the variant that they name together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from xlascope.session.switches import variant_name as named
from xlascope.tui.widgets.status import Switch

T = TypeVar("T")
_JIT: tuple[str, ...] = ("on", "off", "deep-off")
_FUSION: tuple[str, ...] = ("on", "off")
_DEVICES: tuple[int | None, ...] = (None, 2, 4, 8)
MORE = ("target", "passes_off", "matmul_precision", "donate", "compiler_options")
"""Switches of the form of keys T and +, by their words in a command."""


NO_PYTHON = "jit off needs the script's live Python process, which a file has not: run `xlascope SCRIPT`, press J there"


@dataclass(frozen=True, slots=True)
class Switches:
    """What stands on which value; None is as the script ran."""

    jit: str = "on"
    fusion: str = "on"
    devices: int | None = None
    plan: str | None = None
    mesh: tuple[tuple[str, int], ...] = ()
    shard: tuple[tuple[str, str], ...] = ()
    """Specs by argument."""
    more: tuple[tuple[str, Any], ...] = ()
    """Switches without a key of their own, as a command has them: target, passes off, precision, …"""

    def turned(self, name: str) -> Switches:
        """The next value of a switch: `jit`, `fusion` or `devices`.

        Without jit nothing is compiled that could be fused or split: `jit` and the others put each other back.
        """
        if name == "jit":
            return Switches(jit=_after(_JIT, self.jit))
        self = replace(self, jit="on")
        if name == "fusion":
            return replace(self, fusion=_after(_FUSION, self.fusion))
        devices = _after(_DEVICES, self.devices)
        plan = self.plan if self.plan not in (None, "as-script") else "batch"
        return replace(self, devices=devices, plan=plan if devices else None, mesh=(), shard=())

    def laid(self, command: Mapping[str, object]) -> Switches:
        """With the sharding that a command of the form names, and jit on."""
        other = Switches.of(command)
        return replace(other, fusion=self.fusion, more=self.more)

    def with_more(self, command: Mapping[str, object]) -> Switches:
        """With what the other form names, and jit on."""
        return replace(self, jit="on", more=_more(command))

    @classmethod
    def of(cls, command: Mapping[str, object]) -> Switches:
        """The switches as a variant was measured with; what has no switch here is left out."""
        jit, fusion, devices, plan = (command.get(name) for name in ("jit", "fusion", "devices", "shard_plan"))
        return cls(
            jit if isinstance(jit, str) else "on",
            fusion if isinstance(fusion, str) else "on",
            devices if isinstance(devices, int) else None,
            plan if isinstance(plan, str) else None,
            _items(command.get("mesh")),
            _items(command.get("shard")),
            _more(command),
        )

    def put_back(self, other: Switches) -> list[str]:
        """The names of the switches that were touched in `other` and are not any more."""
        pairs = [("jit", "jit"), ("fusion", "fusion"), ("devices", "devices"), ("plan", "sharding"),
                 ("more", "others")]
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
        if self.mesh:
            values["mesh"] = dict(self.mesh)
        if self.shard:
            values["shard"] = dict(self.shard)
        return values | dict(self.more)

    def _others(self) -> str:
        """How many of the switches without a key are touched, the target aside."""
        count = sum(1 for name, _ in self.more if name != "target")
        return str(count) if count else ""

    def _sharding(self) -> str:
        mesh = "x".join(str(size) for _, size in self.mesh)
        return " ".join(part for part in (self.plan or "as-run", mesh, "+specs" if self.shard else "") if part)

    def bar(self, as_run: str, coming: Switches | None = None, jit_off: bool = True) -> list[Switch]:
        """The switch bar's entries; `as_run` tells how many devices the script saw, `coming` what is measured now.

        `jit_off`: whether jit can be turned off here, in a live run or as it was measured in one.
        """
        shown = self._entries(as_run)
        if not jit_off:
            shown[0] = replace(shown[0], value="–", tooltip=NO_PYTHON)
        if coming is None:
            return shown
        return [
            entry if entry.value == other.value or entry.value == "–" else replace(entry, coming=other.value or "none")
            for entry, other in zip(shown, coming._entries(as_run), strict=True)
        ]

    def _entries(self, as_run: str) -> list[Switch]:
        return [
            Switch("J", "jit", self.jit.upper() if self.jit == "on" else self.jit, self.jit != "on",
                   "switch('jit')", "on → off (equation by equation) → deep-off (loops in Python too) → on"),
            Switch("F", "fusion", self.fusion.upper() if self.fusion == "on" else self.fusion, self.fusion != "on",
                   "switch('fusion')", "compile without fusion and time both in turn"),
            Switch("D", "devices", as_run if self.devices is None else f"{self.devices} simulated",
                   self.devices is not None, "switch('devices')", "2, 4 or 8 simulated CPU devices"),
            Switch("S", "sharding", self._sharding(), self.plan is not None or bool(self.shard),
                   "sharding", "mesh, plan, and a spec for each argument"),
            Switch("T", "target", str(dict(self.more).get("target") or "as-run"), "target" in dict(self.more),
                   "more('target')", "compile for hardware that is not there: tpu:v5e:2x4, cuda:h100:1x1x4"),
            Switch("+", "more", self._others(), bool(self._others()), "more('passes_off')",
                   "passes off, matmul precision, donation, any XLA option"),
        ]  # fmt: skip


def variant_name(switches: Mapping[str, object]) -> str:
    """The name of a variant, its switches in fixed order: `fusion=off,devices=8`."""
    return named(switches) if switches else ""


def _items(value: object) -> tuple[tuple[str, Any], ...]:
    return tuple((str(key), each) for key, each in value.items()) if isinstance(value, Mapping) else ()


def _more(command: Mapping[str, object]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, command[name]) for name in MORE if command.get(name))


def _after(values: tuple[T, ...], current: T) -> T:
    at = values.index(current) if current in values else -1
    return values[(at + 1) % len(values)]
