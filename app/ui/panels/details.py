"""Everything known of the image in the chosen cell; caption, case, teeth, type, view and side can be changed here.

Saves on a person's own edit only, never because fields were filled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import BitewingError, UserError
from app.domain.changes import ChangeSet, Entity
from app.domain.image import ImageRecord, ImageType, ImageView, Laterality
from app.domain.roles import Action
from app.domain.tooth import GENERAL, Notation, format_tooth, ordered, parse_tooth
from app.ui.destinations.whereabouts import whereabouts_text
from app.ui.formats import leading, moment, number, size
from app.ui.later import part
from app.ui.publishing.public_line import PublicLine
from app.ui.session import Session
from app.ui.states import StatePage, add_field, plain_label, set_margins
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, terms


class DetailsPanel(QWidget):
    """Shows one image's facts."""

    type_chosen = Signal(str, str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._image: ImageRecord | None = None
        self._values: dict[str, Any] = {}
        self._empty = StatePage("image", t("No image chosen"), t("Its details appear here."))
        self._caption = QLineEdit()
        self._caption.setPlaceholderText(t("Add a caption"))
        self._caption.editingFinished.connect(self._on_caption_edited)
        self._case = QLineEdit()
        self._case.setPlaceholderText(t("Case or appointment"))
        self._case.editingFinished.connect(self._on_case_edited)
        self._teeth = QLineEdit()
        self._teeth.setPlaceholderText(t("Teeth shown, such as {example}", example="11, 12"))
        self._teeth.editingFinished.connect(self._on_teeth_edited)
        self._type = _choice([(kind, terms.image_type(kind)) for kind in ImageType], self._on_type_activated)
        self._view = _choice([(view, terms.image_view(view)) for view in ImageView], self._on_view_activated)
        self._side = _choice([(side, terms.laterality(side)) for side in Laterality], self._on_side_activated)
        self._public = PublicLine()
        self._problem = plain_label("", "bad", wrap=True)
        self._problem.hide()
        page = QWidget()
        column = QVBoxLayout(page)
        set_margins(column, 0, UNIT, UNIT, UNIT)
        column.setSpacing(UNIT * 2)
        column.addLayout(self._editable())
        column.addWidget(self._problem)
        column.addLayout(self._facts())
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(scroll)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._stack)
        session.bus.changed.connect(self._on_bus_changed)

    @Slot(object)
    def show_image(self, image: ImageRecord | None) -> None:
        """Show an image, or that none is chosen."""
        self._image = image
        self._stack.setCurrentIndex(0 if image is None else 1)
        if image is None:
            return
        self._say("")
        with QSignalBlocker(self._caption), QSignalBlocker(self._case), QSignalBlocker(self._teeth):
            self._caption.setText(image.caption)
            self._case.setText(image.case_reference)
            self._teeth.setText(self._teeth_text(image))
        for box, value in ((self._type, image.image_type), (self._view, image.view), (self._side, image.laterality)):
            with QSignalBlocker(box):
                box.setCurrentIndex(box.findData(value.value))
        may = self._session.may(Action.IMAGE_EDIT)
        for field in (self._caption, self._case, self._teeth, self._type, self._view, self._side):
            field.setEnabled(may)
        for name, text in self._texts(image).items():
            self._values[name].setText(leading(text) or "–")
        self._ask_whereabouts(image)

    def _ask_whereabouts(self, image: ImageRecord) -> None:
        library, actor = self._session.library, self._session.actor

        def shown(found: Any) -> None:
            if self._image is not None and self._image.id == image.id:
                self._values["elsewhere"].setText(whereabouts_text(found) or "–")
                self._facts_form.setRowVisible(self._public, self._public.show_copies(found.public))

        self._session.calls.ask("whereabouts", lambda: library.outbox.whereabouts(actor, image.id), shown)

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        image = self._image
        if image is not None and any(change.id == image.id for change in changes.of(Entity.OUTBOX)):
            self._ask_whereabouts(image)

    def _editable(self) -> QFormLayout:
        form = _form()
        for title, field in (
            (t("Caption"), self._caption),
            (t("Case"), self._case),
            (t("Teeth"), self._teeth),
            (t("Type"), self._type),
            (t("View"), self._view),
            (t("Side"), self._side),
        ):
            add_field(form, title, field)
        return form

    def _facts(self) -> QFormLayout:
        form = _form()
        titles = {
            "taken": t("Taken"),
            "imported": t("Imported"),
            "pixels": t("Pixels"),
            "size": t("Size"),
            "file": t("File"),
            "modality": t("Modality"),
            "study": t("Study"),
            "hash": t("SHA-256"),
            "elsewhere": t("Also in"),
        }
        for name, title in titles.items():
            value = plain_label("", wrap=True, selectable=name in {"file", "hash"})
            self._values[name] = value
            form.addRow(plain_label(title, "muted"), value)
        self._facts_form = form
        form.addRow(plain_label(t("Public"), "muted"), self._public)
        form.setRowVisible(self._public, False)
        return form

    @staticmethod
    def _texts(image: ImageRecord) -> dict[str, str]:
        pixels = ""
        if image.rows and image.columns:
            pixels = t("{columns} × {rows}", columns=number(image.columns), rows=number(image.rows))
            if image.frames > 1:
                pixels = t("{pixels}, {frames} frames", pixels=pixels, frames=number(image.frames))
        return {
            "taken": moment(image.captured_at),
            "imported": moment(image.imported_at),
            "pixels": pixels,
            "size": size(image.size_bytes),
            # A zero-width space lets long names wrap where they have no blanks.
            "file": "\u200b".join(image.original_name[i : i + 12] for i in range(0, len(image.original_name), 12)),
            "modality": image.modality,
            "study": image.study_description,
            "hash": image.sha256[:16] + "…",
        }

    def _teeth_text(self, image: ImageRecord) -> str:
        notation = self._session.notation
        return ", ".join(format_tooth(tooth, notation) for tooth in image.shown_teeth())

    def _say(self, text: str) -> None:
        self._problem.setText(text)
        self._problem.setVisible(bool(text))

    @Slot()
    def _on_caption_edited(self) -> None:
        if self._image is not None and self._caption.text().strip() != self._image.caption:
            self._save(caption=self._caption.text().strip())

    @Slot()
    def _on_case_edited(self) -> None:
        image, text = self._image, self._case.text().strip()
        if image is None or text == image.case_reference:
            return
        self._say("")
        cases, actor = self._session.library.cases, self._session.actor
        self._session.calls.ask(
            ("details", image.id, "case"),
            lambda: cases.attach(actor, [image.id], text),
            lambda saved: self._on_saved(saved[0]),
            self._on_save_failed,
        )

    @Slot()
    def _on_teeth_edited(self) -> None:
        if self._image is None or self._teeth.text() == self._teeth_text(self._image):
            return
        try:
            teeth = parse_shown(self._teeth.text(), self._session.notation)
        except UserError as error:
            self._say(error_words.words_for(error).title)
            return
        self._save(teeth=teeth)

    @Slot(int)
    def _on_type_activated(self, _row: int) -> None:
        # The type names the folder, so changing it files the image elsewhere: undoable like every move.
        if self._image is not None and self._type.currentData() != self._image.image_type.value:
            self.type_chosen.emit(self._image.id, self._type.currentData())

    @Slot(int)
    def _on_view_activated(self, _row: int) -> None:
        self._save(view=ImageView(self._view.currentData()))

    @Slot(int)
    def _on_side_activated(self, _row: int) -> None:
        self._save(laterality=Laterality(self._side.currentData()))

    def _save(self, **values: Any) -> None:
        image = self._image
        if image is None or all(getattr(image, name) == value for name, value in values.items()):
            return
        self._say("")
        images, actor, details = self._session.library.images, self._session.actor, part("Details")(**values)
        self._session.calls.ask(
            ("details", image.id, *values),
            lambda: images.edit_details(actor, image.id, details),
            self._on_saved,
            self._on_save_failed,
        )

    def _on_saved(self, saved: ImageRecord) -> None:
        if self._image is not None and self._image.id == saved.id:
            self._image = saved

    def _on_save_failed(self, error: BitewingError) -> None:
        self._say(error_words.words_for(error).title)
        if self._image is not None:
            self.show_image(self._image)


def parse_shown(text: str, notation: Notation) -> tuple[str, ...]:
    """Return Universal numbers of teeth typed in the clinic's numbering. Raises ``tooth.unknown``."""
    parts = [word.strip() for word in text.replace("،", ",").split(",") if word.strip()]
    teeth = []
    for word in parts:
        known = ":" in word or word.lower() == GENERAL
        teeth.append(parse_tooth(word if known else f"{notation.value}:{word}"))
    return ordered(tooth for tooth in teeth if tooth != GENERAL)


def _choice(rows: list[tuple[Any, str]], slot: Callable[[int], None]) -> QComboBox:
    box = QComboBox()
    for value, text in rows:
        box.addItem(text, value.value)
    box.activated.connect(slot)
    return box


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(UNIT * 2)
    form.setVerticalSpacing(UNIT)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form
