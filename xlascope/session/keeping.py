"""What is kept of a measurement in the run file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xlascope.protocol import Message
from xlascope.runfile import Reader
from xlascope.session.store import Store
from xlascope.session.ticket import DUMPED, Ticket, target_of

_SAMPLES = ("samples", "variant"), ("baseline_samples", "baseline")
_PROFILES = ("variant", "profile", "profile_meta"), ("baseline", "baseline_profile", "baseline_profile_meta")


def keep_result(store: Store, run_path: Path, ticket: Ticket, message: Message) -> dict[str, Any]:
    """Store the result of a ticket. Returns what its event tells of it: the variant's ``variant`` (name) and
    ``variant_id``, or the ``stage`` that was collected."""
    body = {key: value for key, value in message.body.items() if key not in ("kind", "id", "ok")}
    blobs = dict(message.blobs)
    if ticket.collect is not None:
        told = _keep_collected(store, ticket.collect, ticket, body, blobs)
    else:
        told = _keep_variant(store, _next_id(run_path), ticket, body, blobs)
    store.commit()
    return told


def _keep_collected(
    store: Store, what: str, ticket: Ticket, body: dict[str, Any], blobs: dict[str, bytes]
) -> dict[str, Any]:
    program = ticket.program
    if what in DUMPED:
        variant = ticket.name if ticket.switches else None
        store.put(what, {**body, "program": program, "variant": variant}, blobs, program, variant)
    else:
        store.put("stage", {"stage": what, "program": program}, blobs, program, None)
    return {"stage": what}


def _keep_variant(
    store: Store, identity: str, ticket: Ticket, body: dict[str, Any], blobs: dict[str, bytes]
) -> dict[str, Any]:
    name, program = ticket.name, ticket.program
    profiles = [(why, blobs.pop(key, None), body.get(meta)) for why, key, meta in _PROFILES]
    samples = {what: blobs.pop(key) for key, what in _SAMPLES if key in blobs}
    target = target_of(ticket)
    if target is not None:
        body |= {"target": target.name, "device": target.device.facts()}
    body |= {"id": identity, "variant": name, "switches": ticket.switches, "requested_ns": ticket.requested_ns}
    number = store.put("variant", body, blobs, program, name)
    if ticket.set_name is not None:
        store.put("switch_set", {"name": ticket.set_name, "switches": ticket.switches}, None, None, None)
    for what, sampled in samples.items():
        kind = {"what": what, "dtype": "<i8", "variant_record": number}
        store.chunk("samples", sampled, kind, program, name)
    for why, data, facts in profiles:
        if data:
            window = {"index": 0, "start_ns": None, "end_ns": None, "covers_from_start": False, "truncated": False,
                      **(facts if isinstance(facts, dict) else {}), "why": why, "variant_record": number}  # fmt: skip
            store.chunk("profile", data, window, program, name)
    for stage in ("thunks", "optimized"):
        if stage in blobs:
            store.put("stage", {"stage": stage, "program": program, "variant": name}, {"text": blobs[stage]},
                      program, name)  # fmt: skip
    return {"variant": name, "variant_id": identity}


def _next_id(run_path: Path) -> str:
    with Reader(run_path) as reader:
        return f"v{1 + sum(1 for _ in reader.records('variant'))}"


def keep_failure(store: Store, ticket: Ticket, body: Mapping[str, Any]) -> None:
    """Store that a measurement failed, and why; nothing of what was only collected or compared."""
    if ticket.collect is not None or ticket.other is not None:
        return
    failed = {"switches": ticket.switches, "error": body.get("error"), "advice": body.get("advice"),
              "variant": ticket.name}  # fmt: skip
    store.put("failed", failed, None, ticket.program, ticket.name)
