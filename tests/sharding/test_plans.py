"""Planning of shardings: pure, so every rule is tested without JAX."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.protocol.plans import candidates, plan
from xlascope.protocol.roles import roles
from xlascope.protocol.specs import Leaf, ShardingError, divisors, leaves, parse_mesh, parse_spec, spec_text

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


def test_split_arrays_that_may_be_weights_are_told() -> None:
    """A loss of a scan over time returns nothing of its arguments: by the rule the three weights are the batch."""
    weights = [Leaf(f"params[{at}]", shape, "f32") for at, shape in enumerate(((128, 128), (128, 128), (128,)))]
    arguments = [*weights, Leaf("xs", (100, 32, 128), "f32"), Leaf("h0", (32, 128), "f32")]
    assert plan(arguments, [LOSS], 8, {"data": 8}).notes == (
        "batch plan: params[0], params[1], params[2] split on dimension 0 (128) over data=8; others replicated",
        "128 is dimension 1 of params[0] too; it was taken for the batch's size because most arguments lead with it. If "
        "what is split are weights, xs may be the batch: its dimension 0 of size 100 is not a multiple of data=8 (it can "
        "be split over 2, 4, 5, 10, 20, 25, 50 or 100); --shard xs=-,data (S on the screen) splits its dimension 1",
    )
    named = plan(arguments, [LOSS], 8, {"data": 8}, shard={"xs": "-,data"})
    assert named.notes == ("arguments without a spec are replicated",)


def test_steps_of_a_scan_that_are_split_are_told() -> None:
    row = {"name": "xs", "shape": [128, 16, 64], "dtype": "float32", "scanned": ["/home/me/rnn.py", 7]}
    xs, h = leaves([row, {"name": "h", "shape": [16, 64], "dtype": "float32"}])
    made = plan([xs, h], [h, Leaf("", (128,), "float32")], 8, {"data": 8})
    assert made.specs == ((("data",), (), ()), ((), ()))
    assert made.notes[1] == (
        "xs is split on dimension 0, over which a scan at rnn.py:7 iterates: these are its steps, one after the other, and "
        "no batch; each step needs its slice from the device that has it; --shard xs=-,data (S on the screen) splits its "
        "dimension 1"
    )
    assert not any("scan" in note for note in plan([xs, h], [h], 8, {"data": 8}, shard={"xs": "-,data"}).notes)
    odd = Leaf("ts", (8, 3), "float32", "rnn.py:7")
    (told,) = (note for note in plan([odd], [LOSS], 2).notes if "scan" in note)
    assert told.endswith("from the device that has it")  # no other dimension can be split
    assert leaves([{**row, "scanned": "odd"}])[0].scanned is None


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
        ("x,y,-", "3 entries and argument 1 (y) has 2 dimensions", "at most 2 entries, such as x,-;"),
        ("z", "no axis 'z'", "x (8), y (3)"),
        ("x,x", "'x' twice", "one dimension"),
        ("x+x", "'x' twice", "one dimension"),
        ("-,x", "dimension 1 of argument 1 (y) 8 ways, and its size 4 is not a multiple of 8", "[64, 4]"),
        ("y", "size 64 is not a multiple of 3", "dimension 0 (size 64) over x"),
        ("x,", "lacks an axis beside a comma", "axes are"),
        ("x+", "lacks an axis beside a +", "axes are"),
        ("P('x', None)", "as in Python", "`-` for None: at most 2 entries, such as x,-;"),
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


meshes = st.sampled_from([(1, None), (4, None), (8, {"x": 4, "y": 2}), (6, {"a": 2, "b": 3}), (3, {"a": 1, "b": 3})])


@given(leaf_lists, leaf_lists, meshes, st.sampled_from(["batch", "fsdp"]))
def test_a_plan_always_fits_its_arguments(
    inputs: list[Leaf], outputs: list[Leaf], mesh: tuple[int, dict[str, int] | None], name: str
) -> None:
    try:
        made = plan(inputs, outputs, *mesh, name)
    except ShardingError as error:
        assert str(error) and error.advice
        return
    known = roles(inputs, outputs)
    assert any(any(spec) for spec in made.specs)
    for index, (leaf, spec) in enumerate(zip(inputs, made.specs, strict=True)):
        assert len(spec) == len(leaf.shape) and (made.why[index] is None) == any(spec)
        assert not (known.parameters[index] and known.batch[index])
        if name == "batch" and known.parameters[index]:
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
    assert parse_spec(spec_text(spec), Leaf("a", shape, "f32"), 0, axes) == spec
    used = [axis for names in spec for axis in names]
    assert len(spec) == len(shape) and len(used) == len(set(used)) and set(used) <= set(axes)


@pytest.mark.parametrize(
    ("text", "mesh"),
    [
        ("8", {"x": 8}),
        ("4x2", {"x": 4, "y": 2}),
        ("2x2x2", {"x": 2, "y": 2, "z": 2}),
        ("data=4, model=2", {"data": 4, "model": 2}),
    ],
)
def test_meshes(text: str, mesh: dict[str, int]) -> None:
    assert parse_mesh(text) == mesh and list(parse_mesh(text)) == list(mesh)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "the mesh is empty"),
        ("0", "0 is not"),
        ("4x", "lacks a number after the x"),
        ("x=4,x=2", "axis 'x' twice"),
        ("x=4,2", "the part '2'"),
        ("a-b=2", "the part 'a-b=2'"),
        ("64x64", "4096 places"),
        ("3x", "the mesh '3x' lacks a number after the x"),
        ("x3", "the mesh 'x3' lacks a number before the x"),
        ("2xx4", "the mesh '2xx4' lacks a number after the x"),
        ("x=4,y=", "the mesh 'x=4,y=' lacks a number after the y="),
        ("x=²", "² is not"),
        ("1x1x1x1x1x1x1", "7 axes"),
    ],
)
def test_wrong_meshes(text: str, error: str) -> None:
    with pytest.raises(ShardingError) as raised:
        parse_mesh(text)
    assert error in str(raised.value) and raised.value.advice


@given(st.text("x=42,ab ", max_size=10))
def test_any_text_is_a_mesh_or_an_error(text: str) -> None:
    try:
        mesh = parse_mesh(text)
    except ShardingError as error:
        assert error.advice
        return
    assert mesh and 1 <= prod(mesh.values()) <= 1024


def test_an_unknown_argument_is_told_its_neighbours() -> None:
    with pytest.raises(ShardingError) as raised:
        plan([W, X], [W], 8, shard={"params['v']": "x"})
    assert raised.value.advice.startswith("perhaps params['w']; arguments are: 0 params['w'], 1 x")


def test_one_argument_named_twice() -> None:
    with pytest.raises(ShardingError, match="two specs"):
        plan([W, X], [W], 8, shard={"1": "x", "x": "x"})


def test_fsdp_splits_parameters_on_their_largest_divisible_dimension() -> None:
    odd, wide = Leaf("odd", (3, 5), "float32"), Leaf("wide", (12, 16, 16), "float32")
    made = plan([W, odd, wide, X, Y, RATE], [W, odd, wide, LOSS], 4, None, "fsdp")
    assert made.specs == ((("x",), ()), ((), ()), ((), ("x",), ()), (("x",), ()), (("x",), ()), ())
    assert made.why[1] == "not divisible: no dimension of [3, 5] is a multiple of x=4"


def test_fsdp_on_two_axes_has_one_for_the_batch_and_one_for_parameters() -> None:
    made = plan([W, X], [W], 8, {"data": 4, "model": 2}, "fsdp")
    assert made.specs == ((("model",), ()), (("data",), ()))


def test_a_batch_that_does_not_divide_stays_whole_under_fsdp_and_says_why() -> None:
    made = plan([W, Leaf("x", (10, 16), "float32")], [W], 8, None, "fsdp")
    assert made.specs[1] == ((), ()) and made.why[1] == "not divisible: dimension 0 of size 10 over x=8"
    assert made.notes == (
        "fsdp plan: x not split on dimension 0: size 10 is not a multiple of x=8 (it can be split over 2, 5 or 10)",
        "fsdp plan: parameters params['w'] split on their largest divisible dimension over x=8; others replicated",
    )
    whole = plan([W, RATE], [W, RATE], 8, None, "fsdp").notes
    assert whole[0] == "fsdp plan: no array is split as the batch: each one is returned with the same shape"


def test_a_batch_that_does_not_divide_is_refused_with_what_would() -> None:
    with pytest.raises(ShardingError) as raised:
        plan([W, Leaf("x", (30, 16), "float32"), Leaf("y", (30,), "float32")], [W], 8)
    assert str(raised.value).startswith("the batch plan would split x, y on dimension 0 of size 30 over 8 devices")
    assert raised.value.advice == (
        "it can be split over 2, 3, 5, 6, 10, 15 or 30; or say which dimension to split, for instance --shard 1=-,x "
        "(S on the screen)"
    )
    with pytest.raises(ShardingError) as raised:
        plan([Leaf("x", (7,), "float32")], [LOSS], 8)
    assert raised.value.advice == (
        "it can be split over 7; or choose another number of devices: no dimension of any argument can be split 8 ways"
    )


def test_of_equally_common_leading_sizes_none_that_is_a_later_dimension() -> None:
    """A loss of one weight and one array: both lead with a size of their own, and the weight's is one of the array's."""
    w, x = Leaf("w", (128, 10), "float32"), Leaf("x", (30, 128), "float32")
    assert roles([w, x], [LOSS]).batch == (False, True)
    assert roles([w, x], [LOSS]).because == "no array has it as a later dimension"
    assert roles([W, Leaf("z", (8, 3), "float32")], [LOSS]).batch == (True, False)


def test_entries_of_a_spec_are_counted() -> None:
    for leaf, said in ((Leaf("b", (8,), "f"), "1 dimension; for its shape [8] write one entry, such as x; `-` leaves"),
                       (RATE, "no dimensions; for its shape [] write nothing: a scalar lies whole on each device")):
        with pytest.raises(ShardingError) as raised:
            parse_spec("x,y", leaf, 0, {"x": 8, "y": 3})
        assert f"has 2 entries and argument 0 ({leaf.name}) has {said}" in f"{raised.value}; {raised.value.advice}"


@pytest.mark.parametrize(
    ("extent", "said"),
    [(1, "no number of devices above 1"), (2, "2"), (6, "2, 3 or 6"), (4096, "2, 4, 8, 16, 32, 64, 128, 256 and more")],
)
def test_devices_that_divide_a_size(extent: int, said: str) -> None:
    assert divisors(extent) == said


def test_the_batch_of_a_layer_is_what_it_is_applied_to() -> None:
    """Attention: the result has the shape of x; the weights share a leading size."""
    x, weights = Leaf("x", (8, 32, 64), "f32"), [Leaf(name, (64, 64), "f32") for name in "qkvo"]
    assert plan([*weights, x], [Leaf("", x.shape, "f32")], 8).specs == (((), ()),) * 4 + ((("x",), (), ()),)
    made = plan([*weights, x], [Leaf("", x.shape, "f32")], 8, None, "fsdp")
    assert made.specs == ((("x",), ()),) * 4 + ((("x",), (), ()),)


def test_of_a_program_that_returns_no_argument_all_but_the_batch_are_parameters() -> None:
    """An MLP's forward pass: two of its parameters share a leading size, and only the result tells the batch."""
    w1, b1, w2 = Leaf("w1", (16, 32), "f32"), Leaf("b1", (32,), "f32"), Leaf("w2", (32, 8), "f32")
    known = roles([w1, b1, w2, X], [Leaf("", (64, 8), "f32")])
    assert known.leading == 64 and known.batch == (False, False, False, True)
    assert known.parameters == (True, True, True, False)


