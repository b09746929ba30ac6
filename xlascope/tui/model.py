"""What the screen shows, as frozen records: made by the feed in a worker, drawn by the screen, known to no view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from xlascope.tui.text.folds import Folds
from xlascope.tui.text.lines import TextLines
from xlascope.tui.widgets.functions import FunctionItem
from xlascope.tui.widgets.text_pane import LineMark

STAGES = ("jaxpr", "stablehlo", "hlo", "optimized", "source")
"""Stages in the order of their keys 1 to 5."""
MACHINE_STAGES = ("asm", "llvm", "llvm:before")
"""Machine code, in the order in which the key x shows it."""
BASELINE = "baseline"
"""The view's name for the baseline that was measured in turn with a variant."""
SHOWN = (*STAGES, "graph", "ops", "chart", "functions", *MACHINE_STAGES)
"""What the keys 1 to 9 show, and then x."""
NOT_CAPTURED = "is not captured yet"
NO_WHOLE = "with jit off each equation is a program of its own: there is no HLO of the whole"


def shown_as(variant: str | None) -> str:
    """What panes show, in few words: a variant by its name, or the run itself."""
    return "as run" if variant is None else variant


def is_op_by_op(variant: str | None) -> bool:
    """Whether a variant dispatches each equation by itself."""
    return variant is not None and variant.startswith("jit=")


@dataclass(frozen=True, slots=True)
class ProgramInfo:
    """What titles and the effect of a switch need to know of a program. ``captured``: the stages held, if known."""

    id: str
    function: str
    file: str | None = None
    line: int | None = None
    equations: int | None = None
    calls: int | None = None
    calls_exact: bool = False
    args: str | None = None
    calls_at_least: int | None = None
    per_call_ns: int | None = None
    calls_at_most: int | None = None
    per_call_at_least: bool = False
    captured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """The run as a whole.

    `state` is `starting`, `running`, `ended`, `killed`, `crashed` or `file`; `facts` are for the header, `phases`
    pairs of name and nanoseconds, `trouble` sentences about what was dropped or could not be read; `devices` the
    number of devices the script saw.
    """

    script: str = ""
    state: str = "starting"
    exit_code: int | None = None
    wall_ns: int | None = None
    started_ns: int | None = None
    facts: tuple[str, ...] = ()
    phases: tuple[tuple[str, int], ...] = ()
    functions: tuple[FunctionItem, ...] = ()
    programs: Mapping[str, ProgramInfo] = field(default_factory=dict)
    compiles: int = 0
    eager: int = 0
    exception: str | None = None
    jax: str | None = None
    trouble: tuple[str, ...] = ()
    devices: int | None = None
    kind: str = "run"


