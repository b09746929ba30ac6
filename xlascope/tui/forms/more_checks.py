"""The switches of the form of keys T and +, as typed: checked, and turned into a `measure` command's words."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xlascope.protocol import specs
from xlascope.protocol.machines import is_platform
from xlascope.protocol.specs import Leaf, ShardingError
from xlascope.protocol.xla_values import doubts, wrong_value
from xlascope.session.devices import Device
from xlascope.session.switches import MATMUL_PRECISIONS, wrong_set_name
from xlascope.session.targets import PLUGIN, TargetError, known_devices, parse, python_for
from xlascope.tui.forms.switches import MORE
from xlascope.tui.text.numbers import size
from xlascope.views.compiler.pass_names import check as check_passes
from xlascope.views.compiler.pass_names import pass_names
from xlascope.views.errors import ViewError
from xlascope.views.names.program_records import program_records
from xlascope.views.sources.source import RunSource

FIELDS = (*MORE, "name")
LABELS = {
    "target": "target: gpu, or tpu:v5e:2x4", "passes_off": "passes off: algsimp,cse",
    "matmul_precision": "matmul precision", "donate": "donate: 0, or w=off",
    "compiler_options": "XLA options: KEY=VALUE …", "name": "keep them under a name",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """What the form is about: the program's arguments, its passes as far as known, devices and where their compiler is.

    ``installed``: by platform, whether its compiler is there.
    """

    program: str
    inputs: tuple[Leaf, ...]
    passes: tuple[str, ...]
    devices: Mapping[tuple[str, str], Device]
    installed: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Checked:
    """``problems`` by field; ``command``: the switches, None while there is a problem; ``doubts`` hinder nothing."""

    problems: dict[str, str] = field(default_factory=dict)
    command: dict[str, Any] | None = None
    name: str | None = None
    doubts: dict[str, str] = field(default_factory=dict)


def subject_of(source: RunSource, program: str) -> Subject | None:
    """What is known of a program and of this machine. Raises TargetError for a configured device that cannot be."""
    record = program_records(source).get(program)
    if record is None:
        return None
    run = next(iter(source.records("run")), None)
    python = run.json.get("python") if run is not None else None
    return Subject(
        program, tuple(specs.leaves(record.json.get("inputs") or [])), pass_names(source, program), known_devices(),
        {platform: _installed(platform, str(python or sys.executable)) for platform in PLUGIN})


def _installed(platform: str, python: str) -> bool:
    try:
        python_for(platform, python)
    except TargetError:
        return False
    return True


def in_words(target: str | None, prediction: Mapping[str, Any] | None) -> str:
    """How a predicted time came about; empty without one."""
    if target is None or prediction is None:
        return ""
    how = "a roofline of published peaks, a lower bound that has no launches in it"
    if prediction.get("by") == "cycles":
        how = (f"the compiler's own estimate of {prediction['cycles']:,} cycles at {prediction['clock_ghz']:g} GHz, "
               "loops by their turns")
    loops = prediction.get("unknown_loops")
    more = f" Loops of unknown length were counted once: {', '.join(loops)}." if loops else ""
    exchanges = prediction.get("exchanges")
    more += f" What devices exchange is not in it: {', '.join(exchanges)}." if exchanges else ""
    return (f"Its time on {target} is predicted, not measured: {how}. It has {prediction.get('counted')} instructions, "
            f"{prediction.get('without')} more have no estimate.{more}")


def needs(memory: Mapping[str, Any] | None) -> str:
    """The memory that a program needs of what a device has; empty where it is not known."""
    if memory is None:
        return ""
    fits = "" if memory["fits"] else " does not fit"
    return f"needs {size(memory['needs_bytes'])} of {size(memory['has_bytes'])}{fits}"


def typed(command: Mapping[str, object]) -> dict[str, str]:
    """The fields' texts for switches that stand."""
    found = {name: "" for name in FIELDS}
    for name in ("target", "matmul_precision"):
        found[name] = str(command.get(name) or "")
    passes, donate, options = (command.get(name) for name in ("passes_off", "donate", "compiler_options"))
    if isinstance(passes, list | tuple):
        found["passes_off"] = ",".join(map(str, passes))
    if isinstance(donate, Mapping):
        found["donate"] = ",".join(str(key) if state == "on" else f"{key}={state}" for key, state in donate.items())
    if isinstance(options, Mapping):
        found["compiler_options"] = " ".join(f"{key}={value}" for key, value in options.items())
    return found


