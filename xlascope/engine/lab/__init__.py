"""The lab: executes variants of programs handed to it, with no user code; may be killed at any time."""

from .serve import serve

__all__ = ["serve"]
