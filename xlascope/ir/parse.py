"""HLO text to an indexed module, in one pass over the lines.

Nothing here raises for odd text. Lines that XLA does not print so are read by ``loose.py``; one that is not understood
is listed in ``HloModule.problems`` and left out.
"""

from __future__ import annotations

import re
from sys import intern

from xlascope.ir import scan
from xlascope.ir.frames import read_tables
from xlascope.ir.hlo import HloComputation, HloModule, Problem
from xlascope.ir.loose import BEGINS, Head, Header, Loose, following, head_at, header_lines, unread

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
    body = _read_head(module)
    _index(module, *body)
    if _is_written(module):
        _name_unread(module)
    if not module.computations:
        module.problems.append(Problem(1, "", "the text holds no computation"))
    elif module.entry is None:
        module.problems.append(Problem(1, "", "no computation is marked ENTRY; the last one is taken"))
        module.entry = module.computations[-1]
    return module


def _is_written(module: HloModule) -> bool:
    """Did people write it? Compilers say more of a module in its header."""
    return "entry_computation_layout" not in module.header


def _read_head(module: HloModule) -> tuple[int, int]:
    """Read header and tables; gives offset and line number of the first computation (or of the text's end)."""
    head: list[str] = []
    offset = 0
    text = module.text
    for match in _LINE.finditer(text):
        if match.lastindex is not None and match.lastindex < 9:
            break
        if BEGINS.match(text, match.start()) is not None:
            break
        head.append(match.group(9) or "")
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
    first, number = number, number + header_lines(head[number - 1 :]) - 1
    _, _, header = "\n".join(head[first - 1 : number]).partition("HloModule")
    parts = scan.split_top(header, 0, len(header))
    module.name = parts[0] if parts else ""
    module.header = scan.attributes(header, header.find(",") + 1, len(header)) if "," in header else {}
    module.tables = read_tables(head[number:], number + 1)
    module.problems += [Problem(*problem) for problem in module.tables.problems]
    return offset, len(head) + 1


def _index(module: HloModule, offset: int, number: int) -> None:
    """Walk the lines from ``offset``, whose number is ``number``, and note where each instruction lies."""
    names, opcodes = module._names, module._opcodes
    shape_starts, shape_ends = module._shape_starts, module._shape_ends
    starts, lines, problems = module._starts, module._lines, module.problems
    current: HloComputation | None = None
    text = module.text
    size = len(text)
    loose = Loose(text)
    written = _is_written(module)
    for match in _LINE.finditer(text, offset):
        kind = match.lastindex
        if loose.pending and kind != 9:
            _give_up(loose, problems)
        if kind == 4:
            if current is None:
                problems.append(Problem(number, match.group().rstrip("\n"), "an instruction outside of a computation"))
            elif written and _CALL.match(match.group(3)):  # no shape: what stands there is the opcode
                _shapeless(module, current, number, match)
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
                    _behind(module, current, number, _line_end(match))
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
                current = _odd_line(module, loose, current, number, match)
        else:
            header = Header(number, match.start(5) >= 0, match.group(6), (match.group(7) or "").strip())
            current = _open(module, current, header, match.group().rstrip("\n"))
        number += 1
        if match.end() >= size:
            break
    if loose.pending:
        _give_up(loose, problems)
    if current is not None:
        problems.append(Problem(number - 1, "", f"the text ends inside %{current.name} of line {current.line}", True))
        _close(module, current)


def _odd_line(
    module: HloModule, loose: Loose, current: HloComputation | None, number: int, match: re.Match[str]
) -> HloComputation | None:
    """Take a line that is not as XLA prints it; gives the computation that is open behind it."""
    start, stop = match.span(9)
    last = len(module._names) - 1
    inside = current is not None and last >= current.start
    if inside:
        begin = module._starts[last]
        end = module._ends.get(last) or module.text.find("\n", begin)
        if loose.continues(last, begin, end, start, stop):
            module._ends[last] = stop
            return current
    found = loose.read(number, start, stop)
    if isinstance(found, Header):
        return _open(module, current, found, match.group(9))
    if isinstance(found, Head) and current is not None:
        _add(module, current, found, number, stop)
        _behind(module, current, number, stop)
    elif isinstance(found, Head):
        reason = "an instruction outside of a computation"
        module.problems += [Problem(line, text, reason) for line, text in loose.taken]
    elif loose.is_hopeless:
        _give_up(loose, module.problems)
    return current


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


def _shapeless(module: HloModule, computation: HloComputation, number: int, match: re.Match[str]) -> None:
    """An instruction without a shape whose first operand has one."""
    stop = _line_end(match)
    head = head_at(module.text, match.start(), stop)
    if head is None:
        module.problems.append(Problem(number, match.group().strip(), "not an instruction"))
    else:
        _add(module, computation, head, number, stop)
        _behind(module, computation, number, stop)


def _behind(module: HloModule, computation: HloComputation, number: int, stop: int) -> None:
    """The statements on a line behind its first one, where no compiler printed the module."""
    last = len(module._names) - 1
    starts = following(module.text, module._shape_ends[last], stop)
    if starts:
        module._ends[last] = starts[0]
    for start, end in zip(starts, [*starts, stop][1:], strict=True):
        head = head_at(module.text, start, end)
        if head is None:
            module.problems.append(Problem(number, module.text[start:end].strip(), "not an instruction"))
        else:
            _add(module, computation, head, number, end)


def _name_unread(module: HloModule) -> None:
    """Lists what instructions have that is kept as text."""
    text = module.text
    for index, start in enumerate(module._starts):
        stop = module._ends.get(index) or text.find("\n", start)
        stop = len(text) if stop < 0 else stop
        for reason in unread(text, module._shape_ends[index], stop):
            line = text[start:stop].strip().partition("\n")[0]
            module.problems.append(Problem(module._lines[index], line, reason))


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
