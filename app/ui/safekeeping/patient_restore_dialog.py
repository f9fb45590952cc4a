"""Choosing the patient to bring back from a backup: who is in it, found by typing. Changes nothing itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt, Slot
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QFormLayout, QLineEdit, QListView, QWidget

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined, ltr, patient_detail
from app.ui.safekeeping.background import Background
from app.ui.safekeeping.wishes import PatientWish
from app.ui.session import Session
from app.ui.states import add_field, plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, tn

_ID = Qt.ItemDataRole.UserRole


class PatientRestoreDialog(DialogFrame):
    """Accepted with :attr:`wish` set, or nothing happens. GUI thread only."""

    def __init__(self, session: Session, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(t("Bring one patient back"), parent)
        self._session, self._path = session, path
        self.wish: PatientWish | None = None
        self._token = CancelToken()
        self._work = Background(self)
        self._work.done.connect(self._on_found)
        self._work.failed.connect(self._on_failed)
        self._headline = plain_label(t("Looking…"), "title", wrap=True)
        self.body.addWidget(self._headline)
        self.body.addWidget(plain_label(ltr(str(path)), "muted", wrap=True, selectable=True))
        self._password = QLineEdit()
        self._password.setEchoMode(QLineEdit.EchoMode.Password)
        self._password.editingFinished.connect(self._open)
        self._form = QFormLayout()
        add_field(self._form, t("Password of the backup"), self._password)
        self._form.setRowVisible(self._password, False)
        self.body.addLayout(self._form)
        self.search = QLineEdit()
        self.search.setPlaceholderText(t("Name, chart number or birth date"))
        self.search.setClearButtonEnabled(True)
        self.body.addWidget(self.search)
        self._everyone = QStandardItemModel(self)
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(self._everyone)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.search.textChanged.connect(self._shown.setFilterFixedString)
        self.list = QListView()
        self.list.setProperty("role", "boxed")
        self.list.setUniformItemSizes(True)
        self.list.setSpacing(UNIT // 3)
        self.list.setAccessibleName(t("Patients in the backup"))
        self.list.setModel(self._shown)
        self.list.selectionModel().currentChanged.connect(self._on_current_changed)
        self.list.doubleClicked.connect(self._on_double_clicked)
        self.body.addWidget(self.list, 1)
        self.body.addWidget(
            plain_label(
                t(
                    "Images and treatments that are gone, deleted or damaged come back. Whatever was changed since "
                    "the backup stays as it is, and an image that is another patient's now stays theirs."
                ),
                "muted",
                wrap=True,
            )
        )
        self.add_cancel()
        self.bring_button = self.add_button(t("Bring back"), "primary")
        self.bring_button.setEnabled(False)
        self.bring_button.clicked.connect(self._on_bring_clicked)
        self.resize(UNIT * 84, UNIT * 70)
        self._open()

    def done(self, code: int) -> None:
        """Wait for what is being read."""
        self._token.cancel()
        self._work.stop()
        super().done(code)

    @Slot()
    def _open(self) -> None:
        self.say_problem("")
        library, actor, path = self._session.library, self._session.actor, self._path
        password = self._password.text() or None
        ctx = JobContext(self._token, lambda _progress: None)

        def look() -> Any:
            with library.backups.opened(path, password) as archive:
                return library.patient_restore.patients(actor, archive, ctx)

        self._work.start(look)

    @Slot(object)
    def _on_found(self, summaries: Any) -> None:
        self._headline.setText(tn("{n} patient in this backup", "{n} patients in this backup", len(summaries)))
        self._everyone.clear()
        for summary in summaries:
            patient = summary.patient
            images = tn("{n} image", "{n} images", summary.images)
            item = QStandardItem(joined(patient.name, patient_detail(patient), images))
            item.setEditable(False)
            item.setData(patient.id, _ID)
            self._everyone.appendRow(item)
        self.search.setFocus()

    @Slot(object)
    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        if error.code in {"backup.password_needed", "backup.wrong_password"}:
            self._form.setRowVisible(self._password, True)
            self._password.setFocus()
            self._headline.setText(t("This backup is sealed"))
            self.say_problem(words.explanation if error.code == "backup.wrong_password" else "")
        else:
            self._headline.setText(words.title)
            self.say_problem(words.explanation)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, current: QModelIndex, _before: QModelIndex) -> None:
        self.bring_button.setEnabled(current.isValid())

    @Slot(QModelIndex)
    def _on_double_clicked(self, _index: QModelIndex) -> None:
        self._on_bring_clicked()

    @Slot()
    def _on_bring_clicked(self) -> None:
        chosen = self.list.currentIndex()
        if chosen.isValid():
            self.wish = PatientWish(self._path, self._password.text() or None, str(chosen.data(_ID)))
            self.accept()
