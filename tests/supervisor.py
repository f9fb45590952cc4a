"""A service manager for tests: does what a systemd unit says, as far as the agent's own unit says anything.

Starts and restarts on failure, listens to notifications, ends who is silent for too long, stops by SIGTERM. Reads the
unit that Bitewing writes, so that a mistake in it shows. Where systemd itself runs this is what it does.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


def read_unit(text: str) -> dict[str, list[str]]:
    """Return the values of a unit by key, specifiers resolved."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        key, is_pair, value = line.partition("=")
        if is_pair:
            found[key].append(value.replace("%%", "%"))
    return found


def words(value: str) -> list[str]:
    """Return a command line's words as systemd reads them."""
    return [_ESCAPE.sub(lambda byte: chr(int(byte[1], 16)), word.replace("$$", "$")) for word in shlex.split(value)]


class Supervisor:
    """Runs one unit. ``restart_s`` and ``watchdog_s`` shorten what the unit says."""

    def __init__(
        self,
        unit: str,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        restart_s: float | None = None,
        watchdog_s: float | None = None,
    ) -> None:
        read = read_unit(unit)
        assert read["Type"] == ["notify"]
        assert read["Restart"] == ["on-failure"]
        self._command = words(read["ExecStart"][0])
        self._folder = read["WorkingDirectory"][0] if read["WorkingDirectory"] else None
        self._restart_s = float(read["RestartSec"][0]) if restart_s is None else restart_s
        self._watchdog_s = float(read["WatchdogSec"][0]) if watchdog_s is None else watchdog_s
        self._stop_s = float(read["TimeoutStopSec"][0])
        given = dict(word.partition("=")[::2] for value in read["Environment"] for word in words(value))
        self._address = str(folder / "notify")
        self._wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._wire.bind(self._address)
        self._wire.settimeout(0.1)
        self._output = folder / "agent.output"
        self._environment = {**os.environ, **given, **(environment or {}), "NOTIFY_SOCKET": self._address}
        self._environment["WATCHDOG_USEC"] = str(int(self._watchdog_s * 1e6))
        self._wanted = threading.Event()
        self._over = False
        self.ready = threading.Event()
        self.process: subprocess.Popen[bytes] | None = None
        self.started: list[float] = []
        self.ended: list[int] = []
        self.hangs = 0
        self.told: list[str] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def start(self, timeout_s: float = 60.0) -> None:
        """Start and wait until it says that it is ready."""
        self.ready.clear()
        self._wanted.set()
        assert self.ready.wait(timeout_s), self._output.read_text() if self._output.exists() else "never started"

    def stop(self) -> float:
        """Stop as a service manager does; return how many seconds it took."""
        self._wanted.clear()
        process, began = self.process, time.monotonic()
        if process is not None:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(self._stop_s)
            took_s = time.monotonic() - began
            assert process.returncode == 0, (process.returncode, self.output())
            while len(self.ended) < len(self.started):
                time.sleep(0.01)
            return took_s
        return 0.0

    def kill(self) -> None:
        """End it as a power cut or the system's memory guard would."""
        self.ready.clear()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()

    def close(self) -> None:
        """Stop for good."""
        self._over = True
        self._wanted.clear()
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._thread.join(60)
        self._wire.close()
        Path(self._address).unlink(missing_ok=True)

    def output(self) -> str:
        """Return what it wrote on its streams."""
        return self._output.read_text("utf-8", "replace") if self._output.exists() else ""

    def _run(self) -> None:
        while not self._over:
            if not self._wanted.wait(0.1):
                continue
            with self._output.open("ab") as output:
                self.process = subprocess.Popen(
                    self._command, cwd=self._folder, env=self._environment, stdout=output, stderr=subprocess.STDOUT
                )
            self.started.append(time.monotonic())
            self._look_after(self.process)
            if self.process.returncode == 0:
                self._wanted.clear()
            self.ended.append(self.process.returncode)
            if self._wanted.is_set():
                time.sleep(self._restart_s)

    def _look_after(self, process: subprocess.Popen[bytes]) -> None:
        heard: float | None = None
        while process.poll() is None:
            try:
                said = self._wire.recv(4096).decode("utf-8").splitlines()
            except TimeoutError:
                said = []
            self.told += [line for line in said if line != "WATCHDOG=1"]
            if "READY=1" in said:
                self.ready.set()
            if said:
                heard = time.monotonic()
            if heard is not None and time.monotonic() - heard > self._watchdog_s:
                self.hangs += 1
                process.send_signal(signal.SIGABRT)
                process.wait(10)
