"""What is written is what is read, one writer at a time, within its limit."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlascope.runfile import Reader, RunFileError, RunFileLocked, Writer
from xlascope.runfile.thinning import make_room

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
_JSON = st.dictionaries(
    st.sampled_from("abcdef"),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    max_size=4,
)
_BLOBS = st.dictionaries(st.sampled_from("xyz"), st.binary(max_size=2000), max_size=2)
_RECORD = st.tuples(_TEXT.filter(bool), _JSON, _BLOBS)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(_RECORD, max_size=8), chunks=st.lists(st.binary(max_size=3000), max_size=5))
def test_all_that_is_written_is_read_back(tmp_path: Path, records, chunks) -> None:
    path = tmp_path / "a.xlascope"
    path.unlink(missing_ok=True)
    writer = Writer(path)
    for kind, body, blobs in records:
        writer.put(kind, body, blobs, program="p#1", variant=None)
    for number, data in enumerate(chunks):
        writer.chunk("output", data, {"number": number})
    writer.close()
    with Reader(path) as reader:
        for kind in {kind for kind, _, _ in records}:
            expected = [(body, blobs) for name, body, blobs in records if name == kind]
            found = list(reader.records(kind))
            assert [{k: v for k, v in one.json.items() if k != "blobs"} for one in found] == [
                {k: v for k, v in body.items() if k != "kind"} for body, _ in expected
            ]
            for one, (_, blobs) in zip(found, expected, strict=True):
                assert {name: reader.blob(digest) for name, digest in one.json.get("blobs", {}).items()} == blobs
        assert [(one.json["number"], one.data) for one in reader.chunks("output")] == list(enumerate(chunks))


def test_columns_select_and_last_is_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path)
    for number, (program, variant) in enumerate([("a", None), ("b", None), ("a", "fusion=off"), ("a", None)]):
        writer.put("stage", {"number": number}, program=program, variant=variant)
    writer.close()
    with Reader(path) as reader:
        assert [one.json["number"] for one in reader.records("stage", "a")] == [0, 2, 3]
        assert [one.json["number"] for one in reader.records("stage", "a", "fusion=off")] == [2]
        last = reader.last("stage", "a")
        assert last is not None and last.json == {"number": 3}
        assert reader.last("stage", "c") is None
        assert [one.json["number"] for one in reader.records("stage", after=last.id - 1)] == [3]


def test_a_file_is_private_and_equal_blobs_are_stored_once(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path)
    data = os.urandom(300_000)
    writer.put("stage", {}, {"text": data})
    before = writer.size
    writer.put("stage", {}, {"text": data})
    assert writer.size - before < 1000
    writer.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.xlascope"]


def test_a_second_writer_is_told_who_has_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    with Writing(path):
        with pytest.raises(RunFileLocked, match=str(os.getpid())):
            Writer(path)
        with Reader(path) as reader:
            assert reader.being_written()
    with Reader(path) as reader:
        assert not reader.being_written()
    Writer(path).close()


def test_a_writer_in_another_process_is_told_too(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    code = (
        f"from xlascope.runfile import Writer\ntry: Writer({str(path)!r})\n"
        "except Exception as e: print(type(e).__name__, e)"
    )
    with Writing(path):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("RunFileLocked") and str(os.getpid()) in done.stdout


def test_a_reader_follows_what_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    with Writing(path) as writer:
        writer.put("env", {"n": 0})
        writer.commit()
        with Reader(path) as reader:
            seen = reader.generation
            writer.put("env", {"n": 1})
            writer.commit()
            assert reader.generation > seen
            assert [one.json["n"] for one in reader.records("env")] == [0, 1]


def test_the_limit_holds_and_what_did_not_fit_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path, max_size=8 << 20)
    stored = [writer.chunk("profile", os.urandom(400_000), {}) for _ in range(30)]
    assert None in stored and stored[0] is not None
    assert writer.refused == {"profile": stored.count(None)}
    assert writer.put("end", {"state": "ended"}) is not None
    writer.close()
    assert path.stat().st_size <= 8 << 20


def test_records_that_were_replaced_make_room(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.xlascope", max_size=5 << 20)
    number = None
    for _ in range(3000):
        newer = writer.put("calls", {"text": "x" * 1000})
        if number is not None:
            writer.delete_records([number])
        number = newer
    writer.close()
    assert number is not None
    assert (tmp_path / "a.xlascope").stat().st_size < 2 << 20


def test_thinning_takes_the_middle_windows_first_and_keeps_the_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path, max_size=32 << 20)
    writer.chunk("profile", b"first", {"why": "first", "index": 0})
    for index in range(1, 21):
        writer.chunk("profile", os.urandom(1 << 20), {"why": "periodic", "index": index})
    assert make_room(writer, 3 << 20) == {"profile windows": 3}
    assert make_room(writer, 100 << 20) == {"profile windows": 13}
    writer.close()
    with Reader(path) as reader:
        assert [one.json["index"] for one in reader.chunks("profile")] == [0, 1, 2, 19, 20]


def test_thinning_output_keeps_its_first_and_last_mebibyte(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path, max_size=16 << 20)
    for index in range(64):
        writer.chunk("output", os.urandom(64 << 10), {"index": index})
    assert make_room(writer, 100 << 20) == {"output bytes": 32 * (64 << 10)}
    writer.close()
    with Reader(path) as reader:
        assert [one.json["index"] for one in reader.chunks("output")] == [*range(16), *range(48, 64)]


def test_amended_records_keep_their_place(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path)
    number = writer.put("dropped", {"count": 1})
    assert number is not None
    writer.amend(number, {"count": 7})
    writer.close()
    with Reader(path) as reader:
        assert [one.json for one in reader.records("dropped")] == [{"count": 7}]


@pytest.mark.parametrize("place", ["/proc/nothing/a.xlascope", "/dev/null/a.xlascope"])
def test_a_place_that_cannot_be_written_says_what_to_do(place: str) -> None:
    with pytest.raises(RunFileError, match="choose another place with -o"):
        Writer(place)


def test_a_run_that_cannot_be_added_to_has_another_advice_than_a_new_one() -> None:
    with pytest.raises(RunFileError, match="use a copy of it where you can write"):
        Writer("/proc/version", create=False)


def test_a_full_disk_says_so_and_what_was_committed_stays(tmp_path: Path) -> None:
    code = """
