"""Modules compiled and run by the client, nothing traced; what an executable tells of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xlascope.engine.compat.stablehlo import main_function


def compile_module(module: Any, devices: Sequence[Any], replicas: int, options: Mapping[str, Any]) -> Any:
    """Compile a StableHLO module for `devices` with XLA options; no cache takes part.

    Arguments and results without a sharding of their own are left to XLA's propagation, as JAX does for unspecified
    ones. Raises jax.errors.JaxRuntimeError with XLA's message.
    """
    import numpy as np
    from jax._src import compiler
    from jax._src.lib import _jax

    main = main_function(module)
    partitions = len(devices) // replicas
    grid = np.array(devices, dtype=object).reshape(replicas, partitions)
    compile_options = compiler.get_compile_options(
        num_replicas=replicas,
        num_partitions=partitions,
        device_assignment=grid,
        env_options_overrides=dict(options),
        backend=devices[0].client,
    )
    build = compile_options.executable_build_options
    if partitions > 1:
        # Whichever partitioner the module was lowered for, whatever this process is set to.
        build.use_shardy_partitioner = any(each.operation.name == "sdy.mesh" for each in module.body.operations)
    build.allow_spmd_sharding_propagation_to_parameters = _left_to_xla(main, "arg_attrs", len(main.type.inputs))
    build.allow_spmd_sharding_propagation_to_output = _left_to_xla(main, "res_attrs", len(main.type.results))
    return compiler.backend_compile_and_load(
        devices[0].client, module, _jax.DeviceList(tuple(devices)), compile_options, []
    )


def _left_to_xla(main: Any, which: str, count: int) -> list[bool]:
    from jaxlib.mlir import ir

    if which not in main.operation.attributes:
        return [True] * count
    sharded = {"sdy.sharding", "mhlo.sharding"}
    return [
        not any(name in ir.DictAttr(one) for name in sharded) for one in ir.ArrayAttr(main.operation.attributes[which])
    ]


def parameter_shardings(executable: Any, devices: Sequence[Any], count: int) -> list[Any]:
    """For each parameter of a loaded executable the sharding its argument must have."""
    return _shardings(executable.get_parameter_shardings(), devices, count)


def output_shardings(executable: Any, devices: Sequence[Any], count: int) -> list[Any]:
    """For each result of a loaded executable the sharding it comes in."""
    return _shardings(executable.get_output_shardings(), devices, count)


def _shardings(protos: Any, devices: Sequence[Any], count: int) -> list[Any]:
    import jax
    from jax._src.lib import xla_client
    from jax._src.sharding_impls import GSPMDSharding

    if len(devices) == 1:
        return [jax.sharding.SingleDeviceSharding(devices[0])] * count
    replicated = xla_client.HloSharding.replicate()
    protos = list(protos) if protos else []
    protos += [None] * (count - len(protos))
    found = [replicated if proto is None else xla_client.HloSharding.from_proto(proto) for proto in protos]
    return [GSPMDSharding(tuple(devices), sharding) for sharding in found]


def execute(executable: Any, arguments: Sequence[Any]) -> list[list[Any]]:
    """Run a loaded executable once: for each result its single-device arrays. Does not wait for them."""
    return executable.execute_sharded(arguments).disassemble_into_single_device_arrays()


def block_until_ready(arrays: Sequence[Any]) -> None:
    """Wait until all arrays are computed, without a Python call for each. Raises what their computation raised."""
    from jax._src.lib import _jax

    _jax.batched_block_until_ready(arrays)


def prepare_cpu_kernels() -> None:
    """Make LAPACK's custom calls callable: JAX does so when it lowers one; a loaded module was lowered elsewhere."""
    from jaxlib import lapack

    lapack._lapack.initialize()


def hlo_text(executable: Any) -> str:
    """The optimized HLO of a loaded executable, as ``compiled.as_text()`` gives it."""
    return "\n\n".join(module.to_string() for module in executable.hlo_modules())


def executable_facts(runtime: Any) -> dict[str, Any]:
    """``partitions``, ``replicas``, ``memory`` (bytes) and ``cost`` of a runtime executable; null where it has none."""
    facts: dict[str, Any] = {"partitions": None, "replicas": None, "memory": None, "cost": None}
    options = _ask(lambda: runtime.get_compiled_memory_stats())
    if options is not None:
        facts["memory"] = {
            name: int(getattr(options, f"{name}_size_in_bytes"))
            for name in ("argument", "output", "alias", "temp", "generated_code")
            if hasattr(options, f"{name}_size_in_bytes")
        }
        peak = getattr(options, "peak_memory_in_bytes", None)
        if peak is not None:
            facts["memory"]["peak"] = int(peak)
    cost = _ask(lambda: runtime.cost_analysis())
    if cost is not None:
        cost = cost[0] if isinstance(cost, list) and cost else cost
        facts["cost"] = {str(key): float(value) for key, value in dict(cost).items() if isinstance(value, (int, float))}
    return facts


def _ask(question: Callable[[], Any]) -> Any:
    """An analysis that a backend may not have: None then (the kinds of error differ between backends)."""
    try:
        return question()
    except (RuntimeError, NotImplementedError, AttributeError, TypeError, ValueError):
        return None


def peak_bytes(executable: Any) -> int | None:
    """The most bytes a call of a loaded executable needs on one device; None when the backend does not tell."""
    from jax.errors import JaxRuntimeError

    try:
        stats = executable.get_compiled_memory_stats()
    except JaxRuntimeError:  # not implemented by every backend
        return None
    if stats is None:
        return None
    peak = getattr(stats, "peak_memory_in_bytes", 0)
    if peak:
        return int(peak)
    held = stats.argument_size_in_bytes + stats.output_size_in_bytes + stats.temp_size_in_bytes
    return int(held - stats.alias_size_in_bytes) or None


def program_ids(executable: Any) -> list[str]:
    """The ``program_id`` of a loaded executable's modules in profile events, as decimal strings."""
    return [str(module_id(module.as_serialized_hlo_module_proto())) for module in executable.hlo_modules()]


def module_id(proto: bytes) -> int:
    """Field 5 (``id``) of a serialized ``HloModuleProto``: the ``program_id`` of profile events."""
    at, found = 0, 0
    while at < len(proto):
        key, at = _varint(proto, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(proto, at)
            if key >> 3 == 5:
                found = value
        elif wire == 2:
            length, at = _varint(proto, at)
            at += length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire} in an HloModuleProto")
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
