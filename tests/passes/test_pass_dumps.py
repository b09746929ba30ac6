"""Dump folders: of real accelerator compilers where they are at hand, damaged ones, empty ones."""

from __future__ import annotations

import os
import random
import shutil
import tarfile
from pathlib import Path

import pytest
from test_pass_parts import FUSED, MODULE

from tests.unpacking import SAFELY
from xlascope.cli.show import main
from xlascope.report.text import render
from xlascope.views import ViewError, open_source, query

DATA = Path(os.environ.get("XLASCOPE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


def folder_of(place: Path, *texts: str) -> Path:
    for number, text in enumerate(texts):
        (place / f"module_0001.jit_f.{number:04d}.p.after_step-{number}.before_x.txt").write_text(text)
    return place


@pytest.mark.parametrize("name,least,fused", [
    ("dev_h100_1x1x4", 40, "priority-fusion"), ("dev_tpu_v5e_2x4", 25, "tpu_fusion"),
])  # fmt: skip
def test_the_passes_of_real_accelerators(tmp_path: Path, name: str, least: int, fused: str) -> None:
    archive = DATA / f"{name}.tar.xz"
    if not archive.exists():
        pytest.skip("the dump folders are not here")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, **SAFELY)
    (folder,) = (each for each in tmp_path.iterdir() if each.is_dir())
    with open_source(folder) as source:
        answer = query("passes", source)
        changed = [row for row in answer.passes if row.changed]
        assert len(changed) >= least and fused in {row.pass_ for row in changed}
        for row in changed:
            found = query("diff", source, to=str(row.index))
            shared = found.same + len(found.changed) + len(found.moved)
            assert shared + len(found.added) == row.instructions == found.to.instructions
            assert shared + len(found.removed) == found.from_.instructions
            assert found.opcodes_added == row.added and found.opcodes_removed == row.removed
        row = next(each for each in changed if each.pass_ == fused)
        merged = query("diff", source, to=str(row.index)).moved
        assert merged and any("fus" in each.computation for each in merged)


def test_of_a_dump_the_module_with_most_instructions_is_meant_and_its_passes_are_one(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, MODULE, FUSED, MODULE)
    long = "x" * 20_000  # a longer text, of fewer instructions
    small = f'HloModule jit_g, note="{long}"\n\nENTRY %e (p: f32[2]) -> f32[2] {{\n  ROOT %p = f32[2]{{0}} parameter(0)\n}}\n'
    (folder / "module_0000.jit_g.0000.p.after_step-0.before_x.txt").write_text(small)
    (folder / "module_0000.jit_g.cpu_after_optimizations.txt").write_text(small)
    (folder / "module_0001.jit_f.cpu_after_optimizations.txt").write_text(FUSED)
    with open_source(folder) as source:
        assert query("passes", source).program == "jit_f#1"
        text = render("programs", query("programs", source), whole=True)
    assert "pass:0–2 optimized" in text and "pass:0 optimized" in text and "pass:1" not in text


def test_missing_numbers_truncated_and_foreign_files(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, MODULE, MODULE[:400], "", "\0\1\2 noise", FUSED)
    (folder / "module_0001.jit_f.0001.p.after_step-1.before_x.txt").unlink()
    (folder / "module_0001.jit_f.0042.p.after_last.before_x.txt").write_bytes(b"\xff\xfe" + FUSED.encode())
    (folder / "module_0001.jit_f.0043.odd.txt").write_text(MODULE)
    with open_source(folder) as source:
        rows = query("passes", source).passes
        assert [row.index for row in rows] == [0, 2, 3, 4, 42, 43]
        assert [row.instructions for row in rows] == [11, 0, 0, 13, 13, 11]
        assert query("diff", source, **{"from": "0"}, to="42").moved
        with pytest.raises(ViewError, match="no such pass"):
            query("diff", source, to="1")
        with pytest.raises(ViewError, match="tags of equations"):
            query("history", source, equation="0")
        assert query("history", source, instruction="fusion.1").events[0].pass_ == "step-4"


def test_a_pass_is_named_by_its_name_and_by_which_of_its_runs(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, MODULE, FUSED)
    (folder / "module_0001.jit_f.0007.p.after_step-1.before_x.txt").write_text(MODULE)
    (folder / "module_0001.jit_f.0008.p.after_last.before_x.txt").write_text(FUSED)
    with open_source(folder) as source:
        for names, numbers in ((("step-0", "step-1#1"), ("0", "1")), (("step-1#2", "last"), ("7", "8"))):
            said, meant = (query("diff", source, **{"from": first}, to=second) for first, second in (names, numbers))
            assert said == meant and said.from_.index == int(numbers[0])
        with pytest.raises(ViewError, match="ran 2 times") as raised:
            query("diff", source, to="step-1")
        assert raised.value.advice == "Say which: step-1#1 (pass:1), step-1#2 (pass:7)."
        with pytest.raises(ViewError, match="no such pass"):
            query("diff", source, to="step-1#3")
        with pytest.raises(ViewError) as raised:
            query("stage", source, stage="llvm")
        assert "pass:0 … pass:8" in raised.value.advice


def test_a_folder_that_holds_nothing_but_a_dump_is_that_dump(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "dump"
    inner.mkdir(parents=True)
    folder_of(inner, MODULE, FUSED)
    with open_source(tmp_path / "outer") as source:
        assert len(query("passes", source).passes) == 2
    (tmp_path / "outer" / "other").mkdir()
    with pytest.raises(ViewError, match="no HLO text"):
        open_source(tmp_path / "outer")


def test_mutated_dumps_never_end_in_an_error(tmp_path: Path) -> None:
    random_ = random.Random(7)
    for number in range(30):
        texts = []
        for _ in range(4):
            text = list(random_.choice((MODULE, FUSED)))
            for _ in range(random_.randrange(12)):
                at = random_.randrange(len(text))
                text[at : at + random_.randrange(30)] = random_.choice(("", "\n", "{", "}", "%", "(", '"', "ROOT "))
            texts.append("".join(text))
        folder = folder_of(tmp_path / str(number), *texts) if not (tmp_path / str(number)).mkdir() else tmp_path
        with open_source(folder) as source:
            for row in query("passes", source).passes[1:]:
                found = query("diff", source, to=str(row.index), text=True)
                shared = found.same + len(found.changed) + len(found.moved)
                assert (shared + len(found.added), shared + len(found.removed)) == (
                    found.to.instructions, found.from_.instructions)  # fmt: skip
            for name in ("exp.1", "fusion.1", "add.1"):
                try:
                    assert query("history", source, instruction=name).events
                except ViewError as error:
                    assert "no form of" in str(error)


def test_a_folder_without_passes_says_how_they_are_had(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "passes"]) == 3
    (tmp_path / "module_0001.jit_f.before_optimizations.txt").write_text(MODULE)
    assert main([str(tmp_path), "passes"]) == 2
    assert "xla_dump_hlo_pass_re" in capsys.readouterr().err
    shutil.rmtree(tmp_path)
    assert main([str(tmp_path), "passes"]) == 3
