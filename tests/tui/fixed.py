"""A run with fixed data, answered as the views answer: softmax(x @ w) with two programs, times and one variant."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from xlascope.graphs import build_graph
from xlascope.ir import parse_hlo
from xlascope.protocol.specs import Leaf
from xlascope.session.devices import SHIPPED
from xlascope.tui.feeding.feed import Feed
from xlascope.tui.feeding.links import StageLinks
from xlascope.tui.feeding.live import RunAtHand
from xlascope.tui.feeding.stage import StageReader
from xlascope.tui.forms.more_checks import Subject as MoreSubject
from xlascope.tui.forms.sharding_checks import Subject
from xlascope.tui.model import CallTimes

DATA = Path(__file__).parent / "data"
SOURCE = "/home/user/softmax.py"
LIBRARY = "/opt/python/site-packages/nn/functions.py"
TEXTS = {
    "jaxpr": (DATA / "jaxpr.txt").read_text(),
    "stablehlo": (DATA / "stablehlo.txt").read_text(),
    "optimized": (DATA / "optimized.txt").read_text(),
    "source": (DATA / "softmax.py.txt").read_text(),
}
_EQUATIONS = [
    # path, primitive, source line, line of the jaxpr's text
    ("0", "dot_general", 5, 2), ("1", "reduce_max", 6, 6), ("2", "max", 6, 7), ("3", "broadcast_in_dim", 6, 8),
    ("4", "stop_gradient", 6, 9), ("5", "sub", 6, 10), ("6", "exp", 6, 11), ("7", "reduce_sum", 6, 12),
    ("8", "broadcast_in_dim", 6, 13), ("9", "div", 6, 14),
]  # fmt: skip
_NODE_EQUATIONS = {
    "ynn_fusion.1": ["0", "1", "5", "6"], "dot_general.0": ["0"], "reduce_max.0": ["1"], "sub.0": ["5"],
    "sub.1": ["5"], "exp.0": ["6"], "ynn_fusion": ["7"], "reduce_sum.0": ["7"], "broadcast_divide_fusion": ["9"],
    "divide.1": ["9"], "broadcast_multiply_fusion": ["9"], "multiply.1": ["9"],
}  # fmt: skip
_SELF_NS = {
    "ynn_fusion.1": 1_239_000_000, "broadcast_multiply_fusion": 278_000_000, "ynn_fusion": 190_000_000,
    "broadcast_divide_fusion": 38_000_000,
}  # fmt: skip
CALLS = 14_070


def jaxpr_index() -> SimpleNamespace:
    return SimpleNamespace(
        equations=tuple(
            SimpleNamespace(path=path, primitive=primitive, file=SOURCE, line=line, text_line=text_line)
            for path, primitive, line, text_line in _EQUATIONS
        )
    )


def op_rows() -> list[SimpleNamespace]:
    return [
        SimpleNamespace(
            program="scores#1", op=op, opcode="fusion", device="0", device_kind="cpu", count=CALLS, total_ns=ns,
            self_ns=ns, equations=tuple(_NODE_EQUATIONS[op]), added_by_xla=False, user_file=SOURCE, user_line=6, flops=None,
            bytes=32768,
        )
        for op, ns in _SELF_NS.items()
    ]  # fmt: skip


def variant_row() -> SimpleNamespace:
    return SimpleNamespace(
        id="7", variant="fusion=off", switches={"fusion": "off"}, place="recorder", args="recorded", median_ns=163_800,
        ci_low_ns=160_200, ci_high_ns=167_900, samples=212, baseline_median_ns=124_100, baseline_ci_low_ns=123_600,
        baseline_ci_high_ns=124_600, ratio=1.32, ratio_ci_low=1.29, ratio_ci_high=1.35, verdict="slower",
        fusions_before=4, fusions_after=0, max_abs_error=2e-7, max_rel_error=3e-7, max_ulp_error=3,
        compile_ns=30_000_000, peak_bytes=None, predicted_ns=None, collectives=(), simulated=False, equation_ns=None,
        notes=(), target=None, prediction=None, memory=None,
    )  # fmt: skip


class FixedFeed(Feed):
    """Answers from memory. `state`, `functions_known`, `exception` and `text` may be changed by a test."""

    def __init__(self, state: str = "ended", variants: bool = True):
        super().__init__(Path(__file__))
        self.state = state
        self.with_variants = variants
        self.programs_known = True
        self.exception: str | None = None
        self.exit_code: int | None = 0 if state == "ended" else None
        self.text = "step 0 loss 2.0411\nstep 2900 loss 0.0411\n"
        self.number = 1
        self.untagged = self.unseen = False
        self.times: dict[str, int | None] = {}
        self.asked: list[str] = []
        self._graph = build_graph(parse_hlo(TEXTS["optimized"]), _SELF_NS, _NODE_EQUATIONS)

    def open(self) -> None:
        if self._stages is None:
            self._stages = StageReader(self)

    def close(self) -> None:
        pass

    @property
    def generation(self) -> int:
        return self.number

    @property
    def kind(self) -> str:
        return "run"

    def file_text(self, file: str) -> str | None:
        return TEXTS["source"] if file == SOURCE else None

    def disk_text(self, file: str) -> str | None:
        return "import x\n\ndef softmax(a): return x.reduce_sum(a)\n" if file == LIBRARY else None

    def samples(self, program: str) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
        variant = tuple(163_000 + 700 * (number % 9) for number in range(60))
        return {"7": (variant, tuple(124_000 + 90 * (number % 7) for number in range(60)))}

    def sharding_subject(self, program: str) -> Subject | None:
        leaves = (Leaf("x", (128, 256), "float32"), Leaf("w", (256, 64), "float32"))
        return Subject(program, leaves, (Leaf("", (128, 64), "float32"),))

    def more_subject(self, program: str) -> MoreSubject | None:
        leaves = (Leaf("x", (128, 256), "float32"), Leaf("w", (256, 64), "float32"))
        devices = {(each.platform, each.name): each for each in SHIPPED}
        return MoreSubject(program, leaves, ("dce", "algsimp", "fusion"), devices, {"tpu": True, "cuda": False})

    def stage_links(self, program: str, stage: str) -> StageLinks:
        return StageLinks()

    def lacking(self, program: str, stages: Any = ()) -> tuple[str, ...]:
        return ("tagged",) if self.untagged else ()

    def graph_of_text(self, program: str, variant: str | None = None) -> Any:
        return None

    def explanation(self, program: str, variant: str | None, node: str) -> str | None:
        return {"ynn_fusion": "a fusion that a library runs: reduce by add over dimension 1"}.get(node)

    def call_times(self, program: str) -> CallTimes:
        times = tuple(float(number) for number in range(12))
        return CallTimes(times, tuple(124_000 + 3000 * (number % 3) for number in range(12)), (0.5,))

    def query(self, view: str, **options: Any) -> Any:
        self.asked.append(view)
        return getattr(self, f"_view_{view}")(**options)

    def _view_machine(self, **options: Any) -> Any:
        return None

    def _view_run(self) -> Any:
        return SimpleNamespace(
            script="/home/user/softmax.py", module=None, argv=("--steps", "3000"), exit_code=self.exit_code,
            state=self.state, wall_ns=41_200_000_000, started_ns=None, jax="0.12.0", file_bytes=14 << 20,
            window_ns=2_900_000_000, windows=6, exception=self.exception, dropped=(), not_captured=(), damages=(),
            machine=SimpleNamespace(devices=({"id": 0},), platform="cpu", cores=2),
            phases=[SimpleNamespace(name=name, ns=ns) for name, ns in (
                ("start python", 90_000_000), ("import jax", 1_100_000_000), ("trace", 800_000_000),
                ("compile", 2_600_000_000), ("run", 36_000_000_000))],
        )  # fmt: skip

    def _view_programs(self) -> Any:
        if not self.programs_known:
            return SimpleNamespace(programs=())
        rows = [("scores#1", "f32[128,256] f32[256,64]", 201_000, False, 10),
                ("scores#2", "f32[64,256] f32[256,64]", 30, True, 10),
                ("step#1", "f32[256,64] f32[128,256]", 67_000, False, 45)]  # fmt: skip
        return SimpleNamespace(
            programs=tuple(
                SimpleNamespace(
                    id=id, function=id.partition("#")[0], signature=signature, calls=calls, calls_exact=exact,
                    calls_at_least=calls - calls // 100, calls_at_most=calls + calls // 100,
                    per_call_ns=None if self.times.get(id, 0) is None else 124_000,
                    per_call_at_least=False, stages=("source", "jaxpr", "stablehlo", "hlo", "optimized"),
                    per_call_note="of later windows",
                    estimated_ns=self.times.get(id, 124_000 * calls), device_ns=None,
                    equations=equations, file=SOURCE, line=4, args="recorded", kind="jit",
                    transformations=(),
                )
                for id, signature, calls, exact, equations in rows
            )
        )  # fmt: skip

    def _view_functions(self) -> Any:
        rows = [("scores", 4, 201_030, 0.71, ("scores#1", "scores#2")), ("step", 31, 67_000, 0.24, ("step#1",))]
        return SimpleNamespace(
            functions=tuple(
                SimpleNamespace(name=name, file=SOURCE, line=line, calls=calls, calls_exact=False, share=share,
                                programs=programs, calls_at_least=calls - calls // 100, calls_at_most=calls + calls // 100,
                                calls_seen=CALLS, share_estimated=True, share_at_least=None, first_calls_only=False,
                                first_call_ns=None,
                                per_call_ns=124_000, per_call_note="of later windows", per_call_at_least=False, estimated_ns=124_000 * calls,
                                device_ns=1_239_000_000)
                for name, line, calls, share, programs in (rows if self.programs_known else [])
            ),
            observed_ns=1_745_000_000,
            eager_ns=17_000_000,
            estimated_ns=35_000_000_000,
            eager_share=0.01,
            eager_estimated_ns=350_000_000,
            eager_lines=(SimpleNamespace(file=SOURCE, line=40, names=("add",), runs_at_least=33, ns=350_000_000,
                                         once=False, advice=None),),
            simulated_devices=None,
        )  # fmt: skip

    def _view_compiles(self) -> Any:
        rows = [SimpleNamespace(name="scores", file=SOURCE, line=4, eager=False, runs=None, program="scores#1", t_ns=1)]
        eager = SimpleNamespace(name="add", file=SOURCE, line=40, eager=True, runs=33, runs_exact=True, program=None,
                                t_ns=None)  # fmt: skip
        rows += [eager] * 37
        return SimpleNamespace(compiles=tuple(rows), storms=())

    def _view_output(self, after: int | None = None) -> Any:
        chunks = () if after else (SimpleNamespace(text=self.text, id=1),)
        return SimpleNamespace(chunks=chunks)

    def _view_stage(self, program: str, stage: str, variant: str | None = None) -> Any:
        if stage not in TEXTS or not self.programs_known:
            return None
        return SimpleNamespace(text=TEXTS[stage])

    def _view_graph(self, program: str, variant: str | None, stage: str) -> Any:
        return SimpleNamespace(graph=self._graph)

    def _view_ops(self, program: str | None = None, variant: str | None = None) -> Any:
        return SimpleNamespace(
            rows=() if self.unseen else op_rows(),
            coverage=0.996,
            calls_seen=CALLS,
            windows=6,
            window_ns=2_900_000_000,
            dropped=(),
            equations_exact=True,
            variant=None,
            simulated=False,
        )

    def _view_equations(self, program: str | None = None, variant: str | None = None) -> Any:
        total, timed = sum(_SELF_NS.values()), {"0": (0.53, True), "1": (0.05, True), "5": (0.03, True),
                                                "6": (0.10, True), "7": (0.11, False), "9": (0.18, False)}  # fmt: skip
        rows = []
        for path, primitive, line, text_line in _EQUATIONS:
            share, estimated = timed.get(path, (None, False))
            ns = round(share * total) if share is not None else None
            rows.append(SimpleNamespace(
                path=path, parent=None, primitive=primitive, total_ns=ns, self_ns=ns, estimated=estimated,
                state="present" if path in timed else "folded", user_file=SOURCE, user_line=line,
                library_file=LIBRARY if path == "7" else None, library_line=3 if path == "7" else None,
                text_line=text_line, inferred=(),
            ))  # fmt: skip
        return SimpleNamespace(rows=tuple(rows), op_ns=total, equations_exact=True, exact_share=0.25)

    def _view_variants(self, program: str) -> Any:
        return SimpleNamespace(rows=(variant_row(),) if self.with_variants else ())


class FixedKeeper:
    """Remembers what it was asked; a test feeds events through `tell`."""

    def __init__(self) -> None:
        self.tell: Any = None
        self.measured: list[tuple[str, dict[str, Any]]] = []
        self.cancelled: list[int] = []
        self.collected: list[tuple[str, str]] = []
        self.typed = b""
        self.stopped = False
        self.interrupted = 0
        self.state = "running"
        self.sent: list[dict[str, Any]] = []

    def send(self, body: dict[str, Any]) -> None:
        self.sent.append(body)

    def subscribe(self, callback: Any) -> Any:
        self.tell = callback
        return lambda: None

    def status(self) -> Any:
        return SimpleNamespace(
            state=self.state, exit_code=None, signal=None, wall_ns=41_000_000_000, last_line="step 2900", calls={},
            pid=None, recording=True, open_line=False,
            activity=SimpleNamespace(activity="tracing", name="scores", detail=None, since_ns=None),
        )  # fmt: skip

    def write_input(self, data: bytes) -> None:
        self.typed += data

    def measure(self, program: str, switches: Any, budget_s: float = 5.0) -> int:
        self.measured.append((program, dict(switches)))
        return len(self.measured)

    def collect(self, program: str, what: str, switches: Any = None) -> int:
        self.collected.append((program, what))
        return 100 + len(self.collected)

    def cancel(self, ticket: int) -> None:
        self.cancelled.append(ticket)

    def interrupt(self) -> None:
        self.interrupted += 1

    def stop(self) -> None:
        self.stopped = True


def at_hand(keeper: FixedKeeper | None = None) -> RunAtHand:
    """A run to start the app with; live when there is a keeper."""
    return RunAtHand(Path(__file__), keeper, "softmax.py", keeper is not None)