@dataclass(frozen=True, slots=True)
class StageText:
    """One stage of a program as lines, with its margin.

    `first_number` is the number of the first line, None for stages without numbers; `file` the source file shown.
    """

    program: str
    variant: str | None
    stage: str
    lines: TextLines
    language: str
    first_number: int | None = None
    marks: Mapping[int, LineMark] = field(default_factory=dict)
    file: str | None = None
    about: str = ""
    missing: str | None = None
    start: int = 0
    """The line to begin with: an HLO module's entry computation comes after tables and what it calls."""
    folds: Folds | None = None
    """What can be folded in it; None: not looked for yet."""
    shares: Callable[[int, int], tuple[float | None, bool]] | None = field(default=None, compare=False)
    """Share of the time of the lines from one to another, and whether it is estimated; None: the marks add up."""
    kernels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of machine code: by instruction, the lines (from 0) where its kernels begin."""

    def kernels_at(self, row: int) -> list[str]:
        """The instructions of the kernel that a line lies in."""
        starts = [start for places in self.kernels.values() for start in places if start <= row]
        return [name for name, places in self.kernels.items() if max(starts) in places] if starts else []


@dataclass(frozen=True, slots=True)
class EquationRow:
    """One equation; shares are parts of the time of all ops of its program, None where none is known.

    `share` has what lies inside of it, `own` has not; `estimated` says that a part of `share` is. `place` is the user's
    own line, `library` the innermost line in an installed package. `row` is its line in the jaxpr's text, from 0.
    `state` is the view's: `present`, `inside`, `folded`, `alone` or `unknown`.
    """

    path: str
    parent: str | None
    primitive: str
    share: float | None = None
    own: float | None = None
    estimated: bool = False
    state: str = "unknown"
    place: tuple[str, int] | None = None
    library: tuple[str, int] | None = None
    row: int | None = None
    inferred: frozenset[str] = frozenset()
    """Instructions that are its by the flow of data, not by a tag."""


LINKS_TO_COME = "~ until links are made"
LINKS_GUESSED = "~ links by position"


@dataclass(frozen=True, slots=True)
class EquationTable:
    """The equations of a program in the order of its jaxpr; `timed` when some of its ops were seen."""

    rows: tuple[EquationRow, ...] = ()
    timed: bool = False
    exact: bool = False
    """Whether instructions are linked to equations by tags; else by source position."""
    exact_share: float | None = None
    """The exact part of the op time that has an equation."""
    doubt: str = ""
    """What titles say of links that are not by tags: `LINKS_TO_COME` or `LINKS_GUESSED`."""


@dataclass(frozen=True, slots=True)
class OpRow:
    """One op, on all its devices together; times in nanoseconds over the windows, `share` of all rows' self time.

    `device` names the one device, or says how many there are; `by_device` has the self time of each of several.
    """

    program: str | None
    op: str
    opcode: str
    device: str
    count: int | None
    total_ns: int | None
    self_ns: int | None
    share: float | None
    per_call_ns: float | None
    equations: tuple[str, ...] = ()
    added_by_xla: bool = False
    file: str | None = None
    line: int | None = None
    bytes: int | None = None
    flops: int | None = None
    exact: bool = True
    """Whether its equations come from tags."""
    inferred: frozenset[str] = frozenset()
    """Those of its equations that do not all the same, but from the flow of data."""
    by_device: tuple[tuple[str, int], ...] = ()
    apart: tuple[object, ...] = ()
    """Tells it from others of its program that bear its name: with jit off each equation has a module of its own."""
    predicted: bool = False
    """Whether the times are foretold, of one call: `count` is how often that executes it."""


@dataclass(frozen=True, slots=True)
class OpsTable:
    """Time per op, of one program or of all."""

    rows: tuple[OpRow, ...] = ()
    coverage: float | None = None
    calls_seen: int | None = None
    windows: int | None = None
    window_ns: int | None = None
    note: str = ""
    exact: bool = False
    """Whether the rows' equations are known exactly; else they are matched by source position."""
    variant: str | None = None
    """The variant that was measured; None for the script as it ran."""
    simulated: bool = False
    doubt: str = ""
    """As in `EquationTable`."""
    left_out: tuple[str, ...] = ()
    """First calls that are in no row, each a sentence."""
    predicted: str = ""
    """By what the times are foretold, `cycles` or `roofline`; empty where they were measured."""


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One measured variant of a program, as the `variants` view has it."""

    name: str
    switches: Mapping[str, object]
    median_ns: float | None
    ci_low_ns: float | None
    ci_high_ns: float | None
    samples: int | None
    baseline_median_ns: float | None
    baseline_ci_low_ns: float | None
    baseline_ci_high_ns: float | None
    ratio: float | None
    ratio_ci_low: float | None
    ratio_ci_high: float | None
    verdict: str | None
    fusions_before: int | None = None
    fusions_after: int | None = None
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    """Of the largest magnitude in the same output."""
    max_ulp_error: int | None = None
    mismatched: int | None = None
    """Elements of the outputs that are NaN or infinite on one side only."""
    place: str | None = None
    args: str | None = None
    collectives: int | None = None
    simulated: bool = False
    exchanges: tuple[str, ...] = ()
    """What its devices exchange, a text for each collective."""
    notes: tuple[str, ...] = ()
    sensitive: bool = False
    equation_ns: tuple[tuple[str, int], ...] = ()
    """Jit off: time of each top-level equation dispatched by itself."""
    series: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    """Samples of the variant and of its baseline, in nanoseconds."""
    predicted_ns: int | None = None
    """Of a target that is not there: never measured."""
    foretold: str = ""
    """How that time was obtained, and whether the program fits."""
    needs: str = ""
    """The memory it needs of what a device has, in words."""
    fits: bool | None = None
    """Whether that is enough; None where it is not known."""
    whole_equation: str | None = None
    """Jit off: the primitive of the program's only equation, which is dispatched as one program all the same."""


@dataclass(frozen=True, slots=True)
class CallTimes:
    """When calls of a program ran and how long (seconds since the start, nanoseconds), and when compiles were."""

    at_s: tuple[float, ...] = ()
    ns: tuple[int, ...] = ()
    compiles_s: tuple[float, ...] = ()
