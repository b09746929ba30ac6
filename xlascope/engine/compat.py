"""Every private name of JAX and XLA that the engine uses, one function for each need (JAX 0.10 to 0.12)."""

from __future__ import annotations

import _thread
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

# ------------------------------------------------------------------------------------- our own use of JAX, unnoticed
_unnoticed_threads: set[int] = set()


@contextmanager
def unnoticed() -> Iterator[None]:
    """What this thread has JAX do inside reaches no listener, no logger and no compilation cache of the script's."""
    thread = _thread.get_ident()
    if thread in _unnoticed_threads or "jax" not in sys.modules:
        yield
        return
    # Here and not above: the script's `logging`, which is not the one that the recorder imported before it.
    import logging

    import jax
    from jax._src import config

    _mute_monitoring()
    loggers = [
        logger
        for name, logger in logging.root.manager.loggerDict.copy().items()
        if name.startswith("jax") and isinstance(logger, logging.Logger)
    ]
    for logger in loggers:
        logger.addFilter(_not_ours)
    _unnoticed_threads.add(thread)
    try:
        with (
            jax.log_compiles(False),
            jax.explain_cache_misses(False),
            config.persistent_cache_min_compile_time_secs(math.inf),
        ):
            yield
    finally:
        _unnoticed_threads.discard(thread)
        if not _unnoticed_threads:
            for logger in loggers:
                logger.removeFilter(_not_ours)


def _not_ours(record: Any) -> bool:
    return _thread.get_ident() not in _unnoticed_threads


def _mute_monitoring() -> None:
    """Once: `jax.monitoring` tells nobody about what an unnoticed thread does."""
    from jax._src import monitoring

    for name in ("record_event", "record_event_duration_secs", "record_event_time_span", "record_scalar"):
        original = getattr(monitoring, name)
        if hasattr(original, "__wrapped__"):
            return

        def muted(*args: Any, __wrapped__: Any = original, **kwargs: Any) -> None:
            if _thread.get_ident() not in _unnoticed_threads:
                __wrapped__(*args, **kwargs)

        muted.__wrapped__ = original  # type: ignore[attr-defined]
        # Modules of JAX hold the function by its name.
        for module in [module for key, module in sys.modules.copy().items() if key.startswith("jax.")]:
            if vars(module).get(name) is original:
                setattr(module, name, muted)


# ---------------------------------------------------------------------------------------------- recording: the hook
def hide_frames(folder: str) -> None:
    """Keep frames of files below ``folder`` out of JAX's filtered tracebacks and source locations."""
    from jax._src import source_info_util, traceback_util

    traceback_util.register_exclusion(folder)
    source_info_util.register_exclusion(folder)


