"""The user's own lines that lead to a line of a package, and how places are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from xlascope.views.compiler.rows import Compile
from xlascope.views.provenance.positions import is_in, is_library, package_of

PLACES = 3  # lines that are told
Places = Counter[tuple[str | None, int | None]]


def where(file: str | None, line: int | None) -> str:
    """``train.py:40``."""
    return f"{(file or '?').rpartition('/')[2]}:{line}"


def lines(places: Places) -> str:
    """``train.py:40 (and 52, other.py:3)``: those with the most compiles first."""
    (file, line), _ = places.most_common(1)[0]
    others = [place for place, _ in places.most_common(PLACES)[1:]]
    more = [str(number) if other == file else where(other, number) for other, number in others]
    rest = ", …" if len(places) > PLACES else ""
    return where(file, line) + (f" (and {', '.join(more)}{rest})" if more else "")


def is_reached(row: Compile, file: str | None) -> bool:
    """Whether a file is of a package that the user's own line of a compile calls: not one of the user's own."""
    if file is None or row.own_file is None or row.own_file == file:
        return False
    return is_library(file) and not is_in(file, package_of(row.own_file))


def leading(rows: Iterable[Compile], file: str | None) -> Places:
    """The user's lines that lead to a line of a package, with their compiles; none for a line of the user's."""
    return Counter((row.own_file, row.own_line) for row in rows if is_reached(row, file))


def leads(rows: Iterable[Compile], file: str | None, other: str = "") -> str:
    """``train.py:40 leads there: put `jax.jit` around what that line calls``; nothing for a line of the user's.

    ``other``: put in front of what to do.
    """
    places = leading(rows, file)
    if not places:
        return ""
    leads_there, called = (
        ("leads there", "that line calls") if len(places) == 1 else ("lead there", "those lines call")
    )
    return f"{lines(places)} {leads_there}: {other}put `jax.jit` around what {called}"
