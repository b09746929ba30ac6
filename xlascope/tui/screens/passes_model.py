"""What the screen of passes shows, as frozen records, and where they come from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

FORMS = ("what changed", "line by line", "whole text")
"""What the right side shows of a pass, in the order of the key."""
_CALLS = re.compile(r"\bcalls=%?([^\s,{}]+)")
NO_CHANGE = "no instruction is another one: the order of execution or the module's header is"


@dataclass(frozen=True, slots=True)
class PassItem:
    """One pass. ``net`` is by how many instructions there are more; ``share`` its time against the longest."""

    index: int
    name: str
    pipeline: str
    changed: bool
    instructions: int
    net: int
    change: str
    duration_ns: int | None
    share: float | None
    group: str | None
    turn: int | None


@dataclass(frozen=True, slots=True)
class PassTable:
    """The passes of one compile."""

    program: str
    variant: str | None
    items: tuple[PassItem, ...]
    compile_ns: int | None
    linked: bool
    notes: tuple[str, ...] = ()


_OTHERS = 24  # equations of a line whose history is told beside that of the costliest


@dataclass(frozen=True, slots=True)
class Subject:
    """What the user came with: an instruction's name, or an equation's path: the costliest of a line, whose ``others``
    follow in that order."""

    instruction: str | None = None
    equation: str | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """The history of a subject in a sentence, and the passes that touched it with the instructions they touched.

    ``chief``: the pass that tells most of it: of a line the one that merged most of its equations into something, of
    one equation or instruction the last that merged it, else the last of all. ``lead``: what comes first where there
    is little room; empty where that is the text's beginning.
    """

    text: str
    touched: Mapping[int, tuple[str, ...]]
    chief: int | None = None
    lead: str = ""


class Queries(Protocol):
    """What is needed of the feed."""

    def query(self, view: str, **options: Any) -> Any:
        """A view's answer; None where the file holds nothing for it."""


def pass_table(feed: Queries, program: str, variant: str | None) -> PassTable | None:
    """The passes that the file holds; None when it holds none."""
    answer = feed.query("passes", program=program, variant=variant)
    if answer is None:
        return None
    longest = max((row.duration_ns for row in answer.passes if row.changed and row.duration_ns), default=0)
    items = tuple(_item(row, longest) for row in answer.passes)
    return PassTable(answer.program, answer.variant, items, answer.compile_ns, answer.linked, answer.notes)


def _item(row: Any, longest: int) -> PassItem:
    share = row.duration_ns / longest if row.duration_ns is not None and longest else None
    name = "between pipelines" if row.pass_ == "pipeline-start" and row.changed else row.pass_
    net = sum(row.added.values()) - sum(row.removed.values())
    return PassItem(row.index, name, row.pipeline, row.changed, row.instructions, net, opcodes(row.added, row.removed),
                    row.duration_ns, share, row.group, row.turn)  # fmt: skip


def opcodes(added: Mapping[str, int], removed: Mapping[str, int]) -> str:
    """``+3 fusion -2 add``, the most first."""
    parts = [(count, f"+{count} {name}") for name, count in added.items()]
    parts += [(count, f"-{count} {name}") for name, count in removed.items()]
    return " ".join(text for _, text in sorted(parts, key=lambda part: -part[0]))


def pass_text(feed: Queries, table: PassTable, index: int, form: str, start: int | None = None) -> str:
    """The right side for one pass, in one of `FORMS`; what changed since the pass ``start``, or by this pass alone."""
    if form == FORMS[2]:
        stage = feed.query("stage", program=table.program, variant=table.variant, stage=f"pass:{index}")
        return stage.text if stage is not None else ""
    since = {} if start is None else {"from": str(start)}
    text = True if form == FORMS[1] else None
    diff = feed.query("diff", program=table.program, variant=table.variant, to=str(index), text=text, **since)
    if diff is None:
        return "nothing comes before the first form"
    if form == FORMS[1]:
        return diff.unified or "the texts are equal"
    return "\n".join(difference_lines(diff))


def difference_lines(diff: Any) -> list[str]:
    """A structural difference as lines: `>` moved, `-` and `+` before and after, `~` what is another thing."""
    found: list[str] = []
    if diff.order:
        found += [NO_CHANGE, ""]
    fusions = {call: each.name for each in (*diff.added, *diff.changed) if each.opcode == "fusion"
               for call in _CALLS.findall(each.text)}  # fmt: skip
    ways: dict[str, list[Any]] = {}
    for each in diff.moved:
        fusion = fusions.get(each.computation)
        into = f"merged into %{fusion}" if fusion else f"moved from %{each.before.computation} to %{each.computation}"
        ways.setdefault(into, []).append(each)
    for way, entries in ways.items():
        found += [f"{way} ({len(entries)})", *(f"> {each.before.text}" for each in entries), ""]
    if diff.changed:
        found.append(f"changed ({len(diff.changed)})")
        for each in diff.changed:
            found += [f"- {each.before.text}", f"+ {each.text}", f"~ {' and '.join(each.what)}"]
        found.append("")
    for title, sign, entries in (("removed", "-", diff.removed), ("added", "+", diff.added)):
        if entries:
            found += [f"{title} ({len(entries)})", *(f"{sign} {each.text}" for each in entries), ""]
    return found or ["the instructions are the same"]


