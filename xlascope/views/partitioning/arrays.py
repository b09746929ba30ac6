"""The arrays of a partitioned program: where their blocks lie, and why one of them is whole on every device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import product
from pathlib import PurePath
from typing import Any

from xlascope.ir import HloInstruction, HloModule, collectives
from xlascope.ir.shapes import Shape
from xlascope.ir.sharding import Layout, axes_of, is_manual, parse_sharding, split_tuple
from xlascope.protocol.specs import spec_text
from xlascope.views import fields
from xlascope.views.partitioning.module import Partitioned
from xlascope.views.partitioning.values import contracted, operands_of, shape_of, sharding_of
from xlascope.views.provenance.positions import Own, position

_SKIPPED = frozenset({"parameter", "constant", "tuple", "get-tuple-element", "broadcast", "iota", "bitcast", "copy"})
# What XLA's partitioner runs on whole arrays along the dimensions it works on.
_NEED_ALL = frozenset(
    {"sort", "custom-call", "fft", "cholesky", "triangular-solve", "gather", "scatter", "dynamic-slice",
     "dynamic-update-slice", "reduce-window", "reverse", "concatenate", "reshape", "convolution", "topk"}
)  # fmt: skip
# They need nothing of an array themselves.
_HANDED_ON = frozenset({"tuple", "while", "call", "conditional", "get-tuple-element", "bitcast", "copy"})
# What JAX lowers each result of a shard_map to, with the sharding that its out_specs give.
_END_OF_SHARD_MAP = "SPMDShardToFullShape"
_SCALAR = "a scalar has no dimension to split"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of an array: which part along each dimension, (start, stop), and the devices that hold it."""

    part: tuple[tuple[int, int], ...]
    devices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Array:
    """``role``: argument, output or intermediate. ``spec``: mesh axes by dimension, ``x,-``; XLA's own text where no
    spec over the mesh gives it. ``why``: why it is whole on every device; of an argument that is split, by what.

    ``gathered_for``: the instructions that need all of an array that is split, so that devices exchange their parts.
    ``tiles``: into how many blocks each dimension is cut; ``blocks`` in row-major order. None where XLA's text is of
    a form that is not known. Inside of a shard_map over the whole mesh ``shape`` and ``bytes_per_device`` are of the
    part that each device has, and ``bytes`` is None: what the parts are together only the script knows.
    """

    name: str
    role: str
    shape: tuple[int, ...]
    dtype: str
    spec: str | None
    why: str | None
    bytes_per_device: int | None
    bytes: int | None
    replicated: bool | None
    tiles: tuple[int, ...] | None
    blocks: tuple[Block, ...] | None
    gathered_for: tuple[str, ...]
    instruction: str | None
    opcode: str | None
    equation: str | None
    file: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Given:
    """What records say of a program on its devices. ``of_script``: no variant, but as the script ran it.

    ``why``, and the shardings (HLO's notation), are by the module's arguments; ``kept`` gives their places among
    ``inputs``. ``result_names``: JAX's names of the results, empty where it gave none.
    """

    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]
    mesh: tuple[tuple[str, int], ...] | None
    devices: int | None
    of_script: bool
    simulated: bool | None
    kept: tuple[int, ...]
    why: tuple[str | None, ...]
    input_shardings: tuple[str, ...]
    output_shardings: tuple[str, ...]
    notes: tuple[str, ...]
    peak_bytes: int | None
    result_names: tuple[str, ...] = ()

    @classmethod
    def nothing(
        cls, devices: int | None, mesh: tuple[tuple[str, int], ...] | None, result_names: tuple[str, ...] = ()
    ) -> Given:
        """Of a dump, which has no records."""
        return cls((), (), mesh, devices, True, None, (), (), (), (), (), None, result_names)

    def input(self, argument: int) -> Mapping[str, Any]:
        """The record of a module's argument; empty where it is not known."""
        place = self.kept[argument] if argument < len(self.kept) else argument
        return self.inputs[place] if place < len(self.inputs) else {}

    def result_name(self, result: int) -> str:
        """What JAX calls a result, as `first_different` does; its position where it has no name."""
        return (self.result_names[result] if result < len(self.result_names) else "") or f"output {result}"


