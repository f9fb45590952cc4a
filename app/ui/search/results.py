"""The list under the search box: recent patients while it is empty, matches while somebody types."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.domain.patient import PatientSummary
from app.ui.formats import isolated, number, patient_detail
from app.ui.states import plain_label
from app.ui.theme import palette
from app.ui.theme.stylesheet import UNIT
from app.words import t

ROW_PX = 40
SHOWN_ROWS = 9
SUMMARY_ROLE = Qt.ItemDataRole.UserRole + 1
AnyIndex = QModelIndex | QPersistentModelIndex


class ResultModel(QAbstractListModel):
    """Patients that match."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[PatientSummary] = []

    def set_rows(self, rows: list[PatientSummary]) -> None:
        """Replace the list."""
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """Return the number of matches."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a match."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == SUMMARY_ROLE:
            return row
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole}:
            return " · ".join(part for part in (row.patient.name, patient_detail(row.patient)) if part)
        return None


class ResultDelegate(QStyledItemDelegate):
    """Paints a match: name, birth date and number, images at the far end."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: AnyIndex) -> QSize:
        return QSize(100, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        row: PatientSummary | None = index.data(SUMMARY_ROLE)
        if row is None:
            return
        colours = palette.active()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.colour("accent_soft"))
            painter.drawRoundedRect(option.rect.adjusted(2, 1, -2, -1), 6, 6)
        mirrored = option.direction == Qt.LayoutDirection.RightToLeft
        near = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        far = Qt.AlignmentFlag.AlignLeft if mirrored else Qt.AlignmentFlag.AlignRight
        kind = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute | Qt.TextFlag.TextSingleLine
        box = option.rect.adjusted(UNIT + 4, 0, -UNIT - 4, 0)
        patient = row.patient
        name = patient.name or patient.chart_number
        metrics = QFontMetrics(option.font)
        count = number(row.images)
        painter.setPen(colours.colour("muted"))
        painter.drawText(box, far | kind, count)
        width = box.width() - metrics.horizontalAdvance(count) - UNIT * 2
        detail = patient_detail(patient)
        detail_width = min(metrics.horizontalAdvance(detail), width // 2)
        name = metrics.elidedText(name, Qt.TextElideMode.ElideRight, width - detail_width - UNIT * 2)
        painter.setPen(colours.colour("text"))
        painter.drawText(box, near | kind, isolated(name))
        shift = metrics.horizontalAdvance(name) + UNIT * 2
        rest = QRect(box)
        if mirrored:
            rest.setRight(box.right() - shift)
            rest.setLeft(box.right() - width)
        else:
            rest.setLeft(box.left() + shift)
            rest.setRight(box.left() + width)
        painter.setPen(colours.colour("muted"))
        painter.drawText(rest, near | kind, metrics.elidedText(detail, Qt.TextElideMode.ElideRight, rest.width()))
        painter.restore()


class SearchResults(QFrame):
    """The list as a frame over the window; the box keeps the keyboard."""

    patient_chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "popup")
        self._over = parent
        self._model = ResultModel()
        self._list = QListView()
        self._list.setModel(self._model)
        self._list.setItemDelegate(ResultDelegate(self._list))
        self._list.setUniformItemSizes(True)
        self._list.setMouseTracking(True)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setAccessibleName(t("Patients found"))
        self._list.clicked.connect(self._on_clicked)
        self._line = plain_label("", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(UNIT // 2, UNIT // 2, UNIT // 2, UNIT // 2)
        layout.setSpacing(0)
        self._line.setContentsMargins(UNIT, UNIT // 2, UNIT, UNIT // 2)
        layout.addWidget(self._line)
        layout.addWidget(self._list)
        self.hide()

    @property
    def rows(self) -> int:
        """How many patients are listed."""
        return self._model.rowCount()

    def show_rows(self, heading: str, rows: list[PatientSummary], below: QWidget) -> None:
        """Show matches under a widget; the first one is chosen."""
        self._line.setText(heading)
        self._line.setVisible(bool(heading))
        self._model.set_rows(rows)
        self._list.setVisible(bool(rows))
        if rows:
            self._list.setCurrentIndex(self._model.index(0))
        self._place(below)
        self.show()
        self.raise_()

    def move_choice(self, steps: int) -> None:
        """Move the choice up or down, stopping at the ends."""
        row = min(max(self._list.currentIndex().row() + steps, 0), self.rows - 1)
        self._list.setCurrentIndex(self._model.index(row))

    def choose_current(self) -> bool:
        """Choose the marked match; ``False`` when there is none."""
        index = self._list.currentIndex()
        if not self.isVisible() or not index.isValid():
            return False
        self._on_clicked(index)
        return True

    def _place(self, below: QWidget) -> None:
        rows = min(self.rows, SHOWN_ROWS)
        line = self._line.sizeHint().height() if self._line.isVisibleTo(self) else 0
        width = max(below.width(), UNIT * 56)
        height = rows * ROW_PX + line + UNIT + 4
        corner = below.mapTo(self._over, QPoint(0, below.height() + 4))
        if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
            corner.setX(corner.x() + below.width() - width)
        self._list.setFixedHeight(rows * ROW_PX + 2)
        self.setGeometry(corner.x(), corner.y(), width, height)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        row = index.data(SUMMARY_ROLE)
        if row is not None:
            self.patient_chosen.emit(row)
