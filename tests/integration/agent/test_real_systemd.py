"""The agent under systemd itself: a manager of our own in a mount namespace, where the superuser may have one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap.library import open_library

ROOT = Path(__file__).resolve().parents[3]
SYSTEMD = Path("/lib/systemd/systemd")
_GROUPS = ("systemd", "unified", "")
# A /run of its own, where systemd seems to have started the computer; nobody else sees it.
_ENTER = """
set -e
for group in $GROUPS; do mkdir -p $group; echo $$ > $group/cgroup.procs; done
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR"
chmod 700 "$XDG_RUNTIME_DIR"
exec "$0" --user --log-target=console
"""


@dataclass
class UserSystemd:
    """A running manager; commands are run where its sockets are seen."""

    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        inside = ["nsenter", "-t", str(self.process.pid), "-m", f"--wd={ROOT}", *command]
        return subprocess.run(inside, env=self.environment, capture_output=True, text=True, check=False, timeout=60)

    def show(self, unit: str, name: str) -> str:
        return self.run("systemctl", "--user", "show", unit, f"--property={name}", "--value").stdout.strip()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[UserSystemd]:
    tools = [shutil.which(name) for name in ("unshare", "nsenter", "systemctl")]
    if sys.platform != "linux" or os.geteuid() != 0 or not SYSTEMD.exists() or None in tools:
        pytest.skip("needs systemd and the superuser")
    bases = [Path("/sys/fs/cgroup") / group for group in _GROUPS]
    homes = [base / f"bitewing-test-{os.getpid()}" for base in bases if (base / "cgroup.procs").exists()]
    environment = {**os.environ, "XDG_RUNTIME_DIR": "/run/user/0", "GROUPS": " ".join(map(str, homes))}
    command = ["unshare", "-m", "--propagation", "private", "sh", "-c", _ENTER, str(SYSTEMD)]
    log = tmp_path / "systemd.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    made = UserSystemd(process, environment)
    try:
        deadline = time.monotonic() + 15
        while made.run("systemctl", "--user", "is-system-running").stdout.strip() not in {"running", "degraded"}:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"no systemd can be had here: {log.read_text()[-300:]}")
            time.sleep(0.1)
        yield made
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        for home in homes:
            for folder in [*sorted(home.rglob("*/"), key=lambda path: -len(path.parts)), home]:
                with suppress(OSError):
                    folder.rmdir()


def _until(true: Callable[[], Any], seconds: float) -> float:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "not in time"
        time.sleep(0.1)
    return time.monotonic() - began


def test_installed_killed_hung_stopped_started_removed(manager: UserSystemd, tmp_path: Path) -> None:
    root = tmp_path / "a library with spaces, $HOME and 100 %"
    with open_library(root, create=True):
        pass

    def agent(*words: str) -> dict[str, Any]:
        done = manager.run(sys.executable, "-m", "app", "agent", *words, "--library", str(root), "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    unit = f"{agent('status')['name']}.service"
    short = Path(os.environ["XDG_CONFIG_HOME"]) / "systemd" / "user" / f"{unit}.d" / "short.conf"
    short.parent.mkdir(parents=True)
    short.write_text("[Service]\nWatchdogSec=4\nRestartSec=0.3\n")
    installed = agent("install", "--account")
    assert (installed["installed"], installed["running"], installed["enabled"]) == (True, True, True)
    assert Path(installed["file"]).read_text().startswith("[Unit]")

    def pid() -> int:
        return int(manager.show(unit, "MainPID"))

    def restarts() -> int:
        return int(manager.show(unit, "NRestarts"))

    _until(lambda: manager.show(unit, "StatusText") == "working", 10)
    assert agent("status")["working"] == {"kind": "agent", "pid": pid()}
    os.kill(pid(), signal.SIGKILL)
    killed_s = _until(lambda: restarts() == 1 and manager.show(unit, "ActiveState") == "active", 20)
    _until(lambda: manager.show(unit, "StatusText") == "working", 10)
    os.kill(pid(), signal.SIGSTOP)
    hung_s = _until(lambda: restarts() == 2 and manager.show(unit, "ActiveState") == "active", 30)
    began = time.monotonic()
    assert agent("stop")["running"] is False
    stopped_s = time.monotonic() - began
    assert (manager.show(unit, "Result"), manager.show(unit, "ExecMainStatus")) == ("success", "0")
    time.sleep(1)
    assert manager.show(unit, "ActiveState") == "inactive", "what was stopped on purpose stays stopped"
    assert agent("start")["running"] is True
    removed = agent("remove")
    assert (removed["installed"], removed["running"]) == (False, False)
    assert manager.show(unit, "MainPID") == "0"
    print(f"systemd: back {killed_s:.1f} s after a kill, {hung_s:.1f} s after a hang; stopped in {stopped_s:.1f} s")
