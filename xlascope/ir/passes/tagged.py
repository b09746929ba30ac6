"""Which lines of the texts of a pass sequence come from which equation, by the tags in them: read once for all."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from xlascope.ir.parse import parse_hlo
from xlascope.ir.passes.form import Texts
from xlascope.ir.passes.lines import Instruction, op_name
from xlascope.ir.provenance import is_whole, module_paths, names_of, paths_of


class TaggedLines:
    """Lines by number, as `Texts` counts the distinct ones; ``known``: all equations there are, None where unknown.

    Names inside of functions that are not inlined yet begin anew: there the callers tell where they go on from.
    Parameters do not count: a fused computation's say only what is handed in.
    """

    def __init__(self, texts: Texts, known: Collection[str] | None) -> None:
        self.known = known
        self._texts = texts
        self._whole: dict[str, set[int]] = {}
        relative = []
        for number, line in enumerate(texts.lines):
            name = op_name(line) if "xs" in line and " parameter(" not in line else ""
            names = names_of(name) if name else []
            wholes = [each for each in names if is_whole(each)]
            paths = {path for each in wholes for path in paths_of(each, known)}
            for enclosing in {each for path in paths for each in _around(path)}:
                self._whole.setdefault(enclosing, set()).add(number)
            if len(wholes) < len(names) and paths_of(name):
                relative.append(number)
        self._relative = frozenset(relative)
        self._in_functions: dict[int, dict[str, set[int]]] = {}

    def of(self, path: str, text: int) -> frozenset[int]:
        """Those of an equation or of one inside of it that stand in a text, and in others too where their names say
        all."""
        if text not in self._in_functions:
            self._in_functions[text] = self._resolved(text)
        return frozenset(self._whole.get(path, set()) | self._in_functions[text].get(path, set()))

    def _resolved(self, text: int) -> dict[str, set[int]]:
        here = self._relative.intersection(self._texts.rows[text])
        if not here or not self._texts.opcodes(text)["call"]:
            return {}
        paths = module_paths(parse_hlo(self._texts.text(text)), self.known)
        found: dict[str, set[int]] = {}
        for number in here:
            line = self._texts.line(number)
            own = paths.get(line.name, ()) if isinstance(line, Instruction) else ()
            for enclosing in {each for path in own for each in _around(path)}:
                found.setdefault(enclosing, set()).add(number)
        return found


def _around(path: str) -> Iterator[str]:
    """A path and those of the equations around it: ``4.b1.0`` gives itself, ``4.b1`` and ``4``."""
    while path:
        yield path
        path = path.rpartition(".")[0]
