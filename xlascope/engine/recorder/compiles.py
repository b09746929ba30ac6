"""Every compile: how long its three steps took."""

from __future__ import annotations

import _thread
import sys
import time
from collections.abc import Callable
from typing import Any

from .. import compat

TRACE = "/jax/core/compile/jaxpr_trace_duration"
LOWER = "/jax/core/compile/jaxpr_to_mlir_module_duration"
COMPILE = "/jax/core/compile/backend_compile_duration"
CACHE = {"/jax/compilation_cache/cache_hits": "hit", "/jax/compilation_cache/cache_misses": "miss"}
RETRIEVAL = "/jax/compilation_cache/cache_retrieval_time_sec"
ACTIVITIES = {TRACE: "tracing", LOWER: "lowering", COMPILE: "compiling"}
PHASES = {TRACE: "trace", LOWER: "lower", COMPILE: "compile"}


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

        def lasted(event: str, duration_secs: float, **facts: Any) -> None:
            if event == RETRIEVAL and not self._is_ours():
                self._local.retrieval = int(duration_secs * 1e9)

        jax.monitoring.register_scalar_listener(began)
        jax.monitoring.register_event_duration_secs_listener(lasted)
        jax.monitoring.register_event_time_span_listener(ended)
        jax.monitoring.register_event_listener(happened)
        compat.watch_backend_start(
            lambda: attempt("start of the backend", self._recording.spending.begin, "start backend"),
            lambda: attempt("start of the backend", self._recording.spending.end, "start backend"),
        )

    def take(self) -> dict[str, Any]:
        """The durations since the last call in this thread, in nanoseconds, null for a step that was not taken."""
        durations = self._local.__dict__.pop("durations", {})
        cache = self._local.__dict__.pop("cache", None)
        retrieval = self._local.__dict__.pop("retrieval", None)
        return {
            "trace_ns": durations.get(TRACE), "lower_ns": durations.get(LOWER), "compile_ns": durations.get(COMPILE),
            "cache": cache, "retrieval_ns": retrieval if cache == "hit" else None,
        }

    def was_eager(self, steps: dict[str, int]) -> None:
        """The compile that `take_own` told of was of an eager primitive."""
        for phase, ns in steps.items():
            self._recording.spending.move(phase, "eager ops", ns)

    def take_own(self) -> dict[str, int]:
        """The own times of the compile just done in this thread, by step, without what ran inside of it."""
        return self._local.__dict__.setdefault("own", {}).pop(self._depth(), {})

    def _depth(self) -> int:
        return self._open.get(_thread.get_ident(), 0)

    def _count_own(self, phase: str) -> None:
        own, depth = self._local.__dict__.setdefault("own", {}), self._depth()
        steps = own.setdefault(depth, {})
        steps[phase] = steps.get(phase, 0) + self._recording.spending.end(phase)
        for deeper in [each for each in own if each > depth]:  # traces inside of this one
            for name, ns in own.pop(deeper).items():
                steps[name] = steps.get(name, 0) + ns

    def _began(self, event: str, facts: dict[str, Any]) -> None:
        if event == TRACE:
            own, depth = self._local.__dict__.setdefault("own", {}), self._depth()
            for each in [each for each in own if each >= depth]:
                del own[each]
        self._recording.spending.begin(PHASES[event])
        self._count(1)
        if event == TRACE:
            self._local.__dict__.pop("durations", None)
            self._local.handled = sys.exc_info()[1]
        self._recording.progress(ACTIVITIES[event], _plain(facts.get("fun_name")))

    def _ended(self, event: str, start: float, end: float, facts: dict[str, Any]) -> None:
        self._count(-1)
        phase = PHASES[event]
        self._count_own(phase)
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