def test_a_tree_whose_arrays_lead_with_different_sizes_holds_parameters() -> None:
    """A hidden width of the batch's size: what leads with it in the tree of parameters is none of the batch."""
    tree = [Leaf(f"p['{name}']", shape, "f32") for name, shape in (("b", (64,)), ("w", (16, 64)), ("out", (64, 8)))]
    known = roles([*tree, X], [Leaf("", (64, 8), "f32")])
    assert known.batch == (False, False, False, True) and known.parameters == (True, True, True, False)
    known = roles([*tree, X, Leaf("at", (), "f32")], [*tree, LOSS])
    assert known.batch == (False, False, False, True, False) and known.parameters[:4] == (True, True, True, False)


def test_a_tree_that_a_scan_goes_through_holds_stacked_layers() -> None:
    """A result of each layer leads with their number too; the batch is what no scan iterates over."""
    stack = [Leaf(f"p['{name}']", shape, "f32", "a.py:3") for name, shape in (("b", (8, 64)), ("w", (8, 64, 64)))]
    x, of_layers = Leaf("x", (32, 64), "f32"), Leaf("", (8, 32), "f32")
    known = roles([*stack, x], [Leaf("", (64,), "f32"), of_layers])
    assert known.batch == (False, False, True) and known.parameters == (True, True, False)
    made = plan([*stack, x], [Leaf("", (64,), "f32"), of_layers], 8, None, "fsdp")
    assert made.specs == (((), ("x",)), ((), ("x",), ()), (("x",), ())) and not any("scan" in each for each in made.notes)
    more = [Leaf("p['v']", (8, 64, 4), "f32", "a.py:3"), *stack]
    assert roles([*more, x, Leaf("y", (32,), "f32")], [LOSS]).leading == 32
    assert roles(stack, [LOSS]).batch == (True, True)  # nothing else can be split: time steps and their mask


