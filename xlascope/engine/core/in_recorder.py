"""The `measure` command in the recorder: what needs the live jaxpr, jit off above all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import jax
import numpy as np
from jax.errors import JaxRuntimeError

from ...protocol.frames import Message
from . import effects, live_arguments, switches, variant
from .eager import ENTERED, DeepEagerProgram, EagerProgram, wide_types
from .heartbeat import Heartbeat, Send
from .jitted import JittedProgram
from .measure import Cancelled
from .switches import SwitchError, Switches

Answer = tuple[dict[str, Any], dict[str, bytes]]

SYNCED_RUNS = 20
SYNCED_SHARE = 0.25
"""Share of the budget that the synchronised runs may take, at least one of them."""


class Handle(Protocol):
    """What the recorder holds of a program: its id, its closed jaxpr, and the input rows of its record."""

    @property
    def id(self) -> str:
        """The program's id, as in `scores#1`."""

    @property
    def jaxpr(self) -> Any:
        """Its closed jaxpr."""

    @property
    def inputs(self) -> Sequence[Mapping[str, Any]]:
        """Its inputs as the `program` record lists them."""


def measure_in_recorder(handle: Handle, message: Message, send: Send, cancelled: Callable[[], bool]) -> None:
    """Serve a `measure` command and send its `result`; never raises for what a program does, only for the link.

    The message may bring the arguments as to a lab: `args_record` and blobs; without them they are made up.
    The caller keeps its own hooks from recording what is traced and compiled here.
    """
    body, blobs = _answer(handle, message, send, cancelled)
    send({"kind": "result", "id": message.body.get("id"), **body}, blobs)


def _answer(handle: Handle, message: Message, send: Send, cancelled: Callable[[], bool]) -> Answer:
    try:
        with Heartbeat(send, message.body.get("id"), handle.id) as beat, wide_types(handle.jaxpr):
            body, blobs = _measure(handle, message, beat, cancelled)
        return {"ok": True, **body}, blobs
    except SwitchError as error:
        return _failed(str(error), error.advice)
    except Cancelled:
        body, blobs = _failed("cancelled", "nothing was kept; measure it again when you want to")
        return body | {"cancelled": True}, blobs
    except OSError:
        raise
    except Exception as error:  # the user's program can raise anything; it is the answer, and the recorder lives on
        first = (str(error).strip().splitlines() or [""])[0]
        return _failed(f"{type(error).__name__}: {first}", "measure another program, or another switch")


def _failed(error: str, advice: str) -> Answer:
    return {"ok": False, "error": error, "advice": advice}, {}


def _measure(handle: Handle, message: Message, beat: Heartbeat, cancelled: Callable[[], bool]) -> Answer:
    command = message.body
    touched = switches.parse(command.get("switches") or {})
    _refuse(handle, command, touched)
    arguments, state = live_arguments.build(handle.jaxpr, command.get("args_record"), message.blobs)
    quiet, dropped = effects.without_debug_output(handle.jaxpr)
    donated = [index for index, row in enumerate(handle.inputs) if row.get("donated")]
    beat.step("compiling", "baseline")
    baseline = JittedProgram(quiet, arguments, donated)
    body: dict[str, Any] = {}
    found: dict[str, bytes] = {}
    if touched.jit:
        program = (DeepEagerProgram if touched.jit == "deep-off" else EagerProgram)(handle.jaxpr, arguments, cancelled)
        beat.step("compiling", "each primitive")
        started = time.perf_counter_ns()
        program.call(arguments)
        body["compile_ns"] = time.perf_counter_ns() - started
        other: Any = program
    else:
        beat.step("compiling", "variant")
        options = switches.compiler_options(touched, jax.default_backend())
        other = _compiled_variant(quiet, arguments, donated, options, touched)
        body |= {"compile_ns": other.compile_ns, "peak_bytes": other.peak_bytes(), "program_ids": other.program_ids()}
        found["optimized"] = other.text().encode()
    random = "rng_uniform" in _primitives(handle.jaxpr)
    chaotic = _chaos(quiet, arguments, donated, random)
    measured, blobs = variant.measure(baseline, other, command, beat, cancelled, chaotic)
    notes = measured.pop("notes")
    if dropped:
        notes.append(f"{dropped} debug.print or debug.callback left out")
    if isinstance(other, EagerProgram):
        whole = other.whole_equation()
        if whole is not None:
            body["whole_equation"] = whole
            notes.append(_one_equation(whole, touched.jit))
        beat.step("measuring", "each equation on its own")
        body |= _equations(other, command, cancelled)
        if not isinstance(other, DeepEagerProgram):
            body["equation_programs"] = other.equation_programs()
    text = baseline.text()
    found["baseline_optimized"] = text.encode()
    body |= measured | {
        "baseline_compile_ns": baseline.compile_ns,
        "baseline_peak_bytes": baseline.peak_bytes(),
        "baseline_program_ids": baseline.program_ids(),
        "place": "recorder",
        "args": state,
        "device_count": baseline.device_count,
        "simulated": baseline.device_count > 1 and jax.default_backend() == "cpu",
        "matches_script": variant.matches(message.blobs.get("script_optimized"), text),
        "notes": notes,
    }
    return body, found | blobs


