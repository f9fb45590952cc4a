"""Which files an import takes: of which kinds, and how deep it looks."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from app.domain.image import FileKind
from app.ui.theme.stylesheet import UNIT
from app.words import t


class WantedFiles(QWidget):
    """A row of boxes, everything on at first. The last kind that is on cannot be switched off."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(UNIT * 2)
        self._kinds = {
            FileKind.DICOM: QCheckBox(t("DICOM files, whatever their names")),
            FileKind.PHOTO: QCheckBox(t("Photos")),
            FileKind.DOCUMENT: QCheckBox(t("PDF documents")),
        }
        self._deep = QCheckBox(t("Also folders inside folders"))
        for box in (*self._kinds.values(), self._deep):
            box.setChecked(True)
            box.toggled.connect(self._on_toggled)
            row.addWidget(box)
        row.insertStretch(len(self._kinds), 1)

    @property
    def kinds(self) -> frozenset[FileKind]:
        """The kinds to take; never empty."""
        return frozenset(kind for kind, box in self._kinds.items() if box.isChecked())

    @property
    def recursive(self) -> bool:
        """Whether folders inside folders are looked into."""
        return self._deep.isChecked()

    @Slot()
    def _on_toggled(self) -> None:
        only_one = len(self.kinds) == 1
        for box in self._kinds.values():
            box.setEnabled(not (only_one and box.isChecked()))
        self.changed.emit()
