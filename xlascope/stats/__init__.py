"""Medians, intervals, verdicts and the stopping rule of measurements. Needs numpy only."""

from .ratio import Ratio, Verdict, enough, opposed, paired_ratio, verdict
from .summary import Summary, summarize

__all__ = ["Ratio", "Summary", "Verdict", "enough", "opposed", "paired_ratio", "summarize", "verdict"]
