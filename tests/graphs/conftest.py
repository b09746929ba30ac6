"""The programs compiled for the parser's tests, and the geometry that pictures must keep to."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "ir"))

from hlo_corpus import corpus, dump_folders, dumps

__all__ = ["corpus", "dump_folders", "dumps"]
