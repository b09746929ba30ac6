"""The `measure` command in a lab."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax

from ...protocol import machines
from ...protocol.xla_values import doubts
from ..core import outputs, rewrite, switches, variant
from ..core.executable import CompileError, Executable
from ..core.heartbeat import Heartbeat, Send
from ..core.module import ModuleFacts, read_facts
from ..core.opcodes import opcodes
from ..core.switches import SwitchError, Switches
from . import pass_check, sharded
from .program import LoadedProgram, NotHere, Programs

_RUNTIME = re.compile("thread|eigen|concurr|parallel|async|thunk|collective|copy|timeout|oned|ynn|kernel")
_STATUS = re.compile(r"[A-Z_]+: ")
"""How the errors begin that XLA itself words."""
_NOISE_ALONE = "the same executable is in both places, and the interval tells the machine's noise alone"
_SAME_CODE = f"the switch changed no instruction and no machine code: {_NOISE_ALONE}"
_SAME_PROGRAM = f"both are the same instructions and the same machine code, with the same results: {_NOISE_ALONE}"
Answer = tuple[dict[str, Any], dict[str, bytes]]


def measure(
    programs: Programs,
    command: Mapping[str, Any],
    blobs: Mapping[str, bytes],
    send: Send,
    cancelled: Callable[[], bool],
) -> Answer:
    """The keys and blobs of the `result`. Raises NotHere, SwitchError, ShardingError, ModuleError, CompileError."""
    with Heartbeat(send, command.get("id"), str(command.get("program"))) as beat:
        touched = switches.parse(command.get("switches") or {})
        if touched.jit:
            raise NotHere(
                f"jit {touched.jit} needs the script's own Python, which a lab does not have",
                "measure it while the script's process is still there: in the TUI, on the live run",
            )
        chosen = touched.target if machines.is_platform(touched.target) else None
        program = programs.load(command, _own(blobs) if chosen else blobs)
        place = chosen or jax.default_backend()
        plan = sharded.shard_plan(touched, program)
        options = switches.compiler_options(touched, place)
        devices = devices_for(touched, program, chosen)
        bytecode, facts, rewrite_notes = switched(_lowered(program, chosen, blobs), touched)
        baseline = _baseline(program, beat, _recorded_on(program) if chosen else None)
        beat.step("compiling", "variant")
        second = _other(programs, command, blobs) if command.get("other") else program
        if second is not program:
            bytecode, facts = second.bytecode, second.facts

        def compiled(more: Mapping[str, Any]) -> Executable:
            try:
                return Executable(bytecode, facts, devices, {**options, **more}, plan, second.kept)
            except CompileError as error:
                raise _explained(error, touched) from error

        # Its snapshots are written while it is compiled: a twentieth more of that time, and no second compile.
        folder = Path(str(command["folder"])) if touched.passes_off and command.get("folder") else None
        other = compiled(pass_check.dump_options(folder, touched.passes_off) if folder else {})
        still = pass_check.snapshots(folder)[0] if folder else frozenset()
        same = plan is None and not _of_runtime(touched) and second.kept == program.kept and other.same_code(baseline)
        if not same or second is not program:
            other.place(second.arguments.values, baseline if second.kept == program.kept else None)
        if same and second is not program:
            # Constants of two programs may differ where their code does not, and a loop run longer for it.
            same = outputs.identical(baseline.outputs(), other.outputs())

        def chaotic(difference: Any) -> bool:
            def run(values: Any) -> Any:
                return _run_with(baseline, values, program)

            return variant.is_chaotic(difference, program.facts.random, run, lambda: program.arguments.values)

        # Two copies of the same code differ by where they lie in memory: a hundredth of a call of some microseconds.
        executed = baseline if same else other
        body, found = variant.measure(baseline, executed, command, beat, cancelled, chaotic)
        if folder is not None:
            alone = touched == Switches(passes_off=touched.passes_off) and len(touched.passes_off) == 1
            differs = alone and other.text() != baseline.text()
            rewrite_notes += pass_check.judged(
                touched.passes_off, still, differs, lambda: _passes(program, folder, beat)
            )
    text = baseline.text()
    optimized = other.text()
    if same:
        body["notes"].append(_SAME_CODE if second is program else _SAME_PROGRAM)
        body["same_code"] = True
        if body.get("verdict") is not None:
            # Known, not estimated: one executable was sampled in turn with itself.
            body["verdict"] = "same"
    elif touched != Switches() and second is program and plan is None and opcodes(optimized) == opcodes(text):
        body["notes"].append("the switch changed no instruction of the optimized module")
    lowered_for = program.record.get("platform")
    if lowered_for not in (None, place):
        body["notes"].append(f"recorded on {lowered_for}, executed on {place}")
    notes = [*program.arguments.notes, *(plan.notes if plan else ()), *rewrite_notes, *body.pop("notes")]
    body |= {
        "compile_ns": other.compile_ns,
        "baseline_compile_ns": baseline.compile_ns,
        "peak_bytes": other.peak_bytes(),
        "baseline_peak_bytes": baseline.peak_bytes(),
        "program_ids": executed.program_ids(),
        "baseline_program_ids": baseline.program_ids(),
        "place": "lab",
        "args": program.arguments.state,
        "device_count": len(devices),
        "simulated": len(devices) > 1 and place == "cpu",
        "matches_script": variant.matches(blobs.get("script_optimized"), text),
        "mesh": plan.mesh if plan else program.record.get("mesh"),
        **sharded.facts(other, plan, program.kept),
        "notes": notes,
    }
    found |= {"optimized": optimized.encode(), "baseline_optimized": text.encode()}
    return body, found


def switched(program: LoadedProgram, touched: Switches) -> tuple[bytes, ModuleFacts, list[str]]:
    """The program's module as the switches want it, its facts, and notes of what was done. Raises SwitchError."""
    if not rewrite.rewrites(touched):
        return program.bytecode, program.facts, []
    inputs = program.record.get("inputs") or []
    made = rewrite.rewritten(program.bytecode, touched, program.facts, inputs, program.kept)
    return made.bytecode, read_facts(made.bytecode), list(made.notes)


