"""Shapes written in HLO text: ``f32[128,64]{1,0:T(8,128)}``, tuples of them, ``token[]``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

_ARRAY = re.compile(r"\s*([a-z][a-z0-9]*)\[([^\]]*)\]\s*(\{(?:[^{}]|\{[^{}]*\})*\})?")
_COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*+(?:\*/)?")
_BITS = re.compile(r"(?:bf|[sufc])(\d{1,4})")
_ELEMENT_BITS = re.compile(r"E\((\d{1,4})\)")


@dataclass(frozen=True, slots=True)
class Shape:
    """An array (``dtype`` and ``dims``) or a tuple (``elements`` is not None).

    A bound dimension ``<=8`` counts as 8; an unbounded one (``?``) is None. ``layout`` is the text in braces.
    """

    dtype: str | None
    dims: tuple[int | None, ...] = ()
    layout: str = ""
    elements: tuple[Shape, ...] | None = None

    @property
    def size(self) -> int | None:
        """Number of elements of an array; None for tuples and unbounded dimensions."""
        if self.elements is not None:
            return None
        return math.prod(self.dims) if None not in self.dims else None  # type: ignore[arg-type]

    @property
    def is_scalar(self) -> bool:
        """Whether it is one value: no tuple and no dimensions."""
        return self.elements is None and not self.dims

    @property
    def text(self) -> str:
        """Without layout: ``f32[128,64]``, ``(s32[], f32[4])``."""
        if self.elements is not None:
            return f"({', '.join(element.text for element in self.elements)})"
        return f"{self.dtype}[{','.join('?' if dim is None else str(dim) for dim in self.dims)}]"

    @property
    def bytes(self) -> int | None:
        """Bytes of its arrays, without padding of tiles; None when a part is unknown."""
        if self.elements is not None:
            parts = [element.bytes for element in self.elements]
            return None if None in parts else sum(part for part in parts if part is not None)
        bits, size = dtype_bits(self.dtype or ""), self.size
        if bits is None or size is None:
            return None
        packed = _ELEMENT_BITS.search(self.layout)
        if packed and int(packed.group(1)):
            return -(-size * int(packed.group(1)) // 8)
        # XLA gives a type of less than 8 bits a whole byte unless the layout packs it.
        return size * -(-bits // 8)

    def element(self, index: int | None) -> Shape | None:
        """Element of a tuple; itself for None."""
        if index is None:
            return self
        return self.elements[index] if self.elements is not None and 0 <= index < len(self.elements) else None


@lru_cache(maxsize=64)
def dtype_bits(dtype: str) -> int | None:
    """Bits of one value: 32 for f32, 8 for pred and every f8, 0 for token; None for what has no size."""
    if dtype == "pred":
        return 8
    if dtype == "token":
        return 0
    match = _BITS.match(dtype)
    return int(match.group(1)) if match else None


@lru_cache(maxsize=65536)
def parse_shape(text: str) -> Shape | None:
    """A shape from its text; None for a text that is none."""
    if "/*" in text:
        text = _COMMENT.sub("", text)
    shape, end = _read(text, 0)
    return shape if shape is not None and not text[end:].strip() else None


def _read(text: str, position: int, depth: int = 0) -> tuple[Shape | None, int]:
    while position < len(text) and text[position] == " ":
        position += 1
    if text.startswith("b(", position):  # a buffer: the array it holds
        inner, end = _read(text, position + 2, depth)
        return (inner, end + 1) if text.startswith(")", end) else (None, end)
    if not text.startswith("(", position):
        return _read_array(text, position)
    if depth > 64:
        return None, position
    elements: list[Shape] = []
    position += 1
    while True:
        while position < len(text) and text[position] in " ,":
            position += 1
        if text.startswith(")", position):
            return Shape(None, elements=tuple(elements)), position + 1
        element, position = _read(text, position, depth + 1)
        if element is None:
            return None, position
        elements.append(element)


def _read_array(text: str, position: int) -> tuple[Shape | None, int]:
    match = _ARRAY.match(text, position)
    if match is None:
        return None, position
    dims: list[int | None] = []
    for part in match.group(2).split(","):
        part = part.strip().removeprefix("<=")
        if part == "?":
            dims.append(None)
        elif part.isascii() and part.isdigit() and len(part) < 20:
            dims.append(int(part))
        elif part or match.group(2).strip():
            return None, position
    return Shape(match.group(1), tuple(dims), match.group(3) or ""), match.end()


@lru_cache(maxsize=65536)
def shape_bytes(text: str) -> int | None:
    """Bytes of a shape's text, layout padding left out; None for an unknown type or a text that is no shape."""
    shape = parse_shape(text)
    return None if shape is None else shape.bytes


@lru_cache(maxsize=65536)
def short_shape(text: str) -> str:
    """The shape's text without layouts; the text itself when it is no shape."""
    shape = parse_shape(text)
    return text if shape is None else shape.text
