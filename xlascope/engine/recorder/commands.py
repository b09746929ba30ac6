"""What the keeper may ask of a recorder."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from ...protocol.frames import Message


def do(service: Any, message: Message) -> None:
    """Run one command and send its result. What it raises is told by the caller."""
    body = message.body
    action = {"collect": _collect, "measure": _measure}.get(str(body.get("do")))
    if action is None:
        _fail(service, body, f"This recorder does not know the command {body.get('do')!r}.")
        return
    action(service, message)


def _collect(service: Any, message: Message) -> None:
    body = message.body
    what = str(body.get("what"))
    hook = service.recording.hook
    if what == "stack":
        stack = main_thread_stack(service.recording.main_thread)
        service.link.send({"kind": "result", "id": body["id"], "ok": True, "stack": stack})
        return
    program = hook.programs.by_id(str(body.get("program")))
    if program is None:
        _fail(service, body, f"No program {body.get('program')!r} was captured by this process.")
        return
    sent, why = hook.collect(program, body)
    if not sent:
        _fail(service, body, why)
        return
    service.link.send({"kind": "result", "id": body["id"], "ok": True, "program": program.id, "what": what})


def _measure(service: Any, message: Message) -> None:
    body = message.body
    program = service.recording.hook.programs.by_id(str(body.get("program")))
    if program is None:
        _fail(service, body, f"No program {body.get('program')!r} was captured by this process.")
        return
    handle, why = service.recording.hook.handle(program)
    if handle is None:
        _fail(service, body, why)
        return
    from .. import core

    number = int(body["id"])
    service.recording.windows.hold()
    try:
        core.measure_in_recorder(handle, message, service.link.send, lambda: service.is_cancelled(number))
    finally:
        service.recording.windows.release()


def _fail(service: Any, body: dict[str, Any], error: str, advice: str | None = None) -> None:
    service.link.send({"kind": "result", "id": body.get("id"), "ok": False, "error": error, "advice": advice})


def main_thread_stack(ident: int) -> str:
    """Where the main thread (by its identifier) is now, innermost frame last, as a traceback prints it."""
    frame = sys._current_frames().get(ident)
    return "" if frame is None else "".join(traceback.format_stack(frame))
