"""Compiling for hardware that is not there: the real compiler, nothing executed."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import jax
from jax.experimental import topologies

from ...protocol.plans import ShardPlan
from .. import compat
from ..core import switches
from ..core.executable import CompileError, Executable
from ..core.heartbeat import Heartbeat, Send
from ..core.module import platform_calls
from ..core.switches import SwitchError, Switches
from . import pass_check, sharded
from .measure import Answer, switched
from .program import LoadedProgram, NotHere, unloaded

_PLUGIN = {"tpu": "libtpu", "cuda": "jax_plugins.xla_cuda12"}
# XLA's two ways to say so: all that is used, and temporaries alone.
_TOO_LARGE = (
    re.compile(r"Used (?P<needs>[\d.]+\w) of (?P<has>[\d.]+\w) hbm"),
    re.compile(r"\((?P<needs>[\d.]+\w)\) exceeds available HBM \((?P<has>[\d.]+\w)\)"),
)
_THUNKS = ".thunk_sequence_after_thunk_passes.txt", ".thunk_sequence.txt"


def topology(wanted: Mapping[str, Any]) -> list[Any]:
    """The devices of a target. Raises NotHere when its compiler is not installed, or refuses the topology."""
    platform, name = str(wanted["platform"]), str(wanted["name"])
    if importlib.util.find_spec(_PLUGIN[platform]) is None:
        advice = f"pip install 'xlascope[{platform}]' adds it"
        raise NotHere(f"the compiler for {platform} is not installed in this Python", advice)
    jax.devices()  # starts the backends, which registers the plugin
    try:
        if platform == "tpu":
            found = topologies.get_topology_desc(
                f"{wanted['kind']}:{wanted['topology']}", platform="tpu", **_host(str(wanted["topology"]))
            )
        else:
            found = topologies.get_topology_desc(
                platform="cuda", target_config=wanted["config"], topology=wanted["topology"]
            )
    except Exception as error:  # the plugin's own errors have no common type
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        text = f"{name}: the compiler has no such topology: {said}"
        raise NotHere(text, "`xlascope doctor` lists targets") from error
    return list(found.devices)


def _host(sizes: str) -> dict[str, Any]:
    """The chips of a host, where all are fewer than the four that libtpu takes for granted."""
    chips = [int(size) for size in sizes.split("x")]
    return {"chips_per_host_bounds": [*chips, 1, 1][:3]} if prod(chips) <= 4 else {}


def compile_only(command: Mapping[str, Any], blobs: Mapping[str, bytes], send: Send) -> Answer:
    """The `result` of a `measure` command with a `target`: texts, memory, the compiler's own costs; no times.

    Raises NotHere, SwitchError, ShardingError, ModuleError, CompileError.
    """
    wanted = command["target"]
    folder = Path(str(command["folder"])) if command.get("folder") else None
    with Heartbeat(send, command.get("id"), str(command.get("program"))) as beat:
        beat.step("compiling", f"for {wanted['name']}")
        made, program, plan, notes = _made(command, blobs)
        dump = {"xla_dump_to": str(folder)} if folder is not None and wanted["platform"] == "cuda" else {}
        executable = made(dump)
        facts = executable.costs()
    body = {
        "compile_ns": executable.compile_ns, "peak_bytes": executable.peak_bytes(), "place": "lab", "args": "none",
        "device_count": len(executable.devices), "simulated": False, "cost": facts["cost"],
        "memory_analysis": facts["memory"], "mesh": plan.mesh if plan else program.record.get("mesh"),
        **sharded.facts(executable, plan, program.kept), "notes": notes,
    }  # fmt: skip
    found = {"optimized": executable.text().encode()}
    thunks = _thunks(folder) if dump and folder is not None else None
    raw = command.get("switches") or {}
    if folder is not None and raw.get("passes_off"):
        others = {name: value for name, value in raw.items() if name != "passes_off"}
        baseline, *_ = _made({**command, "switches": others}, blobs)
        off = switches.parse(raw).passes_off
        still, _ = pass_check.compiled_to_see(made, folder, off)
        more = pass_check.judged(off, still, False, lambda: pass_check.compiled_to_see(baseline, folder))
        body["notes"] = [*notes, *more]
    return body, found if thunks is None else found | {"thunks": thunks}


def compiler(command: Mapping[str, Any], blobs: Mapping[str, bytes]) -> Callable[[dict[str, Any]], str]:
    """What compiles a program for a target with more XLA options, and gives the module's name. Raises as above."""
    made, *_ = _made(command, blobs)
    return lambda options: made(options).module_name()


