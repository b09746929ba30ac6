"""How the tests unpack archives of their own."""

from __future__ import annotations

import tarfile
from typing import Any

# Pythons before 3.11.4 have no filters yet.
SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
