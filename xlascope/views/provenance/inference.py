"""Equations that XLA merged into the instruction of another, and whose work an instruction of several is."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from xlascope.ir import HloModule, JaxprIndex
from xlascope.views.provenance.values import Values

# Primitives whose work is in moving or renaming values, which XLA often does on the way to something else.
MOVING = frozenset(
    [
        "transpose", "reshape", "broadcast_in_dim", "convert_element_type", "squeeze", "expand_dims", "rev", "copy",
        "copy_p", "stop_gradient", "sharding_constraint",
    ]
)  # fmt: skip
LIGHT = MOVING | {
    "pjit", "jit", "closed_call", "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "remat", "checkpoint",
}  # fmt: skip
# Opcode → the primitives that are lowered to it, where these do the work.
MAKERS = {
    "dot": frozenset({"dot_general", "ragged_dot", "ragged_dot_general"}),
    "convolution": frozenset({"conv_general_dilated"}),
    "reduce": frozenset(
        f"reduce_{each}" for each in ("sum", "max", "min", "prod", "and", "or", "xor")
    ) | {"reduce", "argmax", "argmin"},
    "sort": frozenset({"sort", "top_k", "approx_top_k"}),
    "scatter": frozenset({"scatter", "scatter-add", "scatter_add", "scatter_mul", "scatter_min", "scatter_max"}),
    "gather": frozenset({"gather"}),
    "fft": frozenset({"fft"}),
}  # fmt: skip


def absorbed(
    module: HloModule, values: Values, equations: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Equations that XLA merged into the instruction of an equation which reads them, by that instruction's name.

    XLA turns the transpose of a product into another product, and names it after the transpose. Where an equation has
    no instruction, one equation alone reads its value, that one only moves values, and yet its instruction is of an
    opcode that the first is lowered to: then that is where it went.
    """
    jaxpr = values.jaxpr
    makers: dict[str, str] = {primitive: opcode for opcode, found in MAKERS.items() for primitive in found}
    present = {path for paths in equations.values() for path in paths}
    lost = [each for each in jaxpr.equations if each.path not in present and each.primitive in makers]
    if not lost:
        return {}
    by_path: dict[str, list[str]] = {}
    for name, paths in equations.items():
        for path in paths:
            by_path.setdefault(path, []).append(name)
    outputs = values.graph.outputs
    found: dict[str, tuple[str, ...]] = {}
    for equation in lost:
        reader = _reader(equation.path, jaxpr, outputs, present)
        for name in by_path.get(reader or "", ()):
            instruction = module.get(name)
            if instruction is not None and instruction.opcode == makers[equation.primitive]:
                found[name] = (*found.get(name, ()), equation.path)
    return found


def _reader(path: str, jaxpr: JaxprIndex, outputs: Mapping, present: Collection[str]) -> str | None:
    """The first equation with an instruction on the one way that a value takes through equations that move it."""
    for _ in range(8):
        readers = {edge.target for edge in outputs.get(path, ())}
        if len(readers) != 1:
            return None
        (path,) = readers
        reader = jaxpr.by_path.get(path)
        if reader is None or reader.primitive not in LIGHT:
            return None
        if path in present:
            return path
    return None


def working(opcode: str, paths: Collection[str], primitives: Mapping[str, str]) -> list[str]:
    """Of the equations of one instruction those whose work it is: those lowered to its opcode, else all that do more
    than move values, else all."""
    makers = MAKERS.get(opcode, frozenset())
    made = [path for path in paths if primitives.get(path) in makers]
    heavy = [path for path in paths if primitives.get(path) not in LIGHT]
    return made or heavy or list(paths)
