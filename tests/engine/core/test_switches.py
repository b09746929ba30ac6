"""Switches: what is accepted, what XLA is told, what is refused with advice."""

from __future__ import annotations

from typing import Any

import pytest

from xlascope.engine.core.switches import (
    DISABLE,
    FUSION_PASSES,
    SwitchError,
    Switches,
    compiler_options,
    parse,
    precisions,
)
from xlascope.session.switches import MATMUL_PRECISIONS, variant_name

CPU = "fusion,dot-library-rewriter,small-while-loop-hoisting"


def test_nothing_touched() -> None:
    assert parse({}) == parse({"jit": "on", "fusion": "on"}) == Switches()
    assert compiler_options(Switches(), "cpu") == {}


def test_fusion_off_by_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    assert compiler_options(parse({"fusion": "off"}), "cpu") == {DISABLE: CPU}
    assert compiler_options(parse({"fusion": "off"}), "tpu") == {DISABLE: "tpu_fusion,tpu_multi_output_fusion"}
    assert "priority-fusion" in compiler_options(parse({"fusion": "off"}), "cuda")[DISABLE]
    with pytest.raises(SwitchError):
        compiler_options(parse({"fusion": "off"}), "abacus")


def test_fusion_wrapper_is_never_switched_off() -> None:
    """XLA's code generation needs what that pass does."""
    assert all("fusion-wrapper" not in names for names in FUSION_PASSES.values())


@pytest.mark.parametrize(
    ("flags", "options", "expected"),
    [
        ("--xla_disable_hlo_passes=algsimp,dce", {"fusion": "off"}, f"algsimp,dce,{CPU}"),
        ("--xla_disable_hlo_passes=a --xla_disable_hlo_passes=b", {"fusion": "off"}, f"b,{CPU}"),
        ("--xla_foo=1", {"fusion": "off", "compiler_options": {DISABLE: "cse, fusion"}}, f"{CPU},cse"),
        ("--xla_disable_hlo_passes=a", {"compiler_options": {DISABLE: "b"}}, "a,b"),
        ("--xla_disable_hlo_passes='a", {"fusion": "off"}, f"'a,{CPU}"),
    ],
)
def test_passes_off_are_merged(
    monkeypatch: pytest.MonkeyPatch, flags: str, options: dict[str, Any], expected: str
) -> None:
    """The option replaces the flag in XLA, so that both must be in it."""
    monkeypatch.setenv("XLA_FLAGS", flags)
    assert compiler_options(parse(options), "cpu")[DISABLE] == expected


def test_a_flag_alone_sets_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "--xla_disable_hlo_passes=a")
    assert compiler_options(Switches(), "cpu") == {}


def test_truth_values_as_text() -> None:
    options = {"a": "true", "b": "False", "c": "3", "d": 4, "e": True}
    assert parse({"compiler_options": options}).compiler_options == {"a": True, "b": False, "c": "3", "d": 4, "e": True}


def test_a_mesh_implies_its_devices() -> None:
    switches = parse({"mesh": {"x": 4, "y": 2}, "shard": {"0": "x,y"}})
    assert switches.devices == 8 and switches.sharded
    assert not parse({"devices": 1}).sharded


@pytest.mark.parametrize(
    "raw",
    [
        {"warp": 9},
        {"jit": "maybe"},
        {"fusion": 1},
        {"devices": 0},
        {"devices": True},
        {"devices": "8"},
        {"shard": {"0": "x"}, "devices": 1},
        {"shard_plan": "batch", "devices": 1},
        {"compiler_options": {"a": [1]}},
        {"jit": "off", "fusion": "off"},
        {"jit": "deep-off", "devices": 8},
        {"mesh": {"x": "many"}},
        {"mesh": [1]},
        {"compiler_options": "a=b"},
    ],
)
def test_refused_with_advice(raw: dict[str, Any]) -> None:
    with pytest.raises(SwitchError) as raised:
        parse(raw)
    assert str(raised.value) and raised.value.advice


def test_jit_off_beside_untouched_switches() -> None:
    assert parse({"jit": "off", "fusion": "on", "shard": {}}).jit == "off"


def test_passes_precision_and_donation() -> None:
    touched = parse({"passes_off": ["cse", " algsimp", "cse"], "matmul_precision": "high", "donate": {"0": "on", "x": "off"}})
    assert (touched.passes_off, touched.matmul_precision, touched.donate) == (("cse", "algsimp"), "high", {"0": True, "x": False})
    assert compiler_options(touched, "cpu") == {DISABLE: "cse,algsimp"}
    both = compiler_options(parse({"passes_off": ["cse"], "fusion": "off"}), "cpu")
    assert both == {DISABLE: f"cse,{CPU}"} or both == {DISABLE: f"{CPU},cse"}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"passes_off": "cse"}, "cannot be 'cse'"),
        ({"passes_off": ["a,b"]}, "no name of a pass"),
        ({"passes_off": ["fusion-wrapper"]}, "cannot be off"),
        ({"matmul_precision": "enough"}, "cannot be 'enough'"),
        ({"donate": {"0": "maybe"}}, "cannot be 'maybe'"),
        ({"jit": "off", "passes_off": ["cse"]}, "no other switch"),
    ],
)
def test_refused_values(raw: dict[str, Any], said: str) -> None:
    with pytest.raises(SwitchError, match=said) as error:
        parse(raw)
    assert error.value.advice


def test_the_command_line_offers_the_engines_precisions() -> None:
    assert precisions() == MATMUL_PRECISIONS


def test_names_have_one_order() -> None:
    switches = {"donate": {"x": "off", "0": "on"}, "passes_off": ["cse", "dce"], "matmul_precision": "high", "fusion": "off"}
    assert variant_name(switches) == "fusion=off,passes-off=cse+dce,matmul-precision=high,donate=0,donate:x=off"
