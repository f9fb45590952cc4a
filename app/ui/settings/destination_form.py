"""One mirror or archive: its name and settings, tried out before they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QDialog, QFormLayout, QLineEdit, QScrollArea, QWidget

from app.core.destinations import DRIVE_FOLDER, MIRROR, is_name
from app.core.errors import BitewingError
from app.core.settings import setting_key
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import ltr
from app.ui.later import part
from app.ui.session import Session
from app.ui.settings.destination_fields import ANY, Destination, DestinationField, fields_of
from app.ui.settings.editors import Editor
from app.ui.states import add_field, plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t

_TRUSTED_BY_FINGERPRINT = frozenset({"store.certificate", "store.host_key_unknown", "dimse.certificate"})


# Tries settings out and returns lines of what was found.
TryOut = Callable[[Destination], list[str]]


class DestinationForm(DialogFrame):
    """Accepted with :attr:`destination` set, or nothing happens. GUI thread only."""

    def __init__(
        self,
        session: Session,
        topic: str,
        destination: Destination | None,
        taken: frozenset[str],
        try_out: TryOut,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(t("Mirror") if topic == MIRROR else t("Archive (DICOM)"), parent)
        self._session, self._topic, self._taken, self._try_out = session, topic, taken, try_out
        self._lane = ("destination", id(self))
        self.destination: Destination | None = None
        self._published_before = destination is not None and bool(destination.values.get("publish"))
        known = destination or Destination("")
        # What was typed before and is not stored yet.
        self._typed = dict(known.secrets)
        self.name = QLineEdit(known.name)
        self.name.setMaxLength(32)
        # The name of a destination is part of the keys of its settings and of its queue.
        self.name.setEnabled(destination is None)
        self.name.setPlaceholderText(ltr("nas" if topic == MIRROR else "pacs"))
        self.editors: dict[str, Editor] = {}
        self._help: dict[str, QWidget] = {}
        self._kinds: dict[str, tuple[str, ...]] = {}
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(UNIT * 2)
        self._form.setVerticalSpacing(UNIT)
        add_field(self._form, t("Name"), self.name)
        for entry in fields_of(topic):
            self._add(entry, known.values)
        inner = QWidget()
        inner.setLayout(self._form)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        self.body.addWidget(scroll, 1)
        self.found = plain_label("", wrap=True, selectable=True)
        self.found.hide()
        self.body.addWidget(self.found)
        self.test_button = self.add_button(t("Try the connection"))
        self.test_button.clicked.connect(self.test)
        self.trust_button = self.add_button(t("Trust this one"))
        self.trust_button.clicked.connect(self._on_trust_clicked)
        self.trust_button.hide()
        self._fingerprint = ""
        self.add_cancel()
        self.ok = self.add_button(t("Use"), "primary", default=True)
        self.ok.clicked.connect(self._on_ok_clicked)
        if "kind" in self.editors:
            self.editors["kind"].widget.currentIndexChanged.connect(self._show_kind)  # type: ignore[attr-defined]
        self._show_kind()
        self.resize(UNIT * 78, UNIT * 72)

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        super().done(result)

    @Slot()
    def test(self) -> None:
        """Try what stands in the form; nothing is stored by it."""
        wanted = self._wanted()
        if wanted is None:
            return
        self.say_problem("")
        self.trust_button.hide()
        self.found.setText(t("Asking…"))
        self.found.show()
        self.test_button.setEnabled(False)
        self._session.calls.ask(self._lane, lambda: self._try_out(wanted), self._on_tested, self._on_test_failed)

    def _add(self, entry: DestinationField, values: Mapping[str, Any]) -> None:
        last = entry.field.key
        key = setting_key(f"{self._topic}.x.{last}")
        editor = Editor(entry.field, key, "" if key.is_secret else values.get(last, key.default))
        self.editors[last], self._kinds[last] = editor, entry.kinds
        if isinstance(editor.widget, QCheckBox):
            self._form.addRow("", editor.widget)
        else:
            add_field(self._form, entry.field.title, editor.widget)
        if entry.field.help:
            self._help[last] = plain_label(entry.field.help, "muted", wrap=True)
            # Wide enough for its lines: else the form keeps room for many narrow ones.
            self._help[last].setMinimumWidth(UNIT * 50)
            self._form.addRow("", self._help[last])

    @Slot()
    def _show_kind(self, *_index: object) -> None:
        kind = self.editors["kind"].value() if "kind" in self.editors else ""
        for last, kinds in self._kinds.items():
            is_shown = kinds == ANY or kind in kinds
            self._form.setRowVisible(self.editors[last].widget, is_shown)
            if last in self._help:
                self._form.setRowVisible(self._help[last], is_shown)
        if "path" in self.editors:
            # What it is called where nothing is said.
            line = self.editors["path"].widget
            assert isinstance(line, QLineEdit)
            line.setPlaceholderText(ltr(DRIVE_FOLDER) if kind == "drive" else "")

    def _wanted(self) -> Destination | None:
        """Return what stands in the form, or say what is wrong with it."""
        name = self.name.text().strip()
        if not is_name(name):
            self.say_problem(t("Give it a short name: letters from A to Z, digits, hyphens, underscores."))
            self.name.setFocus()
            return None
        if self.name.isEnabled() and name.casefold() in {taken.casefold() for taken in self._taken}:
            self.say_problem(t("There is one of this name already."))
            self.name.setFocus()
            return None
        values, secrets = {}, dict(self._typed)
        for last, editor in self.editors.items():
            key = setting_key(f"{self._topic}.{name}.{last}")
            try:
                key.require_valid(editor.value())
            except BitewingError as error:
                self.say_problem(f"{editor.field.title}: {error_words.reason(error.code, error.facts)}")
                editor.widget.setFocus()
                return None
            if not key.is_secret:
                values[last] = editor.value()
            elif editor.value():
                secrets[last] = editor.value()
        return Destination(name, values, secrets)

    def _on_tested(self, lines: list[str]) -> None:
        self.test_button.setEnabled(True)
        self.found.setText("\n".join(lines))

    def _on_test_failed(self, error: BitewingError) -> None:
        self.test_button.setEnabled(True)
        self.found.hide()
        words = error_words.words_for(error)
        self.say_problem(" ".join(part for part in (words.explanation, words.what_to_do) if part))
        self._fingerprint = str(error.facts.get("fingerprint") or "")
        self.trust_button.setVisible(error.code in _TRUSTED_BY_FINGERPRINT and bool(self._fingerprint))

    @Slot()
    def _on_trust_clicked(self) -> None:
        line = self.editors["trust"].widget
        assert isinstance(line, QLineEdit)
        line.setText(self._fingerprint)
        self.trust_button.hide()
        self.test()

    @Slot()
    def _on_ok_clicked(self) -> None:
        wanted = self._wanted()
        if wanted is not None and self._may_publish(wanted):
            self.destination = wanted
            self.accept()

    def _may_publish(self, wanted: Destination) -> bool:
        """Whether what stands in the form is agreed to: publishing is switched on by who read what it means."""
        if not wanted.values.get("publish") or self._published_before:
            return True
        consent: QDialog = part("PublishConsentDialog")(self)
        return consent.exec() == QDialog.DialogCode.Accepted
