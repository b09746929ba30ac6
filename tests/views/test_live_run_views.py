"""Views of a file that grows while several threads ask."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from crafted_run import program_body, small_run

from xlascope.runfile import Writer
from xlascope.views import VIEWS, Cancelled, ViewError, open_source, query
from xlascope.views.cache import Cache, Keep, cancellable, checkpoint


def test_threads_see_a_growing_file_without_a_fault(tmp_path: Path) -> None:
    path = small_run(tmp_path / "g.xlascope", end=False)
    writer, done = Writer(path), threading.Event()
    faults: list[BaseException] = []
    with open_source(path) as source, ThreadPoolExecutor(4) as pool:

        def ask() -> int:
            most = 0
            while True:
                last = done.is_set()
                for view in VIEWS:
                    try:
                        answer = query(view.name, source)
                        if view.name == "programs":
                            assert len(answer.programs) >= most
                            most = len(answer.programs)
                    except ViewError:
                        continue
                    except BaseException as error:
                        faults.append(error)
                        raise
                if last:
                    return most

        asked = [pool.submit(ask) for _ in range(4)]
        for number in range(60):
            name = f"g#{number}"
            writer.put("program", program_body(name), program=name)
            writer.put("stage", {"stage": "jaxpr"}, {"text": name.encode()}, program=name)
            writer.chunk("output", b"line\n", {"stream": "stdout", "t_ns": number})
            writer.commit()
        done.set()
        assert {each.result() for each in asked} == {62}
        assert not faults
    writer.close()


def test_output_alone_leaves_other_answers_as_they_are(tmp_path: Path) -> None:
    path = small_run(tmp_path / "o.xlascope", end=False)
    writer = Writer(path)
    with open_source(path) as source:
        before = query("functions", source)
        writer.chunk("output", b"more", {"stream": "stdout", "t_ns": 1})
        writer.commit()
        assert query("functions", source) is before
        assert query("output", source).chunks[-1].text == "more"
        writer.put("program", program_body("new#9"), program="new#9")
        writer.commit()
        assert "new" in [row.name for row in query("functions", source).functions]
    writer.close()


def test_an_answer_is_computed_once_for_all_threads() -> None:
    cache, started, counted = Cache(4), threading.Barrier(3), []

    def compute() -> str:
        counted.append(1)
        return "x"

    def get() -> str:
        started.wait()
        return cache.get("k", compute, 7)

    with ThreadPoolExecutor(3) as pool:
        assert [each.result() for each in [pool.submit(get) for _ in range(3)]] == ["x"] * 3
    assert counted == [1]
    assert cache.get("k", lambda: "y", 8) == "y"


def test_memory_is_bounded() -> None:
    keep = Keep(2)
    for key in "abc":
        keep.put(key, key)
    assert [keep.get(key) for key in "abc"] == [None, "b", "c"]


def test_a_query_nobody_wants_stops(tmp_path: Path) -> None:
    path = small_run(tmp_path / "c.xlascope")
    with open_source(path) as source, cancellable(lambda: False), pytest.raises(Cancelled):
        query("functions", source)
    with open_source(path) as source:
        assert query("functions", source).functions
    checkpoint()
