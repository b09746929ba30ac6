"""Which line of one side's sources is which of the other's, for the equations that lines wrote."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from itertools import count
from pathlib import PurePath

from xlascope.ir import JaxprIndex
from xlascope.ir.alignment import Lines, canonical
from xlascope.views import fields
from xlascope.views.provenance.positions import user_places
from xlascope.views.sources.source import RunSource

Texts = Mapping[int, Hashable]
"""What stands on each line of a file."""


def texts(source: RunSource) -> dict[str, str]:
    """The sources that a run holds, by file."""
    return source.memo("source texts", lambda: _texts(source))


def _texts(source: RunSource) -> dict[str, str]:
    found: dict[str, str] = {}
    for record in source.records("source"):
        file, text = fields.text(record.json, "file"), source.text(record)
        if file is not None and text is not None:
            found[file] = text
    return found


def couples(a: RunSource, b: RunSource, files_a: Sequence[str], files_b: Sequence[str]) -> list[tuple[str, str]]:
    """Files that are one on both sides: the scripts, whatever their names, then those of one path or one name."""
    scripts = _script(a, files_a), _script(b, files_b)
    found = [(scripts[0], scripts[1])] if scripts[0] is not None and scripts[1] is not None else []
    by_name = {PurePath(file).name: file for file in files_a if file != scripts[0]}
    for file in files_b:
        other = file if file in files_a else by_name.get(PurePath(file).name)
        if file != scripts[1] and other is not None:
            found.append((other, file))
    return found


def _script(source: RunSource, files: Sequence[str]) -> str | None:
    record = source.last("run")
    script = fields.text(record.json, "script") if record is not None else None
    return next((file for file in files if script is not None and PurePath(file).name == PurePath(script).name), None)


def corresponding(a: RunSource, b: RunSource, first: JaxprIndex, second: JaxprIndex) -> tuple[Lines, Lines]:
    """The user's lines of the equations of both jaxprs, as `align` takes them.

    Lines are laid side by side by their text; where a source is not held by what equations each line wrote.
    """
    texts_a, texts_b = texts(a), texts(b)
    wrote_a, wrote_b = _wrote(first), _wrote(second)
    numbers = count()
    of_a: dict[tuple[str, int], tuple[int, int]] = {}
    of_b: dict[tuple[str, int], tuple[int, int]] = {}
    sides: tuple[Texts, Texts]
    for one, two in couples(a, b, list(wrote_a), list(wrote_b)):
        if one in texts_a and two in texts_b:
            sides = _of_text(texts_a[one]), _of_text(texts_b[two])
        else:
            sides = wrote_a[one], wrote_b[two]
        _number(sides, (one, two), (of_a, of_b), numbers)
    return _by_path(first, of_a), _by_path(second, of_b)


def _of_text(text: str) -> Texts:
    return {number: line.strip() for number, line in enumerate(text.splitlines(), 1)}


def _wrote(index: JaxprIndex) -> dict[str, Texts]:
    """By file and line how many equations of which primitives came of it, in the order of lines."""
    found: dict[str, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    places = user_places(index.equations)
    for each in index.equations:
        place = places[each.path]
        if place is not None:
            found[place[0]][place[1]][canonical(each.primitive)] += 1
    return {
        file: {line: tuple(sorted(told.items())) for line, told in sorted(lines.items())}
        for file, lines in found.items()
    }


def _number(
    sides: tuple[Texts, Texts],
    files: tuple[str, str],
    into: tuple[dict[tuple[str, int], tuple[int, int]], dict[tuple[str, int], tuple[int, int]]],
    numbers: count[int],
) -> None:
    lines = [list(side) for side in sides]
    for tag, start_a, end_a, start_b, end_b in _changes(tuple(sides[0].values()), tuple(sides[1].values())):
        stretch = next(numbers)
        for which, start, end in ((0, start_a, end_a), (1, start_b, end_b)):
            for place in range(start, end):
                # The numbers of equal lines run alike on both sides, those of others are each side's own.
                line = (stretch, place - start) if tag == "equal" else (next(numbers), -1)
                into[which][files[which], lines[which][place]] = hash(line), stretch


@lru_cache(maxsize=16)  # of one script for each of its programs
def _changes(a: tuple[Hashable, ...], b: tuple[Hashable, ...]) -> Sequence[tuple[str, int, int, int, int]]:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes()


def _by_path(index: JaxprIndex, numbered: Mapping[tuple[str, int], tuple[int, int]]) -> Lines:
    places = user_places(index.equations)
    return {path: numbered[place] for path, place in places.items() if place is not None and place in numbered}
