"""What installing the agent writes and runs, for each service manager, as text; systemd's checker too."""

from __future__ import annotations

import json
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.bootstrap.library import Library, open_library
from app.core.errors import EnvironmentFault, RefusedError, UserError
from app.core.logs import LOG_BYTES
from app.domain.roles import Actor, Role
from app.services.unattended.launchd import Launchd, property_list
from app.services.unattended.plan import NAME, Agent, Plan, PlannedFile, Query, Step, agent_of
from app.services.unattended.service import AgentService, account_of
from app.services.unattended.systemd import Systemd, unit
from app.services.unattended.windows import Nssm, TaskScheduler, task
from tests.supervisor import read_unit, words

ODD = Path('/srv/a "b" $HOME %h back\\slash ünï')
TASK = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}


def agent(library: Path = ODD, **more: object) -> Agent:
    command = (sys.executable, "-m", "app", "agent", "--existing", "--library", str(library))
    environment = {"BITEWING_SECRETS_FILE": "/srv/100 % secret.json"}
    return Agent(library, command, Path("/opt/bitewing"), environment, **more)  # type: ignore[arg-type]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        yield opened


def test_a_unit_gives_every_word_back_as_it_was() -> None:
    read = read_unit(unit(agent()))
    assert words(read["ExecStart"][0]) == list(agent().command)
    assert words(read["Environment"][0]) == ["BITEWING_SECRETS_FILE=/srv/100 % secret.json"]
    assert (read["Type"], read["Restart"]) == (["notify"], ["on-failure"])
    assert read["WantedBy"] == ["default.target"]
    # It never gives up.
    assert read["StartLimitIntervalSec"] == ["0"]


def test_the_machines_unit_runs_as_whose_library_it_is() -> None:
    read = read_unit(unit(agent(for_machine=True, account="clinic")))
    assert (read["User"], read["WantedBy"]) == (["clinic"], ["multi-user.target"])


@pytest.mark.parametrize("is_sound", [True, False])
def test_systemd_takes_the_unit(tmp_path: Path, is_sound: bool) -> None:
    checker = shutil.which("systemd-analyze")
    if checker is None:
        pytest.skip("systemd-analyze is not installed")
    text = unit(Agent(tmp_path, (sys.executable, "-m", "app", "agent"), tmp_path, {"A": "b c"}))
    path = tmp_path / "bitewing-agent.service"
    path.write_text(text if is_sound else text.replace("Type=notify", "Type=notfy").replace("[Unit]", "[Unitt]"))
    done = subprocess.run([checker, "verify", str(path)], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if path.name in line]
    assert (done.returncode == 0 and not said) is is_sound, done.stderr


def test_a_property_list_is_one() -> None:
    [written] = Launchd().install(agent()).write
    read = plistlib.loads(written.content)
    assert read == property_list(agent())
    assert read["ProgramArguments"] == list(agent().command)
    assert read["KeepAlive"] == {"SuccessfulExit": False}
    assert read["RunAtLoad"] is True
    assert read["EnvironmentVariables"] == {"BITEWING_SECRETS_FILE": "/srv/100 % secret.json"}


def test_a_task_is_xml_and_starts_again() -> None:
    made = ElementTree.fromstring(task(agent()).encode("utf-16"))
    assert made.findtext("t:Actions/t:Exec/t:Command", namespaces=TASK) == sys.executable
    arguments = made.findtext("t:Actions/t:Exec/t:Arguments", namespaces=TASK)
    assert arguments == subprocess.list2cmdline(agent().command[1:])
    assert made.findtext("t:Triggers/t:LogonTrigger/t:Repetition/t:Interval", namespaces=TASK) == "PT5M"
    assert made.findtext("t:Settings/t:MultipleInstancesPolicy", namespaces=TASK) == "IgnoreNew"
    stopped = [step.command[-1] for step in TaskScheduler().stop(agent()).run]
    assert stopped == ["/DISABLE", agent().name], "else the repetition would start it again"
    assert made.findtext("t:Settings/t:ExecutionTimeLimit", namespaces=TASK) == "PT0S"
    assert made.find("t:Triggers/t:LogonTrigger", TASK) is not None
    by_machine = ElementTree.fromstring(task(agent(for_machine=True)).encode("utf-16"))
    assert by_machine.find("t:Triggers/t:BootTrigger", TASK) is not None


@pytest.mark.parametrize(
    ("program", "wanted"),
    [
        (r"C:\Program Files\Bitewing\bitewing-cli.exe", r"C:\Program Files\Bitewing\Bitewing.exe"),
        (r"C:\venv\Scripts\python.exe", r"C:\venv\Scripts\pythonw.exe"),
        ("/usr/bin/python3", "/usr/bin/python3"),
    ],
)
def test_a_task_opens_no_console(program: str, wanted: str) -> None:
    made = ElementTree.fromstring(task(Agent(ODD, (program, "agent"))).encode("utf-16"))
    assert made.findtext("t:Actions/t:Exec/t:Command", namespaces=TASK) == wanted


def test_nssm_is_told_to_restart_stop_and_rotate() -> None:
    steps = [step.command for step in Nssm().install(agent()).run]
    name = agent().name
    assert steps[0] == ("nssm", "install", name, sys.executable)
    assert ("nssm", "set", name, "AppExit", "Default", "Restart") in steps
    assert ("nssm", "set", name, "AppRotateBytes", str(LOG_BYTES)) in steps
    assert steps[-1] == ("nssm", "start", name)
    assert [step.command[:2] for step in Nssm().remove(agent()).run] == [("nssm", "stop"), ("nssm", "remove")]


