"""Large blobs in parts: what several of them hold is kept once, wherever it lies in each."""

from __future__ import annotations

import os
import random
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlascope.runfile import Reader, RunFileError, Writer, parts

CONSTANT = random.Random(1).randbytes(1 << 20)


def module(number: int) -> bytes:
    """Bytecode of a program that captured the constant."""
    return os.urandom(1000 + 37 * number) + CONSTANT + os.urandom(500)


def text(number: int) -> bytes:
    """The same as StableHLO is printed."""
    return b"module @jit_f {" * (1 + number) + CONSTANT.hex().upper().encode() + b"}" * number


def format_of(path: Path) -> int:
    with sqlite3.connect(path) as database:
        found: int = database.execute("PRAGMA user_version").fetchone()[0]
    return found


pieces = st.sampled_from([b"\x00" * 70_000, b"\x9a\x5c" * 30_000, b"9A5C", b"\x9a\x5c", CONSTANT[:200_000],
                          CONSTANT[300_000:], b"x", b"ab" * 600_000])  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.lists(pieces, max_size=6))
def test_parts_are_the_data_and_no_longer_than_they_may_be(made: list[bytes]) -> None:
    data = b"".join(made)
    found = parts.split(data)
    assert b"".join(found) == data
    assert all(len(part) <= 1 << 20 for part in found) and all(len(part) >= 16 << 10 for part in found[:-1])
    # What is a part of something is one part by itself: no blob in parts is a part of another.
    assert all(len(parts.split(part)) == 1 for part in found)


def test_a_constant_of_many_programs_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path)
    modules, texts = [module(n) for n in range(12)], [text(n) for n in range(12)]
    for made, printed in zip(modules, texts, strict=True):
        writer.put("stage", {"stage": "stablehlo"}, {"bytecode": made, "text": printed})
    writer.commit()
    assert writer.size < 6 << 20 and path.stat().st_size < 6 << 20  # 36 MiB as they are
    writer.close()
    assert format_of(path) == 2
    with Reader(path) as reader:
        records = list(reader.records("stage"))
        assert [reader.blob(each.json["blobs"]["bytecode"]) for each in records] == modules
        assert [reader.blob(each.json["blobs"]["text"]) for each in records] == texts


def test_a_chunk_refers_to_what_blobs_hold_and_goes_with_all_else_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path)
    writer.put("stage", {}, {"bytecode": module(1)})
    before, profile = writer.size, os.urandom(300_000) + CONSTANT + b"event" * 50_000
    number = writer.chunk("profile", profile, {})
    assert number is not None and 300_000 < writer.size - before < 700_000
    other = os.urandom(700_000)
    new = writer.chunk("profile", other, {})
    assert new is not None
    freed = writer.delete_chunks([number])
    assert 300_000 < freed < 700_000
    again = writer.chunk("profile", profile, {})
    assert again is not None
    writer.close()
    with Reader(path) as reader:
        assert reader.chunk_data(again) == profile and reader.chunk_data(new) == other
        assert [each.data for each in reader.chunks("profile")] == [other, profile]


def test_a_file_without_large_blobs_stays_of_the_old_format(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path)
    writer.put("stage", {}, {"text": b"small" * 1000})
    writer.chunk("profile", os.urandom(1 << 20), {})
    writer.close()
    assert format_of(path) == 1


def test_a_file_of_the_old_format_is_read_and_added_to(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    old = module(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "LEAST", 1 << 40)
        writer = Writer(path)
        writer.put("stage", {}, {"bytecode": old})
        writer.close()
    assert format_of(path) == 1
    with Reader(path) as reader:
        (record,) = reader.records("stage")
        assert reader.blob(record.json["blobs"]["bytecode"]) == old
    writer, new = Writer(path), module(1)
    writer.put("stage", {}, {"bytecode": new})
    writer.put("stage", {}, {"bytecode": old})
    writer.close()
    assert format_of(path) == 2
    with Reader(path) as reader:
        found = [reader.blob(each.json["blobs"]["bytecode"]) for each in reader.records("stage")]
    assert found == [old, new, old]


def test_what_does_not_fit_leaves_no_part(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path, max_size=2 << 20)
    assert writer.put("stage", {}, {"bytecode": os.urandom(4 << 20)}) is None
    assert writer.put("stage", {}, {"bytecode": module(1)}) is not None
    assert writer.put("stage", {}, {"bytecode": module(2)}) is not None  # the constant is there by now
    writer.close()
    assert path.stat().st_size < 2 << 20


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM blobs WHERE hash=:part", "is missing"),
        ("UPDATE blobs SET size=size+1 WHERE hash=:part", "is missing"),
        ("UPDATE blobs SET data=x'00' WHERE hash=:part", "another size"),
        ("UPDATE blobs SET codec='parts' WHERE hash=:part", "unknown codec"),
        ("UPDATE blobs SET size=size-1 WHERE hash=:whole", "another size"),
        ("UPDATE blobs SET size=99999999999 WHERE hash=:whole", "announces more"),
        ("UPDATE blobs SET data=x'ffffff7f5b' WHERE hash=:whole", "damaged"),
        ("UPDATE blobs SET data=x'020000005b5d' WHERE hash=:whole", "damaged"),
        ("UPDATE blobs SET data=x'00' WHERE hash=:whole", "damaged"),
    ],
)
def test_parts_that_lie_are_refused(tmp_path: Path, change: str, said: str) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path)
    writer.put("stage", {}, {"bytecode": module(1)})
    writer.close()
    database = sqlite3.connect(path)
    (whole,) = database.execute("SELECT hash FROM blobs WHERE codec='parts'").fetchone()
    (part,) = database.execute("SELECT hash FROM blobs WHERE codec='raw' LIMIT 1").fetchone()
    with database:
        database.execute(change, {"part": part, "whole": whole})
    database.close()
    with Reader(path) as reader, pytest.raises(RunFileError, match=said):
        reader.blob(whole)


def test_a_small_part_that_is_named_a_million_times_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path)
    writer.put("stage", {}, {"bytecode": module(1)})
    writer.close()
    database = sqlite3.connect(path)
    (whole,) = database.execute("SELECT hash FROM blobs WHERE codec='parts'").fetchone()
    part, size = database.execute("SELECT hash, size FROM blobs WHERE codec='raw' LIMIT 1").fetchone()
    with database:
        database.execute("UPDATE blobs SET data=? WHERE hash=?", (parts.pack([(part, size)] * 1_000_000), whole))
    database.close()
    with Reader(path) as reader, pytest.raises(RunFileError, match="another size"):
        reader.blob(whole)
