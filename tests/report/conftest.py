"""The recorded runs and crafted files of the views' tests, shared."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "views"))

from recorded_fixtures import *  # noqa: F403
