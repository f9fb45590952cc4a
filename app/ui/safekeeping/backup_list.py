"""The list of backups: when each was made, what it holds, how it stands, where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from app.ui.formats import isolated, joined, ltr, moment, size
from app.ui.theme.icons import pixmap
from app.ui.theme.palette import active
from app.ui.theme.stylesheet import UNIT
from app.words import t, tn

if TYPE_CHECKING:
    from app.storage.backups import BackupRecord

_RECORD = Qt.ItemDataRole.UserRole
_LOOKS = {
    "good": ("check", "green"),
    "damaged": ("warning", "red"),
    "missing": ("warning", "amber"),
    "found": ("help", "muted"),
}


class BackupList(QTreeWidget):
    """Rows of backups, one chosen at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "boxed")
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHeaderLabels([t("Made"), t("Holds"), t("State"), t("Place")])
        self.setAccessibleName(t("Backups"))
        header = self.header()
        for column in range(3):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.setMinimumHeight(UNIT * 20)

    def show_records(self, records: list[BackupRecord]) -> None:
        """Show backups, keeping the choice where it still exists."""
        before = self.chosen()
        self.clear()
        for record in records:
            row = QTreeWidgetItem([moment(record.created_at), _contents(record), _state(record), ltr(record.path)])
            row.setData(0, _RECORD, record)
            name, colour = _LOOKS.get(record.state.value, ("help", "muted"))
            row.setIcon(2, pixmap(name, getattr(active(), colour), UNIT * 2))
            row.setToolTip(3, record.path)
            self.addTopLevelItem(row)
            if before is not None and before.path == record.path:
                self.setCurrentItem(row)
        first = self.topLevelItem(0)
        if not self.selectedItems() and first is not None:
            self.setCurrentItem(first)

    def chosen(self) -> BackupRecord | None:
        """Return the chosen backup."""
        rows = self.selectedItems()
        record: BackupRecord | None = rows[0].data(0, _RECORD) if rows else None
        return record


def _contents(record: BackupRecord) -> str:
    if record.state.value == "found":
        return joined(t("not read yet"), size(record.bytes) if record.bytes else "")
    what = t("catalogue only") if record.contents == "database" else tn("{n} image", "{n} images", record.images)
    return joined(what, size(record.bytes), t("sealed") if record.encrypted else "")


def _state(record: BackupRecord) -> str:
    words = {
        "good": t("good, read back {date}", date=isolated(moment(record.verified_at))),
        "damaged": t("damaged"),
        "missing": t("not at its place"),
        "found": t("found there, not verified"),
    }
    return words.get(record.state.value, record.state.value)
