"""Google Drive as jobs: starts them and says how they ended. They go on when the dialog closes."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices

from app.core.context import JobContext
from app.core.errors import BitewingError, TransientFault
from app.jobs.handle import JobHandle
from app.ui.formats import isolated, joined, size
from app.ui.notices import NoticeKind
from app.ui.session import Session
from app.words import errors as error_words
from app.words import sign_in, t, tn

CONNECT, BACKUP, FETCH = "drive-connect", "drive-backup", "drive-fetch"


class DriveJobs(QObject):
    """Starts what has to do with Google Drive. GUI thread only."""

    changed = Signal()
    fetched = Signal(object)
    _address_known = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._address_known.connect(self._on_address_known)

    def connect_account(self) -> JobHandle:
        """Open the browser for somebody to sign in, and wait for it."""
        library, actor, pages = self._session.library, self._session.actor, sign_in.pages()

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.drive.connect(actor, self._address_known.emit, pages, ctx)

        return self._start(CONNECT, t("Waiting for the browser"), engine, None, self._on_connected)

    def disconnect_account(self) -> JobHandle:
        """Forget the account."""
        library, actor = self._session.library, self._session.actor

        def engine(_args: Any, _ctx: JobContext) -> Any:
            return library.drive.disconnect(actor)

        return self._start("drive-disconnect", t("Disconnecting"), engine, None, self._on_disconnected)

    def back_up(self) -> JobHandle:
        """Bring a backup there, or go on with one."""
        library, actor = self._session.library, self._session.actor

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.drive.backup(actor, ctx)

        return self._start(BACKUP, t("Backing up to Google Drive"), engine, None, self._on_backed_up)

    def fetch(self, backup_id: str) -> JobHandle:
        """Bring a backup here; :attr:`fetched` tells where it lies."""
        library, actor = self._session.library, self._session.actor

        def engine(which: str, ctx: JobContext) -> Any:
            return library.drive.fetch(actor, which, ctx)

        return self._start((FETCH, backup_id), t("Fetching from Google Drive"), engine, backup_id, self._on_fetched)

    def _start(self, key: object, title: str, engine: Any, args: Any, done: Any) -> JobHandle:
        if (running := self._session.runner.find(key)) is not None:
            return running
        handle = self._session.runner.start(key, title, engine, args)
        handle.succeeded.connect(done)
        handle.failed.connect(self._on_failed)
        handle.finished.connect(self.changed)
        return handle

    @Slot(str)
    def _on_address_known(self, address: str) -> None:
        QDesktopServices.openUrl(QUrl(address))

    @Slot(object)
    def _on_connected(self, account: Any) -> None:
        said = t("Backups can go to the Google Drive of {account} now.", account=isolated(account.email))
        self._session.notices.say(t("Connected to Google Drive"), said, kind=NoticeKind.DONE)

    @Slot(object)
    def _on_disconnected(self, heard: Any) -> None:
        if heard:
            self._session.notices.say(t("Disconnected from Google Drive"), kind=NoticeKind.DONE)
            return
        said = t("Google was not reached. End the access of Bitewing in your Google account too.")
        self._session.notices.say(t("Disconnected from Google Drive"), said, kind=NoticeKind.WARNING)

    @Slot(object)
    def _on_backed_up(self, report: Any) -> None:
        record = report.record
        what = joined(tn("{n} image", "{n} images", record.images), size(record.bytes))
        self._session.notices.say(t("Backup on Google Drive, arrived whole"), what, kind=NoticeKind.DONE)

    @Slot(object)
    def _on_fetched(self, path: Any) -> None:
        self.fetched.emit(path)

    @Slot(object)
    def _on_failed(self, error: BitewingError) -> None:
        if not isinstance(error, TransientFault):
            self._session.notices.fault(error)
            return
        # Being offline is no error: it waits and says so.
        words = error_words.words_for(error)
        self._session.notices.say(words.title, f"{words.explanation} {words.what_to_do}", kind=NoticeKind.WARNING)
