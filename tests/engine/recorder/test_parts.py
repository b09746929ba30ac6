"""Parts of the recorder on their own: the import watch, reasons of compiles, module ids, names of functions."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import sys
import threading
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
from xlascope.engine.recorder import spending as spending_module
from xlascope.engine.recorder.causes import Reasons
from xlascope.engine.recorder.equations import Own, own_of, text_and_rows
from xlascope.engine.recorder.identity import static_text, user_callable
from xlascope.engine.recorder.programs import eager_parameters
from xlascope.engine.recorder.recording import Recording
from xlascope.engine.recorder.signature import Circumstances, Signature, differences
from xlascope.engine.recorder.spending import Spending
from xlascope.engine.recorder.watch_import import unwatch, watch


@pytest.mark.parametrize("body", ["X = 1", "raise ValueError('no')"])
def test_watching_imports(body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "watched_one.py").write_text("import watched_two\n" + body)
    (tmp_path / "watched_two.py").write_text("")
    seen: list[tuple[str, str]] = []
    before, plain = list(sys.meta_path), dict(ModuleSpec.__dict__)
    watch(lambda name: seen.append(("began", name)), lambda name: seen.append(("ended", name)))
    try:
        assert importlib.util.find_spec("watched_one") is not None and seen == []
        if "raise" in body:
            with pytest.raises(ValueError, match="no") as caught:
                importlib.import_module("watched_one")
            assert all("watch_import" not in str(entry.path) for entry in caught.traceback)
        else:
            module = importlib.import_module("watched_one")
            assert type(module.__spec__) is ModuleSpec
            assert module.__spec__._initializing is False  # type: ignore[union-attr]
        assert seen == [
            ("began", "watched_one"), ("began", "watched_two"), ("ended", "watched_two"), ("ended", "watched_one")
        ]  # fmt: skip
        assert sys.meta_path == before
    finally:
        unwatch()
        for name in ("watched_one", "watched_two"):
            sys.modules.pop(name, None)
    assert dict(ModuleSpec.__dict__) == plain
    importlib.import_module("watched_two")
    assert len(seen) == 4 and sys.modules.pop("watched_two").__spec__._initializing is False  # type: ignore[union-attr]


def test_time_spent_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr(spending_module, "time", SimpleNamespace(monotonic_ns=lambda: now[0]))
    spending = Spending()

    def at(ns: int, step: Any, *names: str) -> Any:
        now[0] = ns
        return step(*names)

    at(0, spending.begin, "import jax", "jax")
    at(10, spending.begin, "import jax", "numpy")
    at(14, spending.begin, "import jax", "numpy")
    assert at(15, spending.end, "import jax", "numpy") == 1
    at(30, spending.end, "import jax", "numpy")
    at(100, spending.end, "import jax", "jax")
    at(110, spending.begin, "trace")
    at(120, spending.begin, "compile")  # never told to end: its trace's end ends it
    assert at(150, spending.end, "trace") == 10
    assert at(160, spending.end, "compile") == 0
    at(170, spending.move, "compile", "eager ops", 25)  # type: ignore[arg-type]
    other = threading.Thread(target=lambda: [spending.begin("trace"), at(180, spending.end, "trace")])
    other.start()
    other.join()
    record = spending.record()
    assert record is not None and spending.record() is None
    assert {name: (part["ns"], part["count"]) for name, part in record["parts"].items()} == {
        "import jax": (100, 1), "trace": (10, 1), "compile": (5, 0), "eager ops": (25, 1)}  # fmt: skip
    assert record["elsewhere"] == {"trace": 10}
    assert record["imports"] == [
        {"name": "jax", "own_ns": 80, "ns": 100}, {"name": "numpy", "own_ns": 20, "ns": 20}]  # fmt: skip


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
    texts = [reasons.explain("f@file:1", each, None).reason for each in signatures]
    assert all(texts)
    assert texts[:1] == ["first call"][: len(texts)] and "first call" not in texts[1:]
    assert len(reasons._seen["f@file:1"].earlier) <= 64 if signatures else not reasons._seen


def test_an_eager_primitive_is_no_function_object() -> None:
    reasons, told = Reasons(), []
    for rows in (2, 3, 3):
        jaxpr = jax.make_jaxpr(lambda: jax.lax.broadcast_in_dim(1.0, (rows, 100), ()))()  # noqa: B023
        statics = eager_parameters(jaxpr)
        shape = next(each for each in statics if each.startswith("shape="))
        assert shape == f"shape=({rows}, 100)"
        one = Signature(f"b#{rows}", (), statics, (), False, str(rows), None, "eager")
        told.append(reasons.explain("b", one, object(), eager=True, circumstances=Circumstances(clears=rows)).reason)
    assert told[0] == "first call" and told[1] == "shape=(2, 100) → shape=(3, 100)"
    assert told[2].startswith("compiled before with the same signature: JAX's cache was full, or its key differs")


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
