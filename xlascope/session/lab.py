"""One lab process: started for an environment, given one command at a time, killed when it hangs."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlascope.protocol import Message
from xlascope.session.channel import Channel, socket_pair
from xlascope.session.loop import Loop
from xlascope.session.plan import engine_command, lend
from xlascope.session.process import Process

# A compile reports nothing while it lasts, but the lab's heartbeat does.
HEARTBEAT_S = 120.0
_PLAIN_FLAG = re.compile(r"--xla_\w+(=(true|false|-?\d+(\.\d+)?))?")
_NOT_HERE = ("host_platform_device_count", "dump", "path", "file", "dir")


@dataclass(frozen=True, slots=True)
class LabSpec:
    """What makes two measurements fit the same process."""

    python: str
    devices: int | None
    platform: str | None
    x64: bool
    flags: str
    target: str | None = None
    """The platform it only compiles for."""


# What keeps libtpu from asking the network and the machine for a TPU, and from writing logs.
_NO_TPU = {
    "TPU_SKIP_MDS_QUERY": "1", "TPU_ACCELERATOR_TYPE": "v5litepod-4", "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_WORKER_ID": "0", "TPU_HOST_BOUNDS": "1,1,1", "TPU_CHIPS_PER_HOST_BOUNDS": "2,2,1",
    "TPU_LOG_DIR": "disabled", "TPU_MIN_LOG_LEVEL": "3", "TPU_STDERR_LOG_LEVEL": "3",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
}  # fmt: skip


class Lab:
    """``on_message(message)`` for all it sends; ``on_lost(why)`` once when it ended without being told to."""

    def __init__(
        self, loop: Loop, spec: LabSpec, boot: Path,
        on_message: Callable[[Message], None], on_lost: Callable[[str], None], *, spare: bool = False,
    ) -> None:
        """``spare``: it imports jax, and `become` tells it later how many devices and which flags it has."""
        self.spec = spec
        self._spare = spare
        self._loop = loop
        self._on_message = on_message
        self._on_lost = on_lost
        self._told_to_end = False
        self.ready = False
        """Whether it has imported jax and serves commands."""
        self.heard = time.monotonic()
        ours, theirs = socket_pair()
        config = {"role": "lab", "fd": theirs.fileno(), "devices": spec.devices, "platform": spec.platform,
                  "x64": spec.x64, "spare": spare, "lend": lend()}
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        # Before the process: what it writes to its streams is kept, to say why it died.
        self._stderr_read, stderr = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._stderr_read, False)
        self._said = b""
        loop.watch(self._stderr_read, 1, self._hear)
        self._channel = Channel(loop, ours, self._message, lambda why: None)
        try:
            self._process = Process(
                loop, engine_command(spec.python, config, boot), stdio=(null, stderr, stderr), sock=theirs, bound=True,
                environment=_environment(spec), on_exit=self._ended)
        finally:
            theirs.close()
            os.close(null)
            os.close(stderr)

    def fits(self, spec: LabSpec) -> bool:
        """Whether it can still become what ``spec`` says."""
        same = (self.spec.python, self.spec.platform, self.spec.target) == (spec.python, spec.platform, spec.target)
        return self._spare and same

    def become(self, spec: LabSpec) -> None:
        """A spare one is from now on what ``spec`` says."""
        self.spec, self._spare = spec, False
        self.send({"kind": "become", "devices": spec.devices, "flags": spec.flags})

    def send(self, body: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> bool:
        """Send the lab a message; False when it is gone."""
        self.heard = time.monotonic()
        return self._channel.send(body, blobs)

    def kill(self) -> None:
        """End it now; `on_lost` is not called."""
        self._told_to_end = True
        if not self._process.ended:
            self._process.kill()
            self._process.wait(5)
        self._channel.close()
        self._process.close()
        if self._stderr_read >= 0:
            self._loop.forget(self._stderr_read)
            os.close(self._stderr_read)
            self._stderr_read = -1

    def _message(self, message: Message) -> None:
        self.heard = time.monotonic()
        self.ready |= message.kind == "progress"
        self._on_message(message)

    def _hear(self, _: int = 0) -> None:
        try:
            data = os.read(self._stderr_read, 65536)
        except BlockingIOError:
            return
        if not data:
            self._loop.forget(self._stderr_read)
        self._said = (self._said + data)[-4096:]

    def _ended(self, status: int | None) -> None:
        if self._told_to_end:
            return
        self._channel.drain()
        if self._told_to_end:
            return
        self._hear()
        lines = [line for line in self._said.decode("utf-8", "replace").splitlines() if line.strip()]
        how = "it ended"
        if status is not None and os.WIFSIGNALED(status):
            how = f"it was killed by signal {os.WTERMSIG(status)}"
        elif status is not None:
            how = f"it ended with code {os.waitstatus_to_exitcode(status)}"
        self._on_lost(f"{how}: {lines[-1][:300]}" if lines else how)


def flags_from(variables: Mapping[str, str]) -> str:
    """The XLA flags of a run that are safe and right in a lab: numbers and booleans, no paths, no device count."""
    found = str(variables.get("XLA_FLAGS", "")).split()
    return " ".join(flag for flag in found if _PLAIN_FLAG.fullmatch(flag) and not any(w in flag for w in _NOT_HERE))


def _environment(spec: LabSpec) -> dict[str, str]:
    """Ours, without what the user's shell says to JAX: a lab is what its specification says."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("JAX_", "XLA_FLAGS"))}
    if spec.target is not None:
        kept = {key: value for key, value in kept.items() if not key.startswith(("TPU_", "LIBTPU_"))}
        kept |= {"JAX_PLATFORMS": "cpu", **(_NO_TPU if spec.target == "tpu" else {})}
    if spec.flags:
        kept["XLA_FLAGS"] = spec.flags
    return kept
