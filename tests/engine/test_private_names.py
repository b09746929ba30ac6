"""Private names of JAX stand in one package, so that a new JAX is met in one place."""

import ast
from pathlib import Path

import xlascope

ROOT = Path(xlascope.__file__).parent
COMPAT = ROOT / "engine" / "compat"


def _private(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        found += [name for name in modules if name.startswith(("jax._", "jaxlib."))]
    return found


def test_only_compat_imports_private_modules_of_jax():
    assert {str(path.relative_to(ROOT)): names for path in ROOT.rglob("*.py")
            if COMPAT not in path.parents and (names := _private(path))} == {}  # fmt: skip


def test_the_check_sees_what_compat_imports():
    assert {"jax._src.pjit", "jaxlib.mlir.ir"} <= {name for path in COMPAT.glob("*.py") for name in _private(path)}
