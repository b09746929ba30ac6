"""Marks the matches of a search in a line's tokens."""

from __future__ import annotations


def mark_matches(tokens: list[tuple[str, str]], needle: str) -> list[tuple[str, str]]:
    """Tokens cut so that each match of `needle` is a token of its own, with the role `match`."""
    line = "".join(text for text, _ in tokens)
    searched = line.lower() if needle == needle.lower() else line
    if len(searched) != len(line) or needle not in searched:
        return tokens
    cuts: list[tuple[int, int]] = []
    at = searched.find(needle)
    while at >= 0:
        cuts.append((at, at + len(needle)))
        at = searched.find(needle, at + len(needle))
    marked: list[tuple[str, str]] = []
    position = 0
    for text, role in tokens:
        end = position + len(text)
        while position < end:
            inside = next(((a, b) for a, b in cuts if b > position), None)
            if inside is None or inside[0] >= end:
                marked.append((line[position:end], role))
                position = end
            elif inside[0] > position:
                marked.append((line[position : inside[0]], role))
                position = inside[0]
            else:
                stop = min(inside[1], end)
                marked.append((line[position:stop], "match"))
                position = stop
    return marked
