"""The status bar: chips for what exists, and the running job."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.core.errors import BitewingError, EnvironmentFault
from app.domain.changes import ChangeSet
from app.jobs.handle import JobHandle
from app.ui.destinations.states import of_kind, together
from app.ui.formats import joined, number, size
from app.ui.session import Session
from app.ui.status.chip import Chip, Health
from app.ui.status.job_strip import JobStrip
from app.ui.status.safety import backup_state, folders_state
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, tn

STRIP_PX = 36
_REFRESH_MS = 60_000
_SOON_MS = 800


class StatusStrip(QWidget):
    """Library, what came in today, free space, backups, background work."""

    activity_requested = Signal()
    overview_requested = Signal()
    backups_requested = Signal()
    folders_requested = Signal()
    archive_requested = Signal()
    mirrors_requested = Signal()
    news_changed = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(STRIP_PX)
        self._session = session
        self._library = Chip(t("Library"))
        self._imports = Chip(t("Import"))
        self._folders = Chip(t("Folders"))
        self._space = Chip(t("Free space"))
        self._backup = Chip(t("Backup"))
        self._archive = Chip(t("Archive"))
        self._mirrors = Chip(t("Mirrors"))
        self._work = Chip(t("Background"))
        row = QHBoxLayout(self)
        row.setContentsMargins(UNIT, 0, UNIT, 0)
        row.setSpacing(UNIT)
        for chip, asked in (
            (self._library, self.overview_requested),
            (self._imports, self.activity_requested),
            (self._folders, self.folders_requested),
            (self._space, self.activity_requested),
            (self._backup, self.backups_requested),
            (self._archive, self.archive_requested),
            (self._mirrors, self.mirrors_requested),
            (self._work, self.activity_requested),
        ):
            chip.clicked.connect(asked)
            row.addWidget(chip)
        row.addStretch(1)
        row.addWidget(JobStrip(session.runner))
        self._imports.set_state(Health.OFF, t("none today"))
        self._folders.hide()
        self._archive.hide()
        self._mirrors.hide()
        self._backup.set_state(Health.OFF, t("none yet"))
        self._work.set_state(Health.GOOD, t("at rest"))
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.refresh)
        self._clock = QTimer(self)
        self._clock.setInterval(_REFRESH_MS)
        self._clock.timeout.connect(self.refresh)
        self._clock.start()
        session.bus.changed.connect(self._on_bus_changed)
        session.runner.started.connect(self._on_runner_changed)
        session.runner.ended.connect(self._on_runner_changed)

    @Slot()
    def refresh(self) -> None:
        """Ask for the figures in the background."""
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask("status", lambda: library.status.snapshot(actor), self._on_snapshot, self._on_failed)
        self._session.calls.ask(
            "queues",
            lambda: (library.watchdog.destinations(actor), library.news.count(actor)),
            self._on_queues,
            self._on_failed,
        )
        self._session.calls.ask("folders", lambda: library.monitor.status(actor), self._on_folders, self._on_failed)

    def _on_snapshot(self, snapshot: Any) -> None:
        if self._session.library.read_only is None:
            patients = tn("{n} patient", "{n} patients", snapshot.patients)
            images = tn("{n} image", "{n} images", snapshot.images)
            self._library.set_state(Health.GOOD, t("{patients} · {images}", patients=patients, images=images))
        else:
            reason = error_words.words_for(EnvironmentFault(self._session.library.read_only))
            self._library.set_state(Health.FAILED, t("for reading only"), joined(reason.explanation, reason.what_to_do))
        today = snapshot.imported_today
        self._imports.set_state(
            Health.GOOD if today else Health.OFF, t("{count} today", count=number(today)) if today else t("none today")
        )
        self._backup.set_state(*backup_state(snapshot.backup))
        reserve = self._session.clinic.reserve_bytes
        short = snapshot.free_bytes < reserve
        low = snapshot.free_bytes < reserve * 4
        self._space.set_state(
            Health.FAILED if short else Health.WAITING if low else Health.GOOD,
            size(snapshot.free_bytes),
            t("Too little is left to import; free some space on the library's disk.") if short else "",
        )

    def _on_queues(self, found: tuple[list[Any], int]) -> None:
        destinations, new = found
        archives, mirrors = of_kind(destinations, "orthanc", "dimse"), of_kind(destinations, "mirror", "public")
        self._archive.setVisible(bool(archives))
        self._mirrors.setVisible(bool(mirrors))
        if archives:
            health, text, reason = together(archives)
            news = tn("{n} new study", "{n} new studies", new) if new else ""
            self._archive.set_state(health, joined(text, news), reason)
        if mirrors:
            self._mirrors.set_state(*together(mirrors))
        self.news_changed.emit(new)

    def _on_folders(self, folders: list[Any]) -> None:
        """Show the watched folders; without any, the imports of today stand there instead."""
        watching = bool(folders) and self._session.workstation.monitor_enabled
        self._folders.setVisible(watching)
        self._imports.setVisible(not watching)
        if watching:
            self._folders.set_state(*folders_state(folders))

    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self._library.set_state(Health.FAILED, words.title, words.explanation)

    @Slot(object)
    def _on_bus_changed(self, _changes: ChangeSet) -> None:
        if not self._later.isActive():
            self._later.start(_SOON_MS)

    @Slot(object)
    def _on_runner_changed(self, handle: JobHandle) -> None:
        running = len(self._session.runner.running())
        if running:
            self._work.set_state(Health.GOOD, tn("{n} job running", "{n} jobs running", running))
        elif handle.error is not None:
            words = error_words.words_for(handle.error)
            self._work.set_state(Health.FAILED, t("last job failed"), f"{handle.title}: {words.title}")
        else:
            self._work.set_state(Health.GOOD, t("at rest"))
