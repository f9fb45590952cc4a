"""The worklist of the day: who is expected for what; a double click opens the patient, their next image prepared.

Being offline is said in words where the entries would be; it is never a box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QTreeWidgetItem, QWidget

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.patient import display_name
from app.domain.roles import Action
from app.ui.controls import row_list
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import day, joined, ltr
from app.ui.later import part
from app.ui.session import Session
from app.ui.states import StatePage, plain_label
from app.ui.theme.icons import pixmap
from app.ui.theme.palette import active
from app.ui.theme.stylesheet import UNIT
from app.ui.tree.place import Place
from app.words import errors as error_words
from app.words import t, terms, tn

if TYPE_CHECKING:
    from app.domain.patient import Patient
    from app.services.worklist import Scheduled, Worklist

_ROW = Qt.ItemDataRole.UserRole
_CLOCK = 4


class WorklistDialog(DialogFrame):
    """GUI thread only. ``place_requested`` carries the patient's place in the library."""

    place_requested = Signal(object)
    settings_requested = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(t("Worklist of the day"), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._lane = ("worklist", id(self))
        self.title = plain_label("", "title", wrap=True)
        self.body.addWidget(self.title)
        self.faults = plain_label("", "warn", wrap=True)
        self.faults.hide()
        self.body.addWidget(self.faults)
        titles = (t("Time"), t("Patient"), t("Patient ID"), t("Kind"), t("Procedure"), t("In the library"))
        self.list = row_list(titles, t("Worklist of the day"))
        self.list.itemActivated.connect(self._on_item_activated)
        self.list.itemSelectionChanged.connect(self._refresh)
        self._loading = StatePage("activity", t("Asking for the worklist…"))
        self._empty = StatePage("check", t("Nobody is on the worklist today"), t("Ask again later."))
        self.failed = StatePage("warning", "")
        self.failed.add_button(t("Try again"), self.reload, primary=True)
        settings = self.failed.add_button(t("Settings…"), lambda: self.settings_requested.emit("dimse"))
        settings.setEnabled(session.may(Action.SETTINGS_VIEW))
        self.stack = QStackedWidget()
        for page in (self.list, self._loading, self._empty, self.failed):
            self.stack.addWidget(page)
        self.body.addWidget(self.stack, 1)
        self.add_cancel(t("Close"))
        self.again_button = self.add_button(t("Ask again"))
        self.again_button.clicked.connect(self.reload)
        self.open_button = self.add_button(t("Open, and prepare the next image"), "primary", default=True)
        self.open_button.clicked.connect(self.take)
        self.resize(UNIT * 128, UNIT * 68)
        self.reload()

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        for lane in (self._lane, ("worklist-take", id(self))):
            self._session.calls.drop(lane)
        super().done(result)

    @Slot()
    def reload(self) -> None:
        """Ask who is expected."""
        library, actor = self._session.library, self._session.actor
        self.say_problem("")
        self.faults.hide()
        self.title.hide()
        self.list.clear()
        self.stack.setCurrentWidget(self._loading)
        self.again_button.setEnabled(False)
        self._refresh()
        self._session.calls.ask(
            self._lane, lambda: library.worklist.today(actor, JobContext.silent()), self._on_read, self._on_failed
        )

    @Slot()
    def take(self) -> None:
        """Open the patient of the chosen entry; where they are described differently a person decides first."""
        row = self._chosen()
        if row is None:
            return
        is_same_person = False
        if row.contradicts and row.patient is not None:
            review = part("IdentityReviewDialog")(row.identity, row.patient, row.decision.contradictions, self)
            if not review.exec():
                return
            is_same_person = True
        library, actor = self._session.library, self._session.actor
        self.say_problem("")
        self.open_button.setEnabled(False)
        self._session.calls.ask(
            ("worklist-take", id(self)),
            lambda: library.worklist.take(actor, row, is_same_person=is_same_person),
            self._on_taken,
            self._on_take_failed,
        )

    def _chosen(self) -> Scheduled | None:
        items = self.list.selectedItems()
        row: Scheduled | None = items[0].data(0, _ROW) if items else None
        return row

    @Slot()
    def _refresh(self) -> None:
        self.open_button.setEnabled(self._chosen() is not None and self._session.may(Action.WORKLIST_USE))

    @Slot(QTreeWidgetItem, int)
    def _on_item_activated(self, _item: QTreeWidgetItem, _column: int) -> None:
        self.take()

    def _on_read(self, found: Worklist) -> None:
        self.again_button.setEnabled(True)
        lines = [joined(name, error_words.words_for(fault).explanation) for name, fault in found.faults.items()]
        lines += [t("{name} has more than could be read.", name=name) for name in found.cut]
        if found.faults and len(found.faults) == len(found.asked):
            self.failed.set_words(t("The worklist could not be read"), "\n".join(lines))
            self.stack.setCurrentWidget(self.failed)
            return
        self.faults.setText("\n".join(lines))
        self.faults.setVisible(bool(lines))
        self.title.setText(joined(day(found.day), tn("{n} entry", "{n} entries", len(found.rows))))
        self.title.show()
        lines_of_list = [_line(row) for row in found.rows]
        self.list.addTopLevelItems(lines_of_list)
        self.stack.setCurrentWidget(self.list if lines_of_list else self._empty)
        if lines_of_list:
            self.list.setCurrentItem(lines_of_list[0])
            self.list.setFocus()

    def _on_failed(self, error: BitewingError) -> None:
        self.again_button.setEnabled(True)
        self.failed.set_fault(error)
        self.stack.setCurrentWidget(self.failed)

    def _on_taken(self, patient: Patient) -> None:
        self.place_requested.emit(Place(patient.id))
        self.accept()

    def _on_take_failed(self, error: BitewingError) -> None:
        self._refresh()
        words = error_words.words_for(error)
        self.say_problem(" ".join(part for part in (words.explanation, words.what_to_do) if part))


def _line(row: Scheduled) -> QTreeWidgetItem:
    item, identity = row.item, row.identity
    clock = item.scheduled_time[:_CLOCK]
    texts = (
        ltr(f"{clock[:2]}:{clock[2:]}" if len(clock) == _CLOCK else clock),
        display_name(identity.family_name, identity.given_name),
        ltr(item.patient_id),
        terms.modality(item.modality) or item.modality,
        item.requested_procedure or item.step,
        terms.standing(row.decision),
    )
    line = QTreeWidgetItem(list(texts))
    line.setData(0, _ROW, row)
    line.setToolTip(4, texts[4])
    icon, colour = _mark(row)
    line.setIcon(5, pixmap(icon, getattr(active(), colour), UNIT * 2))
    return line


def _mark(row: Scheduled) -> tuple[str, str]:
    if row.contradicts:
        return "warning", "red"
    if row.patient is not None:
        return "check", "green"
    return ("patient-add", "muted") if row.decision.verdict.value == "make_patient" else ("warning", "amber")