def of_record(given: Given) -> tuple[Array, ...]:
    """Arguments and results of a variant by its own record."""
    found = []
    for index, text in enumerate(given.input_shardings):
        entry = given.input(index)
        why = given.why[index] if index < len(given.why) else None
        found.append(_recorded(fields.text(entry, "name") or f"argument {index}", "argument", entry, text, given, why))
    for index, text in enumerate(given.output_shardings):
        entry = given.outputs[index] if index < len(given.outputs) else {}
        found.append(_recorded(given.result_name(index), "output", entry, text, given, None))
    return tuple(found)


def _recorded(
    name: str, role: str, entry: Mapping[str, Any], text: str, given: Given, why: str | None
) -> Array:
    raw = entry.get("shape")
    dims = tuple(raw) if isinstance(raw, list) and all(isinstance(each, int) for each in raw) else ()
    layout = parse_sharding(text, len(dims), given.devices or 1)
    size = fields.integer(entry, "bytes")
    return _array(name, role, dims, str(entry.get("dtype") or "?"), size, text, layout, given.mesh, why)


def _array(
    name: str, role: str, dims: tuple[int, ...], dtype: str, size: int | None, text: str | None, layout: Layout | None,
    mesh: tuple[tuple[str, int], ...] | None, why: str | None, gathered_for: tuple[str, ...] = (),
    made: _Made | None = None,
) -> Array:  # fmt: skip
    axes = _axes(layout, mesh) if layout is not None and mesh is not None else None
    if layout is not None and layout.replicated:
        axes = ((),) * len(dims)
    spec = spec_text(axes) if axes is not None else text
    share = None
    if layout is not None and size is not None:
        share = size
        for extent, tile in zip(dims, layout.tiles, strict=True):
            share = share // extent * -(-extent // tile) if extent else 0
    if is_manual(text):
        share, size = size, None
    return Array(
        name=name, role=role, shape=dims, dtype=dtype, spec=spec, why=why, bytes_per_device=share, bytes=size,
        replicated=layout.replicated if layout is not None else None,
        tiles=layout.tiles if layout is not None else None,
        blocks=_blocks(dims, layout) if layout is not None else None,
        gathered_for=gathered_for,
        instruction=made.instruction if made else None, opcode=made.opcode if made else None,
        equation=made.equation if made else None, file=made.file if made else None, line=made.line if made else None,
    )  # fmt: skip


_axes = lru_cache(maxsize=1024)(axes_of)


