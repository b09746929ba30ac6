"""Example scripts that ship with xlascope, and the registry of them. Importing this imports no jax."""

from xlascope.demo.notes import DEMOS, Demo, find

__all__ = ["DEMOS", "Demo", "find"]
