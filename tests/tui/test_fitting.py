"""Segments made as wide as their row: what Textual's and Rich's own ways give."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from xlascope.tui.fitting import fitted

_STYLES = [None, Style(color="red"), Style(bold=True), Style(color="#112233", bgcolor="#445566")]
# Narrow, wide, and none at all.
_TEXT = st.text(alphabet="ab %=é…►∅一界\u0301", max_size=12)


@given(st.lists(st.tuples(_TEXT, st.sampled_from(_STYLES)), max_size=8), st.integers(0, 40))
def test_cut_and_filled_as_by_textual(pieces: list[tuple[str, Style | None]], width: int) -> None:
    base = Style(color="#ffffff", bgcolor="#000000")
    segments = [Segment(text, style) for text, style in pieces]
    strip = fitted(segments, width, base)
    wanted = Strip(segments).adjust_cell_length(width)
    assert strip.text == wanted.text and strip.cell_length == width
    cells = [style for text, style, _ in strip for _ in text]
    assert cells == [base + style if style else base for text, style, _ in wanted for _ in text]
