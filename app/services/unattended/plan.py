"""What installing the agent comes to, as data: files to write and commands to run. Nothing is done here."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.core.paths import default_library
from app.core.secrets import SECRETS_FILE_VARIABLE

NAME = "bitewing-agent"
# Seconds between a failure and the next start: an external drive may be mounted meanwhile.
RESTART_S = 10
# Whoever stops it waits so long for a clean end before killing.
STOP_S = 60
# The agent's loop turns many times a second; a whole two minutes of silence is a hang.
WATCHDOG_S = 120
_HANDED_ON = (SECRETS_FILE_VARIABLE, "BITEWING_LANGUAGE")


@dataclass(frozen=True, slots=True)
class Agent:
    """One library's agent as a service manager is to run it.

    ``folder`` is where it has to be started, ``None``: anywhere. ``account`` runs it where the machine starts it
    rather than the account's own sign-in.
    """

    library: Path
    command: tuple[str, ...]
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    for_machine: bool = False
    account: str = ""

    @property
    def name(self) -> str:
        """Its name among services: short for the usual library, with some letters of its own for others."""
        if self.library == _usual_library():
            return NAME
        return f"{NAME}-{hashlib.sha256(str(self.library).encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file to write whole."""

    path: Path
    content: bytes
    encoding: str = "utf-8"

    @property
    def text(self) -> str:
        """The content as people read it."""
        return self.content.decode(self.encoding)


@dataclass(frozen=True, slots=True)
class Step:
    """A command to run; ``note`` is the code of what to say when it fails where that is no failure of the whole."""

    command: tuple[str, ...]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Files to write, then commands to run, then files to remove."""

    write: tuple[PlannedFile, ...] = ()
    run: tuple[Step, ...] = ()
    remove: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """How to ask the manager for a state: a command, and how its answer reads (``None``: it cannot be said)."""

    command: tuple[str, ...]
    running: frozenset[str]
    enabled: frozenset[str]


class Manager(Protocol):
    """A kind of service manager. Pure but for :meth:`is_here`."""

    name: str

    def is_here(self) -> bool:
        """Whether it runs on this computer."""

    def file(self, agent: Agent) -> Path | None:
        """Return the file that installing writes; ``None`` where the manager keeps its own records."""

    def install(self, agent: Agent) -> Plan:
        """Return how to install and start."""

    def remove(self, agent: Agent) -> Plan:
        """Return how to stop and remove."""

    def start(self, agent: Agent) -> Plan:
        """Return how to start."""

    def stop(self, agent: Agent) -> Plan:
        """Return how to stop."""

    def query(self, agent: Agent) -> Query:
        """Return how to ask for the state."""


def agent_of(library: Path, *, for_machine: bool, account: str = "") -> Agent:
    """Return the agent of a library as this very program would run it."""
    command, folder = _program()
    environment = {name: os.environ[name] for name in _HANDED_ON if os.environ.get(name)}
    if sys.platform == "linux":
        # glibc's heap per thread keeps what each has used once; an agent has many threads that come and go.
        environment["MALLOC_ARENA_MAX"] = "2"
    arguments = ("agent", "--existing", "--library", str(library))
    return Agent(library, (*command, *arguments), folder, environment, for_machine, account)


def _program() -> tuple[tuple[str, ...], Path | None]:
    if getattr(sys, "frozen", False):
        # The window's program has no console, and so hears no signal on Windows.
        beside = Path(sys.executable).with_name("bitewing-cli" + Path(sys.executable).suffix)
        return (str(beside if beside.is_file() else sys.executable),), None
    # The folder that `app` is in: with -m it is found there, installed or not.
    return (sys.executable, "-m", "app"), Path(__file__).resolve().parents[3]


def _usual_library() -> Path:
    return default_library().expanduser().absolute()
