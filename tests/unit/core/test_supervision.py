"""A service manager hears what it asked to hear, and nothing goes wrong where there is none."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from pathlib import Path

import pytest

from app.core import supervision

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd's protocol")


@pytest.mark.parametrize("is_abstract", [False, True])
def test_datagrams_arrive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_abstract: bool) -> None:
    address = f"@bitewing-{uuid.uuid4()}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(address.replace("@", "\0", 1))
        wire.settimeout(5)
        monkeypatch.setenv(supervision.SOCKET_VARIABLE, address)
        assert supervision.tell(supervision.READY, "STATUS=working")
        assert wire.recv(100) == b"READY=1\nSTATUS=working"


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(supervision.SOCKET_VARIABLE, raising=False)
    assert not supervision.tell(supervision.READY)
    monkeypatch.setenv(supervision.SOCKET_VARIABLE, str(tmp_path / "none"))
    assert not supervision.tell(supervision.READY)


@pytest.mark.parametrize(
    ("microseconds", "pid", "seconds"),
    [("30000000", None, 30.0), ("30000000", "mine", 30.0), ("30000000", "1", None), ("x", None, None)],
)
def test_the_watchdogs_time(
    monkeypatch: pytest.MonkeyPatch, microseconds: str, pid: str | None, seconds: float | None
) -> None:
    monkeypatch.setenv(supervision.WATCHDOG_VARIABLE, microseconds)
    monkeypatch.delenv(supervision.WATCHDOG_PID_VARIABLE, raising=False)
    if pid is not None:
        monkeypatch.setenv(supervision.WATCHDOG_PID_VARIABLE, str(os.getpid()) if pid == "mine" else pid)
    assert supervision.watchdog_s() == seconds
