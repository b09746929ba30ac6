"""A stand-in for the engine's boot file: runs the script, sends what a test wants, and answers as a lab.

In the script, ``send(kind, blobs, **keys)`` sends a message. As a lab it answers `measure` by the program's id:
``ok…`` with a result, ``crash…`` dies, ``hang…`` says nothing, ``slow…`` reports progress until it is cancelled.
"""

import json
import os
import socket
import struct
import sys
import time

_LIBRARY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, _LIBRARY)
from xlascope.protocol import FrameDecoder, encode  # noqa: E402

config = json.loads(sys.argv[1])
link = socket.socket(fileno=config["fd"])
link.set_inheritable(False)


def send(kind: str, blobs: dict[str, bytes] | None = None, **keys: object) -> None:
    try:
        link.sendall(encode({"kind": kind, **keys}, blobs))
    except OSError:
        pass  # the keeper is gone: the script runs on


def send_raw(data: bytes) -> None:
    link.sendall(data)


def messages():
    decoder = FrameDecoder()
    while data := link.recv(1 << 16):
        yield from decoder.feed(data)


def run_script() -> None:
    sys.argv = [config["script"], *sys.argv[2:]]
    code = 0
    names = {"__name__": "__main__", "__file__": config["script"], "send": send, "send_raw": send_raw}
    try:
        with open(config["script"], "rb") as file:
            exec(compile(file.read(), config["script"], "exec"), names)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    sys.stdout and sys.stdout.flush()
    if config["stay"]:
        send("idle", exit_code=code)
        for message in messages():
            if message.kind == "stop":
                break
            if message.kind == "command":
                answer(message)
    send("bye")
    sys.exit(code)


def answer(message) -> None:
    number, program = message.body["id"], message.body["program"]
    common = {"id": number, "place": config["role"], "args": "recorded"}
    if program.startswith("crash"):
        print("the lab's last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), 9)
    elif program.startswith("hang"):
        time.sleep(600)
    elif program.startswith("refuse"):
        send("result", id=number, ok=False, error="it cannot be done", advice="do another thing")
    elif program.startswith("slow"):
        send("progress", id=number, activity="measuring", name=program, done=0, total=10)
        for other in messages():
            if other.kind == "cancel" and other.body["id"] == number:
                send("result", id=number, ok=False, error="cancelled")
                return
    else:
        send("progress", id=number, activity="measuring", name=program, done=1, total=2)
        samples = struct.pack("<3q", 100, 101, 102)
        send("result", {"optimized": b"HloModule v", "baseline_optimized": b"HloModule b", "samples": samples,
                        "baseline_samples": samples, "profile": b"xspace"},
             ok=True, median_ns=101, ci_low_ns=100, ci_high_ns=102, samples=3, ratio=1.0, verdict="same",
             pid=os.getpid(), devices=config.get("devices"), x64=config.get("x64"),
             got=sorted(message.blobs), record=message.body.get("record"), flags=os.environ.get("XLA_FLAGS"), **common)


send("hello", pid=os.getpid(), role=config["role"])
if config["role"] == "lab":
    send("progress", activity="idle")
    for command in messages():
        if command.kind == "command":
            answer(command)
        elif command.kind == "become":
            config["devices"] = command.body["devices"]
            os.environ["XLA_FLAGS"] = command.body["flags"]
        elif command.kind == "stop":
            break
else:
    run_script()
