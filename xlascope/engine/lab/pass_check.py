"""Whether passes switched off were off: XLA says nothing to a name it does not know."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_AFTER = re.compile(r"module_\d+\..+\.\d{4,}\..+\.after_(.+?)(?:\.before_.+)?\.txt\Z")
_BEFORE = re.compile(r"module_\d+\..+\.\d{4,}\..+\.before_(.+)\.txt\Z")

Snapshots = tuple[frozenset[str], frozenset[str]]


def dump_options(folder: Path, names: Sequence[str] = ()) -> dict[str, Any]:
    """What makes XLA write a snapshot after each pass that changed something, of some passes or of all."""
    which = f"^({'|'.join(map(re.escape, names))})$" if names else ".*"
    return {"xla_dump_to": str(folder), "xla_dump_hlo_pass_re": which, "xla_dump_hlo_as_text": True}


def snapshots(folder: Path) -> Snapshots:
    """Passes that changed something, and all passes that the names of a dump's files tell of. Empties the folder."""
    changed, seen = set(), set()
    for file in folder.iterdir():
        if match := _AFTER.match(file.name):
            changed.add(match[1])
        if match := _BEFORE.match(file.name):
            seen.add(match[1])
        if file.is_file():
            file.unlink()
    return frozenset(changed), frozenset(seen | changed) - {"pipeline-end", "pipeline-start"}


def compiled_to_see(
    compiled: Callable[[dict[str, Any]], object], folder: Path, names: Sequence[str] = ()
) -> Snapshots:
    """`snapshots` of a compile made for them; ``compiled`` takes more XLA options."""
    compiled(dump_options(folder, names))
    return snapshots(folder)


def judged(
    names: Sequence[str], still: frozenset[str], differs: bool, baseline: Callable[[], Snapshots]
) -> list[str]:
    """What came of switching passes off, a sentence for each.

    ``still``: those that changed something in the variant. ``differs``: that one pass is the only switch, and the code
    is not the baseline's; else ``baseline`` is asked for its `snapshots`, which costs a compile, and may raise.
    """
    if differs and not still:
        return [f"the pass {names[0]} changes this program, and was off"]
    changed, seen = baseline()
    found = []
    for name in names:
        if name in still:
            found.append(f"the pass {name} still ran in the variant: XLA does not let it be off")
        elif name in changed:
            found.append(f"the pass {name} changes this program, and was off")
        elif name in seen:
            found.append(f"the pass {name} changes nothing in this program: without it there is no effect")
        else:
            near = difflib.get_close_matches(name, sorted(seen), 3)
            more = f"; names near it: {', '.join(near)}" if near else ""
            found.append(f"no pass named {name} changed this program, so off has no effect{more}")
    return found
