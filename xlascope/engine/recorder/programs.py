"""Functions and programs: which traces are the same program, and their records."""

from __future__ import annotations

import _thread
import hashlib
import os
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import compat
from . import equations
from .identity import (
    Function,
    Structure,
    called_at,
    function_of,
    mesh_shape,
    qualified_name,
    static_text,
    structure_of,
    was_given_functions,
)
from .scanned import scanned
from .signature import Circumstances, Signature, circumstances_of

KNOWN_TRACES = 4096
PROGRAMS = 5_000
EAGER_PROGRAMS = 2_000
SOURCES = 500
SOURCE_BYTES = 4 << 20
ALL_SOURCE_BYTES = 64 << 20
ALIVE_JAXPRS = 64
INPUT_ROWS = 256  # programs whose input rows are kept
CONTROL_FLOW = "control flow"
"""How a loop, a conditional or a reduction came to run that the script calls outside of jit, with its own functions."""
_WITH_BODIES = frozenset({"scan", "while", "cond"})


@dataclass(slots=True)
class Program:
    """One function traced for one signature; mutable: calls and executables are added as they come."""

    id: str
    function: Function
    how: str
    inputs: list[dict[str, Any]]
    equations: int
    transformations: tuple[str, ...] = ()
    fun: weakref.ref[Any] | None = None
    hook_calls: int = 0
    calls_told: int = 0
    compile_seconds: float = 0.0
    lowered_sent: bool = False
    arguments_sent: bool = False
    jaxpr_sent: bool = True
    place: tuple[str, int, str] | None = None
    program_ids: list[str] = field(default_factory=list)
    executables: list[weakref.ref[Any]] = field(default_factory=list)
    jaxpr: weakref.ref[Any] | None = None

    @property
    def eager(self) -> bool:
        """Whether it is a single primitive that was dispatched by itself and holds no code of the script's."""
        return self.how == "eager"

    @property
    def primitive(self) -> bool:
        """Whether JAX dispatched a single primitive, outside of jit."""
        return self.how in ("eager", CONTROL_FLOW)


@dataclass(frozen=True, slots=True)
class Identified:
    """What one compile is of: ``program`` None when there are too many to keep apart; ``fresh``: not seen before.

    ``fun``: what was jitted, as far as it is known, also of what a transformation dispatches in the place of a call.
    """

    program: Program | None
    signature: Signature
    circumstances: Circumstances
    fresh: bool
    fun: Any = None


