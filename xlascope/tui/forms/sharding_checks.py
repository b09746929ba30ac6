"""What is typed into the sharding form, checked as it is typed: pure, so that the form only shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len

from xlascope.ir.sharding import of_axes
from xlascope.ir.sharding_picture import picture
from xlascope.protocol import plans, specs
from xlascope.protocol.specs import Leaf, ShardingError, Spec
from xlascope.tui.glyphs import Glyphs
from xlascope.tui.text.safe import safe
from xlascope.tui.widgets.row_table import fit

CHOICES = (*plans.PLANS, plans.AUTO)
MOST_FIELDS = 64
"""Arguments that have a field of their own; those beyond keep the plan's spec."""

_STEP = re.compile(r"\[[^\[\]]*\]|\.\w+")
"""A step of an argument's path: `['kernel']`, `[0]`, `.count`."""
_SHORT_DTYPES = {"bfloat": "bf", "float": "f", "uint": "u", "int": "i", "complex": "c"}


@dataclass(frozen=True, slots=True)
class Subject:
    """A program to be laid over devices; ``devices`` and ``mesh`` are the script's own."""

    program: str
    inputs: tuple[Leaf, ...]
    outputs: tuple[Leaf, ...]
    devices: int = 1
    mesh: Mapping[str, int] | None = None

    @property
    def first_mesh(self) -> str:
        """What the field of the mesh begins with."""
        if self.mesh:
            return specs.mesh_text(self.mesh)
        return str(self.devices) if self.devices > 1 else "8"


def subject_of(program: str, record: Mapping[str, Any]) -> Subject:
    """From a program's record."""
    mesh, devices = record.get("mesh"), record.get("device_count")
    return Subject(
        program,
        tuple(specs.leaves(record.get("inputs") or [])),
        tuple(specs.leaves(record.get("outputs") or [])),
        devices if isinstance(devices, int) else 1,
        dict(mesh) if isinstance(mesh, dict) and mesh else None,
    )


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields as they stand; ``specs`` by argument, only those that were typed."""

    mesh: str
    plan: str
    specs: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """``problems`` by field: ``mesh``, ``plan``, or an argument's position. ``specs``: where each argument would lie.

    ``commands``: the switches to measure, several for `auto`; none while there is a problem.
    """

    problems: Mapping[str | int, str]
    mesh: Mapping[str, int] | None
    specs: tuple[Spec | None, ...]
    commands: tuple[dict[str, Any], ...]
    remarks: tuple[str, ...] = ()


def check(subject: Subject, draft: Draft) -> Checked:
    """The same rules as `xlascope measure` and the lab have."""
    unknown: tuple[Spec | None, ...] = (None,) * len(subject.inputs)
    try:
        mesh = specs.parse_mesh(draft.mesh)
        _fits(subject, mesh)
    except ShardingError as error:
        return Checked({"mesh": _said(error)}, None, unknown, ())
    devices = specs.size(mesh)
    typed = {index: text for index, text in draft.specs.items() if text.strip()}
    problems: dict[str | int, str] = {}
    commands: tuple[dict[str, Any], ...] = ()
    laid = unknown
    remarks: tuple[str, ...] = ()
    try:
        commands, laid, remarks = _planned(subject, draft.plan, devices, mesh, bool(typed))
    except ShardingError as error:
        problems["plan"] = _said(error)
    found = list(laid)
    for index, text in typed.items():
        try:
            found[index] = specs.parse_spec(text, subject.inputs[index], index, mesh)
        except ShardingError as error:
            problems[index] = _said(error)
            found[index] = None
    if typed:
        commands = tuple(each | {"shard": {str(index): text for index, text in typed.items()}} for each in commands)
    return Checked(problems, mesh, tuple(found), () if problems else commands, remarks)


def _said(error: ShardingError) -> str:
    return f"{error}; {error.advice}"


def _fits(subject: Subject, mesh: Mapping[str, int]) -> None:
    if specs.size(mesh) < 2:
        raise ShardingError("a sharding needs more than one device", "give 2, 8, 4x2, or x=4,y=2")
    if subject.devices > 1 and specs.size(mesh) != subject.devices:
        raise ShardingError(f"{subject.program} is itself a program on {subject.devices} devices",
                            f"the mesh must have {subject.devices} places")
    if subject.mesh and dict(mesh) != dict(subject.mesh):
        raise ShardingError(f"the script laid {subject.program} over the mesh {specs.mesh_text(subject.mesh)}",
                            "its arguments can be laid otherwise over that one")


def _planned(
    subject: Subject, name: str, devices: int, mesh: dict[str, int], typed: bool
) -> tuple[tuple[dict[str, Any], ...], tuple[Spec | None, ...], tuple[str, ...]]:
    """Commands without specs, the plan's own specs, and remarks. Raises ShardingError."""
    own = subject.devices > 1
    base: dict[str, Any] = {} if own else {"devices": devices}
    if not own and mesh != {"x": devices}:
        base["mesh"] = mesh
    unknown: tuple[Spec | None, ...] = (None,) * len(subject.inputs)
    if name == "as-script":
        if not own:
            raise ShardingError("the script ran it on one device, and gave it no sharding", "choose another plan")
        if typed:
            raise ShardingError("as-script leaves all arguments as they were", "clear the specs, or choose a plan")
        return ({"shard_plan": name},), unknown, ()
    if name == plans.AUTO:
        if typed:
            raise ShardingError("auto tries plans, and there are specs of your own", "clear them, or choose a plan")
        wanted = mesh if own or mesh != {"x": devices} else None
        found, refused = plans.candidates(subject.inputs, subject.outputs, devices, wanted, flat=not own)
        if own:
            found = [{"shard_plan": each} for each in ("as-script", *(each["shard_plan"] for each in found))]
        return tuple(found), unknown, (f"{len(found)} plans are measured in turn", *refused)
    made = plans.plan(subject.inputs, subject.outputs, devices, mesh, name)
    return (base | {"shard_plan": name},), made.specs, made.notes


def label(index: int, leaf: Leaf, room: int | None, glyphs: Glyphs) -> str:
    """An argument's place, path and shape in at most ``room`` cells (None: as many as it takes).

    Of a path that is too long the end is kept, from the beginning of a step where that fits.
    """
    dtype = next((short + leaf.dtype.removeprefix(long) for long, short in _SHORT_DTYPES.items()
                  if leaf.dtype.startswith(long)), leaf.dtype)
    place, path = f"{index} ", safe(leaf.name)
    rest = safe(f" {dtype}[{','.join(map(str, leaf.shape))}]")
    if room is None or cell_len(place + path + rest) <= room:
        return place + path + rest
    for step in _STEP.finditer(path):
        shorter = place + glyphs.ellipsis + path[step.start():] + rest
        if cell_len(shorter) <= room:
            return shorter
    return place + fit(path + rest, room - cell_len(place), False, glyphs, keep_end=True)


def drawn(subject: Subject, checked: Checked, index: int, ascii_only: bool = False) -> list[str]:
    """The picture of where an argument would lie; empty while that is not known."""
    if checked.mesh is None or not 0 <= index < len(subject.inputs):
        return []
    spec = checked.specs[index]
    if spec is None:
        return []
    leaf = subject.inputs[index]
    name = leaf.name or f"argument {index}"
    lines = picture(of_axes(spec, list(checked.mesh.items())), leaf.shape, ascii_only)
    return [f"{name}  {specs.spec_text(spec) or 'a scalar'}", *lines]
