"""A variant's name from its switches: the same switches give the same name, in one fixed order."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from xlascope.protocol.specs import DEFAULT_AXIS

MATMUL_PRECISIONS = (
    "default", "bfloat16", "high", "bfloat16_3x", "tensorfloat32", "highest", "float32",
    "bf16_bf16_f32", "bf16_bf16_f32_x3", "bf16_bf16_f32_x6", "tf32_tf32_f32", "tf32_tf32_f32_x3", "f32_f32_f32",
)  # fmt: skip
"""StableHLO's precisions by JAX's names, then algorithms for float32; the engine's list, which a test compares."""
_ORDER = (
    "jit", "fusion", "devices", "mesh", "shard", "shard_plan", "target", "passes_off", "matmul_precision", "donate",
    "compiler_options",
)  # fmt: skip


def variant_name(switches: Mapping[str, Any]) -> str:
    """``fusion=off,devices=8``; ``baseline`` when no switch is touched. Keys as in a ``measure`` command."""
    parts: list[str] = []
    switches = _spread(switches)
    for key in (*_ORDER, *sorted(set(switches) - set(_ORDER))):
        if key in switches and switches[key] is not None:
            parts += _parts(key.replace("_", "-"), switches[key])
    return ",".join(parts) or "baseline"


def _spread(switches: Mapping[str, Any]) -> dict[str, Any]:
    """The switches with what they say of devices said in one way: a mesh says how many devices it takes."""
    told, mesh = dict(switches), switches.get("mesh") or {}
    if mesh and not told.get("devices"):
        told["devices"] = prod(mesh.values())
    if list(mesh) == [DEFAULT_AXIS] and told["devices"] == mesh[DEFAULT_AXIS]:
        del told["mesh"]  # it is the one that as many devices have by default
    if told.get("devices") and told.get("shard_plan") == "batch" and "shard" not in told:
        del told["shard_plan"]  # what devices mean by default
    return told


def _parts(key: str, value: Any) -> list[str]:
    if key == "mesh":
        return ["mesh=" + "+".join(f"{axis}:{size}" for axis, size in value.items())]
    if key == "shard":
        return [f"shard:{name}={str(spec).replace(',', '/')}" for name, spec in sorted(value.items())]
    if key == "compiler-options":
        return [f"{name}={option}" for name, option in sorted(value.items())]
    if key == "passes-off":
        return [f"passes-off={'+'.join(value)}"] if value else []
    if key == "donate":
        states = sorted(value.items())
        return [f"donate={name}" if state == "on" else f"donate:{name}={state}" for name, state in states]
    if isinstance(value, bool):
        return [f"{key}={'on' if value else 'off'}"]
    return [f"{key}={value}"]


def devices_needed(switches: Mapping[str, Any], recorded: int | None) -> int | None:
    """How many CPU devices a lab must simulate for these switches; None for the one that is there."""
    wanted = [recorded or 1]
    if isinstance(switches.get("devices"), int):
        wanted.append(switches["devices"])
    count = max([*wanted, prod((switches.get("mesh") or {}).values())])
    return count if count > 1 else None


def wrong_set_name(name: str) -> str | None:
    """Why a set of switches cannot be kept under a name, with what would be valid; None where it can."""
    if not name.strip():
        return "a name for switches cannot be empty"
    if "#" in name:
        return f"{name!r} cannot be a name for switches: # stands between a run file and a name, RUN#NAME; leave it out"
    return None
