"""The inbox in the middle of the window: what waits, why, whose it may be, and Enter to file it.

Both identities stand side by side; what disagrees is red and must be accepted on purpose.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, Qt, QTimer, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QListView,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import BitewingError
from app.domain.changes import ChangeSet, Entity
from app.domain.identity import compare
from app.domain.image import Filing, ImageRecord
from app.domain.patient import PatientDraft, PatientSummary, Sex
from app.domain.proposals import Reason
from app.ui.dialogs.patient import PatientDialog
from app.ui.dialogs.patient_picker import PatientPicker
from app.ui.dialogs.place_form import PlaceForm
from app.ui.header.identity_card import IdentityCard
from app.ui.inbox.model import InboxDelegate, InboxModel, reason_of
from app.ui.inbox.preview import Preview
from app.ui.inbox.words import reasons_text
from app.ui.main_window.filing import Filer
from app.ui.main_window.open_patient import OpenPatient
from app.ui.session import Session
from app.ui.states import StatePage, plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import t, tn

_SOON_MS = 300


class InboxView(QWidget):
    """List at the near side, decision at the far side. GUI thread only."""

    def __init__(self, session: Session, filer: Filer, patient: OpenPatient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._session = session
        self._filer = filer
        self._patient = patient
        self._image: ImageRecord | None = None
        self._chosen: PatientSummary | None = None
        self._reasons: dict[str, tuple[Reason, ...]] = {}
        self._along: tuple[str, ...] = ()
        self.model = InboxModel(session)
        self.model.setParent(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(InboxDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(t("Images that wait"))
        self.list.selectionModel().currentChanged.connect(self._on_current_changed)
        self._count = plain_label("", "muted")
        self._empty = StatePage("check", t("The inbox is empty"), t("Every image has its place."))
        self._failed = StatePage("warning", t("The inbox cannot be read"))
        self._failed.add_button(t("Try again"), self.reload)
        self._stack = QStackedWidget()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self._list_side())
        split.addWidget(self._decision_side())
        split.setStretchFactor(1, 1)
        split.setSizes([280, 560])
        split.setChildrenCollapsible(False)
        for page in (split, self._empty, self._failed):
            self._stack.addWidget(page)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_SOON_MS)
        self._later.timeout.connect(self.reload)
        session.bus.changed.connect(self._on_bus_changed)

    @Slot()
    def reload(self) -> None:
        """Read what waits."""
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask("inbox", lambda: library.inbox.list(actor), self._on_listed, self._on_list_failed)

    def take_focus(self) -> None:
        """Give the keyboard to the list."""
        self.list.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter files the image as proposed."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._on_file_clicked()
        else:
            super().keyPressEvent(event)

    def _list_side(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(UNIT, UNIT + 4, UNIT, 0)
        head = QHBoxLayout()
        head.addWidget(plain_label(t("Inbox"), "title"), 1)
        head.addWidget(self._count)
        column.addLayout(head)
        column.addWidget(self.list, 1)
        return side

    def _decision_side(self) -> QWidget:
        side = QWidget()
        self._preview = Preview(self._session)
        self._reason = plain_label("", "warn", wrap=True)
        self._file_card, self._patient_card = IdentityCard(t("The file says")), IdentityCard(t("File it with"))
        self._patient_card.setProperty("active", "true")
        cards = QHBoxLayout()
        cards.setSpacing(UNIT)
        cards.addWidget(self._file_card, 1)
        cards.addWidget(self._patient_card, 1)
        self._why = plain_label("", "muted", wrap=True)
        self._picker = PatientPicker(self._session)
        self._picker.chosen.connect(self._on_picker_chosen)
        self._picker.confirmed.connect(self._on_file_clicked)
        self._picker.list.setMinimumHeight(UNIT * 12)
        self._form = PlaceForm(self._session.notation)
        self._sure = QCheckBox(t("It is the same person although the parts in red disagree"))
        self._sure.clicked.connect(self._refresh)
        self._together = QCheckBox()
        self._together.hide()
        self._file = QPushButton(t("File it here (Enter)"))
        self._file.setProperty("role", "primary")
        self._file.clicked.connect(self._on_file_clicked)
        new = QPushButton(t("New patient from the file…"))
        new.clicked.connect(self._on_new_clicked)
        discard = QPushButton(t("Discard"))
        discard.setProperty("role", "danger")
        discard.clicked.connect(self._on_discard_clicked)
        buttons = QHBoxLayout()
        buttons.setSpacing(UNIT)
        for button in (discard, new):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self._file)
        column = QVBoxLayout(side)
        column.setContentsMargins(UNIT * 2, UNIT + 4, UNIT * 2, UNIT * 2)
        column.setSpacing(UNIT)
        column.addWidget(self._preview, 3)
        column.addWidget(self._reason)
        column.addLayout(cards)
        column.addWidget(self._why)
        column.addWidget(self._picker, 2)
        column.addWidget(self._form)
        column.addWidget(self._together)
        column.addWidget(self._sure)
        column.addLayout(buttons)
        return side

    def _on_listed(self, rows: list[ImageRecord]) -> None:
        row = self.list.currentIndex().row()
        kept = self.model.row_of(self._image.id) if self._image else -1
        self.model.set_rows(rows)
        if self._image is not None:
            kept = self.model.row_of(self._image.id)
        self._count.setText(tn("{n} image waits", "{n} images wait", len(rows)))
        self._stack.setCurrentIndex(0 if rows else 1)
        if rows:
            wanted = kept if kept >= 0 else min(max(row, 0), len(rows) - 1)
            self.list.setCurrentIndex(self.model.index(wanted))
            self._ask_companions()

    def _on_list_failed(self, error: BitewingError) -> None:
        self._failed.set_fault(error)
        self._stack.setCurrentIndex(2)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, current: QModelIndex, _before: QModelIndex) -> None:
        image = self.model.record(current.row()) if current.isValid() else None
        if image is None or (self._image is not None and image.id == self._image.id):
            return
        self._image, self._chosen = image, None
        self._reasons, self._along = {}, ()
        self._together.hide()
        self._sure.setChecked(False)
        self._preview.show_image(image)
        self._reason.setText(reason_of(image))
        self._form.set_values(image.tooth, image.image_type.value)
        self._picker.line.setText("")
        library, actor, image_id = self._session.library, self._session.actor, image.id
        self._session.calls.ask(
            "inbox-proposals",
            lambda: library.inbox.proposals(actor, image_id),
            self._on_proposals,
            self._on_no_proposals,
        )
        self._ask_companions()
        self._refresh()

    def _ask_companions(self) -> None:
        """Ask which images would go along: others may have filed some of them meanwhile."""
        if self._image is None:
            return
        library, actor, image_id = self._session.library, self._session.actor, self._image.id
        self._session.calls.ask(
            "inbox-companions",
            lambda: library.inbox.companions(actor, image_id),
            self._on_companions,
            lambda _error: self._on_companions(()),
        )

    def _on_companions(self, found: tuple[str, ...]) -> None:
        was_there, self._along = bool(self._along), found
        others = len(self._along)
        self._together.setText(
            tn("And the other image of this study", "And the other {n} images of this study", others)
        )
        if not was_there:
            # A box that somebody has unticked stays so.
            self._together.setChecked(bool(others))
        self._together.setVisible(bool(others))

    def _on_proposals(self, proposals: list[Any]) -> None:
        self._reasons = {proposal.patient.id: proposal.reasons for proposal in proposals}
        rows = [PatientSummary(proposal.patient, getattr(proposal, "images", 0)) for proposal in proposals]
        if rows:
            self._picker.offer(rows)
        elif self._patient.summary is not None:
            self._picker.offer([self._patient.summary])
        else:
            self._picker.search("")

    def _on_no_proposals(self, _error: BitewingError) -> None:
        self._picker.search("")

    @Slot(object)
    def _on_picker_chosen(self, summary: PatientSummary | None) -> None:
        self._chosen = summary
        self._sure.setChecked(False)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        image, chosen = self._image, self._chosen
        if image is None:
            return
        found = compare(image.identity, chosen.patient) if chosen else ()
        if image.identity.is_empty:
            self._file_card.show_nobody(t("Nothing about a person"))
        else:
            self._file_card.show_identity(image.identity, found)
        if chosen is None:
            self._patient_card.show_nobody(t("Choose a patient below"))
        else:
            self._patient_card.show_patient(chosen.patient, found)
        why = self._reasons.get(chosen.patient.id, ()) if chosen else ()
        self._why.setText(t("What speaks for them: {reasons}", reasons=reasons_text(why)) if why else "")
        self._why.setVisible(bool(why))
        self._sure.setVisible(bool(found))
        self._file.setEnabled(chosen is not None and (not found or self._sure.isChecked()))

    @Slot()
    def _on_file_clicked(self) -> None:
        image, chosen = self._image, self._chosen
        if image is None or chosen is None or not self._file.isEnabled():
            return
        filing = Filing(chosen.patient.id, self._form.tooth, None, self._form.image_type, self._form.view)
        along = self._along if self._together.isChecked() else ()
        self._filer.file_from_inbox(image.id, filing, self.reload, along)

    @Slot()
    def _on_new_clicked(self) -> None:
        if self._image is None:
            return
        identity = self._image.identity
        dialog = PatientDialog(self._session, None, self)
        sex = Sex(identity.sex) if identity.sex in {"M", "F", "O"} else Sex.UNKNOWN
        dialog.fill_from(
            PatientDraft(identity.family_name, identity.given_name, identity.patient_id, identity.birth_date, sex)
        )
        if dialog.exec() and dialog.saved is not None:
            self._picker.offer([PatientSummary(dialog.saved, 0)])

    @Slot()
    def _on_discard_clicked(self) -> None:
        if self._image is None:
            return
        library, actor, image_id = self._session.library, self._session.actor, self._image.id
        self._session.calls.ask(
            ("discard", image_id), lambda: library.inbox.discard(actor, image_id), lambda _result: self.reload()
        )

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        if self.isVisible() and changes.of(Entity.IMAGE):
            self._later.start()
