"""What the rows of ops, graphs and collectives say of an instruction beside its time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xlascope.ir import HloInstruction, HloModule, JaxprIndex, collectives, cost
from xlascope.views import fields
from xlascope.views.names.program_records import is_eager, program_records
from xlascope.views.provenance.attribution import heaviest, is_lent
from xlascope.views.provenance.guesses import Guesses
from xlascope.views.provenance.origins import Provenance, of_module, provenance
from xlascope.views.provenance.positions import Own, position, user_places
from xlascope.views.sources.source import HloSource, RunSource
from xlascope.views.sources.stages import hlo_module, jaxpr_index, readable_module, stage_key

SMALL = "small"
"""Detail of a call that XLA executes as one operation."""


@dataclass(frozen=True, slots=True)
class Facts:
    """``flops`` and ``bytes`` are estimates for one execution; of a collective, what one device holds of it.

    ``file`` and ``line`` are the user's innermost in XLA's metadata, ``user_file`` and ``user_line`` those of the call
    site itself, which XLA may name after the first of several (`positions.position`); of several equations' that of the
    one that most of its work is for, where XLA gives a fusion the place of its root. ``lines``: all lines of
    ``user_file`` that the instruction, or a member of the fusion, comes from. ``detail``: a fusion's kind, a custom
    call's target, SMALL. ``lent``: those of a fusion's equations that only gave it a literal. ``inferred``: those
    that no tag names. ``owner``: for what XLA added, the instruction it is there for, whose equations and position it
    has.
    """

    opcode: str
    file: str | None
    line: int | None
    flops: int | None
    bytes: int | None
    added_by_xla: bool
    equations: tuple[str, ...]
    detail: str | None
    lines: tuple[int, ...]
    owner: str | None
    user_file: str | None
    user_line: int | None
    inferred: frozenset[str]
    lent: frozenset[str]


def as_one_says(op: str, program: str | None) -> str:
    """Why nothing inside of an operation has a time, and what to do."""
    return (f"XLA executes {op} of {program} as one operation, so that nothing inside has a time."
            " Measured with --passes-off small-while-loop-hoisting it has, and takes longer")  # fmt: skip


def _detail(instruction: HloInstruction) -> str | None:
    kind = instruction.fusion_kind
    if kind:
        return kind.removeprefix("k").lower()
    if instruction.runs_as_one:
        return SMALL
    return instruction.attributes.get("custom_call_target")


class Instructions:
    """The instructions of one optimized module by name; details are read when asked for."""

    def __init__(
        self, module: HloModule, origin: Provenance, own: Own, jaxpr: JaxprIndex | None = None, linked: bool = True
    ) -> None:
        """``linked``: whether equations are known, and so what XLA added."""
        self.module = module
        self.linked = linked
        self.provenance = origin
        self.guesses = Guesses(origin, jaxpr)
        self._own = own
        self._places = user_places(jaxpr.equations) if jaxpr is not None else {}
        self._primitives = {each.path: each.primitive for each in jaxpr.equations} if jaxpr is not None else {}
        self._traced = jaxpr.by_path if jaxpr is not None and origin.exact else {}
        self._found: dict[str, Facts | None] = {}
        self._exchanged = {each.instruction: each.bytes for each in collectives(module)}

    def get(self, name: str) -> Facts | None:
        """None for a name that the module does not have."""
        if name not in self._found:
            self._found[name] = self._read(name)
        return self._found[name]

    def _read(self, name: str) -> Facts | None:
        instruction = self.module.get(name)
        if instruction is None:
            return None
        named, owner = instruction, self.provenance.owners.get(name)
        if not instruction.stack and owner is not None:
            named = self.module.get(owner) or instruction
        (file, line), (user_file, user_line) = position(named, self._own), self._called_at(named)
        work = cost(instruction, self.module)
        return Facts(
            instruction.opcode,
            file,
            line,
            work.flops,
            self._exchanged.get(name, work.bytes),
            name in self.provenance.added,
            self.provenance.paths(name),
            _detail(instruction),
            self._lines(instruction, user_file, user_line),
            owner,
            user_file,
            user_line,
            self.provenance.inferred.get(name, frozenset()),
            self._lent(instruction),
        )

    def _called_at(self, instruction: HloInstruction) -> tuple[str | None, int | None]:
        """The user's line of the call site; of a fusion that of its root, unless most of its work is another's."""
        file, line = position(instruction, self._own, self._traced_at(instruction))
        paths = self.provenance.paths(instruction.name)
        if not paths or (file is not None and (len(paths) == 1 or not self.provenance.exact)):
            return file, line
        most = heaviest(self.module, instruction.name, paths, self.provenance, self._primitives)
        places = [place for path in most if (place := self._places.get(path)) is not None]
        return places[0] if places and (file, line) not in places else (file, line)

    def _traced_at(self, instruction: HloInstruction) -> tuple[str | None, int | None] | None:
        """Where its one equation was traced, or that of a fusion's root; None where there are several or none."""
        paths = self.provenance.equations.get(instruction.name, ())
        if len(paths) == 1:
            equation = self._traced.get(paths[0])
            return (equation.file, equation.line) if equation is not None else None
        body = self.module.computation(next(iter(instruction.called.get("calls", ())), ""))
        root = body.root if instruction.opcode == "fusion" and body is not None else None
        return self._traced_at(root) if root is not None and root.opcode != "fusion" else None

    def _members(self, fusion: HloInstruction) -> Iterator[HloInstruction]:
        """What a fusion holds that is not a literal with the name of another equation."""
        for name in fusion.called.get("calls", ()):
            body = self.module.computation(name)
            for member in body.instructions if body is not None else ():
                if not is_lent(member, self.provenance.equations.get(member.name, ()), self._primitives):
                    yield member

    def _lent(self, instruction: HloInstruction) -> frozenset[str]:
        """The equations of a fusion that are those of none of its members' work; none where that is so of all."""
        if instruction.opcode != "fusion" or not self.provenance.exact:
            return frozenset()
        at_work = {path for member in self._members(instruction) for path in self.provenance.paths(member.name)}
        paths = frozenset(self.provenance.paths(instruction.name))
        return paths - at_work if at_work else frozenset()

    def _lines(self, instruction: HloInstruction, file: str | None, line: int | None) -> tuple[int, ...]:
        found = {line}
        if instruction.opcode == "fusion":
            for member in self._members(instruction):
                where, number = self._called_at(member)
                found.add(number if where == file else None)
        return tuple(sorted(number for number in found if number is not None))


