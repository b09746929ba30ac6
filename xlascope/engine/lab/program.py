"""Programs a lab has loaded, kept by id until their bytes are needed for others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax

from .. import compat
from ..core import arguments
from ..core.arguments import Arguments
from ..core.executable import Executable
from ..core.module import ModuleError, ModuleFacts, read_facts
from .pass_check import Snapshots

CACHE_BYTES = 1 << 30


class NotHere(ValueError):
    """A program that a lab cannot execute; `advice` says what to do instead."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


@dataclass(slots=True)
class LoadedProgram:
    """A program with its arguments, its baseline once that has been compiled, and what its passes did, once asked."""

    id: str
    record: Mapping[str, Any]
    bytecode: bytes
    facts: ModuleFacts
    kept: tuple[int, ...]
    arguments: Arguments
    baseline: Executable | None = field(default=None)
    passes: Snapshots | None = field(default=None)

    @property
    def nbytes(self) -> int:
        """Bytes held: on the host, and as much again on the devices."""
        return len(self.bytecode) + 2 * self.arguments.nbytes


class Programs:
    """Loaded programs, least recently used first out."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit = limit
        self._loaded: OrderedDict[str, LoadedProgram] = OrderedDict()

    def load(self, command: Mapping[str, Any], blobs: Mapping[str, bytes]) -> LoadedProgram:
        """The program of a command, from its blobs or from an earlier command's. Raises NotHere and ModuleError."""
        name = str(command.get("program"))
        known = self._loaded.get(name)
        bytecode, kept = code(command, blobs)
        if not bytecode:
            if known is None:
                raise NotHere(
                    f"the run file holds no StableHLO of {name}",
                    "record the script again with this version of xlascope",
                )
            self._loaded.move_to_end(name)
            return known
        if known is None or known.bytecode != bytecode:
            known = self._read(name, command, bytecode, kept, blobs)
            self._loaded[name] = known
        self._loaded.move_to_end(name)
        self._evict()
        return known

    def _read(
        self,
        name: str,
        command: Mapping[str, Any],
        bytecode: bytes,
        kept: list[int] | None,
        blobs: Mapping[str, bytes],
    ) -> LoadedProgram:
        record = command.get("record") or {}
        _refuse(name, command, record)
        facts = read_facts(bytecode)
        if facts.callbacks:
            raise _calls_back(name)
        positions = arguments.kept_inputs(facts, record if kept is None else {**record, "kept_inputs": kept})
        values = arguments.build(facts, positions, command.get("args_record"), blobs)
        return LoadedProgram(name, record, bytecode, facts, positions, values)

    def _evict(self) -> None:
        while len(self._loaded) > 1 and sum(each.nbytes for each in self._loaded.values()) > self._limit:
            self._loaded.popitem(last=False)


def code(command: Mapping[str, Any], blobs: Mapping[str, bytes]) -> tuple[bytes, list[int] | None]:
    """Portable bytecode for this lab's platform, and the inputs it keeps when it says so; empty without any.

    The program's own StableHLO on the platform it was lowered for (it gives the script's own instructions, name for
    name), the exported artifact on others.
    """
    platform = (command.get("record") or {}).get("platform")
    own = blobs.get("stablehlo") or b""
    artifact = blobs.get("artifact")
    if own and (artifact is None or platform in (None, jax.default_backend())):
        return own, None
    if artifact is None:
        return b"", None
    try:
        return compat.exported_module(artifact)
    except (ValueError, ImportError) as error:
        raise NotHere(f"the exported artifact cannot be read: {error}", "record the script again") from error


def unloaded(command: Mapping[str, Any], blobs: Mapping[str, bytes]) -> LoadedProgram:
    """A program to be compiled and not executed: without arguments, and whatever it calls back into.

    Raises NotHere and ModuleError.
    """
    name, record = str(command.get("program")), command.get("record") or {}
    bytecode, kept = code(command, blobs)
    if not bytecode:
        raise NotHere(f"the run file holds no StableHLO of {name}", "record the script again")
    facts = read_facts(bytecode)
    positions = arguments.kept_inputs(facts, record if kept is None else {**record, "kept_inputs": kept})
    return LoadedProgram(name, record, bytecode, facts, positions, Arguments((), "none"))


def _refuse(name: str, command: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    if record.get("callbacks"):
        raise _calls_back(name)
    if record.get("ordered") and not command.get("consent"):
        raise NotHere(
            f"{name} has ordered effects, so it is not executed again without consent",
            "give consent for this program if running it again does no harm",
        )


def _calls_back(name: str) -> NotHere:
    return NotHere(
        f"{name} calls back into the script's Python, which a lab does not have",
        "measure it while the script's own process is still there: in the TUI, on the live run",
    )


__all__ = ["LoadedProgram", "ModuleError", "NotHere", "Programs", "code", "unloaded"]
