"""Sharding switches of `measure`: what was typed is checked against the program, and becomes one variant or several."""

from __future__ import annotations

import argparse
import json
import queue
import sys
from pathlib import Path
from typing import Any

from xlascope.cli.errors import CommandError
from xlascope.cli.narration import Progress, wait_for
from xlascope.protocol import plans, specs
from xlascope.protocol.specs import ShardingError
from xlascope.session.keeper import Keeper
from xlascope.session.switches import variant_name

_ALONE = "as-script"


def add_arguments(made: argparse.ArgumentParser) -> None:
    """Adds the arguments about devices, meshes and shardings to a parser."""
    made.add_argument("--devices", metavar="N", help="on N simulated CPU devices; several numbers are measured in "
                                                     "turn: 2,4,8")
    made.add_argument("--mesh", metavar="MESH", help="8, 4x2 or x=4,y=2: the mesh's axes and their sizes")
    made.add_argument("--shard", metavar="ARG=SPEC", action="append", default=[],
                      help="mesh axes of an argument, dimension by dimension, - for none: 0=x,- (repeatable)")
    made.add_argument("--shard-plan", metavar="PLAN", choices=(*plans.PLANS, plans.AUTO), help=(
        "replicate; batch: the batch on its first dimension over the mesh's first axis; fsdp: that, and parameters on "
        "their largest divisible dimension over the last axis; as-script; auto: measures these and ranks them"))


def read(options: argparse.Namespace, found: dict[str, Any]) -> None:
    """Adds the switches typed; `devices` is a list when several numbers were given. Raises CommandError."""
    if options.devices is not None:
        counts = [_count(word) for word in str(options.devices).split(",")]
        found["devices"] = counts[0] if len(counts) == 1 else counts
    if options.mesh is not None:
        try:
            found["mesh"] = specs.parse_mesh(options.mesh)
        except ShardingError as error:
            raise _refused(error) from error
    if options.shard:
        found["shard"] = dict(_pair(word) for word in options.shard)
    if options.shard_plan is not None:
        found["shard_plan"] = options.shard_plan
    elif (found.get("devices", 1) != 1 or "mesh" in found) and not options.shard:
        found["shard_plan"] = "batch"


def _count(word: str) -> int:
    if not word.strip().isdecimal() or not 1 <= int(word) <= specs.MOST_DEVICES:
        raise CommandError(f"measure: --devices {word}: give a number from 1 to {specs.MOST_DEVICES}, or several (2,4)")
    return int(word)


def _pair(word: str) -> tuple[str, str]:
    # An argument's path may hold a `=` itself only in a key; a spec never does.
    name, equals, spec = word.rpartition("=")
    if not (name and equals and spec):
        raise CommandError(f"measure: --shard {word}: write it like --shard 0=x,-")
    return name, spec


def _refused(error: ShardingError) -> CommandError:
    return CommandError(f"measure: {error}; {error.advice}")


