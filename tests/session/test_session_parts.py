"""The keeper's small parts on their own: loop, channel, sinks, the log of output."""

from __future__ import annotations

import os
import random
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlascope.protocol import Message, encode
from xlascope.runfile import Reader, RunFileError, Writer
from xlascope.session.channel import Channel, socket_pair
from xlascope.session.loop import Loop
from xlascope.session.outputs import HEAD_BYTES, TAIL_BYTES, OutputLog
from xlascope.session.store import Store
from xlascope.session.streams import Sink, Source


def test_timers_run_in_order_and_cancelled_ones_never() -> None:
    loop, ran = Loop(), []
    loop.later(0.02, lambda: ran.append("later"))
    loop.later(0.0, lambda: ran.append("first"))
    loop.later(0.01, lambda: ran.append("never")).cancel()
    loop.run(lambda: "later" in ran)
    loop.close()
    assert ran == ["first", "later"]


def test_calls_posted_from_threads_arrive_in_order_for_each() -> None:
    loop, got = Loop(), []

    def post(name: int) -> None:
        for number in range(200):
            loop.post(lambda number=number: got.append((name, number)))

    threads = [threading.Thread(target=post, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    loop.run(lambda: len(got) == 800)
    for thread in threads:
        thread.join()
    loop.close()
    loop.post(lambda: got.append((9, 9)))
    for name in range(4):
        assert [number for who, number in got if who == name] == list(range(200))


def test_a_descriptor_closed_by_an_earlier_callback_is_not_called() -> None:
    loop, called = Loop(), []
    pairs = [socket.socketpair() for _ in range(2)]
    for index, (ours, theirs) in enumerate(pairs):
        theirs.send(b"x")

        def ready(_: int, index: int = index) -> None:
            called.append(index)
            loop.forget(pairs[1 - index][0].fileno())

        loop.watch(ours.fileno(), 1, ready)
    loop.turn(1)
    loop.close()
    for pair in pairs:
        for end in pair:
            end.close()
    assert len(called) == 1


def test_a_channel_carries_large_messages_both_ways_and_tells_the_end() -> None:
    loop = Loop()
    a, b = socket_pair()
    got: dict[str, list[Message]] = {"a": [], "b": []}
    ends: list[str] = []
    data = random.Random(1).randbytes(30_000_000)
    one = Channel(loop, a, got["a"].append, ends.append)
    two = Channel(loop, b, got["b"].append, ends.append)
    for number in range(3):
        assert one.send({"n": number}, {"data": data})
        assert two.send({"n": number})
    loop.run(lambda: len(got["a"]) == 3 and len(got["b"]) == 3)
    assert [message.body["n"] for message in got["b"]] == [0, 1, 2]
    assert all(message.blobs["data"] == data for message in got["b"])
    two.close()
    loop.run(lambda: bool(ends))
    assert ends == [""] and not one.send({"n": 4})
    loop.close()


def test_what_was_sent_before_the_end_is_still_read() -> None:
    loop = Loop()
    ours, theirs = socket_pair()
    got: list[Message] = []
    ends: list[str] = []
    channel = Channel(loop, ours, got.append, ends.append)
    theirs.sendall(encode({"n": 1}) + encode({"n": 2}) + encode({"n": 3})[:-2])
    theirs.close()
    channel.send({"to": "nobody"})
    loop.run(lambda: bool(ends))
    loop.close()
    assert [message.body["n"] for message in got] == [1, 2]
    assert "within a message" in ends[0]


def test_a_slow_reader_gets_every_byte_and_holds_its_source_back() -> None:
    loop = Loop()
    read, write = os.pipe()
    source_read, source_write = os.pipe()
    backlog: list[bool] = []

    def full(now: bool) -> None:
        backlog.append(now)
        source.pause() if now else source.resume()

    sink = Sink(loop, write, on_backlog=full)
    source = Source(loop, source_read, sink.write)
    data = random.Random(2).randbytes(8_000_000)
    threading.Thread(target=lambda: (_write_all(source_write, data), os.close(source_write))).start()
    peak, got = 0, bytearray()
    while len(got) < len(data):
        for _ in range(200):
            loop.turn(0)
            peak = max(peak, sink.waiting)
        loop.turn(0.01)
        got += os.read(read, 100_000)
    assert bytes(got) == data
    assert peak < 2_000_000 and backlog[:2] == [True, False]
    source.close()
    sink.close()
    loop.close()
    os.close(read)
    os.close(write)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view[:65536]):]


