"""Running the command line as scripts do, watching the memory of every process it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """What one command printed and cost."""

    exit_code: int
    out: str
    errors: str
    seconds: float
    peak_bytes: int

    def json(self) -> Any:
        """Return standard output as the one JSON document that it must be."""
        return json.loads(self.out)


def bitewing(*arguments: str | Path, library: Path | None = None, stdin: str = "", timeout_s: float = 300) -> Run:
    """Run ``bitewing`` and return what came of it; ``peak_bytes`` is the largest process's resident size."""
    command = [sys.executable, "-P", "-m", "app", *map(str, arguments)]
    environment = dict(os.environ)
    if library is not None:
        environment["BITEWING_LIBRARY"] = str(library)
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    peak, done = [0], threading.Event()

    def watch() -> None:
        root = psutil.Process(process.pid)
        while not done.wait(0.02):
            try:
                family = [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            for member in family:
                try:
                    peak[0] = max(peak[0], member.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        out, errors = process.communicate(stdin, timeout=timeout_s)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        done.set()
        watcher.join()
    return Run(process.returncode, out, errors, time.monotonic() - started, peak[0])
