"""The open patient's treatments: each with its images, which open in the viewer."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QMenu, QPushButton, QVBoxLayout, QWidget

from app.core.errors import BitewingError
from app.domain.changes import ChangeSet, Entity
from app.domain.image import ImageRecord
from app.domain.roles import Action
from app.domain.treatment import Treatment
from app.ui.formats import day, joined
from app.ui.session import Session
from app.ui.states import StatePage, plain_label, set_margins
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.ui.treatments.words import teeth_text
from app.words import t, terms, tn

_ITEM = Qt.ItemDataRole.UserRole
_PICTURE = QSize(UNIT * 9, UNIT * 6)


class TreatmentsPanel(QWidget):
    """A list, and below it the images of the chosen one. GUI thread only."""

    add_requested = Signal()
    edit_requested = Signal(object)
    delete_requested = Signal(object)
    link_requested = Signal(object)
    unlink_requested = Signal(object, str)
    image_chosen = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._patient_id: str | None = None
        self._rows: dict[str, QListWidgetItem] = {}
        self.add_button = QPushButton(icon("plus"), t("New treatment…"))
        self.add_button.clicked.connect(self.add_requested)
        self.list = QListWidget()
        self.list.setProperty("role", "boxed")
        self.list.setWordWrap(True)
        self.list.setAccessibleName(t("Treatments"))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._on_menu_requested)
        self.list.currentItemChanged.connect(self._on_current_changed)
        self.list.itemActivated.connect(self._on_item_activated)
        self._edit = _small(t("Change…"), lambda: self._emit(self.edit_requested))
        self._link = _small(t("Add chosen images"), lambda: self._emit(self.link_requested))
        buttons = QHBoxLayout()
        buttons.setSpacing(UNIT)
        buttons.addWidget(self._edit)
        buttons.addWidget(self._link)
        buttons.addStretch(1)
        self._notes = plain_label("", "muted", wrap=True)
        self.images = QListWidget()
        self.images.setProperty("role", "boxed")
        self.images.setIconSize(_PICTURE)
        self.images.setAccessibleName(t("Images of the treatment"))
        self.images.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.images.customContextMenuRequested.connect(self._on_image_menu_requested)
        self.images.itemClicked.connect(self._on_image_clicked)
        self.images.itemActivated.connect(self._on_image_clicked)
        self.state = StatePage("treatment", t("No patient open"), t("Their treatments appear here."))
        self._full = QWidget()
        column = QVBoxLayout(self._full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        column.addWidget(self.list, 3)
        column.addLayout(buttons)
        column.addWidget(self._notes)
        column.addWidget(self.images, 2)
        whole = QVBoxLayout(self)
        set_margins(whole, 0, UNIT, UNIT, 0)
        whole.setSpacing(UNIT)
        whole.addWidget(self.add_button)
        whole.addWidget(self._full, 1)
        whole.addWidget(self.state, 1)
        session.bus.changed.connect(self._on_bus_changed)
        self.show_patient(None)

    @Slot(object)
    def show_patient(self, patient_id: str | None) -> None:
        """Show a patient's treatments, or that nobody is open."""
        self._patient_id = patient_id
        self.add_button.setEnabled(patient_id is not None and self._session.may(Action.TREATMENT_EDIT))
        if patient_id is None:
            self._session.calls.drop("treatments")
            self._on_found([])
            self.state.set_words(t("No patient open"), t("Their treatments appear here."))
        elif self.isVisible():
            self.reload()

    @Slot()
    def reload(self) -> None:
        """Read the list again."""
        library, actor, patient_id = self._session.library, self._session.actor, self._patient_id
        if patient_id is not None:
            self._session.calls.ask(
                "treatments", lambda: library.treatments.list(actor, patient_id), self._on_found, self._on_failed
            )

    def chosen(self) -> Treatment | None:
        """Return the chosen treatment."""
        row = self.list.currentItem()
        found: Treatment | None = row.data(_ITEM) if row is not None else None
        return found

    def showEvent(self, event: Any) -> None:
        """Bring the list up to date when it comes into view."""
        super().showEvent(event)
        self.reload()

    # -- answers -----------------------------------------------------------------------------------------

    def _on_found(self, treatments: list[Treatment]) -> None:
        before = self.chosen()
        self.list.clear()
        for treatment in treatments:
            row = QListWidgetItem(self._words(treatment))
            row.setData(_ITEM, treatment)
            self.list.addItem(row)
            if before is not None and before.id == treatment.id:
                self.list.setCurrentItem(row)
        if treatments and self.list.currentRow() < 0:
            self.list.setCurrentRow(0)
        self._full.setVisible(bool(treatments))
        self.state.setVisible(not treatments)
        self.state.set_words(
            t("No treatments yet"), t("What was done, when and to which teeth, with the images that show it.")
        )
        self._refresh()

    def _on_failed(self, error: BitewingError) -> None:
        self._full.hide()
        self.state.show()
        self.state.set_fault(error)

    def _words(self, treatment: Treatment) -> str:
        draft = treatment.draft
        teeth = teeth_text(draft.teeth, self._session.notation)
        count = tn("{n} image", "{n} images", treatment.images) if treatment.images else ""
        lines = (
            joined(draft.procedure, draft.code),
            joined(day(draft.performed_on) if draft.performed_on else "", teeth, draft.dentist),
            joined(terms.treatment_status(draft.status), count),
        )
        return "\n".join(line for line in lines if line)

    @Slot(object, object)
    def _on_current_changed(self, _row: object, _before: object) -> None:
        self._refresh()

    def _refresh(self) -> None:
        treatment = self.chosen()
        may = self._session.may(Action.TREATMENT_EDIT)
        self._edit.setEnabled(treatment is not None and may)
        self._link.setEnabled(treatment is not None and may)
        self._notes.setText(treatment.draft.notes if treatment else "")
        self._notes.setVisible(bool(self._notes.text()))
        self._clear_images()
        self.images.setVisible(treatment is not None and treatment.images > 0)
        if treatment is None or not treatment.images:
            self._session.calls.drop("treatment-images")
            return
        library, actor, which = self._session.library, self._session.actor, treatment.id
        self._session.calls.ask(
            "treatment-images", lambda: library.treatments.images(actor, which), self._on_images, self._on_failed
        )

    def _clear_images(self) -> None:
        # A picture that comes later must not look for a row that is gone.
        self._rows.clear()
        self.images.clear()

    def _on_images(self, images: list[ImageRecord]) -> None:
        self._clear_images()
        for image in images:
            taken = (image.captured_at or image.imported_at).astimezone().date()
            row = QListWidgetItem(icon("image"), joined(terms.image_view(image.view), day(taken)))
            row.setData(_ITEM, image.id)
            row.setSizeHint(QSize(0, _PICTURE.height() + UNIT))
            self.images.addItem(row)
            self._rows[image.id] = row
            self._ask_picture(image.id)

    def _ask_picture(self, image_id: str) -> None:
        library, actor = self._session.library, self._session.actor

        def show(data: bytes | None) -> None:
            picture = QPixmap()
            row = self._rows.get(image_id)
            if data and row is not None and picture.loadFromData(data):
                row.setIcon(QIcon(picture))

        self._session.calls.ask(
            ("treatment-picture", image_id), lambda: library.images.thumbnail(actor, image_id), show, _no_picture
        )

    # -- wishes ------------------------------------------------------------------------------------------

    def _emit(self, signal: Any) -> None:
        treatment = self.chosen()
        if treatment is not None:
            signal.emit(treatment)

    @Slot(object)
    def _on_item_activated(self, _item: object) -> None:
        if self._session.may(Action.TREATMENT_EDIT):
            self._emit(self.edit_requested)

    @Slot(object)
    def _on_image_clicked(self, item: QListWidgetItem) -> None:
        self.image_chosen.emit(str(item.data(_ITEM)))

    @Slot(object)
    def _on_menu_requested(self, where: Any) -> None:
        menu = QMenu(self)
        edit = menu.addAction(t("Change…"), lambda: self._emit(self.edit_requested))
        link = menu.addAction(t("Add chosen images"), lambda: self._emit(self.link_requested))
        menu.addSeparator()
        delete = menu.addAction(t("Delete treatment"), lambda: self._emit(self.delete_requested))
        there, may = self.chosen() is not None, self._session.may
        edit.setEnabled(there and may(Action.TREATMENT_EDIT))
        link.setEnabled(there and may(Action.TREATMENT_EDIT))
        delete.setEnabled(there and may(Action.TREATMENT_DELETE))
        menu.exec(self.list.mapToGlobal(where))

    @Slot(object)
    def _on_image_menu_requested(self, where: Any) -> None:
        row, treatment = self.images.itemAt(where), self.chosen()
        if row is None or treatment is None or not self._session.may(Action.TREATMENT_EDIT):
            return
        image_id = str(row.data(_ITEM))
        menu = QMenu(self)
        menu.addAction(t("Take out of the treatment"), lambda: self.unlink_requested.emit(treatment, image_id))
        menu.exec(self.images.mapToGlobal(where))

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        mine = any(change.patient_id == self._patient_id for change in changes.of(Entity.TREATMENT))
        if mine and self.isVisible():
            self.reload()


def _small(text: str, slot: Any) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.clicked.connect(lambda _checked=False: slot())
    return button


def _no_picture(_error: object) -> None:
    """Leave the plain icon: the image itself says what is wrong when it is opened."""
