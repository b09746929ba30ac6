"""Parts of the recorder on their own: the link, the import watch, reasons, module ids, windows."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlascope.engine import compat
from xlascope.engine.recorder import link as link_module
from xlascope.engine.recorder import windows as windows_module
from xlascope.engine.recorder.compiles import Reasons, Signature, differences
from xlascope.engine.recorder.equations import Own, own_of, text_and_rows
from xlascope.engine.recorder.identity import static_text, user_callable
from xlascope.engine.recorder.link import Link
from xlascope.engine.recorder.programs import eager_parameters
from xlascope.engine.recorder.recording import Recording
from xlascope.engine.recorder.watch_import import watch
from xlascope.engine.recorder.windows import Windows
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


@pytest.mark.parametrize("body", ["X = 1", "raise ValueError('no')"])
def test_watching_an_import(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "watched_one.py").write_text(body)
    seen: list[str] = []
    before = list(sys.meta_path)
    watch("watched_one", lambda: seen.append("began"), lambda: seen.append("ended"))
    assert importlib.util.find_spec("watched_one") is not None and seen == []
    if "raise" in body:
        with pytest.raises(ValueError, match="no") as caught:
            importlib.import_module("watched_one")
        assert all("watch_import" not in str(entry.path) for entry in caught.traceback)
        assert seen == ["began"]
        sys.meta_path[:] = before
        return
    module = importlib.import_module("watched_one")
    assert seen == ["began", "ended"]
    assert sys.meta_path == before
    assert type(module.__spec__) is ModuleSpec and module.__spec__._initializing is False  # type: ignore[union-attr]
    importlib.reload(module)
    assert seen == ["began", "ended"]
    del sys.modules["watched_one"]


SIGNATURES = st.builds(
    Signature,
    program=st.sampled_from(["p#1", "p#2"]),
    inputs=st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from(["f32[3]", "~f32[3]", "i32[]"]),
                              st.sampled_from(["None", "P('x')"])), max_size=4).map(tuple),
    statics=st.lists(st.sampled_from(["n=1", "n=2", "<A>"]), max_size=2).map(tuple),
    donated=st.lists(st.booleans(), max_size=2).map(tuple),
    x64=st.booleans(),
    equations=st.sampled_from(["a", "b"]),
    function=st.none(),
    how=st.sampled_from(["call", "aot"]),
)


@given(SIGNATURES, SIGNATURES)
def test_differences_are_told_exactly_when_there_are_some(old: Signature, new: Signature) -> None:
    assert differences(old, old) == []
    same = replace(old, program=new.program, equations=new.equations, function=new.function, how=new.how)
    if len(old.donated) != len(new.donated):
        same = replace(same, donated=new.donated)
    # Names belong to the function, not to the signature.
    nameless = [replace(s, inputs=tuple(("", *rest) for _, *rest in s.inputs)) for s in (same, new)]
    assert (differences(old, new) == []) == (nameless[0] == nameless[1])


@given(st.lists(SIGNATURES, max_size=100))
def test_reasons_are_bounded_and_never_empty(signatures: list[Signature]) -> None:
    reasons = Reasons()
    texts = [reasons.explain("f@file:1", each, None) for each in signatures]
    assert all(texts)
    assert texts[:1] == ["first call"][: len(texts)] and "first call" not in texts[1:]
    assert len(reasons._seen["f@file:1"].signatures) <= 64 if signatures else not reasons._seen


def test_an_eager_primitive_is_no_function_object() -> None:
    reasons, told = Reasons(), []
    for rows in (2, 3, 3):
        jaxpr = jax.make_jaxpr(lambda: jax.lax.broadcast_in_dim(1.0, (rows, 100), ()))()  # noqa: B023
        statics = eager_parameters(jaxpr)
        shape = next(each for each in statics if each.startswith("shape="))
        assert shape == f"shape=({rows}, 100)"
        one = Signature(f"b#{rows}", (), statics, (), False, str(rows), None, "eager")
        told.append(reasons.explain("b", one, object(), eager=True))
    assert told[0] == "first call" and told[1] == "shape=(2, 100) → shape=(3, 100)"
    assert told[2] == "compiled before with the same signature: JAX's cache was cleared or full"


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


@given(st.integers(0, 2**63), st.lists(st.tuples(st.integers(6, 40), st.binary(max_size=200)), max_size=8))
def test_the_id_of_a_module_is_found_among_other_fields(number: int, others: list[tuple[int, bytes]]) -> None:
    fields = [varint(tag << 3 | 2) + varint(len(data)) + data for tag, data in others]
    fields.insert(len(fields) // 2, varint(5 << 3) + varint(number))
    assert compat.module_id(b"".join(fields)) == number


@given(st.binary(max_size=60))
def test_rubbish_for_a_module_ends_in_an_error_or_a_number(data: bytes) -> None:
    try:
        assert compat.module_id(data) >= 0
    except (ValueError, IndexError):
        pass  # what the caller records as dropped


def test_static_arguments_never_run_the_script_s_code() -> None:
    class Evil:
        def __repr__(self) -> str:
            raise AssertionError("was asked")

    assert static_text(Evil()) == f"<{Evil.__qualname__}>"
    assert static_text((1, "a", Evil(), None, len)) == f"(1, 'a', <{Evil.__qualname__}>, None, len)"
    assert len(static_text("x" * 10_000)) == 200


def test_the_user_s_callable_is_found_through_jax_s_wrappers() -> None:
    import functools

    import jax

    def mine(x: Any, y: Any = 0) -> Any:
        return x + y

    class Callable:
        def __call__(self, x: Any) -> Any:
            return x

    for wrapped in (mine, jax.grad(mine), jax.vmap(jax.grad(mine)), functools.partial(jax.jit(mine), y=1), jax.jit(mine)):
        assert user_callable(wrapped) is mine
    assert user_callable(Callable()) is Callable.__call__
    assert user_callable(jax.numpy.sin) is None
    assert user_callable(3) is None


class Sink:
    """A link that keeps what is sent."""

    alive = True

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, body: dict[str, Any], blobs: Any = None) -> None:
        self.sent.append(body)

    def drop(self, what: str, why: str, count: int = 1) -> None:
        self.sent.append({"kind": "dropped", "what": what})


def test_windows_keep_away_while_held_and_when_off() -> None:
    off = Windows(Sink(), 0.0)
    off.open_first()
    off.dispatched(True)
    off.tick()
    off.close()
    assert not off.is_open and off.off
    sink = Sink()
    windows = Windows(sink, 5.0)
    windows.hold()
    windows.open_first()
    assert not windows.is_open
    windows.release()
    windows.open_first()
    assert windows.is_open
    windows.hold()
    assert not windows.is_open
    assert [m["meta"]["why"] for m in sink.sent] == ["first"]
    windows.release()


def test_a_new_program_is_owed_a_window_until_one_has_seen_it() -> None:
    windows = Windows(Sink(), 5.0)
    assert not windows.owed  # no program yet
    windows.open_first()
    windows.dispatched(True)
    assert windows.is_open and windows.owed
    windows.close()
    assert not windows.owed
    windows.hold()
    windows.dispatched(True)
    assert not windows.owed  # the script profiles by itself: ours will not come
    windows.release()
    assert windows.owed


def test_imports_and_compiles_are_no_cost_of_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that takes seconds to import and a program that takes seconds to compile: its run is seen all the same."""
    now, compiled = [0.0], [0.0]
    monkeypatch.setattr(windows_module, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns))
    windows = Windows(Sink(), 0.1, compiling=lambda: compiled[0])
    windows.open_first()
    now[0] = 60.0  # imports
    windows.dispatched(False)
    now[0] = 61.1
    windows.tick()
    assert not windows.is_open
    now[0] = 62.0
    windows.dispatched(True)
    assert windows.is_open
    now[0], compiled[0] = 122.0, 59.9
    windows.dispatched(True)
    now[0] = 122.3
    windows.tick()
    assert not windows.is_open
    windows.dispatched(True)
    assert windows.is_open
    windows.close()