def test_names_tell_libraries_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BITEWING_LIBRARY", str(tmp_path))
    assert agent(tmp_path).name == NAME
    assert len({agent(tmp_path).name, agent(tmp_path / "a").name, agent(tmp_path / "b").name}) == 3


def test_the_command_is_one_that_runs(library: Library) -> None:
    made = agent_of(library.paths.root, for_machine=False)
    command = [*made.command[: made.command.index("agent")], "status", "--json", "--library", str(library.paths.root)]
    done = subprocess.run(command, cwd=made.folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)


@dataclass
class ShellManager:
    """A manager whose state is a file, reached by commands of the system as any other manager's is."""

    folder: Path
    name: str = "shell"
    install_fails: bool = False

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def is_here(self) -> bool:
        return True

    def file(self, made: Agent) -> Path:
        return self.folder / "units" / made.name

    def install(self, made: Agent) -> Plan:
        told = Step(
            ("sh", "-c", "echo no such thing >&2; exit 4"), note=None if self.install_fails else "agent.no_linger"
        )
        return Plan((PlannedFile(self.file(made), b"unit"),), (self._say("running enabled"), told))

    def remove(self, made: Agent) -> Plan:
        return Plan(run=(self._say("gone"),), remove=(self.file(made),))

    def start(self, _made: Agent) -> Plan:
        return Plan(run=(self._say("running enabled"),))

    def stop(self, _made: Agent) -> Plan:
        return Plan(run=(self._say("enabled"),))

    def query(self, _made: Agent) -> Query:
        return Query(("cat", str(self.state)), frozenset({"running"}), frozenset({"enabled"}))

    def _say(self, text: str) -> Step:
        return Step(("sh", "-c", f"echo {text} > '{self.state}'"))


@pytest.mark.skipif(sys.platform == "win32", reason="sh and cat")
def test_installed_started_stopped_removed(library: Library, tmp_path: Path) -> None:
    manager, owner = ShellManager(tmp_path), library.owner()
    service = AgentService(library.door, library.paths, [manager])
    with pytest.raises(UserError, match=r"agent\.not_installed"):
        service.start(owner)
    status, notes = service.install(owner)
    assert (status.installed, status.running, status.enabled, notes) == (True, True, True, ("agent.no_linger",))
    assert (status.file, status.working) == (str(manager.file(agent_of(library.paths.root, for_machine=False))), None)
    assert service.stop(owner).running is False
    assert service.start(owner).running is True
    assert service.remove(owner).installed is False
    assert not list((tmp_path / "units").iterdir())
    told = [entry.details.get("what") for entry in library.store.audit.stream() if entry.entity_id == "agent"]
    assert told == ["installed", "stopped", "started", "removed"]


@pytest.mark.skipif(sys.platform == "win32", reason="sh and cat")
def test_what_the_system_refuses_is_said(library: Library, tmp_path: Path) -> None:
    service = AgentService(library.door, library.paths, [ShellManager(tmp_path, install_fails=True)])
    with pytest.raises(EnvironmentFault, match=r"agent\.refused") as caught:
        service.install(library.owner())
    assert caught.value.facts["said"] == "no such thing"


@pytest.mark.skipif(sys.platform == "win32", reason="sh and cat")
def test_a_service_of_the_machine_says_what_it_cannot_read(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = AgentService(library.door, library.paths, [ShellManager(tmp_path)])
    library.settings.set(library.owner(), "backup.password", "a long enough password")
    assert "agent.no_secrets" not in service.install(library.owner(), for_machine=True)[1]
    monkeypatch.delenv("BITEWING_SECRETS_FILE")
    assert "agent.no_secrets" in service.install(library.owner(), for_machine=True)[1]
    assert "agent.no_secrets" not in service.install(library.owner(), for_machine=False)[1]


def test_without_a_manager_nothing_is_written(library: Library) -> None:
    service = AgentService(library.door, library.paths, [])
    with pytest.raises(EnvironmentFault, match=r"agent\.no_manager"):
        service.install(library.owner())
    assert service.status(library.owner()).installed is False


def test_only_who_may_change_settings_installs(library: Library) -> None:
    viewer = Actor("v", "v", Role.VIEWER, "here")
    for call in (library.agent.install, library.agent.remove, library.agent.start, library.agent.stop):
        with pytest.raises(RefusedError):
            call(viewer)
    assert library.agent.status(viewer).installed is False


def test_planning_works_for_every_manager_anywhere(library: Library) -> None:
    for name in ("systemd", "launchd", "nssm", "task"):
        plan = library.agent.planned(library.owner(), manager=name, for_machine=True)
        assert plan.run
    assert TaskScheduler().install(agent()).remove == (TaskScheduler().install(agent()).write[0].path,)
    assert Systemd().file(agent()).parts[-3:-1] == ("systemd", "user")


@pytest.mark.skipif(sys.platform == "win32", reason="accounts of services have passwords there")
def test_a_service_of_the_machine_is_the_librarys_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert account_of(tmp_path) == tmp_path.owner()
    # Without this the service would work as root.
    with pytest.raises(EnvironmentFault, match=r"file\.missing"):
        account_of(tmp_path / "gone")

    def nameless(_self: Path) -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(Path, "owner", nameless)
    assert account_of(tmp_path) == str(tmp_path.stat().st_uid)