def wrap_lowering(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the one function through which jit, pmap and ahead-of-time lowering pass once a trace is done."""
    from jax._src import pjit

    pjit._resolve_and_lower = wrap(pjit._resolve_and_lower)


def wrap_compile(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the method that turns a lowered computation into an executable (``compile(self, …)``)."""
    from jax._src.interpreters import pxla

    pxla.MeshComputation.compile = wrap(pxla.MeshComputation.compile)  # type: ignore[method-assign]


def wrap_compiled_call(wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace the method that JAX calls once, at a ``Compiled``'s first call (``create_cpp_call(self, params)``)."""
    from jax._src.interpreters import pxla

    pxla.MeshExecutable.create_cpp_call = wrap(pxla.MeshExecutable.create_cpp_call)  # type: ignore[method-assign]


def compiled_call_values(depth: int, params: Any) -> tuple[Any, ...] | None:
    """Flat arguments of the call of a ``Compiled`` in progress, from the frame of it; None when there is no such frame.

    ``depth`` counts from the caller of this function, ``params`` are the executable's own call parameters.
    """
    import jax

    frame = sys._getframe(depth + 1)
    names = frame.f_locals
    if frame.f_code.co_name != "__call__" or "args" not in names or "kwargs" not in names:
        return None
    leaves, tree = jax.tree.flatten((names["args"], names["kwargs"]))
    return tuple(leaves) if tree == getattr(params, "in_tree", tree) else None


def dispatch_frames(depth: int) -> dict[str, Any]:
    """What JAX's dispatch knows of the call in progress, read from the frames that called the lowering.

    Keys, each None when this is another way in: ``fun`` (the Python callable), ``values`` (flat arguments),
    ``arg_names``, ``args``, ``kwargs``, ``jit_info``; and ``aot``. ``depth`` counts from the caller of this function.
    """
    found: dict[str, Any] = dict.fromkeys(("fun", "values", "arg_names", "args", "kwargs", "jit_info"))
    frame = sys._getframe(depth + 1)
    caller = frame.f_back
    found["aot"] = frame.f_code.co_name == "lower"
    if found["aot"] and caller is not None and caller.f_code.co_name == "jit_lower":
        names = caller.f_locals
        found["fun"] = getattr(names.get("jit_func"), "_fun", None)
        found["jit_info"] = getattr(names.get("jit_func"), "_jit_info", None)
        found["args"], found["kwargs"] = names.get("args"), names.get("kwargs")
    if frame.f_code.co_name == "_pjit_call_impl_python":
        found["values"] = frame.f_locals.get("args")
        if caller is not None and caller.f_code.co_name == "_run_python_pjit":
            names = caller.f_locals
            found["fun"] = names.get("fun")
            found["args"], found["kwargs"] = names.get("args"), names.get("kwargs")
            found["arg_names"] = getattr(names.get("p"), "arg_names", None)
            outer = caller.f_back
            found["jit_info"] = outer.f_locals.get("jit_info") if outer is not None else None
    return found


def static_arguments(call: dict[str, Any]) -> list[tuple[str, Any]]:
    """The static arguments of a call found by `dispatch_frames`, as (name or position, value)."""
    info, args, kwargs = call.get("jit_info"), call.get("args"), call.get("kwargs")
    if info is None or args is None or kwargs is None:
        return []
    signature = getattr(info, "fun_signature", None)
    names = list(signature.parameters) if signature is not None else []
    static = [(names[i] if i < len(names) else str(i), args[i]) for i in info.static_argnums if i < len(args)]
    return static + [(name, kwargs[name]) for name in info.static_argnames if name in kwargs]


def open_jaxpr(closed: Any) -> Any:
    """The ``Jaxpr`` of a ``ClosedJaxpr``; one class since 0.11."""
    return getattr(closed, "jaxpr", closed)


def jaxpr_consts(closed: Any) -> list[Any]:
    return list(getattr(closed, "consts", ()))


def sub_jaxprs(equation: Any) -> Iterator[Any]:
    """The jaxprs in an equation's parameters, in JAX's own parameter order (closed or open)."""
    for value in equation.params.values():
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if is_jaxpr(item):
                yield item


def user_frame(source_info: Any) -> tuple[str, int, str] | None:
    """File, line and function of the innermost frame outside JAX, or None."""
    from jax._src import source_info_util

    frame = source_info_util.user_frame(source_info.traceback if hasattr(source_info, "traceback") else source_info)
    return None if frame is None else (frame.file_name, frame.start_line, frame.function_name)


def user_codes(source_info: Any) -> list[Any]:
    """The code objects of the frames outside JAX in which an equation was traced, innermost first."""
    traceback = source_info.traceback
    codes = traceback.raw_frames()[0] if traceback is not None else []
    return [code for code in codes if is_user_file(code.co_filename)]


def current_traceback() -> Any:
    from jax._src import source_info_util

    return source_info_util.current().traceback


def is_user_file(path: str) -> bool:
    from jax._src import source_info_util

    return bool(source_info_util.is_user_filename(path))


def debug_info(closed: Any) -> tuple[str | None, str | None, int | None, tuple[str, ...] | None]:
    """Name, file, line and argument names that a jaxpr remembers of the function it was traced from."""
    info = getattr(open_jaxpr(closed), "debug_info", None)
    if info is None:
        return None, None, None, None
    text = info.func_src_info or ""
    name, _, place = text.partition(" at ")
    path, _, line = place.rpartition(":")
    names = info.arg_names
    known = tuple(str(each) for each in names) if names is not None else None
    return name or None, path or None, int(line) if line.isdigit() else None, known


def computation_module(computation: Any) -> Any:
    """The StableHLO ``ir.Module`` of a lowered computation."""
    return computation.stablehlo()


def module_text(module: Any) -> str:
    """StableHLO as text, without locations and with large constants in full only up to JAX's own limit."""
    return str(module)


def portable_bytecode(module: Any) -> bytes:
    """A StableHLO module as a portable artifact (readable by JAX of about a month earlier and later)."""
    from jax._src import xla_bridge
    from jax._src.lib import _jax
    from jax._src.lib.mlir.dialects import hlo

    target = hlo.get_version_from_compatibility_requirement(hlo.StablehloCompatibilityRequirement.WEEK_4)
    return _jax.mlir.serialize_portable_artifact(module, target, xla_bridge.get_backend().serialize_with_sdy)


def backend_is_up() -> bool:
    """Whether a backend has been started; asking starts none."""
    from jax._src import xla_bridge

    return bool(xla_bridge._backends)


def trace_state_clean() -> bool:
    from jax._src import core

    return core.trace_state_clean()


# --------------------------------------------------------------------------------------------- recording: the profiler
def open_profile(host_level: int) -> Any:
    """Start a raw profiler session; needs and starts no backend. Raises when another session is open."""
    from jax._src.lib import _profiler

    options = _profiler.ProfileOptions()
    options.python_tracer_level = 0
    options.host_tracer_level = host_level
    return _profiler.ProfilerSession(options)


def library_folder() -> str:
    import jax

    return os.path.dirname(os.path.abspath(jax.__file__))


# --------------------------------------------------------------------- lab: modules run by the client, nothing traced
def kept_inputs(lowered: Any) -> list[int] | None:
    """Positions of the flat arguments that the lowered module still has; None when this JAX does not tell."""
    kept = lowered._lowering.compile_args.get("kept_var_idx")
    return None if kept is None else sorted(int(index) for index in kept)


@contextmanager
def stablehlo_module(bytecode: bytes) -> Iterator[Any]:
    """The module of a portable artifact, inside its MLIR context. Raises ValueError for bytes that are none."""
    from jax._src.interpreters import mlir
    from jax._src.lib import _jax
    from jaxlib.mlir import ir

    with mlir.make_ir_context(), ir.Location.unknown():
        yield _jax.mlir.deserialize_portable_artifact(bytecode)


def main_function(module: Any) -> Any:
    """The ``func.func @main`` of a module. Raises ValueError when there is none."""
    from jaxlib.mlir import ir
    from jaxlib.mlir.dialects import func

    for operation in module.body.operations:
        if isinstance(operation, func.FuncOp) and ir.StringAttr(operation.attributes["sym_name"]).value == "main":
            return operation
    raise ValueError("the StableHLO module has no function @main")


def argument_names(main: Any) -> list[str]:
    """The names that JAX gave the arguments of a lowered function (``params['w']``); empty where it gave none."""
    locations = (str(argument.location) for argument in main.entry_block.arguments)
    found = (re.match(r'loc\("((?:[^"\\]|\\.)*)"', location) for location in locations)
    return [match.group(1) if match else "" for match in found]


def operation_names(module: Any) -> tuple[set[str], set[str]]:
    """Names of all operations of a module (``stablehlo.add``), and the targets of its custom calls."""
    from jaxlib.mlir import ir

    names: set[str] = set()
    targets: set[str] = set()

    def visit(operation: Any) -> Any:
        names.add(operation.name)
        if operation.name == "stablehlo.custom_call":
            targets.add(ir.StringAttr(operation.attributes["call_target_name"]).value)
        return ir.WalkResult.ADVANCE

    module.operation.walk(visit)
    return names, targets


def set_partitions(module: Any, mesh: Mapping[str, int], specs: Sequence[Sequence[Sequence[str]]]) -> None:
    """Shard the arguments of ``@main`` over a mesh, in place; its results are left to XLA.

    `specs`: for each argument, for each dimension, the mesh axes that split it. Donated arguments become buffer
    donors: which output may use their memory depends on the shardings XLA chooses (so does JAX).
    """
    from jaxlib.mlir import ir

    mesh_axes = ", ".join(f'"{name}"={size}' for name, size in mesh.items())
    block = ir.InsertionPoint.at_block_begin(module.body)
    block.insert(ir.Operation.parse(f"sdy.mesh @xlascope_mesh = <[{mesh_axes}]>"))
    size = math.prod(mesh.values())
    module.operation.attributes["mhlo.num_partitions"] = ir.IntegerAttr.get(ir.IntegerType.get_signless(32), size)
    main = main_function(module)
    changed = []
    for attributes, spec in zip(main.arg_attrs, specs, strict=True):
        entries = {named.name: named.attr for named in attributes}
        dimensions = ", ".join("{" + ", ".join(f'"{axis}"' for axis in axes) + "}" for axes in spec)
        entries["sdy.sharding"] = ir.Attribute.parse(f"#sdy.sharding<@xlascope_mesh, [{dimensions}]>")
        if entries.pop("tf.aliasing_output", None) is not None:
            entries["jax.buffer_donor"] = ir.BoolAttr.get(True)
        changed.append(ir.DictAttr.get(entries))
    main.arg_attrs = ir.ArrayAttr.get(changed)


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
        not any(name in ir.DictAttr(one) for name in sharded)
        for one in ir.ArrayAttr(main.operation.attributes[which])
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


def unoptimized_hlo_text(module: Any) -> str:
    """HLO text of a StableHLO module before any optimization. Raises what XLA raises when it cannot translate it."""
    from jax._src.interpreters import mlir
    from jax._src.lib import _jax

    computation = _jax.mlir.mlir_module_to_xla_computation(mlir.module_to_bytecode(module))
    return computation.get_hlo_module().to_string()


# ---------------------------------------------------------------------------------------------- tagging of equations
def is_jaxpr(value: Any) -> bool:
    """Whether a value is a jaxpr, closed or open."""
    from jax._src import core

    return isinstance(value, (core.Jaxpr, getattr(core, "ClosedJaxpr", core.Jaxpr)))


def with_equations(jaxpr: Any, equations: list[Any]) -> Any:
    """The same jaxpr, closed or open, with other equations."""
    inner = open_jaxpr(jaxpr)
    return jaxpr.replace(eqns=equations) if inner is jaxpr else jaxpr.replace(jaxpr=inner.replace(eqns=equations))


def with_scope(equation: Any, scope: str, params: dict[str, Any]) -> Any:
    """The equation with other parameters and one more scope at the inner end of its name stack."""
    info = equation.source_info
    return equation.replace(params=params, source_info=info.replace(name_stack=info.name_stack.extend(scope)))


def printed(jaxpr: Any) -> tuple[str, dict[int, int]]:
    """JAX's pretty print of a jaxpr, and the line (from 0) on which each equation begins, by the equation's ``id``.

    JAX maps each piece of its output to the traceback of the equation printed; a copy of the jaxpr that has numbers in
    the tracebacks' place tells equations apart.
    """
    numbered, numbers = _numbered(jaxpr)
    source_map: list[list[tuple[int, int, Any]]] = []
    text = numbered.pretty_print(use_color=False, source_map=source_map)
    first: dict[int, int] = {}
    for line, pieces in enumerate(source_map):
        for _, _, number in pieces:
            first.setdefault(number, line)
    return text, {equation: first[number] for equation, number in numbers.items() if number in first}


def _numbered(jaxpr: Any) -> tuple[Any, dict[int, int]]:
    numbers: dict[int, int] = {}
    done: dict[int, Any] = {}

    def swap(value: Any) -> Any:
        if is_jaxpr(value):
            return copy(value)
        if isinstance(value, tuple) and any(map(is_jaxpr, value)):
            items = [swap(item) for item in value]
            return value._make(items) if hasattr(value, "_make") else tuple(items)
        if isinstance(value, list) and any(map(is_jaxpr, value)):
            return [swap(item) for item in value]
        return value

    def copy(one: Any) -> Any:
        if id(one) not in done:
            equations = []
            for equation in open_jaxpr(one).eqns:
                number = numbers[id(equation)] = len(numbers)
                source = equation.source_info.replace(traceback=number)
                params = {name: swap(value) for name, value in equation.params.items()}
                equations.append(equation.replace(source_info=source, params=params))
            done[id(one)] = with_equations(one, equations)
        return done[id(one)]

    return copy(jaxpr), numbers


def watch_disable_jit(changed: Callable[[Any], None]) -> None:
    """Call ``changed`` with the new value of ``jax_disable_jit`` whenever it is set, and now if it is on."""
    from jax._src import config

    state = config.disable_jit
    state._update_thread_local_hook = state._update_global_hook = changed
    if state.value:
        changed(True)


def watch_deserialized(loaded: Callable[[str | None], None]) -> None:
    """Call ``loaded`` with the name of each executable that becomes callable, from a compile or from bytes."""
    from jax._src.interpreters import pxla

    original = pxla.UnloadedMeshExecutable.load

    def load(unloaded: Any) -> Any:
        executable = original(unloaded)
        loaded(getattr(unloaded, "name", None))
        return executable

    pxla.UnloadedMeshExecutable.load = load  # type: ignore[assignment,method-assign]


def export_artifact(jaxpr: Any, donated: Sequence[bool], platform: str) -> bytes:
    """A program, by its flat arguments, as a ``jax.export`` artifact for one platform. Raises what export raises."""
    import jax
    from jax import export
    from jax._src import core

    flat = jax.jit(core.jaxpr_as_fun(jaxpr), donate_argnums=[i for i, one in enumerate(donated) if one])
    specs = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in open_jaxpr(jaxpr).in_avals]
    return bytes(export.export(flat, platforms=[platform])(*specs).serialize())


def has_ordered_effects(closed: Any) -> bool:
    """Whether executions of a jaxpr are kept in order with the world outside (ordered callbacks and the like)."""
    from jax._src import effects

    return bool(effects.ordered_effects.filter_in(open_jaxpr(closed).effects))


def default_platform_if_up() -> str | None:
    """The default backend's platform; None before a backend is up, since asking would start it."""
    import jax

    return jax.default_backend() if backend_is_up() else None


def is_array(value: Any) -> bool:
    """Whether this is a JAX array (typed PRNG keys included), whose value never changes."""
    import jax

    return isinstance(value, jax.Array)


def host_copy(value: Any, dtype: str | None) -> tuple[Any, str | None]:
    """A NumPy copy of an argument and, of a typed PRNG key, its implementation (the copy is of the key's data).

    Leaves no cached host value on the array, as ``np.asarray`` would: that would keep a later donation from using its
    buffer. Raises RuntimeError for a deleted array, ValueError for one whose shards are not all here.
    """
    import jax
    import numpy as np

    if is_array(value) and jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        return host_copy(value._base_array, None)[0], str(value._impl.name)
    if not is_array(value):
        plain = np.array(value)
        return plain.astype(dtype) if dtype is not None and str(plain.dtype) != dtype else plain, None
    if value.is_deleted():
        raise RuntimeError("donated by a later call before it could be copied")
    if not value.is_fully_addressable:
        raise ValueError("parts of the array are in other processes")
    shards = value.addressable_shards
    if len(shards) == 1 or value.is_fully_replicated:
        return np.array(_one_device(shards[0].data)), None
    whole = np.empty(value.shape, value.dtype)
    for shard in shards:
        whole[shard.index] = _one_device(shard.data)
    return whole, None


def _one_device(array: Any) -> Any:
    import numpy as np

    read = getattr(array, "_single_device_array_to_np_array_did_copy", None)
    return read()[0] if read is not None else np.asarray(array)


def watch_script_profiles(before: Callable[[], None]) -> None:
    """Call ``before`` ahead of each profiler session or server that the script starts by ``jax.profiler``."""
    from jax._src import profiler

    class _Watched:
        """The native module as ``jax._src.profiler`` sees it, with two of its entries told of."""

        def __init__(self, native: Any) -> None:
            self._native = native

        def __getattr__(self, name: str) -> Any:
            return getattr(self._native, name)

        def ProfilerSession(self, *args: Any, **keywords: Any) -> Any:
            before()
            return self._native.ProfilerSession(*args, **keywords)

        def start_server(self, *args: Any, **keywords: Any) -> Any:
            before()
            return self._native.start_server(*args, **keywords)

    profiler._profiler = _Watched(profiler._profiler)


def script_is_profiling() -> bool:
    """Whether a profile or a profiler server of the script's own is running."""
    from jax._src import profiler

    state = profiler._profile_state
    session = getattr(state, "session", None) or getattr(state, "profile_session", None)
    return session is not None or profiler._profiler_server is not None


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


def scan_counts(params: Mapping[str, Any]) -> tuple[int, int]:
    """Number of constants and of carried values of a ``scan`` equation, from its parameters."""
    if "num_carry" in params:
        return params["num_consts"], params["num_carry"]
    constants, carried, _ = params["ft_in"].unpack()
    return len(constants), len(carried)


def exported_module(artifact: bytes) -> tuple[bytes, list[int]]:
    """The portable bytecode inside a ``jax.export`` artifact, and which flat inputs its module still has.

    Raises ValueError or ImportError (no ``flatbuffers``) when it cannot be read.
    """
    from jax import export

    try:
        exported = export.deserialize(bytearray(artifact))
    except ImportError:
        raise
    except Exception as error:  # damaged flatbuffers raise whatever their offsets lead to
        raise ValueError(f"no jax.export artifact: {error}") from error
    return exported.mlir_module_serialized, list(exported.module_kept_var_idx)


def program_ids(executable: Any) -> list[str]:
    """The ``program_id`` of a loaded executable's modules in profile events, as decimal strings."""
    return [str(module_id(module.as_serialized_hlo_module_proto())) for module in executable.hlo_modules()]


def key_implementation(dtype: Any) -> str:
    """The name of the generator (``threefry2x32``) behind a typed PRNG key's dtype."""
    return str(dtype._impl.name)


@contextmanager
def compile_clock() -> Iterator[list[int]]:
    """Nanoseconds of each compilation by XLA that this thread starts meanwhile; empty when a cache served it.

    Timed where JAX calls XLA: `jax.monitoring` may be silenced while the engine works in the script's process.
    """
    import threading
    import time

    from jax._src import compiler

    spent: list[int] = []
    thread, original = threading.get_ident(), compiler.backend_compile_and_load

    def timed(*args: Any, **keywords: Any) -> Any:
        started = time.perf_counter_ns()
        try:
            return original(*args, **keywords)
        finally:
            if threading.get_ident() == thread:
                spent.append(time.perf_counter_ns() - started)

    compiler.backend_compile_and_load = timed
    try:
        yield spent
    finally:
        compiler.backend_compile_and_load = original
