"""Events read by the form that they share say what each says when it is read alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.traces.wire_bytes import number, sized
from xlascope.traces.bounds import bounds
from xlascope.traces.cells import Cells
from xlascope.traces.events import EventColumns, parse
from xlascope.traces.heads import read_heads
from xlascope.traces.molds import Molds, mold_of
from xlascope.traces.wire import words_of

WANTED = {3: "run_id", 9: "hlo_op", 200: "program_id", 20_000: "_p"}
Form = Callable[[random.Random], bytes]


def stat(identity: int, value: bytes) -> bytes:
    return sized(4, number(1, identity) + value)


def head(rng: random.Random) -> bytes:
    return number(1, rng.choice((5, 300))) + number(2, rng.randrange(1 << 50)) + number(3, rng.randrange(1 << 30))


FORMS: tuple[Form, ...] = (
    lambda rng: stat(9, number(7, rng.randrange(128))) + stat(3, number(4, rng.randrange(1 << 20, 1 << 21))),
    lambda rng: stat(200, number(3, rng.randrange(1 << 49))) + stat(9, number(7, rng.randrange(300))),
    lambda rng: stat(77, sized(5, rng.randbytes(200))) + stat(20_000, number(4, rng.randrange(1 << 35, 1 << 42))),
    lambda rng: stat(3, number(4, rng.choice((1, -1, 1 << 60)))) + stat(9, b"\x11" + rng.randbytes(8)),
    lambda rng: stat(9, sized(5, rng.choice((b"one", b"two", b"six")))) + stat(3, number(3, 5)),
    lambda rng: stat(3, number(4, 1)) + stat(3, number(4, rng.randrange(100))),
    lambda rng: number(5, 4) + stat(3, number(4, rng.randrange(100))),
    lambda rng: stat(3, number(4, 1) + number(9, 2)) + stat(200, b""),
    lambda rng: b"",
)


def made(seed: int, count: int, forms: tuple[Form, ...] = FORMS) -> list[bytes]:
    rng = random.Random(seed)
    events = [head(rng) + rng.choice(forms)(rng) for _ in range(count)]
    return [event if rng.random() < 0.97 else number(3, 9) + event for event in events]


def said(columns: EventColumns, row: int) -> dict[str, Any]:
    """What the columns say of one event."""
    result: dict[str, Any] = {
        name: int(getattr(columns, name)[row]) for name in ("metadata", "offset_ps", "duration_ps")
    }
    for name, (values, present) in columns.stats.items():
        if present[row]:
            value, is_ref = int(values[row]), bool(columns.refs[name][row])
            result[name] = columns.strings[-1 - value] if is_ref and value < 0 else (value, is_ref)
    return result


def parsed(chunk: bytes, molds: Molds) -> tuple[EventColumns, int]:
    starts, ends, _ = bounds(chunk + bytes(24), len(chunk))
    return parse(chunk + bytes(24), starts, ends, WANTED, molds), len(starts)


def same(events: list[bytes], molds: Molds) -> int:
    together, count = parsed(b"".join(sized(4, event) for event in events), molds)
    assert count == len(events)
    alone = [parsed(sized(4, event), Molds(WANTED))[0] for event in events]
    assert [said(together, row) for row in range(count)] == [said(each, 0) for each in alone]
    assert together.broken == sum(each.broken for each in alone)
    return together.broken


def test_forms_that_molds_take_and_forms_that_they_leave() -> None:
    molds = Molds(WANTED)
    assert same(made(1, 2500), molds) == 0
    assert same(made(2, 1200), molds) == 0


def test_damaged_events_of_one_form() -> None:
    rng = random.Random(3)
    broken = 0
    for form in FORMS[:3]:
        events = made(4, 400, (form,))
        for _ in range(60):
            row = rng.randrange(len(events))
            data = bytearray(events[row])
            data[rng.randrange(len(data))] = rng.choice((0, 0x22, 0x80, 0xFF, rng.randrange(256)))
            events[row] = bytes(data)
        broken += same(events, Molds(WANTED))
    assert broken


def test_a_mold_leaves_nothing_to_be_walked() -> None:
    events = [number(1, 5) + number(2, 9) + FORMS[0](random.Random(seed)) for seed in range(60)]
    chunk = b"".join(sized(4, event) for event in events)
    starts, ends, _ = bounds(chunk + bytes(24), len(chunk))
    mold = mold_of(chunk, int(starts[0]) + 4, int(ends[0]), WANTED)
    assert mold is not None
    assert [name for name, *_ in mold.numbers] == ["hlo_op", "run_id"]
    rows = np.frombuffer(b"".join(event[4:].ljust(16, b"\xff") for event in events), "<u8").reshape(60, 2)
    assert mold.fits(rows).all()
    assert not mold.fits(rows + np.uint64(1)).any()


def test_what_fits_nothing_is_not_tried_for_ever() -> None:
    """Texts are left to the walk; from some number of events on, all that follows is, whatever its form."""
    texts = b"".join(sized(4, event) for event in made(5, 500, (FORMS[4],)))
    plain = b"".join(sized(4, event) for event in made(6, 500, (FORMS[0],)))
    molds = Molds(WANTED)

    def left(chunk: bytes) -> int:
        starts, ends, _ = bounds(chunk + bytes(24), len(chunk))
        numbers = {field: np.zeros(len(starts), np.int64) for field in (1, 2, 3)}
        at = read_heads(words_of(chunk + bytes(24)), starts, ends, numbers)
        return len(molds.read(chunk + bytes(24), at, ends, Cells.empty(set(WANTED.values()), len(starts))))

    assert left(plain) < 100
    assert left(texts) == 500
    for _ in range(100):
        left(texts)
    assert left(plain) == 500
