"""The stack frame tables at the top of HLO text, and the source positions they give."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from xlascope.ir.scan import is_comment, unquote

_SECTIONS = ("FileNames", "FunctionNames", "FileLocations", "StackFrames")
_ENTRY = re.compile(r"\s*(\d{1,18})\s+(\S.*)")
_FIELD = re.compile(r"(\w+)=(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Frame:
    """One stack frame of user code. ``column`` and ``end_*`` are None where the text has none."""

    file: str | None
    function: str | None
    line: int | None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None


@dataclass(slots=True)
class FrameTables:
    """The four numbered tables. ``problems`` are (line number, text, reason)."""

    files: dict[int, str] = field(default_factory=dict)
    functions: dict[int, str] = field(default_factory=dict)
    locations: dict[int, dict[str, int]] = field(default_factory=dict)
    frames: dict[int, dict[str, int]] = field(default_factory=dict)
    problems: list[tuple[int, str, str]] = field(default_factory=list)
    _stacks: dict[int, tuple[Frame, ...]] = field(default_factory=dict, repr=False, compare=False)
    _shift: int | None = field(default=None, repr=False, compare=False)

    def stack(self, frame_id: int) -> tuple[Frame, ...]:
        """The frames from the innermost to the outermost; () for an id that is not there. Ask of whole tables only."""
        found = self._stacks.get(frame_id)
        if found is None:
            found = self._stacks[frame_id] = self._walk(frame_id)
        return found

    def _walk(self, frame_id: int) -> tuple[Frame, ...]:
        chain: list[Frame] = []
        seen: set[int] = set()
        if self._shift is None:
            # XLA prints parent ids one too high (the root's absent parent, 0, as 1), and never prints a 0.
            self._shift = 0 if any(not entry.get("parent_frame_id") for entry in self.frames.values()) else 1
        while frame_id in self.frames and frame_id not in seen:
            seen.add(frame_id)
            entry = self.frames[frame_id]
            chain.append(self._frame(entry.get("file_location_id", 0)))
            frame_id = entry.get("parent_frame_id", 0) - self._shift
        return tuple(chain)

    def _frame(self, location_id: int) -> Frame:
        location = self.locations.get(location_id, {})
        return Frame(
            file=self.files.get(location.get("file_name_id", 0)),
            function=self.functions.get(location.get("function_name_id", 0)),
            line=location.get("line"),
            column=location.get("column"),
            end_line=location.get("end_line"),
            end_column=location.get("end_column"),
        )


def read_tables(lines: list[str], first_line: int) -> FrameTables:
    """Read the tables from the lines between the module's header and its first computation."""
    tables = FrameTables()
    section = ""
    for number, line in enumerate(lines, first_line):
        stripped = line.strip()
        if stripped in _SECTIONS:
            section = stripped
        elif stripped and not is_comment(stripped):
            entry = _ENTRY.match(line) if section else None
            if not entry or not _store(tables, section, int(entry.group(1)), entry.group(2).rstrip()):
                tables.problems.append((number, line, "neither a computation nor an entry of a frame table"))
    return tables


def _store(tables: FrameTables, section: str, key: int, value: str) -> bool:
    if section in ("FileNames", "FunctionNames"):
        if not value.startswith('"'):
            return False
        (tables.files if section == "FileNames" else tables.functions)[key] = unquote(value)
        return True
    if not value.startswith("{"):
        return False
    fields = {name: int(number) for name, number in _FIELD.findall(value)}
    (tables.locations if section == "FileLocations" else tables.frames)[key] = fields
    return True
