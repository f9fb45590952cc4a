"""Backups as jobs: starts them and says how they ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.jobs.handle import JobHandle
from app.ui.formats import joined, ltr, size
from app.ui.main_window.drive_jobs import DriveJobs
from app.ui.notices import NoticeKind
from app.ui.safekeeping.wishes import PatientWish
from app.ui.session import Session
from app.words import t, tn


class Backups(QObject):
    """Starts what keeps the library safe. GUI thread only."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.drive = DriveJobs(session, self)

    def create(self, target: str = "") -> JobHandle:
        """Make a backup at ``target``; without one, where and how the settings say."""
        library, actor = self._session.library, self._session.actor

        def engine(where: str, ctx: JobContext) -> Any:
            if where:
                return library.backups.create(actor, where, ctx)
            return library.backups.run_scheduled(actor, ctx, trigger="user")

        return self._start(("backup", target), t("Backing up"), engine, target, self._on_created)

    def verify(self, path: Path, password: str | None = None) -> JobHandle:
        """Read a backup back."""
        library, actor = self._session.library, self._session.actor

        def engine(where: Path, ctx: JobContext) -> Any:
            return library.backups.verify(actor, where, ctx, password)

        return self._start(("verify", path), t("Verifying a backup"), engine, path, self._on_verified)

    def drill(self, password: str | None = None) -> JobHandle:
        """Try restoring the newest backup in a temporary place."""
        library, actor = self._session.library, self._session.actor

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.drill.run(actor, ctx, password)

        return self._start("drill", t("Trying to restore"), engine, None, self._on_drilled)

    def restore_patient(self, wish: PatientWish) -> JobHandle:
        """Bring one patient back from a backup."""
        library, actor = self._session.library, self._session.actor

        def engine(asked: PatientWish, ctx: JobContext) -> Any:
            with library.backups.opened(asked.path, asked.password) as archive:
                return library.patient_restore.run(actor, archive, asked.patient_id, ctx)

        key = ("restore-patient", wish.patient_id)
        return self._start(key, t("Bringing a patient back"), engine, wish, self._on_patient_restored)

    def delete(self, backup_id: str) -> JobHandle:
        """Delete a backup."""
        library, actor = self._session.library, self._session.actor

        def engine(which: str, _ctx: JobContext) -> Any:
            library.backups.delete(actor, which)

        return self._start(("delete-backup", backup_id), t("Deleting a backup"), engine, backup_id, self._on_deleted)

    def _start(self, key: object, title: str, engine: Any, args: Any, done: Any) -> JobHandle:
        handle = self._session.runner.start(key, title, engine, args)
        handle.succeeded.connect(done)
        handle.failed.connect(self._on_failed)
        handle.finished.connect(self.changed)
        return handle

    @Slot(object)
    def _on_created(self, report: Any) -> None:
        record = report.record
        gaps = len(report.manifest.absent) + len(report.manifest.damaged)
        what = joined(tn("{n} image", "{n} images", record.images), size(record.bytes), ltr(record.path))
        if gaps:
            missing = tn("{n} file of the library itself is missing or damaged.",
                         "{n} files of the library itself are missing or damaged.", gaps)  # fmt: skip
            self._session.notices.say(t("Backup made, with gaps"), f"{missing} {what}", kind=NoticeKind.WARNING)
            return
        elsewhere = t("It lies on the same drive as the library: keep another one elsewhere.")
        self._session.notices.say(
            t("Backup made and read back"),
            f"{what}. {elsewhere}" if report.same_volume else what,
            kind=NoticeKind.WARNING if report.same_volume else NoticeKind.DONE,
        )

    @Slot(object)
    def _on_verified(self, report: Any) -> None:
        if report.is_sound:
            said = tn("{n} file, all as written.", "{n} files, all as written.", report.verified)
            self._session.notices.say(t("The backup is good"), said, kind=NoticeKind.DONE)
            return
        said = tn("{n} file is damaged.", "{n} files are damaged.", len(report.damaged))
        self._session.notices.say(
            t("The backup is damaged"), f"{said} {t('Make a new one now.')}", kind=NoticeKind.ERROR
        )

    @Slot(object)
    def _on_drilled(self, report: Any) -> None:
        record = report.record
        if record.ok:
            said = tn("{n} file restored and compared.", "{n} files restored and compared.", record.files)
            self._session.notices.say(t("Restoring works"), said, kind=NoticeKind.DONE)
            return
        self._session.notices.fault(BitewingError(record.code or "drill.failed", **record.facts))

    @Slot(object)
    def _on_patient_restored(self, report: Any) -> None:
        lines = [tn("{n} image is back.", "{n} images are back.", report.back)]
        if report.present:
            lines.append(tn("{n} was there and whole.", "{n} were there and whole.", report.present))
        if report.treatments:
            lines.append(tn("{n} treatment brought back.", "{n} treatments brought back.", report.treatments))
        if report.elsewhere:
            lines.append(tn("{n} image is another patient's now and stays there.",
                            "{n} images are other patients' now and stay there.", report.elsewhere))  # fmt: skip
        if report.failed:
            lines.append(tn("{n} image could not be brought back.", "{n} images could not be brought back.",
                            len(report.failed)))  # fmt: skip
        kind = NoticeKind.WARNING if report.failed else NoticeKind.DONE
        self._session.notices.say(t("Patient brought back"), " ".join(lines), kind=kind)

    @Slot(object)
    def _on_deleted(self, _report: Any) -> None:
        self._session.notices.say(t("Backup deleted"), kind=NoticeKind.DONE)

    @Slot(object)
    def _on_failed(self, error: BitewingError) -> None:
        self._session.notices.fault(error)
