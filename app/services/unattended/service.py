"""Installing, looking after and removing the agent: its plans carried out, and written down."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.errors import EnvironmentFault, UserError
from app.core.files import translate_os_error, write_atomically
from app.core.paths import LibraryPaths, log_directory
from app.core.secrets import SECRETS_FILE_VARIABLE
from app.domain.changes import Entity
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.unattended.launchd import Launchd
from app.services.unattended.plan import Agent, Manager, Plan, PlannedFile, Step, agent_of
from app.services.unattended.systemd import Systemd
from app.services.unattended.windows import Nssm, TaskScheduler
from app.storage.lease import LeaseHolder, holder_of

log = logging.getLogger(__name__)

# In the order of preference: NSSM before the scheduler.
MANAGERS: tuple[Manager, ...] = (Systemd(), Launchd(), Nssm(), TaskScheduler())
_STEP_S = 120.0
Planner = Callable[[Manager, Agent], Plan]


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """How the agent stands. ``enabled`` and ``running``: as its manager says, ``None`` where it cannot be asked.

    ``working`` is who does the library's background work now, the agent or somebody else.
    """

    installed: bool
    manager: str | None
    for_machine: bool | None
    name: str
    file: str | None
    enabled: bool | None
    running: bool | None
    working: LeaseHolder | None
    log: str


class AgentService:
    """The agent of one library on this computer. Any thread."""

    def __init__(self, door: Door, paths: LibraryPaths, managers: Sequence[Manager] = MANAGERS) -> None:
        self._door = door
        self._library = paths.root
        self._managers = managers

    def planned(self, actor: Actor, *, manager: str | None = None, for_machine: bool | None = None) -> Plan:
        """Return what :meth:`install` would do; for a named manager also where it is not here.

        Raises
        ------
        EnvironmentFault
            ``agent.no_manager``.
        """
        self._door.require(actor, Action.SETTINGS_VIEW)
        chosen = self._here() if manager is None else next(one for one in self._managers if one.name == manager)
        return chosen.install(self._agent(_is_administrator() if for_machine is None else for_machine))

    def install(self, actor: Actor, *, for_machine: bool | None = None) -> tuple[AgentStatus, tuple[str, ...]]:
        """Install or renew, and start; return how it stands then, and codes of what is to be known.

        Raises
        ------
        EnvironmentFault
            ``agent.no_manager``, ``agent.refused``; ``disk.permission`` and its kin.
        """
        self._door.require(actor, Action.SETTINGS_CHANGE)
        manager = self._here()
        agent = self._agent(_is_administrator() if for_machine is None else for_machine)
        notes = (*self._carry_out(manager.install(agent)), *self._warnings(agent))
        self._write_down(actor, "installed")
        return self.status(actor), notes

    def remove(self, actor: Actor) -> AgentStatus:
        """Stop and remove. Raises ``agent.not_installed``, and as :meth:`install`."""
        return self._change(actor, "removed", lambda manager, agent: manager.remove(agent))

    def start(self, actor: Actor) -> AgentStatus:
        """Start. Raises ``agent.not_installed``, and as :meth:`install`."""
        return self._change(actor, "started", lambda manager, agent: manager.start(agent))

    def stop(self, actor: Actor) -> AgentStatus:
        """Stop until it is started (or, but for Windows's scheduler, the machine is). Raises as :meth:`remove`."""
        return self._change(actor, "stopped", lambda manager, agent: manager.stop(agent))

    def status(self, actor: Actor) -> AgentStatus:
        """Return how it stands."""
        self._door.require(actor, Action.STATUS_VIEW)
        found = self._installed()
        working, folder = holder_of(self._library), str(log_directory())
        if found is None:
            here = next((manager.name for manager in self._managers if manager.is_here()), None)
            name = self._agent(False).name
            return AgentStatus(False, here, None, name, None, False, False, working, folder)
        manager, agent, states = found
        path = manager.file(agent)
        return AgentStatus(
            installed=True,
            manager=manager.name,
            for_machine=agent.for_machine,
            name=agent.name,
            file=str(path) if path else None,
            enabled=_says(states, manager.query(agent).enabled),
            running=_says(states, manager.query(agent).running),
            working=working,
            log=folder,
        )

    def _change(self, actor: Actor, what: str, plan: Planner) -> AgentStatus:
        self._door.require(actor, Action.SETTINGS_CHANGE)
        found = self._installed()
        if found is None:
            raise UserError("agent.not_installed")
        manager, agent, _states = found
        self._carry_out(plan(manager, agent))
        self._write_down(actor, what)
        return self.status(actor)

    def _agent(self, for_machine: bool) -> Agent:
        made = agent_of(self._library, for_machine=for_machine)
        return replace(made, account=account_of(self._library)) if for_machine else made

    def _warnings(self, agent: Agent) -> tuple[str, ...]:
        """Return what will not work: where nobody is signed in, an account's secret store stays shut."""
        with self._door.store.read():
            has_secrets = bool(self._door.store.secrets.names())
        shut = agent.for_machine and has_secrets and SECRETS_FILE_VARIABLE not in agent.environment
        return ("agent.no_secrets",) if shut else ()

    def _here(self) -> Manager:
        for manager in self._managers:
            if manager.is_here():
                return manager
        raise EnvironmentFault("agent.no_manager")

    def _installed(self) -> tuple[Manager, Agent, str | None] | None:
        """Return what was installed: its manager, its agent, and what the manager says of it."""
        for manager in self._managers:
            for for_machine in (False, True):
                agent = self._agent(for_machine)
                path = manager.file(agent)
                if path is not None and not path.exists():
                    continue
                states = _ask(manager.query(agent).command) if manager.is_here() else None
                if path is not None or states is not None:
                    return manager, agent, states
        return None

    def _carry_out(self, plan: Plan) -> tuple[str, ...]:
        for planned in plan.write:
            _write(planned)
        notes = []
        for step in plan.run:
            try:
                _run(step)
            except EnvironmentFault:
                if step.note is None:
                    raise
                notes += [step.note] if step.note else []
        for path in plan.remove:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise translate_os_error(error, path=str(path)) from error
        return tuple(notes)

    def _write_down(self, actor: Actor, what: str) -> None:
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            unit.audit(Entity.SETTING, "agent", what=what)


def _write(planned: PlannedFile) -> None:
    try:
        planned.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(planned.path, planned.content)
    except OSError as error:
        raise translate_os_error(error, path=str(planned.path)) from error


def _run(step: Step) -> None:
    """Run a command. Raises ``agent.refused`` with what it said."""
    line = subprocess.list2cmdline(step.command)
    log.info("agent: %s", step.command[:2])
    try:
        done = subprocess.run(step.command, capture_output=True, timeout=_STEP_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFault("agent.refused", command=line, said=type(error).__name__) from error
    if done.returncode:
        said = _text(done.stderr or done.stdout).strip()
        raise EnvironmentFault("agent.refused", command=line, said=said or str(done.returncode))


def _ask(command: tuple[str, ...]) -> str | None:
    """Return what a command says; ``None`` where it fails: the manager knows nothing of such a name."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=_STEP_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _text(done.stdout) if done.returncode == 0 else None


def _text(data: bytes) -> str:
    # NSSM writes UTF-16 without saying so.
    return data.replace(b"\0", b"").decode("utf-8", "replace")


def _says(text: str | None, words: frozenset[str]) -> bool | None:
    return None if text is None or not words else any(word in text for word in words)


def _is_administrator() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def account_of(library: Path) -> str:
    """Return whose library it is: the machine's service must not make files of root's there.

    Empty on Windows, whose services are given an account by name and password; a number where the account has no name.
    Raises ``disk.*`` where the library cannot be asked: better no service than one that works as root.
    """
    if sys.platform == "win32":
        return ""
    try:
        return library.owner()
    except KeyError:
        return str(library.stat().st_uid)
    except OSError as error:
        raise translate_os_error(error, path=str(library)) from error
