"""Runs a script under the engine's boot file, as a keeper would, and the same script under plain Python."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xlascope.engine
from xlascope.protocol.frames import FrameDecoder, Message, encode

BOOT = Path(xlascope.engine.__file__).parent / "boot.py"
FACTS_SCRIPT = Path(__file__).parent / "facts_script.py"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    code: int
    out: bytes
    err: bytes


@dataclass(frozen=True, slots=True)
class Recorded(Ended):
    """How a recorded process ended, and what it sent."""

    messages: list[Message] = field(default_factory=list)

    def of(self, kind: str, **keys: Any) -> list[Message]:
        return [m for m in self.messages if m.kind == kind and all(m.body.get(k) == v for k, v in keys.items())]

    def one(self, kind: str, **keys: Any) -> Message:
        found = self.of(kind, **keys)
        assert len(found) == 1, [m.body for m in found] or [m.body for m in self.messages]
        return found[0]

    def stage(self, program: str, stage: str, blob: str = "text") -> str:
        return self.of("stage", program=program, stage=stage)[-1].blobs[blob].decode()

    @property
    def dropped(self) -> list[tuple[str, str]]:
        return [(m.body["what"], m.body["why"]) for m in self.of("dropped")]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_", "PYTEST", "COV_"))}
    env.update(JAX_PLATFORMS="cpu", PYTHONHASHSEED="0", **(extra or {}))
    return env


def plain(
    script: str | None,
    argv: Sequence[str] = (),
    *,
    cwd: Path,
    module: str | None = None,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> Ended:
    """The script under plain Python."""
    command = [sys.executable, *(["-m", module] if module else [str(script)]), *argv]
    done = subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, env=environment(env), timeout=120)
    return Ended(done.returncode, done.stdout, done.stderr)


def record(
    script: str | None,
    argv: Sequence[str] = (),
    *,
    cwd: Path,
    module: str | None = None,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    on_message: Callable[[Message, socket.socket], None] | None = None,
    **config: Any,
) -> Recorded:
    """The script under the recorder. ``on_message`` sees each message as it comes and may write to the socket."""
    ours, theirs = socket.socketpair()
    full = {
        "role": "recorder",
        "fd": theirs.fileno(),
        "lend": {},
        "script": script,
        "module": module,
        "argv": list(argv),
        "args": "full",
        "args_limit": 64 << 20,
        "args_total": 512 << 20,
        "profile_window": 1.0,
        "source": True,
        "stay": False,
        "finish_budget": None,
        **config,
    }
    process = subprocess.Popen(
        [sys.executable, str(BOOT), json.dumps(full)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=environment(env),
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    messages: list[Message] = []
    reader = threading.Thread(target=_read, args=(ours, messages, on_message))
    reader.start()
    try:
        out, err = process.communicate(stdin, timeout=120)
        reader.join(timeout=60)
    finally:
        process.kill()
        process.wait()
        ours.close()
    return Recorded(process.returncode, out, err, messages)


def both(script: str | None, argv: Sequence[str] = (), *, cwd: Path, **more: Any) -> tuple[Ended, Recorded]:
    """The script under plain Python and under the recorder, at the same time."""
    with ThreadPoolExecutor(1) as pool:
        expected = pool.submit(plain, script, argv, cwd=cwd, **more)
        got = record(script, argv, cwd=cwd, **more)
        return expected.result(), got


def _read(
    sock: socket.socket, messages: list[Message], on_message: Callable[[Message, socket.socket], None] | None
) -> None:
    decoder = FrameDecoder()
    while True:
        try:
            data = sock.recv(1 << 20)
        except OSError:
            return
        if not data:
            return
        for message in decoder.feed(data):
            messages.append(message)
            if on_message is not None:
                on_message(message, sock)


def command(sock: socket.socket, number: int, do: str, **keys: Any) -> None:
    sock.sendall(encode({"kind": "command", "id": number, "do": do, **keys}))


def stop(sock: socket.socket) -> None:
    sock.sendall(encode({"kind": "stop"}))
