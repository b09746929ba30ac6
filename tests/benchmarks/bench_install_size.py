"""How much disk an installation takes beyond JAX: the sizes of what pip put beside it, by its own list of files.

    python tests/benchmarks/bench_install_size.py

Counts the distributions that xlascope requires, directly or not, less those that jax requires. xlascope's own files
are counted from its package folder, so that an editable installation gives the same number.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import xlascope

_NAME = re.compile(r"^[A-Za-z0-9._-]+")


def required(name: str, seen: dict[str, metadata.Distribution] | None = None) -> dict[str, metadata.Distribution]:
    """All installed distributions that `name` needs, extras left out, itself included."""
    seen = {} if seen is None else seen
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return seen
    try:
        seen[key] = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return seen  # needed on another platform or Python only
    for requirement in seen[key].requires or ():
        if "extra ==" not in requirement:
            required(_NAME.match(requirement).group(), seen)
    return seen


def folder_bytes(folder: Path) -> int:
    """Bytes of the files of a package, without bytecode and the folders of tools (hidden ones)."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sum(
        path.stat().st_size for path in paths if not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )


def distribution_bytes(distribution: metadata.Distribution) -> int:
    """Bytes of the files pip recorded, compiled Python files included as pip writes them."""
    paths = (Path(str(distribution.locate_file(file))) for file in distribution.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file())


def main() -> None:
    beyond = required("xlascope")
    for name in (*required("jax"), *required("jaxlib")):
        beyond.pop(name, None)
    beyond.pop("xlascope")
    sizes = {name: distribution_bytes(distribution) for name, distribution in beyond.items()}
    # pip compiles each source file; its bytecode is about as large.
    sizes["xlascope"] = 2 * folder_bytes(Path(xlascope.__file__).parent)
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        print(f"  {size / 1e6:6.2f} MB  {name}")
    total = sum(sizes.values())
    print(f"beyond JAX: {total / 1e6:.1f} MB; target 40 MB at most, ratio {total / 40e6:.2f}")


if __name__ == "__main__":
    main()
