"""``xlascope doctor``: what is installed, what works here, where things are kept."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import xlascope
from xlascope.cli.arguments import CommandParser
from xlascope.cli.errors import CommandError
from xlascope.cli.units import show_size
from xlascope.session.machine import machine
from xlascope.session.places import cache_folder, config_file, kept_runs, prune, runs_folder, stale_locks
from xlascope.session.plan import choose_python, jax_of

_PACKAGES = ("jax", "jaxlib", "numpy", "textual", "rich", "plotext", "protobuf", "flatbuffers")
_PLUGINS = ("jax-cuda12-plugin", "jax-cuda13-plugin", "jax-rocm60-plugin", "jax-rocm7-plugin", "libtpu", "jax-metal")
# In a process of its own: this one imports no jax, and a backend that hangs is ended with it.
_PROBE = """
import json, jax
found = {"jax": jax.__version__, "targets": {}}
for name in ("cpu", "gpu", "tpu"):
    try:
        found["targets"][name] = [d.device_kind for d in jax.devices(name)]
    except Exception as error:
        found["targets"][name] = (str(error).splitlines() or [type(error).__name__])[0][:200]
print(json.dumps(found))
"""
_PROBE_S = 60


def main(argv: list[str]) -> int:
    """Returns 0 when a script can be recorded and measured here, 1 when something is missing."""
    made = CommandParser("doctor", description="What is installed, what works here, where things are kept.")
    made.add_argument("--clean", action="store_true", help="remove old runs that nobody named, and stale lock files")
    made.add_argument("--python", metavar="EXE", help="the Python of your scripts")
    made.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = made.read(argv)
    if isinstance(options, int):
        return options
    cleaned = clean() if options.clean else None
    facts = examine(options.python)
    if cleaned is not None:
        facts["cleaned"] = cleaned
    if options.json:
        print(json.dumps({"schema": 1, "view": "doctor", **facts}))
    else:
        print("\n".join(describe(facts)))
    return 1 if facts["problems"] else 0


def clean() -> dict[str, Any]:
    """Remove what can go; returns what went."""
    folder = runs_folder()
    removed = prune(folder)
    locks = [*stale_locks(folder), *stale_locks(Path.cwd())]
    for lock in locks:
        lock.unlink(missing_ok=True)
    return {"runs": len(removed), "bytes": sum(run.bytes for run in removed), "locks": len(locks)}


def examine(python: str | None) -> dict[str, Any]:
    """All that `describe` tells, as JSON-ready facts."""
    chosen = choose_python(python, os.environ)
    probe = _probe(chosen)
    folder = runs_folder()
    runs = kept_runs(folder)
    installed = {name: _version(name) for name in _PACKAGES}
    problems = [f"{name} is not installed" for name, version in installed.items() if version is None]
    if "error" in probe:
        problems.append(f"jax does not work in {chosen}: {probe['error']}")
    return {
        "xlascope": xlascope.__version__, "python": sys.executable, "python_version": platform.python_version(),
        "packages": installed, "plugins": {name: v for name in _PLUGINS if (v := _version(name)) is not None},
        "script_python": chosen, "script_jax": probe.get("jax") or jax_of(Path(chosen)),
        "targets": probe.get("targets", {}), "compile_only": compile_only(chosen), "machine": machine(),
        "problems": problems,
        "places": [
            {"what": "runs nobody named", "path": str(folder), "bytes": sum(run.bytes for run in runs),
             "files": len(runs)},
            {"what": "cache", "path": str(cache_folder()), **_folder(cache_folder())},
            {"what": "configuration", "path": str(config_file()), **_folder(config_file())},
        ],
    }


def compile_only(python: str) -> dict[str, Any]:
    """Hardware that programs can be compiled for without it: ``devices`` known, and whether the compiler is there."""
    from xlascope.session.targets import PLUGIN, TargetError, known_devices, python_for

    try:
        known = known_devices()
    except TargetError as error:
        raise CommandError(f"doctor: {error}; {error.advice}") from error
    found: dict[str, Any] = {}
    for kind in PLUGIN:
        try:
            python_for(kind, python)
            installed = True
        except TargetError:
            installed = False
        found[kind] = {"devices": [name for of, name in known if of == kind], "installed": installed}
    return found


def describe(facts: dict[str, Any]) -> Iterator[str]:
    """The facts as lines of text."""
    yield f"xlascope {facts['xlascope']}  Python {facts['python_version']}  {facts['python']}"
    yield "  " + ", ".join(f"{name} {version or 'missing'}" for name, version in facts["packages"].items())
    for name, version in facts["plugins"].items():
        yield f"  {name} {version}"
    here = facts["machine"]
    memory = show_size(here["memory_bytes"]) if here["memory_bytes"] else "? memory"
    yield f"machine  {here['cpu'] or 'unknown processor'}, {here['cores']} cores, {memory}, {here['os']}"
    yield f"scripts run with  {facts['script_python']}  jax {facts['script_jax'] or 'not found'}"
    for name, found in facts["targets"].items():
        works = isinstance(found, list)
        yield f"  {name}  {'works: ' + ', '.join(found) if works else 'not here: ' + str(found)}"
    for name, found in facts["compile_only"].items():
        how = "installed" if found["installed"] else f"pip install 'xlascope[{name}]' adds its compiler"
        yield f"  --target {name}:DEVICE:TOPOLOGY  {', '.join(found['devices'])}  {how}"
    for place in facts["places"]:
        files = f", {place['files']} files" if place["files"] else ""
        yield f"{place['what']}  {place['path']}  {show_size(place['bytes'])}{files}"
    if "cleaned" in facts:
        gone = facts["cleaned"]
        yield f"cleaned  {gone['runs']} runs ({show_size(gone['bytes'])}), {gone['locks']} stale lock files"
    yield from (f"problem  {text}" for text in facts["problems"])


def _probe(python: str) -> dict[str, Any]:
    try:
        done = subprocess.run([python, "-c", _PROBE], capture_output=True, text=True, timeout=_PROBE_S,
                              stdin=subprocess.DEVNULL, errors="replace")
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {_PROBE_S} s"}
    except OSError as error:
        return {"error": str(error)}
    lines = done.stdout.splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        found = None
    if done.returncode or not isinstance(found, dict):
        said = [line for line in done.stderr.splitlines() if line.strip()]
        return {"error": said[-1] if said else f"it ended with code {done.returncode}"}
    return found


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _folder(path: Path) -> dict[str, int]:
    """``bytes`` and ``files`` under a path; 0 when it is not there."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return {"bytes": sum(each.stat().st_size for each in files), "files": len(files)}
