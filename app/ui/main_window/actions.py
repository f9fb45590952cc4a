"""The window's commands: one table of texts, keys and icons; every tool tip names its key.

The list of shortcuts (F1) is made from the same table, so that it can never be out of date.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.ui.theme.icons import icon
from app.words import is_right_to_left, t


@dataclass(frozen=True)
class Command:
    """One command of the window."""

    name: str
    group: str
    text: str
    key: str = ""
    icon: str = ""
    checkable: bool = False


def commands() -> tuple[Command, ...]:
    """Return every command in the window's language, grouped as in the list of shortcuts."""
    onwards, back = ("Ctrl+Left", "Ctrl+Right") if is_right_to_left() else ("Ctrl+Right", "Ctrl+Left")
    library, image, view, program = t("Library"), t("Image"), t("Window"), t("Program")
    return (
        Command("search", library, t("Search patients"), "Ctrl+K", "search"),
        Command("import", library, t("Import…"), "Ctrl+I", "import"),
        Command("import_files", library, t("Import files…"), "Ctrl+Shift+I", "file"),
        Command("import_folder", library, t("Import a folder…"), "Ctrl+Alt+I", "folder"),
        Command("import_patients", library, t("Import a patient list (CSV)…"), "Ctrl+Alt+P", "clinic"),
        Command("migrate", library, t("Bring in from an earlier program…"), "Ctrl+Alt+E", "import"),
        Command("paste", library, t("Paste an image or files"), "Ctrl+V", "paste"),
        Command("inbox", library, t("Inbox"), "Ctrl+B", "inbox"),
        Command("worklist", library, t("Worklist of the day…"), "Ctrl+Shift+W", "history"),
        Command("new_patient", library, t("New patient…"), "Ctrl+N", "patient-add"),
        Command("edit_patient", library, t("Edit patient…"), "F2", "edit"),
        Command("merge_patient", library, t("Merge patients…"), "Ctrl+Alt+M", "merge"),
        Command("close_patient", library, t("Close patient"), "Ctrl+W", "close"),
        Command("new_treatment", library, t("New treatment…"), "Ctrl+T", "treatment"),
        Command("treatments", library, t("Treatments"), "Ctrl+Shift+T", "treatment"),
        Command("undo", library, t("Undo"), "Ctrl+Z", "undo"),
        Command("redo", library, t("Redo"), "Ctrl+Y", "redo"),
        Command("move_image", image, t("Move image…"), "Ctrl+M", "move"),
        Command("delete_image", image, t("Delete image"), "Del", "delete"),
        Command("deleted_images", image, t("Deleted images…"), "Ctrl+Alt+Z", "delete"),
        Command("share", image, t("Share…"), "Ctrl+Shift+H", "share"),
        Command("copy_id", image, t("Copy the image's id"), "Ctrl+Alt+C", "copy"),
        Command("next_image", image, t("Next image"), onwards),
        Command("previous_image", image, t("Previous image"), back),
        Command("focus_tree", view, t("Go to the patient tree"), "Ctrl+1"),
        Command("focus_viewer", view, t("Go to the viewer"), "Ctrl+2"),
        Command("focus_strip", view, t("Go to the filmstrip"), "Ctrl+3"),
        Command("focus_panels", view, t("Go to the panels"), "Ctrl+4"),
        Command("toggle_left", view, t("Patients and chart"), "F8", "panel-left", checkable=True),
        Command("toggle_right", view, t("Panels"), "F9", "panel-right", checkable=True),
        Command("full_screen", view, t("Full screen"), "F11", checkable=True),
        Command("toggle_theme", view, t("Dark or light"), "Ctrl+Shift+L", "theme"),
        Command("dashboard", program, t("Overview…"), "Ctrl+Alt+O", "activity"),
        Command("backups", program, t("Backups…"), "Ctrl+Alt+B", "backup"),
        Command("archive", program, t("Where images go…"), "Ctrl+Alt+A", "export"),
        Command("public_images", program, t("Public images…"), "Ctrl+Alt+U", "link"),
        Command("links", program, t("Links…"), "Ctrl+Alt+H", "link"),
        Command("browse_archive", program, t("Browse the archive…"), "Ctrl+Shift+A", "search"),
        Command("check", program, t("Check the library"), "Ctrl+Alt+K", "library"),
        Command("demo", program, t("Add a demonstration clinic"), "Ctrl+Alt+D", "clinic"),
        Command("activity", program, t("Activity"), "Ctrl+J", "activity"),
        Command("log", program, t("Log…"), "Ctrl+Alt+L", "history"),
        Command("settings", program, t("Settings…"), "Ctrl+,", "settings"),
        Command("help", program, t("Help"), "Ctrl+F1", "help"),
        Command("shortcuts", program, t("Keyboard shortcuts"), "F1", "keyboard"),
        Command("about", program, t("About Bitewing"), "Shift+F1", "info"),
        Command("quit", program, t("Quit"), "Ctrl+Q", "quit"),
    )


class Actions:
    """The window's actions by name."""

    def __init__(self, owner: QWidget) -> None:
        self._actions: dict[str, QAction] = {}
        self.table = commands()
        for command in self.table:
            self._actions[command.name] = _action(command, owner)
        owner.addActions(list(self._actions.values()))

    def __getitem__(self, name: str) -> QAction:
        """Return an action."""
        return self._actions[name]

    def dress(self) -> None:
        """Give the actions their icons; after the first paint, since only menus show them."""
        for command in self.table:
            if command.icon:
                self._actions[command.name].setIcon(icon(command.icon))

    def on(self, name: str, slot: Callable[..., object]) -> None:
        """Connect an action to what it does."""
        self._actions[name].triggered.connect(slot)

    def enable(self, names: tuple[str, ...], *, on: bool) -> None:
        """Enable or disable several actions."""
        for name in names:
            self._actions[name].setEnabled(on)


def _action(command: Command, owner: QWidget) -> QAction:
    action = QAction(command.text, owner)
    action.setObjectName(command.name)
    if command.key:
        action.setShortcut(QKeySequence(command.key))
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setToolTip(t("{command} ({key})", command=command.text.rstrip("…"), key=command.key))
    action.setCheckable(command.checkable)
    return action
