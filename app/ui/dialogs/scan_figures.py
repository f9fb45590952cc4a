"""What a scan found, as a row of figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QGridLayout

from app.core.progress import Progress
from app.ui.formats import joined, number, size
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import t, tn

if TYPE_CHECKING:
    from app.sync.scan import ScanReport


class ScanFigures(QFrame):
    """Files, bytes, patients, studies, series, and of which kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(UNIT * 2, UNIT, UNIT * 2, UNIT)
        self._grid.setVerticalSpacing(0)
        titles = (t("files"), t("size"), t("patients"), t("studies"), t("series"))
        self._values = []
        for column, title in enumerate(titles):
            value = plain_label("–", "title")
            self._grid.addWidget(value, 0, column)
            self._grid.addWidget(plain_label(title, "muted"), 1, column)
            self._grid.setColumnStretch(column, 1)
            self._values.append(value)
        self._line = plain_label("", "muted", wrap=True)
        self._line.setContentsMargins(0, UNIT // 2, 0, 0)
        self._grid.addWidget(self._line, 2, 0, 1, len(titles), Qt.AlignmentFlag.AlignTop)

    def say(self, text: str) -> None:
        """Say something in place of figures."""
        for value in self._values:
            value.setText("–")
        self._line.setText(text)

    @Slot(object)
    def show_progress(self, progress: Progress) -> None:
        """Show that counting goes on."""
        self._values[0].setText(number(progress.done))
        self._line.setText(t("Looking…"))

    @Slot(object)
    def show_report(self, report: ScanReport) -> None:
        """Show the figures."""
        figures = (report.files, None, report.patients, report.studies, report.series)
        for value, figure in zip(self._values, figures, strict=True):
            value.setText(size(report.bytes) if figure is None else number(figure))
        kinds = (
            tn("{n} DICOM file", "{n} DICOM files", report.dicom) if report.dicom else "",
            tn("{n} photo", "{n} photos", report.photos) if report.photos else "",
            tn("{n} document", "{n} documents", report.documents) if report.documents else "",
            tn("{n} other file", "{n} other files", others) if (others := report.other - report.unreadable) else "",
            tn("{n} file or folder cannot be read", "{n} files or folders cannot be read", report.unreadable)
            if report.unreadable
            else "",
        )
        self._line.setText(joined(*kinds) or t("There is nothing to import here."))
