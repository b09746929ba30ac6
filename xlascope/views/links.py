"""View ``links``: the equations of each line of a stage's text, which are what the panes of a program share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xlascope.graphs.model import CARRIERS
from xlascope.ir.provenance import without_tags
from xlascope.ir.stablehlo import link_lines
from xlascope.views import equations
from xlascope.views.names.program_choice import choose
from xlascope.views.names.variant_names import variant_name
from xlascope.views.provenance.guesses import Guesses
from xlascope.views.provenance.origins import provenance
from xlascope.views.sources.source import RunSource
from xlascope.views.sources.stages import (
    hlo_module,
    jaxpr_index,
    jaxpr_key,
    required,
    source_file,
    stage_key,
    stage_text,
)


@dataclass(frozen=True, slots=True)
class Link:
    """One line. ``instruction``: of HLO, its name. ``owner``: for what XLA added, the instruction it is there for.

    ``inferred``: those of its equations that are told by the flow of data, not by a tag. ``equations``: those the
    line comes from; else ``owner_equations`` are those of the instruction it is there for.
    """

    equations: tuple[str, ...]
    added_by_xla: bool = False
    owner: str | None = None
    owner_equations: tuple[str, ...] = ()
    instruction: str | None = None
    inferred: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Links:
    """Links by line (from 1) of the stage's text; lines that have none are left out.

    ``exact``: by tags. ``lines_of``: the reverse, the lines of each equation. ``note``: what stands in the way.
    """

    stage: str
    by_line: Mapping[int, Link]
    exact: bool
    lines_of: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the stage's text (from 1; of ``source``, of the whole file) that has equations, or else an ``owner``,
    the instruction for which it is there. ``inferred_equations``: those told by the flow of data, not by a tag.
    ``equations_left_off``: how many more are guessed (`provenance/guesses.py`).
    """

    line: int
    equations: tuple[str, ...]
    added_by_xla: bool
    owner: str | None
    instruction: str | None
    text: str
    inferred: bool
    inferred_equations: tuple[str, ...]
    equations_left_off: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows in the order of the text. ``exact``: by tags. ``note``: what stands in the way, None when nothing does."""

    rows: tuple[Row, ...]
    stage: str
    program: str
    variant: str | None
    exact: bool
    note: str | None


def query(
    source: RunSource, program: str | None = None, variant: str | None = None, stage: str | None = None
) -> Answer:
    """Of a stage (``optimized``) of a program (the hottest) or of a variant of it. Raises ViewError (exit code 2)."""
    name = choose(source, program)
    which = variant_name(source, name, variant)
    wanted = stage or "optimized"
    text = required(source, name, wanted, which).text
    kept = source_file(source, name) if wanted == "source" else None
    lines = (kept[1] if kept is not None else text).splitlines()
    found = links(source, name, wanted, which)
    guesses = Guesses(provenance(source, name, which, wanted), jaxpr_index(source, name)) if is_hlo(wanted) else None
    rows = tuple(
        Row(
            line, told, each.added_by_xla, each.owner, each.instruction, without_tags(lines[line - 1]).strip(),
            bool(each.inferred), tuple(path for path in told if path in each.inferred), left_off,
        )
        for line, each in sorted(found.by_line.items())
        if line <= len(lines)
        for told, left_off in (guesses.of_instruction(each.equations) if guesses is not None else (each.equations, 0),)
    )  # fmt: skip
    return Answer(rows, wanted, name, which, found.exact, found.note)


def links(source: RunSource, program: str, stage: str, variant: str | None = None) -> Links:
    """Of source, jaxpr, StableHLO, and HLO before, during and after optimization; empty for any other stage."""
    if stage == "jaxpr":
        of_jaxpr = ("links", jaxpr_key(source, program))
        return source.large.get_or(of_jaxpr, lambda: _of_jaxpr(source, program))
    if stage == "stablehlo":
        texts = ("links", stage_key(source, program, stage), stage_key(source, program, "located"))
        return source.large.get_or(texts, lambda: _of_stablehlo(source, program))
    if is_hlo(stage):
        origin = provenance(source, program, variant, stage)
        return source.large.get_or(("links", origin.key), lambda: _of_hlo(source, program, stage, variant))
    if stage == "source":
        return source.memo(("links", stage, program), lambda: _of_source(source, program))
    return Links(stage, {}, False, note=f"the lines of {stage} have no equations")


def is_hlo(stage: str) -> bool:
    """Is it a stage whose lines are HLO instructions?"""
    return stage in ("hlo", "optimized") or stage.startswith("pass:")


def _of_source(source: RunSource, program: str) -> Links:
    """Of the file that defines the program's function: for each line the equations whose user's own line it is."""
    kept = source_file(source, program)
    if kept is None:
        return Links("source", {}, False, note="the text of the source file was not kept")
    file = kept[0]
    rows = equations.query(source, program=program).rows
    lines: dict[int, list[str]] = {}
    for row in rows:
        if row.path and row.user_line is not None and row.user_file == file:
            lines.setdefault(row.user_line, []).append(row.path)
    elsewhere = sum(1 for row in rows if row.path and row.user_file != file)
    note = f"{elsewhere} of its equations come from lines of other files" if elsewhere else None
    return _links("source", {line: Link(tuple(paths)) for line, paths in lines.items()}, True, note)


def _of_jaxpr(source: RunSource, program: str) -> Links:
    index = jaxpr_index(source, program)
    if index is None:
        return Links("jaxpr", {}, False, note="the jaxpr is not held")
    lines = {line: Link(tuple(each.path for each in found)) for line, found in index.by_text_line.items()}
    return _links("jaxpr", lines, True, None)


def _of_stablehlo(source: RunSource, program: str) -> Links:
    text, named = stage_text(source, program, "stablehlo"), stage_text(source, program, "located")
    if text is None:
        return Links("stablehlo", {}, False, note="the StableHLO is not held")
    index = jaxpr_index(source, program)
    if index is not None and not index.equations:
        return Links("stablehlo", {}, True, note="the jaxpr has no equation")
    if named is None:
        return Links("stablehlo", {}, False, note="the tagged lowering is not held")
    found = link_lines(text.text, named.text, index.by_path if index is not None else None)
    lines = {line: Link(paths) for line, paths in found.by_line.items()}
    return _links("stablehlo", lines, found.mismatch is None, found.mismatch)


def _of_hlo(source: RunSource, program: str, stage: str, variant: str | None) -> Links:
    module = hlo_module(source, program, stage, variant)
    if module is None:
        return Links(stage, {}, False, note=f"{stage} is not held")
    origin = provenance(source, program, variant, stage)
    lines = {}
    for instruction in module.instructions():
        name = instruction.name
        paths, owner = origin.equations.get(name, ()), origin.owners.get(name)
        added = name in origin.added and instruction.opcode not in CARRIERS
        if paths or added or owner is not None:
            there = () if paths or owner is None else origin.equations.get(owner, ())
            lines[instruction.line] = Link(paths, added, owner, there, name, origin.inferred.get(name, frozenset()))
    note = origin.mismatch
    if note is None and not origin.exact:
        note = "no tagged form of it is held: equations are matched by source position and primitive"
    return _links(stage, lines, origin.exact, note)


def _links(stage: str, by_line: Mapping[int, Link], exact: bool, note: str | None) -> Links:
    lines: dict[str, list[int]] = {}
    for line, link in by_line.items():
        for path in link.equations:
            lines.setdefault(path, []).append(line)
    return Links(stage, by_line, exact, {path: tuple(sorted(found)) for path, found in lines.items()}, note)
