"""What the loader's workers tell the screen."""

from __future__ import annotations

import threading
from typing import Any

from textual.message import Message

from xlascope.tui.feeding.feed import OutputPiece
from xlascope.tui.feeding.links import Links
from xlascope.tui.model import CallTimes, EquationTable, OpsTable, Overview, StageText, VariantRow


class OverviewLoaded(Message):
    """The run, its functions and programs."""

    def __init__(self, overview: Overview):
        super().__init__()
        self.overview = overview


class OutputLoaded(Message):
    """More of the script's output."""

    def __init__(self, piece: OutputPiece):
        super().__init__()
        self.piece = piece


class ProgramMessage(Message):
    """About one program and variant: stale when the screen shows another one by now."""

    def __init__(self, program: str | None, variant: str | None):
        super().__init__()
        self.program, self.variant = program, variant


class StageLoaded(ProgramMessage):
    """A stage for one of the stage panes, or for the source pane."""

    def __init__(self, program: str, variant: str | None, pane: str, content: StageText):
        super().__init__(program, variant)
        self.pane, self.content = pane, content


class OpsLoaded(ProgramMessage):
    """Time per op."""

    def __init__(self, program: str | None, variant: str | None, ops: OpsTable):
        super().__init__(program, variant)
        self.ops = ops


class GraphLoaded(ProgramMessage):
    """The graph (None: there is none yet), the equations, and the links of both (None: they are still made).

    `drawn` is set once the graph is on the screen, or is not going to be.
    """

    def __init__(self, program: str, variant: str | None, graph: Any, links: Links | None, equations: EquationTable):
        super().__init__(program, variant)
        self.graph, self.links, self.equations = graph, links, equations
        self.drawn = threading.Event()


class StageGraphLoaded(ProgramMessage):
    """The graph of a stage for the graph pane with the id `pane`; `first` is the stage that was asked for."""

    def __init__(self, program: str, variant: str | None, pane: str, first: str, stage: str, graph: Any):
        super().__init__(program, variant)
        self.pane, self.first, self.stage, self.graph = pane, first, stage, graph


class VariantsLoaded(ProgramMessage):
    """What was measured of the program, and its calls over time (None: not asked for)."""

    def __init__(self, program: str, variant: str | None, rows: tuple[VariantRow, ...], calls: CallTimes | None):
        super().__init__(program, variant)
        self.rows, self.calls = rows, calls


class Uncollected(ProgramMessage):
    """What the file lacks of a program and a lab could make: `hlo`, `tagged`."""

    def __init__(self, program: str, variant: str | None, what: tuple[str, ...]):
        super().__init__(program, variant)
        self.what = what


class Explained(ProgramMessage):
    """What an instruction does; None: nobody can say."""

    def __init__(self, program: str, variant: str | None, node: str, text: str | None):
        super().__init__(program, variant)
        self.node, self.text = node, text


class RowExplained(ProgramMessage):
    """What a line of a stage does: the operation's name and a sentence; None: the line is no operation."""

    def __init__(self, program: str, variant: str | None, stage: str, row: int, said: tuple[str, str] | None):
        super().__init__(program, variant)
        self.stage, self.row, self.said = stage, row, said


class LoadFailed(Message):
    """A view could not be read; `text` says why and what to do."""

    def __init__(self, text: str):
        super().__init__()
        self.text = text
