"""Lines, tokens, safe characters and numbers, against plain definitions of the same."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.tui.feeding.live import LiveNow
from xlascope.tui.glyphs import ASCII, UNICODE, terminal_speaks_unicode
from xlascope.tui.lines import chart, phases
from xlascope.tui.model import CallTimes, Overview
from xlascope.tui.text import lines as lines_module
from xlascope.tui.text.highlight import tokeniser
from xlascope.tui.text.lines import TextLines
from xlascope.tui.text.numbers import clock, count, duration, percent, size
from xlascope.tui.text.safe import safe

LINE_TEXT = st.text(alphabet=st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=200)


def plain_lines(text: str) -> list[str]:
    found = text.split("\n")
    return found[:-1] if found[-1] == "" else found


@given(LINE_TEXT)
def test_lines_are_those_between_line_feeds(text):
    lines = TextLines(text)
    assert [lines.line(number) for number in range(len(lines))] == plain_lines(text)
    assert all(len(line.encode()) <= lines.width for line in plain_lines(text))


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 64))
def test_index_does_not_depend_on_the_size_of_its_chunks(lengths, chunk):
    text = "\n".join("x" * length for length in lengths)
    before, lines_module._CHUNK = lines_module._CHUNK, chunk
    try:
        lines = TextLines(text)
        assert [lines.line(number) for number in range(len(lines))] == plain_lines(text)
    finally:
        lines_module._CHUNK = before


@given(st.text(alphabet="abAB\n", max_size=120), st.text(alphabet="abAB", min_size=1, max_size=3), st.data())
def test_find_is_a_scan_of_the_lines(text, needle, data):
    lines = TextLines(text)
    if not len(lines):
        assert lines.find(needle, 0) is None
        return
    start = data.draw(st.integers(0, len(lines) - 1))
    fold = needle == needle.lower()
    hits = [n for n, line in enumerate(plain_lines(text)) if needle in (line.lower() if fold else line)]
    before, lines_module._CHUNK = lines_module._CHUNK, 4
    try:
        assert lines.find(needle, start) == next((hit for hit in hits if hit >= start), None)
        assert lines.find(needle, start, backwards=True) == next((hit for hit in reversed(hits) if hit <= start), None)
    finally:
        lines_module._CHUNK = before


@given(LINE_TEXT, st.integers(1, 16))
def test_pieces_are_the_whole_text(text, chunk):
    before, lines_module._CHUNK = lines_module._CHUNK, chunk
    try:
        assert "".join(TextLines(text).pieces()) == text
    finally:
        lines_module._CHUNK = before


def test_carriage_returns_before_a_line_feed_are_not_shown():
    lines = TextLines("a\r\nb\r\n")
    assert [lines.line(0), lines.line(1), len(lines)] == ["a", "b", 2]


def test_bytes_that_are_no_utf8_are_replaced():
    assert TextLines(b"a\xff\nb").line(0) == "a\ufffd"


def test_memory_of_the_index_is_a_small_part_of_the_text():
    text = b"%add.1 = f32[8]{0} add(%a, %b), metadata={op_name=\"x\"}\n" * 20_000
    lines = TextLines(text)
    assert lines._starts.itemsize * len(lines._starts) < 0.1 * len(text)
    assert lines._data is text


@given(st.text(max_size=80), st.booleans())
def test_safe_text_cannot_steer_a_terminal(text, ascii_only):
    shown = safe(text, ascii_only=ascii_only)
    assert shown.isprintable() or shown == ""
    if ascii_only:
        assert shown.isascii()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("add[axes=(0,)]", "add[axes=(0,)]"),
        ("\x1b[2Jx", "␛[2Jx"),
        ("a\tb", "a   b"),
        ("\u202eevil", "<202E>evil"),
        ("\x9b2J", "<009B>2J"),
        ("bell\x07", "bell␇"),
    ],
)
def test_what_is_dangerous_becomes_visible(text, shown):
    assert safe(text) == shown


def test_ascii_form_of_control_characters():
    assert safe("\x1b[0m é", ascii_only=True) == "^[[0m ?"
    assert safe("≥100–200 ×2 ≤3", ascii_only=True) == ">=100-200 x2 <=3"


LANGUAGES = ["jaxpr", "stablehlo", "hlo", "python", "llvm", "asm", "optimized", "pass:12", "source", "unknown"]


@given(st.sampled_from(LANGUAGES), st.text(max_size=200))
def test_tokens_joined_are_the_line(language, line):
    assert "".join(text for text, _ in tokeniser(language)(line)) == line


def roles(language: str, line: str) -> dict[str, str]:
    return {text.strip(): role for text, role in tokeniser(language)(line) if text.strip()}


def test_jaxpr_tokens():
    found = roles("jaxpr", "    j:f32[128] = reduce_sum[axes=(1,) out_sharding=None] i")
    assert found["j"] == "define"
    assert found["f32[128]"] == "shape"
    assert found["reduce_sum"] == "op"
    assert found["axes"] == "attribute"
    assert found["None"] == "literal"


def test_hlo_tokens():
    line = '  ROOT %divide.0 = f32[128,64]{1,0} divide(%param.1, %b), metadata={op_name="jit(f)/div"}'
    found = roles("optimized", line)
    assert found["ROOT"] == "keyword"
    assert found["%divide.0"] == "define"
    assert found["f32[128,64]{1,0}"] == "shape"
    assert found["divide"] == "op"
    assert found["(%param.1, %b),"] == "text"
    assert found['metadata={op_name="jit(f)/div"}'] == "source"


def test_stablehlo_tokens():
    found = roles("stablehlo", "    %3 = stablehlo.maximum %2, %1 : tensor<128xf32>")
    assert (found["%3"], found["stablehlo.maximum"], found["tensor<128xf32>"]) == ("define", "op", "shape")


def test_python_tokens():
    found = roles("python", "def scores(x): return jax.nn.softmax(x, axis=-1)  # rows")
    assert (found["def"], found["scores"], found["jax.nn.softmax"]) == ("keyword", "define", "op")
    assert found["# rows"] == "comment"


def test_long_lines_are_cut_in_linear_time():
    line = "%c = f32[9]{0} constant({" + ", ".join(["0.5"] * 20_000) + "})"
    assert "".join(text for text, _ in tokeniser("hlo")(line)) == line


@pytest.mark.parametrize(
    ("ns", "text"),
    [(None, "?"), (0, "0 ns"), (7, "7.00 ns"), (88_100, "88.1 µs"), (1_239_000_000, "1.24 s"), (999_999, "1.00 ms"),
     (61e9, "1:01 min"), (7200e9, "2:00 h")],
)  # fmt: skip
def test_durations(ns, text):
    assert duration(ns) == text


@given(st.floats(1, 1e15))
def test_durations_keep_three_digits(ns):
    value, unit = duration(ns).split()
    if ":" not in value:
        scale = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[unit]
        assert float(value) * scale == pytest.approx(ns, rel=0.006)


def test_other_numbers():
    assert [count(None), count(99_999), count(201_000), count(3_400_000)] == ["?", "99,999", "201k", "3.40M"]
    assert [size(None), size(0), size(224 << 10), size(14 << 20)] == ["?", "0 B", "224 KiB", "14.0 MiB"]
    shares = [None, 0.0, 0.001, 0.71, 1.0]
    assert [percent(share) for share in shares] == ["?", "0%", "<1%", "71%", "100%"]
    assert [clock(None), clock(41), clock(3723)] == ["?", "0:41", "1:02:03"]


@given(st.one_of(st.none(), st.floats(0, 1)), st.integers(0, 30), st.sampled_from([UNICODE, ASCII]))
def test_bars_fill_their_width(share, width, glyphs):
    bar = glyphs.bar(share, width)
    assert len(bar) == width
    if share and width:
        assert bar.strip()
    if glyphs is ASCII:
        assert bar.isascii()


@given(st.lists(st.floats(0, 1e9), max_size=40))
def test_sparklines_have_a_character_for_each_value(values):
    assert len(UNICODE.sparkline(values)) == len(values)


def test_both_sets_of_glyphs_have_the_same_widths():
    for name in UNICODE.__slots__:
        if name not in ("eighths", "spark", "arrow", "plus_minus"):
            assert len(getattr(UNICODE, name)) == len(getattr(ASCII, name)) == 1
            assert getattr(ASCII, name).isascii()


def test_in_ascii_nothing_left_is_no_zero_and_neither_an_arrow_nor_an_interval_a_sign_of_another_meaning():
    assert (ASCII.nothing_left, ASCII.arrow, ASCII.plus_minus) == ("-", "->", "+-")
    for glyph in ("nothing_left", "arrow", "plus_minus", "middle_dot", "times", "micro", "ellipsis"):
        assert safe(getattr(UNICODE, glyph), ascii_only=True) == getattr(ASCII, glyph)


@pytest.mark.parametrize(
    ("environ", "speaks"),
    [({"LANG": "C"}, False), ({"LANG": "de_DE.UTF-8"}, True), ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, False),
     ({"LC_CTYPE": "C.utf8", "LANG": "C"}, True), ({}, False)],
)  # fmt: skip
def test_the_locale_decides_on_unicode(environ, speaks):
    assert terminal_speaks_unicode(environ) is speaks


def test_random_jumps_read_the_right_lines():
    text = "".join(f"line {number}\n" for number in range(50_000))
    lines = TextLines(text)
    order = random.Random(7).sample(range(50_000), 500)
    assert all(lines.line(number) == f"line {number}" for number in order)


def test_the_chart_of_one_window_speaks_of_calls_of_the_program():
    """Beside it the table of ops counts the windows of the whole run."""
    spec = chart(CallTimes((3.0,), (1_790_000,)), (), None, "f#1")
    assert spec.empty == "one window timed calls of it: 1.79 ms per call, 3.0 s after the start"


@pytest.mark.parametrize(
    ("activity", "name", "after", "told"),
    [
        ("running", "step", 0.5, " now running step"),
        ("running", "step", 9.0, " now running, step began 0:09 ago"),  # whether it still runs is not known
        ("compiling", "step", 9.0, " now compiling step 0:09"),
        ("starting", "", 9.0, " now running, jax is not imported yet 0:09"),
    ],
)
def test_what_is_done_now_is_what_is_known_of_it(activity: str, name: str, after: float, told: str) -> None:
    live = LiveNow(activity=activity, name=name, since=100.0, state="running")
    parts = phases(Overview(state="running"), live, True, None, None, CallTimes(), UNICODE, now=100.0 + after)
    assert [part.text for part in parts] == [told]


def test_of_a_silent_script_it_is_told_where_it_is_instead_of_what_began_last() -> None:
    live = LiveNow(activity="running", name="step", since=100.0, state="running", where="data.py:5 in load")
    parts = phases(Overview(state="running"), live, True, None, None, CallTimes(), UNICODE, now=109.0)
    assert "".join(part.text for part in parts) == " now running, silent: main thread at data.py:5 in load"
    other = replace(live, activity="compiling")
    parts = phases(Overview(state="running"), other, True, None, None, CallTimes(), UNICODE, now=109.0)
    assert "".join(part.text for part in parts) == (
        " now compiling step 0:09, silent: main thread at data.py:5 in load")
