"""Making room in a run file that reached its limit: the middle of the run goes first, its ends stay."""

from __future__ import annotations

from xlascope.runfile.writer import Writer

_ENDS = 2
_OUTPUT_END_BYTES = 1 << 20


def make_room(writer: Writer, wanted: int) -> dict[str, int]:
    """Delete at least ``wanted`` bytes and a sixteenth of the limit where that much can be spared.

    Periodic profile windows go first, every other one of the middle, then the others of the middle; then output between
    its first and last MiB. Returns what was deleted: ``profile windows`` (number), ``output bytes``.
    """
    goal = max(wanted, writer.max_size // 16)
    dropped: dict[str, int] = {}
    freed = 0
    windows = [number for number, _, meta in writer.chunk_sizes("profile") if meta.get("why") == "periodic"]
    middle = windows[_ENDS:-_ENDS]
    for number in [*middle[::2], *middle[1::2]]:
        if freed >= goal:
            return dropped
        freed += writer.delete_chunks([number])
        dropped["profile windows"] = dropped.get("profile windows", 0) + 1
    for number, size in _middle_of_output(writer):
        if freed >= goal:
            return dropped
        freed += writer.delete_chunks([number])
        dropped["output bytes"] = dropped.get("output bytes", 0) + size
    return dropped


def _middle_of_output(writer: Writer) -> list[tuple[int, int]]:
    pieces = [(number, size) for number, size, _ in writer.chunk_sizes("output")]
    first, last = 0, len(pieces)
    kept = 0
    while first < last and kept + pieces[first][1] <= _OUTPUT_END_BYTES:
        kept += pieces[first][1]
        first += 1
    kept = 0
    while last > first and kept + pieces[last - 1][1] <= _OUTPUT_END_BYTES:
        kept += pieces[last - 1][1]
        last -= 1
    return pieces[first:last]
