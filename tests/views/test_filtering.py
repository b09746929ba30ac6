"""Filter expressions: what they keep, where they are wrong, what could come next."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from xlascope.views.errors import ViewError
from xlascope.views.filtering import EQUATIONS, FIELDS, OPS, FilterError, hints, is_expression, parse
from xlascope.views.filtering import test_of as view_test


@dataclass(frozen=True)
class Row:
    op: str = "dot.1"
    opcode: str | None = "dot"
    device: str = "0"
    program: str = "f#1"
    self_ns: int | None = 2_000_000
    total_ns: int | None = 3_000_000
    count: int | None = 4
    share: float | None = 0.25
    bytes: int | None = 1 << 21
    flops: int | None = 5000
    file: str | None = "/home/me/train.py"
    line: int | None = 14
    equations: tuple[str, ...] = ("4.0", "7")
    added_by_xla: bool | None = False


UNKNOWN = Row(
    "x", None, self_ns=None, count=None, share=None, bytes=None, flops=None, file=None, line=None, equations=()
)


@pytest.mark.parametrize(
    ("text", "row", "unknown"),
    [
        ("opcode=dot", True, False), ("opcode!=dot", False, True), ("opcode = dot & self>1ms", True, False),
        ("opcode=dot&self>2ms", False, False), ("self>=2ms", True, False), ("self<0.5s", True, False),
        ("!(self>1ms)", False, True), ("!self>1ms", False, True), ("share>5%", True, False), ("share<0.2", False, False),
        ("bytes>1MiB", True, False), ("bytes=2097152", True, False), ("count=4", True, False), ("flops>4k", True, False),
        ("line=14", True, False), ("line=train.py:14", True, False), ("line=rain.py:14", False, False),
        ("line~train", True, False), ("file~train", True, False), ("file!~train", False, True),
        ("equation=4.0", True, False), ("equation=4", True, False),
        ("equation=4.0.1", False, False), ("equation!=7", False, True), ("added", False, False), ("!added", True, True),
        ("device=0 | opcode=add", True, True), ("name~^dot\\.[0-9]$", True, False), ("op!~dot", False, True),
        ('op="dot.1"', True, False), ("per_call>=500us & per_call<=0.5ms", True, False), ("program~f#", True, True),
        ("opcode=add | opcode=dot & self>1ms", True, False), ("(opcode=add | opcode=dot) & self>3ms", False, False),
    ],
)  # fmt: skip
def test_what_expressions_keep(text, row, unknown):
    test = parse(text, OPS)
    assert (test(Row()), test(UNKNOWN)) == (row, unknown)
    assert is_expression(text, OPS)


@pytest.mark.parametrize(
    ("text", "column", "valid"),
    [
        ("", 0, "opcode"), ("nobody=3", 0, "opcode"), ("opcode", 6, "~"), ("opcode>dot", 6, "="), ("self>", 5, "a time"),
        ("self>5", 5, "1ms"), ("self>5parsecs", 5, "1ms"), ("share>x", 6, "5%"), ("opcode=dot &", 12, "self"),
        ("(opcode=dot", 0, ")"), ("opcode=dot)", 10, "&"), ("opcode=dot self>1ms", 11, "&"), ('op="dot', 3, '"'),
        ("name~[", 5, "regular"), ("line=x", 5, "14"), ("added=1", 5, "&"), ("opcode=dot & | x", 13, "device"),
    ],
)  # fmt: skip
def test_errors_point_at_the_column_and_say_what_is_valid(text, column, valid):
    with pytest.raises(FilterError) as caught:
        parse(text, OPS)
    error = caught.value
    assert error.column == column and valid in " ".join(error.valid), (error.column, error.valid)
    assert error.pointed(text).split("\n")[1].index("^") == column


def test_hints_while_typing():
    assert "opcode" in hints("", OPS) and hints("opc", OPS) == ("opcode",)
    assert hints("self", OPS) == ("=", "!=", ">", ">=", "<", "<=") and hints("opcode=dot", OPS) == ()
    assert hints("self>1ms & sh", OPS) == ("share",)


def test_words_are_no_expression():
    for text in ("dot", "op", "self", "train.py:14", "a=b", "while|dot", "self-attention"):
        assert not is_expression(text, OPS), text
    assert is_expression("self>", OPS) and is_expression("!added", OPS) and is_expression("folded", EQUATIONS)


def test_views_tell_errors_as_their_own():
    with pytest.raises(ViewError) as caught:
        view_test("ops", "self>5")
    assert "self>5\n     ^ " in str(caught.value)
    with pytest.raises(ViewError) as caught:
        view_test("equations", "shares>5%")
    said = str(caught.value)
    assert "there is no field shares" in said and all(field.name in said for field in EQUATIONS)


names = st.sampled_from([field.name for field in OPS])
predicates = st.sampled_from(
    ["opcode=dot", "opcode=add", "self>1ms", "self>9ms", "share>5%", "added", "line=14", "equation=4", "name~x"]
)


@st.composite
def trees(draw, depth: int = 3):
    """An expression as text, and its value for a row by Python's own operators."""
    kind = draw(st.sampled_from(["one", "not", "and", "or"])) if depth else "one"
    if kind == "one":
        text = draw(predicates)
        return text, lambda row: parse(text, OPS)(row)
    left, a = draw(trees(depth - 1))
    if kind == "not":
        return f"!({left})", lambda row: not a(row)
    right, b = draw(trees(depth - 1))
    gap = draw(st.sampled_from(["", " "]))
    if kind == "and":
        return f"({left}){gap}&{gap}({right})", lambda row: a(row) and b(row)
    return f"({left}){gap}|{gap}({right})", lambda row: a(row) or b(row)


@hypothesis_settings(max_examples=150, deadline=None)
@given(trees())
def test_operators_are_those_of_logic(tree):
    text, value = tree
    for row in (Row(), UNKNOWN, Row(opcode="add", self_ns=10**7, added_by_xla=True)):
        assert parse(text, OPS)(row) == value(row)


@hypothesis_settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from([*'opcdeslfharn=!<>~&|() "1.5ms%[', "opcode=dot", "self>1ms"]), max_size=30).map("".join)
)
def test_any_text_is_a_test_or_an_error_within_it(text):
    for fields in FIELDS.values():
        try:
            test = parse(text, fields)
        except FilterError as error:
            assert 0 <= error.column <= len(text) and error.message and hints(text, fields) == hints(text, fields)
        else:
            assert test(Row()) in (True, False) if fields is OPS else callable(test)


def test_parentheses_without_end():
    with pytest.raises(FilterError):
        parse("(" * 10_000, OPS)
