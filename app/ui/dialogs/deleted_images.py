"""The deleted images of a patient, to be looked over and brought back. Restores nothing itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QStackedWidget, QWidget

from app.domain.image import ImageRecord
from app.domain.patient import PatientSummary
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import day, isolated, joined
from app.ui.header.patient_header import HeaderForDialog
from app.ui.session import Session
from app.ui.states import StatePage
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.words import t, terms

PICTURE = QSize(UNIT * 12, UNIT * 8)
_ID = Qt.ItemDataRole.UserRole


class DeletedImagesDialog(DialogFrame):
    """Says through ``restore`` which images a person wants back. GUI thread only."""

    def __init__(
        self,
        session: Session,
        summary: PatientSummary,
        restore: Callable[[list[str]], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(t("Deleted images"), parent, header=HeaderForDialog(summary))
        self._session, self._patient_id, self._restore = session, summary.patient.id, restore
        self._lane = ("deleted", id(self))
        self.list = QListWidget()
        self.list.setIconSize(PICTURE)
        self.list.setUniformItemSizes(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setAccessibleName(t("Deleted images"))
        self.list.itemSelectionChanged.connect(self._on_selection_changed)
        self.list.itemActivated.connect(self._on_restore_clicked)
        self.state = StatePage("delete", t("Looking…"))
        self._stack = QStackedWidget()
        for page in (self.state, self.list):
            self._stack.addWidget(page)
        self.body.addWidget(self._stack, 1)
        self.add_cancel(t("Close"))
        self.restore_button = self.add_button(t("Restore"), "primary", default=True)
        self.restore_button.setEnabled(False)
        self.restore_button.clicked.connect(self._on_restore_clicked)
        self.resize(UNIT * 72, UNIT * 60)
        library, actor, patient_id = session.library, session.actor, self._patient_id
        session.calls.ask(
            self._lane, lambda: library.images.deleted(actor, patient_id), self._on_found, self.state.set_fault
        )

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        super().done(result)

    def _on_found(self, images: list[ImageRecord]) -> None:
        if not images:
            self.state.set_words(t("No deleted images"), t("Images that are deleted wait here and can be restored."))
            return
        for image in images:
            self._add(image)
        self._stack.setCurrentWidget(self.list)
        self.list.setCurrentRow(0)
        self.list.setFocus()

    def _add(self, image: ImageRecord) -> None:
        taken = (image.captured_at or image.imported_at).astimezone().date()
        first = joined(terms.image_view(image.view), day(taken))
        gone = t("deleted {date}", date=day(image.deleted_at.astimezone().date())) if image.deleted_at else ""
        row = QListWidgetItem(icon("image"), f"{first}\n{joined(isolated(image.original_name), gone)}")
        row.setData(_ID, image.id)
        row.setSizeHint(QSize(0, PICTURE.height() + UNIT))
        self.list.addItem(row)
        library, actor, image_id = self._session.library, self._session.actor, image.id

        def show(data: bytes | None) -> None:
            picture = QPixmap()
            if data and picture.loadFromData(data):
                row.setIcon(QIcon(picture))

        self._session.calls.ask(
            (*self._lane, image_id), lambda: library.images.thumbnail(actor, image_id), show, _no_picture
        )

    @Slot()
    def _on_selection_changed(self) -> None:
        self.restore_button.setEnabled(bool(self.list.selectedItems()))

    @Slot()
    def _on_restore_clicked(self, *_item: Any) -> None:
        chosen = [str(row.data(_ID)) for row in self.list.selectedItems()]
        if chosen:
            self._restore(chosen)
            self.accept()


def _no_picture(_error: object) -> None:
    """Leave the plain icon: the image can be restored without its thumbnail."""