def _refuse(handle: Handle, command: Mapping[str, Any], touched: Switches) -> None:
    if touched.sharded:
        raise SwitchError(
            "another number of devices needs a process of its own", "measure it in a lab, which the keeper starts"
        )
    if touched.target or touched.matmul_precision or touched.donate:
        name = "target" if touched.target else "matmul-precision" if touched.matmul_precision else "donate"
        raise SwitchError(
            f"{name} changes the lowered module, which is done in a lab and not in the script's process",
            "measure it on the run file when the script has ended",
        )
    if any(row.get("sharding") for row in handle.inputs):
        what = f"jit {touched.jit}" if touched.jit in ("off", "deep-off") else "this"
        raise SwitchError(
            f"{what} cannot be measured for {handle.id}, whose arguments lie on several devices: in the script's "
            "process the measurement has only copies of them on one",
            "measure fusion (F), devices (D) or sharding (S), which take a process of their own, or jit off in a run "
            "of the script on one device",
        )
    effect = effects.unrepeatable(handle.jaxpr)
    if effect and not command.get("consent"):
        raise SwitchError(
            f"{handle.id} has effects outside JAX ({', '.join(effect)}), so it is not executed again",
            "give consent for this program if running it again does no harm",
        )


def _compiled_variant(
    jaxpr: Any, arguments: Sequence[Any], donated: Sequence[int], options: Mapping[str, Any], touched: Switches
) -> JittedProgram:
    try:
        return JittedProgram(jaxpr, arguments, donated, options)
    except (JaxRuntimeError, ValueError) as error:
        names = ", ".join(touched.compiler_options) or "fusion"
        first = (str(error).strip().splitlines() or [""])[0]
        raise SwitchError(f"XLA refuses to compile the variant: {first}", f"check the switches: {names}") from error


def _primitives(jaxpr: Any) -> set[str]:
    from . import tags

    return {equation.primitive.name for _, equation in tags.walk(jaxpr)}


def _chaos(jaxpr: Any, arguments: Sequence[Any], donated: Sequence[int], random: bool) -> Callable[[Any], bool]:
    """Whether the program's results move as much for arguments moved by a rounding error (typed keys stay)."""

    def run(values: Sequence[Any]) -> Any:
        placed = [
            jax.device_put(value, given.sharding)
            if isinstance(value, np.ndarray) and hasattr(given, "sharding")
            else value
            for value, given in zip(values, arguments, strict=True)
        ]
        return JittedProgram(jaxpr, placed, donated).outputs()

    def plain(value: Any) -> Any:
        dtype = getattr(value, "dtype", None)
        return np.asarray(value) if isinstance(dtype, np.dtype) and dtype.kind in "fc" else value

    return lambda difference: variant.is_chaotic(difference, random, run, lambda: [plain(each) for each in arguments])


def _one_equation(primitive: str, jit: str | None) -> str:
    """Why jit off changes next to nothing for a program that is one equation."""
    enters = "deep-off enters it" if primitive in ENTERED else "deep-off dispatches it as a whole too"
    told = f"the program is one top-level equation, {primitive}, which JAX dispatches as a whole without jit too"
    return f"{told}: jit {jit} changes nothing at that level" + (f"; {enters}" if jit == "off" else "")


def _equations(program: EagerProgram, command: Mapping[str, Any], cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Median time of each top-level equation over synchronised runs, and of these runs as a whole."""
    budget_s = float(command.get("budget_s") or variant.DEFAULT_BUDGET_S) * SYNCED_SHARE
    started = time.perf_counter()
    runs: list[list[int]] = []
    totals: list[int] = []
    while not runs or (len(runs) < SYNCED_RUNS and time.perf_counter() - started < budget_s):
        if cancelled():
            raise Cancelled
        before = time.perf_counter_ns()
        runs.append(program.equation_times())
        totals.append(time.perf_counter_ns() - before)
    medians = np.median(np.asarray(runs, np.int64), axis=0) if runs[0] else []
    return {
        "equation_ns": [[str(index), round(float(value))] for index, value in enumerate(medians)],
        "total_synced_ns": round(float(np.median(totals))),
        "synced_runs": len(runs),
    }
