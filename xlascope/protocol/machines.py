"""Platforms of this machine that a program may be executed on, whatever it was recorded on."""

PLATFORMS = ("cpu", "gpu", "tpu")
LOWERED = {"cpu": "cpu", "gpu": "cuda", "tpu": "tpu"}
"""What JAX lowers for, by platform."""


def is_platform(target: object) -> bool:
    """Whether a target names a platform of this machine, and not hardware that is only compiled for."""
    return target in PLATFORMS
