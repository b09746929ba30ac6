"""The link that the recorder sends by: frames, limits, threads, signals."""

from __future__ import annotations

import os
import socket
import threading
from typing import Any

import pytest

from xlascope.engine.recorder import link as link_module
from xlascope.engine.recorder.link import Link
from xlascope.protocol.frames import FrameDecoder, encode


def pair() -> tuple[Link, socket.socket]:
    ours, theirs = socket.socketpair()
    return Link(ours.detach()), theirs


def drain(sock: socket.socket) -> list[Any]:
    sock.settimeout(20)
    decoder, found = FrameDecoder(), []
    while data := sock.recv(1 << 20):
        found.extend(decoder.feed(data))
    assert decoder.pending == 0
    return found


def test_frames_of_many_threads_arrive_whole_and_in_each_thread_s_order() -> None:
    link, other = pair()

    def work(who: int) -> None:
        for number in range(50):
            link.send({"kind": "k", "who": who, "n": number}, {"b": bytes([who]) * (number * 997)})

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    reader: list[Any] = []
    reading = threading.Thread(target=lambda: reader.extend(drain(other)))
    reading.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    link.drain()
    link.close()
    reading.join()
    assert len(reader) == 200
    for who in range(4):
        mine = [m for m in reader if m.body["who"] == who]
        assert [m.body["n"] for m in mine] == list(range(50))
        assert all(m.blobs["b"] == bytes([who]) * (m.body["n"] * 997) for m in mine)


def test_a_send_inside_a_send_keeps_frames_whole() -> None:
    """As a signal handler does that runs jax while the main thread is sending."""
    link, other = pair()
    real = link._socket

    class Interrupted:
        times = 0

        def send(self, data: Any, flags: int) -> int:
            self.times += 1
            if self.times == 2:
                link.send({"kind": "inner"}, {"b": b"i" * 5000})
            return real.send(data[:1000], flags)

        def close(self) -> None:
            real.close()

    link._socket = Interrupted()  # type: ignore[assignment]
    link.send({"kind": "outer"}, {"b": b"o" * 5000})
    link.close()
    assert [(m.kind, len(m.blobs["b"])) for m in drain(other)] == [("outer", 5000), ("inner", 5000)]


def test_a_send_beside_another_thread_s_is_out_when_it_returns() -> None:
    link, other = pair()
    real = link._socket
    first, release = threading.Event(), threading.Event()

    class Slow:
        def send(self, data: Any, flags: int) -> int:
            first.set()
            release.wait(10)
            return real.send(data, flags)

        def close(self) -> None:
            real.close()

    link._socket = Slow()  # type: ignore[assignment]
    beside = threading.Thread(target=link.send, args=({"kind": "beside"},))
    beside.start()
    assert first.wait(10)
    threading.Timer(0.05, release.set).start()
    link.send({"kind": "mine"})
    assert release.is_set() and not link._queue
    beside.join(10)
    link.close()
    assert [m.kind for m in drain(other)] == ["beside", "mine"]


def test_an_exception_between_two_sends_loses_nothing() -> None:
    link, other = pair()
    real = link._socket

    class Raising:
        times = 0

        def send(self, data: Any, flags: int) -> int:
            self.times += 1
            if self.times == 2:
                raise KeyboardInterrupt
            return real.send(data[:1000], flags)

        def close(self) -> None:
            real.close()

    link._socket = Raising()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        link.send({"kind": "first"}, {"b": b"f" * 3000})
    link.send({"kind": "second"})
    link.close()
    assert [m.kind for m in drain(other)] == ["first", "second"]


def test_a_reader_that_stalls_closes_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "SEND_SECONDS", 0.05)
    link, other = pair()
    link.send({"kind": "big"}, {"b": bytes(64 << 20)})
    assert not link.alive
    link.send({"kind": "more"})
    other.close()


def test_too_much_waiting_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "QUEUE_BYTES", 1000)
    link, other = pair()
    link.send({"kind": "large"}, {"b": bytes(2000)})
    link.flush_dropped()
    link.close()
    assert [m.body for m in drain(other)] == [
        {"kind": "dropped", "what": "large", "count": 1, "why": "the keeper reads too slowly"}]


def test_a_link_reads_commands_in_any_pieces_and_closes_on_rubbish() -> None:
    link, other = pair()
    data = encode({"kind": "command", "id": 1}) + encode({"kind": "stop"})
    other.sendall(data[:7])
    assert link.receive(0) == []
    other.sendall(data[7:])
    assert [m.kind for m in link.receive(5)] == ["command", "stop"]
    other.sendall(b"rubbish that is no frame")
    assert link.receive(5) == [] and not link.alive
    other.close()


def test_a_wait_can_be_ended() -> None:
    link, other = pair()
    link.allow_wake()
    link.wake()
    assert link.receive(60) == []
    other.close()


def test_the_descriptor_is_not_inherited() -> None:
    ours, theirs = socket.socketpair()
    os.set_inheritable(ours.fileno(), True)
    fd = ours.detach()
    link = Link(fd)
    assert link.alive and not os.get_inheritable(fd)
    theirs.close()
