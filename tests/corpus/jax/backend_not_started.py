"""Importing jax must not start a backend, nor may anybody else."""

# captured: none
import jax
from jax._src import xla_bridge

print(xla_bridge.backends_are_initialized())
