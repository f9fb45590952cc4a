"""The agent as a unit of systemd, the account's or the machine's."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable
from pathlib import Path

from app.services.unattended.plan import RESTART_S, STOP_S, WATCHDOG_S, Agent, Plan, PlannedFile, Query, Step

_MACHINE = Path("/etc/systemd/system")
_BOOTED = Path("/run/systemd/system")


class Systemd:
    """systemd. Its unit says ready and alive by itself (``Type=notify``), so a hang is noticed like a crash."""

    name = "systemd"

    def is_here(self) -> bool:
        """Whether this computer was started by systemd."""
        return _BOOTED.is_dir()

    def file(self, agent: Agent) -> Path:
        """Return the unit's file."""
        return (_MACHINE if agent.for_machine else _own_units()) / self._unit(agent)

    def install(self, agent: Agent) -> Plan:
        """Return how to install and start."""
        steps = [self._call(agent, "daemon-reload"), self._call(agent, "enable", "--now", self._unit(agent))]
        if not agent.for_machine:
            # Else an account's services begin and end with its sign-in.
            steps.append(Step(("loginctl", "enable-linger", getpass.getuser()), note="agent.no_linger"))
        return Plan((PlannedFile(self.file(agent), unit(agent).encode("utf-8")),), tuple(steps))

    def remove(self, agent: Agent) -> Plan:
        """Return how to stop and remove."""
        return Plan(run=(self._call(agent, "disable", "--now", self._unit(agent)),), remove=(self.file(agent),))

    def start(self, agent: Agent) -> Plan:
        """Return how to start."""
        return Plan(run=(self._call(agent, "start", self._unit(agent)),))

    def stop(self, agent: Agent) -> Plan:
        """Return how to stop."""
        return Plan(run=(self._call(agent, "stop", self._unit(agent)),))

    def query(self, agent: Agent) -> Query:
        """Return how to ask for the state."""
        asked = self._call(agent, "show", self._unit(agent), "--property=ActiveState,UnitFileState").command
        running = frozenset({"ActiveState=active", "ActiveState=reloading", "ActiveState=deactivating"})
        return Query(asked, running, frozenset({"UnitFileState=enabled", "UnitFileState=enabled-runtime"}))

    def _unit(self, agent: Agent) -> str:
        return f"{agent.name}.service"

    def _call(self, agent: Agent, *arguments: str) -> Step:
        return Step(("systemctl", *(() if agent.for_machine else ("--user",)), *arguments))


def unit(agent: Agent) -> str:
    """Return the unit's text."""
    environment = [f"Environment={_quoted(f'{name}={value}')}" for name, value in agent.environment.items()]
    lines = [
        "[Unit]",
        f"Description=Bitewing: background work of {_plain(str(agent.library))}",
        f"RequiresMountsFor={_quoted(str(agent.library))}",
        # It never gives up: a drive that comes back on Monday is found on Monday.
        "StartLimitIntervalSec=0",
        *(["Wants=network-online.target", "After=network-online.target"] if agent.for_machine else []),
        "",
        "[Service]",
        "Type=notify",
        "NotifyAccess=main",
        f"ExecStart={_command(agent.command)}",
        *([f"WorkingDirectory={_plain(str(agent.folder))}"] if agent.folder else []),
        *environment,
        *([f"User={agent.account}"] if agent.for_machine and agent.account else []),
        "Restart=on-failure",
        f"RestartSec={RESTART_S}",
        f"WatchdogSec={WATCHDOG_S}",
        "TimeoutStartSec=300",
        f"TimeoutStopSec={STOP_S}",
        "KillMode=mixed",
        "Nice=5",
        "NoNewPrivileges=yes",
        "",
        "[Install]",
        f"WantedBy={'multi-user.target' if agent.for_machine else 'default.target'}",
    ]
    return "\n".join(lines) + "\n"


def _own_units() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "systemd" / "user"


def _command(words: Iterable[str]) -> str:
    return " ".join(_quoted(word).replace("$", "$$") for word in words)


def _quoted(word: str) -> str:
    """Return a word as systemd reads it back: quoted, its specifiers and escapes doubled."""
    text = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_plain(text)}"'


def _plain(text: str) -> str:
    """Return text without specifiers, and on one line."""
    text = text.replace("%", "%%")
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
