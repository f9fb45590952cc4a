"""The agent on Windows: a service by NSSM where that is installed, else a task of the Task Scheduler."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

from app.core.logs import LOG_BYTES
from app.services.unattended.plan import RESTART_S, STOP_S, Agent, Plan, PlannedFile, Query, Step

# How soon the scheduler looks whether the agent runs still: an ISO 8601 duration, for ever.
_AGAIN = "PT5M"
_TASK_SPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"


class Nssm:
    """NSSM, which makes a service of any program: Ctrl+C to stop it, another start when it failed."""

    name = "nssm"

    def is_here(self) -> bool:
        """Whether NSSM is on the path."""
        return sys.platform == "win32" and shutil.which("nssm") is not None

    def file(self, _agent: Agent) -> Path | None:
        """Return nothing: services stand in the registry."""
        return None

    def install(self, agent: Agent) -> Plan:
        """Return how to install and start."""
        program, *arguments = agent.command
        told = {
            "AppParameters": subprocess.list2cmdline(arguments),
            "DisplayName": f"Bitewing agent ({agent.library.name})",
            "Description": f"Bitewing: background work of {agent.library}",
            "Start": "SERVICE_DELAYED_AUTO_START",
            "AppRestartDelay": str(RESTART_S * 1000),
            "AppStopMethodConsole": str(STOP_S * 1000),
            "AppRotateFiles": "1",
            "AppRotateBytes": str(LOG_BYTES),
        }
        if agent.folder is not None:
            told["AppDirectory"] = str(agent.folder)
        steps = [Step(("nssm", "install", agent.name, program))]
        steps += [Step(("nssm", "set", agent.name, key, value)) for key, value in told.items()]
        # Only what failed is started again: a clean end was somebody's wish.
        steps += [Step(("nssm", "set", agent.name, "AppExit", "Default", "Restart"))]
        steps += [Step(("nssm", "set", agent.name, "AppExit", "0", "Exit"))]
        if agent.environment:
            pairs = tuple(f"{name}={value}" for name, value in agent.environment.items())
            steps.append(Step(("nssm", "set", agent.name, "AppEnvironmentExtra", *pairs)))
        return Plan(run=(*steps, *self.start(agent).run))

    def remove(self, agent: Agent) -> Plan:
        """Return how to stop and remove."""
        stopped = Step(("nssm", "stop", agent.name), note="")
        return Plan(run=(stopped, Step(("nssm", "remove", agent.name, "confirm"))))

    def start(self, agent: Agent) -> Plan:
        """Return how to start."""
        return Plan(run=(Step(("nssm", "start", agent.name)),))

    def stop(self, agent: Agent) -> Plan:
        """Return how to stop."""
        return Plan(run=(Step(("nssm", "stop", agent.name)),))

    def query(self, agent: Agent) -> Query:
        """Return how to ask for the state."""
        return Query(("nssm", "status", agent.name), frozenset({"SERVICE_RUNNING"}), frozenset({"SERVICE_"}))


class TaskScheduler:
    """Windows's own scheduler: at sign-in, or with the machine.

    To it every program that ended has done its work, so that it restarts none: the agent's start is repeated instead,
    and does nothing while it runs. Whoever stops it therefore switches the task off.
    """

    name = "task"

    def is_here(self) -> bool:
        """Whether this is Windows."""
        return sys.platform == "win32"

    def file(self, _agent: Agent) -> Path | None:
        """Return nothing: the scheduler keeps its own records."""
        return None

    def install(self, agent: Agent) -> Plan:
        """Return how to install and start."""
        path = Path(tempfile.gettempdir()) / f"{agent.name}.xml"
        make = Step(("schtasks", "/Create", "/TN", agent.name, "/XML", str(path), "/F"))
        # With its byte order mark, as the scheduler wants it.
        written = PlannedFile(path, task(agent).encode("utf-16"), "utf-16")
        return Plan((written,), (make, Step(("schtasks", "/Run", "/TN", agent.name))), (path,))

    def remove(self, agent: Agent) -> Plan:
        """Return how to stop and remove."""
        ended = Step(("schtasks", "/End", "/TN", agent.name), note="")
        return Plan(run=(ended, Step(("schtasks", "/Delete", "/TN", agent.name, "/F"))))

    def start(self, agent: Agent) -> Plan:
        """Return how to start."""
        switched = Step(("schtasks", "/Change", "/TN", agent.name, "/ENABLE"))
        return Plan(run=(switched, Step(("schtasks", "/Run", "/TN", agent.name))))

    def stop(self, agent: Agent) -> Plan:
        """Return how to stop. The scheduler knows no clean way: what was under way goes on at the next start."""
        switched = Step(("schtasks", "/Change", "/TN", agent.name, "/DISABLE"))
        return Plan(run=(switched, Step(("schtasks", "/End", "/TN", agent.name), note="")))

    def query(self, agent: Agent) -> Query:
        """Return how to ask for the state; most of it is said in the language of Windows, so not read here."""
        return Query(("schtasks", "/Query", "/TN", agent.name, "/XML", "ONE"), frozenset(), frozenset())


def task(agent: Agent) -> str:
    """Return the task as XML."""
    root = ElementTree.Element("Task", {"version": "1.3", "xmlns": _TASK_SPACE})

    def put(parent: ElementTree.Element, name: str, text: str = "") -> ElementTree.Element:
        child = ElementTree.SubElement(parent, name)
        child.text = text or None
        return child

    account = agent.account or _account()
    about = put(root, "RegistrationInfo")
    put(about, "Description", f"Bitewing: background work of {agent.library}")
    put(about, "URI", f"\\{agent.name}")
    trigger = put(put(root, "Triggers"), "BootTrigger" if agent.for_machine else "LogonTrigger")
    put(trigger, "Enabled", "true")
    put(put(trigger, "Repetition"), "Interval", _AGAIN)
    if not agent.for_machine:
        put(trigger, "UserId", account)
    principal = put(put(root, "Principals"), "Principal")
    principal.set("id", "Author")
    put(principal, "UserId", account)
    put(principal, "LogonType", "S4U" if agent.for_machine else "InteractiveToken")
    put(principal, "RunLevel", "LeastPrivilege")
    settings = put(root, "Settings")
    for name, value in (
        ("MultipleInstancesPolicy", "IgnoreNew"),
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
        ("StartWhenAvailable", "true"),
        ("ExecutionTimeLimit", "PT0S"),
        ("Priority", "8"),
    ):
        put(settings, name, value)
    actions = put(root, "Actions")
    actions.set("Context", "Author")
    run = put(actions, "Exec")
    program, *arguments = agent.command
    put(run, "Command", _without_console(program))
    put(run, "Arguments", subprocess.list2cmdline(arguments))
    if agent.folder is not None:
        put(run, "WorkingDirectory", str(agent.folder))
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-16"?>\n{text}\n'


def _without_console(program: str) -> str:
    """Return the program's twin that opens no black window on somebody's desk."""
    twins = {"python.exe": "pythonw.exe", "bitewing-cli.exe": "Bitewing.exe"}
    path = PureWindowsPath(program)
    twin = twins.get(path.name.lower())
    return str(path.with_name(twin)) if twin else program


def _account() -> str:
    domain = os.environ.get("USERDOMAIN")
    name = getpass.getuser()
    return f"{domain}\\{name}" if domain else name
