"""Functions and programs: which traces are the same program, and their records."""

from __future__ import annotations

import hashlib
import inspect
import os
import weakref
from dataclasses import dataclass, field
from typing import Any

from xlascope.engine import compat
from xlascope.engine.recorder import equations

KNOWN_TRACES = 4096


@dataclass(slots=True)
class Program:
    """One function traced for one signature; mutable, because calls and executables are added as they come."""

    id: str
    function: str
    function_id: str
    eager: bool
    hook_calls: int = 0
    lowered_sent: bool = False
    program_ids: list[str] = field(default_factory=list)
    executables: list[weakref.ref[Any]] = field(default_factory=list)


class Programs:
    """The tables of what has been seen, each bounded."""

    def __init__(self, link: Any, with_source: bool) -> None:
        self._link = link
        self._with_source = with_source
        self._traces: dict[int, tuple[weakref.ref[Any], Program]] = {}
        self._by_key: dict[tuple[Any, ...], Program] = {}
        self._numbers: dict[str, int] = {}
        self._functions: set[str] = set()
        self._sources: set[str] = set()
        self._computations: weakref.WeakKeyDictionary[Any, Program] = weakref.WeakKeyDictionary()

    def known(self, jaxpr: Any) -> Program | None:
        entry = self._traces.get(id(jaxpr))
        return entry[1] if entry is not None and entry[0]() is jaxpr else None

    def identify(self, jaxpr: Any, params: dict[str, Any], call: dict[str, Any]) -> tuple[Program, bool]:
        """The program of a trace, and whether it is new; sends the records of what is new."""
        name, file, line, last_line, library = function_facts(jaxpr, call["fun"])
        function_id = f"{name}@{file}:{line}"
        inputs = input_rows(jaxpr, params, call)
        outputs = [value_row(aval) for aval in compat.open_jaxpr(jaxpr).outvars]
        key = (function_id, repr(inputs), repr(outputs), _shape_hash(jaxpr), str(params.get("compiler_options_kvs")))
        program = self._by_key.get(key)
        fresh = program is None
        if program is None:
            number = self._numbers[name] = self._numbers.get(name, 0) + 1
            program = Program(f"{name}#{number}", name, function_id, library)
            self._by_key[key] = program
            self._send(program, jaxpr, call, inputs, outputs, (file, line, last_line, library))
        self._remember(jaxpr, program)
        return program, fresh

    def _remember(self, jaxpr: Any, program: Program) -> None:
        if len(self._traces) >= KNOWN_TRACES:
            self._traces.pop(next(iter(self._traces)))
        key = id(jaxpr)
        self._traces[key] = (weakref.ref(jaxpr, lambda _: self._traces.pop(key, None)), program)

    def _send(self, program: Program, jaxpr: Any, call: Any, inputs: Any, outputs: Any, place: Any) -> None:
        import jax

        file, line, last_line, library = place
        if program.function_id not in self._functions:
            self._functions.add(program.function_id)
            self._link.send(
                {
                    "kind": "function",
                    "id": program.function_id,
                    "name": program.function,
                    "file": file,
                    "line": line,
                    "last_line": last_line,
                    "library": library,
                }
            )
            self._send_source(file)
        call_file, call_line, _ = compat.user_frame(compat.current_traceback()) or (None, None, None)
        effects = [str(each) for each in compat.open_jaxpr(jaxpr).effects]
        self._link.send(
            {
                "kind": "program",
                "id": program.id,
                "program": program.id,
                "function": program.function,
                "function_id": program.function_id,
                "signature": ", ".join(row["type"] for row in inputs),
                "equations": sum(1 for _ in equations.walk(jaxpr)),
                "inputs": inputs,
                "outputs": outputs,
                "statics": [],
                "effects": effects,
                "callbacks": bool(effects),
                "ordered": bool(effects),
                "x64": bool(jax.config.jax_enable_x64),  # type: ignore[attr-defined]
                "platform": None,
                "device_count": None,
                "mesh": None,
                "file": file,
                "line": line,
                "call_file": call_file,
                "call_line": call_line,
            }
        )

    def _send_source(self, file: str | None) -> None:
        if not self._with_source or file is None or file in self._sources or len(self._sources) > 1000:
            return
        self._sources.add(file)
        if os.path.isfile(file):
            with open(file, "rb") as stream:
                self._link.send({"kind": "source", "file": file}, {"text": stream.read(4 << 20)})

    def remember_computation(self, program: Program, computation: Any) -> None:
        self._computations[computation] = program

    def of_computation(self, computation: Any) -> Program | None:
        return self._computations.get(computation)

    def new_executable(self, program: Program, executable: Any) -> bool:
        """Whether this executable has not been seen for the program; remembers it weakly."""
        if any(each() is executable for each in program.executables):
            return False
        program.executables = [each for each in program.executables if each() is not None]
        program.executables.append(weakref.ref(executable))
        return True

    def send_calls(self) -> None:
        for program in self._by_key.values():
            self._link.send({"kind": "calls", "program": program.id, "hook_calls": program.hook_calls})


def _shape_hash(jaxpr: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path, equation in equations.walk(jaxpr):
        digest.update(f"{path} {equation.primitive.name} {[str(v.aval) for v in equation.outvars]}".encode())
    return digest.hexdigest()


def function_facts(jaxpr: Any, fun: Any) -> tuple[str, str | None, int | None, int | None, bool]:
    """Name, absolute file, first and last line of the traced function, and whether it is JAX's own."""
    traced_name, file, line, _ = compat.debug_info(jaxpr)
    name, last = traced_name or "unknown", None
    plain = inspect.unwrap(fun) if fun is not None else None
    code = getattr(plain, "__code__", None)
    if fun is not None:
        name = getattr(fun, "__qualname__", None) or getattr(fun, "__name__", None) or name
    if code is not None:
        file, line = code.co_filename, code.co_firstlineno
        last = max((each[2] for each in code.co_lines() if each[2] is not None), default=line)
    library = file is not None and not compat.is_user_file(file)
    return name, os.path.abspath(file) if file else None, line, last, library


def input_rows(jaxpr: Any, params: dict[str, Any], call: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each flat input."""
    names = call["arg_names"] or compat.debug_info(jaxpr)[3] or ()
    variables = compat.open_jaxpr(jaxpr).invars
    donated = params.get("donated_invars") or (False,) * len(variables)
    rows = []
    for index, variable in enumerate(variables):
        row = value_row(variable)
        row["name"] = str(names[index]) if len(names) == len(variables) else f"arg{index}"
        row["donated"] = bool(donated[index]) if index < len(donated) else False
        rows.append(row)
    return rows


def value_row(variable: Any) -> dict[str, Any]:
    """Shape, dtype and bytes of a jaxpr variable; null where its type has none (tokens, abstract refs)."""
    aval = variable.aval
    shape, dtype = getattr(aval, "shape", None), getattr(aval, "dtype", None)
    size = None
    if shape is not None and dtype is not None:
        size = int(getattr(dtype, "itemsize", 0)) or None
        for extent in shape:
            size = size * int(extent) if size is not None else None
    return {
        "shape": None if shape is None else [int(each) for each in shape],
        "dtype": None if dtype is None else str(dtype),
        "weak_type": bool(getattr(aval, "weak_type", False)),
        "bytes": size,
        "sharding": None,
        "type": equations.type_text(variable),
    }
