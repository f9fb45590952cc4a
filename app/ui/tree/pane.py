"""The tree with its heading and its empty, loading and failed states, kept in step with the library."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from app.core.errors import BitewingError
from app.domain.changes import ChangeKind, ChangeSet, Entity
from app.domain.patient import PatientSummary
from app.ui.session import Session
from app.ui.states import StatePage, set_margins
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.ui.tree.labels import Labels
from app.ui.tree.model import PatientTreeModel
from app.ui.tree.nodes import Counts, Node, NodeKind
from app.ui.tree.source import TreeSource
from app.ui.tree.view import PatientTreeView, place_of
from app.words import t


@dataclass
class _Fresh:
    inbox: int | None = None
    rows: list[tuple[PatientSummary, Counts | None]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


class TreePane(QWidget):
    """The left pane's upper half."""

    new_patient_requested = Signal()
    demo_requested = Signal()
    import_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._source = TreeSource(session)
        self.model = PatientTreeModel(self._source, Labels(session.notation), self)
        self.model.image_ids = self._ids_of
        self.view = PatientTreeView(touch=session.workstation.touch_targets)
        self.view.setModel(self.model)
        self.view.setAccessibleName(t("Patients"))
        self._empty = StatePage("patient", t("No patients yet"), t("Import images, or add the first patient."))
        self._empty.add_button(t("Import images…"), self.import_requested, primary=True)
        self._empty.add_button(t("New patient…"), self.new_patient_requested)
        self._empty.add_button(t("Explore a demonstration clinic"), self.demo_requested)
        self._failed = StatePage("warning", t("The patient list cannot be read"), "")
        self._failed.add_button(t("Try again"), self._on_retry)
        self._stack = QStackedWidget()
        for page in (self.view, self._empty, self._failed):
            self._stack.addWidget(page)
        layout = QVBoxLayout(self)
        set_margins(layout, UNIT, UNIT, 0, 0)
        layout.setSpacing(UNIT // 2)
        layout.addLayout(self._heading())
        layout.addWidget(self._stack)
        session.bus.changed.connect(self._on_bus_changed)

    @Slot()
    def reload(self) -> None:
        """Read the list afresh."""
        try:
            self.model.load()
        except BitewingError as error:
            self._failed.set_fault(error)
            self._stack.setCurrentWidget(self._failed)
            return
        self._show_state()

    @Slot()
    def count_inbox(self) -> None:
        """Ask in the background how many images wait in the inbox."""
        self._session.calls.ask(("tree", "inbox"), self._source.inbox_count, self.model.set_inbox_count)

    def _heading(self) -> QHBoxLayout:
        title = QLabel(t("Patients"))
        title.setProperty("role", "heading")
        add = QToolButton()
        add.setIcon(icon("plus"))
        add.setToolTip(t("New patient ({key})", key="Ctrl+N"))
        add.setAccessibleName(t("New patient"))
        add.clicked.connect(self.new_patient_requested)
        row = QHBoxLayout()
        row.setContentsMargins(UNIT // 2, 0, UNIT // 2, 0)
        row.addWidget(title, 1)
        row.addWidget(add, 0, Qt.AlignmentFlag.AlignVCenter)
        return row

    def _on_retry(self) -> None:
        self.reload()
        self.count_inbox()

    def _show_state(self) -> None:
        empty = self.model.is_empty()
        self._stack.setCurrentWidget(self._empty if empty else self.view)

    def _ids_of(self, node: Node) -> list[str]:
        place = place_of(node)
        if place is None or node.kind is NodeKind.PATIENT:
            return []
        return list(self._source.image_ids(place.patient_id, place.tooth, place.image_type))

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        removed = [change.id for change in changes.of(Entity.PATIENT) if change.kind is ChangeKind.REMOVED]
        added = {change.id for change in changes.of(Entity.PATIENT) if change.kind is ChangeKind.ADDED}
        shown = set(self.model.shown_patients(changes.patients()))
        wanted = sorted((added | shown) - set(removed))
        images = bool(changes.of(Entity.IMAGE))
        source = self._source

        def read() -> _Fresh:
            fresh = _Fresh(gone=removed)
            if images:
                fresh.inbox = source.inbox_count()
            for patient_id in wanted:
                row = source.summary(patient_id)
                if row is None:
                    fresh.gone.append(patient_id)
                else:
                    fresh.rows.append((row, source.counts(patient_id) if images else None))
            return fresh

        if wanted or removed or images:
            # A lane per set of changes: an older answer must not be dropped for a newer, other one.
            self._session.calls.ask(("tree", changes), read, self._on_fresh)

    def _on_fresh(self, fresh: _Fresh) -> None:
        if fresh.inbox is not None:
            self.model.set_inbox_count(fresh.inbox)
        for patient_id in fresh.gone:
            self.model.remove_patient(patient_id)
        for summary, counts in fresh.rows:
            self.model.put_patient(summary, counts)
        self._show_state()
