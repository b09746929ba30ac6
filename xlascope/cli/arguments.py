"""The parser of a command's arguments: wrong usage is a `CommandError`, `--help` an exit code."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from xlascope.cli.errors import CommandError


class CommandParser(argparse.ArgumentParser):
    """The arguments of ``xlascope COMMAND``; ``advice`` is what an error says after what is wrong."""

    def __init__(self, command: str, advice: str = "", **how: Any) -> None:
        super().__init__(prog=f"xlascope {command}", **how)
        self._command, self._advice = command, advice

    def error(self, message: str) -> NoReturn:
        """Raises CommandError."""
        raise CommandError(f"{self._command}: {message}{self._advice}")

    def read(self, argv: Sequence[str]) -> argparse.Namespace | int:
        """The arguments, or the exit code where ``--help`` has answered. Raises CommandError for wrong usage."""
        try:
            return self.parse_args(argv)
        except SystemExit as end:  # argparse ends --help so
            return end.code if isinstance(end.code, int) else 2
