"""Runs the zoo without jit and compares with jit: `python run_zoo_eagerly.py CLASS`."""

from __future__ import annotations

import sys

import jax
import numpy as np

from xlascope.engine.core import eager


def main(kind):
    sys.argv[1:] = []
    from zoo import ZOO

    for name, (function, args) in ZOO.items():
        jitted = jax.jit(function)
        program = getattr(eager, kind)(jitted.trace(*args).jaxpr, jax.tree.leaves(args))
        expected = [eager.to_host(value) for value in jax.tree.leaves(jitted(*args))]
        for ours, theirs in zip(program.outputs(), expected, strict=True):
            assert ours.dtype == theirs.dtype, name
            wide = np.complex128 if theirs.dtype.kind == "c" else np.float64
            np.testing.assert_allclose(ours.astype(wide), theirs.astype(wide), 1e-4, 1e-4, err_msg=name)
        program.equation_times()
    print(f"{len(ZOO)} programs")


if __name__ == "__main__":
    main(sys.argv[1])
