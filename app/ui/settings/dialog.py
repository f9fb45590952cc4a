"""The settings dialog: pages at the near side, a search over all of them, saved together or not at all."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QScrollArea, QVBoxLayout, QWidget

from app.core.destinations import DIMSE, MIRROR
from app.core.errors import BitewingError
from app.core.settings import SettingKey, setting_key
from app.domain.roles import Action
from app.ui.dialogs.frame import DialogFrame
from app.ui.search.line import SearchLine
from app.ui.session import Session
from app.ui.settings.destinations import DestinationsEditor
from app.ui.settings.drive_card import DriveCard
from app.ui.settings.editors import Editor
from app.ui.settings.folders import FoldersEditor
from app.ui.settings.pages import DRIVE, Field, Page, pages
from app.ui.settings.receivers import ReceiversEditor
from app.ui.states import plain_label
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t

_REBUILDS = frozenset(
    {"display.language", "display.theme", "display.touch_targets", "display.tooth_numbers", "viewer.wheel"}
)


ROW_PX = 40


class SettingsDialog(DialogFrame):
    """Cancel changes nothing; Save writes what differs. GUI thread only."""

    def __init__(self, session: Session, parent: QWidget | None = None, *, page: str = "") -> None:
        """``page`` is how the keys of the page begin that comes first: ``backup``."""
        super().__init__(t("Settings"), parent)
        self._session = session
        self.needs_rebuild = False
        self.editors: list[Editor | FoldersEditor | ReceiversEditor] = []
        self.destinations: list[DestinationsEditor] = []
        settings = session.library.settings
        self._stored = {"clinic": settings.clinic(), "workstation": settings.workstation()}
        self._blocks: list[tuple[int, QWidget, str]] = []
        self._titles: list[QWidget] = []
        self._search = SearchLine()
        self._search.setPlaceholderText(t("Find a setting"))
        self._search.textChanged.connect(self._on_search_changed)
        self._list = QListWidget()
        self._list.setFixedWidth(UNIT * 24)
        self._list.setAccessibleName(t("Pages"))
        self._list.currentRowChanged.connect(self._on_page_changed)
        self._column = QVBoxLayout()
        self._column.setContentsMargins(UNIT, 0, UNIT, 0)
        self._column.setSpacing(UNIT * 2)
        may = session.may(Action.SETTINGS_CHANGE)
        buckets = tuple(mirror.name for mirror in session.library.settings.mirrors() if mirror.kind == "s3")
        every = pages(buckets)
        for number, entry in enumerate(every):
            row = QListWidgetItem(icon(entry.icon), entry.title)
            row.setSizeHint(QSize(UNIT * 20, ROW_PX))
            self._list.addItem(row)
            self._add_page(number, entry, enabled=may)
        self._column.addStretch(1)
        near = QVBoxLayout()
        near.setSpacing(UNIT)
        near.addWidget(self._search)
        near.addWidget(self._list, 1)
        inner = QWidget()
        inner.setLayout(self._column)
        self._scroll = scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        halves = QHBoxLayout()
        halves.setSpacing(UNIT * 2)
        halves.addLayout(near)
        halves.addWidget(scroll, 1)
        self.body.addLayout(halves, 1)
        if not may:
            self.say_problem(t("Only an administrator changes settings."))
        self.add_cancel()
        self._save = self.add_button(t("Save"), "primary", default=True)
        self._save.setEnabled(may)
        self._save.clicked.connect(self._on_save_clicked)
        self.resize(UNIT * 96, UNIT * 62)
        starts = [
            entry.topic == page or any(field.key.startswith(f"{page}.") for field in entry.fields) for entry in every
        ]
        self._list.setCurrentRow(starts.index(True) if page and True in starts else 0)
        self._wanted = next((editor.widget for editor in self.destinations if editor.topic == page), None)

    def showEvent(self, event: QShowEvent) -> None:
        """Bring the list into view that was asked for, where it stands below other settings."""
        super().showEvent(event)
        QTimer.singleShot(0, self._bring_up)

    @Slot()
    def _bring_up(self) -> None:
        if self._wanted is not None:
            self._scroll.ensureWidgetVisible(self._wanted, 0, UNIT * 6)
            self._wanted = None

    def editor(self, key: str) -> Any:
        """Return the editor of a setting."""
        return next(editor for editor in self.editors if editor.field.key == key)

    def _add_page(self, number: int, page: Page, *, enabled: bool) -> None:
        title = plain_label(page.title, "title")
        self._column.addWidget(title)
        self._titles.append(title)
        if page.topic == DRIVE:
            self._add_drive(number, page)
        for field in page.fields:
            entry = setting_key(field.key)
            # A secret is never shown, so its editor starts empty.
            value: Any = "" if entry.is_secret else getattr(self._stored[entry.scope], entry.attribute)
            editor = self._make(field, entry, value)
            editor.widget.setEnabled(enabled)
            self.editors.append(editor)
            block = QWidget()
            column = QVBoxLayout(block)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(UNIT // 2)
            if entry.type is not bool:
                column.addWidget(plain_label(field.title))
            column.addWidget(editor.widget)
            scope = t("For this computer.") if entry.scope == "workstation" else t("For the whole clinic.")
            column.addWidget(plain_label(f"{field.help} {scope}".strip(), "muted", wrap=True))
            self._column.addWidget(block)
            self._blocks.append((number, block, f"{page.title} {field.title} {field.help} {field.key}".casefold()))
        if page.topic in {MIRROR, DIMSE}:
            self._add_destinations(number, page, enabled=enabled)

    def _make(self, field: Field, entry: SettingKey, value: Any) -> Editor | FoldersEditor | ReceiversEditor:
        if entry.key == "share.profiles":
            return ReceiversEditor(field, entry, value)
        return FoldersEditor(field, entry, value, self._session) if entry.type is list else Editor(field, entry, value)

    def _add_destinations(self, number: int, page: Page, *, enabled: bool) -> None:
        editor = DestinationsEditor(page.topic, self._session)
        editor.widget.setEnabled(enabled)
        self.destinations.append(editor)
        says = {
            DIMSE: t(
                "Every filed image goes there too, proven by storage commitment or by query. By DICOM alone nothing can"
                " be called back."
            ),
            MIRROR: t("Every filed image goes there too, as a file, proven to be there; without a network they wait."),
        }[page.topic]
        block = QWidget()
        column = QVBoxLayout(block)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT // 2)
        if page.fields:
            column.addWidget(plain_label(editor.list.accessibleName()))
        column.addWidget(editor.widget)
        column.addWidget(plain_label(f"{says} {t('For the whole clinic.')}", "muted", wrap=True))
        self._column.addWidget(block)
        self._blocks.append((number, block, f"{page.title} {says} {page.topic}".casefold()))

    def _add_drive(self, number: int, page: Page) -> None:
        self.drive = DriveCard(self._session, self._store_client)
        self._column.addWidget(self.drive)
        self._blocks.append((number, self.drive, f"{page.title} {t('Connect…')} google".casefold()))

    def _store_client(self) -> None:
        """Store what Connect needs, before the rest is saved. Raises as the settings do."""
        for key in ("drive.client_id", "drive.client_secret"):
            editor = self.editor(key)
            if editor.changed:
                self._session.library.settings.set_value(self._session.actor, key, editor.value())
                editor.settle()

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self.drive.leave()
        super().done(result)

    @Slot(int)
    def _on_page_changed(self, row: int) -> None:
        if not self._search.text():
            self._show(lambda number, _words: number == row)

    @Slot(str)
    def _on_search_changed(self, text: str) -> None:
        asked = text.casefold().strip()
        if asked:
            self._show(lambda _number, words: asked in words)
        else:
            self._on_page_changed(self._list.currentRow())

    def _show(self, wanted: Any) -> None:
        shown = set()
        for number, block, words in self._blocks:
            visible = bool(wanted(number, words))
            block.setVisible(visible)
            if visible:
                shown.add(number)
        for number, title in enumerate(self._titles):
            title.setVisible(number in shown)

    @Slot()
    def _on_save_clicked(self) -> None:
        settings, actor = self._session.library.settings, self._session.actor
        changed = [editor for editor in self.editors if editor.changed]
        try:
            for editor in changed:
                settings.set_value(actor, editor.field.key, editor.value())
            for listed in self.destinations:
                if listed.changed:
                    listed.save()
        except BitewingError as error:
            words = error_words.words_for(error)
            self.say_problem(" ".join(part for part in (words.explanation, words.what_to_do) if part))
            return
        self.needs_rebuild = any(editor.field.key in _REBUILDS for editor in changed)
        self.accept()
