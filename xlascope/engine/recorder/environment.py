"""What is recorded of the script's surroundings: versions, JAX's and XLA's variables, devices once they are known."""

from __future__ import annotations

import os
import sys
from typing import Any

from xlascope.engine import compat


def environment(prefixes: tuple[str, ...]) -> dict[str, Any]:
    """The keys of an ``env`` record; ``platform`` and ``devices`` are null while no backend is up."""
    import jax
    import jaxlib

    up = compat.backend_is_up()
    devices = jax.local_devices() if up else None
    return {
        "python": sys.version.split()[0],
        "jax": jax.__version__,
        "jaxlib": jaxlib.__version__,
        "variables": {name: text for name, text in sorted(os.environ.items()) if name.startswith(prefixes)},
        "x64": bool(jax.config.jax_enable_x64),  # type: ignore[attr-defined]
        "platform": jax.default_backend() if up else None,
        "devices": None
        if devices is None
        else [{"id": each.id, "kind": each.device_kind, "platform": each.platform} for each in devices],
    }