class Programs:
    """The tables of what has been seen, each bounded. Identifying a trace sends the records of what is new."""

    def __init__(self, link: Any, with_source: bool) -> None:
        self._link = link
        self._with_source = with_source
        self._traces: dict[int, tuple[weakref.ref[Any], Program]] = {}
        self._by_key: dict[bytes, Program] = {}
        self._by_id: dict[str, Program] = {}
        self._numbers: dict[str, int] = {}
        self._functions: set[str] = set()
        self._sources: set[str] = set()
        self._source_bytes = 0
        self._computations: weakref.WeakKeyDictionary[Any, Program] = weakref.WeakKeyDictionary()
        self._eager = 0
        self._lock = _thread.RLock()
        self._alive: dict[str, Any] = {}
        self._with_inputs: deque[Program] = deque()
        self.makers, self.clears = compat.Makers(), compat.Clears()
        self._behind = compat.CallsBehind(self.makers, static_text)

    def known(self, jaxpr: Any) -> Program | None:
        """The program of a trace that has been identified before."""
        entry = self._traces.get(id(jaxpr))
        return entry[1] if entry is not None and entry[0]() is jaxpr else None

    def by_id(self, name: str) -> Program | None:
        """The program of an id; None for one that was never seen."""
        return self._by_id.get(name)

    def all(self) -> list[Program]:
        """All programs in the order in which they were seen."""
        return list(self._by_id.values())

    def identify(self, jaxpr: Any, params: dict[str, Any], call: dict[str, Any]) -> Identified:
        """The program of a trace and what is known of this compile of it; remembers the trace."""
        with self._lock:
            return self._identify(jaxpr, params, call)

    def _identify(self, jaxpr: Any, params: dict[str, Any], call: dict[str, Any]) -> Identified:
        import jax

        place = compat.user_frame(compat.current_traceback())
        function = function_of(jaxpr, call["fun"], qualified_name, call["direct"], place)
        structure = structure_of(jaxpr)
        known = self.known(jaxpr)  # a later compile of a trace does not always tell the function
        function, how = _how(jaxpr, call, function, known, place)
        fun = (compat.given_to_pmap(call["fun"]) if how == "pmap" else None) or call["fun"]
        # What JAX dispatches in the place of a call is no call of the function: its gradient's two programs, say.
        under = () if how in ("eager", CONTROL_FLOW) else call["under"]
        transformations = known.transformations if known is not None else under or compat.transformations(fun)
        inputs = input_rows(jaxpr, params, call)
        signature = Signature(
            program="",
            inputs=tuple((row["name"], row["type"], str(row["sharding"])) for row in inputs),
            statics=tuple(f"{name}={static_text(value)}" for name, value in compat.static_arguments(call)),
            donated=tuple(row["donated"] for row in inputs),
            x64=bool(jax.config.jax_enable_x64),  # type: ignore[attr-defined]
            equations=structure.digest + str(params.get("compiler_options_kvs") or ""),
            function=None,
            how="",
        )
        key = hashlib.blake2b(repr((function.id, transformations, signature)).encode(), digest_size=16).digest()
        program = self._by_key.get(key)
        fresh = program is None
        if program is None:
            if self._is_full(how):
                return Identified(None, signature, Circumstances(), False)
            short = function.name.rpartition("<locals>.")[2]
            number = self._numbers[short] = self._numbers.get(short, 0) + 1
            program = Program(f"{short}#{number}", function, how, inputs, structure.equations, transformations)
            program.place = place
            self._by_key[key] = self._by_id[program.id] = program
            self._forget_inputs(program)
            self._send(program, signature, jaxpr, params, call, structure)
        behind = self._behind.find(call["frame"]) if under else None
        around = circumstances_of(jaxpr, params, call, tuple(structure.literals), self.makers, self.clears, behind)
        self._remember(jaxpr, program)
        return Identified(program, signature, around, fresh, behind.fun if behind is not None else call["fun"])

    def _is_full(self, how: str) -> bool:
        if how == "eager":
            self._eager += 1
            if self._eager > EAGER_PROGRAMS:
                self._link.drop("eager programs", f"more than {EAGER_PROGRAMS}")
                return True
        if len(self._by_id) >= PROGRAMS:
            self._link.drop("programs", f"more than {PROGRAMS}")
            return True
        return False

    def _remember(self, jaxpr: Any, program: Program) -> None:
        if len(self._traces) >= KNOWN_TRACES:
            self._traces.pop(next(iter(self._traces)), None)
        key, traces = id(jaxpr), self._traces

        def forget(reference: Any) -> None:
            if (entry := traces.get(key)) is not None and entry[0] is reference:
                del traces[key]

        program.jaxpr = weakref.ref(jaxpr, forget)
        traces[key] = (program.jaxpr, program)

    def keep_alive(self, program: Program, jaxpr: Any) -> None:
        """Hold a trace, so that it can be executed later; the newest few."""
        self._alive.pop(program.id, None)
        self._alive[program.id] = jaxpr
        if len(self._alive) > ALIVE_JAXPRS:
            self._alive.pop(next(iter(self._alive)))

    def _forget_inputs(self, program: Program) -> None:
        """Keep the input rows of the newest programs only: with many leaves they are most of what a program costs."""
        self._with_inputs.append(program)
        if len(self._with_inputs) > INPUT_ROWS:
            self._with_inputs.popleft().inputs = []

    def alive(self, program: Program) -> Any:
        """The trace of a program if it is still in memory, else None."""
        return self._alive.get(program.id) or (program.jaxpr() if program.jaxpr is not None else None)

    def _send(
        self, program: Program, signature: Signature, jaxpr: Any, params: Any, call: Any, structure: Structure
    ) -> None:
        function = program.function
        if function.id not in self._functions:
            self._functions.add(function.id)
            self._link.send({
                "kind": "function", "id": function.id, "name": function.name, "file": function.file,
                "line": function.line, "last_line": function.last_line, "library": function.library,
            })
            if not function.library:
                self.send_source(function.file)
        call_file, call_line, _ = program.place or (None, None, None)
        effects = sorted(str(each) for each in compat.open_jaxpr(jaxpr).effects)
        mesh, devices, platform = _placement(params, call, structure)
        self._link.send({
            "kind": "program", "id": program.id, "function": function.name, "function_id": function.id,
            "how": program.how, "equations": structure.equations,
            "signature": ", ".join([*(row["type"] for row in program.inputs), *signature.statics]),
            "inputs": [{key: value for key, value in row.items() if key != "type"} for row in program.inputs],
            "outputs": [_without_type(value_row(each)) for each in compat.open_jaxpr(jaxpr).outvars],
            "statics": list(signature.statics), "transformations": list(program.transformations), "effects": effects,
            "callbacks": any("callback" in name or name == "debug_print" for name in structure.primitives),
            "ordered": "io_callback" in structure.primitives or compat.has_ordered_effects(jaxpr),
            "x64": signature.x64, "platform": platform, "device_count": devices, "mesh": mesh,
            "file": function.file, "line": function.line, "call_file": call_file, "call_line": call_line,
        })  # fmt: skip

    def send_source(self, file: str | None) -> None:
        """Send a source file once."""
        if not self._with_source or file is None or file in self._sources or len(self._sources) >= SOURCES:
            return
        self._sources.add(file)
        if os.path.isfile(file) and self._source_bytes < ALL_SOURCE_BYTES:
            with open(file, "rb") as stream:
                text = stream.read(SOURCE_BYTES)
            self._source_bytes += len(text)
            self._link.send({"kind": "source", "file": file}, {"text": text})

    def remember_computation(self, program: Program, computation: Any) -> None:
        """Notes which program a lowered computation is of."""
        self._computations[computation] = program

    def of_computation(self, computation: Any) -> Program | None:
        """The program that a lowered computation is of, if it is known."""
        return self._computations.get(computation)

    def of_executable(self, executable: Any) -> Program | None:
        """The program that an executable still in memory was compiled for."""
        found = (p for p in self.all() if any(each() is executable for each in p.executables))
        return next(found, None)

    def new_executable(self, program: Program, executable: Any) -> bool:
        """Whether this executable has not been seen for the program; remembers it weakly."""
        if any(each() is executable for each in program.executables):
            return False
        program.executables = [each for each in program.executables if each() is not None][-8:]
        program.executables.append(weakref.ref(executable))
        return True

    def send_calls(self) -> None:
        """A ``calls`` record of each program whose count has changed since the last time."""
        for program in self.all():
            if program.hook_calls != program.calls_told:
                program.calls_told = program.hook_calls
                self._link.send({"kind": "calls", "program": program.id, "hook_calls": program.hook_calls})


