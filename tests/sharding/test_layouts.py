"""HLO's shardings: XLA's own forms, and that a spec and its layout are each other's inverse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.ir.passes.names import read_step
from xlascope.ir.sharding import Layout, axes_of, is_manual, mesh_in, of_axes, parse_sharding, split_tuple, whole
from xlascope.ir.sharding_picture import picture
from xlascope.views.partitioning.module import before_partitioning


@pytest.mark.parametrize(
    ("text", "rank", "tiles", "holders"),
    [
        ("{replicated}", 2, (1, 1), ((0, 1, 2, 3, 4, 5, 6, 7),)),
        ("{mesh[], replicated}", 1, (1,), ((0, 1, 2, 3, 4, 5, 6, 7),)),
        (None, 0, (), ((0, 1, 2, 3, 4, 5, 6, 7),)),
        ("{devices=[8,1]<=[8]}", 2, (8, 1), tuple((device,) for device in range(8))),
        ("{devices=[4,1,2]<=[8] last_tile_dim_replicate}", 2, (4, 1), ((0, 1), (2, 3), (4, 5), (6, 7))),
        ("{devices=[2,4]<=[4,2]T(1,0) last_tile_dim_replicate}", 1, (2,), ((0, 2, 4, 6), (1, 3, 5, 7))),
        ("{devices=[2,4]0,2,4,6,1,3,5,7}", 2, (2, 4), ((0,), (2,), (4,), (6,), (1,), (3,), (5,), (7,))),
        ("{devices=[2,2,2]<=[8] last_tile_dims={replicated, replicated}}", 1, (2,), ((0, 1, 2, 3), (4, 5, 6, 7))),
        ("{mesh['x'=4,'y'=2], [{'y'}, {}]}", 2, (2, 1), ((0, 2, 4, 6), (1, 3, 5, 7))),
        ("{mesh['x'=4,'y'=2], [{'x', 'y'}]}", 1, (8,), tuple((device,) for device in range(8))),
        ("{maximal device=3}", 1, (1,), ((3,),)),
    ],
)
def test_forms(text: str | None, rank: int, tiles: object, holders: object) -> None:
    found = parse_sharding(text, rank, 8)
    assert found is not None and (found.tiles, found.holders) == (tiles, holders)


@pytest.mark.parametrize(
    "text",
    ["{manual}", "{devices=[4,1]<=[4]}", "{devices=[8]<=[8]}", "{devices=[2,4]<=[4,2]T(1,1)}", "{unreduced}",
     "{mesh['x'=4,'y'=2], [{'x':(1)2}, {}]}", "{mesh['x'=4,'y'=2], [{'z'}, {}]}",
     "{devices=[2,2,2]<=[8] last_tile_dims={manual}}", "nonsense", "{devices=[2,4]0,1}"],
)  # fmt: skip
def test_what_is_not_known_is_none(text: str) -> None:
    assert parse_sharding(text, 2, 8) is None


@given(st.text("{}[]devices=mesh'xy,0128<>T() lastreplicated", max_size=40), st.integers(0, 3))
def test_any_text_gives_a_layout_or_none(text: str, rank: int) -> None:
    found = parse_sharding(text, rank, 8)
    assert found is None or len(found.tiles) == rank


@given(st.permutations(["x", "y", "z", ""]), st.integers(1, 3))
def test_spec_and_layout(order: list[str], rank: int) -> None:
    mesh = [("x", 2), ("y", 4), ("z", 3)]
    spec: list[list[str]] = [[] for _ in range(rank)]
    for at, name in enumerate(order):
        if not name:
            break
        spec[at % rank].append(name)
    layout = of_axes(spec, mesh)
    assert axes_of(layout, mesh) == tuple(map(tuple, spec))
    assert sorted(device for held in layout.holders for device in held) == list(range(24))
    for device in range(24):
        place = layout.block_of(device)
        assert place is not None and all(0 <= at < tile for at, tile in zip(place, layout.tiles, strict=True))


def test_a_layout_that_no_spec_gives() -> None:
    assert axes_of(Layout((2,), ((0, 3), (1, 2))), [("x", 2), ("y", 2)]) is None
    assert whole(2, 8).replicated and not whole(2, 1).replicated


@pytest.mark.parametrize(
    ("text", "manual"),
    [
        ("{manual}", True), ("{mesh['data'=4,'model'=2], manual}", True),
        ("{devices=[1,1,8]<=[8] last_tile_dims={manual}}", True),
        ("{devices=[2,1,4]<=[8] last_tile_dims={manual}}", False),
        ("{devices=[1,1,2,4]<=[8] last_tile_dims={manual, replicated}}", False),
        ("{mesh['manual'=8], [{'manual'}, {}]}", False), ("{replicated}", False), (None, False),
    ],
)  # fmt: skip
def test_what_lies_inside_of_a_shard_map(text: str | None, manual: bool) -> None:
    assert is_manual(text) is manual


def test_tuples() -> None:
    parts = ["{devices=[8]<=[8]}", "{replicated}", "{mesh['x'=8], [{'x'}, {}]}"]
    assert split_tuple("{" + ", ".join(parts) + "}") == parts
    assert split_tuple("{replicated}") == ["{replicated}"]


def test_the_mesh_of_a_text() -> None:
    text = "sharding={mesh[], replicated} sharding={mesh['x'=4,'y'=2], [{'x'}, {}]} sharding={mesh['x'=4], [{'x'}]}"
    assert mesh_in(text) == (("x", 4), ("y", 2)) and mesh_in("sharding={replicated}") is None


@pytest.mark.parametrize(
    ("names", "place"),
    [
        (["spmd-partitioner.after_pipeline-start.before_flatten-call-graph",
          "spmd-partitioner.after_shardy-xla.before_spmd-partitioning",
          "spmd-cleanup.after_pipeline-start.before_dce",
          "spmd-partitioner.after_spmd-partitioning.before_control-dep-rewriter"], 1),
        (["xla-partitioner.after_shardy-xla.before_tpu-rng-bit-decompose-tuple",
          "spmd-cleanup.after_pipeline-start.before_dce",
          "xla-partitioner.after_tpu-spmd-partitioning.before_control-dep-rewriter"], 0),
        (["simplification.after_algsimp.before_dce"], None),
    ],
)  # fmt: skip
def test_the_form_that_is_cut_next(names: list[str], place: int | None) -> None:
    """Names as XLA gives them on CPU and on TPU."""
    assert before_partitioning([read_step(number, name) for number, name in enumerate(names)]) == place


def test_pictures() -> None:
    mesh = [("x", 2), ("y", 2)]
    assert picture(of_axes([["y"], [], ["x"]], mesh), (4, 3, 10)) == [
        "4 blocks of [2,3,5]; dimension 2 to the right, dimension 0 down",
        "┌───┬───┐", "│ 0 │ 2 │", "├───┼───┤", "│ 1 │ 3 │", "└───┴───┘",
    ]  # fmt: skip
    three = picture(of_axes([["x"], ["y"], ["z"]], [*mesh, ("z", 2)]), (2, 2, 2), ascii_only=True)
    assert [line for line in three if "block 1" in line] == ["block 1 of dimension 0"] and "| 6 | 7 |" in three
    assert picture(of_axes([["x"]], [("x", 100)]), (100,))[1] == "device 0 has the first block, device 99 the last"
    assert picture(whole(0, 1), ()) == ["device 0 holds all of []"]
