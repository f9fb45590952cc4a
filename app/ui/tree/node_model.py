"""A tree of :class:`Node` as a Qt model: indexes, roles, drags, and rows put in, taken out and repainted.

Knows nothing of where nodes come from; :mod:`app.ui.tree.model` fetches them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.ui.tree.labels import Labels
from app.ui.tree.nodes import Node, NodeKind

COUNT_ROLE = Qt.ItemDataRole.UserRole + 1
DETAIL_ROLE = Qt.ItemDataRole.UserRole + 2
NODE_ROLE = Qt.ItemDataRole.UserRole + 3
MIME_IMAGES = "application/x-bitewing-images"
_NO_FLAGS = Qt.ItemFlag.NoItemFlags
AnyIndex = QModelIndex | QPersistentModelIndex


class NodeModel(QAbstractItemModel):
    """The half of the tree's model that only Qt cares about. GUI thread only."""

    def __init__(self, labels: Labels, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._labels = labels
        self._nodes: dict[int, Node] = {}
        self._serial = 0
        self._root = Node(0, NodeKind.ROOT, "", None)
        self.image_ids: Callable[[Node], Iterable[str]] = lambda _node: ()

    def index(self, row: int, column: int, parent: AnyIndex = QModelIndex()) -> QModelIndex:  # noqa: B008
        """Return the index of a child."""
        node = self.node(parent)
        children = node.children if node else None
        if children is None or not 0 <= row < len(children) or column != 0:
            return QModelIndex()
        return self.createIndex(row, 0, children[row].handle)

    def parent(self, child: AnyIndex = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        """Return the index above."""
        node = self.node(child)
        if node is None or node.parent is None or node.parent is self._root:
            return QModelIndex()
        return self.createIndex(node.parent.row, 0, node.parent.handle)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """Return 1: the delegate paints label, detail and count in it."""
        return 1

    def hasChildren(self, parent: AnyIndex = QModelIndex()) -> bool:  # noqa: B008
        """Whether a row can be opened; answered from its count, without fetching."""
        node = self.node(parent)
        if node is None or node.kind in {NodeKind.INBOX, NodeKind.HEADING, NodeKind.TYPE}:
            return False
        return bool(node.children) if node.kind is NodeKind.ROOT else node.count > 0

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a row's label, detail, count or node."""
        node = self.node(index)
        if node is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._labels.label(node)
        if role == COUNT_ROLE:
            return node.count
        if role == DETAIL_ROLE:
            return self._labels.detail(node)
        if role == NODE_ROLE:
            return node
        if role in {Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole}:
            return self._labels.spoken(node)
        return None

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Return what can be done with a row."""
        node = self.node(index)
        if node is None or node.kind in {NodeKind.ROOT, NodeKind.HEADING}:
            return _NO_FLAGS
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if node.kind in {NodeKind.PATIENT, NodeKind.TOOTH, NodeKind.TYPE}:
            flags |= Qt.ItemFlag.ItemIsDropEnabled
        if node.kind in {NodeKind.TOOTH, NodeKind.TYPE}:
            flags |= Qt.ItemFlag.ItemIsDragEnabled
        return flags

    def mimeTypes(self) -> list[str]:
        """Return what may be dropped: images of ours and files."""
        return [MIME_IMAGES, "text/uri-list"]

    def mimeData(self, indexes: Any) -> QMimeData:
        """Return the ids of the images in the dragged rows."""
        ids: list[str] = []
        for index in indexes:
            node = self.node(index)
            if node is not None:
                ids.extend(self.image_ids(node))
        data = QMimeData()
        data.setData(MIME_IMAGES, "\n".join(dict.fromkeys(ids)).encode("ascii"))
        return data

    def supportedDropActions(self) -> Qt.DropAction:
        """Return copy (files) and move (images)."""
        return Qt.DropAction.CopyAction | Qt.DropAction.MoveAction

    def node(self, index: AnyIndex) -> Node | None:
        """Return the node of an index; the root for none, ``None`` for one that is gone."""
        if not index.isValid():
            return self._root
        return self._nodes.get(index.internalId())

    def index_of(self, node: Node) -> QModelIndex:
        """Return the index of a node."""
        return QModelIndex() if node is self._root else self.createIndex(node.row, 0, node.handle)

    def _make(self, kind: NodeKind, key: str, parent: Node, count: int = 0) -> Node:
        self._serial += 1
        node = Node(self._serial, kind, key, parent, count)
        self._nodes[node.handle] = node
        return node

    def _insert(self, parent: Node, row: int, child: Node) -> None:
        self.beginInsertRows(self.index_of(parent), row, row)
        if parent.children is None:
            parent.children = []
        parent.children.insert(row, child)
        parent.renumber(row)
        self.endInsertRows()

    def _remove(self, node: Node) -> None:
        parent = node.parent
        if parent is None or parent.children is None:
            return
        self.beginRemoveRows(self.index_of(parent), node.row, node.row)
        parent.children.pop(node.row)
        parent.renumber(node.row)
        for gone in (node, *node.below()):
            self._nodes.pop(gone.handle, None)
        self.endRemoveRows()

    def _repaint(self, node: Node) -> None:
        index = self.index_of(node)
        self.dataChanged.emit(index, index)
