"""Publishing images: every picture as it would be seen by strangers, what to look for in it, and the risk beside it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault
from app.domain.publication import PublicForm
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined, size
from app.ui.header.patient_header import HeaderForDialog
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import publishing as public_words
from app.words import sharing as share_words
from app.words import t, tn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain.patient import PatientSummary
    from app.services.publishing.service import Prepared, PublicItem

_SMALL = QSize(UNIT * 9, UNIT * 7)
_ROOM = QSize(UNIT * 62, UNIT * 42)
_ONE = Qt.ItemDataRole.UserRole


class PublishDialog(DialogFrame):
    """Says through ``published`` what became of each image. GUI thread only."""

    published = Signal(list)

    def __init__(
        self, session: Session, summary: PatientSummary, ids: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(
            tn("Publish {n} image", "Publish {n} images", len(ids)), parent, header=HeaderForDialog(summary)
        )
        self._session, self._ids = session, tuple(ids)
        self._lane = ("publish", id(self))
        self._prepared: list[Prepared] = []
        self._pixmaps: dict[str, QPixmap] = {}
        self.list = QListWidget()
        self.list.setFixedWidth(UNIT * 24)
        self.list.setIconSize(_SMALL)
        self.list.setAccessibleName(t("Images"))
        self.list.currentRowChanged.connect(self._on_row_changed)
        self.list.setVisible(len(ids) > 1)
        self.picture = QLabel()
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setMinimumSize(_ROOM)
        self.picture.setProperty("role", "boxed")
        self.facts = plain_label("", "muted", wrap=True)
        self.warnings = plain_label("", "warn", wrap=True)
        right = QVBoxLayout()
        right.setSpacing(UNIT)
        right.addWidget(self.picture, 1)
        right.addWidget(self.facts)
        right.addWidget(self.warnings)
        halves = QHBoxLayout()
        halves.setSpacing(UNIT * 2)
        halves.addWidget(self.list)
        halves.addLayout(right, 1)
        self.body.addLayout(halves, 1)
        self._add_choices()
        risk = t("Whoever has the address can see it without a password, keep it and pass it on.")
        self.body.addWidget(plain_label(risk, "muted", wrap=True))
        self.looked = QCheckBox(public_words.looked())
        self.looked.toggled.connect(self._refresh)
        self.body.addWidget(self.looked)
        self.add_cancel()
        self.ok = self.add_button(t("Publish"), "danger")
        self.ok.clicked.connect(self._on_ok_clicked)
        self.resize(UNIT * (100 if len(ids) > 1 else 78), UNIT * 84)
        self.prepare()

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        super().done(result)

    @Slot()
    def prepare(self) -> None:
        """Make the copies that would go, to be looked at."""
        library, actor, ids, form = self._session.library, self._session.actor, self._ids, self._form()
        self._prepared, self._pixmaps = [], {}
        self.list.clear()
        self.picture.setPixmap(QPixmap())
        self.picture.setText(t("Making the copy…"))
        # What was said of other copies is not said of these.
        self.looked.setChecked(False)
        self._refresh()
        self._session.calls.ask(
            self._lane,
            lambda: _read(library.publishing.prepare(actor, ids, JobContext.silent(), form)),
            self._on_prepared,
            self._on_failed,
        )

    def _add_choices(self) -> None:
        self.place, self.form = QComboBox(), QComboBox()
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        for mirror in self._session.library.settings.mirrors():
            if mirror.publish:
                self.place.addItem(mirror.name, mirror.name)
        for form, words in ((PublicForm.JPEG, t("as a picture")), (PublicForm.DICOM, t("as a DICOM object"))):
            self.form.addItem(words, form.value)
        self.place.setAccessibleName(t("Where to"))
        self.form.setAccessibleName(t("As what"))
        self.form.activated.connect(self.prepare)
        # One place is no choice.
        if self.place.count() > 1:
            row.addWidget(plain_label(t("Where to")))
            row.addWidget(self.place)
        row.addWidget(plain_label(t("As what")))
        row.addWidget(self.form)
        row.addStretch(1)
        self.body.addLayout(row)

    def _form(self) -> PublicForm:
        return PublicForm(self.form.currentData())

    def _on_prepared(self, found: list[tuple[Prepared, bytes]]) -> None:
        self.say_problem("")
        for prepared, data in found:
            self._prepared.append(prepared)
            picture = QPixmap()
            picture.loadFromData(data)
            self._pixmaps[prepared.image_id] = picture
            item = QListWidgetItem(icon("image") if picture.isNull() else QIcon(picture), _short(prepared))
            item.setData(_ONE, prepared)
            item.setSizeHint(QSize(0, _SMALL.height() + UNIT))
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self._refresh()

    @Slot(int)
    def _on_row_changed(self, row: int) -> None:
        item = self.list.item(row)
        if item is None:
            return
        prepared: Prepared = item.data(_ONE)
        if prepared.copy is None:
            self.picture.setPixmap(QPixmap())
            self.picture.setText(_reason(prepared))
            self.facts.clear()
            self.warnings.clear()
        else:
            shown = self._pixmaps[prepared.image_id]
            room = self.picture.size().expandedTo(_ROOM) - QSize(UNIT, UNIT)
            self.picture.setPixmap(
                shown.scaled(room, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
            )
            removed = t(", ").join(share_words.removed(part.kind) for part in prepared.copy.removed)
            left_out = t("Left out: {parts}", parts=removed) if removed else ""
            self.facts.setText(joined(size(prepared.copy.size_bytes), left_out))
            self.warnings.setText("\n".join(share_words.warning(one.value) for one in prepared.copy.warnings))
        for label in (self.facts, self.warnings):
            label.setVisible(bool(label.text()))

    @Slot()
    def _refresh(self, *_on: Any) -> None:
        has_any = any(one.copy is not None for one in self._prepared)
        self.looked.setEnabled(has_any)
        self.ok.setEnabled(has_any and self.looked.isChecked())

    @Slot()
    def _on_ok_clicked(self) -> None:
        library, actor, prepared = self._session.library, self._session.actor, list(self._prepared)
        place, looked = self.place.currentData(), self.looked.isChecked()
        self.ok.setEnabled(False)
        self._session.calls.ask(
            self._lane,
            partial(library.publishing.publish, actor, prepared, place, looked=looked),
            self._on_published,
            self._on_failed,
        )

    def _on_published(self, items: list[PublicItem]) -> None:
        self.published.emit(items)
        self.accept()

    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self.say_problem(joined(words.explanation, words.what_to_do, between=" "))
        self.picture.setText("")
        self._refresh()


def _read(found: list[Prepared]) -> list[tuple[Prepared, bytes]]:
    """Read the pictures beside what was made. Any thread."""
    return [(one, one.copy.picture.read_bytes() if one.copy is not None else b"") for one in found]


def _short(prepared: Prepared) -> str:
    if prepared.copy is None:
        return error_words.words_for(EnvironmentFault(prepared.code or "", **prepared.facts)).title
    return t("look at it") if prepared.copy.to_look_at else t("ready")


def _reason(prepared: Prepared) -> str:
    words = error_words.words_for(EnvironmentFault(prepared.code or "", **prepared.facts))
    return joined(words.explanation, words.what_to_do, between="\n")
