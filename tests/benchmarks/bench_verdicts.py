"""How often a measurement's verdict is right: of a switch that does nothing, and of a planted delay of 5 %.

    python tests/benchmarks/bench_verdicts.py [TRIALS] [BUDGET_SECONDS]

Real programs, measured by the engine's own loop as a lab does: where a switch leaves the machine code as it was, a lab
measures one executable beside itself. The delay is a wait, by the clock, after each call. Of each program TRIALS
measurements of both kinds are made, within the budget each.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from xlascope.engine.core.measure import in_turn, statistics

DELAY = 0.05


@dataclass(frozen=True, slots=True)
class Compiled:
    """A program with its arguments; ``delay_ns`` is waited after each call."""

    executable: Any
    arguments: tuple[Any, ...]
    delay_ns: float = 0.0
    copied_bytes: int = 0

    def prepare(self, calls: int) -> list[Any]:
        return [self.arguments] * calls

    def call(self, arguments: Any) -> None:
        jax.block_until_ready(self.executable(*arguments))
        until = time.perf_counter_ns() + self.delay_ns
        while time.perf_counter_ns() < until:
            pass


def softmax(x: jax.Array) -> jax.Array:
    return jax.nn.softmax(x, axis=-1)


def product(x: jax.Array) -> jax.Array:
    return jnp.tanh(x @ x)


def loop(x: jax.Array) -> jax.Array:
    return jax.lax.fori_loop(0, 12, lambda _, y: jnp.sin(y @ y), x)


PROGRAMS = ((softmax, 64), (product, 384), (loop, 384))


def median_ns(subject: Compiled) -> float:
    taken = []
    for _ in range(50):
        begin = time.perf_counter_ns()
        subject.call(subject.arguments)
        taken.append(time.perf_counter_ns() - begin)
    return sorted(taken)[25]


def verdicts(baseline: Compiled, variant: Compiled, trials: int, budget: float) -> tuple[Counter[str], float]:
    """How often each verdict was given, and the longest of the measurements in seconds."""
    told: Counter[str] = Counter()
    longest = 0.0
    for _ in range(trials):
        pairs = in_turn(baseline, variant, budget)
        told[str(statistics(pairs)["verdict"])] += 1
        longest = max(longest, pairs.elapsed_s)
    return told, longest


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 34
    budget = float(sys.argv[2]) if len(sys.argv) > 2 else 3.0
    print("targets, of 100: nothing changed: 90 `same`, at most 5 `faster` or `slower`; 5 % more: 95 `slower`")
    sums: dict[str, Counter[str]] = {"nothing": Counter(), "5 % more": Counter()}
    for function, size in PROGRAMS:
        x = jnp.linspace(0, 1, size * size).reshape(size, size) / size
        one = Compiled(jax.jit(function).lower(x).compile(), (x,))
        taken = median_ns(one)
        for what, variant in (("nothing", one), ("5 % more", replace(one, delay_ns=DELAY * taken))):
            told, longest = verdicts(one, variant, trials, budget)
            sums[what] += told
            print(f"{function.__name__}, {taken / 1e3:,.0f} us a call, {what}: {dict(told)}, {longest:.2f} s at most")
    for what, told in sums.items():
        print(f"{what}: {dict(told)} of {told.total()}")


if __name__ == "__main__":
    main()
