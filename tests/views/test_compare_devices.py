"""The times of equations in the view ``compare`` where a program runs on several devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recording import record_script
from xlascope.views import query
from xlascope.views.compare import compare
from xlascope.views.comparing.sides import open_sides
from xlascope.views.times.observations import observation

SPREAD = """
import time
import jax
jax.config.update("jax_num_cpu_devices", 2)
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

@jax.jit
def spread(x):
    return jnp.sin(x) @ x.T

mesh = jax.make_mesh((2,), ("x",), axis_types=(AxisType.Auto,))
x = jax.device_put(jnp.linspace(0, 1, 160 * 160).reshape(160, 160), NamedSharding(mesh, P("x")))
end, rounds = time.time() + 0.6, 0
while time.time() < end or rounds < 60:
    rounds += 1
    spread(x).block_until_ready()
"""


@pytest.fixture(scope="module")
def spread(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record_script(tmp_path_factory.mktemp("spread"), SPREAD)


def test_equations_of_a_side_on_several_devices_have_the_mean_of_one(spread: Path, tmp_path: Path) -> None:
    told = "on 2 simulated devices (equations: mean of one)"
    a, b = open_sides(str(spread), str(spread))
    with a.source, b.source:
        (row,) = (each for each in compare(a, b).programs if each.function == "spread")
        seen = observation(a.source, "spread", None)
        window = max((chunk.data for chunk in a.source.chunks("profile")), key=len)  # type: ignore[union-attr]
        (tmp_path / "of_spread.xplane.pb").write_bytes(window)
        every = query("equations", a.source, program="spread").rows
    assert (row.note or "").endswith(f"A {told}, B {told}")
    assert {each.device for each in seen.times.calls} == {each.device for each in seen.times.rows} == {"0", "1"}
    executed = sum(each.calls or 0 for each in seen.times.calls)
    own = {each.path: each.self_ns / executed for each in every if each.path and each.self_ns is not None}
    assert own and {each.path_a: each.a_ns for each in row.equations if each.path_a in own} == {
        path: round(ns) for path, ns in own.items()
    }
    a, b = open_sides(str(spread), str(tmp_path / "of_spread.xplane.pb"))
    with a.source, b.source:
        (beside,) = (each for each in compare(a, b).programs if each.function == "spread")
        times = b.source.times()  # type: ignore[attr-defined]
    assert f"A {told}, B {told}" in (beside.note or "")
    mine = [each for each in times.calls if each.module == "jit_spread"]
    spent = sum(each.self_ns for each in times.rows if each.module == "jit_spread")
    rows = [each.b_ns for each in beside.equations if each.b_ns is not None]
    assert len(mine) == 2 and rows and sum(rows) <= spent / sum(each.calls for each in mine) + len(rows)
