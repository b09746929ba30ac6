"""View ``diff``: what differs between two forms that a program had between passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from xlascope.ir.passes import Form, PassSequence, compare
from xlascope.ir.passes.lines import bare
from xlascope.ir.passes.textual import unified
from xlascope.ir.provenance import without_tags
from xlascope.views.compiler.pass_store import required_passes, snapshot_named
from xlascope.views.errors import ViewError
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import variant_name
from xlascope.views.sources.source import Source


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two forms. ``index`` is that of ``pass:INDEX``."""

    index: int
    pipeline: str
    pass_: str
    instructions: int
    JSON_KEYS: ClassVar = {"pass_": "pass"}


@dataclass(frozen=True, slots=True)
class Entry:
    """An instruction that differs. ``text`` is its line without metadata, ``line`` where it stands in its form's text
    (from 1): in the later one, but for what was removed.

    Of ``changed`` and ``moved`` ones ``before`` has the name, computation and line before; ``what`` lists what changed:
    ``operands``, ``shape``, ``attributes``, or ``called`` (a computation it calls is another one).
    """

    name: str
    opcode: str
    computation: str
    text: str
    line: int
    before: Was | None = None
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Was:
    """An instruction as it was before."""

    name: str
    computation: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Diff:
    """Each instruction of either form is counted once: ``same``, ``changed``, ``moved`` (into another computation),
    ``removed``, ``added``. Names, numbering and metadata do not count.

    ``order``: whether nothing differs but the order of execution or the module's header. ``unified``: the textual
    difference when it was asked for, else null.
    """

    program: str
    variant: str | None
    from_: Side
    to: Side
    same: int
    changed: tuple[Entry, ...]
    moved: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    added: tuple[Entry, ...]
    opcodes_added: Mapping[str, int]
    opcodes_removed: Mapping[str, int]
    order: bool
    unified: str | None
    JSON_KEYS: ClassVar = {"from_": "from"}


def query(
    source: Source,
    program: str | None = None,
    variant: str | None = None,
    text: bool | None = None,
    to: str | None = None,
    **rest: Any,
) -> Diff:
    """``from`` and ``to``: numbers of passes, ``hlo`` (before all) or ``optimized`` (after all).

    Without ``to`` the pass named by ``from`` against the one before it; without either, the whole compile. Raises
    ViewError (2) for what is not there.
    """
    name = choose(source, program)
    which = variant_name(source, name, variant)
    sequence = required_passes(source, name, which)
    first, second = _places(sequence, rest.get("from"), to)
    return between(sequence, first, second, name, which, bool(text))


def _places(sequence: PassSequence, start: Any, stop: str | None) -> tuple[int, int]:
    if start is None and stop is None:
        return 0, len(sequence.snapshots) - 1
    if start is not None and stop is not None:
        return snapshot_named(sequence, str(start)), snapshot_named(sequence, stop)
    place = snapshot_named(sequence, str(start if stop is None else stop))
    if place == 0:
        raise ViewError("nothing comes before the first form", "Give --from and --to.")
    return place - 1, place


def between(
    sequence: PassSequence, first: int, second: int, program: str, variant: str | None, text: bool = False
) -> Diff:
    """The difference of two places of a sequence."""
    texts, snapshots = sequence.texts, sequence.snapshots
    one, two = snapshots[first].text, snapshots[second].text
    a, b = texts.form(one), texts.form(two)
    found = compare(texts, one, two)
    tidy = _Tidy(sequence)
    counts_a, counts_b = texts.opcodes(one), texts.opcodes(two)
    changed = tuple(tidy.entry(b, y, (a, x), what) for x, y, what in found.changed)
    moved = tuple(tidy.entry(b, y, (a, x)) for x, y in found.moved)
    removed = tuple(tidy.entry(a, x) for x in found.removed)
    added = tuple(tidy.entry(b, y) for y in found.added)
    said = None
    if text:
        names = tuple(f"pass:{snapshots[each].step.index}" for each in (first, second))
        said = "\n".join(unified(texts.lines, texts.rows[one], texts.rows[two], (names[0], names[1])))
        said = without_tags(said) if sequence.tagged else said
    return Diff(
        program, variant, _side(sequence, first, a), _side(sequence, second, b), len(found.same), changed, moved,
        removed, added, _sorted(counts_b - counts_a), _sorted(counts_a - counts_b),
        not (changed or moved or removed or added) and a.whole != b.whole, said,
    )  # fmt: skip


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _side(sequence: PassSequence, place: int, form: Form) -> Side:
    step = sequence.snapshots[place].step
    return Side(step.index, step.pipeline, step.name or f"before {step.before}", len(form.instructions))


class _Tidy:
    """Lines as people want to see them."""

    def __init__(self, sequence: PassSequence) -> None:
        self._lines = sequence.texts.lines

    def entry(self, form: Form, at: int, was: tuple[Form, int] | None = None, what: tuple[str, ...] = ()) -> Entry:
        each = form.instructions[at]
        before = None
        if was is not None:
            earlier = was[0].instructions[was[1]]
            before = Was(earlier.name, was[0].block_of(was[1]).name, self._text(*was), was[0].lines[was[1]] + 1)
        computation = form.block_of(at).name
        return Entry(each.name, each.opcode, computation, self._text(form, at), form.lines[at] + 1, before, what)

    def _text(self, form: Form, at: int) -> str:
        return bare(self._lines[form.ids[at]])
