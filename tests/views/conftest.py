from __future__ import annotations

from recorded_fixtures import *  # noqa: F403
