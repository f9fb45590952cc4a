"""Long work on the command line: a progress bar on a terminal, and a clean stop on Ctrl+C."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.progress import Progress

_STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def job(title: str) -> Iterator[JobContext]:
    """Return a context that is cancelled by Ctrl+C and draws progress when somebody can see it."""
    token = CancelToken()
    with _stopped_by_signals(token), _bar(title) as on_progress:
        yield JobContext(token, on_progress)


@contextlib.contextmanager
def _stopped_by_signals(token: CancelToken) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        # The second time somebody really means it.
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        token.cancel()

    before = {number: signal.signal(number, stop) for number in _STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Callable[[Progress], None] | None]:
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        line = bars.add_task(title, total=None)

        def show(progress: Progress) -> None:
            bars.update(line, completed=progress.done, total=progress.total)

        yield show
