"""What a lab is handed: a program of a run file with its code and its arguments."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xlascope.runfile import Reader, Record

_LONGEST = 200  # characters of a command that is told


class NotMeasurable(Exception):
    """A program that cannot be measured: ``str()`` says why, ``advice`` what to do."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Environment:
    """Where the script ran, as far as a lab must be like it. None: unknown."""

    python: str | None
    variables: dict[str, str]
    platform: str | None
    x64: bool
    device_count: int | None


@dataclass(frozen=True, slots=True)
class LabInputs:
    """The ``measure`` message's own part (``body``, ``blobs``) and what its lab must be like."""

    program: str
    body: dict[str, Any]
    blobs: dict[str, bytes]
    environment: Environment
    needs_python: bool
    """Whether it calls back into the script, so that only the script's own process can execute it."""


def load(path: Path, program: str, *, arguments: bool = True, platform: str | None = None) -> LabInputs:
    """Read all that a lab needs, without the arguments when it shall only compile; for a target its lowering too.

    Raises NotMeasurable, RunFileError.
    """
    with Reader(path) as reader:
        record = reader.last("program", program)
        if record is None:
            raise NotMeasurable(f"{program}: no such program", "`xlascope show RUN programs` lists them")
        blobs: dict[str, bytes] = {}
        script_optimized = None
        for stage in reader.records("stage", program):
            digest = _digest(stage, "bytecode")
            if stage.variant is None and digest is not None:
                blobs["stablehlo"] = reader.blob(digest)
            tagged = _digest(stage, "tagged")
            if stage.variant is None and tagged is not None:
                blobs["tagged"] = reader.blob(tagged)
            text = _digest(stage, "text")
            if stage.variant is None and stage.json.get("stage") == "optimized" and text is not None:
                script_optimized = reader.blob(text)
        artifact = reader.last("artifact", program)
        if artifact is not None and (digest := _digest(artifact, "data")) is not None:
            blobs["artifact"] = reader.blob(digest)
        if not blobs:
            raise NotMeasurable(
                f"the run file holds no executable form of {program}",
                "its recording ended before it was stored; record the script again")
        if script_optimized is not None:
            blobs["script_optimized"] = script_optimized
        args = reader.last("args", program) if arguments else None
        for name, digest in _blobs(args).items():
            blobs[name] = reader.blob(digest)
        body = {"record": record.json, "args_record": None if args is None else args.json}
        for each in reader.records("lowered", program) if platform is not None else ():
            if each.json.get("platform") == platform:
                body["lowered_error"] = each.json.get("error")
                if (digest := _digest(each, "bytecode")) is not None:
                    blobs["lowered"] = reader.blob(digest)
        return LabInputs(program, body, blobs, _environment(reader, record), record.json.get("callbacks") is True)


def beside(command: dict[str, Any], handed: LabInputs, other: LabInputs) -> None:
    """Put another program into a ``measure`` command in the variant's place. Raises NotMeasurable."""
    here, there = handed.environment, other.environment
    for what, one, two in (("64-bit mode", here.x64, there.x64), ("platform", here.platform, there.platform),
                           ("number of devices", here.device_count, there.device_count)):
        if one != two:
            raise NotMeasurable(
                f"{handed.program} and the other {other.program} do not run in the same place: {what} {one} and "
                f"{two}", "compare them without --rerun")
    if handed.needs_python or other.needs_python:
        raise NotMeasurable(
            f"{handed.program} calls back into its script, which a lab does not have", "compare without --rerun")
    command["other"] = {"program": other.program, "record": other.body["record"]}
    code = other.blobs.get("tagged") or other.blobs.get("stablehlo")
    if code is not None:
        handed.blobs["other_stablehlo"] = code
    if "artifact" in other.blobs:
        handed.blobs["other_artifact"] = other.blobs["artifact"]


def environment(path: Path) -> Environment:
    """That of the run's newest program. Raises NotMeasurable when there is none, RunFileError."""
    with Reader(path) as reader:
        record = reader.last("program")
        if record is None:
            raise NotMeasurable("this run compiled nothing", "look at its output")
        return _environment(reader, record)


def load_arguments(path: Path, program: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What the script's own process needs beside its jaxpr: the recorded arguments, and the script's optimized text."""
    with Reader(path) as reader:
        args = reader.last("args", program)
        blobs = {name: reader.blob(digest) for name, digest in _blobs(args).items()}
        for stage in reader.records("stage", program):
            text = _digest(stage, "text")
            if stage.variant is None and stage.json.get("stage") == "optimized" and text is not None:
                blobs["script_optimized"] = reader.blob(text)
        return {"args_record": None if args is None else args.json}, blobs


def command_of(path: Path) -> str:
    """How the recorded script is run anew on the screen: ``xlascope train.py --its args``."""
    with Reader(path) as reader:
        run = reader.last("run")
    known = run.json if run is not None else {}
    script, module, argv = known.get("script"), known.get("module"), known.get("argv")
    if not isinstance(script, str) and not isinstance(module, str):
        return "xlascope SCRIPT"
    what = ["-m", str(module)] if module else [_near(str(script))]
    words = [*what, *(map(str, argv) if isinstance(argv, list) else ())]
    command = shlex.join(["xlascope", *words])
    return command if len(command) <= _LONGEST else shlex.join(["xlascope", *what]) + " …"


def _near(script: str) -> str:
    """From where we are, when it lies below."""
    here = Path(script)
    return str(here.relative_to(Path.cwd())) if here.is_relative_to(Path.cwd()) else script


def _environment(reader: Reader, program: Record) -> Environment:
    run = reader.last("run")
    env = reader.last("env")
    platform, count = program.json.get("platform"), program.json.get("device_count")
    variables = env.json.get("variables") if env is not None else None
    python = run.json.get("python") if run is not None else None
    return Environment(
        python if isinstance(python, str) else None, variables if isinstance(variables, dict) else {},
        platform if isinstance(platform, str) else None, program.json.get("x64") is True,
        count if isinstance(count, int) else None)


def _blobs(record: Record | None) -> dict[str, str]:
    found = record.json.get("blobs") if record is not None else None
    return {str(name): str(digest) for name, digest in found.items()} if isinstance(found, dict) else {}


def _digest(record: Record, name: str) -> str | None:
    return _blobs(record).get(name)
