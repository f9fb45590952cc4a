"""The lazy model behind the patient tree.

Patients come in pages by key, teeth and types when a row is opened (inside ``rowCount``, without insert
signals: measured 5 ms against 280). What changes is inserted, removed or repainted as just those rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QModelIndex, QObject

from app.domain.patient import PatientSummary
from app.ui.formats import patient_detail
from app.ui.tree.labels import Labels
from app.ui.tree.node_model import AnyIndex, NodeModel
from app.ui.tree.nodes import Counts, Node, NodeKind, ordered_teeth, ordered_types
from app.ui.tree.source import TreeSource


class PatientTreeModel(NodeModel):
    """Inbox, recent patients and all patients by name. GUI thread only."""

    def __init__(self, source: TreeSource, labels: Labels, parent: QObject | None = None) -> None:
        super().__init__(labels, parent)
        self._source = source
        self._by_patient: dict[str, list[Node]] = {}
        self._next_key: Any = None
        self._complete = True
        self._all_start = 0

    def load(self) -> None:
        """Read the recent patients and the first page; the inbox's count comes later."""
        recent = self._source.recent()
        first, key = self._source.page(None)
        waiting = next((node.count for node in self._top() if node.kind is NodeKind.INBOX), 0)
        self.beginResetModel()
        self._nodes.clear()
        self._by_patient.clear()
        self._root.children = []
        self._append(self._make(NodeKind.INBOX, "inbox", self._root, waiting))
        if recent and (key is not None or len(first) > len(recent)):
            self._append(self._make(NodeKind.HEADING, "recent", self._root))
            for summary in recent:
                self._append(self._patient_node(summary))
            self._append(self._make(NodeKind.HEADING, "all", self._root))
        self._all_start = len(self._root.children)
        for summary in first:
            self._append(self._patient_node(summary))
        self._next_key, self._complete = key, key is None
        self.endResetModel()

    def is_empty(self) -> bool:
        """Whether there is not one patient."""
        return not self._by_patient and self._complete

    def canFetchMore(self, parent: AnyIndex) -> bool:
        """Whether the list of patients goes on."""
        return not parent.isValid() and not self._complete

    def fetchMore(self, parent: AnyIndex) -> None:
        """Append the next page of patients."""
        if not self.canFetchMore(parent):
            return
        page, key = self._source.page(self._next_key)
        children = self._top()
        if page:
            self.beginInsertRows(QModelIndex(), len(children), len(children) + len(page) - 1)
            for summary in page:
                self._append(self._patient_node(summary))
            self.endInsertRows()
        self._next_key, self._complete = key, key is None

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """Return the number of children, fetching them the first time."""
        node = self.node(parent)
        if node is None:
            return 0
        if node.children is None:
            self._fetch_children(node)
        return len(node.children or ())

    def patient_index(self, patient_id: str) -> QModelIndex:
        """Return the first row of a patient, or an invalid index while it was not fetched."""
        found = self._by_patient.get(patient_id)
        return self.index_of(found[0]) if found else QModelIndex()

    def shown_patients(self, ids: Iterable[str]) -> list[str]:
        """Return those of ``ids`` that have a row."""
        return [patient_id for patient_id in ids if patient_id in self._by_patient]

    def set_inbox_count(self, count: int) -> None:
        """Show how many images wait."""
        inbox = next((node for node in self._top() if node.kind is NodeKind.INBOX), None)
        if inbox is not None and inbox.count != count:
            inbox.count = count
            self._repaint(inbox)

    def put_patient(self, summary: PatientSummary, counts: Counts | None) -> None:
        """Show a patient's new row: repaint it where it is, insert it where it belongs when it is new."""
        nodes = self._by_patient.get(summary.patient.id, [])
        for node in nodes:
            self._write_patient(node, summary)
            self._repaint(node)
            if counts is not None and node.children is not None:
                self._merge_teeth(node, counts)
        if not nodes:
            self._insert_patient(summary)

    def remove_patient(self, patient_id: str) -> None:
        """Take away every row of a patient."""
        for node in self._by_patient.pop(patient_id, ()):
            if node.row < self._all_start:
                self._all_start -= 1
            self._remove(node)

    def _top(self) -> list[Node]:
        if self._root.children is None:
            self._root.children = []
        return self._root.children

    def _append(self, node: Node) -> None:
        children = self._top()
        node.row = len(children)
        children.append(node)

    def _patient_node(self, summary: PatientSummary) -> Node:
        node = self._make(NodeKind.PATIENT, summary.patient.id, self._root)
        self._write_patient(node, summary)
        self._by_patient.setdefault(summary.patient.id, []).append(node)
        return node

    @staticmethod
    def _write_patient(node: Node, summary: PatientSummary) -> None:
        patient = summary.patient
        node.label = patient.name or patient.chart_number
        node.detail = patient_detail(patient)
        node.count = summary.images

    def _fetch_children(self, node: Node) -> None:
        node.children = []
        if node.kind is NodeKind.PATIENT:
            self._fill(node, self._source.counts(node.key))

    def _fill(self, node: Node, counts: Counts) -> None:
        node.children = [self._tooth_node(node, tooth, counts[tooth]) for tooth in ordered_teeth(counts)]
        node.renumber()

    def _tooth_node(self, parent: Node, tooth: str, types: Any) -> Node:
        child = self._make(NodeKind.TOOTH, tooth, parent, sum(types.values()))
        child.children = [
            self._make(NodeKind.TYPE, image_type, child, types[image_type]) for image_type in ordered_types(types)
        ]
        child.renumber()
        return child

    def _insert_patient(self, summary: PatientSummary) -> None:
        children = self._top()
        label = (summary.patient.name or summary.patient.chart_number).casefold()
        row = self._all_start
        while row < len(children) and children[row].label.casefold() <= label:
            row += 1
        if row == len(children) and not self._complete:
            return  # it lies beyond the pages fetched so far and will come with its own
        self.beginInsertRows(QModelIndex(), row, row)
        node = self._patient_node(summary)
        children.insert(row, node)
        self._root.renumber(row)
        self.endInsertRows()

    def _merge_teeth(self, node: Node, counts: Counts) -> None:
        wanted = ordered_teeth(counts)
        for child in [child for child in node.children or () if child.key not in wanted]:
            self._remove(child)
        for row, tooth in enumerate(wanted):
            children = node.children or []
            if row < len(children) and children[row].key == tooth:
                self._merge_types(children[row], counts[tooth])
            else:
                self._insert(node, row, self._tooth_node(node, tooth, counts[tooth]))

    def _merge_types(self, node: Node, types: Any) -> None:
        total = sum(types.values())
        if node.count != total:
            node.count = total
            self._repaint(node)
        wanted = ordered_types(types)
        for child in [child for child in node.children or () if child.key not in wanted]:
            self._remove(child)
        for row, image_type in enumerate(wanted):
            children = node.children or []
            if row < len(children) and children[row].key == image_type:
                if children[row].count != types[image_type]:
                    children[row].count = types[image_type]
                    self._repaint(children[row])
            else:
                self._insert(node, row, self._make(NodeKind.TYPE, image_type, node, types[image_type]))
