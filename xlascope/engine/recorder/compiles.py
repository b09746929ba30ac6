"""Every compile: how long its three steps took, and why JAX compiled again."""

from __future__ import annotations

import _thread
import sys
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TRACE = "/jax/core/compile/jaxpr_trace_duration"
LOWER = "/jax/core/compile/jaxpr_to_mlir_module_duration"
COMPILE = "/jax/core/compile/backend_compile_duration"
CACHE = {"/jax/compilation_cache/cache_hits": "hit", "/jax/compilation_cache/cache_misses": "miss"}
ACTIVITIES = {TRACE: "tracing", LOWER: "lowering", COMPILE: "compiling"}
PHASES = {TRACE: "trace", LOWER: "lower", COMPILE: "compile"}
SEEN_SIGNATURES = 64
SEEN_FUNCTIONS = 4096


class Clock:
    """Listens to `jax.monitoring` and keeps, for each thread, what the compile in progress has taken so far."""

    def __init__(
        self, recording: Any, is_ours: Callable[[], bool], trace_raised: Callable[[str | None, str], None]
    ) -> None:
        self._recording = recording
        self._trace_raised = trace_raised
        self._is_ours = is_ours
        self._local = _thread._local()
        self.totals: dict[str, float] = dict.fromkeys(PHASES.values(), 0.0)
        self.first: dict[str, float] = {}
        self._open: dict[int, int] = {}
        self._since = self._before = 0.0

    def busy(self) -> bool:
        """Whether JAX is tracing, lowering or compiling in some thread now."""
        return bool(self._open)

    def compiling(self) -> float:
        """Seconds of the run in which JAX traced, lowered or compiled in any thread."""
        return self._before + (time.monotonic() - self._since if self._open else 0.0)

    def _count(self, step: int) -> None:
        thread = _thread.get_ident()
        self._before, self._since = self.compiling(), time.monotonic()
        depth = max(self._open.get(thread, 0) + step, 0)
        if depth:
            self._open[thread] = depth
        else:
            self._open.pop(thread, None)

    def install(self) -> None:
        """Starts listening to JAX's own events of traces, lowerings and compiles."""
        import jax.monitoring

        attempt = self._recording.attempt

        def began(event: str, value: float, **facts: Any) -> None:
            if event in ACTIVITIES and not self._is_ours():
                attempt("compile times", self._began, event, facts)

        def ended(event: str, start_time: float, end_time: float, **facts: Any) -> None:
            if event in PHASES and not self._is_ours():
                attempt("compile times", self._ended, event, start_time, end_time, facts)

        def happened(event: str, **facts: Any) -> None:
            if event in CACHE and not self._is_ours():
                self._local.cache = CACHE[event]

        jax.monitoring.register_scalar_listener(began)
        jax.monitoring.register_event_time_span_listener(ended)
        jax.monitoring.register_event_listener(happened)

    def take(self) -> dict[str, Any]:
        """The durations since the last call in this thread, in nanoseconds, null for a step that was not taken."""
        durations = self._local.__dict__.pop("durations", {})
        cache = self._local.__dict__.pop("cache", None)
        return {
            "trace_ns": durations.get(TRACE), "lower_ns": durations.get(LOWER), "compile_ns": durations.get(COMPILE),
            "cache": cache,
        }

    def _began(self, event: str, facts: dict[str, Any]) -> None:
        self._count(1)
        if event == TRACE:
            self._local.__dict__.pop("durations", None)
            self._local.handled = sys.exc_info()[1]
        self._recording.progress(ACTIVITIES[event], _plain(facts.get("fun_name")))

    def _ended(self, event: str, start: float, end: float, facts: dict[str, Any]) -> None:
        self._count(-1)
        phase = PHASES[event]
        self._local.__dict__.setdefault("durations", {})[event] = int((end - start) * 1e9)
        self.first.setdefault(phase, start)
        self.totals[phase] += end - start
        error = sys.exc_info()[1]
        # Told of from a `with` that an exception is leaving, unless the script handles another one all the while.
        if event == TRACE and error is not None and error is not self._local.__dict__.get("handled"):
            self._trace_raised(_plain(facts.get("fun_name")), type(error).__name__)

    def send_phases(self) -> None:
        """One ``phase`` record for each step: its total over the run."""
        for phase, seconds in self.totals.items():
            if phase in self.first:
                self._recording.phase(phase, int(self.first[phase] * 1e9), int(seconds * 1e9))


