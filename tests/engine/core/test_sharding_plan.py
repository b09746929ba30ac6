"""Planning of shardings: pure, so every rule is tested without JAX."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.engine.core.sharding import Leaf, ShardingError, leaves, parse_spec, plan

W = Leaf("params['w']", (16, 4), "float32")
X = Leaf("x", (64, 16), "float32")
Y = Leaf("y", (64, 4), "float32")
RATE = Leaf("rate", (), "float32")
LOSS = Leaf("", (), "float32")

shapes = st.lists(st.integers(1, 12), max_size=3).map(tuple)
leaf_lists = st.lists(st.builds(Leaf, st.sampled_from(["", "a", "b", "c"]), shapes, st.just("float32")), max_size=6)


def test_batch_plan_splits_the_batch_and_replicates_parameters() -> None:
    made = plan([W, X, Y, RATE], [W, LOSS], 8)
    assert made.mesh == {"x": 8}
    assert made.specs == (((), ()), (("x",), ()), (("x",), ()), ())
    assert made.notes == ("batch plan: x, y split on dimension 0 (64) over x=8; others replicated",)


def test_a_tie_goes_to_the_size_that_results_lead_with() -> None:
    """softmax(x @ w): both arguments lead with a size of their own, and the result leads with that of x."""
    x, w, out = Leaf("x", (128, 256), "f32"), Leaf("w", (256, 64), "f32"), Leaf("", (128, 64), "f32")
    assert plan([w, x], [out], 4).specs == (((), ()), (("x",), ()))


def test_same_shape_and_other_dtype_is_no_parameter() -> None:
    assert plan([X], [Leaf("", X.shape, "bfloat16")], 2).specs == ((("x",), ()),)


def test_batch_plan_on_a_mesh_uses_its_first_axis() -> None:
    assert plan([W, X], [W], 8, {"data": 4, "model": 2}).specs[1] == (("data",), ())


def test_specs_come_on_top_of_a_plan() -> None:
    made = plan([W, X], [W], 8, {"x": 4, "y": 2}, "batch", {"params['w']": "-,y"})
    assert made.specs == (((), ("y",)), (("x",), ()))


def test_a_spec_alone_replicates_the_rest() -> None:
    made = plan([W, X], [W], 4, shard={"1": "-,x"})
    assert made.specs == (((), ()), ((), ("x",)))
    assert made.notes == ("arguments without a spec are replicated",)


@pytest.mark.parametrize(
    ("text", "spec"),
    [("x,-", (("x",), ())), ("x", (("x",), ())), ("-,y", ((), ("y",))), ("x+y,-", (("x", "y"), ())), ("", ((), ()))],
)
def test_specs(text: str, spec: object) -> None:
    assert parse_spec(text, X, 0, {"x": 4, "y": 2}) == spec


@pytest.mark.parametrize(
    ("text", "error", "advice"),
    [
        ("x,y,-", "3 dimensions and argument 1 (y) has 2", "at most 2"),
        ("z", "no axis 'z'", "x (8), y (3)"),
        ("x,x", "'x' twice", "one dimension"),
        ("x+x", "'x' twice", "one dimension"),
        ("-,x", "dimension 1 of argument 1 (y) 8 ways, and its size 4 is not a multiple of 8", "[64, 4]"),
        ("y", "size 64 is not a multiple of 3", "3 divides"),
        ("x,", "no axis ''", "axes are"),
    ],
)
def test_wrong_specs_name_the_choice(text: str, error: str, advice: str) -> None:
    with pytest.raises(ShardingError) as raised:
        parse_spec(text, Y, 1, {"x": 8, "y": 3})
    assert error in str(raised.value) and advice in raised.value.advice


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        ({"devices": 6}, "64 over 6 devices"),
        ({"devices": 8, "mesh": {"x": 4}}, "4 places and the variant 8 devices"),
        ({"devices": 8, "mesh": {"x": 0, "y": 8}}, "0 places"),
        ({"devices": 8, "shard_plan": "magic"}, "'magic'"),
        ({"devices": 8, "shard": {"7": "x"}}, "'7'"),
        ({"devices": 8, "shard": {"²": "x"}}, "'²'"),
    ],
)
def test_wrong_plans(keys: dict, error: str) -> None:
    with pytest.raises(ShardingError) as raised:
        plan([W, X], [W], **keys)
    assert error in str(raised.value) and raised.value.advice


def test_two_arguments_of_one_name_need_a_position() -> None:
    with pytest.raises(ShardingError):
        plan([X, X], [], 2, shard={"x": "x"})
    assert plan([X, X], [], 2, shard={"1": "x"}).specs[1] == (("x",), ())


def test_leaves_of_a_record() -> None:
    assert leaves([{"name": None, "shape": None, "dtype": "key<fry>"}]) == [Leaf("", (), "key<fry>")]


@given(leaf_lists, leaf_lists, st.integers(1, 8))
def test_a_plan_always_fits_its_arguments(inputs: list[Leaf], outputs: list[Leaf], devices: int) -> None:
    try:
        made = plan(inputs, outputs, devices)
    except ShardingError as error:
        assert str(error) and error.advice
        return
    returned = {(leaf.shape, leaf.dtype) for leaf in outputs}
    assert any(any(spec) for spec in made.specs)
    for leaf, spec in zip(inputs, made.specs, strict=True):
        assert len(spec) == len(leaf.shape)
        if (leaf.shape, leaf.dtype) in returned:
            assert not any(spec)
        for extent, axes in zip(leaf.shape, spec, strict=True):
            assert extent % prod(made.mesh[axis] for axis in axes) == 0


@given(st.text("xy,-+ z", max_size=8), shapes)
def test_any_text_is_a_spec_or_an_error(text: str, shape: tuple[int, ...]) -> None:
    axes = {"x": 2, "y": 3}
    try:
        spec = parse_spec(text, Leaf("a", shape, "f32"), 0, axes)
    except ShardingError as error:
        assert error.advice
        return
    used = [axis for names in spec for axis in names]
    assert len(spec) == len(shape) and len(used) == len(set(used)) and set(used) <= set(axes)
