"""Entry point of the `xlascope` command."""

from __future__ import annotations


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code of DESIGN's contract."""
    from xlascope.cli.dispatch import run

    return run(argv)