def instructions(source: RunSource, program: str, variant: str | None = None) -> Instructions | None:
    """Of the optimized HLO; None when it is not held."""

    module = hlo_module(source, program, "optimized", variant)
    if module is None:
        return None
    origin = provenance(source, program, variant)
    # The links change when the tagged form of the module comes, the module itself does not.
    key = ("instructions", stage_key(source, program, "optimized", variant), origin.key)
    return source.large.get_or(
        key, lambda: Instructions(module, origin, own_files(source, program), jaxpr_index(source, program))
    )


def dumped_instructions(source: HloSource, program: str) -> Instructions | None:
    """Of a module of which nothing but its HLO is held. Positions are those of the metadata; None without it."""
    key = stage_key(source, program, "optimized")
    if key is None:
        return None
    module = readable_module(source, program)
    if module is None:
        return None
    return source.large.get_or(
        ("instructions", key), lambda: Instructions(module, of_module(module, None), Own(), linked=False)
    )


def own_files(source: RunSource, program: str) -> Own:
    """Whose files are the user's, for what a program's instructions come from."""
    first, record = source.last("run"), program_records(source).get(program)
    function = fields.text(record.json, "file") if record is not None and not is_eager(record) else None
    return Own(fields.text(first.json, "script") if first is not None else None, function)
