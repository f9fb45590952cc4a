"""A job that always runs while this process does the background work: started anew when its settings change."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer, Slot

from app.core.context import JobContext
from app.domain.changes import ChangeSet, Entity
from app.jobs.runner import JobRunner

log = logging.getLogger(__name__)

_SOON_MS = 500
_LATER_MS = 5_000


class StandingJob(QObject):
    """One such job. GUI thread only.

    Parameters
    ----------
    settings
        Beginnings of the keys of the settings whose change starts it anew.
    is_wanted
        Whether it should run, by the settings of now.
    may_run
        Whether this process does the background work.
    """

    def __init__(
        self,
        name: str,
        title: Callable[[], str],
        settings: str | tuple[str, ...],
        runner: JobRunner,
        engine: Callable[[Any, JobContext], object],
        is_wanted: Callable[[], bool],
        may_run: Callable[[], bool],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._name, self._title, self._settings = name, title, settings
        self._runner, self._engine = runner, engine
        self._is_wanted, self._may_run = is_wanted, may_run
        self._restart = QTimer(self)
        self._restart.setSingleShot(True)
        self._restart.setInterval(_SOON_MS)
        self._restart.timeout.connect(self.start)
        runner.ended.connect(self._on_ended)

    @Slot()
    def start(self) -> None:
        """Start it, or end the one that runs: that starts it anew."""
        if not self._may_run():
            return
        if self._runner.find(self._name) is not None:
            self._runner.cancel(self._name)
        elif self._is_wanted():
            self._runner.start(self._name, self._title(), self._engine)

    def stop(self) -> None:
        """Start nothing more; what runs is the runner's to end."""
        self._restart.stop()

    def hear(self, changes: ChangeSet) -> None:
        """Start anew after a change of its settings."""
        if any(change.id.startswith(self._settings) for change in changes.of(Entity.SETTING)):
            self._restart.start()

    @Slot(object)
    def _on_ended(self, handle: Any) -> None:
        if handle.key != self._name:
            return
        if handle.error is not None:
            log.warning("%s ended: %s", self._name, handle.error.code)
        # By a change of the settings, or by a fault that may pass.
        self._restart.setInterval(_SOON_MS if handle.error is None else _LATER_MS)
        if handle.token.cancelled or handle.error is not None:
            self._restart.start()
