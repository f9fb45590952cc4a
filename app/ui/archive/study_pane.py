"""One study of the archive: whose it is, what fetching it would do, its series and, opened, their images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHeaderView,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import BitewingError
from app.domain.identity import Verdict, compare
from app.domain.patient import Patient
from app.ui.archive.study_words import facts_of, kinds_of, name_of, taken, verdict_words
from app.ui.formats import isolated, joined, leading, number
from app.ui.header.identity_card import mark
from app.ui.session import Session
from app.ui.states import StatePage, plain_label, set_margins
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, terms, tn

if TYPE_CHECKING:
    from app.services.archiving.matching import ArchiveStudy
    from app.transfer.found import InstanceFound, SeriesFound

_UID = Qt.ItemDataRole.UserRole
_SERIES = Qt.ItemDataRole.UserRole + 1
SHOWN_IMAGES = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen in a study: nothing (all of it), some series, or one image of a series."""

    series_uids: tuple[str, ...] = ()
    sop_uid: str | None = None
    is_fetchable: bool = True


class StudyPane(QWidget):
    """Shows a study. GUI thread only. ``choice_changed`` says that buttons may need other words."""

    choice_changed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._study: ArchiveStudy | None = None
        self._open_patient: Patient | None = None
        self._name = plain_label("", "title", wrap=True, selectable=True)
        self._facts = plain_label("", "muted", wrap=True, selectable=True)
        self._what = plain_label("", wrap=True, selectable=True)
        self._verdict = plain_label("", wrap=True)
        self.for_open = QCheckBox()
        self.for_open.toggled.connect(self._on_for_open_toggled)
        self.tree = QTreeWidget()
        self.tree.setProperty("role", "boxed")
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels([t("Series"), t("Images")])
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.setUniformRowHeights(True)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.tree.setAccessibleName(t("Series of the study"))
        self.tree.itemExpanded.connect(self._on_item_expanded)
        self.tree.itemSelectionChanged.connect(self.choice_changed)
        self._hint = plain_label("", "muted", wrap=True)
        self._nobody = StatePage(
            "patient", t("No study is chosen"), t("Choose one to see whose it is and what it holds.")
        )
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        self._stack = QStackedWidget()
        whole.addWidget(self._stack)
        page = QWidget()
        self._stack.addWidget(self._nobody)
        self._stack.addWidget(page)
        column = QVBoxLayout(page)
        set_margins(column, UNIT, 0, 0, 0)
        column.setSpacing(UNIT // 2)
        for label in (self._name, self._facts, self._what):
            column.addWidget(label)
        column.addSpacing(UNIT // 2)
        column.addWidget(self._verdict)
        column.addWidget(self.for_open)
        column.addSpacing(UNIT // 2)
        column.addWidget(self.tree, 1)
        column.addWidget(self._hint)
        self.show_study(None)

    @property
    def study(self) -> ArchiveStudy | None:
        """The study that is shown."""
        return self._study

    @property
    def patient_id(self) -> str | None:
        """Whom a person chose to file it for."""
        chosen = self.for_open.isChecked() and not self.for_open.isHidden()
        return self._open_patient.id if chosen and self._open_patient is not None else None

    def choice(self) -> Choice:
        """Return what is chosen."""
        items = self.tree.selectedItems()
        images = [item for item in items if item.parent() is not None]
        series = tuple(str(item.data(0, _UID)) for item in items if item.parent() is None)
        if not images:
            return Choice(series)
        if len(images) == 1 and not series:
            return Choice((str(images[0].data(0, _SERIES)),), str(images[0].data(0, _UID)))
        return Choice(is_fetchable=False)

    def show_study(self, study: ArchiveStudy | None, open_patient: Patient | None = None) -> None:
        """Show a study and ask for its series; ``open_patient`` may be chosen as whose it is."""
        self._study, self._open_patient = study, open_patient
        self.tree.clear()
        self._session.calls.drop(("archive-series", id(self)))
        self.for_open.hide()
        self._stack.setCurrentIndex(0 if study is None else 1)
        if study is None:
            return
        found = study.found
        self._name.setText(leading(name_of(found)))
        self._facts.setText(facts_of(found))
        self._what.setText(joined(taken(found), kinds_of(found), found.description))
        self._offer_open_patient()
        self._say_verdict()
        self._hint.setText(t("Asking for the series…"))
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            ("archive-series", id(self)),
            partial(library.browsing.series, actor, found.study_uid),
            self._on_series,
            self._on_failed,
        )

    def stop(self) -> None:
        """Ask for nothing more."""
        for lane in ("archive-series", "archive-images"):
            self._session.calls.drop((lane, id(self)))

    def _offer_open_patient(self) -> None:
        study, patient = self._study, self._open_patient
        # Who is surely meant is not changed from here.
        if study is None or patient is None or study.decision.verdict is Verdict.FILE:
            return
        self.for_open.setText(t("File it for the open patient, {patient}", patient=isolated(patient.name)))
        self.for_open.setChecked(False)
        self.for_open.show()

    def _say_verdict(self) -> None:
        if self._study is None:
            return
        text, role = verdict_words(self._study)
        if self.patient_id is not None and self._open_patient is not None:
            found = compare(self._study.found.identity, self._open_patient)
            parts = joined(*(terms.contradiction(part.value) for part in found), between=", ")
            text = t("It is filed for the open patient.")
            role = "good"
            if found:
                text, role = (
                    t("This contradicts the open patient ({parts}): it waits in the inbox.", parts=parts),
                    "warn",
                )
        self._verdict.setText(text)
        mark(self._verdict, role)

    @Slot(bool)
    def _on_for_open_toggled(self, _on: bool) -> None:
        self._say_verdict()

    def _on_series(self, series: list[SeriesFound]) -> None:
        for one in series:
            words = joined(one.modality, one.description or terms.modality(one.modality))
            item = QTreeWidgetItem([words or t("Series {number}", number=one.number), number(one.instances)])
            item.setData(0, _UID, one.series_uid)
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignTrailing | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(0, words)
            item.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)
            self.tree.addTopLevelItem(item)
        self._hint.setText(
            t("With nothing chosen here, all of it is fetched.") if series else t("The archive lists no series.")
        )
        self.choice_changed.emit()

    @Slot(QTreeWidgetItem)
    def _on_item_expanded(self, item: QTreeWidgetItem) -> None:
        if item.parent() is not None or item.childCount() or self._study is None:
            return
        library, actor = self._session.library, self._session.actor
        self._hint.setText(t("Asking for the images…"))
        self._session.calls.ask(
            ("archive-images", id(self)),
            partial(library.browsing.instances, actor, self._study.found.study_uid, str(item.data(0, _UID))),
            partial(self._on_images, self._study.found.study_uid),
            self._on_failed,
        )

    def _on_images(self, study_uid: str, images: list[InstanceFound]) -> None:
        if self._study is None or self._study.found.study_uid != study_uid or not images:
            return
        tops = [self.tree.topLevelItem(row) for row in range(self.tree.topLevelItemCount())]
        parent = next((item for item in tops if item and item.data(0, _UID) == images[0].series_uid), None)
        if parent is None:
            return
        for place, image in enumerate(images[:SHOWN_IMAGES], 1):
            size = f"{image.columns} × {image.rows}" if image.rows and image.columns else ""
            child = QTreeWidgetItem([joined(t("Image {number}", number=image.number or place), size)])
            child.setData(0, _UID, image.sop_uid)
            child.setData(0, _SERIES, image.series_uid)
            parent.addChild(child)
        beyond = len(images) - SHOWN_IMAGES
        self._hint.setText(tn("and {n} more", "and {n} more", beyond) if beyond > 0 else "")

    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self._hint.setText(joined(words.title, words.explanation, between=": "))
