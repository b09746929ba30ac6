"""Lowered modules: text, bytecode, artifacts of ``jax.export``, and changes made before they are compiled."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .jaxprs import open_jaxpr


def computation_module(computation: Any) -> Any:
    """The StableHLO ``ir.Module`` of a lowered computation."""
    return computation.stablehlo()


def module_text(module: Any) -> str:
    """StableHLO as text, without locations and with large constants in full only up to JAX's own limit."""
    return str(module)


def located_text(module: Any) -> str:
    """As `module_text`, with the location of each operation behind it, and a table of them at the end."""
    return str(module.operation.get_asm(enable_debug_info=True))


def portable_bytecode(module: Any) -> bytes:
    """A StableHLO module as a portable artifact (readable by JAX of about a month earlier and later)."""
    from jax._src import xla_bridge
    from jax._src.interpreters import mlir
    from jax._src.lib import _jax
    from jax._src.lib.mlir.dialects import hlo

    target = hlo.get_version_from_compatibility_requirement(hlo.StablehloCompatibilityRequirement.WEEK_4)
    # From bytes, in a context that goes away: in the module's own the dialects needed for it would stay, 30 KB of each.
    code = mlir.module_to_bytecode(module)
    return _jax.mlir.serialize_portable_artifact(code, target, xla_bridge.get_backend().serialize_with_sdy)


def unoptimized_hlo_text(module: Any) -> str:
    """HLO text of a StableHLO module before any optimization. Raises what XLA raises when it cannot translate it."""
    from jax._src.interpreters import mlir
    from jax._src.lib import _jax

    computation = _jax.mlir.mlir_module_to_xla_computation(mlir.module_to_bytecode(module))
    return computation.get_hlo_module().to_string()


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


def set_partitions(module: Any, mesh: Mapping[str, int], specs: Sequence[Sequence[Sequence[str]] | None]) -> None:
    """Shard the arguments of ``@main`` over a mesh, in place; its results are left to XLA.

    `specs`: for each argument, for each dimension, the mesh axes that split it; None leaves it as it is. Donated
    arguments become buffer donors, as in JAX: which output may use their memory depends on the shardings XLA chooses.
    """
    from jaxlib.mlir import ir

    name = _mesh_symbol(module, mesh)
    size = math.prod(mesh.values())
    module.operation.attributes["mhlo.num_partitions"] = ir.IntegerAttr.get(ir.IntegerType.get_signless(32), size)
    main = main_function(module)
    changed = []
    for attributes, spec in zip(main.arg_attrs, specs, strict=True):
        entries = {named.name: named.attr for named in attributes}
        if spec is not None:
            dimensions = ", ".join("{" + ", ".join(f'"{axis}"' for axis in axes) + "}" for axes in spec)
            entries["sdy.sharding"] = ir.Attribute.parse(f"#sdy.sharding<@{name}, [{dimensions}]>")
        if entries.pop("tf.aliasing_output", None) is not None:
            entries["jax.buffer_donor"] = ir.BoolAttr.get(True)
        changed.append(ir.DictAttr.get(entries))
    main.arg_attrs = ir.ArrayAttr.get(changed)


