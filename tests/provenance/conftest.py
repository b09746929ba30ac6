from __future__ import annotations

from linked_fixtures import *  # noqa: F403
