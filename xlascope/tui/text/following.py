"""From a line to the definitions of what it uses, and to the users of what it defines, in any of the compiler's texts.

Looked up in the text itself when asked: a scope is searched as bytes, which takes milliseconds in tens of megabytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from xlascope.ir import scan
from xlascope.tui.text.folds import Folds
from xlascope.tui.text.lines import TextLines

_HLO_LINE = re.compile(r"\s*(?:ROOT\s+)?%?([^\s=,(){}%\"]+) = (?:\([^\n]*?\)|[^\s(]\S*) ([a-zA-Z][\w\-]*)\(")
_HLO_HEADER = re.compile(r"(ENTRY\s+)?%?([^\s=,(){}%\"]+)[ ].*\{\s*$")
_CALLED = re.compile(
    r"[ ,](?:calls|to_apply|body|condition|branch_computations|true_computation|false_computation"
    r"|called_computations|select|scatter)=(\{[^{}]*\}|[^\s,{}]+)"
)
_NO_OPERANDS = frozenset({"constant", "parameter", "iota"})
_MLIR_NAME = re.compile(r"%[\w$.]+|(?<=[ (])@[\w$.]+")
_MLIR_DEFINES = re.compile(r"^\s*(%[\w$.]+)(?::\d+)? =|(?<=[(, ])(%[\w$.]+)(?=: | = )")
_JAXPR_OUTPUT = re.compile(r"(?<![\w.:=])([a-z]{1,6})(?=:[a-zA-Z~])")
_JAXPR_OPERAND = re.compile(r"(?<![\w.:=\[({,'\"])([a-z]{1,6})(?![\w:=\[(.,'])")
_JAXPR_ONLY_OUTPUTS = re.compile(r"(?:\s*[a-z_]{1,6}:[a-zA-Z~]\S*)+\s*(let\s*)?\Z")
_JAXPR_SHARED = re.compile(r"\bjaxpr=([A-Za-z_]\w*)")
_MOST = 5000
"""Users of one value that are listed."""
_MOST_OPERANDS = 100
"""Operands of one line that are looked up: a tuple may have thousands, and each is a search of its scope."""


class Following(Protocol):
    """How a language names what a line defines and uses."""

    def used(self, line: int) -> list[int]:
        """Lines of the definitions of what a line uses, in the order of its operands, then what it calls."""
        ...

    def users(self, line: int) -> list[int]:
        """Lines that use what a line defines, in the order of the text."""
        ...


def following(source: TextLines, folds: Folds, language: str) -> Following | None:
    """The links of a text; None for a language without any."""
    name = language.partition(":")[0]
    if name in ("hlo", "optimized", "pass"):
        return _Hlo(source, folds)
    if name == "stablehlo":
        return _Mlir(source, folds)
    return JaxprLinks(source, folds) if name == "jaxpr" else None


def _distinct(lines: list[int | None], but: int) -> list[int]:
    return list(dict.fromkeys(line for line in lines if line is not None and line != but))


class _Base:
    def __init__(self, source: TextLines, folds: Folds) -> None:
        self.source, self.folds = source, folds

    def scope(self, line: int) -> tuple[int, int]:
        """First and last line of the outermost fold around a line; the whole text without one."""
        around = list(self.folds.around(line))
        return (self.folds.headers[around[-1]], self.folds.lasts[around[-1]]) if around else (0, len(self.source) - 1)

    def lines_with(self, word: str, first: int, last: int, tail: bytes) -> Iterator[int]:
        """The lines from ``first`` to ``last`` that hold a word, no character of ``tail`` or a letter around it."""
        data, wanted = self.source.data, word.encode("utf-8", "replace")
        position, end, seen = self.source.offset(first), self.source.offset(last + 1), -1
        if not wanted:
            return
        while (position := data.find(wanted, position, end)) >= 0:
            before, after = data[position - 1 : position], data[position + len(wanted) : position + len(wanted) + 1]
            position += len(wanted)
            if ((after.isalnum() or after in tail) and after) or (before and (before.isalnum() or before in tail)):
                continue
            line = self.source.line_of(position - 1)
            if line != seen:
                seen = line
                yield line


class _Hlo(_Base):
    """Names are those of the line's computation; a parameter comes from the callers of its computation."""

    tail = b"._-"

    def used(self, line: int) -> list[int]:
        text = self.source.line(line)
        match = _HLO_LINE.match(text)
        if match is None:
            return []
        first, last = self.scope(line)
        if match.group(2) == "parameter":
            header = _HLO_HEADER.match(self.source.line(first))
            return self._callers(header.group(2)) if header and not header.group(1) else []
        end = scan.operands_end(text, match.end(), len(text))
        end = len(text) if end is None else end
        names = [] if match.group(2) in _NO_OPERANDS else scan.operand_refs(text[match.end() : end])
        wanted = list(dict.fromkeys(name for name, _ in names))[:_MOST_OPERANDS]
        found: list[int | None] = [self._defined(name, first, last) for name in wanted]
        for value in _CALLED.findall(text, end):
            found += [self._computation(name) for name in scan.computation_names(value)[:_MOST_OPERANDS]]
        return _distinct(found, line)

    def users(self, line: int) -> list[int]:
        text = self.source.line(line)
        match = _HLO_LINE.match(text)
        if match is None:
            header = _HLO_HEADER.match(text)
            return self._callers(header.group(2)) if header else []
        first, last = self.scope(line)
        found: list[int] = []
        for other in self.lines_with(match.group(1), first + 1, last, self.tail):
            text = self.source.line(other)
            own = _HLO_LINE.match(text)
            if other == line or own is None or len(found) >= _MOST:
                continue
            end = scan.operands_end(text, own.end(), len(text))
            names = scan.operand_refs(text[own.end() : len(text) if end is None else end])
            if own.group(2) not in _NO_OPERANDS and any(name == match.group(1) for name, _ in names):
                found.append(other)
        return found

    def _defined(self, name: str, first: int, last: int) -> int | None:
        for line in self.lines_with(name, first, last, self.tail):
            match = _HLO_LINE.match(self.source.line(line))
            if match is not None and match.group(1) == name:
                return line
        return None

    def _computation(self, name: str) -> int | None:
        for fold, header in enumerate(self.folds.headers):
            if fold not in self.folds.tables:
                match = _HLO_HEADER.match(self.source.line(header))
                if match is not None and match.group(2) == name:
                    return header
        return None

    def _callers(self, name: str) -> list[int]:
        found = []
        for line in self.lines_with(name, 0, len(self.source) - 1, self.tail):
            called = _CALLED.findall(self.source.line(line))
            if any(name in scan.computation_names(value) for value in called):
                found.append(line)
        return found[:_MOST]


