"""Asks the feed in workers, no more often than the machine can bear, and posts what came."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from textual.message import Message
from textual.screen import Screen
from textual.worker import get_current_worker

from xlascope.tui.feeding.feed import Feed
from xlascope.tui.feeding.links import Links
from xlascope.tui.feeding.messages import (
    Explained,
    GraphLoaded,
    LoadFailed,
    OpsLoaded,
    OutputLoaded,
    OverviewLoaded,
    RowExplained,
    StageGraphLoaded,
    StageLoaded,
    Uncollected,
    VariantsLoaded,
)
from xlascope.tui.model import EquationTable

_DUTY = 4.0
"""After a question that took T seconds, the next automatic one waits this many times T: the script needs the cores."""
_LONGEST_PAUSE = 2.0
_LONGEST_DRAWING = 100
"""Tenths of a second that a graph's picture may take before other questions are asked."""
_MANY = 10_000
"""The graph of more instructions is shown before equations and links are known, which takes a while."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the panes show: a program, the variant whose forms are shown, the stage of each pane.

    Without a program (a profile names none) there are only ops, of all.
    """

    program: str | None
    variant: str | None
    panes: Mapping[str, str]
    file: str | None = None
    """The source file that is wanted; None: the program's own."""


class Pace:
    """When the next automatic question may be asked; its clock is a parameter for tests.

    The first question does not count: most of its time is the import of what answers it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, least: float = 0.25):
        self._clock, self._least = clock, least
        self._not_before = 0.0
        self._first = True

    def ready(self) -> bool:
        """Whether enough time has passed."""
        return self._clock() >= self._not_before

    def took(self, seconds: float) -> None:
        """A question was answered."""
        if self._first:
            self._first = False
            return
        self._not_before = self._clock() + max(self._least, min(_DUTY * seconds, _LONGEST_PAUSE))


class Loader:
    """One worker at a time for each kind of question."""

    def __init__(self, screen: Screen, feed: Feed):
        self._screen, self._feed = screen, feed
        self._busy: set[str] = set()
        self._at_once: int | None = None
        self._lock = threading.Lock()
        self._pace = {"overview": Pace(least=0.4), "output": Pace(least=0.5), "program": Pace(least=0.5)}
        self._generation: dict[str, int] = {}
        self._after = 0
        self._ticket = 0
        self._closed = False

    def close(self) -> None:
        """Ends what is being asked at its next step: the program's end waits for its threads."""
        self._closed = True

    def tick(self, wanted: Wanted | None) -> None:
        """Asks what may have changed; called a few times a second."""
        self._start("overview", self._load_overview)
        self._start("output", self._load_output)
        if wanted is not None and self._at_once is None:  # that asks the same
            self._start("program", partial(self._load_program, wanted, self._ticket))

    def load_program(self, wanted: Wanted) -> None:
        """Asks for a program now, whatever is being asked."""
        self._ticket += 1
        ticket = self._at_once = self._ticket

        def job() -> None:
            try:
                self._load_program(wanted, ticket)
            finally:
                if self._at_once == ticket:
                    self._at_once = None

        self._start_now("now", job)

    def load_variants(self, program: str, variant: str | None) -> None:
        """Asks for what was measured of a program now, and for nothing else."""

        def job() -> None:
            self._post(VariantsLoaded(program, variant, self._feed.variants(program), None))

        self._start_now("variants", job)

    def load_source(self, wanted: Wanted) -> None:
        """Asks for another source file now; its margin is what is known already."""
        program, variant = wanted.program, wanted.variant
        if program is None:
            return

        def job() -> None:
            for with_times in (False, True):
                table = self._feed.equations(program, variant) if with_times else None
                text = self._feed.stage(program, "source", variant, None, table, wanted.file)
                self._post(StageLoaded(program, variant, "source", text))

        self._start_now("file", job)

    def stage_graph(self, program: str, variant: str | None, pane: str, stages: Sequence[str]) -> None:
        """Asks for the graph of the first of some stages that is held; of none: the optimized HLO's stays."""

        def job() -> None:
            for stage in stages:
                graph = self._feed.graph(program, variant, stage)
                if graph is not None:
                    self._post(StageGraphLoaded(program, variant, pane, stages[0], stage, graph))
                    return
            self._post(StageGraphLoaded(program, variant, pane, stages[0], "optimized", None))

        self._start_now("graph", job)

    def explain(self, program: str, variant: str | None, node: str) -> None:
        """Asks what an instruction does; only the newest question is answered."""

        def job() -> None:
            self._post(Explained(program, variant, node, self._feed.explanation(program, variant, node)))

        self._start_now("explain", job)

    def explain_row(self, program: str, variant: str | None, stage: str, row: int) -> None:
        """Asks what a line of a stage does; only the newest question is answered."""

        def job() -> None:
            said = self._feed.row_explanation(program, variant, stage, row)
            self._post(RowExplained(program, variant, stage, row, said))

        self._start_now("explain", job)

    def _start_now(self, kind: str, job: Callable[[], None]) -> None:
        """In the place of what is being asked of the kind."""
        self._screen.run_worker(partial(self._run, kind, job, True), thread=True, group=kind, exclusive=True)

    def _start(self, kind: str, job: Callable[[], None]) -> None:
        with self._lock:
            if kind in self._busy or not self._pace[kind].ready():
                return
            self._busy.add(kind)
        self._screen.run_worker(partial(self._run, kind, job, False), thread=True, group=kind)

    def _run(self, kind: str, job: Callable[[], None], always: bool) -> None:
        from xlascope.views import Cancelled
        from xlascope.views.cache import cancellable

        start, worker = time.monotonic(), get_current_worker()
        try:
            with cancellable(lambda: not self._closed and not worker.is_cancelled):
                generation = self._feed.generation
                if always or self._generation.get(kind) != generation:
                    job()
                    self._generation[kind] = generation
        except Cancelled:
            pass  # a newer question came, or the user left
        except Exception as error:
            # A view that fails must not take the screen down: it is told, and asked again later.
            self._post(LoadFailed(f"{type(error).__name__}: {error}"))
        finally:
            if kind in self._pace:
                self._pace[kind].took(time.monotonic() - start)
            with self._lock:
                self._busy.discard(kind)

    def _post(self, message: Message) -> None:
        if not self._closed and not get_current_worker().is_cancelled:
            self._screen.post_message(message)

    def _load_overview(self) -> None:
        self._post(OverviewLoaded(self._feed.overview()))

    def _load_output(self) -> None:
        piece = self._feed.output(self._after)
        if piece.last != self._after:
            self._after = piece.last
            self._post(OutputLoaded(piece))

    def _load_program(self, wanted: Wanted, ticket: int) -> None:
        program, variant, feed = wanted.program, wanted.variant, self._feed
        if program is None:
            self._post(OpsLoaded(None, None, feed.ops(None)))
            return
        first = ticket != 0 and self._generation.get("ticket") != ticket
        if first:
            # The texts at once; times, which may need a profile to be read, after them.
            self._generation["ticket"] = ticket
            for pane, stage in wanted.panes.items():
                text = feed.stage(program, stage, variant, None, file=wanted.file)
                self._post(StageLoaded(program, variant, pane, text))
            graph = feed.graph_of_text(program, variant)
            if graph is not None and len(graph.nodes) > _MANY:
                self._show(GraphLoaded(program, variant, graph, None, EquationTable()), ticket)
        if self._stale(ticket):
            return
        ops = feed.ops(program, variant)
        self._post(OpsLoaded(program, variant, ops))
        table = feed.equations(program, variant)
        for pane, stage in wanted.panes.items():
            if self._stale(ticket):
                return
            text = feed.stage(program, stage, variant, ops, table, wanted.file)
            self._post(StageLoaded(program, variant, pane, text))
        if self._stale(ticket):
            return
        graph = feed.graph(program, variant)
        links = feed.links(program, variant, table, wanted.panes.values()) if feed.holds_programs else Links()
        self._post(GraphLoaded(program, variant, graph, links, table))
        lacking = feed.lacking(program, wanted.panes.values())
        if lacking:
            self._post(Uncollected(program, variant, lacking))
        self._post(VariantsLoaded(program, variant, feed.variants(program), feed.call_times(program)))

    def _show(self, message: GraphLoaded, ticket: int) -> None:
        """Posts a graph, and leaves the processor to those who draw it."""
        self._post(message)
        for _ in range(_LONGEST_DRAWING):
            if message.drawn.wait(0.1) or self._stale(ticket):
                break

    def _stale(self, ticket: int) -> bool:
        return self._closed or ticket != self._ticket or get_current_worker().is_cancelled
