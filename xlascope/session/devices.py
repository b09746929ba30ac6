"""Published data of accelerators that a program can be compiled for without having one.

TPU: clock, peak of the matrix units in bfloat16, bandwidth and size of HBM, of one chip, as Google publishes them (the
clock follows from peak and matrix units). NVIDIA: the numbers that XLA's GPU compiler wants of a device, from the
target configurations that XLA ships, and NVIDIA's peak in bfloat16 without sparsity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Device:
    """One kind of accelerator. ``name``: as in ``tpu:NAME:2x4``; sizes of one chip; ``cores``: devices in a chip.

    ``topology``: the smallest; ``gpu``: fields of XLA's ``GpuDeviceInfoProto``, of CUDA devices.
    """

    platform: str
    name: str
    description: str
    clock_ghz: float
    flops_per_s: float
    bytes_per_s: float
    memory_bytes: int
    topology: str
    cores: int = 1
    gpu: Mapping[str, int] | None = None
    source: str = "published"

    def facts(self) -> dict[str, Any]:
        """What a prediction needs, of one device (a core, where a chip has several)."""
        return {
            "platform": self.platform, "name": self.name, "description": self.description, "source": self.source,
            "clock_ghz": self.clock_ghz, "flops_per_s": self.flops_per_s / self.cores,
            "bytes_per_s": self.bytes_per_s / self.cores, "memory_bytes": self.memory_bytes // self.cores,
        }  # fmt: skip

    def config(self) -> str | None:
        """XLA's ``GpuTargetConfigProto`` as text; None for a TPU."""
        if self.gpu is None:
            return None
        numbers = "\n".join(
            f"  {name}: {value}" for name, value in self.gpu.items() if name not in ("major", "minor")
        )
        return (
            f"gpu_device_info {{\n{numbers}\n  memory_bandwidth: {int(self.bytes_per_s)}\n"
            f"  clock_rate_ghz: {self.clock_ghz}\n  device_memory_size: {self.memory_bytes}\n"
            f"  cuda_compute_capability {{ major: {self.gpu['major']} minor: {self.gpu['minor']} }}\n}}\n"
            'platform_name: "CUDA"\ndnn_version_info { major: 9 minor: 8 }\nruntime_version { major: 12 minor: 9 }\n'
            f'device_description_str: "{self.description}"\n'
        )


_GIB = 1 << 30
_LIMITS = {
    "threads_per_block_limit": 1024, "threads_per_warp": 32, "shared_memory_per_block": 49152,
    "threads_per_core_limit": 2048, "block_dim_limit_x": 2147483647, "block_dim_limit_y": 65535,
    "block_dim_limit_z": 65535, "registers_per_core_limit": 65536, "registers_per_block_limit": 65536,
}  # fmt: skip
_AMPERE = _LIMITS | {
    "shared_memory_per_core": 167936, "core_count": 108, "fpus_per_core": 64, "l2_cache_size": 41943040,
    "shared_memory_per_block_optin": 166912, "major": 8, "minor": 0,
}  # fmt: skip
_HOPPER = _LIMITS | {
    "shared_memory_per_core": 233472, "core_count": 132, "fpus_per_core": 128, "l2_cache_size": 52428800,
    "shared_memory_per_block_optin": 232448, "major": 9, "minor": 0,
}  # fmt: skip

SHIPPED: tuple[Device, ...] = (
    Device("tpu", "v2", "TPU v2", 0.7, 46e12, 700e9, 16 * _GIB, "1x1", 2),
    Device("tpu", "v3", "TPU v3", 0.94, 123e12, 900e9, 32 * _GIB, "1x1", 2),
    Device("tpu", "v4", "TPU v4", 1.05, 275e12, 1228e9, 32 * _GIB, "1x1x1", 2),
    Device("tpu", "v5e", "TPU v5e", 1.5, 197e12, 819e9, 16 * _GIB, "1x1"),
    Device("tpu", "v5p", "TPU v5p", 1.75, 459e12, 2765e9, 95 * _GIB, "1x1x1"),
    Device("tpu", "v6e", "TPU v6e", 1.75, 918e12, 1640e9, 32 * _GIB, "1x1"),
    Device("tpu", "tpu7x", "TPU7x", 2.2, 2307e12, 7380e9, 192 * _GIB, "1x1x1", 2),
    Device("cuda", "a100", "NVIDIA A100-SXM4-80GB", 1.41, 312e12, 2039040000000, 85100068864, "1x1x1", 1, _AMPERE),
    Device("cuda", "a100-40", "NVIDIA A100-SXM4-40GB", 1.41, 312e12, 1555200000000, 42331013120, "1x1x1", 1, _AMPERE),
    Device("cuda", "h100", "NVIDIA H100 80GB HBM3", 1.98, 989e12, 3352320000000, 84929347584, "1x1x1", 1, _HOPPER),
    Device("cuda", "h200", "NVIDIA H200 141GB HBM3e", 1.98, 989e12, 4800000000000, 151397597184, "1x1x1", 1, _HOPPER),
)
ALIASES = {"v5litepod": "v5e", "v5lite": "v5e", "v5": "v5p", "v7x": "tpu7x", "v7": "tpu7x", "a100-80": "a100"}


def own_device(name: str, table: Mapping[str, Any]) -> Device:
    """A device of the user's: ``like`` names a shipped one, other keys replace its numbers. Raises ValueError."""
    like = table.get("like")
    base = next((each for each in SHIPPED if each.name == like), None)
    if base is None:
        names = ", ".join(each.name for each in SHIPPED)
        raise ValueError(f"targets.{name}: `like` must name a shipped device: {names}")
    numbers = {each.name: type(getattr(base, each.name)) for each in fields(Device)
               if each.name in ("clock_ghz", "flops_per_s", "bytes_per_s", "memory_bytes", "description")}
    gpu = dict(base.gpu) if base.gpu is not None else None
    changed: dict[str, Any] = {}
    for key, value in table.items():
        if key == "like":
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        if key in numbers and (isinstance(value, str) if key == "description" else number):
            changed[key] = numbers[key](value)
        elif gpu is not None and key in gpu and isinstance(value, int) and number:
            gpu[key] = value
        else:
            known = ", ".join(["like", *numbers, *(gpu or ())])
            raise ValueError(f"targets.{name}: {key} = {value!r} is not understood; keys are: {known}")
    return replace(base, name=name, gpu=gpu, source="configured", **changed)


__all__ = ["ALIASES", "SHIPPED", "Device", "own_device"]
