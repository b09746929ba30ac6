"""What a box says, and how large it is."""

from __future__ import annotations

from dataclasses import dataclass

from xlascope.graphs.labels import bytes_text, shorten
from xlascope.graphs.visible import Box, folded_text

LONGEST_NAME = 44
LONGEST_FOLDED = 44
_ROOM = 1000
_SHORTEST = 20
_SHORTEST_NAME = 8
_LONGEST_STUB = 26
_BAR = 5
_EIGHTHS = " ▏▎▍▌▋▊▉"
_UNKNOWN_HEAT = " " * (_BAR + 6)


@dataclass(frozen=True, slots=True)
class BoxText:
    """Lines of (text, style tag) segments. A parameter has one line and no border."""

    lines: tuple[tuple[tuple[str, str], ...], ...]
    bordered: bool

    @property
    def width(self) -> int:
        """Cells, border included."""
        inner = max(sum(len(text) for text, _ in line) for line in self.lines)
        return inner + 2 if self.bordered else inner

    @property
    def height(self) -> int:
        """Rows with the border."""
        return len(self.lines) + (2 if self.bordered else 0)


def box_text(box: Box, total_ns: int | None, stubs: tuple[str, ...] = (), room: int = _ROOM) -> BoxText:
    """The text of a box of at most ``room`` cells, as far as names can be shortened.

    With a total, every box keeps room for its share, so that sizes do not depend on times.
    """
    node = box.node
    if node is not None and box.is_parameter:
        return BoxText((_parameter(box, stubs),), bordered=False)
    longest = max(room - 2, _SHORTEST)
    lead: list[tuple[str, str]] = []
    mark = "" if box.group is None else "▾" if box.opened else "▸"
    if mark:
        lead.append((mark, "mark"))
    if node is not None and node.is_marked:
        lead.append(("+", "added"))
    rest: list[tuple[str, str]] = []
    kind = _kind(box)
    if kind:
        rest.append((" " + kind, "opcode"))
    if total_ns is not None:
        rest += _heat(box.self_ns, total_ns, node is not None and node.estimated)
    if node is not None and node.is_root:
        rest.append((f" {node.root_word}", "root"))
    left = longest - sum(len(text) for text, _ in (*lead, *rest))
    lines = [(*lead, (shorten(box.name, min(max(left, _SHORTEST_NAME), LONGEST_NAME)), "name"), *rest)]
    if node is not None and node.is_root:
        size = bytes_text(node.bytes)
        shape = shorten(node.shape, min(LONGEST_FOLDED, max(longest - len(size) - 1, _SHORTEST)))
        lines.append(((f"{shape} {size}", "shape"),))
    folded = folded_text(box, min(LONGEST_FOLDED, longest))
    if folded:
        lines.append(((folded, "folded"),))
    if stubs:
        lines.append(((shorten(_stub_text(stubs), longest), "stub"),))
    return BoxText(tuple(lines), bordered=True)


def row_text(box: Box, total_ns: int | None, stubs: tuple[str, ...] = ()) -> BoxText:
    """The same in one line without a border, for the compact form."""
    text = box_text(box, total_ns, stubs)
    if not text.bordered:
        return text
    line = [(" ", "name"), *(segment for segment in text.lines[0] if segment != (_UNKNOWN_HEAT, "heat"))]
    if box.node is not None and not box.node.is_root:
        shape = shorten(box.node.shape, LONGEST_NAME)
        line.append((f" {shape} {bytes_text(box.node.bytes)}", "shape"))
    for more in text.lines[1:]:
        line += [(" ", "name"), *more]
    return BoxText((tuple(line),), bordered=False)


def _parameter(box: Box, stubs: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    assert box.node is not None
    line = [("⇣" if box.inlet else " ", "name"), (shorten(box.name, LONGEST_NAME), "name"), (" ", "name")]
    line.append((shorten(box.node.shape, LONGEST_NAME), "shape"))
    folded = folded_text(box, LONGEST_FOLDED)
    if folded:
        line.append((f" {folded}", "folded"))
    if box.node.is_root and not box.inlet:
        line.append((f" {box.node.root_word}", "root"))
    if stubs:  # one line only, so how many and not which
        line.append((f" ⇢{len(stubs)}", "stub"))
    return tuple(line)


def _kind(box: Box) -> str:
    node, group = box.node, box.group
    if group is not None and node is not None and node.root_word == "OUT":
        turns = f"×{group.trip_count}" if group.trip_count is not None else ""
        size = f"{group.members} eqn{'' if group.members == 1 else 's'}" if group.members else ""
        return " ".join(part for part in (node.opcode, node.detail, turns, size) if part)
    if group is not None and group.kind in ("fusion", "call"):
        if not group.members:
            return group.kind  # of nothing but broadcasts of scalars and the like
        return f"{group.members} op{'' if group.members == 1 else 's'}"
    if group is not None and group.kind == "loop":
        turns = f" ×{group.trip_count}" if group.trip_count is not None else ""
        return f"loop{turns} {group.members} ops"
    if group is not None and group.kind in ("scope", "part"):
        return f"{group.members} ops"
    if group is not None and node is None:
        return group.role or "computation"
    if node is None:
        return ""
    stem = node.name.rpartition(".")[0] if node.name.rpartition(".")[2].isdigit() else node.name
    opcode = "" if stem.replace("_", "-") == node.opcode else node.opcode
    return " ".join(part for part in (opcode, node.detail) if part)


_LEAST_SHOWN = 0.005  # a smaller share would be rounded to 0%


def _heat(self_ns: int | None, total_ns: int, estimated: bool = False) -> list[tuple[str, str]]:
    if self_ns is None or not total_ns:
        return [(_UNKNOWN_HEAT, "heat")]
    share = min(max(self_ns / total_ns, 0.0), 1.0)
    number = "<1%" if 0 < share < _LEAST_SHOWN or (estimated and not share) else f"{share:.0%}"
    return [(f" {'~' if estimated else ''}{number}".rjust(5) + " ", "percent"), (bar(share), "heat")]


def bar(share: float) -> str:
    """A bar of fixed width in eighths of a cell."""
    eighths = round(share * _BAR * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(_BAR)


def _stub_text(stubs: tuple[str, ...]) -> str:
    shown = " ".join(shorten(stub, _LONGEST_STUB) for stub in stubs[:2])
    return shown if len(stubs) <= 2 else f"{shown} +{len(stubs) - 2}"
