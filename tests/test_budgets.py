"""The shape of the code base: sizes, the fixed top level, docstrings, imports where they belong."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "app"
MODULES = sorted(path for path in APP.rglob("*.py"))
MODULE_LINES = 500
CLASS_METHODS = 25
TOP_LEVEL = {
    "app",
    "resources",
    "installer",
    "tests",
    "pyproject.toml",
    "build_spec.spec",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    ".ci",
    ".gitignore",
}
ROOMS = {
    "backup",
    "bootstrap",
    "cli",
    "core",
    "demo",
    "domain",
    "imaging",
    "jobs",
    "services",
    "storage",
    "sync",
    "transfer",
    "ui",
    "words",
}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")
SHAPELESS = {"utils.py", "util.py", "helpers.py", "helper.py", "manager.py", "common.py", "misc.py"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("error", SyntaxWarning)
        return ast.parse(path.read_text("utf-8"))


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def _nested(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield imports inside functions."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    yield node


def test_no_module_is_too_long() -> None:
    sizes = {_name(path): _lines(path) for path in MODULES}
    real = [lines for lines in sizes.values() if lines > 10]
    print(f"{len(real)} modules, median {statistics.median(real):.0f} lines, longest {max(real)}")
    assert {name: lines for name, lines in sizes.items() if lines > MODULE_LINES} == {}


def test_no_class_has_too_many_methods() -> None:
    counts = {
        f"{_name(path)}:{node.name}": sum(
            isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) for item in node.body
        )
        for path in MODULES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ClassDef)
    }
    assert {name: count for name, count in counts.items() if count >= CLASS_METHODS} == {}


def test_top_level_is_as_fixed() -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    found = {line.partition("/")[0] for line in listing.stdout.splitlines()}
    assert found <= TOP_LEVEL
    assert {path.name for path in APP.iterdir() if path.is_dir() and path.name != "__pycache__"} <= ROOMS


def test_modules_say_what_they_are_for() -> None:
    silent = [_name(path) for path in MODULES if path.read_text("utf-8").strip() and not ast.get_docstring(_tree(path))]
    assert silent == []


def test_public_names_have_docstrings() -> None:
    bare = [
        f"{_name(path)}:{node.lineno} {node.name}"
        for path in MODULES
        if "migrations" not in path.parts
        for node in _tree(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    assert bare == []


def test_own_rooms_are_imported_at_the_top() -> None:
    """A hidden import of our own hides a dependency; heavy third-party ones may wait."""
    hidden = [
        f"{_name(path)}:{node.lineno}"
        for path in MODULES
        for node in _nested(_tree(path))
        if (isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").split(".")[0] == "app"))
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "app" for alias in node.names))
    ]
    assert hidden == []


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{_name(path)}:{number}"
        for path in [*MODULES, *sorted((ROOT / "installer").glob("*.py"))]
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert found == []


def test_modules_have_names_that_say_something() -> None:
    assert [_name(path) for path in MODULES if path.name in SHAPELESS] == []


def test_only_the_gui_command_reaches_the_window() -> None:
    reaching = {
        path.stem
        for path in (APP / "cli").glob("*.py")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "app.bootstrap.window"
    }
    assert reaching == {"gui"}
