"""The forms of a program, made from JAX's own objects and sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import compat
from ..lend import lend
from . import equations

MOST_PRINTED = 1_000_000


@dataclass(frozen=True, slots=True)
class LiveProgram:
    """A captured program that is still in memory: its id, closed jaxpr, and input rows."""

    id: str
    jaxpr: Any
    inputs: list[dict[str, Any]]


def send_jaxpr(link: Any, program: Any, jaxpr: Any, send_source: Callable[[str], None]) -> None:
    """The ``jaxpr`` stage, and the sources that its equations come from."""
    if program.equations > MOST_PRINTED:
        link.drop("jaxpr text", f"more than {MOST_PRINTED} equations")
        return
    files = equations.own_files(None if program.function.library else program.function.file)
    text, rows = equations.text_and_rows(jaxpr, program.place, files)
    if len(rows) < program.equations:
        link.drop("equations", f"only the first {len(rows)} of a jaxpr are kept", program.equations - len(rows))
    link.send(
        {"kind": "stage", "program": program.id, "stage": "jaxpr"},
        {"text": text.encode(), "equations": json.dumps(rows, separators=(",", ":")).encode()},
    )
    program.jaxpr_sent = True
    for file in equations.own_of(rows, files):
        send_source(file)


def send_stablehlo(link: Any, program: Any, computation: Any) -> None:
    """Sends a program's StableHLO as text and as portable bytecode."""
    module = compat.computation_module(computation)
    link.send(
        {"kind": "stage", "program": program.id, "stage": "stablehlo"},
        {"text": compat.module_text(module).encode(), "bytecode": compat.portable_bytecode(module)},
    )


def send_unoptimized(link: Any, program: Any, computation: Any) -> None:
    """The HLO before optimization; nothing when JAX has dropped the lowered form (it can be made from StableHLO)."""
    if computation is not None:
        text = compat.unoptimized_hlo_text(compat.computation_module(computation))
        link.send({"kind": "stage", "program": program.id, "stage": "hlo"}, {"text": text.encode()})


def send_executable(link: Any, program: Any, executable: Any) -> None:
    """The ``executable`` record with the ids that profile events carry, and the optimized text of the script's own."""
    runtime = executable.runtime_executable()
    modules = runtime.hlo_modules()
    if not modules:
        link.drop("executable", "the backend shows no module")
        return
    number = str(compat.module_id(modules[0].as_serialized_hlo_module_proto()))
    if number not in program.program_ids:
        program.program_ids = [*program.program_ids, number][-64:]
    facts = compat.executable_facts(runtime) if not program.eager else {}
    link.send({
        "kind": "executable", "program": program.id, "program_ids": program.program_ids, "module": modules[0].name,
        "program_id": number, "first_run": compat.first_run(runtime),
        "partitions": None, "replicas": None, "memory": None, "cost": None, **facts,
    })  # fmt: skip
    if not program.eager and len(program.program_ids) == 1:
        text = modules[0].to_string().encode()
        link.send({"kind": "stage", "program": program.id, "stage": "optimized"}, {"text": text})


def collect(hook: Any, program: Any, body: dict[str, Any]) -> tuple[bool, str]:
    """Send what a view asks for and the file lacks: ``optimized``, ``stages`` or an ``artifact`` for ``platform``."""
    what = str(body.get("what"))
    if what == "optimized":
        executable = next((each for ref in program.executables if (each := ref()) is not None), None)
        if executable is None:
            return False, "The executable is no longer in memory."
        text = executable.runtime_executable().hlo_modules()[0].to_string()
        hook.link.send({"kind": "stage", "program": program.id, "stage": "optimized"}, {"text": text.encode()})
        return True, ""
    if what not in {"stages", "artifact"}:
        return False, f"A recorder cannot collect {what!r}."
    jaxpr = hook.programs.alive(program)
    if jaxpr is None:
        return False, "The trace is no longer in memory."
    if what == "stages":
        send_jaxpr(hook.link, program, jaxpr, hook.programs.send_source)
        return True, ""
    lend(hook.recording.config.get("lend") or {})
    platform = str(body.get("platform") or "cpu")
    data = compat.export_artifact(jaxpr, [row["donated"] for row in program.inputs], platform)
    hook.link.send(
        {"kind": "artifact", "program": program.id, "platforms": [platform], "format": "jax.export"}, {"data": data}
    )
    return True, ""
