"""The registry of demos: what each shows, what to press and what will be seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Demo:
    """One example script that ships.

    `steps` are (what to press, what will be seen), in order, for the note in the app. The script is never imported:
    it runs as a script of the user's would.
    """

    name: str
    title: str
    about: str
    steps: tuple[tuple[str, str], ...]

    @property
    def path(self) -> Path:
        """Absolute path of the script."""
        return Path(__file__).resolve().parent / f"{self.name}.py"

    @property
    def note(self) -> str:
        """The whole note as plain text: one paragraph, then a line for each step."""
        width = max(len(press) for press, _ in self.steps)
        lines = [f"  {press:<{width}}  {seen}" for press, seen in self.steps]
        return "\n".join([self.about, "", *lines])


DEMOS: tuple[Demo, ...] = (
    Demo(
        "softmax",
        "softmax(x @ w) called in a loop, with a small training step",
        "scores multiplies f32[128,256] by f32[256,64] and takes a softmax. Its few equations become a handful of "
        "fusions: small enough to read whole.",
        (
            ("j k", "choose a function or one of its programs: scores has two, one for each batch size"),
            ("1-9", "the stages of the program: jaxpr, StableHLO, HLO, optimized"),
            ("F", "switch fusion off: the fusions fall apart, and the effect line says what that costs"),
            ("J", "switch jit off: each equation is dispatched alone, as eager JAX does"),
        ),
    ),
    Demo(
        "transformations",
        "jit, grad, vmap and pmap on one small function",
        "The same prediction compiled, differentiated, vectorised over examples, and run on every device. fit is all "
        "of them together.",
        (
            ("j k", "go through predict_one, gradient_one, predict_batch and fit: one jaxpr each"),
            ("1", "the jaxpr: vmap adds no loop, it widens dot_general; grad adds the backward equations"),
            ("D D D", "2, 4, 8: run fit on eight simulated devices, its batch split: collectives appear"),
        ),
    ),
    Demo(
        "transformer",
        "a transformer's training step in plain JAX, its state donated",
        "Three blocks under scan, Adam, donated state. Wait until train_step is compiled (about 10 to 20 s): from then "
        "on it is in the list of functions, and the optimized graph opens on its hottest loop.",
        (
            ("5 H", "your source with the time inside jit: the line that costs most"),
            ("/", "type softmax, Enter, n: the line below tells what XLA made of it; p: which pass did"),
            ("Enter", "open a loop or fusion of the graph in place; Backspace folds it again"),
            ("F", "fusion off: many instructions instead of few fusions"),
            ("D D D", "2, 4, 8: split the batch over simulated devices: the gradients' all-reduces are listed"),
        ),
    ),
    Demo(
        "heat",
        "heat spreading over a plate: a PDE stepped inside scan",
        "advance makes 100 time steps in one compiled call; one_step is the same step called from Python 100 times. "
        "Compare their time per call.",
        (
            ("j k", "advance or one_step: compare 100 calls of one with one call of the other"),
            ("1", "the jaxpr: scan, and its body as equations below it"),
            ("J", "jit off: each equation alone; the scan stays one dispatch, as in eager JAX"),
        ),
    ),
    Demo(
        "mistakes",
        "recompiles, an eager loop, a captured constant, an unrolled loop, a jit made anew",
        "Five habits that make JAX slow. Most of this script's time is compiling.",
        (
            ("j k", "total_energy has a program for each length; the lambda in recreated is compiled each round"),
            ("1", "unrolled: 60 copies of one line in the jaxpr"),
            ("/", "type eager, Enter: the row of what JAX dispatches alone, here each operation of eager_norm"),
        ),
    ),
)


def find(name: str) -> Demo | None:
    """The demo of that name, or None."""
    return next((demo for demo in DEMOS if demo.name == name), None)
