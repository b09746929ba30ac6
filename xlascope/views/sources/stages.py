"""The stages of a program that a source holds, as text and as parsed modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xlascope.ir import HloModule, JaxprIndex, index_jaxpr, parse_hlo
from xlascope.runfile import Record
from xlascope.views import fields
from xlascope.views.compiler.records import MACHINE_STAGES, machine_record, passes_record
from xlascope.views.errors import ViewError
from xlascope.views.names.program_records import program_records
from xlascope.views.sources.dump import Place
from xlascope.views.sources.source import HloSource, RunSource, Source
from xlascope.views.sources.texts import check_braces

ORDER = ("source", "jaxpr", "stablehlo", "hlo", "optimized", "thunks", "llvm:before", "llvm", "asm")
# Made once more to learn where instructions come from; their text is of no use to people.
_HIDDEN = frozenset({"tagged", "located"})


@dataclass(frozen=True, slots=True)
class Text:
    """One stage. ``key`` identifies the text for good (its hash, or its file)."""

    stage: str
    text: str
    key: str


def is_stage_name(name: str) -> bool:
    """Is it the name of a stage, held or not?"""
    return name in ORDER or (name.startswith("pass:") and name[5:].isdigit())


def available(source: Source, program: str, variant: str | None = None) -> tuple[str, ...]:
    """The stages that the source holds of a program (or of a variant of it), from source to machine code."""
    if isinstance(source, HloSource):
        names = next((list(module.stages) for module in source.modules if module.id == program), [])
    else:
        assert isinstance(source, RunSource)
        names = [name for name in _stage_records(source, program, variant) if name not in _HIDDEN]
        if variant is None and _source_record(source, program) is not None:
            names.append("source")
        if variant is not None and _variant_digest(source, program, variant) is not None:
            names.append("optimized")
        if machine_record(source, program, variant) is not None:
            names += MACHINE_STAGES
    known = [name for name in ORDER if name in names]
    return (*known, *[name for name in dict.fromkeys(names) if name not in ORDER and name not in _HIDDEN])


def stage_text(source: Source, program: str, stage: str, variant: str | None = None) -> Text | None:
    """The text of a stage, exactly as it was recorded; None when the source does not hold it."""
    if isinstance(source, HloSource):
        held_at = _dump_place(source, program, stage)
        return None if held_at is None else Text(stage, source.read(held_at), str(held_at))
    assert isinstance(source, RunSource)
    if stage == "source":
        return _source_text(source, program) if variant is None else None
    if stage.startswith("pass:"):
        return _pass_text(source, program, stage, variant)
    if stage in MACHINE_STAGES:
        return _machine_text(source, program, stage, variant)
    held = _held(source, program, stage, variant)
    text = None if held is None else source.text(held[0], held[1])
    return None if text is None or held is None else Text(stage, text, held[2])


def stage_key(source: Source, program: str, stage: str, variant: str | None = None) -> str | None:
    """What identifies the text of a stage for good, without reading it; None when it is not held."""
    if isinstance(source, HloSource):
        place = _dump_place(source, program, stage)
        return None if place is None else str(place)
    assert isinstance(source, RunSource)
    if stage.startswith("pass:"):
        record = passes_record(source, program, variant)
        return f"{record.id}:{stage}" if record is not None and stage in _pass_stages(record) else None
    if stage in MACHINE_STAGES:
        record = machine_record(source, program, variant)
        return f"{record.id}:{stage}" if record is not None else None
    held = _held(source, program, stage, variant)
    return None if held is None else held[2]


def _pass_text(source: RunSource, program: str, stage: str, variant: str | None) -> Text | None:
    """The form after a pass."""
    from xlascope.views.compiler.pass_store import pass_sequence, snapshot_text  # what has no passes is shown sooner

    key = stage_key(source, program, stage, variant)
    sequence = pass_sequence(source, program, variant) if key is not None else None
    place = sequence.position(int(stage[5:])) if sequence is not None else None
    return None if key is None or sequence is None or place is None else Text(
        stage, snapshot_text(sequence, place), key)


def _machine_text(source: RunSource, program: str, stage: str, variant: str | None) -> Text | None:
    """LLVM IR or disassembly of all kernels."""
    from xlascope.views.compiler.machine_code import machine_code, text_of  # what holds no kernels is shown sooner

    key, record = stage_key(source, program, stage, variant), machine_record(source, program, variant)
    if key is None or record is None:
        return None
    module = hlo_module(source, program, "optimized", variant)
    return Text(stage, text_of(machine_code(source, record), stage, module, None), key)


def _pass_stages(record: Record) -> list[str]:
    entries = record.json.get("snapshots")
    found = entries if isinstance(entries, list) else []
    return [f"pass:{each.get('index')}" for each in found if isinstance(each, dict)]


def _dump_place(source: HloSource, program: str, stage: str) -> Place | None:
    return next((module.stages.get(stage) for module in source.modules if module.id == program), None)


def _held(source: RunSource, program: str, stage: str, variant: str | None) -> tuple[Record, str, str] | None:
    """Record, name of the blob, and hash of a stage."""
    record, name = _stage_records(source, program, variant).get(stage), "text"
    if record is None and stage == "optimized" and variant is not None:
        found = _variant_digest(source, program, variant)
        if found is not None:
            record, name = found
    digest = source.digest(record, name) if record is not None else None
    return None if record is None or digest is None else (record, name, digest)


def required(source: Source, program: str, stage: str, variant: str | None = None) -> Text:
    """As `stage_text`. Raises ViewError (exit code 2) naming the stages that are there."""
    found = stage_text(source, program, stage, variant)
    if found is not None:
        return found
    if not is_stage_name(stage):
        advice = f"Stages: {', '.join(ORDER)}, pass:N. {_there(source, program, variant)}"
        raise ViewError(f"{stage}: no such stage", advice)
    of = f"{program}, variant {variant}" if variant else program
    raise ViewError(f"{stage}: this stage of {of} is not in {source.path.name}", _there(source, program, variant))


def _there(source: Source, program: str, variant: str | None) -> str:
    every = available(source, program, variant)
    held = [name for name in every if not name.startswith("pass:")]
    passes = [name for name in every if name.startswith("pass:")]
    held += [f"{passes[0]} … {passes[-1]}"] if len(passes) > 1 else passes
    record = passes_record(source, program, variant) if isinstance(source, RunSource) else None
    stages = _pass_stages(record) if record is not None else []
    held += [f"{stages[0]} to {stages[-1]}"] if stages else []
    return f"Held of {program}: {', '.join(held)}." if held else f"No stage of {program} is held."


def hlo_module(source: Source, program: str, stage: str = "optimized", variant: str | None = None) -> HloModule | None:
    """The parsed HLO of a stage, None when it is not held."""
    key = stage_key(source, program, stage, variant)
    if key is None:
        return None
    known = source.large.get(("module", key))
    if known is not None:
        return known
    found = stage_text(source, program, stage, variant)
    if found is None:
        return None
    module = source.large.get_or(("module", key), lambda: parse_hlo(found.text))
    if isinstance(source, HloSource):
        check_braces(module, key)
    return module


def readable_module(source: Source, program: str, stage: str = "optimized") -> HloModule | None:
    """As `hlo_module`; None too for a text that is damaged, of which the view of the text says where."""
    try:
        return hlo_module(source, program, stage)
    except ViewError:
        return None


def tagged_module(source: RunSource, program: str, stage: str, variant: str | None) -> HloModule | None:
    """The tagged form of an HLO stage, when it is held apart from the stage's own text."""
    if stage.startswith("pass:"):
        from xlascope.views.compiler.pass_store import pass_sequence

        key = stage_key(source, program, stage, variant)
        sequence = pass_sequence(source, program, variant) if key is not None else None
        place = sequence.position(int(stage[5:])) if sequence is not None else None
        if sequence is None or place is None or not sequence.tagged:
            return None
        text = sequence.texts.text(sequence.snapshots[place].text)
        return source.large.get_or(("tagged", key), lambda: parse_hlo(text))
    if variant is not None:
        return None
    if stage == "optimized":
        return hlo_module(source, program, "tagged")
    record = _stage_records(source, program, None).get("located") if stage == "hlo" else None
    digest = source.digest(record, "hlo") if record is not None else None
    if record is None or digest is None:
        return None
    return source.large.get_or(("module", digest), lambda: parse_hlo(source.text(record, "hlo") or ""))