def _plain(name: Any) -> str | None:
    """``f`` of JAX's ``jit(f)`` or ``jit_f``."""
    text = str(name) if name is not None else None
    if text is not None and text.startswith("jit(") and text.endswith(")"):
        return text[4:-1]
    return text.removeprefix("jit_") if text is not None else None


@dataclass(frozen=True, slots=True)
class Signature:
    """What distinguishes two programs of one function."""

    program: str
    inputs: tuple[tuple[str, str, str], ...]  # name, type, sharding
    statics: tuple[str, ...]
    donated: tuple[bool, ...]
    x64: bool
    equations: str
    function: int | None
    how: str


@dataclass(slots=True)
class _Seen:
    signatures: list[Signature] = field(default_factory=list)
    functions: dict[int, weakref.ref[Any]] = field(default_factory=dict)


class Reasons:
    """Explains a compile from the earlier signatures of the same function; bounded."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def explain(self, function_id: str, signature: Signature, fun: Any, eager: bool = False) -> str:
        """Why this signature is compiled; remembers it. ``eager``: of a primitive, which is no function object."""
        if eager:
            fun = None
        seen = self._seen.get(function_id)
        if seen is None:
            if len(self._seen) >= SEEN_FUNCTIONS:
                self._seen.pop(next(iter(self._seen)))
            seen = self._seen[function_id] = _Seen()
        earlier = seen.signatures
        same_function = fun is not None and _alive(seen.functions.get(id(fun))) is fun
        reason = _reason(earlier, signature, same_function, fun is not None)
        earlier.append(signature)
        del earlier[:-SEEN_SIGNATURES]
        if fun is not None and not same_function:
            try:
                seen.functions[id(fun)] = weakref.ref(fun)
            except TypeError:
                pass  # a callable that takes no weak reference: taken for a new one each time
            while len(seen.functions) > SEEN_SIGNATURES:
                seen.functions.pop(next(iter(seen.functions)))
        return reason


def _alive(reference: weakref.ref[Any] | None) -> Any:
    return reference() if reference is not None else None


def _reason(earlier: list[Signature], new: Signature, same_function: bool, function_known: bool) -> str:
    if not earlier:
        return "first call"
    equal = [old for old in earlier if old.program == new.program]
    if equal:
        if equal[-1].how != new.how:
            return f"compiled by {equal[-1].how} before, now by {new.how}"
        if same_function or not function_known:
            return "compiled before with the same signature: JAX's cache was cleared or full"
        return "a new function object at the same line (the jit, lambda or partial is made again)"
    nearest = min(reversed(earlier), key=lambda old: len(differences(old, new)))
    changes = differences(nearest, new)
    if changes:
        if new.how == "eager":
            changes = [each.removeprefix("static argument ") for each in changes]
        more = f"; and {len(changes) - 3} more" if len(changes) > 3 else ""
        return "; ".join(changes[:3]) + more
    if function_known and not same_function:
        return "a new function object at the same line with other captured values"
    if new.how == "eager":
        return "the same primitive with parameters that differ in what is not shown"
    return "traced to other equations (captured values or JAX's configuration changed)"


def differences(old: Signature, new: Signature) -> list[str]:
    """What changed between two signatures, in words."""
    changes = []
    if len(old.inputs) != len(new.inputs):
        changes.append(f"number of array arguments {len(old.inputs)} → {len(new.inputs)}")
    else:
        for before, after in zip(old.inputs, new.inputs, strict=True):
            changes.extend(_input_changes(before, after))
    for index, (text, other) in enumerate(zip(old.statics, new.statics, strict=False)):
        if text != other:
            changes.append(f"static argument {text} → {other}" if "=" in text else f"static {index}: {text} → {other}")
    if len(old.statics) != len(new.statics):
        changes.append(f"number of static arguments {len(old.statics)} → {len(new.statics)}")
    if old.x64 != new.x64:
        changes.append(f"x64 {'on' if old.x64 else 'off'} → {'on' if new.x64 else 'off'}")
    if len(old.donated) == len(new.donated) and old.donated != new.donated:
        changes.append("donated arguments changed")
    return changes


def _input_changes(before: tuple[str, str, str], after: tuple[str, str, str]) -> list[str]:
    name, old, old_sharding = before
    _, new, new_sharding = after
    if old != new:
        if _no_weak(old) == _no_weak(new):
            return [f"weak type of {name}: {old} → {new}"]
        return [f"argument {name}: {old} → {new}"]
    if old_sharding != new_sharding:
        return [f"sharding of {name}: {old_sharding} → {new_sharding}"]
    return []


def _no_weak(text: str) -> str:
    return text.removeprefix("~")


