"""Switches of a `measure` command: checked, and turned into what XLA is told."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
        "triton-softmax-rewriter",
    ),
}
"""Passes that make fusions of several operations. Never `fusion-wrapper`: XLA's code generators need its result."""

DISABLE = "xla_disable_hlo_passes"
KNOWN = frozenset({
    "jit", "fusion", "devices", "shard_plan", "shard", "mesh", "target", "passes_off", "matmul_precision", "donate",
    "compiler_options",
})  # fmt: skip
NEEDED_PASSES = {"fusion-wrapper": "XLA's code generators need what it does"}
"""Passes without which XLA cannot make code."""


PRECISIONS = {
    "default": "DEFAULT", "bfloat16": "DEFAULT",
    "high": "HIGH", "bfloat16_3x": "HIGH", "tensorfloat32": "HIGH",
    "highest": "HIGHEST", "float32": "HIGHEST",
}  # fmt: skip
"""StableHLO's precision of a matrix multiplication by the names JAX has for it."""
ALGORITHMS = {
    "bf16_bf16_f32": ("bf16", "f32", 1), "bf16_bf16_f32_x3": ("bf16", "f32", 3), "bf16_bf16_f32_x6": ("bf16", "f32", 6),
    "tf32_tf32_f32": ("tf32", "f32", 1), "tf32_tf32_f32_x3": ("tf32", "f32", 3), "f32_f32_f32": ("f32", "f32", 1),
}  # fmt: skip
"""Type of both operands, of the sum, and products for each, of the algorithms a float32 multiplication can be given."""


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
    target: str | None = None
    passes_off: tuple[str, ...] = ()
    matmul_precision: str | None = None
    donate: dict[str, bool] = field(default_factory=dict)
    compiler_options: dict[str, Any] = field(default_factory=dict)

    def on_topology(self, devices: int) -> Switches:
        """With the number of devices that a target has, where a sharding names none. Raises SwitchError."""
        if self.devices is not None and self.devices > devices:
            raise SwitchError(
                f"{self.devices} devices are wanted and {self.target} has {devices}", f"at most {devices} there"
            )
        wants = self.devices is None and (self.shard or self.shard_plan)
        return replace(self, devices=devices) if wants else self

    @property
    def sharded(self) -> bool:
        """Whether the program is laid over several devices."""
        return bool(self.shard or self.shard_plan) or (self.devices is not None and self.devices > 1)


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
    if devices == 1 and (shard or raw.get("shard_plan")):
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
        target=_text(raw, "target"),
        passes_off=_passes(raw.get("passes_off")),
        matmul_precision=_precision(raw),
        donate={str(name): _on(name, value) for name, value in _object(raw, "donate").items()},
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


def _text(raw: Mapping[str, Any], name: str) -> str | None:
    value = raw.get(name)
    if value is not None and not isinstance(value, str):
        raise SwitchError(f"{name} cannot be {value!r}", f"{name} is a text")
    return value or None


def _passes(value: Any) -> tuple[str, ...]:
    if value is not None and not (isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)):
        raise SwitchError(f"passes_off cannot be {value!r}", "give names of passes: --passes-off algsimp,cse")
    names = tuple(dict.fromkeys(each.strip() for each in value or () if each.strip()))
    for name in names:
        if "," in name:
            raise SwitchError(f"{name!r} is no name of a pass", "give each name by itself")
        if name in NEEDED_PASSES:
            raise SwitchError(f"the pass {name} cannot be off: {NEEDED_PASSES[name]}", "leave it on")
    return names


def _precision(raw: Mapping[str, Any]) -> str | None:
    value = _text(raw, "matmul_precision")
    if value is not None and value not in precisions():
        raise SwitchError(f"matmul_precision cannot be {value!r}", f"it is one of {', '.join(precisions())}")
    return value


def precisions() -> tuple[str, ...]:
    """What a matrix multiplication's precision can be set to: StableHLO's levels, JAX's names of them, algorithms."""
    return (*PRECISIONS, *ALGORITHMS)


def _on(name: Any, value: Any) -> bool:
    if value not in ("on", "off", True, False):
        raise SwitchError(f"donate of {name} cannot be {value!r}", "write --donate ARG, or --donate ARG=off")
    return value in ("on", True)


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
    if switches.passes_off:
        options[DISABLE] = _joined(switches.passes_off, str(options.get(DISABLE, "")))
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
