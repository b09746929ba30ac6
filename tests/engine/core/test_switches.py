"""Switches: what is accepted, what XLA is told, what is refused with advice."""

from __future__ import annotations

from typing import Any

import pytest

from xlascope.engine.core.switches import DISABLE, FUSION_PASSES, SwitchError, Switches, compiler_options, parse

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
        {"shard": {"0": "x"}},
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