def set_matmul_precision(module: Any, precision: str | None, algorithm: tuple[str, str, int] | None) -> tuple[int, int]:
    """Set the precision of all `dot_general` and `convolution` operations, in place; how many, and how many changed.

    `precision`: DEFAULT, HIGH or HIGHEST. `algorithm`, of `dot_general` on float32 alone: the type of both operands,
    of the sum, and the number of products for each.
    """
    from jaxlib.mlir import ir

    count = changed = 0
    name, text = "precision_config", f"[#stablehlo<precision {precision}>, #stablehlo<precision {precision}>]"
    if algorithm is not None:
        operand, total, products = algorithm
        name = "algorithm"
        text = (
            f"#stablehlo.dot_algorithm<lhs_precision_type = {operand}, rhs_precision_type = {operand}, "
            f"accumulation_type = {total}, lhs_component_count = 1, rhs_component_count = 1, "
            f"num_primitive_operations = {products}, allow_imprecise_accumulation = false>"
        )
    wanted = ir.Attribute.parse(text, module.context)

    def visit(operation: Any) -> Any:
        nonlocal count, changed
        if operation.name != "stablehlo.dot_general" and (algorithm or operation.name != "stablehlo.convolution"):
            return ir.WalkResult.ADVANCE
        if algorithm and any(str(each.type.element_type) != "f32" for each in operation.operands):
            return ir.WalkResult.ADVANCE
        count += 1
        changed += name not in operation.attributes or operation.attributes[name] != wanted
        operation.attributes[name] = wanted
        if algorithm is None and "algorithm" in operation.attributes:
            del operation.attributes["algorithm"]
        return ir.WalkResult.ADVANCE

    module.operation.walk(visit)
    return count, changed


def aliases(main: Any) -> dict[int, int | None]:
    """Donated arguments of a lowered function: the output that takes over the memory, None where XLA chooses."""
    found: dict[int, int | None] = {}
    for index, entries in enumerate(main.arg_attrs):
        if "tf.aliasing_output" in entries:
            found[index] = int(entries["tf.aliasing_output"].value)
        elif "jax.buffer_donor" in entries:
            found[index] = None
    return found


def set_donation(main: Any, index: int, output: int | None) -> None:
    """Let an output take over the memory of an argument, in place; with None the argument keeps its memory."""
    from jaxlib.mlir import ir

    changed = list(main.arg_attrs)
    entries = {named.name: named.attr for named in changed[index]}
    for name in ("tf.aliasing_output", "jax.buffer_donor"):
        entries.pop(name, None)
    if output is not None:
        entries["tf.aliasing_output"] = ir.IntegerAttr.get(ir.IntegerType.get_signless(32), output)
    changed[index] = ir.DictAttr.get(entries)
    main.arg_attrs = ir.ArrayAttr.get(changed)


def result_names(main: Any) -> list[str]:
    """The names that JAX gave the results of a lowered function (``result[0]['w']``); empty where it gave none."""
    from jaxlib.mlir import ir

    if "res_attrs" not in main.operation.attributes:
        return [""] * len(main.type.results)
    found = []
    for one in ir.ArrayAttr(main.operation.attributes["res_attrs"]):
        entries = ir.DictAttr(one)
        found.append(ir.StringAttr(entries["jax.result_info"]).value if "jax.result_info" in entries else "")
    return found


def _mesh_symbol(module: Any, mesh: Mapping[str, int]) -> str:
    """The name of the module's own mesh of these axes, else of one that is added."""
    from jaxlib.mlir import ir

    axes = ", ".join(f'"{name}"={size}' for name, size in mesh.items())
    for operation in module.body.operations:
        if operation.operation.name == "sdy.mesh":
            written = str(operation.operation.attributes["mesh"])
            if written.removeprefix("#sdy.mesh") == f"<[{axes}]>":
                return ir.StringAttr(operation.operation.attributes["sym_name"]).value
    block = ir.InsertionPoint.at_block_begin(module.body)
    block.insert(ir.Operation.parse(f"sdy.mesh @xlascope_mesh = <[{axes}]>"))
    return "xlascope_mesh"


def export_artifact(jaxpr: Any, donated: Sequence[bool], platform: str) -> bytes:
    """A program, by its flat arguments, as a ``jax.export`` artifact for one platform. Raises what export raises."""
    import jax
    from jax import export
    from jax._src import core

    flat = jax.jit(core.jaxpr_as_fun(jaxpr), donate_argnums=[i for i, one in enumerate(donated) if one])
    specs = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in open_jaxpr(jaxpr).in_avals]
    return bytes(export.export(flat, platforms=[platform])(*specs).serialize())


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