def test_a_signal_handler_s_exception_is_the_script_s_and_ours_are_not() -> None:
    """A handler may run, and raise, at any line of ours."""
    ours, theirs = socket.socketpair()
    recording = Recording({"fd": ours.detach(), "script": "x.py"})

    class Late(Exception):
        pass

    def late(number: int, frame: Any) -> None:
        raise Late

    before = signal.signal(signal.SIGUSR1, late)
    try:
        with pytest.raises(Late):
            recording.attempt("step", lambda: [os.kill(os.getpid(), signal.SIGUSR1), [None for _ in range(1000)]])
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert recording.attempt("step", lambda: 1 / 0) is None
    assert recording.link.dropped == {("step", "ZeroDivisionError: division by zero"): 1}
    theirs.close()


def test_the_package_of_a_jitted_function_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site-packages"
    for package, text in {
        "mine_layers": "import jax.numpy as jnp\nimport other_layers\ndef dense(x):\n    return other_layers.act(x @ x)\n"
        "def step(loss, x):\n    return loss(dense(x))\n",
        "other_layers": "import jax.numpy as jnp\ndef act(x):\n    return jnp.sin(x)\n",
    }.items():
        (site / package).mkdir(parents=True)
        (site / package / "__init__.py").write_text(text)
    monkeypatch.syspath_prepend(str(site))
    mine = importlib.import_module("mine_layers")
    jaxpr = jax.make_jaxpr(lambda x: mine.step(lambda y: y * 3.0, x))(1.0 * jax.numpy.ones((2, 2)))
    inside, other = str(site / "mine_layers/__init__.py"), str(site / "other_layers/__init__.py")

    files = Own("/home/u/train.py", inside)
    rows = {row["primitive"]: row for row in text_and_rows(jaxpr, None, files)[1]}
    assert rows["dot_general"]["own"] == (inside, 4)
    assert (rows["sin"]["own"], rows["sin"]["file"]) == ((inside, 4), other)
    product = rows["mul"]
    assert product["file"] == __file__ and "own" not in product, "the script's own code that the package called"
    assert set(own_of(rows.values(), files)) == {inside, __file__}
    plain = {row["primitive"]: row for row in text_and_rows(jaxpr, None, Own("/home/u/train.py", __file__))[1]}
    assert plain["sin"]["own"][0] == plain["dot_general"]["own"][0] == __file__
    assert Own(inside).kind(inside) == "own" and Own(inside).kind(other) == "library"