def _made(
    command: Mapping[str, Any], blobs: Mapping[str, bytes]
) -> tuple[Callable[[Mapping[str, Any]], Executable], LoadedProgram, ShardPlan | None, list[str]]:
    wanted = command["target"]
    touched = switches.parse(command.get("switches") or {})
    if touched.jit:
        raise SwitchError(f"jit {touched.jit} runs nothing that a target could compile", "leave jit on with --target")
    program, lowering = _program(command, blobs, str(wanted["platform"]))
    devices = topology(wanted)
    touched = touched.on_topology(len(devices))
    options = switches.compiler_options(touched, str(wanted["platform"]))
    plan = sharded.shard_plan(touched, program)
    bytecode, facts, notes = switched(program, touched)
    count = touched.devices if touched.sharded and touched.devices else facts.device_count
    if count > len(devices):
        raise NotHere(
            f"{program.id} is a program on {count} devices and {wanted['name']} has {len(devices)}",
            "choose a larger topology",
        )
    if lowering is not None:
        notes.append(lowering)

    def compiled(more: Mapping[str, Any]) -> Executable:
        try:
            return Executable(bytecode, facts, devices[:count], {**options, **more}, plan, program.kept)
        except CompileError as error:
            raise _explained(error, wanted, touched) from error

    return compiled, program, plan, [*(plan.notes if plan else ()), *notes]


def _program(
    command: Mapping[str, Any], blobs: Mapping[str, bytes], platform: str
) -> tuple[LoadedProgram, str | None]:
    """The program, once nothing in it is of the platform it was lowered for alone, and what to say of its lowering.

    Where it has such calls (LAPACK's on a CPU) the recorder lowered it for other platforms too. Raises NotHere.
    """
    program = unloaded(command, blobs)
    lowered_for = program.record.get("platform")
    with compat.stablehlo_module(program.bytecode) as module:
        calls, foreign = platform_calls(module)
    if calls:
        raise NotHere(
            f"{program.id} calls back into Python ({', '.join(calls)}), which no other hardware can compile",
            "choose a program without callbacks",
        )
    if lowered_for in (None, "gpu" if platform == "cuda" else platform):
        return program, None
    if not foreign:
        return program, f"lowered for {lowered_for} when recorded; compiled for {platform} from that StableHLO"
    names = ", ".join(foreign)
    if "lowered" in blobs:
        note = f"its lowering for {lowered_for} has calls that only that has ({names}): compiled from the one for "
        return unloaded(command, {"stablehlo": blobs["lowered"]}), note + platform
    said = command.get("lowered_error")
    if said:
        raise NotHere(
            f"{program.id} was lowered for {lowered_for} with calls that only that has ({names}), and JAX cannot lower "
            f"it for {platform}: {said}",
            "choose another target, or another program",
        )
    raise NotHere(
        f"{program.id} was lowered for {lowered_for} with calls that only that has: {names}",
        f"record the script again, with --finish-budget 30 if time was short: its lowering for {platform} is then kept",
    )


def _explained(error: CompileError, wanted: Mapping[str, Any], touched: Switches) -> SwitchError:
    match = next((found for each in _TOO_LARGE if (found := each.search(str(error)))), None)
    if match:
        return SwitchError(
            f"{wanted['name']}: the program does not fit: it needs {match['needs']} of {match['has']} a device",
            "choose a larger device, or split its arguments: --shard-plan batch",
        )
    names = ", ".join([*touched.compiler_options, *touched.passes_off])
    advice = f"check the switches: {names}" if names else "choose another target, or another program"
    return SwitchError(f"the compiler for {wanted['name']} refuses the program: {error}", advice)


def _thunks(folder: Path) -> bytes | None:
    """The sequence of launches with their grids, from XLA's dump; the largest module's, as small ones are XLA's own."""
    for suffix in _THUNKS:
        files = [file for file in folder.iterdir() if file.name.endswith(suffix)]
        if files:
            return max(files, key=lambda file: file.stat().st_size).read_bytes()
    return None
