"""Profiles and dump folders made elsewhere: a GPU's profile, compilations for TPU and NVIDIA hardware."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import pytest

from tests.unpacking import SAFELY
from xlascope.views import ViewError, open_source, query

DATA = Path(__file__).parents[3] / "shared" / "data"
MODULE = """HloModule f, is_scheduled=true

ENTRY %main (a: f32[2]) -> f32[2] {
  %a = f32[2]{0} parameter(0)
  ROOT %b = f32[2]{0} negate(%a)
}
"""
GPU = DATA / "mi300_fused_attention.xplane.pb"


@pytest.mark.skipif(not GPU.exists(), reason="the GPU profile is not here")
def test_a_gpu_profile_has_rows_of_its_kernels() -> None:
    with open_source(GPU) as source:
        ops, devices = query("ops", source), query("devices", source).rows
    assert sum(row.count for row in ops.rows) == 150
    assert {(row.device, row.device_kind) for row in ops.rows} == {("0", "gpu")}
    assert [row.kind for row in devices] == ["gpu"] and not devices[0].simulated
    assert ops.program is None and all(row.program for row in ops.rows)


@pytest.mark.parametrize(("name", "kind"), [("dev_h100_1x1x4", "gpu"), ("dev_tpu_v5e_2x4", "tpu")])
def test_a_dump_for_hardware_that_is_not_here(name: str, kind: str, tmp_path: Path) -> None:
    archive = DATA / f"{name}.tar.xz"
    if not archive.exists():
        pytest.skip("the dump is not here")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, **SAFELY)
    (folder,) = tmp_path.iterdir()
    with open_source(folder) as source:
        (program,) = query("programs", source).programs
        assert program.function == "jit_loss"
        assert {"hlo", "optimized"} <= set(program.stages) and len(program.stages) > 20
        graph, before = query("graph", source), query("graph", source, stage="hlo")
        assert len(graph.nodes) > 50 and graph.stage == "optimized" and len(before.nodes) > 50
        rows = query("collectives", source).rows
        assert rows and all(row.time_ns is None and row.bytes for row in rows)
        assert query("stage", source, stage=program.stages[-1]).text.startswith("HloModule")
        with pytest.raises(ViewError, match="no view ops"):
            query("ops", source)


@pytest.mark.parametrize("text,line,reason", [
    (MODULE.removesuffix("}\n"), 5, "the text ends inside %main of line 3"),
    (MODULE + "}\n", 7, "a closing brace without a computation"),
    (MODULE.replace("}\n", "") + "\n%other (a: f32[2]) -> f32[2] {\n}\n", 7, "%main of line 3 has no closing brace"),
])
def test_text_whose_braces_do_not_pair_is_refused_with_the_place(text: str, line: int, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "cut.hlo"
    file.write_text(text)
    with pytest.raises(ViewError, match=re.escape(f"cut.hlo:{line}: {reason}")) as error:
        open_source(file)
    assert error.value.exit_code == 3
    folder = tmp_path / "dump"
    folder.mkdir()
    file.rename(folder / "module_0001.jit_f.cpu_after_optimizations.txt")
    with open_source(folder) as source, pytest.raises(ViewError, match=re.escape(reason)):
        query("graph", source)


def test_a_folder_of_run_files_names_them(tmp_path: Path) -> None:
    (tmp_path / "old.xlascope").write_bytes(b"")
    with pytest.raises(ViewError, match="holds run files") as told:
        open_source(tmp_path)
    assert "old.xlascope" in (told.value.advice or "")
