"""Which arguments a scan takes its steps from."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

from xlascope.engine.recorder.scanned import scanned

XS, H = jnp.ones((12, 4)), jnp.zeros(4)


def step(h, x):
    return h + x, h.sum()


def plain(xs, h):
    return jax.lax.scan(step, h, xs)


def scaled(xs, h):
    return jax.lax.scan(step, h, xs.astype(jnp.float32) * 2.0)


def in_a_jit(xs, h):
    return jax.jit(plain)(xs + 1.0, h)


def by_column(xs, h):
    return jax.lax.scan(lambda h, x: (h + x.sum(), None), h[0], xs.T)


def in_a_loop(xs, h):
    return jax.lax.fori_loop(0, 3, lambda _, h: plain(xs, h)[0], h)


def batched(xs, h):
    return jax.vmap(lambda row: jax.lax.scan(lambda h, x: (h + x, None), 0.0, row))(xs)


@pytest.mark.parametrize(
    ("function", "positions"),
    [(plain, {0}), (scaled, {0}), (in_a_jit, {0}), (by_column, set()), (in_a_loop, set()), (batched, set())],
)
def test_only_the_dimension_that_is_iterated_counts(function, positions):
    found = scanned(jax.make_jaxpr(function)(XS, H))
    assert set(found) == positions
    own = plain if function in (plain, in_a_jit) else function
    for file, line in found.values():
        assert (file, line) == (__file__, own.__code__.co_firstlineno + 1)


def test_a_checkpoint_is_looked_into():
    assert set(scanned(jax.make_jaxpr(jax.checkpoint(plain))(XS, H))) == {0}
