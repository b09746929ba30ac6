"""What to run, with which Python, and what to capture; all checked before anything is started."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlascope
from xlascope.runfile.schema import DEFAULT_MAX_SIZE
from xlascope.session.errors import PlanError
from xlascope.session.machine import machine

ENGINE = Path(__file__).resolve().parents[1] / "engine" / "boot.py"
OLDEST_PYTHON = (3, 11)
ARGS_MODES = ("full", "specs", "none")


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """One run of a script (or module) under the recorder.

    Sizes in bytes, ``profile_window`` and ``finish_budget`` in seconds (0: no profile; None: a tenth of the run).
    """

    script: str | None
    module: str | None
    argv: tuple[str, ...]
    python: str
    args: str = "full"
    args_limit: int = 64 << 20
    args_total: int = 512 << 20
    profile_window: float = 0.1
    source: bool = True
    finish_budget: float | None = None
    max_size: int = DEFAULT_MAX_SIZE
    stay: bool = False

    @property
    def name(self) -> str:
        """What the run file is called after."""
        if self.module is not None:
            return self.module.replace(".", "-")
        return Path(self.script or "run").stem or "run"

    def config(self) -> dict[str, Any]:
        """The recorder's part of the configuration that `boot.py` reads."""
        return {
            "role": "recorder", "script": self.script, "module": self.module, "argv": None,
            "args": self.args, "args_limit": self.args_limit, "args_total": self.args_total,
            "profile_window": self.profile_window, "source": self.source, "stay": self.stay,
            "finish_budget": self.finish_budget, "lend": lend(),
        }

    def record(self, started_ns: int) -> dict[str, Any]:
        """The ``run`` record: what is run, where, since when (`time.time_ns`), and what was asked to be kept."""
        script = None if self.script is None else str(Path(self.script).absolute())
        policy = {"args": self.args, "args_limit": self.args_limit, "args_total": self.args_total,
                  "profile_window": self.profile_window, "source": self.source, "max_size": self.max_size}
        return {
            "script": script, "module": self.module, "argv": list(self.argv), "python": self.python, "cwd": os.getcwd(),
            "started_ns": started_ns, "xlascope": xlascope.__version__, "machine": machine(), "policy": policy,
            "pid": os.getpid(),
        }


def default_run_path(plan: LaunchPlan, folder: Path) -> Path:
    """``STEM-YYYYMMDD-HHMMSS.xlascope`` in ``folder``, with a number added when that is taken.

    The file is made, empty, so that of several runs started at once each has its own.
    """
    stem = f"{plan.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    path = folder / f"{stem}.xlascope"
    for number in range(2, 1000):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            path = folder / f"{stem}-{number}.xlascope"
        except OSError:
            break  # whoever opens it says what is wrong with the place
        else:
            break
    return path


def check_script(script: str) -> None:
    """Raise PlanError for a script that `python` could not start, or that is not a script."""
    path = Path(script)
    if path.suffix == ".ipynb":
        raise PlanError(f"{script}: a notebook is not a script; run `jupyter nbconvert --to script {script}` and give "
                        f"the result, {path.with_suffix('.py').name}")
    if path.suffix == ".xlascope":
        raise PlanError(f"{script}: a run file, not a script; use `xlascope open {script}`")
    if not path.exists():
        raise PlanError(f"can't open file {str(path.absolute())!r}: No such file or directory")
    if path.is_dir() and not (path / "__main__.py").exists():
        raise PlanError(f"can't find '__main__' module in {str(path.absolute())!r}")
    if not os.access(path, os.R_OK):
        raise PlanError(f"can't open file {str(path.absolute())!r}: Permission denied")


