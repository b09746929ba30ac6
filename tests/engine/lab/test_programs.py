"""Loaded programs: kept by id within a limit, from StableHLO or from an exported artifact."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from lab_process import Program

from xlascope.engine.core.executable import CompileError, Executable
from xlascope.engine.lab.program import LoadedProgram, NotHere, Programs


def load(programs: Programs, program: Program, blobs: dict[str, bytes] | None = None) -> LoadedProgram:
    command = {"program": program.id, "record": program.record, "args_record": program.args_record}
    return programs.load(command, program.blobs if blobs is None else blobs)


def test_a_program_is_kept_by_its_id(programs: dict[str, Program]) -> None:
    loaded = Programs()
    first = load(loaded, programs["softmax"])
    assert load(loaded, programs["softmax"]) is first and load(loaded, programs["softmax"], {}) is first


def test_other_code_under_the_same_id_is_loaded_anew(programs: dict[str, Program]) -> None:
    loaded = Programs()
    first = load(loaded, programs["softmax"])
    other = Program(programs["softmax"].record, {}, {"stablehlo": programs["cond"].blobs["stablehlo"]})
    assert load(loaded, other) is not first


def test_the_least_recently_used_goes_first(programs: dict[str, Program]) -> None:
    sizes = {name: load(Programs(), programs[name]).nbytes for name in ("softmax", "attention", "train")}
    loaded = Programs(limit=sum(sizes.values()) - 1)
    for name in ("softmax", "attention", "softmax", "train"):
        load(loaded, programs[name])
    assert load(loaded, programs["softmax"], {}).id == "softmax#1"
    with pytest.raises(NotHere):
        load(loaded, programs["attention"], {})


def test_one_program_over_the_limit_is_still_served(programs: dict[str, Program]) -> None:
    loaded = Programs(limit=1)
    assert load(loaded, programs["train"]).id == "train#1"
    assert load(loaded, programs["softmax"]).id == "softmax#1"


def artifact_of(function: Any, *args: Any) -> bytes:
    return bytes(export.export(jax.jit(function), platforms=["cpu"])(*args).serialize())


def test_on_another_platform_the_artifact_is_executed() -> None:
    """It keeps its own list of the inputs that are left."""
    a, b, c = (jnp.arange(6, dtype=jnp.float32) + k for k in range(3))
    row = {"name": "", "shape": [6], "dtype": "float32"}
    record = {"id": "f#1", "inputs": [row] * 3, "outputs": [row], "platform": "cuda"}
    leaves = [{"index": k, "blob": f"a{k}"} for k in range(3)]
    blobs = {f"a{k}": np.asarray(each).tobytes() for k, each in enumerate((a, b, c))}
    blobs |= {"stablehlo": b"code for another machine", "artifact": artifact_of(lambda a, b, c: a * c, a, b, c)}
    program = load(Programs(), Program(record, {"leaves": leaves}, blobs))
    assert program.kept == (0, 2) and program.arguments.state == "recorded"
    executable = Executable(program.bytecode, program.facts, jax.devices()[:1])
    executable.place(program.arguments.values)
    np.testing.assert_array_equal(executable.outputs()[0], a * c)


def test_a_broken_artifact() -> None:
    record = {"id": "f#1", "inputs": [], "platform": "cuda"}
    with pytest.raises(NotHere):
        load(Programs(), Program(record, {}, {"artifact": b"nothing"}))


def test_xla_says_why_it_refuses(programs: dict[str, Program]) -> None:
    program = load(Programs(), programs["softmax"])
    with pytest.raises(CompileError) as raised:
        Executable(program.bytecode, program.facts, jax.devices()[:1], {"xla_nonsense": "1"})
    assert "xla_nonsense" in str(raised.value) and "\n" not in str(raised.value)