def check(subject: Subject, texts: Mapping[str, str]) -> Checked:
    """What the fields name together."""
    problems: dict[str, str] = {}
    command: dict[str, Any] = {}
    for name, read in (("target", _target), ("passes_off", _passes), ("matmul_precision", _precision),
                       ("donate", _donate), ("compiler_options", _options)):
        text = texts.get(name, "").strip()
        if not text:
            continue
        try:
            command[name] = read(subject, text)
        except (TargetError, ShardingError) as error:
            problems[name] = f"{error}; {error.advice}"
        except (ViewError, ValueError) as error:
            problems[name] = str(error).replace("\n", ". ")
    doubted = {}
    doubt = doubts(command.get("compiler_options") or {})
    if doubt is not None and not str(command.get("target", "")).startswith("tpu"):
        doubted["compiler_options"] = f"{doubt}; enter asks XLA"
    set_name = texts.get("name", "").strip() or None
    if set_name is not None and (wrong := wrong_set_name(set_name)) is not None:
        problems["name"] = wrong
    return Checked(problems, None if problems else command, set_name, doubted)


def _target(subject: Subject, text: str) -> str:
    if is_platform(text.lower()):
        return text.lower()
    target = parse(text, subject.devices)
    platform = target.device.platform
    if not subject.installed.get(platform, False):
        advice = f"pip install 'xlascope[{platform}]' adds it"
        raise TargetError(f"the compiler for {platform} is not installed", advice)
    return target.name


def _passes(subject: Subject, text: str) -> list[str]:
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    check_passes(names, subject.passes)
    return names


def _precision(subject: Subject, text: str) -> str:
    if text not in MATMUL_PRECISIONS:
        raise ValueError(f"{text!r} is none of {', '.join(MATMUL_PRECISIONS)}")
    return text


def _donate(subject: Subject, text: str) -> dict[str, str]:
    found = {}
    places: dict[int, str] = {}
    for part in (each.strip() for each in text.split(",")):
        if part:
            name, _, state = part.rpartition("=") if part.endswith(("=on", "=off")) else (part, "", "on")
            place = _argument(subject, name)
            if place in places:
                raise ValueError(f"{part}: argument {place} stands there as {places[place]} too; give it once")
            places[place] = part
            found[name] = state
    return found


def _argument(subject: Subject, name: str) -> int:
    try:
        return specs.find_argument(subject.inputs, name)
    except ShardingError as error:
        before, equals, state = name.rpartition("=")
        if equals and any(before in (leaf.name, str(at)) for at, leaf in enumerate(subject.inputs)):
            told = f"{name}: {state or 'nothing'} is neither on nor off; write {before} or {before}=off"
            raise ValueError(told) from error
        raise


def _options(subject: Subject, text: str) -> dict[str, str]:
    found = {}
    for part in text.split():
        key, equals, value = part.partition("=")
        if not (key and equals and value):
            raise ValueError(f"{part}: write it as KEY=VALUE, several with blanks between")
        if (valid := wrong_value(key, value)) is not None:
            raise ValueError(f"{part}: {valid}")
        found[key] = value
    return found


def targets_line(subject: Subject) -> list[str]:
    """Which devices there are, and whether their compilers are installed."""
    lines = []
    for platform, example in (("tpu", "v5e:2x4"), ("cuda", "h100:1x1x4")):
        names = ", ".join(name for of, name in subject.devices if of == platform)
        here = "installed" if subject.installed.get(platform) else f"pip install 'xlascope[{platform}]' adds it"
        lines.append(f"{platform}:{example}  {names}  ({here})")
    return lines


def rejected_at(more: Mapping[str, object]) -> str | None:
    """The field that is told why a compiler refused these switches: of several the likeliest."""
    order = ("compiler_options", "passes_off", "donate", "target", *MORE)
    return next((name for name in order if more.get(name)), None)


def completion(names: Sequence[str], value: str, between: str = ",") -> str | None:
    """The value with its last part, behind a comma, completed to the first name that begins so."""
    head, comma, part = value.rpartition(between)
    start = part.lstrip()
    found = next((name for name in names if start and name.startswith(start)), None)
    return None if found is None else f"{head}{comma}{part[: len(part) - len(start)]}{found}"
