"""The agent under macOS's launchd: an account's agent, or a daemon of the machine."""

from __future__ import annotations

import os
import plistlib
import sys
from pathlib import Path
from typing import Any

from app.services.unattended.plan import RESTART_S, STOP_S, Agent, Plan, PlannedFile, Query, Step

_PREFIX = "org.bitewing."
_DAEMONS = Path("/Library/LaunchDaemons")


class Launchd:
    """launchd. It restarts what ends with another code than 0."""

    name = "launchd"

    def is_here(self) -> bool:
        """Whether this is macOS."""
        return sys.platform == "darwin"

    def file(self, agent: Agent) -> Path:
        """Return the property list's file."""
        folder = _DAEMONS if agent.for_machine else Path.home() / "Library" / "LaunchAgents"
        return folder / f"{label(agent)}.plist"

    def install(self, agent: Agent) -> Plan:
        """Return how to install and start."""
        path = self.file(agent)
        written = PlannedFile(path, plistlib.dumps(property_list(agent), sort_keys=False))
        return Plan(
            (written,),
            (
                Step(("launchctl", "bootstrap", _domain(agent), str(path))),
                Step(("launchctl", "enable", _target(agent))),
            ),
        )

    def remove(self, agent: Agent) -> Plan:
        """Return how to stop and remove."""
        return Plan(run=self.stop(agent).run, remove=(self.file(agent),))

    def start(self, agent: Agent) -> Plan:
        """Return how to start."""
        # Stopped it is not known any more; known already is no failure.
        known = Step(("launchctl", "bootstrap", _domain(agent), str(self.file(agent))), note="")
        return Plan(run=(known, Step(("launchctl", "kickstart", _target(agent)))))

    def stop(self, agent: Agent) -> Plan:
        """Return how to stop."""
        return Plan(run=(Step(("launchctl", "bootout", _target(agent))),))

    def query(self, agent: Agent) -> Query:
        """Return how to ask for the state."""
        return Query(("launchctl", "print", _target(agent)), frozenset({"state = running"}), frozenset({"state ="}))


def label(agent: Agent) -> str:
    """Return the name launchd knows it by."""
    return f"{_PREFIX}{agent.name}"


def property_list(agent: Agent) -> dict[str, Any]:
    """Return the property list."""
    found: dict[str, Any] = {
        "Label": label(agent),
        "ProgramArguments": list(agent.command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": RESTART_S,
        "ExitTimeOut": STOP_S,
        "ProcessType": "Background",
    }
    if agent.folder is not None:
        found["WorkingDirectory"] = str(agent.folder)
    if agent.environment:
        found["EnvironmentVariables"] = dict(agent.environment)
    if agent.for_machine and agent.account:
        found["UserName"] = agent.account
    return found


def _domain(agent: Agent) -> str:
    if agent.for_machine or not hasattr(os, "getuid"):
        return "system"
    return f"gui/{os.getuid()}"


def _target(agent: Agent) -> str:
    return f"{_domain(agent)}/{label(agent)}"
