"""Modules compiled and run by the client, nothing traced; what an executable tells of itself."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .stablehlo import main_function

_ELF = b"\x7fELF"


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


def sharding_text(sharding: Any) -> str:
    """A sharding made here, as HLO writes it: ``{devices=[8,1]<=[8]}``, ``{replicated}``."""
    return str(sharding._hlo_sharding)


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


def object_code(executable: Any) -> list[str] | None:
    """Hashes of the object files that a loaded executable holds, in order; None where its backend shows none.

    They are the ELF images in its serialized form, each as long as its header says.
    """
    try:
        data = executable.serialize()
    except Exception:  # a backend that cannot, in its own words
        return None
    found, at = [], data.find(_ELF)
    while at >= 0 and at + 64 <= len(data):
        sections, size, count = *struct.unpack_from("<Q", data, at + 40), *struct.unpack_from("<HH", data, at + 58)
        end = at + sections + size * count
        found.append(hashlib.sha256(data[at:end]).hexdigest())
        at = data.find(_ELF, max(end, at + len(_ELF)))
    return sorted(found)


def hlo_text(executable: Any) -> str:
    """The optimized HLO of a loaded executable, as ``compiled.as_text()`` gives it."""
    return "\n\n".join(module.to_string() for module in executable.hlo_modules())


def bare_hlo(executable: Any) -> str:
    """The optimized HLO without metadata: nothing of it tells from which line of which script it comes."""
    from jax._src.lib import hlo

    options = hlo.HloPrintOptions()
    options.print_metadata = False
    return "\n\n".join(module.to_string(options) for module in executable.hlo_modules())


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


def first_run(runtime: Any) -> int | None:
    """The ``run_id`` that profile events of a loaded executable's first execution carry; None where it is not known.

    JAX numbers the executions of an executable from a hash of its fingerprint on: FarmHash's Fingerprint64, of which
    32 bits are kept (`GetBaseLaunchId` of jaxlib; the same on 0.10.2 and 0.12.0). A signed 32-bit number, as in events.
    """
    print_ = _ask(lambda: runtime.fingerprint)
    data = print_.encode() if isinstance(print_, str) else print_
    if not isinstance(data, bytes) or not 33 <= len(data) <= 64:
        return None
    number = _farm_hash(data) & 0xFFFFFFFF
    return number - (1 << 32) if number >> 31 else number


def _farm_hash(data: bytes) -> int:
    """FarmHash's Fingerprint64 of 33 to 64 bytes."""
    size, constant = len(data), 0x9AE16A3B2F90404F
    factor = constant + 2 * size
    at = [int.from_bytes(data[i : i + 8], "little") for i in (0, 8, 16, 24)]
    back = {i: int.from_bytes(data[size - i : size - i + 8], "little") for i in (8, 16, 24, 32)}
    a, c, d, e = _wrap(at[0] * constant), _wrap(back[8] * factor), _wrap(back[16] * constant), _wrap(at[2] * factor)
    y = _wrap(_rotate(a + at[1], 43) + _rotate(c, 30) + d)
    z = _mix(y, a + _rotate(at[1] + constant, 18) + c, factor)
    g, h = _wrap((y + back[32]) * factor), _wrap((z + back[24]) * factor)
    return _mix(_rotate(e + at[3], 43) + _rotate(g, 30) + h, e + _rotate(at[3] + a, 18) + g, factor)


def _wrap(value: int) -> int:
    return value & 0xFFFFFFFFFFFFFFFF


def _rotate(value: int, bits: int) -> int:
    value = _wrap(value)
    return _wrap(value >> bits | value << (64 - bits))


def _mix(u: int, v: int, factor: int) -> int:
    v = _wrap(v)
    a = _wrap((_wrap(u) ^ v) * factor)
    a ^= a >> 47
    b = _wrap((v ^ a) * factor)
    b ^= b >> 47
    return _wrap(b * factor)


def _ask(question: Callable[[], Any]) -> Any:
    """An analysis that a backend may not have: None then (the kinds of error differ between backends)."""
    try:
        return question()
    except (RuntimeError, NotImplementedError, AttributeError, TypeError, ValueError):
        return None


def peak_bytes(executable: Any, platform: str) -> int | None:
    """The most bytes a call of a loaded executable needs on one device; None when the backend does not tell.

    The compiler's own peak. On CPU that leaves temporaries out: there, and where the compiler tells none, arguments,
    outputs and temporaries less what is aliased, all of which a call holds at once, if that is more.
    """
    from jax.errors import JaxRuntimeError

    try:
        stats = executable.get_compiled_memory_stats()
    except JaxRuntimeError:  # not implemented by every backend
        return None
    if stats is None:
        return None
    own = int(getattr(stats, "peak_memory_in_bytes", 0) or 0)
    if own and platform != "cpu":
        return own
    held = stats.argument_size_in_bytes + stats.output_size_in_bytes + stats.temp_size_in_bytes
    return max(int(held - stats.alias_size_in_bytes), own) or None


def program_ids(executable: Any) -> list[str]:
    """The ``program_id`` of a loaded executable's modules in profile events, as decimal strings."""
    return [str(module_id(module.as_serialized_hlo_module_proto())) for module in executable.hlo_modules()]


def eager_callable(primitive: Any, params: Mapping[str, Any]) -> Any:
    """The jitted function that eager dispatch of a primitive calls; None for one that is dispatched another way."""
    from jax._src import dispatch

    if getattr(primitive.impl, "func", None) is not dispatch.apply_primitive:
        return None
    return dispatch.xla_primitive_callable(primitive, **params)


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
