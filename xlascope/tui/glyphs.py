"""The characters the screen draws with, in a Unicode and an ASCII form, and the bars made of them."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of drawing characters; each is one cell wide, but for `arrow` and `plus_minus` in ASCII."""

    cursor: str
    focus: str
    estimated: str
    unknown: str
    nothing_left: str
    added: str
    opened: str
    closed: str
    running: str
    ended: str
    separator: str
    rule: str
    times: str
    arrow: str
    plus_minus: str
    ellipsis: str
    micro: str
    eighths: str
    spark: str
    gauge_left: str
    gauge_right: str
    warning: str
    middle_dot: str
    at_least: str

    def bar(self, share: float | None, width: int) -> str:
        """A bar of `width` cells for a share between 0 and 1; empty for an unknown share."""
        if share is None or width <= 0:
            return " " * max(width, 0)
        steps = len(self.eighths)
        filled = round(min(max(share, 0.0), 1.0) * width * steps)
        if share > 0 and filled == 0:
            filled = 1
        whole, rest = divmod(filled, steps)
        text = self.eighths[-1] * whole + (self.eighths[rest - 1] if rest else "")
        return text.ljust(width)

    def gauge(self, share: float | None, width: int) -> str:
        """A progress bar with ends, `width` cells in all."""
        return self.gauge_left + self.bar(share, max(width - 2, 0)) + self.gauge_right

    def sparkline(self, values: list[float]) -> str:
        """One character for each value, scaled to the largest."""
        top = max(values, default=0.0)
        if top <= 0:
            return self.spark[0] * len(values)
        last = len(self.spark) - 1
        return "".join(self.spark[min(last, round(value / top * last))] for value in values)


UNICODE = Glyphs(
    cursor="►", focus="▌", estimated="~", unknown="?", nothing_left="∅", added="+", opened="▾", closed="▸",
    running="●", ended="■", separator="│", rule="─", times="×", arrow="→", plus_minus="±", ellipsis="…",
    micro="µ", eighths="▏▎▍▌▋▊▉█", spark="▁▂▃▄▅▆▇█", gauge_left="▕", gauge_right="▏", warning="!", middle_dot="·",
    at_least="≥",
)  # fmt: skip

ASCII = Glyphs(
    cursor=">", focus="*", estimated="~", unknown="?", nothing_left="-", added="+", opened="v", closed=">",
    running="*", ended="#", separator="|", rule="-", times="x", arrow="->", plus_minus="+-", ellipsis="~",
    micro="u", eighths="#", spark="_.-=*#", gauge_left="[", gauge_right="]", warning="!", middle_dot=".",
    at_least=">",
)  # fmt: skip


def terminal_speaks_unicode(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the locale of the environment is one of UTF-8; `LC_ALL` wins over `LC_CTYPE` over `LANG`."""
    names = os.environ if environ is None else environ
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = names.get(name)
        if value:
            return "utf-8" in value.lower() or "utf8" in value.lower()
    return "utf" in locale.getpreferredencoding(False).lower() if environ is None else False


def choose_glyphs(environ: Mapping[str, str] | None = None) -> Glyphs:
    """The set that the terminal of this environment can show."""
    return UNICODE if terminal_speaks_unicode(environ) else ASCII