def test_a_layer_is_applied_to_an_array_beside_a_tree_of_weights() -> None:
    """The batch is as large as the width of the model, so that its size tells nothing."""
    x, tree = Leaf("x", (32, 24, 32), "f32"), [Leaf("p['g']", (32,), "f32"), Leaf("p['q']", (16, 32), "f32")]
    assert roles([*tree, x], [Leaf("", x.shape, "f32")]).batch == (False, False, True)


def test_a_batch_of_the_shape_of_a_parameter() -> None:
    """The result of that shape is the return of the argument all of whose arrays are returned."""
    w, b, x = Leaf("p['w']", (64, 16), "f32"), Leaf("p['b']", (16,), "f32"), Leaf("x", (64, 16), "f32")
    assert roles([x, w, b], [w, b, LOSS]).parameters == (False, True, True)
    assert roles([x, w, b], [w, b, LOSS]).batch == (True, False, False)
    assert roles([w, x], [w, LOSS]).batch == (False, True)


def test_a_sum_of_two_arrays_has_both_as_its_batch() -> None:
    assert roles([X, Leaf("z", X.shape, X.dtype)], [X]).batch == (True, True)


def test_one_argument_that_holds_all_is_grouped_by_its_parts() -> None:
    state = [Leaf("s['p']['w']", (16, 64), "f32"), Leaf("s['p']['b']", (64,), "f32"), Leaf("s['x']", (64, 16), "f32")]
    assert roles(state, [Leaf("", (64, 64), "f32")]).batch == (False, False, True)


def test_auto_tries_each_plan_once_and_names_those_that_do_not_fit() -> None:
    assert candidates([W, X], [W], 8) == (
        [{"devices": 8, "shard_plan": name} for name in ("replicate", "batch", "fsdp")], []
    )  # fmt: skip
    mesh = {"x": 4, "y": 2}
    found, refused = candidates([W, X], [W], 8, mesh)
    assert [(each["shard_plan"], each.get("mesh")) for each in found] == [
        ("replicate", mesh), ("batch", mesh), ("fsdp", mesh), ("batch", None), ("fsdp", None)
    ]  # fmt: skip
    found, refused = candidates([Leaf("w", (3,), "f32"), Leaf("x", (10, 15), "f32")], [], 8)
    assert [each["shard_plan"] for each in found] == ["replicate"] and len(refused) == 2
