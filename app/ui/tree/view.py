"""The tree as a widget: selection becomes wishes, drops become wishes; it changes nothing itself."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QTreeView, QWidget

from app.ui.tree.delegate import TreeDelegate
from app.ui.tree.model import PatientTreeModel
from app.ui.tree.node_model import MIME_IMAGES, NODE_ROLE
from app.ui.tree.nodes import Node, NodeKind
from app.ui.tree.place import Place


class PatientTreeView(QTreeView):
    """Shows :class:`PatientTreeModel`. GUI thread only."""

    place_chosen = Signal(object)
    inbox_chosen = Signal()
    files_dropped = Signal(object, object)
    images_dropped = Signal(object, object)
    menu_requested = Signal(object, object)

    def __init__(self, parent: QWidget | None = None, *, touch: bool = False) -> None:
        super().__init__(parent)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setAnimated(False)
        self.setIndentation(16)
        self.setItemDelegate(TreeDelegate(self, touch=touch))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setExpandsOnDoubleClick(False)
        self.setDragEnabled(True)
        self.setAcceptDrops(True)
        self.setDropIndicatorShown(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu_requested)
        self.clicked.connect(self._on_clicked)
        self.doubleClicked.connect(self._on_double_clicked)

    def place_of(self, index: QModelIndex) -> Place | None:
        """Return the patient, tooth and type a row stands for."""
        node = index.data(NODE_ROLE) if index.isValid() else None
        return place_of(node) if node is not None else None

    def choose_patient(self, patient_id: str, *, open_row: bool = True) -> None:
        """Select a patient's row if it is there, without saying so again."""
        model = self.model()
        if not isinstance(model, PatientTreeModel):
            return
        current = self.place_of(self.currentIndex())
        if current is not None and current.patient_id == patient_id:
            return
        index = model.patient_index(patient_id)
        if index.isValid():
            self.setCurrentIndex(index)
            if open_row:
                self.expand(index)
            self.scrollTo(index)
        else:
            self.setCurrentIndex(QModelIndex())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens the row; the menu key is Qt's."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and self.currentIndex().isValid():
            self._choose(self.currentIndex())
            return
        super().keyPressEvent(event)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        self._choose(index)

    @Slot(QModelIndex)
    def _on_double_clicked(self, index: QModelIndex) -> None:
        self.setExpanded(index, not self.isExpanded(index))

    def _choose(self, index: QModelIndex) -> None:
        node: Node | None = index.data(NODE_ROLE)
        if node is None:
            return
        if node.kind is NodeKind.INBOX:
            self.inbox_chosen.emit()
            return
        place = place_of(node)
        if place is not None:
            if node.kind is NodeKind.PATIENT and not self.isExpanded(index):
                self.expand(index)
            self.place_chosen.emit(place)

    @Slot(QPoint)
    def _on_menu_requested(self, point: QPoint) -> None:
        self.menu_requested.emit(self.place_of(self.indexAt(point)), self.viewport().mapToGlobal(point))

    # -- drops ---------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Welcome files and images of ours."""
        if event.mimeData().hasUrls() or event.mimeData().hasFormat(MIME_IMAGES):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Show where a drop would go."""
        place = self.place_of(self.indexAt(event.position().toPoint()))
        if place is None:
            event.ignore()
            return
        self.setDropIndicatorShown(True)
        super().dragMoveEvent(event)
        event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Turn a drop into a wish."""
        place = self.place_of(self.indexAt(event.position().toPoint()))
        data = event.mimeData()
        if place is None:
            event.ignore()
            return
        if data.hasFormat(MIME_IMAGES):
            ids = bytes(data.data(MIME_IMAGES).data()).decode("ascii").split()
            self.images_dropped.emit(place, ids)
        elif data.hasUrls():
            paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
            self.files_dropped.emit(place, paths)
        # Copy, whatever was proposed: a move would make Qt remove the source's rows by itself.
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()


def place_of(node: Node) -> Place | None:
    """Return what a node stands for; ``None`` for the inbox and headings."""
    patient = node.ancestor(NodeKind.PATIENT)
    if patient is None:
        return None
    tooth, image_type = node.ancestor(NodeKind.TOOTH), node.ancestor(NodeKind.TYPE)
    return Place(patient.key, tooth.key if tooth else None, image_type.key if image_type else None)
