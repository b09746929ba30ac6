"""How a program's arguments lie on a lab's devices, and what XLA made of that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...protocol.plans import ShardPlan, plan
from ...protocol.specs import ShardingError, Spec, leaves, mesh_text, spec_text
from ..core.executable import Executable
from ..core.switches import Switches
from .program import LoadedProgram


def shard_plan(touched: Switches, program: LoadedProgram) -> ShardPlan | None:
    """How the arguments lie on the devices; None for as they are. Raises ShardingError.

    A program that the script spread over devices itself stays on as many: its arguments are laid otherwise over its
    own mesh.
    """
    if not touched.sharded:
        return None
    own = program.facts.device_count
    devices = touched.devices if touched.devices is not None else own
    mesh = touched.mesh or None
    if program.facts.replicas > 1:
        raise ShardingError(
            f"{program.id} was made by pmap: its devices each run a copy of the whole program",
            "its sharding cannot be chosen; write it with jit, or measure it as it is",
        )
    if own > 1:
        mesh = _own_mesh(program, devices, own, touched)
    if touched.shard_plan == "as-script":
        if own == 1:
            raise ShardingError(
                f"{program.id} ran on one device, so the script gave it no sharding",
                "choose one of replicate, batch, fsdp, auto",
            )
        if touched.shard:
            raise ShardingError(
                "as-script leaves all arguments as they were, and a spec changes one", "leave one of the two out"
            )
        return None
    if devices == 1:
        raise ShardingError("a sharding needs more than one device", "add --devices 8, or --mesh x=4,y=2")
    if own > 1 and not (touched.shard or touched.shard_plan):
        return None
    inputs = leaves(program.record.get("inputs") or [])
    outputs = leaves(program.record.get("outputs") or [])
    return plan(inputs, outputs, devices, mesh, touched.shard_plan, touched.shard, spread=own > 1)


def _own_mesh(program: LoadedProgram, devices: int, own: int, touched: Switches) -> dict[str, int] | None:
    """The mesh that the script made for the program."""
    if devices != own:
        raise ShardingError(
            f"{program.id} is itself a program on {own} devices, and {devices} are asked for",
            f"ask for no number of devices, or for {own}; another one is for programs on one device",
        )
    mesh = program.record.get("mesh") or None
    if touched.mesh and mesh and dict(touched.mesh) != mesh:
        raise ShardingError(
            f"the script laid {program.id} over the mesh {mesh_text(mesh)}, and {mesh_text(touched.mesh)} is asked for",
            f"leave --mesh out, or give {mesh_text(mesh)}",
        )
    return mesh or touched.mesh or None


def _written(spec: Spec | None) -> str | None:
    return None if spec is None else spec_text(spec)


def facts(executable: Executable, plan: ShardPlan | None, kept: Sequence[int]) -> dict[str, Any]:
    """Keys of a `result`, by the module's arguments (`kept_inputs`: their places among the program's inputs): the specs
    of the plan, why an argument is whole, and what XLA chose (HLO's notation)."""
    inputs, outputs = executable.sharding_texts()
    return {
        "kept_inputs": list(kept),
        "input_specs": [_written(plan.specs[index]) for index in kept] if plan else None,
        "input_why": [plan.why[index] for index in kept] if plan else None,
        "input_shardings": inputs,
        "output_shardings": outputs,
    }
