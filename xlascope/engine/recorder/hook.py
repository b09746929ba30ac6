"""The hook: leaves of JAX's dispatch that tell of each new program before it runs."""

from __future__ import annotations

import _thread
import os
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .. import compat
from . import stages
from .arguments import Arguments
from .causes import Cause, Reasons
from .compiles import Clock
from .eager import EagerLines
from .equations import own_files, places_of
from .programs import Identified, Program, Programs, eager_parameters
from .tagging import COMPILED_AS_LONG, Lowering, send_tagged
from .unlinked import LATE, Unlinked

ENGINE_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LARGE = 20_000  # equations above which the jaxpr's text is made later, by the second thread
COUNTS_EVERY = 10.0
LIVE_COMPILE = 0.4  # seconds that a compile for links may take while the script runs; longer ones are a lab's
NOT_CAPTURED = 1_000
TO_TAG = 64  # programs that wait to be lowered with tags; each keeps its trace alive, 0.2 MB and more
MOST_TAGGED = 200_000  # equations of a program, as many as have a row; how long it may take is the budget's matter
HELD_BYTES = 16 << 20  # captured constants that waiting traces may keep alive


class Hook:
    """Wraps lowering and compiling. Nothing of ours is on the stack while a function is traced or executed."""

    def __init__(self, recording: Any) -> None:
        self.recording = recording
        config = recording.config
        self.link = recording.link
        self.local = _thread._local()
        self.programs = Programs(recording.link, bool(config.get("source", True)))
        self.arguments = Arguments(
            recording.link, str(config.get("args") or "full"), int(config.get("args_limit") or 0),
            int(config.get("args_total") or 0),
        )  # fmt: skip
        self.clock = Clock(recording, self._is_ours, self._trace_raised)
        self.reasons = Reasons()
        self.eager = EagerLines(recording.link)
        self._later: deque[Callable[[], None]] = deque()
        self._told: set[tuple[str | None, str | None, int | None, str]] = set()
        self._to_tag: dict[str, tuple[Program, Lowering]] = {}
        self.unlinked = Unlinked()
        self._backend_told = False
        self._counts_due = time.monotonic() + COUNTS_EVERY
        self._finishing: float | None = None

    def install(self) -> None:
        """Places the hook in JAX's dispatch, hidden from tracebacks."""
        compat.hide_frames(ENGINE_FOLDER)
        self.programs.makers.install()
        self.programs.clears.install()
        compat.wrap_lowering(self._wrap_lowering)
        compat.wrap_compile(self._wrap_compile)
        compat.wrap_compiled_call(self._wrap_compiled_call)
        compat.watch_script_profiles(lambda: self._guarded("profile window", self._script_profiles))
        compat.watch_disable_jit(self._jit_disabled)
        compat.watch_deserialized(self._loaded)
        self.clock.install()

    def _is_ours(self) -> bool:
        return getattr(self.local, "ours", False) or not self.link.alive

    # ------------------------------------------------------------------------------------------------ the wrappers
    def _wrap_lowering(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _resolve_and_lower(*args: Any, **params: Any) -> Any:
            if self._is_ours():
                return original(*args, **params)
            program = self._guarded("program", self._before_lowering, args, params)
            began = time.monotonic()
            computation = original(*args, **params)
            if program is not None:
                lowering = Lowering(original, args, params, time.monotonic() - began)
                self.recording.attempt("tagged lowering", self._plan_tagging, program, lowering)
            self._guarded("stablehlo", self._after_lowering, program, computation)
            return computation

        return _resolve_and_lower

    def _wrap_compile(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def compile(computation: Any, *args: Any, **keywords: Any) -> Any:
            outer, self.local.compiling = getattr(self.local, "compiling", False), True
            try:
                executable = original(computation, *args, **keywords)
            finally:
                self.local.compiling = outer
            if not self._is_ours():
                self._guarded("executable", self._after_compile, computation, executable)
            return executable

        return compile

    def _wrap_compiled_call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def create_cpp_call(executable: Any, params: Any) -> Any:
            if not self._is_ours():
                self._guarded("arguments", self._compiled_called, executable, params)
            return original(executable, params)

        return create_cpp_call

    def _compiled_called(self, executable: Any, params: Any) -> None:
        """The first call of something compiled ahead of time: its arguments are those of its program."""
        program = self.programs.of_executable(executable)
        # Frames: this, attempt, _guarded, the wrapper, then JAX's.
        values = compat.compiled_call_values(4, params)
        if program is None or program.how != "aot" or program.arguments_sent or values is None:
            return
        program.arguments_sent = True
        if len(values) == len(program.inputs):
            self.arguments.record(program.id, program.inputs, values)

    def _guarded(self, what: str, step: Callable[..., Any], *args: Any) -> Any:
        """One step of ours amid JAX's: what JAX does meanwhile is not recorded, no failure reaches the script."""
        before = getattr(self.local, "ours", False)
        self.local.ours = True
        what_for = self.recording.own_part
        self.recording.spending.begin(what_for)
        try:
            return self.recording.attempt(what, step, *args)
        finally:
            self.recording.spending.end(what_for)
            self.local.ours = before

    # ------------------------------------------------------------------------------------------ what is not captured
    def _script_profiles(self) -> None:
        """One profile at a time in a process: ours makes way, and what runs until the script's ends is not seen."""
        self.link.drop("profile window", "closed while the script profiles by itself: calls meanwhile are not seen")
        self.recording.windows.close()

    def _jit_disabled(self, value: Any) -> None:
        if value and not self._is_ours():
            self._guarded("not_captured", self._not_captured, None, "jit was disabled: functions ran as plain Python")

    def _loaded(self, name: str | None) -> None:
        if not getattr(self.local, "compiling", False) and not self._is_ours():
            plain = name.removeprefix("jit(").removesuffix(")") if name is not None else None
            self._guarded("not_captured", self._not_captured, plain, "its executable was deserialized, not compiled")

    def _trace_raised(self, name: str | None, error: str) -> None:
        self._guarded("not_captured", self._not_captured, name, f"its trace raised {error}")

    def _not_captured(self, name: str | None, reason: str) -> None:
        file, line, _ = compat.user_frame(compat.current_traceback()) or (None, None, None)
        key = (name, file, line, reason)
        if key in self._told or len(self._told) >= NOT_CAPTURED:
            return
        self._told.add(key)
        self.link.send({"kind": "not_captured", "name": name, "file": file, "line": line, "reason": reason})

    # --------------------------------------------------------------------------------------------------- the steps
    def _before_lowering(self, args: tuple[Any, ...], params: dict[str, Any]) -> Program | None:
        jaxpr = params["jaxpr"] if "jaxpr" in params else args[1]
        known = self.programs.known(jaxpr)
        if known is not None:
            known.hook_calls += not compat.lowered_ahead(4)
            self.local.cause = None
            self.local.again = jaxpr, params
            return known
        # Frames: this, attempt, _guarded, the wrapper, then JAX's.
        call = compat.dispatch_frames(4)
        found = self.programs.identify(jaxpr, params, call)
        program = found.program
        if program is None:
            return None
        program.hook_calls += not call["aot"]  # lowered ahead of time is not called
        self.local.again = None
        self.local.cause = program.id, self._cause(found, program, jaxpr, call), self._made(found)
        fresh = found.fresh
        if fresh and not program.eager:
            self.recording.attempt("jaxpr", self._send_jaxpr, program, jaxpr)
            if program.how != "aot":
                self.recording.attempt("arguments", self.arguments.record, program.id, program.inputs, call["values"])
            if self.recording.config.get("stay"):
                self.programs.keep_alive(program, jaxpr)
        return program

    def _cause(self, found: Identified, program: Program, jaxpr: Any, call: dict[str, Any]) -> Cause:
        how = "eager" if program.primitive else "aot" if call["aot"] else "call"
        signature = replace(found.signature, program=program.id, how=how)
        around, under = found.circumstances, call["under"]
        if program.primitive and not program.eager:
            under = tuple(each for each in compat.transforming(sys._getframe()) if each != compat.EVALUATED)
        if program.primitive:
            signature = replace(signature, statics=eager_parameters(jaxpr, call["fun"]) or signature.statics)
            around = replace(around, tree=None, made=None, under=under)  # of JAX's own jitted object
        # Of one function its gradient is another one: neither is the other made again.
        under = () if program.eager else under
        key = "\0".join((program.function.id, *(under or program.transformations)))
        return self.reasons.explain(key, signature, found.fun, program.primitive, around, under)

    def _cause_again(self, program: Program) -> tuple[str, Cause, Any] | None:
        """Of a compile whose trace JAX had already: for arguments that lie elsewhere, say."""
        jaxpr, params = self.local.again
        call = compat.dispatch_frames(7)
        # Frames: this, attempt, _send_compile, _after_compile, attempt, _guarded, the wrapper, then JAX's.
        found = self.programs.identify(jaxpr, params, call)
        if found.program is None:
            return None
        if call["values"] is None:
            return program.id, Cause("unknown", "a trace that JAX had already, compiled again ahead of time"), None
        return program.id, self._cause(found, program, jaxpr, call), self._made(found)

    @staticmethod
    def _made(found: Identified) -> tuple[str, int, str] | None:
        """Where the script called jit; what JAX makes for a primitive bears the script's frame by chance."""
        return None if found.program is None or found.program.primitive else found.circumstances.made

    def _send_jaxpr(self, program: Program, jaxpr: Any) -> None:
        if program.equations <= LARGE:
            stages.send_jaxpr(self.link, program, jaxpr, self.programs.send_source)
            return
        program.jaxpr_sent = False
        # Until it is sent the trace stays alive: JAX itself keeps it for as long as the function.
        self._later.append(lambda: stages.send_jaxpr(self.link, program, jaxpr, self.programs.send_source))

    def _after_lowering(self, program: Program | None, computation: Any) -> None:
        if not self._backend_told and compat.backend_is_up():
            self._backend_told = True
            self.recording.backend_is_up()
        if program is None:
            return
        self.programs.remember_computation(program, computation)
        if not program.lowered_sent:
            program.lowered_sent = True
            if not program.eager:
                self.recording.attempt("stablehlo", stages.send_stablehlo, self.link, program, computation)
                reference = weakref.ref(computation)
                self._later.append(lambda: stages.send_unoptimized(self.link, program, reference()))

    def _plan_tagging(self, program: Program, lowering: Lowering) -> None:
        if program.eager or program.lowered_sent or not program.equations:
            return
        if program.equations > MOST_TAGGED:
            self.unlinked.add(program.id, f"more than {MOST_TAGGED:,} equations")
            return
        others = list(self._to_tag.values())
        waiting = program.equations + sum(each.equations for each, _ in others)
        held = lowering.held_bytes() + sum(each.held_bytes() for _, each in others)
        # One large program alone may wait: JAX itself keeps its trace for as long as the function.
        if len(self._to_tag) < TO_TAG and (waiting <= LARGE or not others) and held <= HELD_BYTES:
            self._to_tag[program.id] = (program, lowering)
        else:
            self.unlinked.add(program.id, "too many programs waited for it")

    def _tag_one(self, until: float | None, compile_until: float | None) -> None:
        program, lowering = self._to_tag.pop(next(iter(self._to_tag)))
        with compat.unnoticed():
            done = self._guarded("tagged lowering", send_tagged, self.link, program, lowering, until, compile_until)
        if done is False:
            self.unlinked.late(program.id, lowering.full_seconds + COMPILED_AS_LONG * program.compile_seconds)

    def _after_compile(self, computation: Any, executable: Any) -> None:
        program = self.programs.of_computation(computation)
        # Eager ops too: else their compile would stand as the present activity for as long as nothing compiles.
        shown = program.function.name if program is not None and not program.eager else None
        self.recording.progress("running", shown)
        new = program if program is not None and self.programs.new_executable(program, executable) else None
        if new is not None:
            self.recording.attempt("executable", stages.send_executable, self.link, new, executable)
        # After what takes long: the program runs next, and the window that is to see it is short. Before the record of
        # the compile, whose time is taken for that of the first call.
        self.recording.windows.dispatched(program is not None and not program.eager)
        if new is not None:
            self._send_compile(new)

    def _send_compile(self, program: Program) -> None:
        traceback = compat.current_traceback()
        place = compat.user_frame(traceback) or program.place
        own_place, entry = places_of(traceback, own_files(None))
        own_place = own_place or place
        durations, own = self.clock.take(), self.clock.take_own()
        if program.primitive:
            self.clock.was_eager(own)
        if not program.eager and program.how != "aot":
            self.recording.started()
        file, line = (place[0], place[1]) if place is not None else (None, None)
        if program.eager:
            self.eager.seen(program.function.name, file, line)
        if all(durations[step] is None for step in ("trace_ns", "lower_ns", "compile_ns")):
            return  # JAX had it compiled already: another executable of the same code, for other shardings say
        program.compile_seconds = (durations["compile_ns"] or 0) / 1e9
        found = getattr(self.local, "cause", None)
        if found is None and getattr(self.local, "again", None) is not None:
            found = self.recording.attempt("reason of a compile", self._cause_again, program)
        told, cause, made = found if found is not None else (None, None, None)
        self.local.cause = self.local.again = None
        if told != program.id:
            cause = made = None
        for each in (place, own_place, made, entry):
            self.programs.send_source(os.path.abspath(each[0]) if each is not None else None)
        self.link.send({
            "kind": "compile", "name": program.function.name, "program": program.id, "eager": program.primitive,
            "file": file if program.primitive else program.function.file,
            "line": line if program.primitive else program.function.line, "call_file": file, "call_line": line,
            "call_function": place[2] if place is not None else None, **_cause_keys(cause),
            **_place_keys("made", made), **_place_keys("own", own_place),
            **_place_keys("entry", entry), **durations,
        })  # fmt: skip

    # --------------------------------------------------------------------------------- the second thread and the end
    def now_and_then(self) -> None:
        """Work that can wait, a piece at a time: large texts, arguments, counts."""
        if self.arguments.waiting:
            self.arguments.work()
        elif self._later and not self.recording.windows.owed:
            # Making a text holds the interpreter for long: not while a window is there to see a new program run.
            self._later.popleft()()
        elif self._to_tag and self.recording.config.get("stay") and not self.recording.windows.owed:
            # Somebody is looking: the links between panes are worth a second lowering now. A long compile is not: this
            # thread opens and closes the windows, and a lab compiles as well.
            self._tag_one(None, time.monotonic() + LIVE_COMPILE)
        elif time.monotonic() >= self._counts_due:
            self._counts_due = time.monotonic() + COUNTS_EVERY
            self.send_counts()

    def send_counts(self) -> None:
        """Sends calls, eager lines and what was dropped, as counted so far."""
        self.programs.send_calls()
        self.eager.send()
        self.recording.send_spent()
        self.unlinked.send(self.link, time.monotonic() - self._finishing if self._finishing is not None else 0.0)
        self.link.flush_dropped()

    def finish(self, until: float, compile_until: float) -> None:
        """The end of the script: what waited, while there is time, then the counts. Monotonic seconds."""
        self._finishing = time.monotonic()
        while (self._later or self.arguments.waiting) and time.monotonic() < until:
            self.recording.attempt("stage", self.now_and_then)
        if self._later:
            self.link.drop("stages", LATE, len(self._later))
        for _ in range(self.arguments.give_up()):
            self.link.drop("arguments", LATE)
        try:
            while self._to_tag:
                self._tag_one(until, compile_until)
        except BaseException:
            for name in self._to_tag:
                self.unlinked.add(name, "the finishing was interrupted")
            self.unlinked.send(self.link)
            raise
        self.clock.send_phases()
        self.send_counts()

    def collect(self, program: Program, body: dict[str, Any]) -> tuple[bool, str]:
        """Send a form of a program that a view asks for; False and why where it cannot be had."""
        return stages.collect(self, program, body)

    def handle(self, program: Program) -> tuple[Any, str]:
        """What the engine's core needs to execute a program equation by equation; None and why without it."""
        jaxpr = self.programs.alive(program)
        if jaxpr is None:
            return None, "The trace of this program is no longer in memory."
        return stages.LiveProgram(program.id, jaxpr, program.inputs), ""


def _cause_keys(cause: Cause | None) -> dict[str, Any]:
    if cause is None:
        return {"cause": None, "reason": None, "against": None, "difference": [], "body": False}
    parts = [{"part": d.part, "name": d.name, "before": d.before, "after": d.after} for d in cause.difference]
    return {"cause": cause.cause, "reason": cause.reason, "against": cause.against, "difference": parts,
            "body": cause.body}  # fmt: skip


def _place_keys(which: str, place: tuple[str, int, str] | None) -> dict[str, Any]:
    file, line, function = place if place is not None else (None, None, None)
    path = os.path.abspath(file) if file is not None and not file.startswith("<") else file
    return {f"{which}_file": path, f"{which}_line": line, f"{which}_function": function}
