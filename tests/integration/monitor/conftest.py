"""What the monitor's tests share: a library, a watched folder, quick looks, a monitor in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.sync.monitor import engine, settling


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        yield opened


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks a tenth of a second apart: for tests of what happens, not of when."""
    monkeypatch.setattr(settling, "APART_S", 0.1)
    monkeypatch.setattr(engine, "APART_S", 0.1)


@pytest.fixture
def running(library: Library) -> Iterator[Callable[[], None]]:
    """Return a function that starts the monitor on a thread of its own; it is stopped afterwards."""
    token, threads = CancelToken(), []

    def start() -> None:
        def work() -> None:
            library.monitor.run(library.owner(), JobContext(token))
            library.close_thread()

        threads.append(threading.Thread(target=work))
        threads[0].start()

    yield start
    token.cancel()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
