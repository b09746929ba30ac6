"""The fixtures of `hlo_corpus`, which the tests of the graphs use too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from hlo_corpus import corpus, dump_folders, dumps

__all__ = ["corpus", "dump_folders", "dumps"]
