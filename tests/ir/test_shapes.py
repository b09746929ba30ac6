"""Shapes from text, and their sizes in bytes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.ir import dtype_bits, parse_shape, shape_bytes, short_shape

BYTES = {"pred": 1, "s4": 1, "u2": 1, "s8": 1, "u16": 2, "bf16": 2, "f16": 2, "f32": 4, "s64": 8, "c64": 8, "c128": 16}
BYTES |= {name: 1 for name in ("f8e4m3fn", "f8e5m2", "f8e4m3b11fnuz", "f8e8m0fnu", "f4e2m1fn")}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("f32[128,64]{1,0}", 32768),
        ("f32[]", 4),
        ("bf16[8,128]{1,0:T(8,128)(2,1)S(1)}", 2048),
        ("s4[7]{0:E(4)}", 4),
        ("s4[7]{0}", 7),
        ("f32[<=5,3]{1,0}", 60),
        ("f32[0,4]{1,0}", 0),
        ("token[]", 0),
        ("()", 0),
        ("(s32[], /*index=1*/f32[64,64]{1,0}, (pred[3]{0}, token[]))", 4 + 16384 + 3),
        ("f32[?,3]", None),
        ("opaque[]", None),
        ("(f32[2], opaque[])", None),
        ("f32[2", None),
        ("f32[2]{0} x", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_known_sizes(text, size):
    assert shape_bytes(text) == size


@given(st.sampled_from(sorted(BYTES)), st.lists(st.integers(0, 50), max_size=4))
def test_arrays_of_every_type(dtype, dims):
    order = ",".join(str(axis) for axis in reversed(range(len(dims))))
    text = f"{dtype}[{','.join(map(str, dims))}]" + (f"{{{order}}}" if dims else "")
    shape = parse_shape(text)
    assert shape is not None and shape.dims == tuple(dims) and shape.dtype == dtype
    assert shape.bytes == math.prod(dims) * BYTES[dtype]
    assert short_shape(text) == text.split("{")[0] == shape.text


@given(st.recursive(st.sampled_from(["f32[2,3]", "s8[]", "token[]"]), lambda inner: st.lists(inner, max_size=4)))
def test_nested_tuples(tree):
    def text(own):
        return own if isinstance(own, str) else f"({', '.join(map(text, own))})"

    def size(own):
        return {"f32[2,3]": 24, "s8[]": 1, "token[]": 0}[own] if isinstance(own, str) else sum(map(size, own))

    assert shape_bytes(text(tree)) == size(tree)
    assert short_shape(text(tree)) == text(tree)


@given(st.text(alphabet="f32[]{}(),<=? T:E0", max_size=40))
def test_any_text(text):
    size = shape_bytes(text)
    assert size is None or size >= 0


def test_bits():
    assert [dtype_bits(name) for name in ("f32", "s4", "pred", "token", "f8e4m3fn", "opaque")] == [32, 4, 8, 0, 8, None]


def test_every_shape_of_real_modules(corpus):
    from xlascope.ir import parse_hlo

    for program in corpus.programs:
        for own in parse_hlo(program.text).instructions():
            assert shape_bytes(own.shape) is not None, own.shape