def _how(
    jaxpr: Any, call: dict[str, Any], function: Function, known: Program | None, place: tuple[str, int, str] | None
) -> tuple[Function, str]:
    """How a trace came to be compiled, and the function that it is told as."""
    if function.library:
        if known is not None:
            return known.function, known.how
        if place is None:
            return function, "eager"
        if (name := _control_flow(jaxpr)) is not None:
            return called_at(place, name), CONTROL_FLOW
        if not was_given_functions(jaxpr, equations.is_outside):
            return function, "eager"
        function = called_at(place, function.name)
        if compat.primitive_params(call["fun"]) is not None:  # `lax.reduce`, say
            return function, CONTROL_FLOW
    file = compat.debug_info(jaxpr)[1] or ""
    if os.path.basename(file) == "pmap.py" and not compat.is_user_file(file):
        return function, "pmap"
    return function, "aot" if call["aot"] else "jit"


def _control_flow(jaxpr: Any) -> str | None:
    """The primitive that a trace consists of, where that is one which runs functions that it was given."""
    equations_ = compat.open_jaxpr(jaxpr).eqns
    name = equations_[0].primitive.name if len(equations_) == 1 else None
    return name if name in _WITH_BODIES else None


def eager_parameters(jaxpr: Any, fun: Any = None) -> tuple[str, ...]:
    """What tells compiles of an eager primitive apart beside its arguments: its parameters; of several, results.

    ``fun``: what JAX jitted for it, which knows the parameters where no equation is left.
    """
    if (params := compat.primitive_params(fun)) is not None:
        return _told(params)
    equations_ = compat.open_jaxpr(jaxpr).eqns
    while len(equations_) == 1 and equations_[0].primitive.name in {"jit", "pjit"}:
        equations_ = compat.open_jaxpr(equations_[0].params["jaxpr"]).eqns
    if len(equations_) == 1:
        return _told(equations_[0].params)
    return tuple(f"result={equations.type_text(each)}" for each in compat.open_jaxpr(jaxpr).outvars)


