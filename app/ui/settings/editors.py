"""One editor per kind of setting: text, choice, switch, number."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QWidget

from app.core.settings import SettingKey
from app.ui.settings.pages import Field
from app.ui.theme.stylesheet import UNIT
from app.words import t

_MOST = 1e12
_LAST_PORT = 65535


class Editor:
    """A widget and how to read it; knows whether a person changed it."""

    def __init__(self, field: Field, entry: SettingKey, value: Any) -> None:
        self.field, self.entry, self._before = field, entry, value
        self.widget = self._make(value)
        self.widget.setAccessibleName(field.title)

    @property
    def changed(self) -> bool:
        """Whether the value differs from what was stored."""
        return bool(self.value() != self._before)

    def value(self) -> Any:
        """Return the value as the service stores it."""
        widget = self.widget
        if isinstance(widget, QCheckBox):
            return widget.isChecked()
        if isinstance(widget, QComboBox):
            return widget.currentData()
        if isinstance(widget, QDoubleSpinBox):
            return int(widget.value() * self.field.scale)
        return widget.text().strip() if isinstance(widget, QLineEdit) else None

    def settle(self) -> None:
        """Take what is shown as what is stored."""
        self._before = self.value()

    def _make(self, value: Any) -> QWidget:
        if self.entry.type is bool:
            switch = QCheckBox(self.field.title)
            switch.setChecked(bool(value))
            return switch
        if self.field.choices:
            box = QComboBox()
            for choice, words in self.field.choices:
                box.addItem(words, choice)
            if box.findData(value) < 0:
                # Set by a script: saving another setting must not change it.
                box.addItem(str(value), value)
            box.setCurrentIndex(box.findData(value))
            return box
        if self.entry.type is int:
            spin = QDoubleSpinBox()
            spin.setDecimals(0)
            # The padding of the style sheet does not reach this line.
            spin.lineEdit().setTextMargins(UNIT, 0, UNIT, 0)
            # Figures are written the same in both languages.
            spin.setLocale(QLocale(QLocale.Language.English))
            # A port is a name made of figures.
            spin.setGroupSeparatorShown(self.entry.maximum != _LAST_PORT)
            spin.setRange(
                (self.entry.minimum or 0) / self.field.scale, (self.entry.maximum or _MOST) / self.field.scale
            )
            spin.setValue(value / self.field.scale)
            spin.setSuffix(f" {self.field.unit}" if self.field.unit else "")
            return spin
        line = QLineEdit(str(value))
        line.setMaxLength(200)
        if self.entry.is_secret:
            line.setEchoMode(QLineEdit.EchoMode.Password)
            line.setPlaceholderText(t("Type a new one to change it"))
        return line
