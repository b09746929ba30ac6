"""The script's own world: ``__main__``, ``sys.argv``, ``sys.path`` and a traceback without our frames."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType, TracebackType
from typing import Any

_PYC_HEADER = 16
"""Bytes in front of the code: the magic number, flags, and what the source was."""
_MAIN_NAMES = ("__name__", "__doc__", "__package__", "__loader__", "__spec__", "__annotations__", "__builtins__")


def plan_of(config: dict[str, Any], invalid: Callable[[BaseException], None]) -> tuple[Any, ...]:
    """What runs the script: a callable and its arguments, each in a list of one, as ``map`` takes them.

    ``invalid`` is told why a script is no Python, before Python itself says so.
    """
    script, module, argv = config.get("script"), config.get("module"), list(config.get("argv") or [])
    flags = list(sys.orig_argv[1 : sys.orig_argv.index(sys.argv[0])]) if sys.argv[0] in sys.orig_argv else []
    if module is not None:
        sys.argv[:] = ["-m", *argv]
        sys.orig_argv[:] = [sys.orig_argv[0], *flags, "-m", module, *argv]
        _insert_path(os.getcwd())
        import runpy

        return runpy._run_module_as_main, [module]  # type: ignore[attr-defined]
    assert script is not None, "a script or a module"
    sys.argv[:] = [script, *argv]
    sys.orig_argv[:] = [sys.orig_argv[0], *flags, script, *argv]
    if _has_main_inside(script):
        sys.path.insert(0, _absolute(script))
        import runpy

        return runpy._run_module_as_main, ["__main__"], [False]  # type: ignore[attr-defined]
    _insert_path(os.path.dirname(os.path.realpath(script)))
    return exec, [_code_of(script, invalid)], [sys.modules["__main__"].__dict__]


def _insert_path(folder: str) -> None:
    if not sys.flags.safe_path:
        sys.path.insert(0, folder)


def _has_main_inside(path: str) -> bool:
    """Whether Python would import this path (a directory or zip file with a ``__main__``), not run it as a file."""
    if os.path.isdir(path):
        return True
    import zipimport

    try:
        zipimport.zipimporter(path)
    except zipimport.ZipImportError:
        return False
    return True


def _absolute(path: str) -> str:
    """As Python itself makes the script's path absolute: joined, not normalised."""
    return path if os.path.isabs(path) else os.path.join(os.getcwd(), path)


def _code_of(script: str, invalid: Callable[[BaseException], None]) -> Any:
    path = _absolute(script)
    try:
        with open(path, "rb") as file:
            source = file.read()
        # As Python tells: by the name, or by how the file begins.
        if script.endswith(".pyc") or source[:2] == MAGIC_NUMBER[:2]:
            return _unmarshalled(source)
        return compile(source, path, "exec", dont_inherit=True)
    except (OSError, EOFError, SyntaxError, TypeError, ValueError) as error:
        invalid(error)
        # Python's own words for a file that is missing, unreadable, damaged or no Python: let it say them.
        os.execv(sys.executable, sys.orig_argv[:1] + sys.orig_argv[1:])


def _unmarshalled(data: bytes) -> CodeType:
    """The code in a ``.pyc`` of this Python. Raises what `marshal` does, or ValueError, where it has none."""
    import marshal

    code = marshal.loads(data[_PYC_HEADER:]) if data[:4] == MAGIC_NUMBER else None
    if not isinstance(code, CodeType):
        raise ValueError("compiled by another Python, or damaged")
    return code


class Guard:
    """Told by the boot file when the script starts and when it has ended."""

    def __init__(self, boot_file: str, recording: Any) -> None:
        self._boot_file = boot_file
        self._recording = recording
        self._script = recording.script_path

    def clear_main(self) -> None:
        """Give ``__main__`` the namespace that Python gives a script."""
        self._recording.script_begins()
        names = sys.modules["__main__"].__dict__
        builtins = names["__builtins__"]
        names.clear()
        names.update(dict.fromkeys(_MAIN_NAMES))
        names.update(__name__="__main__", __annotations__={}, __builtins__=builtins)
        if self._script is None:
            names["__loader__"] = BuiltinImporter
            return
        path = _absolute(self._script)
        loader = SourcelessFileLoader if path.endswith(".pyc") else SourceFileLoader
        names.update(__loader__=loader("__main__", path), __file__=path, __cached__=None)

    def leave(self, kind: type[BaseException] | None, error: BaseException | None) -> None:
        """The script has ended; ``error`` is on its way to Python's own handling, which prints and exits."""
        if error is None:
            return
        if isinstance(error, SystemExit):
            self._recording.script_exits(error.code)
            return
        script_hook = getattr(sys, "excepthook", None)
        if script_hook is not None:
            # First of all: a signal handler of the script may raise from here on.
            sys.excepthook = self._excepthook(script_hook)
        self._recording.script_raised(error, self._strip(error.__traceback__))

    def _excepthook(self, script_hook: Callable[..., Any]) -> Callable[..., Any]:
        """The script's own hook, called without our frames in the traceback, and in place again by then."""

        def excepthook(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
            sys.excepthook = script_hook
            stripped = self._strip(traceback)
            if value.__context__ is not None:
                value.__context__.__traceback__ = self._strip(value.__context__.__traceback__)
            sys.last_traceback = stripped  # type: ignore[assignment]
            value.__traceback__ = stripped
            try:
                script_hook(kind, value, stripped)
            except Exception as failure:
                # In Python's own words, which would show this frame.
                inside = failure.__traceback__.tb_next if failure.__traceback__ is not None else None
                print("Error in sys.excepthook:", file=sys.stderr)
                sys.__excepthook__(type(failure), failure.with_traceback(inside), inside)
                print("\nOriginal exception was:", file=sys.stderr)
                sys.__excepthook__(kind, value, stripped)

        return excepthook

    def _strip(self, traceback: TracebackType | None) -> TracebackType | None:
        """The traceback without the boot file's frame, nor those of our code that a signal handler interrupted."""
        ours = os.path.dirname(self._boot_file) + os.sep
        entries = []
        while traceback is not None:
            if not traceback.tb_frame.f_code.co_filename.startswith(ours):
                entries.append(traceback)
            traceback = traceback.tb_next
        for before, after in itertools.pairwise(entries):
            before.tb_next = after
        if entries:
            entries[-1].tb_next = None
        return entries[0] if entries else None
