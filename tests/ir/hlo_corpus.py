"""Real programs, compiled once for the tests of all folders, in a process of their own."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from xlascope.ir import HloModule

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"
DUMPS = ("dev_h100_1x1x4", "dev_tpu_v5e_2x4")


@dataclass(frozen=True)
class Compiled:
    """A program's HLO text, and what XLA says is in it: computation name → [(instruction, opcode, operands)]."""

    name: str
    stage: str
    text: str
    computations: dict[str, list[tuple[str, str, list[str]]]]
    cost: dict[str, float] | None


@dataclass(frozen=True)
class Corpus:
    programs: list[Compiled]
    texts: dict[str, dict[str, list[tuple[str, str, list[str]]]] | str]

    def get(self, name: str, stage: str = "optimized") -> Compiled:
        return next(found for found in self.programs if (found.name, found.stage) == (name, stage))


@pytest.fixture(scope="session")
def dump_folders(tmp_path_factory) -> list[Path]:
    """Unpacked XLA dump folders of GPU and TPU compilers; empty where they are absent."""
    return _unpacked(tmp_path_factory.getbasetemp())


@cache
def _unpacked(base: Path) -> list[Path]:
    folders = []
    for name in DUMPS:
        archive = SHARED / f"{name}.tar.xz"
        if archive.exists():
            target = base / name
            with tarfile.open(archive) as opened:
                # Pythons before 3.11.4 have no filters yet.
                opened.extractall(target, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
            folders.append(target)
    return folders


@pytest.fixture(scope="session")
def dumps(dump_folders) -> dict[str, str]:
    """HLO texts of every pass, by path."""
    found = {}
    for folder in dump_folders:
        for path in sorted(folder.rglob("*.txt")):
            text = path.read_text(errors="replace")
            if text.startswith("HloModule"):
                found[str(path)] = text
    if not found:
        pytest.skip("the dump folders are not beside the checkout")
    return found


@pytest.fixture(scope="session")
def corpus(dump_folders) -> Corpus:
    return _compiled(tuple(dump_folders))


@cache
def _compiled(folders: tuple[Path, ...]) -> Corpus:
    script = Path(__file__).with_name("compile_programs.py")
    done = subprocess.run(
        [sys.executable, str(script), *map(str, folders)],
        capture_output=True,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        timeout=170,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    told = json.loads(done.stdout)
    programs = [
        Compiled(own["name"], own["stage"], own["text"], _by_name(own["computations"]), own["cost"])
        for own in told["programs"]
    ]
    texts = {path: own if isinstance(own, str) else _by_name(own) for path, own in told["texts"].items()}
    return Corpus(programs, texts)


def _by_name(computations: list) -> dict[str, list[tuple[str, str, list[str]]]]:
    return {name: [(own[0], own[1], own[2]) for own in members] for name, members in computations}


def mutate(text: str, chance: random.Random) -> str:
    """One to four random edits: cut, repeat, swap, replace, insert, truncate."""
    for _ in range(chance.randint(1, 4)):
        if not text:
            return text
        start = chance.randrange(len(text))
        stop = min(len(text), start + chance.choice((1, 1, 2, 8, 40, 300)))
        kind = chance.randrange(6)
        if kind == 0:
            text = text[:start] + text[stop:]
        elif kind == 1:
            text = text[:stop] + text[start:stop] + text[stop:]
        elif kind == 2:
            text = text[:start] + "".join(chance.sample(text[start:stop], stop - start)) + text[stop:]
        elif kind == 3:
            text = text[:start] + chance.choice('(){}[]",=%#\\\n\0é \t:;</*') + text[start + 1 :]
        elif kind == 4:
            text = (
                text[:start] + chance.choice(("ROOT ", "ENTRY ", "}\n", "{", "/*", '"', "calls=%", "#9")) + text[start:]
            )
        else:
            text = text[:stop]
    return text


def walk(module: HloModule) -> int:
    """Read every detail of every instruction."""
    for own in module.instructions():
        assert own.text and own.opcode
        assert own.shape or re.search(r"(?:=|^)\s*[a-zA-Z][\w\-]*\(", own.text)
        assert isinstance(own.operands, tuple) and isinstance(own.attributes, dict)
        _ = own.called, own.op_name, own.stack, own.trip_count, own.fusion_kind, own.parameter_number
        _ = own.operand_instructions(), own.computation.users(own.name), module.callers(own.computation.name)
    return len(module)