import os, resource, signal, sys
from xlascope.runfile import RunFileError, Writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = Writer(sys.argv[1])
writer.put("env", {"kept": True}); writer.commit()
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    for _ in range(50):
        writer.chunk("profile", os.urandom(50_000), {}); writer.commit()
except RunFileError as error:
    print(error)
try: writer.close()
except RunFileError: pass
"""
    path = tmp_path / "a.xlascope"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert "disk" in done.stdout and "-o FILE" in done.stdout
    with Reader(path) as reader:
        assert [one.json for one in reader.records("env")] == [{"kept": True}]
        assert all(len(one.data) == 50_000 for one in reader.chunks("profile"))


class Writing:
    """A writer that is closed whatever happens."""

    def __init__(self, path: Path) -> None:
        self._writer = Writer(path)

    def __enter__(self) -> Writer:
        return self._writer

    def __exit__(self, *_: object) -> None:
        self._writer.close()


def test_a_run_file_is_replaced_only_by_a_new_run_and_other_files_never(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path)
    writer.put("env", {"run": 1})
    writer.close()
    with Writing(path) as writer:
        writer.put("env", {"run": "more"})
    writer = Writer(path, replace=True)
    writer.put("env", {"run": 2})
    writer.close()
    with Reader(path) as reader:
        assert [one.json for one in reader.records("env")] == [{"run": 2}]
    other = tmp_path / "train.py"
    other.write_text("import jax\n")
    with pytest.raises(RunFileError, match="not"):
        Writer(other, replace=True)
    assert other.read_text() == "import jax\n"


def test_freed_pages_count_as_room_when_a_file_is_reopened(tmp_path: Path) -> None:
    path = tmp_path / "a.xlascope"
    writer = Writer(path, max_size=4 << 20)
    numbers = [writer.chunk("profile", os.urandom(400_000), {"why": "periodic"}) for _ in range(6)]
    writer.delete_chunks([number for number in numbers if number is not None])
    writer.close()
    writer = Writer(path, max_size=4 << 20, create=False)
    assert writer.size < 1 << 20
    assert writer.chunk("profile", os.urandom(2 << 20), {}) is not None
    writer.close()


@pytest.mark.parametrize("limit", [1 << 20, 64 << 20])
def test_a_small_limit_still_leaves_room_for_blobs(tmp_path: Path, limit: int) -> None:
    writer = Writer(tmp_path / "a.xlascope", max_size=limit)
    assert writer.put("stage", {}, {"text": os.urandom(limit // 2)}) is not None
    assert writer.put("stage", {}, {"text": os.urandom(limit // 2)}) is None
    writer.close()
    assert (tmp_path / "a.xlascope").stat().st_size < limit


def test_nothing_is_left_of_a_file_that_could_not_be_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Writer, "_open", broken)
    with pytest.raises(RunFileError, match="the disk is full"):
        Writer(tmp_path / "a.xlascope")
    assert list(tmp_path.iterdir()) == []


def test_readers_get_in_while_much_is_written(tmp_path: Path) -> None:
    """One in the writer's own thread would wait for itself."""
    path = tmp_path / "run.xlascope"
    with closing(Writer(path)) as writer:
        writer.put("program", {"id": "f#1"})
        writer.commit()
        writer._last_commit = float("inf")  # no commit by time
        writer.chunk("profile", os.urandom(12 << 20), {})
        assert writer._dirty
        with closing(sqlite3.connect(path, timeout=0)) as other:
            assert other.execute("SELECT count(*) FROM records").fetchone() == (1,)
        writer.chunk("profile", os.urandom(12 << 20), {})
        assert not writer._dirty, "what waits is bounded"


def test_an_empty_file_that_was_made_for_a_run_is_kept(tmp_path: Path) -> None:
    """Its name stays taken, so that another run which starts at once gets another."""
    path = tmp_path / "run.xlascope"
    path.touch(0o600)
    made = tmp_path / "made"
    os.link(path, made)
    with closing(Writer(path, replace=True)) as writer:
        writer.put("program", {"id": "f#1"})
    assert path.samefile(made)
    with closing(Writer(path, replace=True)):
        assert not path.samefile(made)
