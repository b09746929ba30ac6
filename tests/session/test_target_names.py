"""Targets by name: what is understood, what is refused with what would be valid, and devices of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.session.devices import SHIPPED, own_device
from xlascope.session.targets import TargetError, known_devices, parse

KNOWN = {(each.platform, each.name): each for each in SHIPPED}


@pytest.mark.parametrize(
    ("text", "name", "devices"),
    [
        ("tpu:v5e:2x4", "tpu:v5e:2x4", 8),
        ("TPU:v5litepod:2x2", "tpu:v5e:2x2", 4),
        ("tpu:v4:2x2x1", "tpu:v4:2x2x1", 8),
        ("tpu:v7x:1x1x1", "tpu:tpu7x:1x1x1", 2),
        ("tpu:v6e", "tpu:v6e:1x1", 1),
        ("cuda:h100:1x1x4", "cuda:h100:1x1x4", 4),
        ("cuda:a100", "cuda:a100:1x1x1", 1),
    ],
)
def test_understood(text: str, name: str, devices: int) -> None:
    target = parse(text, KNOWN)
    assert (target.name, target.devices) == (name, devices)
    assert parse(target.name, KNOWN) == target
    assert (target.command()["config"] is None) == name.startswith("tpu")


@pytest.mark.parametrize(
    ("text", "said", "advice"),
    [
        ("npu:x", "no target 'npu:x'", "tpu:v5e:2x4"),
        ("tpu", "which tpu device?", "known are: v2, v3, v4, v5e"),
        ("tpu:", "which tpu device?", "known are: v2, v3, v4, v5e"),
        ("h100", "no target 'h100'", "did you mean cuda:h100:1x1x1? targets are written"),
        ("nvidia:h100", "no target 'nvidia:h100'", "did you mean cuda:h100:1x1x1? targets are written"),
        ("tpu:v5f:2x4", "no tpu device 'v5f'", "did you mean v5"),
        ("tpu:v5e:2x4x1", "'2x4x1' is no topology of v5e", "tpu:v5e:2x4"),
        ("tpu:v4:2x2", "'2x2' is no topology of v4", "tpu:v4:2x2x1"),
        ("tpu:v5e:0x4", "no topology", "2 sizes"),
        ("tpu:v5e:2x4:9", "too many parts", "tpu:v5e:2x4"),
        ("cuda:h100:4", "no topology of h100", "cuda:h100:1x1x4"),
        ("cuda:h100:99x99x99", "too many", "at most"),
    ],
)
def test_refused(text: str, said: str, advice: str) -> None:
    with pytest.raises(TargetError) as error:
        parse(text, KNOWN)
    assert said in str(error.value) and advice in error.value.advice


@given(st.text(alphabet="tpucdav5eh10:x2-. ", max_size=24))
def test_any_text_is_a_target_or_refused(text: str) -> None:
    try:
        target = parse(text, KNOWN)
    except TargetError as error:
        assert str(error) and error.advice
    else:
        assert parse(target.name, KNOWN) == target and target.devices > 0


def test_numbers_of_one_core() -> None:
    core = KNOWN["tpu", "v4"].facts()
    assert core["memory_bytes"] == 16 << 30 and core["flops_per_s"] == 275e12 / 2


def test_devices_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.xlascope.targets.h20]\nlike = 'h100'\ncore_count = 78\nmemory_bytes = 103079215104\n"
        "description = 'NVIDIA H20'\n"
    )
    monkeypatch.chdir(tmp_path)
    device = known_devices({"XDG_CONFIG_HOME": str(tmp_path)})["cuda", "h20"]
    assert (device.memory_bytes, device.bytes_per_s, device.source) == (103079215104, 3352320000000, "configured")
    config = device.config()
    assert config is not None and "core_count: 78" in config and 'device_description_str: "NVIDIA H20"' in config
    (tmp_path / "pyproject.toml").write_text("[tool.xlascope.targets.h20]\nlike = 'h1000'\n")
    with pytest.raises(TargetError, match="must name a shipped device"):
        known_devices({"XDG_CONFIG_HOME": str(tmp_path)})


@pytest.mark.parametrize("table", [{"like": "v5e", "core_count": 3}, {"like": "h100", "memory_bytes": "much"}, {}])
def test_odd_devices(table: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"targets\.mine"):
        own_device("mine", table)
