"""Files from anywhere: each is read or refused with a sentence; nothing in one is executed, fills memory, or hangs."""

from __future__ import annotations

import random
import sqlite3
import zlib
from pathlib import Path

import pytest

from xlascope.runfile import Reader, RunFileError, Writer
from xlascope.runfile.schema import FORMAT

_KINDS = ("run", "program", "stage", "end")


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.xlascope"
    writer = Writer(path)
    writer.put("run", {"script": "/x.py", "argv": ["a", "b"]})
    for number in range(12):
        program = f"f#{number}"
        writer.put("program", {"id": program, "signature": "f32[4]" * number}, program=program)
        writer.put("stage", {"stage": "optimized"}, {"text": b"HloModule m\n" * (50 * number + 1)}, program=program)
        writer.chunk("output", b"line\n" * 500 * number, {"stream": "stdout", "t_ns": number})
    writer.put("end", {"state": "ended", "exit_code": 0})
    writer.close()
    return path


def read_all(path: Path) -> int:
    """Read whatever can be read; returns the number of bytes. Raises RunFileError only."""
    total = 0
    with Reader(path) as reader:
        assert reader.generation >= 0
        for kind in _KINDS:
            for record in reader.records(kind):
                for name in record.json.get("blobs", {}) if isinstance(record.json.get("blobs"), dict) else ():
                    total += len(reader.text(record, name) or "")
        for chunk in reader.chunks("output"):
            total += len(chunk.data)
    return total


def test_the_sample_is_whole(sample: Path) -> None:
    assert read_all(sample) == sum(12 * (50 * n + 1) + 2500 * n for n in range(12))


@pytest.mark.parametrize("seed", range(6))
def test_mutated_files_are_read_or_refused(sample: Path, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    whole = sample.read_bytes()
    refused = 0
    for number in range(40):
        data = bytearray(whole)
        kind = rng.choice(("flip", "cut", "zero", "swap"))
        if kind == "flip":
            for _ in range(rng.choice((1, 3, 30))):
                data[rng.randrange(len(data))] = rng.randrange(256)
        elif kind == "cut":
            del data[rng.randrange(len(data)) :]
        elif kind == "zero":
            start = rng.randrange(len(data))
            length = min(rng.randrange(1, 5000), len(data) - start)
            data[start : start + length] = bytes(length)
        else:
            a, b = (rng.randrange(0, len(data) // 4096) * 4096 for _ in range(2))
            data[a : a + 4096], data[b : b + 4096] = data[b : b + 4096], data[a : a + 4096]
        path = tmp_path / f"m{number}.xlascope"
        path.write_bytes(data)
        try:
            read_all(path)
        except RunFileError as error:
            refused += 1
            assert str(path) in str(error) or "blob" in str(error)
    assert refused


def test_random_bytes_are_no_run_file(tmp_path: Path) -> None:
    rng = random.Random(5)
    for size in (0, 1, 15, 16, 100, 4096, 70_000):
        path = tmp_path / f"{size}.xlascope"
        path.write_bytes(rng.randbytes(size))
        with pytest.raises(RunFileError):
            read_all(path)


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.xlascope", tmp_path):
        with pytest.raises(RunFileError, match="no such file"):
            Reader(path)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON records BEGIN DELETE FROM records; END",
        "CREATE VIEW v AS SELECT * FROM records",
        "CREATE TABLE more(a)",
        "DROP TABLE chunks",
    ],
)
def test_tables_triggers_and_views_that_no_run_file_has_are_refused(sample: Path, statement: str) -> None:
    database = sqlite3.connect(sample)
    database.execute(statement)
    database.commit()
    database.close()
    with pytest.raises(RunFileError, match="no run file has"):
        Reader(sample)


def test_a_table_replaced_by_a_view_is_refused(sample: Path) -> None:
    database = sqlite3.connect(sample)
    database.executescript("ALTER TABLE chunks RENAME TO x; DROP TABLE x; CREATE VIEW chunks AS SELECT 1 AS id;")
    database.close()
    with pytest.raises(RunFileError, match="no run file has"):
        Reader(sample)


def test_a_newer_format_asks_for_an_update(sample: Path) -> None:
    database = sqlite3.connect(sample)
    database.execute(f"PRAGMA user_version={FORMAT + 1}")
    database.close()
    with pytest.raises(RunFileError, match="update xlascope"):
        Reader(sample)
    with pytest.raises(RunFileError, match="update xlascope"):
        Writer(sample)


def test_another_database_is_neither_read_nor_written(tmp_path: Path) -> None:
    path = tmp_path / "other.xlascope"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE t(a)")
    database.close()
    before = path.read_bytes()
    for open_it in (Reader, Writer):
        with pytest.raises(RunFileError, match="not an xlascope run file"):
            open_it(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "codec,size,data",
    [
        ("zlib", 100, zlib.compress(bytes(20_000_000), 9)),
        ("zlib", 20_000_001, zlib.compress(bytes(20_000_000), 9)),
        ("zlib", 1 << 60, b""),
        ("zlib", -1, b""),
        ("zlib", 10, b"no zlib"),
        ("raw", 5, b"four"),
        ("lzma", 4, b"four"),
        ("raw", "four", b"four"),
    ],
    ids=["bomb", "too long", "too large", "negative", "no zlib", "too short", "unknown codec", "no number"],
)
def test_blobs_that_lie_about_themselves_are_refused(sample: Path, codec: str, size: object, data: bytes) -> None:
    database = sqlite3.connect(sample)
    database.execute("UPDATE blobs SET codec=?, size=?, data=?", (codec, size, data))
    database.commit()
    database.close()
    with Reader(sample) as reader:
        record = reader.last("stage")
        assert record is not None
        with pytest.raises(RunFileError):
            reader.text(record, "text")


def test_a_bomb_is_refused_before_it_fills_the_memory(sample: Path) -> None:
    import tracemalloc

    database = sqlite3.connect(sample)
    database.execute("UPDATE blobs SET codec='zlib', size=1000, data=?", (zlib.compress(bytes(300_000_000), 9),))
    database.commit()
    database.close()
    with Reader(sample) as reader:
        record = reader.last("stage")
        assert record is not None
        tracemalloc.start()
        with pytest.raises(RunFileError):
            reader.text(record, "text")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", "[" * 100_000, '{"a":' * 50_000, "\x00", '"x"'],
    ids=["empty", "list", "null", "cut", "deep list", "deep object", "NUL", "text"],
)
def test_records_that_are_no_objects_are_refused(sample: Path, text: str) -> None:
    database = sqlite3.connect(sample)
    database.execute("UPDATE records SET json=? WHERE kind='run'", (text,))
    database.commit()
    database.close()
    with Reader(sample) as reader, pytest.raises(RunFileError):
        list(reader.records("run"))


def test_a_number_with_millions_of_digits_is_refused_or_read(sample: Path) -> None:
    database = sqlite3.connect(sample)
    database.execute("UPDATE records SET json=? WHERE kind='run'", ('{"a": ' + "9" * 2_000_000 + "}",))
    database.commit()
    database.close()
    with Reader(sample) as reader, pytest.raises(RunFileError):
        list(reader.records("run"))


def test_reading_changes_nothing(sample: Path) -> None:
    before = sample.read_bytes()
    read_all(sample)
    with Reader(sample) as reader, pytest.raises(sqlite3.OperationalError):
        reader._db.execute("DELETE FROM records")
    assert sample.read_bytes() == before
