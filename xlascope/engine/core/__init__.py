"""What recorder and lab share: switches, sharding, execution, measuring. Only the modules that need JAX import it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...protocol.frames import Message


def measure_in_recorder(
    handle: Any, message: Message, send: Callable[..., None], cancelled: Callable[[], bool]
) -> None:
    """Serve a `measure` command in the recorder and send its `result`; see `in_recorder`."""
    from . import in_recorder

    in_recorder.measure_in_recorder(handle, message, send, cancelled)


__all__ = ["measure_in_recorder"]
