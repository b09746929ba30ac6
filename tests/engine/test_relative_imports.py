"""What runs in the user's Python is `_xlascope` there: its modules find each other without the name `xlascope`."""

import ast
from pathlib import Path

import pytest

import xlascope

ROOT = Path(xlascope.__file__).parent


def _named(path: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    from_ = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return [name for name in plain + from_ if name.partition(".")[0] == "xlascope"]


@pytest.mark.parametrize("part", ["engine", "protocol", "stats"])
def test_no_module_imports_by_the_name_of_the_package(part):
    paths = list((ROOT / part).rglob("*.py"))
    assert paths
    assert {str(path.relative_to(ROOT)): names for path in paths if (names := _named(path))} == {}


def test_the_check_sees_what_others_import():
    assert any(name.startswith("xlascope.") for path in (ROOT / "tui").glob("*.py") for name in _named(path))
