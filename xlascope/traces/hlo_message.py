"""Messages of XLA's protobuf forms, field by field, and the shapes and literals they hold.

Field and enum numbers are those of `xla/service/hlo.proto` and `xla/xla_data.proto`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import count

import numpy as np

from xlascope.traces.wire import BYTES, ProfileError, fields, read_varint, signed

_TYPES = {
    1: "pred", 2: "s8", 3: "s16", 4: "s32", 5: "s64", 6: "u8", 7: "u16", 8: "u32", 9: "u64", 10: "f16", 11: "f32",
    12: "f64", 13: "tuple", 14: "opaque", 15: "c64", 16: "bf16", 17: "token", 18: "c128", 19: "f8e5m2",
    20: "f8e4m3fn", 21: "s4", 22: "u4", 23: "f8e4m3b11fnuz", 24: "f8e5m2fnuz", 25: "f8e4m3fnuz", 26: "s2", 27: "u2",
    28: "f8e4m3", 29: "f8e3m4", 30: "s1", 31: "u1", 32: "f4e2m1fn", 33: "f8e8m0fnu", 34: "b",
}  # fmt: skip
# Fields of a LiteralProto: what a scalar of each type is held in.
_INTEGERS = {"s8": 15, "u8": 3, "s32": 4, "s64": 5, "u32": 6, "u64": 7}
_SMALL = {"f16": 11, "bf16": 13, "u16": 16, "s16": 17}
_DEEPEST = 60


class Message:
    """One message whose fields are read when asked for. Raises ProfileError where the bytes are no protobuf."""

    __slots__ = ("_data", "_found")

    def __init__(self, data: memoryview, start: int, end: int) -> None:
        self._data = data
        self._found: dict[int, list[int | tuple[int, int]]] = {}
        for part in fields(data, start, end):
            value = (part.start, part.end) if part.wire == BYTES else part.value
            self._found.setdefault(part.number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._found

    def number(self, field: int, default: int = 0) -> int:
        """The last value of a number field."""
        value = self._found.get(field, [default])[-1]
        return signed(value) if isinstance(value, int) else default

    def numbers(self, field: int) -> list[int]:
        """All values of a repeated number field, packed or not."""
        found: list[int] = []
        for value in self._found.get(field, ()):
            if isinstance(value, int):
                found.append(signed(value))
                continue
            at, end = value
            while at < end:
                one, at = read_varint(self._data, at, end)
                found.append(signed(one))
        return found

    def raw(self, field: int) -> bytes:
        """The bytes of a field; of a number of fixed size, its bytes; all parts of a repeated one together."""
        parts = []
        for value in self._found.get(field, ()):
            if isinstance(value, int):
                parts.append(value.to_bytes(8, "little"))
            else:
                parts.append(bytes(self._data[value[0] : value[1]]))
        return b"".join(parts)

    def text(self, field: int) -> str:
        """A text field, empty where it is not set."""
        value = self._found.get(field, [0])[-1]
        if not isinstance(value, tuple):
            return ""
        return bytes(self._data[value[0] : value[1]]).decode("utf-8", "replace")

    def texts(self, field: int) -> list[str]:
        """The texts of a repeated field."""
        return [
            bytes(self._data[value[0] : value[1]]).decode("utf-8", "replace")
            for value in self._found.get(field, ())
            if isinstance(value, tuple)
        ]

    def each(self, field: int) -> Iterator[Message]:
        """The messages of a repeated field."""
        for value in self._found.get(field, ()):
            if isinstance(value, tuple):
                yield Message(self._data, *value)

    def one(self, field: int) -> Message | None:
        """The message of a field, None where it is not set."""
        value = self._found.get(field, [0])[-1]
        return Message(self._data, *value) if isinstance(value, tuple) else None


def shape(message: Message | None, layout: bool = True, depth: int = 0) -> str:
    """A ShapeProto as HLO text: `f32[128,256]{1,0}`. Raises ProfileError for one nested without end."""
    if message is None:
        return "()"
    if depth > _DEEPEST:
        raise ProfileError("a shape is nested too deep", 0)
    kind = _TYPES.get(message.number(2), f"type{message.number(2)}")
    if kind == "tuple":
        return f"({listed(shape(each, layout, depth + 1) for each in message.each(4))})"
    dynamic = message.numbers(6)
    sizes = [
        f"<={size}" if place < len(dynamic) and dynamic[place] else str(size)
        for place, size in enumerate(message.numbers(3))
    ]
    return f"{kind}[{','.join(sizes)}]{_layout(message.one(5), bool(sizes)) if layout else ''}"


def listed(parts: Iterable[str]) -> str:
    """Operands, or the parts of a tuple; XLA marks each fifth by its index."""
    marks = (f"/*index={place}*/" if place and place % 5 == 0 else "" for place in count())
    return ", ".join(mark + part for part, mark in zip(parts, marks, strict=False))


def _layout(message: Message | None, has_dimensions: bool) -> str:
    if message is None:
        return ""
    tiles = "".join(
        "(" + ",".join("*" if size < 0 else str(size) for size in tile.numbers(1)) + ")" for tile in message.each(6)
    )
    space, bits = message.number(8), message.number(7)
    more = (f"T{tiles}" if tiles else "") + (f"E({bits})" if bits else "") + (f"S({space})" if space else "")
    order = ",".join(map(str, message.numbers(1)))
    if not order and not more:
        return ""
    return f"{{{order}{':' + more if more else ''}}}"


def literal(message: Message | None) -> str:
    """A scalar as HLO text prints it; `{...}` for what is larger or is not held."""
    of = message.one(1) if message is not None else None
    if message is None or of is None or of.numbers(3):
        return "{...}"
    kind = _TYPES.get(of.number(2), "")
    if kind == "pred" and message.numbers(2):
        return "true" if message.numbers(2)[0] else "false"
    if kind in _INTEGERS:
        data = message.raw(_INTEGERS[kind])
        if kind in ("s8", "u8"):
            return str(int(np.frombuffer(data[:1], np.int8 if kind == "s8" else np.uint8)[0])) if data else "{...}"
        values = message.numbers(_INTEGERS[kind])
        return str(values[0] & 0xFFFFFFFFFFFFFFFF if kind == "u64" else values[0]) if values else "{...}"
    return _small(message, kind) if kind in _SMALL else _float(message, kind)


def _small(message: Message, kind: str) -> str:
    data = message.raw(_SMALL[kind])
    if len(data) < 2:
        return "{...}"
    if kind == "bf16":
        return _printed(np.frombuffer(b"\0\0" + data[:2], np.float32)[0], 4)
    value = np.frombuffer(data[:2], {"f16": np.float16, "u16": np.uint16, "s16": np.int16}[kind])[0]
    return _printed(value, 5) if kind == "f16" else str(int(value))


def _float(message: Message, kind: str) -> str:
    size, field = {"f32": (4, 8), "f64": (8, 9)}.get(kind, (0, 0))
    data = message.raw(field) if field else b""
    if not size or len(data) < size:
        return "{...}"
    return _printed(np.frombuffer(data[:size], f"<f{size}")[0], 9 if size == 4 else 17)


def _printed(value: np.floating, digits: int) -> str:
    """The shortest text that gives the same number, as C++ prints it."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    for few in range(1, digits + 1):
        said = f"{float(value):.{few}g}"
        if type(value)(said) == value:
            return said
    return f"{float(value):.{digits}g}"
