"""What can go wrong when a view is asked for."""

from __future__ import annotations


class ViewError(Exception):
    """A view that cannot be given. ``advice`` says what to do next; ``exit_code`` is that of the contract.

    2: asked for something that is not there (a view, a program, a variant, a stage); 3: an input that cannot be read.
    """

    def __init__(self, message: str, advice: str = "", exit_code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}\n{self.advice}" if self.advice else self.message


class Cancelled(Exception):
    """Raised inside of a query whose caller said that it no longer wants the answer."""
