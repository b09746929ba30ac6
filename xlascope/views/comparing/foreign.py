"""Times of a program whose jaxpr is not held, by the equations of its partner's: a profile beside a run.

A profile's HLO names for each instruction the primitive and the source lines. They are looked up among the equations
of the run's jaxpr, as is done for a run without tags: several equations of one line and primitive share what came of
them, so that all such times are estimated. The script may lie elsewhere on the other machine: a file of the HLO is one
of the jaxpr where both end alike, and no other does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import PurePath

from xlascope.ir import HloModule, JaxprIndex
from xlascope.views.provenance.attribution import attribute
from xlascope.views.provenance.origins import of_module
from xlascope.views.sources.profile_source import ProfileSource
from xlascope.views.sources.source import Source
from xlascope.views.sources.stages import hlo_module


def equation_times(source: Source, program: str, jaxpr: JaxprIndex) -> dict[str, int] | None:
    """Self time of one call on one device in ns by path of ``jaxpr``; None: the source has no times or no HLO of it."""
    if not isinstance(source, ProfileSource):
        return None
    module = hlo_module(source, program, "optimized", None)
    keys = source.executed.keys(program)
    times = source.times()
    ops: Counter[str] = Counter()
    for row in times.rows:
        if (row.program_id, row.module) in keys:
            ops[row.op] += row.self_ns
    mine = [each for each in times.calls if (each.program_id, each.module) in keys]
    calls = sum(each.calls or each.likely_calls or 0 for each in mine)
    if module is None or not ops or not calls:
        return None
    here = _moved(jaxpr, module)
    primitives = {each.path: each.primitive for each in here.equations}
    shares = attribute(ops, module, of_module(module, here), primitives)
    return {path: round((each.exact_ns + each.estimated_ns) / calls) for path, each in shares.items()}


def _moved(jaxpr: JaxprIndex, module: HloModule) -> JaxprIndex:
    """The same with the files of its equations called as the module calls them."""
    named = {frame.file for each in module.instructions() for frame in each.stack if frame.file is not None}
    other = _renamed({each.file for each in jaxpr.equations if each.file is not None}, named)
    equations = tuple(
        replace(each, file=other[each.file]) if each.file is not None and each.file in other else each
        for each in jaxpr.equations
    )
    return replace(jaxpr, equations=equations, by_path={each.path: each for each in equations})


def _renamed(ours: Collection[str], theirs: Collection[str]) -> Mapping[str, str]:
    """What the other side calls each of our files that it does not call the same: the only one that ends alike."""
    found = {}
    for file in ours:
        if file not in theirs:
            like = [each for each in theirs if PurePath(each).name == PurePath(file).name and each not in ours]
            if len(like) == 1:
                found[file] = like[0]
    return found