def expand(path: Path, program: str, switches: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The variants to measure, one or several, and why some cannot be. Raises CommandError for what cannot be at all.

    What is asked of a program on one device is checked before anything is started.
    """
    if not {"devices", "mesh", "shard", "shard_plan"} & set(switches):
        return [switches], []
    record = _record(path, program)
    inputs, outputs = specs.leaves(record.get("inputs") or []), specs.leaves(record.get("outputs") or [])
    own = record.get("device_count") or 1
    rest = {key: value for key, value in switches.items() if key not in ("devices", "mesh", "shard_plan")}
    counts = switches.get("devices")
    named = switches.get("shard_plan")
    mesh = switches.get("mesh")
    try:
        if isinstance(counts, list):
            return _each_count(inputs, outputs, switches, counts)
        devices = counts or (specs.size(mesh) if mesh else own)
        if own > 1:
            return _of_spread(switches, rest, named, record)
        if named == _ALONE:
            raise ShardingError(f"{program} ran on one device, so the script gave it no sharding",
                                "choose one of replicate, batch, fsdp, auto")
        if named == plans.AUTO:
            if "shard" in switches:
                raise ShardingError("auto tries plans, and --shard is one of your own", "leave one of the two out")
            if devices == 1:
                raise ShardingError("a sharding needs more than one device", "add --devices 8, or --mesh x=4,y=2")
            found, refused = plans.candidates(inputs, outputs, devices, mesh)
            return [rest | each for each in found], refused
        if devices > 1:
            plans.plan(inputs, outputs, devices, mesh, named, switches.get("shard"))
    except ShardingError as error:
        raise _refused(error) from error
    return [switches], []


def _each_count(
    inputs: list[specs.Leaf], outputs: list[specs.Leaf], switches: dict[str, Any], counts: list[int]
) -> tuple[list[dict[str, Any]], list[str]]:
    if "mesh" in switches:
        raise ShardingError("a mesh has one number of devices, and --devices gives several", "leave one of the two out")
    if "target" in switches:
        raise ShardingError("several numbers of devices are compared by measured time, and a target is not executed",
                            "give one number")
    if switches.get("shard_plan") == plans.AUTO:
        raise ShardingError("auto is for one number of devices", "give one number, or one plan")
    found, refused = [], []
    for count in dict.fromkeys(counts):
        if count == 1:
            continue  # the baseline is that, and is measured beside each of the others
        try:
            plans.plan(inputs, outputs, count, None, switches.get("shard_plan"), switches.get("shard"))
        except ShardingError as error:
            refused.append(f"{count} devices: {error}; {error.advice}")
        else:
            found.append(switches | {"devices": count})
    if not found:
        raise ShardingError(refused[0] if refused else "one device is the program as it is", "give others: 2,4,8")
    return found, refused


def _of_spread(
    switches: dict[str, Any], rest: dict[str, Any], named: str | None, record: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Of a program that the script spread itself: the lab checks; `auto` tries all plans on the script's own mesh."""
    if named != plans.AUTO:
        return [switches], []
    if "shard" in switches:
        raise ShardingError("auto tries plans, and --shard is one of your own", "leave one of the two out")
    inputs, outputs = specs.leaves(record.get("inputs") or []), specs.leaves(record.get("outputs") or [])
    own = record["device_count"]
    found, refused = plans.candidates(inputs, outputs, own, record.get("mesh"), flat=False)
    tried = [_ALONE, *(each["shard_plan"] for each in found)]
    return [rest | {"shard_plan": each} for each in tried], refused


def _record(path: Path, program: str) -> dict[str, Any]:
    from xlascope.views import open_source
    from xlascope.views.names.program_records import program_records
    from xlascope.views.sources.source import RunSource

    with open_source(path) as source:
        assert isinstance(source, RunSource)
        record = program_records(source).get(program)
        return dict(record.json) if record is not None else {}


def measure_all(
    path: Path, program: str, wanted: list[dict[str, Any]], refused: list[str], options: argparse.Namespace
) -> int:
    """Measures each, keeps all as variants, and prints them ranked by wall time ÷ baseline. Returns 0 or 4."""
    if options.name is not None:
        raise CommandError("measure: --name keeps one set of switches, and these are several")
    events: queue.Queue[dict[str, Any]] = queue.Queue()
    narrator = Progress(program)
    for text in refused:
        narrator.line(f"measure: not tried: {text}")
    keeper = Keeper.reopen(path)
    keeper.subscribe(events.put)
    keeper.start()
    results, failed = [], []
    try:
        for switches in wanted:
            ticket = keeper.measure(program, switches, options.budget, profile=not options.no_profile,
                                    consent=options.consent)
            event = wait_for(keeper, events, ticket, f"{program} {variant_name(switches)}")
            if event.get("ok"):
                results.append(str(event["variant_id"]))
            else:
                failed.append(f"{variant_name(switches)}: {event.get('error')}; {event.get('advice') or ''}")
    finally:
        keeper.stop()
    for text in failed:
        narrator.line(f"measure: {text}")
    if not results:
        raise CommandError("measure: none of these could be measured", 4)
    _tell(path, program, results, options.json)
    return 0 if not failed else 4


def _tell(path: Path, program: str, ids: list[str], as_json: bool) -> None:
    from xlascope.report.as_json import dumps
    from xlascope.report.text.encodings import writable
    from xlascope.report.text.sharding import ranked
    from xlascope.views import open_source, query
    from xlascope.views.partitioning.ranking import rank

    with open_source(path) as source:
        answer = query("variants", source, program=program)
        rows = [row for row in answer.rows if row.id in ids]
        order = [place.id for place in rank(rows).places]
        if as_json:
            told = json.loads(dumps("variants", answer))
            known = {row["id"]: row for row in told["rows"]}
            print(json.dumps({"schema": 1, "view": "variants", "rows": [known[each] for each in order]}))
        else:
            print(writable(ranked(program, rows), sys.stdout.encoding or "utf-8"))
