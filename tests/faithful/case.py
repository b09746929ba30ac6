"""One script of the corpus and what its header says about it."""

from __future__ import annotations

import ast
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parents[1] / "corpus"
_DIRECTIVE = re.compile(r"^# (captured|argv|stdin|env|normalise|pty|launch|needs): ?(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    """How a script is run twice, under Python and under xlascope, and what must be captured.

    Directives, each a comment line of the script: `captured: NAME, NAME` (or `none`), `argv: …`, `stdin: LITERAL` (or
    `closed`), `env: KEY=VALUE`, `normalise: REGEX` (what differs between two plain runs already), `pty: also`,
    `launch: -m MODULE …` or `launch: FOLDER`, `needs: MODULE`.
    """

    path: Path
    captured: tuple[str, ...] | None = None
    argv: tuple[str, ...] = ()
    stdin: bytes | None = b""
    """What is on standard input; None is a closed one."""
    env: tuple[tuple[str, str], ...] = ()
    normalise: tuple[str, ...] = ()
    pty: bool = False
    launch: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The path below the corpus folder."""
        return str(self.path.relative_to(CORPUS))

    @property
    def command(self) -> list[str]:
        """What follows `python` or `xlascope record`: options, script and arguments."""
        if not self.launch:
            return [str(self.path), *self.argv]
        places = {"FOLDER": str(self.path.parent), "SCRIPT": str(self.path)}
        return [places.get(word, word) for word in self.launch] + list(self.argv)

    def environment(self) -> dict[str, str]:
        """The environment of both runs: ours without JAX's, XLA's and the test runner's variables."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("JAX_", "XLA_", "PYTEST_", "PYTHON", "COV"))}
        kept.pop("VIRTUAL_ENV", None)
        return kept | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(CORPUS / "plain")} | dict(self.env)

    def same(self, text: bytes) -> bytes:
        """`text` without what differs between two plain runs."""
        for pattern in self.normalise:
            text = re.sub(pattern.encode(), b"#", text)
        return text


def read_case(path: Path) -> Case:
    """The case of a script, by the directives in its source (any encoding)."""
    found: dict[str, list[str]] = {}
    for key, value in _DIRECTIVE.findall(path.read_bytes().decode("utf-8", "replace")):
        found.setdefault(key, []).append(value.strip())
    captured = found.get("captured")
    names = [] if captured == ["none"] else [n.strip() for line in captured or () for n in line.split(",")]
    return Case(
        path,
        captured=None if captured is None else tuple(sorted(names)),
        argv=tuple(word for line in found.get("argv", ()) for word in shlex.split(line)),
        stdin=_stdin(found.get("stdin", ['""'])[0]),
        env=tuple((line.partition("=")[0], line.partition("=")[2]) for line in found.get("env", ())),
        normalise=tuple(found.get("normalise", ())),
        pty=found.get("pty") == ["also"],
        launch=tuple(word for line in found.get("launch", ()) for word in line.split()),
        needs=tuple(word for line in found.get("needs", ()) for word in line.split()),
    )


def _stdin(value: str) -> bytes | None:
    if value == "closed":
        return None
    literal, _, times = value.partition(" * ")
    return ast.literal_eval(literal).encode("latin-1") * int(times or 1)


def cases(folder: str) -> list[Case]:
    """All cases of a folder of the corpus, sorted; files whose first line is `# not a script` are parts of others."""
    paths = sorted((CORPUS / folder).rglob("*.py"))
    return [read_case(path) for path in paths if not path.read_bytes().startswith(b"# not a script")]
