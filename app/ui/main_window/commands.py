"""What the window's actions do: opens dialogs and menus, passes wishes on to who carries them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog

from app.domain.roles import Action
from app.ui.later import part
from app.ui.tree.place import Place
from app.words import t

if TYPE_CHECKING:
    from app.ui.main_window.window import MainWindow

_NEEDS_PATIENT = ("edit_patient", "merge_patient", "close_patient", "deleted_images", "new_treatment")
_NEEDS_IMAGE = ("move_image", "delete_image", "share", "copy_id")


class WindowCommands(QObject):
    """Slots of the window's actions. GUI thread only."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        actions, pages, places = window.actions_by_name, window.pages, window.places
        table: dict[str, Callable[..., object]] = {
            "search": window.top.search.start,
            "import": pages.show_import,
            "import_files": lambda: pages.show_import("files"),
            "import_folder": lambda: pages.show_import("folder"),
            "import_patients": pages.show_csv_import,
            "migrate": pages.show_migration,
            "paste": window.drops.paste,
            "inbox": pages.show_inbox,
            "worklist": places.show_worklist,
            "new_patient": self.new_patient,
            "edit_patient": self.edit_patient,
            "merge_patient": self.merge_patient,
            "close_patient": window.patient.close,
            "new_treatment": lambda: window.treatments.add(),
            "treatments": pages.show_treatments,
            "undo": self.undo,
            "redo": self.redo,
            "move_image": self.move_images,
            "delete_image": self.delete_images,
            "deleted_images": self.show_deleted,
            "copy_id": self.copy_id,
            "share": lambda: places.show_share(window.table.chosen_ids()),
            "links": places.show_links,
            "next_image": lambda: window.table.commands.run("next_image"),
            "previous_image": lambda: window.table.commands.run("previous_image"),
            "focus_tree": window.tree.view.setFocus,
            "focus_viewer": window.table.pane.setFocus,
            "focus_strip": window.table.strip.setFocus,
            "focus_panels": window.panels.take_focus,
            "toggle_left": lambda on: window.arrangement.left.setVisible(on),
            "toggle_right": lambda on: window.arrangement.right.setVisible(on),
            "full_screen": lambda on: window.showFullScreen() if on else window.showNormal(),
            "toggle_theme": pages.toggle_theme,
            "backups": pages.show_backups,
            "archive": places.show_archive,
            "dashboard": places.show_dashboard,
            "browse_archive": window.archive.show_browser,
            "public_images": window.publishing.show_public,
            "check": window.imports.check,
            "demo": window.imports.fill_demo,
            "activity": pages.show_activity,
            "log": pages.show_log,
            "settings": pages.show_settings,
            "help": pages.show_help,
            "shortcuts": pages.show_shortcuts,
            "about": pages.show_about,
            "quit": window.close,
        }
        for name, slot in table.items():
            actions.on(name, slot)
        for name in ("toggle_left", "toggle_right"):
            actions[name].setChecked(True)
        window.undo.changed.connect(self.refresh)
        window.table.image_chosen.connect(self._on_image_chosen)
        window.table.pane.state_changed.connect(self.refresh)

    # -- what is possible now ------------------------------------------------------------------------

    @Slot()
    def refresh(self) -> None:
        """Enable what can be done now, and name what undo would take back."""
        window, may = self._window, self._session.may
        actions = window.actions_by_name
        actions.enable(_NEEDS_PATIENT, on=window.patient.patient_id is not None)
        actions.enable(_NEEDS_IMAGE, on=window.table.current is not None)
        for name, action in (
            ("new_patient", Action.PATIENT_ADD),
            ("import", Action.IMAGE_IMPORT),
            ("import_files", Action.IMAGE_IMPORT),
            ("import_folder", Action.LIBRARY_IMPORT),
            ("import_patients", Action.PATIENT_IMPORT),
            ("paste", Action.IMAGE_IMPORT),
            ("migrate", Action.LIBRARY_MIGRATE),
            ("inbox", Action.IMAGE_FILE),
            ("worklist", Action.WORKLIST_USE),
            ("backups", Action.BACKUP_VIEW),
            ("archive", Action.ARCHIVE_PUSH),
            ("dashboard", Action.STATUS_VIEW),
            ("browse_archive", Action.ARCHIVE_BROWSE),
            ("public_images", Action.IMAGE_WITHDRAW),
            ("links", Action.SHARE_VIEW),
            ("log", Action.LOG_VIEW),
            ("check", Action.LIBRARY_CHECK),
            ("demo", Action.LIBRARY_DEMO),
            ("settings", Action.SETTINGS_VIEW),
        ):
            actions[name].setEnabled(may(action))
        for name, action in (
            ("merge_patient", Action.PATIENT_MERGE),
            ("edit_patient", Action.PATIENT_EDIT),
            ("new_treatment", Action.TREATMENT_EDIT),
            ("move_image", Action.IMAGE_MOVE),
            ("delete_image", Action.IMAGE_DELETE),
            ("deleted_images", Action.IMAGE_RESTORE),
            ("share", Action.SHARE_CREATE),
        ):
            if not may(action):
                actions[name].setEnabled(False)
        undo, redo = window.undo.next_undo, window.undo.next_redo
        actions["undo"].setText(t("Undo: {what}", what=undo) if undo else t("Undo"))
        actions["redo"].setText(t("Redo: {what}", what=redo) if redo else t("Redo"))

    @Slot(object)
    def _on_image_chosen(self, _image: object) -> None:
        self.refresh()

    # -- undo: the viewer's adjustments where the viewer has the keyboard, else the library's ------------

    @Slot()
    def undo(self) -> None:
        """Take back the last thing done where the person is."""
        self._take_back("undo", self._window.undo.undo, has=bool(self._window.undo.next_undo))

    @Slot()
    def redo(self) -> None:
        """Do again what was taken back where the person is."""
        self._take_back("redo", self._window.undo.redo, has=bool(self._window.undo.next_redo))

    def _take_back(self, name: str, library: Any, *, has: bool) -> None:
        focus = QApplication.focusWidget()
        pane = self._window.table.pane
        in_viewer = focus is not None and (focus is pane or pane.isAncestorOf(focus))
        history = pane.cell.history
        adjusted = history.can_undo if name == "undo" else history.can_redo
        if (in_viewer and adjusted) or (adjusted and not has):
            self._window.table.commands.run(name)
        else:
            library()

    # -- patients ----------------------------------------------------------------------------------------

    @Slot()
    def new_patient(self) -> None:
        """Add a patient and open them."""
        dialog = part("PatientDialog")(self._session, None, self._window)
        if dialog.exec() == QDialog.DialogCode.Accepted and dialog.saved is not None:
            self._window.open_place(Place(dialog.saved.id))

    @Slot()
    def edit_patient(self) -> None:
        """Edit the open patient."""
        if self._window.patient.summary is not None:
            self._edit(self._window.patient.summary)

    def _edit(self, summary: Any) -> None:
        part("PatientDialog")(self._session, summary, self._window).exec()

    @Slot()
    def merge_patient(self) -> None:
        """Merge another patient into the open one."""
        if self._window.patient.summary is None:
            return
        dialog = part("MergeDialog")(self._session, self._window.patient.summary, self._window)
        if dialog.exec() == QDialog.DialogCode.Accepted and dialog.kept is not None:
            self._window.open_place(Place(dialog.kept))

    # -- images ------------------------------------------------------------------------------------------

    @Slot()
    def move_images(self) -> None:
        """Choose where the chosen images belong."""
        window = self._window
        ids = window.table.chosen_ids()
        if not ids or window.patient.summary is None:
            return
        dialog = part("MoveDialog")(self._session, window.patient.summary, len(ids), window.table.current, window)
        if dialog.exec() == QDialog.DialogCode.Accepted and dialog.place is not None:
            window.filer.move(ids, dialog.place, from_patient=window.patient.patient_id)

    @Slot()
    def delete_images(self) -> None:
        """Delete the chosen images, softly."""
        self._window.filer.delete(self._window.table.chosen_ids())

    @Slot()
    def show_deleted(self) -> None:
        """Look over the open patient's deleted images and bring some back."""
        window = self._window
        if window.patient.summary is not None:
            part("DeletedImagesDialog")(self._session, window.patient.summary, window.filer.restore, window).exec()

    @Slot()
    def copy_id(self) -> None:
        """Copy the image's id."""
        image = self._window.table.current
        if image is not None:
            QGuiApplication.clipboard().setText(image.id)
