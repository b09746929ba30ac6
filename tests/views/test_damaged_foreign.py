"""Profiles, dumps and texts with flipped, cut and repeated bytes: an answer, or a sentence with the place."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.damage import AFTER, MODULE, STABLEHLO, campaign, cpu_space, forms
from xlascope.report.as_json import dumps
from xlascope.views import ViewError, open_source, query


def test_damaged_folders_end_well(tmp_path: Path) -> None:
    """One in seven is a profile with its dump; tests/traces damages thousands of profiles alone."""
    outcome = campaign(400, 8, [], tmp_path / "files", lambda _: None)
    assert outcome["answered"] > 200 and outcome["refused"] > 20


def test_undamaged_they_have_no_problem(tmp_path: Path) -> None:
    for number, files in enumerate(forms([])):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        with open_source(folder) as source:
            if source.kind == "profile" and "b.xplane.pb" not in files:
                assert query("ops", source).rows and not query("ops", source).dropped
            (program,) = query("programs", source).programs[:1]
            assert program.function in ("jit_f", "jit_train")


def test_a_profile_cut_anywhere_tells_where(tmp_path: Path) -> None:
    data, told = cpu_space().bytes(), 0
    path = tmp_path / "host.xplane.pb"
    for size in range(1, len(data), 7):
        path.write_bytes(data[:size])
        with open_source(path) as source:
            try:
                ops = query("ops", source)
            except ViewError as error:
                assert error.exit_code == 3 and str(path) in str(error) and "byte" in str(error)
                continue
        assert any(each.what in ("truncated", "broken") and "byte" in each.why for each in ops.dropped)
        assert dumps("ops", ops)
        told += bool(ops.rows)
    assert told > 10


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (f"{MODULE}.cpu_after_optimizations.hlo.pb", b"\x0a\x05abc"),
        (f"{MODULE}.cpu_after_optimizations.hlo.pb", b"not a protobuf"),
        (f"{MODULE}.cpu_after_optimizations.txt.gz", gzip.compress(AFTER.encode())[:-20]),
        ("step.mlir.gz", gzip.compress(STABLEHLO.encode())[:-20]),
    ],
    ids=["message cut", "no message", "text cut", "stablehlo cut"],
)
def test_a_text_that_broke_is_told_with_its_place(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    for asked in (path, tmp_path) if name.startswith(MODULE) else (path,):
        with pytest.raises(ViewError, match=r"byte \d+") as raised, open_source(asked) as source:
            query("stage", source)
        assert raised.value.exit_code == 3 and name in str(raised.value)


def test_bytecode_of_stablehlo_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "step.mlirbc"
    path.write_bytes(b"ML\xefR\x0dStableHLO_v1.0.0\0")
    with pytest.raises(ViewError, match="bytecode") as raised:
        open_source(path)
    assert raised.value.exit_code == 3 and "stablehlo" in raised.value.advice
