"""Every link that was given out: how long it works, what for, and its end. Made here: links to send images by."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QStackedWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.core.clock import utc_now
from app.core.errors import BitewingError
from app.domain.changes import ChangeSet, Entity
from app.domain.folding import fold
from app.domain.roles import Action
from app.domain.sharing import LONGEST_CASE, ShareKind, ShareState
from app.services.sharing.model import ShareWish
from app.ui.controls import push_button, row_list
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import isolated, joined, moment, remaining, size, who
from app.ui.search.line import SearchLine
from app.ui.session import Session
from app.ui.sharing.link_card import LinkCard
from app.ui.sharing.options import LengthBox
from app.ui.states import StatePage, plain_label
from app.ui.theme.icons import pixmap
from app.ui.theme.palette import active
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import sharing as words
from app.words import t, tn

if TYPE_CHECKING:
    from app.core.context import JobContext
    from app.services.sharing.model import Shared

_SHARED = Qt.ItemDataRole.UserRole
_TICK_MS = 10_000
_SOON_MS = 300
_LOOKS = {"live": ("check", "green"), "revoking": ("warning", "amber"), "expiring": ("warning", "amber")}
_LOOKS |= {"uploading": ("activity", "accent"), "failed": ("warning", "red")}


class LinksDialog(DialogFrame):
    """Lists, copies, revokes, invites. GUI thread only; what it started goes on without it."""

    settings_requested = Signal(str)
    again_requested = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(t("Links"), parent)
        self._session = session
        self._lane = ("links", id(self))
        self._wanted = ""
        clinic = session.library.settings.clinic()
        self.list = row_list((t("Made"), t("Holds"), t("State"), t("Patient"), t("Case")), t("Links"))
        self.list.itemSelectionChanged.connect(self._refresh)
        self.none = StatePage(
            "share",
            t("No links yet"),
            t("Choose images and “Share…”: a link is made that works until it expires. It is listed here."),
        )
        self.card = LinkCard()
        self._stack = QStackedWidget()
        for page in (self.none, self.list):
            self._stack.addWidget(page)
        self.body.addLayout(self._invite_row(clinic.share_expires))
        self.body.addWidget(self._stack, 1)
        self.body.addWidget(self.card)
        self.card.hide()
        self.show_button = push_button(t("Show the link"), self._on_show_clicked)
        self.copy_button = push_button(t("Copy the link"), self._on_copy_clicked)
        self.renew_button = push_button(t("Share again…"), self._on_renew_clicked)
        self.revoke_button = push_button(t("Revoke"), self._on_revoke_clicked, "danger")
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        for button in (self.show_button, self.copy_button, self.renew_button, self.revoke_button):
            row.addWidget(button)
        row.addStretch(1)
        self.filter = SearchLine()
        self.filter.setPlaceholderText(t("Case or patient"))
        self.filter.setAccessibleName(t("Show only links of this case or patient"))
        self.filter.setToolTip(t("Show only links of this case or patient"))
        self.filter.setFixedWidth(UNIT * 26)
        self.filter.textChanged.connect(self._sift)
        row.addWidget(self.filter)
        self.body.addLayout(row)
        self.add_cancel(t("Close"))
        if not clinic.share_destination:
            self.none.set_words(
                t("Choose where shared images lie"),
                t("Links that expire are made by an S3 storage: set one up as a mirror, then choose it for sharing."),
            )
            settings = self.none.add_button(
                t("Settings…"), partial(self.settings_requested.emit, "share"), primary=True
            )
            settings.setEnabled(session.may(Action.SETTINGS_VIEW))
            self.invite_button.setEnabled(False)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.reload)
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self._show_times)
        self._tick.start()
        session.bus.changed.connect(self._on_bus_changed)
        self.resize(UNIT * 140, UNIT * 76)
        self.reload()

    @Slot()
    def reload(self) -> None:
        """Ask for the links."""
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(self._lane, lambda: library.sharing.list(actor), self._on_listed, self._on_failed)

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._tick.stop()
        self._session.calls.drop(self._lane)
        super().done(result)

    def chosen(self) -> Shared | None:
        """Return the chosen link."""
        rows = self.list.selectedItems()
        found: Shared | None = rows[0].data(0, _SHARED) if rows else None
        return found

    def invite(self) -> None:
        """Make a link by which somebody sends images here."""
        library, actor = self._session.library, self._session.actor
        wish = ShareWish(self.length.seconds(), self.case.text())

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.sharing.invite(actor, wish, ctx)

        self._start("invite", t("Making a link"), engine, self._on_made)

    def revoke(self, share_id: str) -> None:
        """End a link."""
        library, actor = self._session.library, self._session.actor

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.sharing.revoke(actor, share_id, ctx)

        self._start(f"revoke {share_id}", t("Revoking a link"), engine, self._on_revoked)

    # -- parts ---------------------------------------------------------------------------------------

    def _invite_row(self, usual: str) -> QHBoxLayout:
        self.length, self.case = LengthBox(usual), QLineEdit()
        self.case.setMaxLength(LONGEST_CASE)
        self.case.setPlaceholderText(t("Case or appointment (optional)"))
        self.case.setAccessibleName(t("Case reference"))
        self.case.setMaximumWidth(UNIT * 32)
        self.invite_button = push_button(t("Make a link"), self.invite, "primary")
        self.invite_button.setEnabled(self._session.may(Action.SHARE_CREATE))
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        row.addWidget(plain_label(t("For somebody to send you images:")))
        row.addWidget(self.length)
        row.addWidget(self.case, 1)
        row.addWidget(self.invite_button)
        row.addStretch(1)
        return row

    def _start(self, name: str, title: str, engine: Any, then: Any) -> None:
        self.say_problem("")
        handle = self._session.runner.start(("share", name), title, engine)
        handle.succeeded.connect(then)
        handle.failed.connect(self._on_failed)
        handle.finished.connect(self.reload)
        self._refresh()

    # -- what it does ----------------------------------------------------------------------------------

    def _on_show_clicked(self) -> None:
        shared = self.chosen()
        if shared is not None and shared.url is not None:
            self._show_card(shared)

    def _on_copy_clicked(self) -> None:
        shared = self.chosen()
        if shared is not None and shared.url is not None:
            QGuiApplication.clipboard().setText(shared.page or shared.url)

    def _on_renew_clicked(self) -> None:
        """Ask for the page where copies are looked at: images may have changed, or moved, since."""
        shared = self.chosen()
        if shared is not None:
            self.again_requested.emit(shared.share)

    def _on_revoke_clicked(self) -> None:
        shared = self.chosen()
        if shared is not None:
            self.revoke(shared.share.id)

    def _show_card(self, shared: Shared) -> None:
        self.card.show_link(shared)
        self.card.show()

    # -- answers -----------------------------------------------------------------------------------------

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        if changes.of(Entity.SHARE) and not self._soon.isActive():
            self._soon.start()

    @Slot(object)
    def _on_made(self, shared: Any) -> None:
        self._wanted = shared.share.id
        self._show_card(shared)

    @Slot(object)
    def _on_revoked(self, share: Any) -> None:
        self.card.hide()
        if share.state is ShareState.ENDING and share.code:
            self.say_problem(error_words.reason(share.code))

    @Slot(object)
    def _on_failed(self, error: BitewingError) -> None:
        said = error_words.words_for(error)
        self.say_problem(" ".join(part for part in (said.explanation, said.what_to_do) if part))

    def _on_listed(self, found: list[Shared]) -> None:
        chosen = self.chosen()
        before = self._wanted or (chosen.share.id if chosen else "")
        self.list.clear()
        for shared in found:
            row = QTreeWidgetItem()
            row.setData(0, _SHARED, shared)
            self.list.addTopLevelItem(row)
            _fill(row, shared)
            if before == shared.share.id:
                self.list.setCurrentItem(row)
                self._wanted = ""
        first = self.list.topLevelItem(0)
        if first is not None and not self.list.selectedItems():
            self.list.setCurrentItem(first)
        self._stack.setCurrentWidget(self.list if found else self.none)
        self._sift()

    @Slot()
    def _sift(self) -> None:
        """Show only what is of the case, or of the patient, that was typed."""
        wanted = fold(self.filter.text())
        for number in range(self.list.topLevelItemCount()):
            row = self.list.topLevelItem(number)
            if row is not None:
                shared: Shared = row.data(0, _SHARED)
                row.setHidden(wanted not in fold(f"{shared.share.case_reference} {who(shared.patient)}"))
        chosen = self.list.currentItem()
        if chosen is not None and chosen.isHidden():
            # Nothing is revoked that is not in view.
            self.list.clearSelection()
        self._refresh()

    @Slot()
    def _show_times(self) -> None:
        for number in range(self.list.topLevelItemCount()):
            row = self.list.topLevelItem(number)
            if row is not None:
                _fill(row, row.data(0, _SHARED))
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        shared, may = self.chosen(), self._session.may
        works = shared is not None and shared.url is not None and shared.share.is_valid(utc_now())
        for button in (self.show_button, self.copy_button):
            button.setEnabled(works)
        is_over = shared is not None and not works and shared.share.kind is ShareKind.DOWNLOAD
        self.renew_button.setEnabled(is_over and bool(shared and shared.share.image_ids) and may(Action.SHARE_CREATE))
        is_open = shared is not None and shared.share.state is not ShareState.ENDED
        self.revoke_button.setEnabled(is_open and may(Action.SHARE_REVOKE))


def _fill(row: QTreeWidgetItem, shared: Shared) -> None:
    share = shared.share
    images = tn("{n} image", "{n} images", len(share.image_ids))
    if share.kind is ShareKind.UPLOAD:
        what = joined(
            t("For images to come in"), t("{images} came", images=images) if share.image_ids else t("nothing came yet")
        )
    else:
        whose = t("with the name") if share.identified else t("without a name")
        what = joined(images, size(share.size_bytes), whose, t("locked") if share.locked else "")
    state = words.state(share)
    if share.is_valid(utc_now()):
        state = joined(state, remaining((share.expires_at - utc_now()).total_seconds()))
    elif share.state is ShareState.ENDING and share.code:
        row.setToolTip(2, error_words.reason(share.code))
    for column, text in enumerate(
        (moment(share.created_at), what, state, who(shared.patient), isolated(share.case_reference))
    ):
        row.setText(column, text)
    name, colour = _LOOKS.get(words.state_key(share), ("close", "muted"))
    row.setIcon(2, pixmap(name, getattr(active(), colour), UNIT * 2))
