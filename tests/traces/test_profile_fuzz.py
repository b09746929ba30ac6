"""Damaged profiles: a typed refusal or a partial result, never a crash or a hang."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.traces.build_space import SpaceBuilder
from tests.traces.conftest import Recorded
from tests.traces.mutate import mutated, survives
from tests.traces.test_profile_forms import cpu_op, gpu_plane, marker, tpu_space
from tests.traces.xspace_proto import XSpace

COUNT = 700


def small_cpu() -> bytes:
    builder = SpaceBuilder()
    plane = builder.plane("/host:CPU")
    line = plane.line("t")
    for key in range(12):
        cpu_op(plane, line, f"op.{key % 3}", key * 100, key * 100 + 40, key=key + 1, run=key // 4)
        marker(plane, line, f"op.{key % 3}", key * 100 + 50, key=key + 1)
    gpu_plane(builder)
    return builder.bytes()


def fuzz(data: bytes, count: int, seed: int) -> Counter[str]:
    rng = np.random.default_rng(seed)
    told: Counter[str] = Counter()
    for _ in range(count):
        told[survives(mutated(data, rng))] += 1
    return told


@pytest.mark.parametrize("form", ["cpu and gpu", "tpu"])
def test_damaged_small_profiles(form: str) -> None:
    told = fuzz(small_cpu() if form == "cpu and gpu" else tpu_space().bytes(), COUNT, seed=5)
    # mutations hit every outcome, so the check below them is not vacuous
    assert min(told["refused"], told["told"], told["read"]) > 0


def test_damaged_real_profile(one_device: Recorded) -> None:
    """A real recording with its HLO, shortened to the first events of each line."""
    space = XSpace.FromString(one_device.data)
    for plane in space.planes:
        for line in plane.lines:
            del line.events[40:]
    told = fuzz(space.SerializeToString(), COUNT, seed=6)
    assert told["told"] > 0


def test_every_cut_of_a_profile() -> None:
    data = small_cpu()
    assert {survives(data[:size]) for size in range(len(data))} >= {"refused", "told"}
