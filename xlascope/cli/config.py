"""Defaults of the options from the user's configuration file and the project's pyproject.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlascope.cli.errors import CommandError
from xlascope.session.places import config_file


def load(environment: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """The user's settings, with those of the nearest pyproject.toml above ``folder`` put over them.

    Raises CommandError for a file that is there and cannot be read.
    """
    settings = _read(config_file(environment), ())
    for place in (folder, *folder.parents):
        if (place / "pyproject.toml").is_file():
            settings |= _read(place / "pyproject.toml", ("tool", "xlascope"))
            break
    return settings


def _read(path: Path, table: tuple[str, ...]) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            found: Any = tomllib.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if table:
            return {}  # somebody else's file: whoever needs it complains about it
        raise CommandError(f"{path}: {error}; correct it, or leave it out with --no-config") from error
    for name in table:
        found = found.get(name, {}) if isinstance(found, dict) else {}
    if not isinstance(found, dict):
        raise CommandError(f"{path}: [{'.'.join(table)}] is not a table; correct it, or use --no-config")
    return found