def rows_of(text: str, names: Sequence[str]) -> list[int]:
    """Lines of a text that define one of some instructions."""
    wanted = set(names)
    found = []
    for row, line in enumerate(text.splitlines()):
        head = line.partition(" = ")[0].rpartition(" ")[2]
        if head.removeprefix("%") in wanted or (line.startswith("merged into %") and line.split()[2][1:] in wanted):
            found.append(row)
    return found


def told_history(feed: Queries, table: PassTable, subject: Subject) -> Told:
    """What became of what the user came with; of a line also which passes merged what of it into what."""
    what = f"equation {subject.equation}" if subject.equation is not None else str(subject.instruction)
    if subject.equation is not None and not table.linked:
        return Told(f"{what}: these passes carry no tags of equations", {})
    answer = feed.query("history", program=table.program, variant=table.variant, instruction=subject.instruction,
                        equation=subject.equation)  # fmt: skip
    if answer is None or not answer.events:
        return Told(f"{what}: no form has an instruction of it", {})
    if answer.primitive:
        costliest = f", costliest of the line's {len(subject.others) + 1}" if subject.others else ""
        what = f"{answer.primitive} (equation {answer.equation}{costliest})"
    end = "" if answer.remains else "; nothing of it is left"
    touched: dict[int, tuple[str, ...]] = {}
    for each in answer.events:
        if not each.first:
            touched[each.pass_index] = (*touched.get(each.pass_index, ()), *each.names, *each.of)
    mergers = _mergers([answer, *_others(feed, table, subject.others)]) if subject.others else []
    for merger in mergers:
        touched[merger.pass_index] = (*touched.get(merger.pass_index, ()), *merger.names)
    chief = mergers[0].pass_index if mergers else None
    if chief is None:
        chief = max([each.pass_index for each in answer.events if each.event == "merged"] or touched, default=None)
    own = f"{what}: {'; '.join(_sentences(answer.events))}{end}"
    told = [merger.told for merger in mergers]
    return Told("; ".join([own, *(f"of its line {each}" for each in told)]), touched, chief, "; ".join(told))


@dataclass(frozen=True, slots=True)
class _Merger:
    """What one pass merged of a line's equations: their primitives, the costliest first, and into what."""

    pass_index: int
    pass_: str
    primitives: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def told(self) -> str:
        return f"{self.pass_} merged {_few(list(dict.fromkeys(self.primitives)), 4)} into {_few(self.names, 1)}"


def _mergers(answers: Sequence[Any]) -> list[_Merger]:
    """By pass, those first that merged most equations, of equal ones those into more instructions, then the earlier."""
    found: dict[tuple[int, str], tuple[list[str], dict[str, None]]] = {}
    for answer in answers:
        for event in answer.events:
            if event.event == "merged":
                primitives, names = found.setdefault((event.pass_index, event.pass_), ([], {}))
                primitives.append(str(answer.primitive or answer.equation))
                names.update(dict.fromkeys(event.names))
    mergers = [_Merger(*key, tuple(primitives), tuple(names)) for key, (primitives, names) in found.items()]
    return sorted(mergers, key=lambda each: (-len(each.primitives), -len(each.names), each.pass_index))


def _others(feed: Queries, table: PassTable, paths: Sequence[str]) -> list[Any]:
    answers = [
        feed.query("history", program=table.program, variant=table.variant, equation=path) for path in paths[:_OTHERS]
    ]
    return [answer for answer in answers if answer is not None]


def _few(names: Sequence[str], most: int) -> str:
    return ", ".join(names[:most]) + (f" +{len(names) - most}" if len(names) > most else "")


def _sentences(events: Sequence[Any]) -> list[str]:
    """What happened in order; changes one after the other are told together."""
    found = []
    for event, group in groupby(events, key=lambda each: each.event):
        own = list(group)
        if event == "changed":
            found.append(f"changed by {', '.join(dict.fromkeys(each.pass_ for each in own))}")
            continue
        for each in own:
            by = "there before all passes" if each.first else f"{event} by {each.pass_}"
            if event == "created" and each.of:
                by = f"made of {_listed(each.of, 6)} by {each.pass_}"
            if event == "merged":
                by = f"merged into {_listed(each.names)} by {each.pass_}"
            found.append(f"{_listed(each.of if event == 'merged' else each.names)} {by}")
    return found


def shortened(text: str, room: int) -> str:
    """A history in at most ``room`` characters where that can be: its beginning and its mergers stay longest.

    Mere changes go first, then what else stands in the middle.
    """
    parts = text.split("; ")
    while len(text) > room:
        left = [(_weight(part, at == len(parts) - 1), at) for at, part in enumerate(parts) if at and part != "…"]
        if len(left) < 2:
            break
        parts[min(left)[1]] = "…"
        parts = [part for at, part in enumerate(parts) if part != "…" or parts[at - 1] != "…"]
        text = "; ".join(parts)
    return text


def _weight(part: str, last: bool) -> int:
    return 0 if part.startswith("changed by ") else 3 if " merged " in part else 2 if last else 1


def _listed(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
