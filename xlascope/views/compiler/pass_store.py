"""The passes of a program's compile that a source holds: as a lab collected them, or as files of a dump folder."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from xlascope.ir.passes import Event, PassSequence, Snapshot, Texts, read_step
from xlascope.ir.provenance import without_tags
from xlascope.protocol.snapshots import LineStore, unpack
from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.cache import checkpoint
from xlascope.views.compiler.records import passes_record, uncompiled
from xlascope.views.errors import ViewError
from xlascope.views.sources.source import HloSource, RunSource, Source
from xlascope.views.sources.texts import read_text

_FILE = re.compile(r"module_\d+\..+?\.(\d{4,})\.(.+)\.(?:txt|hlo\.pb)(?:\.gz)?\Z")
FIRST, LAST = "hlo", "optimized"
"""Names for the forms before all passes and after them."""


def pass_sequence(source: Source, program: str, variant: str | None = None) -> PassSequence | None:
    """The passes of a program or of a variant of it; None when they are not held.

    Raises ViewError (exit code 3) for a record that cannot be read.
    """
    if isinstance(source, HloSource):
        key = ("passes", program)
        return source.large.get_or(key, lambda: _of_dump(source, program))
    assert isinstance(source, RunSource)
    record = passes_record(source, program, variant)
    if record is None:
        return None
    return source.large.get_or(("passes", record.id), lambda: _of_record(source, record))


def required_passes(source: Source, program: str, variant: str | None = None) -> PassSequence:
    """As `pass_sequence`. Raises ViewError (exit code 2) saying how they are had."""
    found = pass_sequence(source, program, variant)
    if found is not None:
        return found
    of = f"{program}, variant {variant}" if variant else program
    if isinstance(source, RunSource):
        if variant is not None and uncompiled(source, program, variant):
            raise ViewError(f"{of} is not compiled as a whole: it has no passes", "Leave --variant out.")
        option = f" --variant {variant}" if variant else ""
        advice = f"`xlascope show {source.path} passes --program {program}{option}` collects them."
    else:
        advice = "XLA_FLAGS='--xla_dump_to=DIR --xla_dump_hlo_pass_re=.*' writes them."
    raise ViewError(f"the passes of {of} are not in {source.path.name}", advice)


def snapshot_named(sequence: PassSequence, wanted: str) -> int:
    """The place in the sequence that a number, ``pass:N``, ``hlo``, ``optimized`` or a pass's name stands for.

    A name that ran several times is followed by which of them is meant: ``fusion#2``. Raises ViewError (2).
    """
    last = len(sequence.snapshots) - 1
    if wanted in (FIRST, LAST):
        return 0 if wanted == FIRST else last
    number = wanted.removeprefix("pass:")
    found = sequence.position(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
    if found is None:
        found = _run_named(sequence, wanted)
    if found is None:
        first, newest = (sequence.snapshots[each].step.index for each in (0, last))
        advice = f"They are numbered {first} to {newest}; also hlo, optimized, and a pass's name."
        raise ViewError(f"{wanted}: no such pass", advice)
    return found


def _run_named(sequence: PassSequence, wanted: str) -> int | None:
    """Where a pass of this name ran; None when none did."""
    name, mark, number = wanted.rpartition("#")
    if not (mark and number.isascii() and number.isdigit() and len(number) < 10):
        name, number = wanted, ""
    places = [place for place, each in enumerate(sequence.snapshots) if each.step.name == name]
    if number:
        return places[int(number) - 1] if 0 < int(number) <= len(places) else None
    if len(places) > 1:
        indexes = [sequence.snapshots[place].step.index for place in places]
        numbers = ", ".join(f"{name}#{n} (pass:{index})" for n, index in enumerate(indexes[:6], 1))
        more = f" … {name}#{len(places)}" if len(places) > 6 else ""
        raise ViewError(f"{name}: ran {len(places)} times", f"Say which: {numbers}{more}.")
    return places[0] if places else None


def snapshot_text(sequence: PassSequence, place: int) -> str:
    """The whole text of a snapshot, without the tags of equations."""
    text = sequence.texts.text(sequence.snapshots[place].text)
    return without_tags(text) if sequence.tagged else text


def _of_dump(source: HloSource, program: str) -> PassSequence | None:
    module = next((each for each in source.modules if each.id == program), None)
    files = {name: file for name, file in module.stages.items() if name.startswith("pass:")} if module else {}
    store, snapshots = LineStore(), []
    for file in files.values():
        checkpoint()
        match = _FILE.match(file.name) if isinstance(file, Path) else None
        if match is not None:
            # Not kept as text: the store holds each line of all snapshots once.
            snapshots.append(Snapshot(read_step(int(match[1]), match[2]), store.add(read_text(file).encode())))
    if not snapshots:
        return None
    return PassSequence(snapshots, Texts(store.lines(), store.rows()))


def _of_record(source: RunSource, record: Record) -> PassSequence:
    lines, rows = source.blob(record, "lines"), source.blob(record, "rows")
    counts, entries = record.json.get("lines"), record.json.get("snapshots")
    try:
        if lines is None or rows is None or not isinstance(counts, list) or not isinstance(entries, list):
            raise ValueError("parts of the record are missing")
        texts = unpack(lines, rows, [int(count) for count in counts])
        snapshots = [Snapshot(read_step(int(each["index"]), str(each["step"])), int(each["text"])) for each in entries]
        if not snapshots or not all(0 <= each.text < len(texts[1]) for each in snapshots):
            raise ValueError("a pass names a text that is not there")
    except (ValueError, TypeError, KeyError) as error:
        advice = "Collect them again: `xlascope show RUN passes` of a copy without them, or record the script again."
        raise ViewError(f"the passes of {record.program} cannot be read: {error}", advice, 3) from error
    tagged = fields.boolean(record.json, "tagged") is True
    return PassSequence(snapshots, Texts(*texts), _events(source.blob(record, "events")), tagged)


def _events(data: bytes | None) -> Sequence[Event]:
    """Events of the compile's profile; none where there was none, or what is there is not of that form."""
    try:
        read = json.loads(data or b"[]")
        return [Event(str(name), int(start), int(ns)) for name, start, ns in read]
    except (ValueError, TypeError):
        return []