def choose_python(asked: str | None, environment: Mapping[str, str]) -> str:
    """The interpreter to run: the one asked for, else ``$VIRTUAL_ENV``'s if jax lies in it, else our own.

    The last two are looked up in the file system, not started; the one asked for is asked for its version. Raises
    PlanError for one that cannot be run.
    """
    if asked:
        return _checked(_executable(asked, environment), asked)
    active = environment.get("VIRTUAL_ENV")
    if active:
        python = Path(active, "bin", "python")
        if os.access(python, os.X_OK) and jax_of(python) is not None:
            return str(python)
    return sys.executable


def jax_of(python: Path) -> str | None:
    """The version of jax in the environment of ``python``, by the folder names in its site-packages; None: none."""
    for prefix in _prefixes(python):
        for site in sorted(prefix.glob("lib*/python3*/*-packages")):
            if (site / "jax" / "__init__.py").exists():
                for found in site.glob("jax-*.dist-info"):
                    return found.name.removeprefix("jax-").removesuffix(".dist-info")
                return "unknown"
    return None


def has_package(python: str, package: str) -> bool:
    """Whether a folder of that name (``a/b`` for one inside) lies in the site-packages of a Python's environment."""
    sites = (site for prefix in _prefixes(Path(python)) for site in prefix.glob("lib*/python3*/*-packages"))
    return any((site / package).is_dir() for site in sites)


def _prefixes(python: Path) -> list[Path]:
    """Where the packages of a Python lie: its own folder, and its base's for an environment that looks there too."""
    own = python.parent.parent
    try:
        settings = (own / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return [own, own / "local"]
    values = {}
    for line in settings.splitlines():
        key, _, value = line.partition("=")
        values[key.strip().lower()] = value.strip()
    if values.get("include-system-site-packages", "").lower() == "true" and values.get("home"):
        base = Path(values["home"]).parent
        return [own, base, base / "local"]
    return [own]


def is_python_with_jax(python: str) -> bool:
    """Whether a run file's word for its Python can be started: any program at all may stand there."""
    path = Path(python)
    named = re.fullmatch(r"python[0-9.]*", path.name) is not None
    return path.is_absolute() and named and os.access(path, os.X_OK) and jax_of(path) is not None


def lend() -> dict[str, str]:
    """Pure-Python packages of ours that the engine may use when the script's Python lacks them: name → its folder."""
    lent = {}
    spec = importlib.util.find_spec("flatbuffers")
    if spec is not None and spec.origin is not None:
        lent["flatbuffers"] = str(Path(spec.origin).parent)
    return lent


def engine_command(
    python: str, config: Mapping[str, Any], boot: Path = ENGINE, words: Sequence[str] = ()
) -> list[str]:
    """``words``: the script's own arguments, beside CONFIG because one argument has a limit of 128 KiB."""
    return [python, str(boot), json.dumps(config, separators=(",", ":")), *words]


def _checked(python: str, asked: str) -> str:
    """The path of a program that answers as a Python of a version that the engine runs in. Raises PlanError."""
    question = "import sys; print('python', *sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-I", "-S", "-c", question], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PlanError(f"--python {asked}: cannot be started: {error}") from error
    answer = re.fullmatch(r"python (\d+) (\d+)", done.stdout.strip())
    if answer is None:
        raise PlanError(f"--python {asked}: not a Python; give the path of one, such as .venv/bin/python")
    version = int(answer[1]), int(answer[2])
    if version < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise PlanError(f"--python {asked}: Python {answer[1]}.{answer[2]}; {oldest} or newer is needed")
    return python


def _executable(asked: str, environment: Mapping[str, str]) -> str:
    candidates: Sequence[Path]
    if os.sep in asked:
        candidates = [Path(asked).absolute()]
    else:
        candidates = [Path(folder or ".", asked).absolute() for folder in environment.get("PATH", "").split(os.pathsep)]
    for path in candidates:
        if path.is_file() and os.access(path, os.X_OK):
            return str(path)
    folder = Path(asked, "bin", "python")
    if folder.is_file() and os.access(folder, os.X_OK):
        return str(folder.absolute())
    raise PlanError(f"--python {asked}: no such program; give the path of a Python, such as .venv/bin/python")
