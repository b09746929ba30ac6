"""Links that no tag gives, but the flow of data does: what is read by one equation only belongs to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from xlascope.graphs.jaxpr import build_jaxpr_graph
from xlascope.ir import HloComputation, HloInstruction, HloModule, JaxprIndex

# These XLA adds for its own sake (layouts, exchanges, calls), or they only hand values on.
_ITS_OWN = frozenset(
    [
        "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "copy", "copy-start", "copy-done", "call",
        "while", "conditional", "fusion", "custom-call", "partition-id", "replica-id", "async-start", "async-update",
        "async-done", "infeed", "outfeed", "send", "recv", "after-all", "add-dependency", "all-reduce", "all-gather",
        "all-to-all", "reduce-scatter", "collective-permute", "all-reduce-start", "all-reduce-done",
        "all-gather-start", "all-gather-done", "collective-permute-start", "collective-permute-done",
    ]
)  # fmt: skip
# Primitives whose work is in moving or renaming values, which XLA often does on the way to something else.
LIGHT = frozenset(
    [
        "transpose", "reshape", "broadcast_in_dim", "convert_element_type", "squeeze", "expand_dims", "rev", "copy",
        "copy_p", "pjit", "jit", "closed_call", "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr",
        "remat", "checkpoint", "stop_gradient", "sharding_constraint",
    ]
)  # fmt: skip
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


_ROUNDS = 4


def by_flow(module: HloModule, own: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Equations of instructions without a tag that compute something, all of whose users are of the same equations.

    A literal that is broadcast, a helper of a comparator, a part of an expansion: nothing else reads them.
    """
    found: dict[str, tuple[str, ...]] = {}
    regions = {each.name: _of_region(module, each, own) for each in module.computations}
    waiting = [each for each in module.instructions() if each.name not in own and each.opcode not in _ITS_OWN]
    for _ in range(_ROUNDS):  # values go into fusions and come out of them
        left = []
        for instruction in reversed(waiting):
            region = regions[instruction.computation.name]
            if region is None:
                of_users = {own.get(user.name) or found.get(user.name, ()) for user in _readers(module, instruction)}
                region = of_users.pop() if len(of_users) == 1 else None
            if region:
                found[instruction.name] = region
            else:
                left.append(instruction)
        if len(left) == len(waiting):
            break
        waiting = left[::-1]
    return found


def _readers(module: HloModule, instruction: HloInstruction) -> list[HloInstruction]:
    """What reads a value: members of fusions rather than the fusions, also of what a fusion gives."""
    computation = instruction.computation
    if instruction.is_root:
        callers = module.callers(computation.name)
        if len(callers) != 1 or callers[0].opcode != "fusion":
            return []  # it is the result of something that nothing here reads
        return _readers(module, callers[0])
    found = []
    for user in computation.users(instruction.name):
        bodies = user.called.get("calls", ()) if user.opcode == "fusion" else ()
        body = module.computation(bodies[0]) if bodies else None
        if body is None:
            found.append(user)
            continue
        places = {number for number, name in enumerate(user.operands) if name == instruction.name}
        for parameter in body.parameters:
            if parameter.parameter_number in places:
                found += _readers(module, parameter)
    return found


def _of_region(
    module: HloModule, computation: HloComputation, own: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...] | None:
    """The equations of the one instruction that applies a computation to its elements (a sort its comparator)."""
    callers = module.callers(computation.name)
    if len(callers) != 1 or callers[0].opcode in _ITS_OWN:
        return None
    return own.get(callers[0].name)


def absorbed(
    module: HloModule, jaxpr: JaxprIndex, equations: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Equations that XLA merged into the instruction of an equation which reads them, by that instruction's name.

    XLA turns the transpose of a product into another product, and names it after the transpose. Where an equation has
    no instruction, one equation alone reads its value, that one only moves values, and yet its instruction is of an
    opcode that the first is lowered to: then that is where it went.
    """
    makers: dict[str, str] = {primitive: opcode for opcode, found in MAKERS.items() for primitive in found}
    present = {path for paths in equations.values() for path in paths}
    lost = [each for each in jaxpr.equations if each.path not in present and each.primitive in makers]
    if not lost:
        return {}
    by_path: dict[str, list[str]] = {}
    for name, paths in equations.items():
        for path in paths:
            by_path.setdefault(path, []).append(name)
    outputs = build_jaxpr_graph(jaxpr).outputs
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