def jaxpr_key(source: RunSource, program: str) -> tuple[str | None, str | None] | None:
    """What identifies the equations of a program for good; None when its jaxpr is not held."""
    record = _stage_records(source, program, None).get("jaxpr")
    return None if record is None else (source.digest(record, "equations"), source.digest(record, "text"))


def jaxpr_index(source: RunSource, program: str) -> JaxprIndex | None:
    """The equations of a program, None when its jaxpr is not held."""
    record = _stage_records(source, program, None).get("jaxpr")
    if record is None:
        return None

    def read() -> JaxprIndex:
        return index_jaxpr(source.text(record) or "", source.text(record, "equations") or "[]")

    return source.large.get_or(("jaxpr", jaxpr_key(source, program)), read)


def _stage_records(source: RunSource, program: str, variant: str | None) -> dict[str, Record]:
    """The newest record of each stage; those of the script itself have no variant."""
    found: dict[str, Record] = {}
    for record in source.records("stage", program):
        name = fields.text(record.json, "stage")
        if record.variant == variant and name is not None and source.digest(record, "text") is not None:
            found[name] = record
    return found


def _variant_digest(source: RunSource, program: str, variant: str) -> tuple[Record, str] | None:
    """The measurement that holds the optimized HLO of a variant, and the blob's name; `baseline` is a variant too."""
    for record in reversed(source.records("variant", program)):
        name = "baseline_optimized" if variant == "baseline" else "optimized"
        mine = variant in ("baseline", record.variant, str(record.json.get("id")), str(record.id))
        if mine and source.digest(record, name) is not None:
            return record, name
    return None


