"""The dialogs and panes that the window's actions open."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QDialog

from app.core.errors import BitewingError
from app.domain.roles import Action
from app.ui.formats import ltr
from app.ui.later import part
from app.ui.viewer.actions import GROUPS, VIEWER_ACTIONS
from app.words import t

if TYPE_CHECKING:
    from app.ui.main_window.window import MainWindow


class Pages(QObject):
    """Opens what people ask for. GUI thread only."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session

    @Slot()
    def show_import(self, start: str | bool = "") -> None:
        """Open the import dialog, perhaps straight at the file chooser."""
        window = self._window
        dialog = part("ImportDialog")(self._session, window.imports, window.patient.summary, window)
        dialog.inbox_requested.connect(self.show_inbox)
        if start == "files":
            dialog.choose_files()
        elif start == "folder":
            dialog.choose_folder()
        dialog.show()

    @Slot(object)
    def show_import_results(self, run: Any) -> None:
        """Show each file's result."""
        dialog = part("ImportResultsDialog")(run.items, self._window)
        dialog.inbox_requested.connect(self.show_inbox)
        dialog.show()

    @Slot()
    def show_csv_import(self) -> None:
        """Open the patient list import."""
        part("CsvImportDialog")(self._session, self._window).exec()

    @Slot()
    def show_migration(self, _checked: bool = False, *, source: Path | None = None) -> None:
        """Bring in what an earlier program left."""
        part("MigrationDialog")(self._session, self._window, source=source).show()

    def offer_migration(self) -> None:
        """Say that an earlier program's images lie where they are expected, once."""
        session = self._session
        if not session.may(Action.LIBRARY_MIGRATE):
            return
        library, actor = session.library, session.actor

        def say(place: Path | None) -> None:
            if place is not None:
                session.notices.say(
                    t("Images of an earlier program were found"),
                    ltr(str(place)),
                    action=t("Look at them"),
                    act=partial(self.show_migration, source=place),
                )

        session.calls.ask("offer-migration", lambda: library.migration.offer(actor), say)

    @Slot()
    def show_inbox(self) -> None:
        """Bring the inbox to the middle, or put it away."""
        arrangement, inbox = self._window.arrangement, self._window.inbox
        showing = arrangement.inbox_shown and self.sender() is self._window.actions_by_name["inbox"]
        arrangement.show_inbox(on=not showing)
        if not showing:
            inbox.reload()
            inbox.take_focus()

    @Slot()
    def show_activity(self) -> None:
        """Bring Activity to the front."""
        self._window.arrangement.right.show()
        self._window.actions_by_name["toggle_right"].setChecked(True)
        self._window.panels.show_activity()

    @Slot()
    def show_folders(self) -> None:
        """Open the settings at the watched folders."""
        self.show_settings(page="monitor")

    @Slot()
    def show_treatments(self) -> None:
        """Bring the open patient's treatments to the front."""
        self._window.arrangement.right.show()
        self._window.actions_by_name["toggle_right"].setChecked(True)
        self._window.panels.show_treatments()

    @Slot()
    def show_settings(self, _checked: bool = False, *, page: str = "") -> None:
        """Open the settings; rebuild the window when its looks or language changed."""
        dialog = part("SettingsDialog")(self._session, self._window, page=page)
        if dialog.exec() != QDialog.DialogCode.Accepted:
            return
        self._session.reload()
        self._window.status.refresh()
        if dialog.needs_rebuild:
            self._window.rebuild_requested.emit()

    @Slot()
    def show_backups(self) -> None:
        """Show the backups, and how safe the library is."""
        dialog = part("BackupsDialog")(self._session, self._window.backups, self._window)
        dialog.settings_requested.connect(lambda page: self.show_settings(page=page))
        dialog.restore_chosen.connect(self._window.restore_requested)
        dialog.show()

    @Slot()
    def show_log(self) -> None:
        """Show what ran, what was found and what failed."""
        part("LogDialog")(self._session, self._window).show()

    @Slot()
    def toggle_theme(self) -> None:
        """Change between dark and light."""
        value = "light" if self._session.workstation.theme == "dark" else "dark"
        try:
            self._session.library.settings.set(self._session.actor, "display.theme", value)
        except BitewingError as error:
            self._session.notices.fault(error)
            return
        self._window.rebuild_requested.emit()

    @Slot()
    def show_help(self, _checked: bool = False, *, topic: str = "") -> None:
        """Open the help, beside the work; at the inbox, what it says of that."""
        window = self._window
        at_inbox = window.arrangement.inbox_shown
        part("HelpDialog")(window, topic=topic or ("inbox" if at_inbox else "")).show()

    @Slot()
    def show_shortcuts(self) -> None:
        """List every key."""
        rows = [(command.group, command.text, command.key) for command in self._window.actions_by_name.table]
        viewer = [
            (t("Viewer: {group}", group=GROUPS[entry.group]()), entry.text(), entry.key()) for entry in VIEWER_ACTIONS
        ]
        part("ShortcutsDialog")([*rows, *viewer], self._window).exec()

    @Slot()
    def show_about(self) -> None:
        """Say what this program is, and is not."""
        part("AboutDialog")(self._window).exec()
