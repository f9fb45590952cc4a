"""Makes the virtual environment and fills it with the pinned packages and Bitewing itself.

Standard library only: it runs before anything is installed. Says each step; safe to repeat; a
stamp in the environment makes the second start a matter of milliseconds.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
CONSTRAINTS = ROOT / "installer" / "constraints.txt"
PROJECT = ROOT / "pyproject.toml"
STAMP = "bitewing-stamp"


class PreparationFailed(Exception):
    """A step failed; the text says which and what to do."""


def say(text: str) -> None:
    """Print one step."""
    print(f"→ {text}", flush=True)


def environment_python(environment: Path = ENVIRONMENT) -> Path:
    """Return the interpreter inside the environment."""
    return environment / "Scripts" / "python.exe" if os.name == "nt" else environment / "bin" / "python"


def requirements(project: Path, *, with_tests: bool) -> list[str]:
    """Return what ``pyproject.toml`` asks for."""
    table = tomllib.loads(project.read_text("utf-8"))
    wanted = [*table["build-system"]["requires"], *table["project"]["dependencies"]]
    if with_tests:
        wanted += table["project"]["optional-dependencies"]["dev"]
    return wanted


def stamp_text(*, with_tests: bool) -> str:
    """Return what the stamp of an up-to-date environment says."""
    digest = hashlib.sha256()
    for path in (CONSTRAINTS, PROJECT):
        digest.update(path.read_bytes())
    digest.update(str(ROOT).encode())
    return f"{digest.hexdigest()} {'tests' if with_tests else 'program'}"


def is_prepared(*, with_tests: bool) -> bool:
    """Whether the environment holds everything already; one made for the tests serves the program too."""
    stamp = ENVIRONMENT / STAMP
    if not (stamp.is_file() and environment_python().exists()):
        return False
    return stamp.read_text("utf-8") in {stamp_text(with_tests=True), stamp_text(with_tests=with_tests)}


def prepare(*, with_tests: bool) -> Path:
    """Bring the environment up to date and return its interpreter.

    Raises
    ------
    PreparationFailed
        When a step failed.
    """
    if is_prepared(with_tests=with_tests):
        return environment_python()
    if not _works():
        _make()
    say("Installing packages (the first time this takes a few minutes)…")
    _pip("install", "--constraint", str(CONSTRAINTS), *requirements(PROJECT, with_tests=with_tests))
    say("Installing Bitewing itself…")
    # The build back end is there already: no second, hidden environment, no second download.
    _pip("install", "--no-build-isolation", "--no-deps", "--editable", str(ROOT))
    (ENVIRONMENT / STAMP).write_text(stamp_text(with_tests=with_tests), "utf-8")
    say("Ready.")
    return environment_python()


def _works() -> bool:
    """Whether the environment's interpreter runs (its base may have been removed) and has pip."""
    python = environment_python()
    if not python.exists():
        return False
    probe = [str(python), "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _make() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise PreparationFailed("This Python cannot make virtual environments; install its venv package and try again.")
    say(f"Making a virtual environment in {ENVIRONMENT.name}…")
    _run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], "The virtual environment could not be made.")


def _pip(*arguments: str) -> None:
    command = [str(environment_python()), "-m", "pip", "--disable-pip-version-check", *arguments, "--quiet"]
    _run(command, "pip could not install the packages; see above. Is the network there?")


def _run(command: list[str], failure: str) -> None:
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise PreparationFailed(f"{done.stdout.strip()}\n{failure}")