def _told(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Parameters by name; of an object that is told by its type alone nothing is to be seen."""
    texts = [(name, static_text(value)) for name, value in sorted(params.items())]
    return tuple(f"{name}={text}" for name, text in texts if not (text.startswith("<") and text.endswith(">")))


def _without_type(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("shape", "dtype", "bytes")}


def _placement(
    params: dict[str, Any], call: dict[str, Any], structure: Structure
) -> tuple[dict[str, int] | None, int | None, str | None]:
    """Mesh, number of devices and platform a program is about to run on, as far as its arguments tell."""
    shardings = [s for s in params.get("in_shardings") or () if hasattr(s, "device_set")]
    shardings += [v.sharding for v in call["values"] or () if compat.is_array(v) and hasattr(v, "sharding")]
    mesh = next((m for s in shardings if (m := mesh_shape(getattr(s, "mesh", None)))), None)
    mesh = mesh or mesh_shape(params.get("ctx_mesh")) or structure.mesh
    counts = [len(s.device_set) for s in shardings]
    if mesh:
        product = 1
        for size in mesh.values():
            product *= size
        counts.append(product)
    platforms = [next(iter(s.device_set)).platform for s in shardings if s.device_set]
    platform = platforms[0] if platforms else compat.default_platform_if_up()
    return mesh, max(counts) if counts else 1, platform


def input_rows(jaxpr: Any, params: dict[str, Any], call: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each flat input: name, type, bytes, donation, the sharding of the value it was called with, and
    (`scanned`) where a scan iterates over its first dimension."""
    names = call["arg_names"] or compat.debug_info(jaxpr)[3] or ()
    variables = compat.open_jaxpr(jaxpr).invars
    donated = params.get("donated_invars") or (False,) * len(variables)
    values = call["values"] if call["values"] is not None and len(call["values"]) == len(variables) else None
    shardings = params.get("in_shardings") or ()
    steps = scanned(jaxpr)
    rows = []
    for index, variable in enumerate(variables):
        row = value_row(variable)
        if index in steps:
            row["scanned"] = steps[index]
        row["name"] = (str(names[index]) if len(names) == len(variables) else "") or f"arg{index}"
        row["donated"] = bool(donated[index]) if index < len(donated) else False
        known = shardings[index] if index < len(shardings) else None
        row["sharding"] = sharding_text(getattr(values[index], "sharding", None) if values is not None else known)
        rows.append(row)
    return rows


def sharding_text(sharding: Any) -> str | None:
    """The partition spec and mesh of a sharding over several devices; null for one device or none given."""
    spec, devices = getattr(sharding, "spec", None), getattr(sharding, "device_set", ())
    if len(devices) <= 1:
        return None
    mesh = mesh_shape(getattr(sharding, "mesh", None))
    return f"{spec} {mesh}" if spec is not None else str(sharding)


def value_row(variable: Any) -> dict[str, Any]:
    """Shape, dtype and bytes of a jaxpr variable; null where its type has none (tokens, abstract refs)."""
    aval = variable.aval
    shape, dtype = getattr(aval, "shape", None), getattr(aval, "dtype", None)
    size: int | None = None
    if shape is not None and dtype is not None and all(isinstance(each, int) for each in shape):
        size = int(getattr(dtype, "itemsize", 0))
        for extent in shape:
            size *= extent
    weak = bool(getattr(aval, "weak_type", False))
    return {
        "name": None,
        "shape": None if shape is None else [each if isinstance(each, int) else str(each) for each in shape],
        "dtype": None if dtype is None else str(dtype),
        "weak_type": weak,
        "bytes": size,
        "donated": False,
        "sharding": None,
        "type": ("~" if weak else "") + equations.type_text(variable),
    }
