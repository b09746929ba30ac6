"""What has no equation and is no addition of XLA's: what it was handed, and what merely carries values."""

from __future__ import annotations

from xlascope.graphs.model import CARRIERS
from xlascope.ir import HloModule

# What takes an element out of a tuple is told of as XLA's, with its owner, where it has no equation.
_UNMARKED = CARRIERS - {"get-tuple-element"}


def handed_over(module: HloModule) -> frozenset[str]:
    """Names of the parameters, constants, tuples and bitcasts: they never count as added by XLA."""
    return frozenset(name for name, opcode in zip(module.names, module.opcodes, strict=True) if opcode in _UNMARKED)
