"""What can go wrong with a run file, each with what to do next."""

from __future__ import annotations


class RunFileError(Exception):
    """A run file that cannot be opened, read or written; the text is fit for the user."""


class RunFileLocked(RunFileError):
    """Another process writes this run file."""
