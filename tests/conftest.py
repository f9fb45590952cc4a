"""Fixtures for every test: own folders, own secrets, shared test data where it is at hand."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long forms too")


# What these say of time would be untrue beside tests that work hard; they themselves wait most of the time.
WAITING = (
    "tests/integration/archive/test_browse_hostile.py",
    "tests/integration/archive/test_dimse_hostile.py",
    "tests/integration/archive/test_offline.py",
    "tests/integration/monitor/",
    "tests/integration/stores/test_bad_lines.py",
)
# What these say of time would be untrue beside any others.
ALONE = (
    "tests/integration/test_window_responsive.py",
    "tests/unit/imaging/child/",
    "tests/unit/jobs/",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        path = item.path.relative_to(ROOT).as_posix()
        if path.startswith(WAITING):
            item.add_marker(pytest.mark.waiting)
        if path.startswith(ALONE):
            item.add_marker(pytest.mark.alone)
    if config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="long form; runs with --long")
    for item in items:
        if "long" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def long_run(pytestconfig: pytest.Config) -> bool:
    """Whether the long forms were asked for."""
    return bool(pytestconfig.getoption("--long"))


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own home for data, settings, state, logs and secrets."""
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home" / variable.lower()))
    monkeypatch.setenv("BITEWING_SECRETS_FILE", str(tmp_path / "home-secrets.json"))
    monkeypatch.delenv("BITEWING_LIBRARY", raising=False)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real and hostile files that lies beside the repository, where there is one."""
    named = os.environ.get("BITEWING_TEST_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not (folder / "manifest.json").is_file():
        pytest.skip("the shared test data is not beside this repository (set BITEWING_TEST_DATA)")
    return folder


@pytest.fixture
def tool():
    """Return a function giving the path of a system tool; missing: fails in CI, skips elsewhere."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path:
            return path
        if os.environ.get("CI") and sys.platform == "linux":
            pytest.fail(f"{name} is missing; installer/test.py should have installed it")
        pytest.skip(f"{name} is not installed")

    return find
