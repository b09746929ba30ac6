"""Targets that are not there: ``tpu:v5e:2x4``, ``cuda:h100:1x1x4``, understood and looked up."""

from __future__ import annotations

import difflib
import importlib.util
import os
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from xlascope.session.devices import ALIASES, SHIPPED, Device, own_device
from xlascope.session.places import config_file
from xlascope.session.plan import has_package

PLUGIN = {"tpu": ("libtpu",), "cuda": ("jax_plugins/xla_cuda12", "nvidia/cuda_nvcc")}
"""Packages whose compilers are asked, by platform."""
_MOST_DEVICES = 8192
_EXAMPLES = "tpu:v5e:2x4, tpu:v6e:1x1, cuda:h100:1x1x4; gpu, tpu and cpu are those of this machine"


class TargetError(ValueError):
    """A target that cannot be: the text names the choice, ``advice`` what would be valid."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Target:
    """``name`` in full; ``devices``: how many the topology has."""

    name: str
    device: Device
    topology: str
    devices: int

    def command(self) -> dict[str, Any]:
        """What a lab is told."""
        return {"platform": self.device.platform, "topology": self.topology, "name": self.name,
                "kind": self.device.name, "config": self.device.config(), "devices": self.devices}


def parse(text: str, known: Mapping[tuple[str, str], Device]) -> Target:
    """A target from ``PLATFORM:DEVICE[:TOPOLOGY]``. Raises TargetError."""
    platform, *rest = text.strip().lower().split(":")
    if platform not in PLUGIN:
        meant = _meant((platform, *rest), known)
        raise TargetError(f"there is no target {text!r}", f"{meant}targets are written {_EXAMPLES}")
    if not rest or not rest[0]:
        there = ", ".join(key[1] for key in known if key[0] == platform)
        raise TargetError(f"{text}: which {platform} device?", f"known are: {there}")
    name = ALIASES.get(rest[0], rest[0])
    names = [key[1] for key in known if key[0] == platform]
    device = known.get((platform, name))
    if device is None:
        near = difflib.get_close_matches(name, names, 1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise TargetError(f"{text}: no {platform} device {name!r} is known", f"{guess}known are: {', '.join(names)}")
    if len(rest) > 2:
        raise TargetError(f"{text}: too many parts", f"targets are written {_EXAMPLES}")
    topology = rest[1] if len(rest) > 1 else device.topology
    rank = device.topology.count("x") + 1
    if not re.fullmatch(r"[1-9]\d{0,3}(x[1-9]\d{0,3})*", topology) or topology.count("x") + 1 != rank:
        shape = {2: "2x4", 3: "2x2x1" if platform == "tpu" else "1x1x4"}[rank]
        what = "chips" if platform == "tpu" else "slices x hosts x GPUs of a host"
        raise TargetError(
            f"{text}: {topology!r} is no topology of {name}", f"it has {rank} sizes ({what}): {platform}:{name}:{shape}"
        )
    devices = prod(int(size) for size in topology.split("x")) * device.cores
    if devices > _MOST_DEVICES:
        raise TargetError(f"{text}: {devices} devices are too many", f"at most {_MOST_DEVICES}")
    return Target(f"{platform}:{name}:{topology}", device, topology, devices)


def _meant(parts: Sequence[str], known: Mapping[tuple[str, str], Device]) -> str:
    """The target of a device whose platform was left out, or called otherwise; empty where no part is a device."""
    for part in parts:
        for platform, name in known:
            if name == ALIASES.get(part, part):
                return f"did you mean {platform}:{name}:{known[platform, name].topology}? "
    return ""


def known_devices(environment: Mapping[str, str] = os.environ) -> dict[tuple[str, str], Device]:
    """Shipped devices, and the user's: ``[targets.NAME]`` of config.toml, ``[tool.xlascope.targets.NAME]`` of the
    nearest pyproject.toml. Raises TargetError for one that is not understood."""
    found = {(each.platform, each.name): each for each in SHIPPED}
    for name, table in _configured(environment).items():
        try:
            device = own_device(name.lower(), table if isinstance(table, dict) else {})
        except ValueError as error:
            raise TargetError(str(error), "correct it in config.toml or pyproject.toml") from error
        found[device.platform, device.name] = device
    return found


def _configured(environment: Mapping[str, str]) -> dict[str, Any]:
    folder = Path.cwd()
    project = next((path for each in (folder, *folder.parents) if (path := each / "pyproject.toml").is_file()), None)
    found: dict[str, Any] = {}
    places: list[tuple[Path, tuple[str, ...]]] = [(config_file(environment), ())]
    if project is not None:
        places.append((project, ("tool", "xlascope")))
    for place, keys in places:
        table: Any = {}
        try:
            table = tomllib.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            table = {}  # not there, or said elsewhere: `cli/config.py` complains about a file that is broken
        for key in (*keys, "targets"):
            table = table.get(key, {}) if isinstance(table, dict) else {}
        found |= table if isinstance(table, dict) else {}
    return found


def is_here(platform: str) -> bool:
    """Whether the compiler for a platform is installed beside xlascope itself."""
    return all(_spec(package) for package in PLUGIN[platform])


def _spec(package: str) -> bool:
    try:
        return importlib.util.find_spec(package.replace("/", ".")) is not None
    except (ImportError, ValueError):
        return False


def python_for(platform: str, script_python: str) -> str:
    """The Python whose compiler is asked: the script's own if it has one, else ours (a lab holds no user code).

    Raises TargetError when neither has, with the command that adds it.
    """
    if all(has_package(script_python, package) for package in PLUGIN[platform]):
        return script_python
    if is_here(platform):
        return sys.executable
    what = {"tpu": "libtpu, Google's compiler for TPUs,", "cuda": "JAX's CUDA compiler"}[platform]
    raise TargetError(f"{what} is not installed", f"pip install 'xlascope[{platform}]' adds it")
