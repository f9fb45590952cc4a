"""Sharing images: exactly what goes out is looked at, then sent, and the link stands there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QWidget

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.domain.roles import Action
from app.ui.dialogs.frame import DialogFrame
from app.ui.header.patient_header import HeaderForDialog
from app.ui.session import Session
from app.ui.sharing.link_card import LinkCard
from app.ui.sharing.options import ShareOptions
from app.ui.sharing.preview import PreviewPane
from app.ui.states import StatePage
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t

if TYPE_CHECKING:
    from app.domain.patient import PatientSummary
    from app.domain.sharing import Share
    from app.jobs.handle import JobHandle
    from app.services.sharing.model import Prepared, Shared

PREPARE, SEND = "share-prepare", "share-send"


class ShareDialog(DialogFrame):
    """Prepares, shows, sends. GUI thread only; the link outlives the dialog.

    ``again``: a share whose wishes are taken over; what it leads to is looked at like any other.
    """

    settings_requested = Signal(str)
    links_requested = Signal()

    def __init__(
        self,
        session: Session,
        summary: PatientSummary | None,
        image_ids: list[str],
        parent: QWidget | None = None,
        *,
        again: Share | None = None,
    ) -> None:
        super().__init__(t("Share"), parent, header=HeaderForDialog(summary))
        self._session, self._ids = session, list(image_ids)
        self._prepared: Prepared | None = None
        self._number, self._gone, self._sending = 0, False, False
        self._job: JobHandle | None = None
        self._send_job: JobHandle | None = None
        self._code = ""
        clinic = session.library.settings.clinic()
        self.options, self.preview, self.card = (
            ShareOptions(clinic.share_expires, clinic.share_limit_bytes, session.library.sharing.profiles()),
            PreviewPane(session.calls, partial(session.library.sharing.look, session.actor)),
            LinkCard(),
        )
        if again is not None:
            self.options.adopt(again)
        self.options.copy_changed.connect(self.prepare)
        self.options.looked_changed.connect(self._refresh)
        self.preview.seen_changed.connect(self._on_seen_changed)
        self.state = StatePage("share", "")
        self._again = self.state.add_button(t("Try again"), self.prepare)
        self._again.setAutoDefault(False)
        self._pictures = QStackedWidget()
        for widget in (self.state, self.preview):
            self._pictures.addWidget(widget)
        self._compose = QWidget()
        halves = QHBoxLayout(self._compose)
        halves.setContentsMargins(0, 0, 0, 0)
        halves.setSpacing(UNIT * 3)
        halves.addWidget(self._pictures, 1)
        halves.addWidget(self.options)
        self.nowhere = StatePage(
            "cloud",
            t("Choose where shared images lie"),
            t("Links that expire are made by an S3 storage: set one up as a mirror, then choose it for sharing."),
        )
        settings = self.nowhere.add_button(t("Settings…"), partial(self.settings_requested.emit, "share"), primary=True)
        settings.setEnabled(session.may(Action.SETTINGS_VIEW))
        self._stack = QStackedWidget()
        for page in (self._compose, self.card, self.nowhere):
            self._stack.addWidget(page)
        self.body.addWidget(self._stack, 1)
        self._links = self.add_button(t("Links…"))
        self._links.clicked.connect(self.links_requested)
        self.leave = self.add_cancel()
        self.share_button = self.add_button(t("Make a link"), "primary", default=True)
        self.share_button.clicked.connect(self.send)
        self.resize(UNIT * 118, UNIT * 84)
        if clinic.share_destination:
            self.prepare()
        else:
            self._stack.setCurrentWidget(self.nowhere)
            self._refresh()

    @Slot()
    def prepare(self) -> None:
        """Make the copies that are wanted now."""
        self._drop()
        self.say_problem("")
        self._number += 1
        self.state.set_words(t("Making the copy…"), t("It is made on this computer; nothing has been sent yet."))
        self._again.hide()
        self._pictures.setCurrentWidget(self.state)
        library, actor, ids, args = self._session.library, self._session.actor, self._ids, self.options.args()

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.sharing.prepare(actor, ids, args, ctx)

        if self._job is not None:
            self._job.cancel()
        key = (PREPARE, id(self), self._number)
        self._job = self._session.runner.start(key, t("Making copies to share"), engine, self._number)
        self._job.succeeded.connect(self._on_prepared)
        self._job.failed.connect(self._on_prepare_failed)
        self._refresh()

    @Slot()
    def send(self) -> None:
        """Send what is shown, and show the link."""
        prepared = self._prepared
        if prepared is None or not self.share_button.isEnabled():
            return
        self.say_problem("")
        library, actor, wish = self._session.library, self._session.actor, self.options.wish()
        self._code = wish.code

        def engine(_args: Any, ctx: JobContext) -> Any:
            shared = library.sharing.send(actor, prepared, wish, ctx)
            if ctx.token.cancelled:
                # Nobody would ever see this link, nor the code that opens what it leads to.
                library.sharing.revoke(actor, shared.share.id, JobContext.silent())
                raise Cancelled
            return shared

        handle = self._session.runner.start((SEND, id(self)), t("Sharing"), engine)
        handle.succeeded.connect(self._on_sent)
        handle.failed.connect(self._on_send_failed)
        handle.cancelled.connect(self._on_send_cancelled)
        self._sending, self._send_job = True, handle
        self._refresh()

    def done(self, result: int) -> None:
        """Stop making and sending copies, and remove those that were made."""
        self._gone = True
        for job in (self._job, self._send_job):
            if job is not None:
                job.cancel()
        if not self._sending:
            self._drop()
        super().done(result)

    def _drop(self) -> None:
        self.preview.clear()
        self.options.show_prepared(None)
        if self._prepared is not None:
            self._prepared.close()
            self._prepared = None

    @Slot(object)
    def _on_prepared(self, prepared: Any) -> None:
        if self._gone or prepared.args != self.options.args():
            prepared.close()
            return
        self._prepared = prepared
        self.options.show_prepared(prepared)
        self.preview.show_copies(prepared.copies)
        self._on_seen_changed()
        self._pictures.setCurrentWidget(self.preview)
        if prepared.is_too_large:
            facts = {"has": prepared.size_bytes, "limit": prepared.args.limit_bytes}
            self._say("share.too_large", facts)
        self._refresh()

    @Slot()
    def _on_seen_changed(self) -> None:
        self.options.allow(self.preview.left)

    @Slot(object)
    def _on_prepare_failed(self, error: BitewingError) -> None:
        self.state.set_fault(error)
        self._again.show()
        self._refresh()

    @Slot(object)
    def _on_sent(self, shared: Shared) -> None:
        self._sending = False
        self._drop()
        if self._gone:
            self._take_back(shared.share.id)
            return
        self.card.show_link(shared, self._code)
        self._stack.setCurrentWidget(self.card)
        self.leave.setText(t("Close"))
        self.share_button.hide()

    def _take_back(self, share_id: str) -> None:
        """End a link that was made in the moment the dialog was closed."""
        library, actor = self._session.library, self._session.actor

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.sharing.revoke(actor, share_id, ctx)

        self._session.runner.start(("share", f"revoke {share_id}"), t("Revoking a link"), engine)

    @Slot(object)
    def _on_send_failed(self, error: BitewingError) -> None:
        self._say(error.code, error.facts)
        self._end_sending(t("Try again"))

    @Slot()
    def _on_send_cancelled(self) -> None:
        self._end_sending(t("Make a link"))

    def _end_sending(self, again: str) -> None:
        self._sending = False
        self.share_button.setText(again)
        if self._gone:
            self._drop()
        self._refresh()

    def _say(self, code: str, facts: dict[str, Any]) -> None:
        said = error_words.describe(code, facts)
        # Being offline is nobody's fault.
        self.problem.setProperty("role", "warn" if code == "share.offline" else "bad")
        self.problem.style().polish(self.problem)
        self.say_problem(" ".join(part for part in (said.explanation, said.what_to_do) if part))

    @Slot()
    def _refresh(self) -> None:
        prepared, sending = self._prepared, self._sending
        ready = prepared is not None and not (prepared.is_too_large or prepared.misfits)
        ready = ready and self.options.all_looked_at
        self.share_button.setEnabled(ready and not sending and self._session.may(Action.SHARE_CREATE))
        self.options.setEnabled(not sending)
        self.share_button.setVisible(self._stack.currentWidget() is self._compose)
        if sending:
            self.share_button.setText(t("Sending…"))