def test_a_sink_without_a_reader_says_so_once() -> None:
    loop, broken = Loop(), []
    read, write = os.pipe()
    sink = Sink(loop, write, on_broken=lambda: broken.append(1))
    os.close(read)
    sink.write(b"x")
    sink.write(b"y")
    loop.close()
    os.close(write)
    assert broken == [1] and not sink.open


def test_the_users_descriptor_keeps_its_blocking_mode() -> None:
    loop = Loop()
    read, write = os.pipe()
    sink = Sink(loop, write)
    assert os.get_blocking(write)
    sink.close()
    loop.close()
    os.close(read)
    os.close(write)


@settings(max_examples=30, deadline=None)
@given(pieces=st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(max_size=100)), max_size=30))
def test_the_log_keeps_all_bytes_and_the_order_of_streams(tmp_path_factory, pieces) -> None:
    path = tmp_path_factory.mktemp("log") / "a.xlascope"
    store = Store(lambda text: None)
    store.start(path, 1 << 30)
    log = OutputLog(store)
    for stream, data in pieces:
        log.add(stream, data)
    log.flush()
    store.close()
    expected: list[tuple[str, bytes]] = []
    for stream, data in pieces:
        if expected and expected[-1][0] == stream:
            expected[-1] = (stream, expected[-1][1] + data)
        elif data:
            expected.append((stream, data))
    with Reader(path) as reader:
        assert [(chunk.json["stream"], chunk.data) for chunk in reader.chunks("output")] == expected


def test_the_log_drops_the_middle_and_counts_it(tmp_path: Path) -> None:
    store = Store(lambda text: None)
    store.start(tmp_path / "a.xlascope", 1 << 30)
    log = OutputLog(store)
    block = bytes(65536)
    count = (HEAD_BYTES + TAIL_BYTES) // len(block) + 100
    for _ in range(count):
        log.add("stdout", block)
    log.add("stdout", b"the end")
    log.flush()
    store.close()
    with Reader(tmp_path / "a.xlascope") as reader:
        kept = [chunk.data for chunk in reader.chunks("output")]
        (dropped,) = reader.records("dropped")
    assert kept[-1] == b"the end"
    assert sum(map(len, kept)) + dropped.json["count"] == count * len(block) + 7
    assert HEAD_BYTES + TAIL_BYTES - 2 * len(block) < sum(map(len, kept)) <= HEAD_BYTES + TAIL_BYTES


def test_the_last_line_is_the_newest_that_says_something(tmp_path: Path) -> None:
    log = OutputLog(Store(lambda text: None))
    for data, line in [(b"one\n", "one"), (b"two", "two"), (b" more\n\n \n", "two more"), (b"\r10%\r20%", "20%"),
                       (b"\n\xff\n", "\ufffd"), (b"x" * 10_000, "x" * 500), (b"\n", "x" * 500), (b"", "x" * 500)]:
        log.add("stdout", data)
        assert log.last_line == line, data


def test_a_file_that_can_be_written_again_gets_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problems: list[str] = []
    store = Store(problems.append)
    store.start(tmp_path / "a.xlascope", 1 << 30)
    store.put("run", {"kept": True})

    def full(*_: object, **__: object) -> None:
        raise RunFileError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "put", full)
        store.put("stage", {"lost": True})
    store.put("stage", {"lost": True})
    assert not store.open and len(problems) == 1 and "is not recorded" in problems[0]
    store.end({"state": "ended"})
    store.close()
    with Reader(tmp_path / "a.xlascope") as reader:
        assert [len(list(reader.records(kind))) for kind in ("run", "stage", "end")] == [1, 0, 1]
        (dropped,) = reader.records("dropped")
        assert "the disk is full" in dropped.json["why"]
