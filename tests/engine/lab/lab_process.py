"""A real lab process on a socketpair, and the programs to hand it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xlascope.protocol.frames import FrameDecoder, Message, encode

ROOT = Path(__file__).resolve().parents[3]
BOOT = ROOT / "xlascope" / "engine" / "boot.py"
TIMEOUT_S = 120
SAME_CODE = (
    "the switch changed no instruction and no machine code: the same executable is in both places, and the interval "
    "tells the machine's noise alone"
)


@dataclass(frozen=True)
class Program:
    """What the run file knows of a program."""

    record: dict[str, Any]
    args_record: dict[str, Any]
    blobs: dict[str, bytes]

    @property
    def id(self) -> str:
        return str(self.record["id"])

    def results(self) -> list[np.ndarray]:
        """JAX's own results, raw data of keys included."""
        import ml_dtypes  # noqa: F401 - registers bfloat16

        return [
            np.frombuffer(self.blobs[f"r{index}"], np.dtype(each["dtype"])).reshape(each["shape"])
            for index, each in enumerate(self.record["outputs"])
        ]


def make_programs(path: Path, *options: str) -> dict[str, Program]:
    """Run `make_programs.py` in a process of its own and read what it wrote."""
    script = Path(__file__).with_name("make_programs.py")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, str(script), str(path), *options], check=True, env=environment)
    found = {}
    for message in FrameDecoder().feed(path.read_bytes()):
        found[message.body["name"]] = Program(message.body["record"], message.body["args_record"], message.blobs)
    return found


class LabProcess:
    """A lab, spoken to as the keeper does."""

    def __init__(
        self, devices: int | None = None, environment: dict[str, str] | None = None, spare: bool = False
    ) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        config = {"role": "lab", "fd": theirs.fileno(), "devices": devices, "platform": "cpu", "x64": False,
                  "spare": spare}
        self.process = subprocess.Popen(
            [sys.executable, str(BOOT), json.dumps(config)],
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        theirs.close()
        ours.settimeout(TIMEOUT_S)
        self._socket = ours
        self._decoder = FrameDecoder()
        self._waiting: list[Message] = []
        self._next = 0
        self._said: str | None = None
        self.progress: list[dict[str, Any]] = []

    def read(self) -> Message:
        """The next message. Raises EOFError when the lab is gone."""
        while not self._waiting:
            data = self._socket.recv(1 << 20)
            if not data:
                raise EOFError
            self._waiting.extend(self._decoder.feed(data))
        return self._waiting.pop(0)

    def send(self, body: dict[str, Any], blobs: dict[str, bytes] | None = None) -> None:
        self._socket.sendall(encode(body, blobs))

    def raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def begin(self, handed: Program | None, do: str = "measure", **keys: Any) -> int:
        """Send a command; its id."""
        self._next += 1
        body = {"kind": "command", "id": self._next, "do": do, **keys}
        blobs: dict[str, bytes] = {}
        if handed is not None:
            body |= {"program": handed.id, "record": handed.record, "args_record": handed.args_record} | keys
            blobs = {name: data for name, data in handed.blobs.items() if not name.startswith("r")}
        self.send(body, blobs)
        return self._next

    def result(self, command: int) -> Message:
        """The `result` of a command; progress on the way is kept."""
        while True:
            message = self.read()
            if message.kind == "progress":
                self.progress.append(message.body)
            elif message.kind == "result" and message.body["id"] == command:
                return message

    def measure(self, program: Program, switches: dict[str, Any], **keys: Any) -> Message:
        return self.result(self.begin(program, switches=switches, **({"budget_s": 0.05} | keys)))

    def __enter__(self) -> LabProcess:
        assert self.read().body == {"kind": "hello", "pid": self.process.pid, "role": "lab"}
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> str:
        """End the lab; what it wrote to its output."""
        if self._said is None:
            self._socket.close()
            self._said = self.process.communicate(timeout=TIMEOUT_S)[0].decode()
        return self._said
