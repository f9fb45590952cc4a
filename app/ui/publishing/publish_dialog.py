"""Publishing images: every picture as it would be seen by strangers, what to look for in it, and the risk beside it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault
from app.domain.publication import PublicForm
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined
from app.ui.header.patient_header import HeaderForDialog
from app.ui.session import Session
from app.ui.sharing.preview import PreviewPane
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
    from app.services.publishing.copying import MadeCopy
    from app.services.publishing.service import Prepared, PublicItem

_SMALL = QSize(UNIT * 9, UNIT * 7)
_ROOM = QSize(UNIT * 62, UNIT * 32)
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
        self.list = QListWidget()
        self.list.setFixedWidth(UNIT * 24)
        self.list.setIconSize(_SMALL)
        self.list.setAccessibleName(t("Images"))
        self.list.currentRowChanged.connect(self._on_row_changed)
        self.list.setVisible(len(ids) > 1)
        draw = partial(session.library.publishing.look, session.actor)
        self.preview = PreviewPane(session.calls, draw, named=False)
        self.preview.picture.setMinimumSize(_ROOM)
        self.preview.seen_changed.connect(self._refresh)
        self.preview.moved.connect(self._on_moved)
        self.reason = plain_label("", "boxed", wrap=True)
        self.reason.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.views = QStackedWidget()
        self.views.addWidget(self.preview)
        self.views.addWidget(self.reason)
        self.facts = plain_label("", "muted", wrap=True)
        self.warnings = plain_label("", "warn", wrap=True)
        right = QVBoxLayout()
        right.setSpacing(UNIT)
        right.addWidget(self.views, 1)
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
        self.resize(UNIT * (100 if len(ids) > 1 else 78), UNIT * 88)
        self.prepare()

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        self.preview.clear()
        super().done(result)

    @Slot()
    def prepare(self) -> None:
        """Make the copies that would go, to be looked at."""
        library, actor, ids, form = self._session.library, self._session.actor, self._ids, self._form()
        self._prepared = []
        # The rows that go make others current, of which nothing is known any more.
        with QSignalBlocker(self.list):
            self.list.clear()
        self.preview.clear()
        self._say_instead(t("Making the copy…"))
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
            item = QListWidgetItem(icon("image") if picture.isNull() else QIcon(picture), _short(prepared))
            item.setData(_ONE, prepared)
            item.setSizeHint(QSize(0, _SMALL.height() + UNIT))
            self.list.addItem(item)
        self.preview.show_copies(self._copies)
        if not self._copies:
            self.list.setCurrentRow(0)
        self._refresh()

    @property
    def _copies(self) -> tuple[MadeCopy, ...]:
        return tuple(one.copy for one in self._prepared if one.copy is not None)

    @Slot(int)
    def _on_moved(self, number: int) -> None:
        """Let the list follow the picture."""
        copy = self._copies[number]
        self.list.setCurrentRow(next(row for row, one in enumerate(self._prepared) if one.copy is copy))

    @Slot(int)
    def _on_row_changed(self, row: int) -> None:
        item = self.list.item(row)
        if item is None:
            return
        prepared: Prepared = item.data(_ONE)
        if prepared.copy is None:
            self._say_instead(_reason(prepared))
            return
        self.views.setCurrentWidget(self.preview)
        self.preview.go_to(self._copies.index(prepared.copy))
        removed = t(", ").join(share_words.removed(part.kind) for part in prepared.copy.removed)
        self.facts.setText(t("Left out: {parts}", parts=removed) if removed else "")
        self.warnings.setText("\n".join(share_words.warning(one.value) for one in prepared.copy.warnings))
        for label in (self.facts, self.warnings):
            label.setVisible(bool(label.text()))

    def _say_instead(self, text: str) -> None:
        """Say something where the picture would be."""
        self.reason.setText(text)
        self.views.setCurrentWidget(self.reason)
        self.facts.hide()
        self.warnings.hide()

    @Slot()
    def _refresh(self, *_on: Any) -> None:
        has_any, left = bool(self._copies), self.preview.left()
        first = tn("First look at {n} more picture", "First look at {n} more pictures", left)
        self.looked.setText(first if left else public_words.looked())
        self.looked.setEnabled(has_any and not left)
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
        self._say_instead("")
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
