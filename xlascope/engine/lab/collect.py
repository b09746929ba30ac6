"""The `collect` command in a lab: texts of a program's stages. Nothing is executed, so callbacks do not matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax

from .. import compat
from ..core import located, rewrite, switches
from ..core.executable import CompileError, Executable, first_lines
from ..core.heartbeat import Heartbeat, Send
from ..core.module import device_counts
from ..core.switches import Switches
from . import machine, passes, target
from .measure import Answer, devices_for, first_devices, switched
from .program import NotHere, Programs, code, unloaded
from .sharded import shard_plan

_DOING = {
    "tagged": ("compiling", "the form with a tag for each equation"),
    "optimized": ("compiling", "for the optimized text"),
}


def collect(
    programs: Programs, command: Mapping[str, Any], blobs: Mapping[str, bytes], send: Send
) -> Answer:
    """Texts of a program's stages: `hlo` (before optimization), `optimized` (with the command's switches), `tagged`
    (optimized, of the lowering with tagged equations), `located` (that lowering before optimization); `passes`: the
    module after each pass of XLA; `machine`: LLVM IR and object files of its kernels.

    Raises NotHere, ModuleError, CompileError, SwitchError, ShardingError, and ValueError when XLA wrote no pass.
    """
    what = command.get("what")
    if what == "passes":
        return _passes(command, blobs, send)
    if what == "machine":
        return _machine(command, blobs, send)
    doing = _DOING.get(str(what), ("lowering", "to HLO"))
    with Heartbeat(send, command.get("id"), str(command.get("program")), doing):
        return _stage(what, programs, command, blobs)


def _stage(what: Any, programs: Programs, command: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Answer:
    """The text of one stage."""
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
        options = switches.compiler_options(Switches(), jax.default_backend())
        text = compat.hlo_text(_compiled(blobs["tagged"], options))
        return {"stage": "tagged"}, {"text": text.encode(), "tagged": blobs["tagged"]}
    if what == "optimized":
        program = programs.load(command, blobs)
        touched = switches.parse(command.get("switches") or {})
        options = switches.compiler_options(touched, jax.default_backend())
        plan, devices = shard_plan(touched, program), devices_for(touched, program)
        bytecode, facts, _ = switched(program, touched)
        executable = Executable(bytecode, facts, devices, options, plan, program.kept)
        return {"stage": "optimized", "compile_ns": executable.compile_ns}, {"text": executable.text().encode()}
    raise NotHere(
        f"a lab cannot collect {what!r}", "it can collect hlo, optimized, tagged, located, passes and machine"
    )


def _compiled(bytecode: bytes, options: Mapping[str, Any]) -> Any:
    """A module compiled as it is."""
    try:
        with compat.stablehlo_module(bytecode) as module:
            partitions, replicas = device_counts(module)
            devices = first_devices(partitions * replicas)
            return compat.compile_module(module, devices, replicas, options)
    except NotHere:
        raise
    except Exception as error:  # XLA's errors and MLIR's have no common type
        raise CompileError(first_lines(error)) from error


def _passes(command: Mapping[str, Any], blobs: Mapping[str, bytes], send: Send) -> Answer:
    """What each pass makes of a program, or of a variant of it: of its tagged form where that is for this platform."""
    name, record = str(command.get("program")), command.get("record") or {}
    tagged = blobs.get("tagged") if record.get("platform") in (None, jax.default_backend()) else None
    compile = _compiler(command, blobs, tagged)
    with Heartbeat(send, command.get("id"), name) as beat:
        body, found = passes.collect(compile, Path(str(command.get("folder"))), beat)
    return body | {"tagged": tagged is not None}, found


def _machine(command: Mapping[str, Any], blobs: Mapping[str, bytes], send: Send) -> Answer:
    """The kernels of a program, or of a variant of it; names are those of the script's own instructions."""
    # Variants are compiled from the tagged form, and so have the names of that.
    tagged = blobs.get("tagged") if command.get("switches") else None
    compile = _compiler(command, blobs, tagged)
    with Heartbeat(send, command.get("id"), str(command.get("program"))) as beat:
        return machine.collect(compile, Path(str(command.get("folder"))), beat)


def _compiler(
    command: Mapping[str, Any], blobs: Mapping[str, bytes], tagged: bytes | None
) -> Callable[[dict[str, Any]], str]:
    """What compiles a program, or a variant of it, with more XLA options, and gives the module's name."""
    touched = switches.parse(command.get("switches") or {})
    if command.get("target"):
        return target.compiler(command, blobs)
    own = switches.compiler_options(touched, jax.default_backend())
    bytecode = tagged or code(command, blobs)[0]
    if not bytecode:
        raise NotHere(f"the run file holds no StableHLO of {command.get('program')}", "record the script again")

    def compile(options: dict[str, Any]) -> str:
        if not touched.sharded and not rewrite.rewrites(touched):
            return str(_compiled(bytecode, own | options).hlo_modules()[0].name)
        program = replace(unloaded(command, blobs), bytecode=bytecode)
        plan, devices = shard_plan(touched, program), devices_for(touched, program)
        code, facts, _ = switched(program, touched)
        return Executable(code, facts, devices, own | options, plan, program.kept).module_name()

    return compile
