"""What the pictures depend on, as one hash: the code of the screen and of the graph, the demo, the list of pictures."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HASH_FILE = ROOT / "screenshots" / "inputs.sha256"
_FOLDERS = ("xlascope/tui", "xlascope/graphs")
_FILES = ("xlascope/demo/softmax.py", "screenshots/make.py")


def input_files() -> list[Path]:
    """The files that decide what the pictures show, in a fixed order."""
    found = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".tcss")]
    return sorted(found) + [ROOT / name for name in _FILES]


def inputs_hash() -> str:
    """The hash of the inputs as they are now."""
    digest = hashlib.sha256()
    for path in input_files():
        data = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(data)}\n".encode() + data)
    return digest.hexdigest()
