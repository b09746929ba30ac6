"""What is recorded of the script's surroundings: versions, JAX's and XLA's variables, devices once they are known."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from .. import compat


def variables(prefixes: tuple[str, ...]) -> dict[str, str]:
    """The environment variables whose names begin with one of the prefixes, in order."""
    return {name: text for name, text in sorted(os.environ.items()) if name.startswith(prefixes)}


def environment(prefixes: tuple[str, ...], set_by_jax: Mapping[str, str]) -> dict[str, Any]:
    """The keys of an ``env`` record; ``platform`` and ``devices`` are null while no backend is up.

    ``set_by_jax``: what JAX's own import put into the environment, which is nobody's choice while it stays so.
    """
    import jax
    import jaxlib

    up = compat.backend_is_up()
    devices = jax.local_devices() if up else None
    return {
        "python": sys.version.split()[0],
        "jax": jax.__version__,
        "jaxlib": jaxlib.__version__,
        "variables": dict(variables(prefixes).items() - set_by_jax.items()),
        "x64": bool(jax.config.jax_enable_x64),  # type: ignore[attr-defined]
        "platform": jax.default_backend() if up else None,
        "devices": None
        if devices is None
        else [{"id": each.id, "kind": each.device_kind, "platform": each.platform} for each in devices],
    }
