"""The hook: leaves of JAX's dispatch that tell of each new program before it runs."""

from __future__ import annotations

import _thread
import os
from collections.abc import Callable
from typing import Any

from xlascope.engine import compat
from xlascope.engine.recorder import equations
from xlascope.engine.recorder.programs import Program, Programs

ENGINE_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Hook:
    """Wraps lowering and compiling. Nothing of ours is on the stack while a function is traced or executed."""

    def __init__(self, recording: Any) -> None:
        self.recording = recording
        self.link = recording.link
        self.programs = Programs(recording.link, bool(recording.config.get("source", True)))
        self.local = _thread._local()
        self._env_sent = False

    def install(self) -> None:
        compat.hide_frames(ENGINE_FOLDER)
        compat.wrap_lowering(self._wrap_lowering)
        compat.wrap_compile(self._wrap_compile)

    # ------------------------------------------------------------------------------------------------ the wrappers
    def _wrap_lowering(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _resolve_and_lower(*args: Any, **params: Any) -> Any:
            if not self.link.alive or getattr(self.local, "ours", False):
                return original(*args, **params)
            program = self._guarded("program", self._before_lowering, args, params)
            computation = original(*args, **params)
            if program is not None:
                self._guarded("stablehlo", self._after_lowering, program, computation)
            return computation

        return _resolve_and_lower

    def _wrap_compile(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def compile(computation: Any, *args: Any, **keywords: Any) -> Any:
            executable = original(computation, *args, **keywords)
            if self.link.alive and not getattr(self.local, "ours", False):
                self._guarded("executable", self._after_compile, computation, executable)
            return executable

        return compile

    def _guarded(self, what: str, step: Callable[..., Any], *args: Any) -> Any:
        """Run one step of ours; a failure in it is recorded and never reaches the script."""
        self.local.ours = True
        try:
            return step(*args)
        except Exception as error:
            self.link.drop(what, f"{type(error).__name__}: {error}")
            return None
        finally:
            self.local.ours = False

    # --------------------------------------------------------------------------------------------------- the steps
    def _before_lowering(self, args: tuple[Any, ...], params: dict[str, Any]) -> Program | None:
        jaxpr = params["jaxpr"] if "jaxpr" in params else args[1]
        known = self.programs.known(jaxpr)
        if known is not None:
            known.hook_calls += 1
            return known
        # Frames: this, _guarded, the wrapper, then JAX's.
        program, fresh = self.programs.identify(jaxpr, params, compat.dispatch_frames(3))
        program.hook_calls += 1
        if fresh:
            self._send_jaxpr(program, jaxpr)
        return program

    def _send_jaxpr(self, program: Program, jaxpr: Any) -> None:
        import json

        text = equations.text(jaxpr)
        rows = json.dumps(equations.rows(jaxpr)).encode()
        self.link.send(
            {"kind": "stage", "program": program.id, "stage": "jaxpr"}, {"text": text.encode(), "equations": rows}
        )

    def _after_lowering(self, program: Program, computation: Any) -> None:
        self.programs.remember_computation(program, computation)
        if not self._env_sent:
            self._env_sent = True
            self.recording.send_env()
        if program.lowered_sent:
            return
        program.lowered_sent = True
        module = compat.computation_module(computation)
        self.link.send(
            {"kind": "stage", "program": program.id, "stage": "stablehlo"},
            {"text": str(module).encode(), "bytecode": compat.portable_bytecode(module)},
        )

    def _after_compile(self, computation: Any, executable: Any) -> None:
        program = self.programs.of_computation(computation)
        if program is None or not self.programs.new_executable(program, executable):
            return
        runtime = executable.runtime_executable()
        modules = runtime.hlo_modules()
        proto = modules[0].as_serialized_hlo_module_proto()
        program.program_ids.append(str(compat.module_id(proto)))
        self.link.send(
            {
                "kind": "executable",
                "program": program.id,
                "program_ids": list(program.program_ids),
                "module": modules[0].name,
                **compat.executable_facts(runtime),
            }
        )
        self.link.send(
            {"kind": "stage", "program": program.id, "stage": "optimized"}, {"text": modules[0].to_string().encode()}
        )

    def finish(self) -> None:
        self.programs.send_calls()
