"""The lab's loop: commands come in on the socket, one is served at a time."""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Mapping
from typing import Any

from ...protocol.frames import FrameDecoder, FrameError, Message, encode


class Link:
    """The socket: a thread reads it, so that `cancel` and `stop` are heard while a command is served."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        self._lock = threading.Lock()
        self._cancelled: set[Any] = set()
        self.commands: queue.Queue[Message | None] = queue.Queue()
        threading.Thread(target=self._read, name="xlascope-link", daemon=True).start()

    def send(self, body: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> None:
        """Send one message. Raises OSError when the other side is gone."""
        data = encode(body, blobs)
        with self._lock:
            self._socket.sendall(data)

    def cancelled(self, command_id: Any) -> bool:
        """Whether a command was cancelled."""
        return command_id in self._cancelled

    def forget(self, command_id: Any) -> None:
        """A command is over: its cancelling is remembered no more."""
        self._cancelled.discard(command_id)

    def _read(self) -> None:
        decoder = FrameDecoder()
        try:
            while data := self._socket.recv(1 << 20):
                for message in decoder.feed(data):
                    self._take(message)
        except (OSError, FrameError):
            pass  # both mean that nothing more can be understood: the lab ends, as at the end of the stream
        # A lab is of no use without its keeper, and may be deep in XLA: nothing here needs an orderly end.
        os._exit(0)

    def _take(self, message: Message) -> None:
        if message.kind == "stop":
            os._exit(0)
        if message.kind == "cancel":
            self._cancelled.add(message.body.get("id"))
        elif message.kind in ("command", "become"):
            self.commands.put(message)


def serve(config: Mapping[str, Any]) -> None:
    """Serve commands until `stop` or the end of the stream. `config` is described in ARCHITECTURE.md."""
    link = Link(int(config["fd"]))
    link.send({"kind": "hello", "pid": os.getpid(), "role": "lab"})
    if config.get("spare"):
        told = _wait_as_spare(link, config)
        if told is None:
            return
        config = {**config, **told}
    try:
        started = _start_jax(config)
    except Exception as error:  # whatever keeps JAX from starting is told to each command
        started = f"JAX does not start in the lab: {error}"
    from .answer import Lab

    lab = Lab(link.send, link.cancelled, started)
    # Until now a command waited for jax.
    link.send({"kind": "progress", "activity": "idle", "name": None, "detail": None, "done": None, "total": None})
    while True:
        message = link.commands.get()
        if message is None:
            return
        lab.serve(message)
        link.forget(message.body.get("id"))


def _wait_as_spare(link: Link, config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Import jax, start no backend, and wait for what this lab is to be; None when nothing will be told."""
    os.environ["JAX_PLATFORMS"] = str(config["platform"])
    try:
        import jax  # noqa: F401
    except Exception:
        pass  # `_start_jax` meets it again, and tells it
    link.send({"kind": "progress", "activity": "idle", "name": None, "detail": None, "done": None, "total": None})
    message = link.commands.get()
    if message is None:
        return None
    if message.body.get("flags"):
        os.environ["XLA_FLAGS"] = str(message.body["flags"])  # XLA reads them as the backend starts
    return {"devices": message.body.get("devices")}


def _start_jax(config: Mapping[str, Any]) -> str | None:
    """Start the backend asked for; what is wrong, or None."""
    platform = config.get("platform")
    if platform == "cpu":
        os.environ["JAX_PLATFORMS"] = platform
    import jax

    if platform == "cpu":
        jax.config.update("jax_platforms", platform)
    if config.get("devices"):
        jax.config.update("jax_num_cpu_devices", int(config["devices"]))
    # A lab traces nothing: with 64-bit types on, arguments of every dtype keep theirs.
    jax.config.update("jax_enable_x64", True)
    from .. import compat

    if platform not in (None, "cpu"):
        # Not by `jax_platforms`, which takes "gpu" for CUDA and ROCm together and fails without either.
        try:
            jax.devices(platform)
        except RuntimeError as error:
            said = (str(error).strip().splitlines() or [""])[0]
            return f"JAX finds no {platform} on this machine: {said}"
    if jax.default_backend() == "cpu":
        compat.prepare_cpu_kernels()
    return None
