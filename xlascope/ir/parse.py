"""HLO text to an indexed module, in one pass over the lines.

Nothing here raises for odd text. Lines that XLA does not print so are read by ``loose.py``; one that is not understood
is listed in ``HloModule.problems`` and left out.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Container
from dataclasses import dataclass
from sys import intern

from xlascope.ir import scan
from xlascope.ir.frames import read_tables
from xlascope.ir.hlo import HloComputation, HloModule, Problem
from xlascope.ir.loose import (
    BEGINS,
    Head,
    Header,
    Loose,
    first_statement,
    following,
    has_body,
    head_at,
    header_lines,
    holds_instruction,
    opened_behind,
    operand_span,
    statements,
)
from xlascope.ir.nested import Bodies, Body, Lines, unfold

# One match for each line. Groups: 1 ROOT, 2 name, 3 shape, 4 opcode | 5 ENTRY, 6 name, 7 signature | 8 end | 9 other.
_LINE = re.compile(
    r"[ \t]*(?:"
    r"(ROOT[ ]+)?%?([^\s=,(){}%\"]+)[ ]=[ ](\([^\n]*?\)|[^\s(]\S*)[ ]([a-zA-Z][a-zA-Z0-9_\-]*)\([^\n]*"
    r"|(?=[^\n]*[ ]\{[ \t\r]*(?:\n|\Z))"  # only a line that ends in a brace: else this took quadratic time
    r"(ENTRY[ ]+)?%?([^\s=,(){}%\"]+)([ ]+\([^\n]*\)[ ]*->[ ][^\n]*)?[ ]+\{[ \t\r]*(?=\n|\Z)"
    r"|(\}[^\n]*)"
    r"|([^\n]*)"
    r")(?:\n|\Z)"
)
_CALL = re.compile(r"[a-zA-Z][\w\-]+\(")  # two letters: `b(f32[2])` is a shape, a buffer's
_THREAD = re.compile(r'execution_thread="([^"]*)"')


def parse_hlo(text: str) -> HloModule:
    """Index HLO text. Never raises for odd text: see ``HloModule.problems``."""
    module = HloModule(text)
    offset, number = _read_head(module)
    if _is_written(module):
        _index_written(module, offset, number)
    else:
        _index(module, _Part(text, offset, len(text), number))
    if not module.computations:
        module.problems.append(Problem(1, "", "the text holds no computation"))
    elif module.entry is None:
        module.problems.append(Problem(1, "", "no computation is marked ENTRY; the last one is taken"))
        module.entry = next(each for each in reversed(module.computations) if not module.is_in_place(each))
    return module


@dataclass(frozen=True, slots=True)
class _Part:
    """What is walked of a text: offsets, the line number of the first; ``body``: the computation it is the inside."""

    text: str
    start: int
    stop: int
    number: int
    written: bool = False
    body: HloComputation | None = None


def _index_written(module: HloModule, offset: int, number: int) -> None:
    """A module that people wrote: computations given in place are walked each on its own, the outer ones first."""
    bodies = Bodies(module.text)
    _index(module, _Part(bodies.masked(0), offset, len(module.text), number, written=True))
    lines = Lines(module.text)
    walked, read = [(0, len(module._names), 0, len(module.text))], set[int]()
    for level, found in enumerate(bodies.levels, 1):
        text, outer, walked = bodies.masked(level), iter(walked), []
        first, stop, begin, end = next(outer, (0, 0, 0, 0))
        for body in found:
            while end < body.stop and end:
                first, stop, begin, end = next(outer, (0, 0, 0, 0))
            if body.start < begin:  # what it stands in was not read
                continue
            start, line = len(module._names), lines.at(body.start)
            if not _owned(module, body, first, stop):
                inside = module.text[body.start : body.stop].split("\n")
                told = enumerate(inside, line)
                module.problems += [Problem(at, each, "not in an instruction") for at, each in told if each.strip()]
                continue
            read.add(body.start)
            computation = HloComputation(module, body.name, False, line, start, "")
            _index(module, _Part(text, body.start, body.stop, line, written=True, body=computation))
            walked.append((start, len(module._names), body.start, body.stop))
    unfold(module)
    _name_unread(module, read)


def _owned(module: HloModule, body: Body, first: int, stop: int) -> bool:
    """Give a computation to the instruction it stands in, one of ``first`` to ``stop``; False: to none."""
    index = bisect_right(module._starts, body.start, first, stop) - 1
    if index < first:
        return False
    end = _end(module, index)
    if not module._shape_ends[index] < body.start <= end:
        return False
    roles = module._bodies.setdefault(index, {})
    roles[body.role] = (*roles.get(body.role, ()), body.name)
    module._ends[index] = max(end, body.stop + 1)
    module.mixed = True
    return True


def _end(module: HloModule, index: int) -> int:
    end = module._ends.get(index) or module.text.find("\n", module._starts[index])
    return len(module.text) if end < 0 else end


def _is_written(module: HloModule) -> bool:
    """Did people write it? Compilers say more of a module in its header."""
    return "entry_computation_layout" not in module.header


def _read_head(module: HloModule) -> tuple[int, int]:
    """Read header and tables; gives offset and line number of the first computation (or of the text's end)."""
    head: list[str] = []
    places: list[int] = []
    offset = 0
    text = module.text
    for match in _LINE.finditer(text):
        if match.lastindex is not None and match.lastindex < 9:
            break
        if BEGINS.match(text, match.start()) is not None or _opens_and_goes_on(text, *match.span()):
            break
        head.append(match.group(9) or "")
        places.append(match.start(9))
        offset = match.end()
        if offset >= len(text):
            break
    number = 1
    while number <= len(head) and not head[number - 1].lstrip().startswith("HloModule"):
        if head[number - 1].strip() and not scan.is_comment(head[number - 1]):
            module.problems.append(Problem(number, head[number - 1], "text before the module's header"))
        number += 1
    if number > len(head):
        module.problems[:] = [Problem(1, head[0] if head else "", "no line begins with HloModule")]
        return 0, 1
    begins = opened_behind(head[number - 1])
    if begins is not None:
        head, offset = [*head[: number - 1], head[number - 1][:begins]], places[number - 1] + begins
    first, number = number, number + header_lines(head[number - 1 :]) - 1
    _, _, header = "\n".join(head[first - 1 : number]).partition("HloModule")
    parts = scan.split_top(header, 0, len(header))
    module.name = parts[0] if parts else ""
    module.header = scan.attributes(header, header.find(",") + 1, len(header)) if "," in header else {}
    module.tables = read_tables(head[number:], number + 1)
    module.problems += [Problem(*problem) for problem in module.tables.problems]
    return offset, len(head) + (begins is None)


def _opens_and_goes_on(text: str, start: int, stop: int) -> bool:
    begins = first_statement(text, start, stop)
    return begins is not None and not text[start:begins].lstrip().startswith("HloModule")


def _index(module: HloModule, part: _Part) -> None:
    """Walk the lines of a part of the text, and note where each instruction lies."""
    names, opcodes = module._names, module._opcodes
    shape_starts, shape_ends = module._shape_starts, module._shape_ends
    starts, lines, problems = module._starts, module._lines, module.problems
    current, written, number, size = part.body, part.written, part.number, part.stop
    loose = Loose(part.text)
    for match in _LINE.finditer(part.text, part.start, size):
        kind = match.lastindex
        if loose.pending and kind != 9:
            _give_up(loose, problems)
        if kind == 4:
            if current is None:
                problems.append(Problem(number, match.group().rstrip("\n"), "an instruction outside of a computation"))
            elif written and _CALL.match(match.group(3)):  # no shape: what stands there is the opcode
                current = _statements(module, part, current, number, match.start(), _line_end(match))
            else:
                if match.start(1) >= 0:
                    current.root_index = len(names)
                names.append(match.group(2))
                opcodes.append(intern(match.group(4)))
                starts.append(match.start())
                shape_starts.append(match.start(3))
                shape_ends.append(match.end(3))
                lines.append(number)
                if written:
                    current = _behind(module, part, current, number, _line_end(match))
        elif kind == 8:
            last = len(names) - 1
            if current is not None and loose.closes(last, match.start(8), match.end(8)):
                module._ends[last] = match.end(8)
            elif current is None:
                problems.append(Problem(number, match.group(8), "a closing brace without a computation", True))
            else:
                thread = _THREAD.search(match.group(8))
                current.execution_thread = thread.group(1) if thread else None
                _close(module, current)
                current = None
        elif kind == 9:
            other = match.group(9)
            if other and not other.isspace() and not scan.is_comment(other):
                current = _odd_line(module, part, loose, current, number, match.span(9))
        else:
            header = Header(number, match.start(5) >= 0, match.group(6), (match.group(7) or "").strip())
            current = _open(module, current, header, match.group().rstrip("\n"))
        number += 1
        if match.end() >= size:
            break
    if loose.pending:
        _give_up(loose, problems)
    if current is not None:
        if current is not part.body:
            reason = f"the text ends inside %{current.name} of line {current.line}"
            problems.append(Problem(number - 1, "", reason, True))
        _close(module, current)


def _odd_line(
    module: HloModule, part: _Part, loose: Loose, current: HloComputation | None, number: int, span: tuple[int, int]
) -> HloComputation | None:
    """Take a line that is not as XLA prints it; gives the computation that is open behind it."""
    start, stop = span
    text = part.text
    last = len(module._names) - 1
    if current is not None and last >= current.start:
        if loose.continues(last, module._starts[last], _end(module, last), start, stop):
            module._ends[last] = stop
            if not part.written:
                return current
            return _continued(module, part, loose, current, number, span)
    elif current is None and part.written and not loose.pending:
        begins = first_statement(text, start, stop)
        if begins is not None:
            found = loose.read(number, start, text.rindex("{", start, begins) + 1)
            if isinstance(found, Header):
                opened = _open(module, None, found, text[start:stop])
                return _statements(module, part, opened, number, begins, stop)
            loose.pending = []
    found = loose.read(number, start, stop)
    if isinstance(found, Header):
        return _open(module, current, found, text[start:stop])
    if isinstance(found, Head) and current is not None:
        _add(module, current, found, number, stop)
        return _behind(module, part, current, number, stop)
    if isinstance(found, Head):
        reason = "an instruction outside of a computation"
        module.problems += [Problem(line, text, reason) for line, text in loose.taken]
    elif loose.is_hopeless:
        _give_up(loose, module.problems)
    return current


def _continued(
    module: HloModule,
    part: _Part,
    loose: Loose,
    current: HloComputation,
    number: int,
    span: tuple[int, int],
) -> HloComputation | None:
    """What stands behind the end of an instruction that went on over lines: other statements, a closing brace."""
    start, stop = span
    close = scan.closing(part.text, start, stop, loose.before) if loose.before > 0 else start
    begins = statements(part.text, close, stop) if close is not None else []
    if not begins:
        return _closed(module, part, current, stop) if loose.depth == -1 else current
    last = len(module._names) - 1
    module._ends[last] = begins[0]
    for begin, end in zip(begins, [*begins[1:], stop], strict=True):
        head = head_at(part.text, begin, end)
        if head is not None:
            _add(module, current, head, number, end)
        else:
            loose.begin(number, begin, end)
    is_last = not loose.pending and scan.depth(part.text, begins[-1], stop) == -1
    return _closed(module, part, current, stop) if is_last else current


def _closed(module: HloModule, part: _Part, current: HloComputation, stop: int) -> HloComputation | None:
    """The computation that is open behind a line that ends at ``stop``, where one brace more closes than was opened."""
    start, last = part.text.rfind("\n", 0, stop) + 1, len(module._names) - 1
    line = part.text[start:stop].rstrip()
    if not line.endswith("}"):
        return current
    module._ends[last] = start + len(line) - 1
    _close(module, current)
    return None


def _give_up(loose: Loose, problems: list[Problem]) -> None:
    problems += [Problem(number, text, "not an instruction") for number, text in loose.pending]
    loose.pending = []


def _add(module: HloModule, computation: HloComputation, head: Head, number: int, stop: int) -> None:
    """An instruction whose head ends on line ``number``, at offset ``stop``."""
    index = len(module._names)
    if head.is_root:
        computation.root_index = index
    module._names.append(head.name)
    module._opcodes.append(intern(head.opcode))
    module._starts.append(head.start)
    module._shape_starts.append(head.shape_start)
    module._shape_ends.append(head.shape_end)
    module._lines.append(number - module.text.count("\n", head.start, stop))
    module._operands[index] = head.operands
    module._ends[index] = stop


def _line_end(match: re.Match[str]) -> int:
    return match.end() - match.group().endswith("\n")


def _statements(
    module: HloModule, part: _Part, computation: HloComputation, number: int, start: int, stop: int
) -> HloComputation | None:
    """The statements of a line; gives the computation that is open behind it."""
    head = head_at(part.text, start, stop)
    if head is None:
        module.problems.append(Problem(number, part.text[start:stop].strip(), "not an instruction"))
        return computation
    _add(module, computation, head, number, stop)
    return _behind(module, part, computation, number, stop)


def _behind(
    module: HloModule, part: _Part, computation: HloComputation, number: int, stop: int
) -> HloComputation | None:
    """The statements on a line behind its first one, where no compiler printed the module."""
    text, last = part.text, len(module._names) - 1
    starts = following(text, module._shape_ends[last], stop)
    if starts:
        module._ends[last] = starts[0]
    for start, end in zip(starts, [*starts, stop][1:], strict=True):
        head = head_at(text, start, end)
        if head is None:
            module.problems.append(Problem(number, text[start:end].strip(), "not an instruction"))
        else:
            _add(module, computation, head, number, end)
    begin = starts[-1] if starts else module._starts[last]
    is_last = text[begin:stop].rstrip().endswith("}") and scan.depth(text, begin, stop) == -1
    return _closed(module, part, computation, stop) if is_last else computation


def _name_unread(module: HloModule, read: Container[int]) -> None:
    """Lists what instructions have that is kept as text, but for the computations at offsets that were read."""
    text = module.text
    for index, start in enumerate(module._starts):
        stop = _end(module, index)
        span = operand_span(text, module._shape_ends[index], stop)
        if span is None:
            continue
        reasons = []
        if module._opcodes[index] != "constant" and index not in module._refs and holds_instruction(text, *span):
            reasons.append("an operand is an instruction itself: it is kept as text")
        if has_body(text, span[1], stop, read):
            reasons.append("a computation stands inside of an instruction: it is kept as text")
        line = text[start:stop].strip().partition("\n")[0]
        module.problems += [Problem(module._lines[index], line, reason) for reason in reasons]


def _open(module: HloModule, current: HloComputation | None, header: Header, text: str) -> HloComputation:
    if current is not None:
        reason = f"%{current.name} of line {current.line} has no closing brace before this line"
        module.problems.append(Problem(header.line, text, reason, True))
        _close(module, current)
    return HloComputation(module, header.name, header.is_entry, header.line, len(module._names), header.signature)


def _close(module: HloModule, computation: HloComputation) -> None:
    computation.stop = len(module._names)
    if computation.root_index is None and computation.stop > computation.start:
        # Text without ROOT marks: XLA takes the last instruction.
        computation.root_index = computation.stop - 1
    module.computations.append(computation)
    module._computation_starts.append(computation.start)
    if computation.is_entry:
        if module.entry is not None:
            module.problems.append(Problem(computation.line, computation.name, "a second ENTRY; the first one is kept"))
        else:
            module.entry = computation
