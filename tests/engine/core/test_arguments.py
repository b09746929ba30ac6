"""Arguments of a module: which inputs it kept, recorded bytes, made-up values."""

from __future__ import annotations

from typing import Any

import ml_dtypes  # noqa: F401 - registers bfloat16 and the 8-bit floats with numpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.engine.core.arguments import build, kept_inputs, synthetic
from xlascope.engine.core.module import ModuleError, ModuleFacts, Tensor, element_dtype

F4 = Tensor((4,), np.dtype("float32"))
KEY = Tensor((3, 2), np.dtype("uint32"))


def facts(*inputs: Tensor, names: tuple[str, ...] | None = None) -> ModuleFacts:
    return ModuleFacts("m", "d", inputs, names or ("",) * len(inputs), (), (), 1, 1, (), False)


def leaf(name: str, shape: tuple[int, ...] = (4,), dtype: str = "float32") -> dict[str, Any]:
    return {"name": name, "shape": list(shape), "dtype": dtype}


@pytest.mark.parametrize(
    ("module", "inputs", "kept"),
    [
        (facts(F4, F4), [leaf("a"), leaf("b")], (0, 1)),
        (facts(F4), [leaf("a", (5,)), leaf("b")], (1,)),
        (facts(F4, names=("b",)), [leaf("a"), leaf("b"), leaf("c")], (1,)),
        (facts(F4, F4, names=("a", "c")), [leaf("a"), leaf("b"), leaf("c")], (0, 2)),
        (facts(KEY), [leaf("a", (3, 2), "int32"), leaf("k", (3,), "key<fry>")], (1,)),
        (facts(F4), [], (0,)),
    ],
)
def test_kept_inputs(module: ModuleFacts, inputs: list[dict[str, Any]], kept: tuple[int, ...]) -> None:
    assert kept_inputs(module, {"inputs": inputs}) == kept


def test_kept_inputs_of_the_record_count() -> None:
    assert kept_inputs(facts(F4), {"inputs": [leaf("a"), leaf("b")], "kept_inputs": [1]}) == (1,)


def test_arguments_that_do_not_fit() -> None:
    with pytest.raises(ModuleError):
        kept_inputs(facts(F4), {"inputs": [leaf("a", (5,)), leaf("b", (6,))]})


def test_recorded_bytes() -> None:
    data = np.arange(4, dtype=np.float32)
    record = {"leaves": [{"index": 1, "blob": "a1"}]}
    made = build(facts(F4), [1], record, {"a1": data.tobytes()})
    assert made.state == "recorded" and made.notes == () and made.values[0].tolist() == data.tolist()


def test_bytes_of_another_size_are_not_used() -> None:
    record = {"leaves": [{"index": 0, "blob": "a0"}]}
    made = build(facts(F4), [0], record, {"a0": bytes(12)})
    assert made.state == "synthetic" and "12 bytes recorded, 16 needed" in made.notes[0]


def test_some_made_up() -> None:
    record = {"leaves": [{"index": 0, "blob": "a0"}, {"index": 1, "blob": None}]}
    made = build(facts(F4, F4), [0, 1], record, {"a0": bytes(16)})
    assert made.state == "synthetic" and made.notes == ("1 of 2 arguments are made up",)


DTYPES = (
    *("bool", "int8", "uint8", "int32", "uint32", "int64", "float16", "bfloat16", "float32", "float64"),
    *("complex64", "float8_e4m3fn", "int4", "uint4"),
)


@given(st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=3).map(tuple))
def test_made_up_values(name: str, shape: tuple[int, ...]) -> None:
    value = synthetic(Tensor(shape, np.dtype(name)), np.random.default_rng(0))
    assert value.shape == shape and value.dtype == np.dtype(name)
    if name.startswith(("int", "uint8")):
        assert ((value.astype(int) >= 0) & (value.astype(int) < 4)).all()


@pytest.mark.parametrize(
    ("element", "dtype"),
    [
        ("f32", "float32"),
        ("bf16", "bfloat16"),
        ("i1", "bool"),
        ("i8", "int8"),
        ("ui32", "uint32"),
        ("i4", "int4"),
        ("complex<f64>", "complex128"),
        ("f8E4M3FN", "float8_e4m3fn"),
        ("f8E5M2FNUZ", "float8_e5m2fnuz"),
        ("f4E2M1FN", "float4_e2m1fn"),
    ],
)
def test_element_types(element: str, dtype: str) -> None:
    assert element_dtype(element) == np.dtype(dtype)


@given(st.text(max_size=12))
def test_unknown_element_types(element: str) -> None:
    try:
        assert isinstance(element_dtype(element), np.dtype)
    except ModuleError as error:
        assert element in str(error)
