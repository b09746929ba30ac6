"""Switches of a `measure` command: checked, and turned into what XLA is told."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FUSION_PASSES = {
    "cpu": ("fusion", "dot-library-rewriter", "small-while-loop-hoisting"),
    "tpu": ("tpu_fusion", "tpu_multi_output_fusion"),
    "gpu": (
        "fusion",
        "priority-fusion",
        "multi_output_fusion",
        "gpu_horizontal_loop_fusion",
        "gpu_horizontal_input_fusion",
        "softmax-rewriter-triton",
    ),
}
"""Passes that make fusions of several operations. Never `fusion-wrapper`: XLA's code generators need its result."""

DISABLE = "xla_disable_hlo_passes"
KNOWN = frozenset({"jit", "fusion", "devices", "shard_plan", "shard", "mesh", "compiler_options"})


class SwitchError(ValueError):
    """A switch that cannot be used here: the text is one sentence, `advice` says what to do instead."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Switches:
    """The switches touched; None or empty where one was not."""

    jit: str | None = None
    fusion_off: bool = False
    devices: int | None = None
    shard_plan: str | None = None
    shard: dict[str, str] = field(default_factory=dict)
    mesh: dict[str, int] = field(default_factory=dict)
    compiler_options: dict[str, Any] = field(default_factory=dict)

    @property
    def sharded(self) -> bool:
        return self.devices is not None and self.devices > 1


def parse(raw: Mapping[str, Any]) -> Switches:
    """Switches from a command's object. Raises SwitchError for one that is not known or has no such value."""
    unknown = sorted(set(raw) - KNOWN)
    if unknown:
        raise SwitchError(f"the switch {unknown[0]!r} is not known here", f"switches are: {', '.join(sorted(KNOWN))}")
    _one_of(raw, "jit", ("on", "off", "deep-off"))
    _one_of(raw, "fusion", ("on", "off"))
    mesh = _mesh(_object(raw, "mesh"))
    shard = {str(key): str(value) for key, value in _object(raw, "shard").items()}
    devices = _devices(raw.get("devices"), mesh)
    if (shard or raw.get("shard_plan")) and not (devices and devices > 1):
        raise SwitchError("a sharding needs more than one device", "add --devices 8, or --mesh x=4,y=2")
    options = _object(raw, "compiler_options")
    for key, value in options.items():
        if not isinstance(value, (str, int, float, bool)):
            raise SwitchError(f"the compiler option {key} has no text, number or truth value", "give KEY=VALUE")
    jit = raw.get("jit")
    if jit in ("off", "deep-off") and set(raw) - {"jit"} - {name for name in raw if raw[name] in ("on", None, {})}:
        raise SwitchError(
            "jit off compiles nothing, so no other switch can act beside it", "measure the two switches one by one"
        )
    return Switches(
        jit=None if jit in (None, "on") else str(jit),
        fusion_off=raw.get("fusion") == "off",
        devices=devices,
        shard_plan=raw.get("shard_plan"),
        shard=shard,
        mesh=mesh,
        compiler_options={str(key): _option_value(value) for key, value in options.items()},
    )


def _object(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = raw.get(name) or {}
    if not isinstance(value, Mapping):
        raise SwitchError(f"{name} cannot be {value!r}", f"{name} is an object of names and values")
    return value


def _mesh(mesh: Mapping[str, Any]) -> dict[str, int]:
    for axis, size in mesh.items():
        if isinstance(size, bool) or not isinstance(size, int):
            raise SwitchError(
                f"the mesh axis {axis} cannot have the size {size!r}", "sizes are numbers: --mesh x=4,y=2"
            )
    return {str(axis): size for axis, size in mesh.items()}


def _option_value(value: Any) -> Any:
    """Truth values given as text, as on a command line, become what XLA's option parser takes."""
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _one_of(raw: Mapping[str, Any], name: str, values: tuple[str, ...]) -> None:
    if raw.get(name) is not None and raw[name] not in values:
        raise SwitchError(f"{name} cannot be {raw[name]!r}", f"{name} is one of {', '.join(values)}")


def _devices(devices: Any, mesh: Mapping[str, int]) -> int | None:
    if devices is None and mesh:
        count = 1
        for size in mesh.values():
            count *= size
        return count
    if devices is None:
        return None
    if isinstance(devices, bool) or not isinstance(devices, int) or devices < 1:
        raise SwitchError(f"devices cannot be {devices!r}", "give a number of devices, 1 or more")
    return devices


def compiler_options(switches: Switches, platform: str) -> dict[str, Any]:
    """XLA options of a variant, for one compile. Passes switched off by XLA_FLAGS stay off: the option replaces them.

    Raises SwitchError when fusion cannot be switched off on `platform`.
    """
    options = dict(switches.compiler_options)
    if switches.fusion_off:
        kind = "gpu" if platform in ("cuda", "rocm") else platform
        if kind not in FUSION_PASSES:
            raise SwitchError(f"it is not known how to switch fusion off on {platform}", "use --compiler-option")
        options[DISABLE] = _joined(FUSION_PASSES[kind], str(options.get(DISABLE, "")))
    if DISABLE in options:
        options[DISABLE] = _joined(_flag_passes(), str(options[DISABLE]))
    return options


def _joined(first: tuple[str, ...], second: str) -> str:
    return ",".join(dict.fromkeys([*first, *(name.strip() for name in second.split(",") if name.strip())]))


def _flag_passes() -> tuple[str, ...]:
    """Passes that XLA_FLAGS of this process switches off; the last setting counts."""
    found: tuple[str, ...] = ()
    try:
        words = shlex.split(os.environ.get("XLA_FLAGS", ""))
    except ValueError:  # an unclosed quote: XLA has its own opinion on it, and no pass of ours depends on it
        words = os.environ.get("XLA_FLAGS", "").split()
    for word in words:
        name, _, value = word.partition("=")
        if name.lstrip("-") == DISABLE:
            found = tuple(part for part in value.split(",") if part)
    return found
