"""The fields of a search in the archive, two lines of them, and the button; Enter in any field searches."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QGridLayout, QLineEdit, QPushButton, QWidget

from app.domain.patient import parse_birth_date
from app.transfer.found import StudyQuery
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import t, terms

# What dental clinics and their neighbours make.
_KINDS = ("IO", "PX", "CT", "DX", "CR", "XC", "MR", "US", "OT")


class SearchForm(QWidget):
    """Holds texts; ``searched`` carries a :class:`StudyQuery`, ``refused`` why there is none."""

    searched = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name, self.patient_id, self.description = QLineEdit(), QLineEdit(), QLineEdit()
        self.since, self.until = QLineEdit(), QLineEdit()
        self.kind = QComboBox()
        self.kind.addItem(t("Any kind"), "")
        for code in _KINDS:
            word = terms.modality(code)
            self.kind.addItem(f"{code} – {word}" if word else code, code)
        for day in (self.since, self.until):
            day.setPlaceholderText(t("YYYY-MM-DD"))
            day.textEdited.connect(self._on_day_edited)
        self.name.setPlaceholderText(t("Any part, in any order"))
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(UNIT)
        grid.setVerticalSpacing(UNIT // 2)
        columns = (
            (t("Name"), self.name, 5),
            (t("Patient ID"), self.patient_id, 3),
            (t("From"), self.since, 2),
            (t("To"), self.until, 2),
            (t("Kind"), self.kind, 3),
            (t("Description"), self.description, 3),
        )
        for column, (title, field, stretch) in enumerate(columns):
            label = plain_label(title, "muted")
            label.setBuddy(field)
            field.setAccessibleName(title)
            grid.addWidget(label, 0, column)
            grid.addWidget(field, 1, column)
            grid.setColumnStretch(column, stretch)
            if isinstance(field, QLineEdit):
                field.returnPressed.connect(self.search)
                field.setMinimumWidth(UNIT * 11)
        self.kind.setMinimumWidth(UNIT * 14)
        self.kind.activated.connect(self._on_kind_activated)
        self.button = QPushButton(t("Search"))
        self.button.setAutoDefault(False)
        self.button.setProperty("role", "primary")
        self.button.clicked.connect(self.search)
        grid.addWidget(self.button, 1, len(columns))

    @Slot()
    def search(self) -> None:
        """Ask for what the fields say."""
        days = []
        for field in (self.since, self.until):
            day = parse_birth_date(field.text()) if field.text().strip() else None
            if field.text().strip() and day is None:
                _mark(field, invalid=True)
                field.setFocus()
                self.refused.emit(t("This is not a date. Write it as {example}.", example="2026-03-14"))
                return
            days.append(day)
        self.searched.emit(self._query(*days))

    def clear(self) -> None:
        """Empty every field."""
        for field in (self.name, self.patient_id, self.since, self.until, self.description):
            field.clear()
            _mark(field, invalid=False)
        self.kind.setCurrentIndex(0)

    def _query(self, since: date | None, until: date | None) -> StudyQuery:
        return StudyQuery(
            name=self.name.text().strip(),
            patient_id=self.patient_id.text().strip(),
            since=since,
            until=until,
            modality=str(self.kind.currentData() or ""),
            description=self.description.text().strip(),
        )

    @Slot(int)
    def _on_kind_activated(self, _index: int) -> None:
        self.search()

    @Slot(str)
    def _on_day_edited(self, _text: str) -> None:
        for field in (self.since, self.until):
            _mark(field, invalid=False)
        self.refused.emit("")


def _mark(field: QLineEdit, *, invalid: bool) -> None:
    field.setProperty("invalid", "true" if invalid else "false")
    field.style().unpolish(field)
    field.style().polish(field)