class _Mlir(_Base):
    """Values are found up from their use; regions beside each other give the same names again."""

    tail = b"_$."

    def _defines(self, line: int) -> list[str]:
        text = self.source.line(line)
        return [first or other for first, other in _MLIR_DEFINES.findall(text)]

    def used(self, line: int) -> list[int]:
        own = set(self._defines(line))
        names = [name for name in _MLIR_NAME.findall(self.source.line(line).partition(" loc(")[0]) if name not in own]
        return _distinct([self._definition(name, line) for name in list(dict.fromkeys(names))[:_MOST_OPERANDS]], line)

    def _definition(self, name: str, line: int) -> int | None:
        if name.startswith("@"):
            functions = self.lines_with(name, 0, len(self.source) - 1, self.tail)
            return next((each for each in functions if "func.func" in self.source.line(each)), None)
        found = None
        for other in self.lines_with(name, self._function(line)[0], line - 1, self.tail):
            if name in self._defines(other):
                found = other
        return found

    def _function(self, line: int) -> tuple[int, int]:
        for fold in self.folds.around(line):
            if "func.func" in self.source.line(self.folds.headers[fold])[:80]:
                return self.folds.headers[fold], self.folds.lasts[fold]
        return self.scope(line)

    def users(self, line: int) -> list[int]:
        text = self.source.line(line)
        found: list[int] = []
        if "func.func" in text[:80]:
            function = re.search(r"@[\w$.]+", text)
            if function:
                found += [each for each in self.lines_with(function.group(), 0, len(self.source) - 1, self.tail)
                          if each != line]  # fmt: skip
            return found[:_MOST]
        around = [fold for fold in self.folds.around(line) if self.folds.headers[fold] != line]
        last = self.folds.lasts[around[0]] if around else len(self.source) - 1
        for name in dict.fromkeys(self._defines(line)):
            for other in self.lines_with(name, line + 1, last, self.tail):
                if name in self._defines(other):
                    break
                found.append(other)
        return sorted(set(found))[:_MOST]


