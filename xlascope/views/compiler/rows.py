"""The rows of the view ``compiles``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """A part of the key that changed: of which kind, whose, and from what to what."""

    part: str
    name: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Compile:
    """``runs``: how often what was compiled ran; an estimate unless ``runs_exact``; None: unknown, but
    ``runs_at_least``. ``runs_at_most``: as ``calls_at_most`` of functions. ``eager``: a primitive by
    itself.

    ``reason`` is the cause in words, ``cause`` in one (see *Compiles* in ARCHITECTURE.md), ``against`` the program it
    was compared with and ``difference`` what changed. ``call_*``: where it was called, outside of JAX; ``own_*``: the
    innermost place of the user's own on the way there, outside of packages; ``entry_*``: where that is a method that a
    library calls and that calls the library, the outermost line that calls the library; ``made_*``: where ``jax.jit``
    was called.
    ``of_program``: how many compiles share ``program`` and its ``runs``. ``body``: whether an eager primitive was
    handed functions. ``retrieval_ns``: the part of ``compile_ns`` in which a hit of the persistent cache was read.
    ``is_program``: whether ``program`` is one of the run's own; so is that of a loop outside of jit, though ``eager``.

    A row with ``compile_ns`` None and ``eager`` true is a primitive whose compilation was not seen.
    """

    name: str | None
    file: str | None
    line: int | None
    reason: str | None
    trace_ns: int | None
    lower_ns: int | None
    compile_ns: int | None
    runs: int | None
    runs_exact: bool
    program: str | None
    eager: bool
    cache: str | None
    t_ns: int | None
    runs_at_least: int | None
    runs_at_most: int | None = None
    cause: str | None = None
    difference: tuple[Difference, ...] = ()
    against: str | None = None
    call_file: str | None = None
    call_line: int | None = None
    call_function: str | None = None
    made_file: str | None = None
    made_line: int | None = None
    made_function: str | None = None
    own_file: str | None = None
    own_line: int | None = None
    own_function: str | None = None
    entry_file: str | None = None
    entry_line: int | None = None
    entry_function: str | None = None
    retrieval_ns: int | None = None
    of_program: int = 1
    body: bool = False
    is_program: bool = False
