"""Reads views and makes what the screen shows of them. Every method may take long: call it in a worker.

A feed is asked for whole records of `model`; it knows the views and nothing of widgets.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlascope.tui.feeding.links import Links, StageLinks
from xlascope.tui.feeding.op_times import op_times
from xlascope.tui.feeding.overview import file_overview, program_infos, run_overview
from xlascope.tui.feeding.rows import variant_row
from xlascope.tui.feeding.stage import StageReader, equation_table
from xlascope.tui.model import (
    LINKS_GUESSED,
    LINKS_TO_COME,
    CallTimes,
    EquationTable,
    OpsTable,
    Overview,
    StageText,
    VariantRow,
    is_op_by_op,
)

if TYPE_CHECKING:
    from xlascope.tui.forms.more_checks import Subject as MoreSubject
    from xlascope.tui.forms.sharding_checks import Subject

_MOST_OUTPUT = 4 << 20
_MOST_SOURCE = 4 << 20


@dataclass(frozen=True, slots=True)
class OutputPiece:
    """What was written since the last question, `is_cut`: without its beginning; `last` is for the next question."""

    text: str
    last: int
    is_cut: bool = False


class Feed:
    """The views of one file. Safe to ask from several threads."""

    def __init__(self, path: Path):
        self.path = path
        self._source: Any = None
        self._stages: StageReader | None = None

    def open(self) -> None:
        """Opens the file; raises `xlascope.views.ViewError` if it cannot be read (yet)."""
        if self._source is None:
            from xlascope.views import open_source

            self._source = open_source(self.path)
            self._stages = StageReader(self)

    def close(self) -> None:
        """Lets go of the file."""
        if self._source is not None:
            self._source.close()

    @property
    def generation(self) -> int:
        """Grows with what is added to the file."""
        self.open()
        return self._source.generation

    @property
    def kind(self) -> str:
        """`run`, `profile`, `hlo` or `dump`."""
        self.open()
        return self._source.kind

    @property
    def holds_programs(self) -> bool:
        """Whether there are programs to look at: a profile may hold nothing but times."""
        return self.kind != "profile" or any(module.stages for module in self._source.modules)

    def query(self, view: str, **options: Any) -> Any:
        """A view's answer, or None where this kind of file has no such view or holds nothing for it."""
        from xlascope.views import ViewError, query

        self.open()
        try:
            return query(view, self._source, **options)
        except ViewError as error:
            if error.exit_code == 2:
                return None
            raise

    def views(self) -> dict[str, Any]:
        """The views that this kind of file can give, by name."""
        from xlascope.views import VIEWS

        return {view.name: view for view in VIEWS if self.kind in view.needs}

    def ask(self, view: str, **options: Any) -> Any:
        """A view's answer. Raises `xlascope.views.ViewError`, which says what is not there."""
        from xlascope.views import query

        self.open()
        return query(view, self._source, **options)

    def program_names(self) -> list[str]:
        """The ids of all programs, those of eager primitives left out."""
        return list(program_infos(self.query("programs"), getattr(self._source, "modules", ())))

    def sharding_subject(self, program: str) -> Subject | None:
        """What the sharding form needs of a program; None where this file cannot be executed."""
        from xlascope.tui.forms.sharding_checks import subject_of
        from xlascope.views.names.program_records import program_records

        self.open()
        record = program_records(self._source).get(program) if self.kind == "run" else None
        return None if record is None else subject_of(program, record.json)

    def more_subject(self, program: str) -> MoreSubject | None:
        """What the form of the other switches needs of a program; None where this file cannot be executed.

        Raises TargetError for a device of the user's that is not understood.
        """
        from xlascope.tui.forms.more_checks import subject_of as more_subject_of

        self.open()
        return more_subject_of(self._source, program) if self.kind == "run" else None

    def lacking_of(self, view: str, program: str, variant: str | None) -> tuple[tuple[str, dict[str, Any]], ...]:
        """What a lab would have to make before a view can tell of a program, and with which switches."""
        self.open()
        from xlascope.views import ViewError
        from xlascope.views.sources.missing import missing

        try:
            found = missing(self._source, view, program, None, variant)
        except ViewError:
            return ()  # a program that came without a record of its own: its view says what is not there
        return tuple((each.what, each.switches) for each in found)

    # what the screen asks

    def overview(self) -> Overview:
        """The run, its functions and programs."""
        run = self.query("run")
        rows = self.query("programs")
        programs = program_infos(rows, getattr(self._source, "modules", ()))
        if run is None and not self.holds_programs:
            return file_overview(self.path.name, self.kind, {}, self.ops(None))
        if run is None:
            kind = "joined" if self.kind == "profile" else self.kind
            return file_overview(self.path.name, kind, programs, self.ops(None) if kind == "joined" else None)
        return run_overview(run, programs, rows, self.query("functions"), self.query("compiles"))

    def output(self, after: int) -> OutputPiece:
        """What the script wrote after a chunk; of very much only its end."""
        found = self.query("output", after=after or None)
        chunks = found.chunks if found is not None else ()
        texts, length = [], 0
        for chunk in reversed(chunks):
            texts.append(chunk.text)
            length += len(chunk.text)
            if length > _MOST_OUTPUT:
                break
        text, is_cut = "".join(reversed(texts)), len(texts) < len(chunks)
        if is_cut:
            text = text.partition("\n")[2]  # its first line may have begun before
        return OutputPiece(text, chunks[-1].id if chunks else after, is_cut)

    def ops(self, program: str | None, variant: str | None = None) -> OpsTable:
        """Time per op of a program, or of all; of a variant measured, or foretold."""
        return op_times(self, program, variant)

    def graph(self, program: str, variant: str | None = None, stage: str = "optimized") -> Any:
        """The `graphs.Graph` of a stage, or None; what a variant has none of is the script's own."""
        found = self.query("graph", program=program, variant=variant, stage=stage)
        if found is None and is_op_by_op(variant):
            return None
        if found is None and variant is not None:
            return self.graph(program, None, stage)
        return getattr(found, "graph", None)

    def graph_of_text(self, program: str, variant: str | None = None) -> Any:
        """The `graphs.Graph` of the optimized HLO as its text alone gives it, without times and links; or None."""
        from xlascope.views import ViewError
        from xlascope.views.graph import of_text

        self.open()
        try:
            return of_text(self._source, program, variant)
        except ViewError:
            return None  # the view of the graph, which is asked next, says why

    def lacking(self, program: str, stages: Iterable[str] = ()) -> tuple[str, ...]:
        """What the links of a program, and of the lines of some stages, need and the file lacks; a lab can make it."""
        self.open()
        from xlascope.views.sources.missing import missing

        found = [each.what for each in missing(self._source, "graph", program, None)]
        for stage in stages:
            found += [each.what for each in missing(self._source, "links", program, stage)]
        return tuple(dict.fromkeys(found))

    def no_machine_code(self, program: str) -> str | None:
        """Why there is no text of machine code that was collected; None when it was not."""
        found = self.query("machine", program=program)
        return None if found is None else found.note or "XLA compiled no kernel for it"

    def kernels(self, program: str, stage: str) -> dict[str, tuple[int, ...]]:
        """By instruction, the lines (from 0) of a stage of machine code where its kernels begin."""
        self.open()
        from xlascope.views.compiler.machine_code import kernel_lines, machine_code
        from xlascope.views.compiler.records import machine_record
        from xlascope.views.sources.stages import hlo_module

        record = machine_record(self._source, program) if self.kind == "run" else None
        if record is None:
            return {}

        def read() -> dict[str, tuple[int, ...]]:
            module = hlo_module(self._source, program, "optimized")
            found = kernel_lines(machine_code(self._source, record), stage, module)
            return {name: tuple(line - 1 for line in lines) for name, lines in found.items()}

        return self._source.large.get_or(("kernel lines", record.id, stage), read)

    def stage_links(self, program: str, stage: str) -> StageLinks:
        """The equations of the lines of a stage."""
        self.open()
        if self.kind != "run":
            return StageLinks()
        from xlascope.views.links import links

        found = links(self._source, program, stage)
        return StageLinks(
            {line - 1: each.equations or each.owner_equations for line, each in found.by_line.items()},
            {path: tuple(line - 1 for line in lines) for path, lines in found.lines_of.items()},
        )

    def explanation(self, program: str, variant: str | None, node: str) -> str | None:
        """What an instruction of the optimized HLO does, in a sentence; None where nobody can say."""
        self.open()
        if not self.holds_programs:
            return None
        from xlascope.ir.explain import explain
        from xlascope.views.sources.stages import hlo_module

        module = hlo_module(self._source, program, "optimized", variant)
        if module is None and variant is not None:
            module = hlo_module(self._source, program, "optimized")
        computation, _, name = node.rpartition("/")
        if module is None:
            return None
        found = module.computation(computation) if computation else None
        instruction = found.get(name) if found is not None else module.get(name)
        if instruction is None:
            return None
        return explain(instruction, module, self._mesh(program, variant)) or f"no explanation for {instruction.opcode}"

    def row_explanation(self, program: str, variant: str | None, stage: str, row: int) -> tuple[str, str] | None:
        """The name of what stands on a line of a stage and what it does; None for a line that is no operation."""
        self.open()
        if stage not in ("hlo", "optimized"):
            from xlascope.tui.text.explaining import explain_row

            shown = self.stage(program, stage, variant, None)
            return None if shown.folds is None else explain_row(shown.lines, shown.folds, stage, row)
        from xlascope.ir.explain import explain, explain_computation
        from xlascope.views.sources.stages import hlo_module

        module = hlo_module(self._source, program, stage, variant if stage == "optimized" else None)
        found = module.at_line(row + 1) if module is not None else None
        if module is not None and found is None:
            opened = next((each for each in module.computations if each.line == row + 1), None)
            return (opened.name, explain_computation(opened, module)) if opened is not None else None
        if module is None or found is None:
            return None
        said = explain(found, module, self._mesh(program, variant))
        return found.name, said or f"no explanation for {found.opcode}"

    def _mesh(self, program: str, variant: str | None) -> tuple[tuple[str, int], ...] | None:
        if self.kind != "run":
            return None
        from xlascope.views.collectives import mesh_of

        return mesh_of(self._source, program, variant)

    def equations(self, program: str, variant: str | None = None) -> EquationTable:
        """The equations of a program with their times; of the script's own where the variant has none."""
        found = self.query("equations", program=program, variant=variant)
        if found is None and variant is not None:
            return self.equations(program)
        table = equation_table(found)
        guessed = not table.exact and any(row.instructions for row in found.rows) if found is not None else False
        return replace(table, doubt=self.doubt(program, guessed))

    def doubt(self, program: str | None, guessed: bool) -> str:
        """What titles say of links that are guessed: whether exact ones can be made."""
        if not guessed or program is None or self.kind != "run":
            return ""
        return LINKS_TO_COME if "tagged" in self.lacking(program) else LINKS_GUESSED

    def stage(
        self,
        program: str,
        stage: str,
        variant: str | None,
        ops: OpsTable | None,
        table: EquationTable | None = None,
        file: str | None = None,
    ) -> StageText:
        """One stage as lines, with the margin that `ops` and `table` give; of the source any `file`."""  # fmt: skip
        self.open()
        assert self._stages is not None
        return self._stages.read(program, stage, variant, ops, table, file)

    def links(
        self, program: str, variant: str | None, table: EquationTable, stages: Iterable[str] = ()
    ) -> Links:
        """What belongs together in a program; of the lines of `stages` too."""
        self.open()
        assert self._stages is not None
        return self._stages.links(program, variant, table, stages)

    def file_text(self, file: str) -> str | None:
        """A source file of the user's as it was when it ran, None where it was not kept."""
        self.open()
        if self.kind != "run":
            return None
        for record in reversed(self._source.records("source")):
            if record.json.get("file") == file:
                return self._source.text(record)
        return None

    def disk_text(self, file: str) -> str | None:
        """A file whose text was not kept, as it is on this machine; None where it cannot be read.

        The name comes from a file that a stranger may have written: nothing but Python source is opened.
        """
        path = Path(file)
        try:
            named = file.endswith(".py") and path.is_absolute()
            if not named or not path.is_file() or path.stat().st_size > _MOST_SOURCE:
                return None
            return path.read_text("utf-8", "replace")
        except OSError:
            return None

    def variants(self, program: str) -> tuple[VariantRow, ...]:
        """What was measured of a program, oldest first."""
        found = self.query("variants", program=program)
        if found is None or not found.rows:
            return ()
        samples = self.samples(program)
        return tuple(variant_row(row, samples.get(row.id, ((), ()))) for row in found.rows)

    def samples(self, program: str) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
        """Samples of each measurement of a program and of its baseline, in nanoseconds, by the measurement's id."""
        from xlascope.views.names.variant_names import id_of

        ids = {str(record.id): id_of(record) for record in self._source.records("variant", program)}
        found: dict[str, dict[str, tuple[int, ...]]] = {}
        for chunk in self._source.chunks("samples"):
            if chunk.program == program and chunk.json.get("dtype") == "<i8":
                values = array("q")
                values.frombytes(chunk.data[: len(chunk.data) // 8 * 8])
                if sys.byteorder == "big":
                    values.byteswap()
                number = str(chunk.json.get("variant_record"))
                found.setdefault(ids.get(number, number), {})[str(chunk.json.get("what"))] = tuple(values)
        return {key: (each.get("variant", ()), each.get("baseline", ())) for key, each in found.items()}

    def call_times(self, program: str) -> CallTimes:
        """The mean time of a call in each profile window, and when the program's compiles were."""
        self.open()
        if self.kind != "run":
            return CallTimes()
        from xlascope.views.times.call_time import call_time
        from xlascope.views.times.windows import executables, observed

        run = self.query("run")
        start = run.started_ns or 0
        mine = {number for number, name in executables(self._source).items() if name == program}
        at, ns = [], []
        for window in observed(self._source):
            each = call_time((window,), mine)
            if each is not None and window.start_ns:
                at.append((window.start_ns - start) / 1e9)
                ns.append(each.ns)
        compiles = self.query("compiles")
        marks = tuple((row.t_ns - start) / 1e9 for row in compiles.compiles if row.program == program and row.t_ns)
        return CallTimes(tuple(at), tuple(ns), marks)
