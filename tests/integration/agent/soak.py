"""Weather for the agent: servers that come and go, images that arrive, kills, stops, windows; and what is measured."""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import psutil

from tests.integration.import_material import radiograph
from tests.servers import OrthancServer
from tests.store_servers import running
from tests.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[3]
_PATIENTS = 20


class Server(Protocol):
    """Something that can be away."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Ftp:
    """A vsftpd whose configuration is there already."""

    def __init__(self, program: str, folder: Path, port: int) -> None:
        self._command, self._log, self._port = [program, str(folder / "vsftpd.conf")], folder / "output.log", port
        self._block = None

    def start(self) -> None:
        self._block = running(self._command, self._log, self._port)
        self._block.__enter__()

    def stop(self) -> None:
        if self._block is not None:
            self._block.__exit__(None, None, None)
            self._block = None


class Gate:
    """A way to a server that keeps its data in memory: shut, nobody gets through and who was through is cut off."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    def start(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _listen(self, listener: socket.socket) -> None:
        while True:
            try:
                caller, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(caller,), daemon=True).start()

    def _carry(self, caller: socket.socket) -> None:
        with caller, suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as server:
            ends = {caller: server, server: caller}
            with self._lock:
                self._open += ends
            try:
                while True:
                    for source in select.select(list(ends), [], [])[0]:
                        block = source.recv(1 << 16)
                        if not block:
                            return
                        ends[source].sendall(block)
            finally:
                with self._lock:
                    for one in ends:
                        self._open.remove(one)


@dataclass(frozen=True)
class Plan:
    """How long and how rough. Times in seconds; ``kills_until`` is a part of the whole, after it nobody is killed."""

    seconds: float
    up: tuple[float, float]
    down: tuple[float, float]
    arrivals: tuple[float, float]
    troubles: tuple[float, float]
    kills_until: float
    rest_s: float
    idle_s: float
    real_windows: bool = False


@dataclass
class Figures:
    """What was seen."""

    arrived: int = 0
    outages: int = 0
    kills: int = 0
    windows: int = 0
    stops_s: list[float] = field(default_factory=list)
    # (seconds since the start, process, resident bytes)
    memory: list[tuple[float, int, int]] = field(default_factory=list)
    children: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    idle_percent: float = 0.0

    def slope(self, warm_s: float) -> tuple[float, float, float]:
        """Return KiB per hour over the longest life of one process, how long that was, and its last size in MiB."""
        lives: dict[int, list[tuple[float, int]]] = {}
        for at, pid, size in self.memory:
            lives.setdefault(pid, []).append((at, size))
        life = max(lives.values(), key=lambda samples: samples[-1][0] - samples[0][0])
        steady = [(at, size) for at, size in life if at - life[0][0] >= warm_s]
        if len(steady) < 3:
            return 0.0, 0.0, life[-1][1] / (1 << 20)
        at, size = np.array(steady, dtype=float).T
        return float(np.polyfit(at, size, 1)[0]) * 3600 / 1024, at[-1] - at[0], size[-1] / (1 << 20)


class Soak:
    """One run. Threads of its own make the weather; whoever calls :meth:`run` waits it out."""

    def __init__(
        self,
        plan: Plan,
        supervisor: Supervisor,
        servers: list[Server],
        drop: Path,
        stock: Path,
        library: Path,
        seed: int,
    ) -> None:
        self._plan, self._supervisor, self._servers = plan, supervisor, servers
        self._drop, self._stock, self._library = drop, stock, library
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._faults: list[Exception] = []
        self.figures = Figures()

    def run(self) -> None:
        """Make weather for the planned time, then let every server stay up."""
        self._began = time.monotonic()
        works: list[Callable[[], None]] = [self._bring, self._trouble, self._measure]
        works += [lambda server=server: self._weather(server) for server in self._servers]
        threads = [threading.Thread(target=self._guarded, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        self._over.wait(self._plan.seconds)
        self._over.set()
        for thread in threads:
            thread.join()
        if self._faults:
            raise self._faults[0]

    def idle(self) -> None:
        """Measure what the agent costs while there is nothing to do; what follows a delivery (a copy of the
        catalogue beside the images, say) may come to its end first."""
        time.sleep(self._plan.rest_s)
        process = psutil.Process(self._supervisor.process.pid)
        family = [process, *process.children(recursive=True)]
        before = sum(sum(one.cpu_times()[:2]) for one in family)
        time.sleep(self._plan.idle_s)
        spent = sum(sum(one.cpu_times()[:2]) for one in family if one.is_running()) - before
        self.figures.idle_percent = 100 * spent / self._plan.idle_s

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - told by run()
            self._faults.append(error)
            self._over.set()

    def _sleep(self, span: tuple[float, float]) -> bool:
        """Wait a while; ``True`` when all is over."""
        return self._over.wait(self._chance.uniform(*span))

    def _weather(self, server: Server) -> None:
        while not self._sleep(self._plan.up):
            server.stop()
            self.figures.outages += 1
            self._sleep(self._plan.down)
            server.start()

    def _bring(self) -> None:
        while not self._sleep(self._plan.arrivals):
            number = self.figures.arrived
            patient = number % _PATIENTS
            identity = {"PatientID": f"P{patient}", "PatientName": f"Family{patient}^Given", "StudyInstanceUID": None}
            made = radiograph(self._stock / f"{number:05}.dcm", number, **identity)
            made.rename(self._drop / made.name)
            self.figures.arrived += 1

    def _trouble(self) -> None:
        turn = 0
        while not self._sleep(self._plan.troubles):
            turn += 1
            kills = time.monotonic() - self._began < self._plan.kills_until * self._plan.seconds
            if turn % 3 == 0 or not kills:
                self._window(real=self._plan.real_windows and turn % 2 == 0)
            elif turn % 3 == 1:
                self._supervisor.kill()
                self.figures.kills += 1
                assert self._supervisor.ready.wait(60), self._supervisor.output()
            else:
                self.figures.stops_s.append(self._supervisor.stop())
                self._supervisor.start()

    def _window(self, *, real: bool) -> None:
        """Open a window for a while: the real one, which is then ended hard, or its background, ended cleanly."""
        driver = [sys.executable, "-m", "tests.integration.agent.window_driver", str(self._library)]
        command = [sys.executable, "-m", "app", "gui", "--library", str(self._library)] if real else driver
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
        environment.pop("NOTIFY_SOCKET", None)
        window = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
        self.figures.windows += 1
        self._sleep(self._plan.troubles)
        if not real and window.poll() is None:
            time.sleep(0 if self._over.is_set() else 1)
        window.send_signal(signal.SIGTERM)
        _out, errors = window.communicate(timeout=30)
        assert window.returncode in (0, -signal.SIGTERM), errors.decode()

    def _measure(self) -> None:
        step_s = min(10.0, self._plan.seconds / 20)
        while not self._over.wait(step_s):
            running_now = self._supervisor.process
            if running_now is None:
                continue
            with suppress(psutil.Error):
                process = psutil.Process(running_now.pid)
                with process.oneshot():
                    at = time.monotonic() - self._began
                    self.figures.memory.append((at, process.pid, process.memory_info().rss))
                    self.figures.threads.append(process.num_threads())
                    self.figures.files.append(process.num_fds())
                self.figures.children.append(sum(one.memory_info().rss for one in process.children(recursive=True)))


def all_up(servers: list[Server]) -> None:
    """Start every server."""
    for server in servers:
        server.start()


__all__ = ["Figures", "Ftp", "Gate", "OrthancServer", "Plan", "Server", "Soak", "all_up"]