@lru_cache(maxsize=1024)
def _blocks(dims: tuple[int, ...], layout: Layout) -> tuple[Block, ...]:
    sides = [-(-extent // tile) for extent, tile in zip(dims, layout.tiles, strict=True)]
    found = []
    for place, held in zip(product(*map(range, layout.tiles)), layout.holders, strict=True):
        part = tuple(
            (min(at * side, extent), min((at + 1) * side, extent))
            for at, side, extent in zip(place, sides, dims, strict=True)
        )
        found.append(Block(part, held))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Made:
    """Where an array comes from."""

    instruction: str
    opcode: str
    equation: str | None
    file: str | None
    line: int | None


def of_module(found: Partitioned, given: Given, own: Own) -> tuple[Array, ...]:
    """All arrays of the module that the partitioner got: arguments, results, then intermediates, the largest first."""
    return _Reader(found, given, own).arrays()


@dataclass(slots=True)
class _Reader:
    found: Partitioned
    given: Given
    own: Own
    _layouts: dict[tuple[str, int | None], Layout | None] = field(default_factory=dict)
    _gathers: dict[tuple[str, tuple[int | None, ...]], list[str]] = field(default_factory=dict)

    @property
    def module(self) -> HloModule:
        return self.found.module

    def arrays(self) -> tuple[Array, ...]:
        self._read_gathers()
        entry = self.module.entry
        if entry is None:
            return ()
        arguments = [self._argument(each) for each in entry.parameters]
        root, outputs, made = entry.root, [], set()
        if root is not None:
            refs = root.operand_refs if root.opcode == "tuple" else ((root.name, None),)
            told = split_tuple(root.attributes.get("sharding", "")) if root.opcode == "tuple" else []
            for index, (name, element) in enumerate(refs):
                result = entry.get(name)
                if result is not None:
                    text = told[index] if len(told) == len(refs) else None
                    outputs.append(self._output(index, result, element, text))
                    made.add(name)
        middle = [self._intermediate(each) for each in self.module.instructions() if self._counts(each, made)]
        middle.sort(key=lambda each: -(each.bytes or each.bytes_per_device or 0))
        return (*arguments, *outputs, *middle)

    def _counts(self, instruction: HloInstruction, outputs: set[str]) -> bool:
        shape = shape_of(instruction)
        plain = shape.elements is None and bool(shape.dims)
        return plain and instruction.opcode not in _SKIPPED and instruction.name not in outputs

    def _layout(self, instruction: HloInstruction, element: int | None = None) -> Layout | None:
        key = instruction.name, element
        if key not in self._layouts:
            shape = shape_of(instruction, element)
            rank = len(shape.dims) if shape.elements is None else 0
            self._layouts[key] = parse_sharding(sharding_of(instruction, element), rank, self.found.devices)
        return self._layouts[key]

    def _argument(self, parameter: HloInstruction) -> Array:
        number = parameter.parameter_number or 0
        entry = self.given.input(number)
        name = fields.text(entry, "name") or parameter.op_name or f"argument {number}"
        why = self.given.why[number] if number < len(self.given.why) else None
        layout = self._layout(parameter)
        if why is None and layout is not None and layout.replicated:
            why = self._why_argument(parameter, entry)
        return self._describe(parameter, name, "argument", why)

    def _why_argument(self, parameter: HloInstruction, entry: Mapping[str, Any]) -> str:
        dims = [each or 0 for each in shape_of(parameter).dims]
        if not dims:
            return _SCALAR
        given = fields.text(entry, "sharding")
        if given is not None:
            return f"the script gave it the sharding {given}"
        return "no annotation reached it: the script gave it no sharding" + self._indivisible(dims, "; and ")

    def _output(self, index: int, result: HloInstruction, element: int | None, text: str | None) -> Array:
        """A result lies as the tuple of results says, which can differ from how it was computed."""
        text = text or sharding_of(result, element)
        array = self._describe(result, self.given.result_name(index), "output", None, text, element)
        if array.replicated:
            own = self._layout(result, element)
            if own is not None and not own.replicated:
                why: str | None = f"{self._called(result)} computes it in parts, and the result is asked for whole"
            else:
                why = array.why or self._why(result, element)
            return replace(array, why=why)
        return array

    def _intermediate(self, instruction: HloInstruction) -> Array:
        layout = self._layout(instruction)
        why = self._why(instruction) if layout is not None and layout.replicated else None
        return self._describe(instruction, instruction.name, "intermediate", why)

    def _describe(
        self, instruction: HloInstruction, name: str, role: str, why: str | None, text: str | None = None,
        element: int | None = None,
    ) -> Array:  # fmt: skip
        shape = shape_of(instruction, element)
        dims = tuple(each or 0 for each in shape.dims)
        text = text or instruction.attributes.get("sharding")
        layout = parse_sharding(text, len(dims), self.found.devices)
        paths = self.found.origin.paths(instruction.name)
        file, line = position(instruction, self.own)
        made = _Made(instruction.name, instruction.opcode, paths[0] if paths else None, file, line)
        gathered = self._gathered_for(instruction, shape) if layout is not None and not layout.replicated else ()
        return _array(name, role, dims, shape.dtype or "?", shape.bytes, text, layout, self.given.mesh, why, gathered,
                      made)  # fmt: skip

    def _why(self, instruction: HloInstruction, element: int | None = None) -> str:
        """Why an instruction's result, or an element of it, is whole on every device."""
        dims = [each or 0 for each in shape_of(instruction, element).dims]
        if not dims:
            return _SCALAR
        if instruction.attributes.get("custom_call_target", "").strip('"') == _END_OF_SHARD_MAP:
            return "the shard_map that makes it leaves it whole (out_specs)"
        operands = operands_of(instruction)
        split = [at for at, each in enumerate(operands)
                 if (layout := self._layout(*each)) is not None and not layout.replicated]  # fmt: skip
        if not split:
            names = ", ".join(self._called(each) for each, _ in operands[:4] if each.opcode != "constant")
            told = f"no annotation reached it: computed from whole arrays alone{f' ({names})' if names else ''}"
            return told + self._indivisible(dims, "; and ")
        other = operands[split[0]][0]
        cut = _split_dimensions(self._layout(*operands[split[0]]))
        lost = contracted(instruction, split[0])
        if lost is not None and cut and set(cut) <= lost:
            verb = "multiplies and sums" if instruction.opcode == "dot" else "sums"
            return (f"{instruction.opcode} {verb} over the split dimension {_some(cut)} of {self._called(other)}: the "
                    "devices' parts are added up, and each gets the whole")
        if told := self._indivisible(dims, ""):
            return told
        users = [each for each in instruction.computation.users(instruction.name) if each.opcode in _NEED_ALL]
        if instruction.opcode in _NEED_ALL:
            return f"{instruction.opcode} needs all of {self._called(other)}, split on dimension {_some(cut)}"
        if users:
            return f"a consumer needs all of it: {self._called(users[0])}"
        return f"propagation gave it none of the sharding of {self._called(other)}"

    def _indivisible(self, dims: Sequence[int], before: str) -> str:
        """That no mesh axis divides any dimension; empty when one does."""
        axes = [(name, size) for name, size in self.given.mesh or (("devices", self.found.devices),) if size > 1]
        if any(extent and extent % size == 0 for extent in dims for _, size in axes):
            return ""
        extents = ", ".join(f"dimension {at} of size {extent}" for at, extent in enumerate(dims))
        return f"{before}not divisible: {extents} by {' or '.join(f'{name}={size}' for name, size in axes)}"

    def _called(self, instruction: HloInstruction) -> str:
        """What a person can look up: an argument, an equation with its line, an instruction of the compiled module."""
        if instruction.opcode == "parameter" and instruction.computation.is_entry:
            entry = self.given.input(instruction.parameter_number or 0)
            return fields.text(entry, "name") or instruction.op_name or instruction.name
        file, line = position(instruction, self.own)
        at = f"{PurePath(file).name}:{line}" if file is not None and line is not None else None
        paths = self.found.origin.paths(instruction.name)
        if paths:
            return f"{instruction.opcode} of equation {paths[0]}{f' at {at}' if at else ''}"
        if self.found.after is not None and self.found.after.get(instruction.name) is not None:
            return instruction.name
        return f"{instruction.opcode} at {at}" if at else f"{instruction.opcode} {instruction.name} before partitioning"

    def _read_gathers(self) -> None:
        """The all-gathers of the compiled module that are there for one equation, by that and the result's shape."""
        after, origin = self.found.after, self.found.after_origin
        if after is None or origin is None:
            return
        # What is there for a loop as a whole tells nothing of one array in it.
        outer = {path.rpartition(".")[0] for paths in self.found.origin.equations.values() for path in paths}
        outer = {".".join(path.split(".")[:size]) for path in outer for size in range(1, path.count(".") + 2)}
        for each in collectives(after):
            made = after.get(each.done or each.instruction) if each.kind == "all-gather" else None
            paths = origin.paths(each.instruction)
            if made is not None and len(paths) == 1 and paths[0] not in outer:
                self._gathers.setdefault((paths[0], shape_of(made).dims), []).append(each.instruction)

    def _gathered_for(self, instruction: HloInstruction, shape: Shape) -> tuple[str, ...]:
        found = []
        for user in instruction.computation.users(instruction.name) if self._gathers else ():
            paths = self.found.origin.equations.get(user.name, ())
            through = self._gathers.get((paths[0], shape.dims)) if len(paths) == 1 else None
            if through and user.opcode not in _HANDED_ON:
                found.append(f"{user.opcode} {user.name} through {through[0]}")
        return tuple(found)


def _split_dimensions(layout: Layout | None) -> list[int]:
    return [at for at, tile in enumerate(layout.tiles) if tile > 1] if layout is not None else []


def _some(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers)) or "?"
