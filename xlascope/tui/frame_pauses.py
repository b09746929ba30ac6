"""Keeps Python's garbage collector and the workers' threads from stopping a frame."""

from __future__ import annotations

import gc
import sys


def calm_collector() -> None:
    """Takes what is there now out of later collections, and makes those rarer.

    A full collection walks every object that Textual made at the start: 30 ms and more, once in twenty frames of a
    scrolled pane. What the start left behind stays for the whole life of the program anyway.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def prefer_keys() -> None:
    """Lets the screen's thread take over from a worker within a millisecond instead of five: keys wait for it."""
    sys.setswitchinterval(0.001)
