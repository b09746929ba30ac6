"""The `collect` command in a lab: texts of a program's stages. Nothing is executed, so callbacks do not matter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from xlascope.engine import compat
from xlascope.engine.core import located, switches
from xlascope.engine.core.executable import CompileError, Executable, first_lines
from xlascope.engine.core.module import device_counts
from xlascope.engine.core.switches import Switches
from xlascope.engine.lab.measure import Answer, devices_for, first_devices, shard_plan
from xlascope.engine.lab.program import NotHere, Programs, code


def collect(programs: Programs, command: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Answer:
    """Texts of a program's stages: `hlo` (before optimization), `optimized` (with the command's switches), `tagged`
    (optimized, of the lowering with tagged equations), `located` (that lowering before optimization).

    Raises NotHere, ModuleError, CompileError.
    """
    what = command.get("what")
    if what == "hlo":
        bytecode, _ = code(command, blobs)
        if not bytecode:
            raise NotHere("the run file holds no StableHLO of the program", "record the script again")
        with compat.stablehlo_module(bytecode) as module:
            return {"stage": "hlo"}, {"text": compat.unoptimized_hlo_text(module).encode()}
    if what in ("tagged", "located") and "tagged" not in blobs:
        raise NotHere("the run file holds no tagged form of the program", "record the script again")
    if what == "located":
        with compat.stablehlo_module(blobs["tagged"]) as module:
            return {"stage": "located"}, located.forms(module)
    if what == "tagged":
        return {"stage": "tagged"}, {"text": _optimized(blobs["tagged"]).encode(), "tagged": blobs["tagged"]}
    if what == "optimized":
        program = programs.load(command, blobs)
        touched = switches.parse(command.get("switches") or {})
        options = switches.compiler_options(touched, jax.default_backend())
        plan, devices = shard_plan(touched, program), devices_for(touched, program)
        executable = Executable(program.bytecode, program.facts, devices, options, plan, program.kept)
        return {"stage": "optimized", "compile_ns": executable.compile_ns}, {"text": executable.text().encode()}
    raise NotHere(f"a lab cannot collect {what!r}", "a lab collects hlo, optimized, tagged and located")


def _optimized(bytecode: bytes) -> str:
    """Optimized HLO of a module as it is."""
    options = switches.compiler_options(Switches(), jax.default_backend())
    try:
        with compat.stablehlo_module(bytecode) as module:
            partitions, replicas = device_counts(module)
            devices = first_devices(partitions * replicas)
            return compat.hlo_text(compat.compile_module(module, devices, replicas, options))
    except NotHere:
        raise
    except Exception as error:  # XLA's errors and MLIR's have no common type
        raise CompileError(first_lines(error)) from error
