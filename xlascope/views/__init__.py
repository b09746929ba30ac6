"""The views: each a question to a run file, a profile or HLO text, answered by a frozen dataclass.

Screen, text, JSON and reports all take their facts from here.
"""

from xlascope.views.errors import Cancelled, ViewError
from xlascope.views.registry import VIEWS, View, find, query
from xlascope.views.sources.opening import open_source
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import HloSource, RunSource, Source

__all__ = [
    "VIEWS",
    "Cancelled",
    "HloSource",
    "ProfileSource",
    "RunSource",
    "Source",
    "View",
    "ViewError",
    "find",
    "open_source",
    "query",
]