def _source_record(source: RunSource, program: str) -> tuple[Record, Record] | None:
    """The function a program was traced from, and the record of its file's text."""
    body = program_records(source).get(program)
    if body is None:
        return None
    functions, files = source.memo("sources", lambda: _sources(source))
    identity = fields.key(body.json, "function_id")
    wanted = ("id", identity) if identity is not None else ("name", fields.text(body.json, "function"))
    function = functions.get(wanted)
    text = files.get(fields.text(function.json, "file")) if function is not None else None
    return None if function is None or text is None else (function, text)


def _sources(source: RunSource) -> tuple[dict[tuple[str, Any], Record], dict[str | None, Record]]:
    """The newest function by id and by name, and the newest text by file."""
    functions: dict[tuple[str, Any], Record] = {}
    for record in source.records("function"):
        functions["id", fields.key(record.json, "id")] = record
        functions["name", fields.text(record.json, "name")] = record
    files = {fields.text(record.json, "file"): record for record in source.records("source")}
    return functions, {name: record for name, record in files.items() if name is not None}


def source_file(source: RunSource, program: str) -> tuple[str, str] | None:
    """The file that defines a program's function and its whole text as it ran; None when it was not kept."""
    found = _source_record(source, program)
    file = fields.text(found[1].json, "file") if found is not None else None
    text = source.text(found[1]) if found is not None else None
    return None if file is None or text is None else (file, text)


def _source_text(source: RunSource, program: str) -> Text | None:
    found = _source_record(source, program)
    if found is None:
        return None
    function, record = found
    text, digest = source.text(record), source.digest(record, "text")
    if text is None:
        return None
    first, last = fields.integer(function.json, "line"), fields.integer(function.json, "last_line")
    if first is None or first < 1:
        return Text("source", text, str(digest))
    lines = text.splitlines(keepends=True)
    stop = last if last is not None and last >= first else len(lines)
    return Text("source", "".join(lines[first - 1 : stop]), f"{digest}:{first}-{stop}")