def _other(programs: Programs, command: Mapping[str, Any], blobs: Mapping[str, bytes]) -> LoadedProgram:
    """The program that takes the variant's place, with the arguments of the one it is measured beside."""
    there = command["other"]
    told = {**command, "program": f"{there.get('program')} of the other run", "record": there.get("record") or {}}
    code = {name: blobs[f"other_{name}"] for name in ("stablehlo", "artifact") if f"other_{name}" in blobs}
    values = {name: data for name, data in blobs.items() if name[:1] == "a" and name[1:].isdigit()}
    return programs.load(told, {**values, **code})


def _of_runtime(touched: Switches) -> bool:
    """Whether an option may be one that only XLA's runtime reads, so that it does not show in the machine code."""
    return any(_RUNTIME.search(name) for name in touched.compiler_options)


def _own(blobs: Mapping[str, bytes]) -> dict[str, bytes]:
    """Without what was made for another platform: the baseline is the program as it was recorded."""
    return {name: data for name, data in blobs.items() if name != "artifact"}


def _recorded_on(program: LoadedProgram) -> str | None:
    platform = program.record.get("platform")
    return str(platform) if platform else None


def _lowered(program: LoadedProgram, chosen: str | None, blobs: Mapping[str, bytes]) -> LoadedProgram:
    """The program as the recorder lowered it for another platform, where it has calls of its own that others lack."""
    if chosen is None or chosen == program.record.get("platform") or "lowered" not in blobs:
        return program
    return replace(program, bytecode=blobs["lowered"], facts=read_facts(blobs["lowered"]))


def devices_for(touched: Switches, program: LoadedProgram, platform: str | None = None) -> list[Any]:
    """The devices that a program runs on with these switches. Raises NotHere when the lab has fewer."""
    wanted = touched.devices if touched.devices is not None and touched.devices > 1 else None
    return first_devices(wanted or program.facts.device_count, platform)


def first_devices(wanted: int, platform: str | None = None) -> list[Any]:
    """So many of the lab's devices, of a platform or of the one it stands for. Raises NotHere when it has fewer."""
    try:
        devices = jax.devices(platform)
    except RuntimeError as error:
        raise NotHere(f"JAX finds no {platform} on this machine", "measure on a machine that has one") from error
    if wanted > len(devices):
        raise NotHere(
            f"{wanted} devices are wanted and this lab has {len(devices)}", f"start a lab with {wanted} devices"
        )
    return devices[:wanted]


def _baseline(program: LoadedProgram, beat: Heartbeat, platform: str | None = None) -> Executable:
    if program.baseline is None:
        devices = devices_for(Switches(), program, platform)
        beat.step("compiling", "baseline")
        program.baseline = Executable(program.bytecode, program.facts, devices)
        program.baseline.place(program.arguments.values)
    return program.baseline


def _passes(program: LoadedProgram, folder: Path, beat: Heartbeat) -> pass_check.Snapshots:
    """Of the program as it is; compiled for that once."""
    if program.passes is None:
        beat.step("compiling", "baseline again, to see which passes run")
        devices = devices_for(Switches(), program)
        program.passes = pass_check.compiled_to_see(
            lambda more: Executable(program.bytecode, program.facts, devices, more), folder
        )
    return program.passes


def _run_with(executable: Executable, values: Any, program: LoadedProgram) -> Any:
    """Outputs for other arguments; the executable has its own ones again afterwards."""
    executable.place(values)
    try:
        return executable.outputs()
    finally:
        executable.place(program.arguments.values)


def _explained(error: CompileError, touched: Switches) -> SwitchError:
    if touched.compiler_options:
        typed = ", ".join(f"{name}={value}" for name, value in touched.compiler_options.items())
        advice = doubts(touched.compiler_options)
        words = str(error).rstrip(".")
        if _STATUS.match(words):
            return SwitchError(f"XLA refuses to compile the variant: {words}", advice or f"check the options: {typed}")
        advice = advice or f"a value is probably out of its range: {typed}"
        return SwitchError(f"XLA fails at the options of the variant, in its words: {words}", advice)
    if touched.passes_off:
        names = ", ".join(touched.passes_off)
        return SwitchError(
            f"XLA cannot compile the variant: {error}", f"it may need a pass that is off: {names}; leave one of them on"
        )
    return SwitchError(f"XLA cannot compile the variant: {error}", "try another switch; the baseline does compile")
