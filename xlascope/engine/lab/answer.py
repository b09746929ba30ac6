"""From a command to its `result`: errors become `ok: false` with a sentence and advice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...protocol.frames import Message
from ...protocol.specs import ShardingError
from ..core.executable import CompileError
from ..core.heartbeat import Send
from ..core.measure import Cancelled
from ..core.module import ModuleError
from ..core.switches import SwitchError
from . import collect, measure, target
from .program import NotHere, Programs


class Lab:
    """Serves commands; a failure is an answer, never the end of the lab."""

    def __init__(self, send: Send, cancelled: Callable[[Any], bool], trouble: str | None = None) -> None:
        self._send = send
        self._cancelled = cancelled
        self._trouble = trouble
        self._programs = Programs()

    def serve(self, message: Message) -> None:
        """Answer one command. Raises OSError when the other side is gone."""
        command_id = message.body.get("id")
        body, blobs = self._answer(message.body, message.blobs)
        self._send({"kind": "result", "id": command_id, **body}, blobs)

    def _answer(
        self, command: Mapping[str, Any], blobs: Mapping[str, bytes]
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        if self._trouble:
            body, _ = _failed(self._trouble, "see what `xlascope doctor` says of this Python and its devices")
            return body | {"refused": True}, {}
        try:
            body, found = self._run(command, blobs)
        except (NotHere, SwitchError, ShardingError) as error:
            body, _ = _failed(str(error), error.advice)
            return body | {"refused": True}, {}
        except Cancelled:
            body, _ = _failed("cancelled", "nothing was kept; measure it again when you want to")
            return body | {"cancelled": True}, {}
        except ModuleError as error:
            return _failed(str(error), "record the script again with the JAX that measures it")
        except CompileError as error:
            return _failed(f"XLA cannot compile the program here: {error}", "measure on the platform of the recording")
        except MemoryError:
            return _failed("the machine has too little memory for this measurement", "measure a smaller program")
        except OSError:
            raise
        except Exception as error:  # a call that fails in XLA, and what nobody foresaw: told, and the lab serves on
            return _failed(f"{type(error).__name__}: {_first_line(error)}", "the lab goes on; try another switch")
        return {"ok": True, **body}, found

    def _run(self, command: Mapping[str, Any], blobs: Mapping[str, bytes]) -> tuple[dict[str, Any], dict[str, bytes]]:
        if command.get("do") == "measure" and command.get("target"):
            return target.compile_only(command, blobs, self._send)
        if command.get("do") == "measure":
            return measure.measure(
                self._programs, command, blobs, self._send, lambda: self._cancelled(command.get("id"))
            )
        if command.get("do") == "collect":
            return collect.collect(self._programs, command, blobs, self._send)
        raise NotHere(f"a lab cannot do {command.get('do')!r}", "a lab does measure and collect")


def _failed(error: str, advice: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    return {"ok": False, "error": error, "advice": advice}, {}


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0]
