"""An instruction of HLO text, whose details are read from the text when asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import repeat
from typing import TYPE_CHECKING

from xlascope.ir import scan
from xlascope.ir.frames import Frame

if TYPE_CHECKING:
    from xlascope.ir.hlo import HloComputation, HloModule

_OP_NAME = re.compile(r'\bop_name="((?:[^"\\\n]|\\.)*)"')
_SOURCE_FILE = re.compile(r'\bsource_file="((?:[^"\\]|\\.)*)"')
_SOURCE_LINE = re.compile(r"\bsource_line=(\d{1,18})")
_FRAME_ID = re.compile(r"\bstack_frame_id=(\d{1,18})")
_TRIP_COUNT = re.compile(r'"known_trip_count"\s*:\s*\{\s*"n"\s*:\s*"?(\d{1,18})')
CALLS = re.compile(
    r"[\s,](?:calls|to_apply|body|condition|branch_computations|true_computation|false_computation"
    r"|called_computations|select|scatter)=[%{\w]"
)

CALL_ROLES = (
    "calls",
    "to_apply",
    "body",
    "condition",
    "branch_computations",
    "true_computation",
    "false_computation",
    "called_computations",
    "select",
    "scatter",
)
# Possessive: a brace that does not close would be looked for in ever other ways.
_CALLED = re.compile(
    rf"[\s,]({'|'.join(CALL_ROLES)})=(?:%?([\w.\-]+)(?=[,\s]|$)|\{{((?:%?[\w.\-]++(?:, ?)?+)*+)\}})"
)
_CALLED_NAME = re.compile(r"%?([\w.\-]+)")
# Opcodes whose parentheses hold something else than operands.
NO_OPERANDS = frozenset({"constant", "parameter", "iota"})


class HloInstruction:
    """One instruction; every property is read from the text, the split ones once."""

    __slots__ = ("_attributes", "_elements", "_operands", "_parts", "computation", "index", "module", "name", "opcode")

    def __init__(self, module: HloModule, computation: HloComputation, index: int) -> None:
        self.module = module
        self.computation = computation
        self.index = index
        self.name = module._names[index]
        self.opcode = module._opcodes[index]
        self._parts: tuple[int, int, int, int, int] | None = None
        self._operands: tuple[str, ...] | None = None
        self._elements: tuple[int | None, ...] | None = None
        self._attributes: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"<{self.opcode} %{self.name} {self.shape}>"

    def _offsets(self) -> tuple[int, int, int, int, int]:
        """Offsets in the text: shape start and end, operands start and end, end of line."""
        if self._parts is None:
            module, text, index = self.module, self.module.text, self.index
            stop = module._ends.get(index) or text.find("\n", module._starts[index])
            stop = len(text) if stop < 0 else stop
            shape_end = module._shape_ends[index]
            # A blank, the opcode, a parenthesis.
            operands = module._operands.get(index) or shape_end + len(self.opcode) + 2
            end = scan.operands_end(text, operands, stop)
            self._parts = (module._shape_starts[index], shape_end, operands, stop if end is None else end, stop)
        return self._parts

    @property
    def tail(self) -> str:
        """What follows the operands: the attributes as they are written."""
        return self.module.text[self._offsets()[3] : self._offsets()[4]]

    @property
    def text(self) -> str:
        """The whole line, without indentation; of hand-written text, all its lines."""
        return self.module.text[self.module._starts[self.index] : self._offsets()[4]].strip()

    @property
    def line(self) -> int:
        """Line number in the module's text, from 1."""
        return self.module._lines[self.index]

    @property
    def shape(self) -> str:
        """The shape as it is written, with its layout."""
        module, index = self.module, self.index
        return module.text[module._shape_starts[index] : module._shape_ends[index]]

    @property
    def operand_text(self) -> str:
        """What the parentheses hold: operands, a literal, a parameter number."""
        _, _, start, stop, _ = self._offsets()
        return self.module.text[start:stop]

    @property
    def operand_refs(self) -> tuple[tuple[str, int | None], ...]:
        """Operands as (name, tuple index); the index is None but for ``%name#1``, text for element 1 of a tuple."""
        names = self.operands
        return tuple(zip(names, self._elements or repeat(None), strict=False))

    @property
    def operands(self) -> tuple[str, ...]:
        """Names of the operands, without %."""
        if self._operands is None:
            text = "" if self.opcode in NO_OPERANDS else self.operand_text
            names = scan.plain_names(text)
            if names is None:
                refs = self.module._refs.get(self.index) or scan.operand_refs(text)
                names = tuple(name for name, _ in refs)
                if any(element is not None for _, element in refs):
                    self._elements = tuple(element for _, element in refs)
            self._operands = names
        return self._operands

    @property
    def attributes(self) -> Mapping[str, str]:
        """Attribute name to text, in the order of the text."""
        if self._attributes is None:
            _, _, _, stop, end = self._offsets()
            self._attributes = scan.attributes(self.module.text, min(stop + 1, end), end)
        return self._attributes

    @property
    def runs_as_one(self) -> bool:
        """Whether XLA's CPU compiler executes the computation that it calls, a small loop say, as one operation."""
        return self.opcode == "call" and 'xla_cpu_small_call="true"' in self.attributes.get("frontend_attributes", "")

    @property
    def called(self) -> dict[str, tuple[str, ...]]:
        """Names of the computations it calls, by role (``calls``, ``to_apply``, ``body``, …)."""
        inside = self.module._bodies.get(self.index)
        if inside is not None:
            own = self.attributes
            named = ((role, inside.get(role) or scan.computation_names(own.get(role, ""))) for role in CALL_ROLES)
            return {role: names for role, names in named if names}
        tail = self.tail
        roles = len(CALLS.findall(tail))
        found = _plainly_called(tail) if roles and self._attributes is None else {}
        if len(found) != roles:
            own = self.attributes
            return {role: names for role in CALL_ROLES if (names := scan.computation_names(own.get(role, "")))}
        return found if roles < 2 else {role: found[role] for role in CALL_ROLES if role in found}

    @property
    def may_call(self) -> bool:
        """False when a look at the line is enough to see that it calls no computation."""
        in_place = self.index in self.module._bodies
        return in_place or CALLS.search(self.module.text, self._offsets()[3], self._offsets()[4]) is not None

    @property
    def is_root(self) -> bool:
        """Does its computation return it?"""
        return self.computation.root_index == self.index

    @property
    def metadata(self) -> str:
        """The text of the attribute ``metadata``, with its braces; empty without one."""
        return self.attributes.get("metadata", "")

    def _in_metadata(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Search a field of the metadata without splitting all attributes: this is asked of every instruction."""
        _, _, _, start, end = self._offsets()
        if self.index in self.module._bodies:
            return pattern.search(self.metadata)
        start = self.module.text.find("metadata={", start, end)
        return pattern.search(self.module.text, start, end) if start >= 0 else None

    @property
    def op_name(self) -> str | None:
        """``op_name`` of the metadata, unescaped: JAX writes its name stack there."""
        match = self._in_metadata(_OP_NAME)
        return scan.unquote(f'"{match.group(1)}"') if match else None

    @property
    def stack(self) -> tuple[Frame, ...]:
        """Source frames, innermost first; () when the text names none."""
        frame = self._in_metadata(_FRAME_ID)
        if frame:
            found = self.module.tables.stack(int(frame.group(1)))
            if found:
                return found
        file, line = self._in_metadata(_SOURCE_FILE), self._in_metadata(_SOURCE_LINE)
        if file or line:
            name = scan.unquote(f'"{file.group(1)}"') if file else None
            return (Frame(name, None, int(line.group(1)) if line else None),)
        return ()

    @property
    def source_file(self) -> str | None:
        """File of the innermost source frame."""
        stack = self.stack
        return stack[0].file if stack else None

    @property
    def source_line(self) -> int | None:
        """Line (from 1) of the innermost source frame."""
        stack = self.stack
        return stack[0].line if stack else None

    @property
    def fusion_kind(self) -> str | None:
        """``kLoop``, ``kInput``, ``kOutput``, ``kCustom``; None for what is no fusion."""
        return self.attributes.get("kind") if self.opcode == "fusion" else None

    @property
    def backend_config(self) -> str | None:
        """The backend's own text, unescaped."""
        value = self.attributes.get("backend_config")
        return None if value is None else scan.unquote(value)

    @property
    def trip_count(self) -> int | None:
        """How often a loop runs, when XLA found out."""
        match = _TRIP_COUNT.search(self.backend_config or "")
        return int(match.group(1)) if match else None

    @property
    def parameter_number(self) -> int | None:
        """Which parameter of its computation it is, from 0; None for what is none."""
        if self.opcode != "parameter":
            return None
        return scan.whole_number(self.operand_text.strip())

    def operand_instructions(self) -> list[HloInstruction | None]:
        """Its operands as instructions of its computation; None for a name that is not there."""
        return [self.computation.get(name) for name in self.operands]


def _plainly_called(tail: str) -> dict[str, tuple[str, ...]]:
    """Computations by role, as far as no string and no open brace stands before them, where they are attributes."""
    found: dict[str, tuple[str, ...]] = {}
    for match in _CALLED.finditer(tail):
        before = tail[: match.start()]
        if '"' in before or before.count("{") != before.count("}"):
            break
        role, one, several = match.groups()
        found[role] = (one,) if one is not None else tuple(_CALLED_NAME.findall(several))
    return found