class JaxprLinks(_Base):
    """Variables are seen from their equation on, within the jaxpr that holds it."""

    tail = b"_."

    def equation(self, line: int) -> tuple[int, int]:
        """First and last line of the equation that a line belongs to."""
        for fold in self.folds.around(line):
            header = self.source.line(self.folds.headers[fold])
            if "{ lambda " in header:
                break
            if header.rstrip().endswith("["):
                return self.folds.headers[fold], self.folds.lasts[fold]
        return line, line

    def _outputs(self, line: int) -> list[str]:
        head = self.source.line(line)
        if "{ lambda " in head:
            return _JAXPR_OUTPUT.findall(head[head.index("{ lambda ") :])
        if " = " in head:
            return _JAXPR_OUTPUT.findall(head.partition(" = ")[0])
        return _JAXPR_OUTPUT.findall(head) if _JAXPR_ONLY_OUTPUTS.match(head) else []

    def _all_outputs(self, line: int) -> list[str]:
        """Those of an equation whose outputs take several lines, too."""
        found = self._outputs(line)
        while line > 0 and found and self._goes_on(line - 1):
            line -= 1
            found = self._outputs(line) + found
        return found

    def _goes_on(self, line: int) -> bool:
        match = _JAXPR_ONLY_OUTPUTS.match(self.source.line(line)) if line >= 0 else None
        return match is not None and match.group(1) is None

    def used(self, line: int) -> list[int]:
        """Lines of the definitions of what the equation on a line uses, then what it calls."""
        first, last = self.equation(line)
        text = self.source.line(first)
        operands = text if first == last else self.source.line(last).lstrip(" ]")
        if first == last:
            operands = operands.partition(" = ")[2] or operands
            operands = re.sub(r"^[\w.\-]+(?:\[[^\]]*\])*", " ", operands.strip())
        found = [
            self.definition(name, first)
            for name in list(dict.fromkeys(_JAXPR_OPERAND.findall(" " + operands)))[:_MOST_OPERANDS]
        ]
        for number in range(first, last + 1):
            for name in _JAXPR_SHARED.findall(self.source.line(number)):
                found.append(self._shared(name))
            if "{ lambda " in self.source.line(number):
                break
        return _distinct(found, first)

    def _shared(self, name: str) -> int | None:
        start = f"let {name} = "
        return next((line for line in self.lines_with(name, 0, len(self.source) - 1, self.tail)
                     if self.source.line(line).lstrip().startswith(start)), None)  # fmt: skip

    def definition(self, name: str, line: int) -> int | None:
        """The line that defines a variable as seen from a line; None where there is none."""
        found = None
        for other in self.lines_with(name, 0, line - 1, self.tail):
            if name in self._outputs(other) and self._sees(other, line):
                found = other
        return found

    def _sees(self, definition: int, line: int) -> bool:
        """Whether a line lies in the jaxpr in which another one's variables are defined."""
        for fold in self.folds.around(definition):
            inside = "{ lambda " in self.source.line(self.folds.headers[fold])
            if inside or self.folds.headers[fold] != definition:
                return line <= self.folds.lasts[fold]
        return True

    def users(self, line: int) -> list[int]:
        """Lines of the equations that use what the one on a line defines."""
        first, last = self.equation(line)
        text = self.source.line(first)
        if text.lstrip().startswith("let ") and "{ lambda " in text:
            name = text.split()[1]
            return [self.equation(each)[0] for each in self.lines_with(name, 0, len(self.source) - 1, self.tail)
                    if each != first]  # fmt: skip
        found: list[int] = []
        begin = first if "{ lambda " in text else last
        for name in dict.fromkeys(self._all_outputs(first)):
            pattern = re.compile(rf"(?<![\w.:=]){re.escape(name)}(?![\w:=\[.])")
            for other in self.lines_with(name, begin + 1, len(self.source) - 1, self.tail):
                if not self._sees(first, other):
                    break
                if pattern.search(self.source.line(other)):
                    found.append(self.equation(other)[0])
        return sorted(set(found))[:_MOST]
