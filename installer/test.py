"""The one command that checks everything: ``python3 installer/test.py [--long] [pytest arguments]``.

Installs what is missing into ``.venv``, then runs every check and, last, the tests; goes on after a
failed check so that one run shows all. Standard library only.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - this very check is for older ones
    sys.exit(f"Bitewing needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

import beside
import preparing
import system_packages

# Most tests wait for servers and children: two at a time halve the whole, more would disturb each other.
WORKERS = "2"
# They say themselves how long they took.
PYTEST_RUNS = ("tests", "tests that wait", "tests that run alone")


def main(arguments: list[str]) -> int:
    """Prepare, check and test; return the exit code."""
    try:
        system_packages.ensure(with_tests=True)
        beside.ensure(system_packages.installed())
        python = preparing.prepare(with_tests=True)
    except preparing.PreparationFailed as error:
        print(error, file=sys.stderr)
        return 1
    environment = {"CI": "1", **os.environ, "QT_QPA_PLATFORM": "offscreen"}
    failed = []
    for name, command in checks(python):
        if not _step(name, command, environment):
            failed.append(name)
    limited = permission_tests(preparing.ROOT / "tests")
    if limited and is_superuser() and shutil.which("setpriv"):
        # The superuser may write anywhere: these tests mean something only without that right.
        command = [*without_rights(), str(python), "-m", "pytest", "-q", *map(str, limited)]
        if not _step("tests without superuser rights", command, environment):
            failed.append("tests without superuser rights")
    for name in failed:
        print(f"✗ {name}", flush=True)
    for name, command in tests(python, arguments):
        if not _step(name, command, environment):
            failed.append(name)
    return 1 if failed else 0


def checks(python: Path) -> list[tuple[str, list[str]]]:
    """Return every check but the tests, with its command."""
    tools = python.parent
    return [
        ("ruff", [str(python), "-m", "ruff", "check", "--quiet", "."]),
        ("format", [str(python), "-m", "ruff", "format", "--check", "--quiet", "."]),
        ("types", [str(python), "-m", "mypy"]),
        ("architecture", [str(tools / "lint-imports")]),
        ("translations", [str(python), "installer/translations.py", "--check"]),
    ]


def tests(python: Path, arguments: list[str]) -> list[tuple[str, list[str]]]:
    """Return the runs of the tests: most two at a time, then those that measure time, in three runs.

    As asked where something is.
    """
    # The whole must stay under fifteen minutes: what takes longest is named.
    pytest = [str(python), "-m", "pytest", "--durations=25", "--durations-min=5"]
    if any(argument != "--long" for argument in arguments):
        return [("tests", [*pytest, *arguments])]
    return [
        ("tests", [*pytest, *arguments, "-m", "not (alone or waiting)", "-n", WORKERS]),
        ("tests that wait", [*pytest, *arguments, "-m", "waiting", "-n", WORKERS, "--dist", "loadfile"]),
        ("tests that run alone", [*pytest, *arguments, "-m", "alone"]),
    ]


def permission_tests(folder: Path) -> list[Path]:
    """Return the test files about what an account may not do."""
    return sorted(folder.rglob("test_*file_permissions*.py"))


def is_superuser() -> bool:
    """Whether file permissions do not bind this account."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def without_rights() -> list[str]:
    """Return the prefix that takes away the superuser's special rights, so that file permissions bind.

    Another account may not be able to reach this copy at all (a folder under /root); one without
    capabilities can, as the files' owner.
    """
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"]


def _step(name: str, command: list[str], environment: dict[str, str]) -> bool:
    preparing.say(f"{name}…")
    started = time.monotonic()
    code = subprocess.run(command, cwd=preparing.ROOT, env=environment, check=False).returncode
    if code < 0:
        # Tests that all passed can still end like this; without this line nothing would say so.
        print(f"✗ {name}: ended by signal {-code} ({signal.Signals(-code).name})", flush=True)
    if name not in PYTEST_RUNS:
        print(f"  {'✗' if code else '✓'} {name} ({time.monotonic() - started:.1f} s)", flush=True)
    return code == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
