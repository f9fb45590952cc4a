"""The context menus of the tree, the filmstrip and the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from app.domain.roles import Action
from app.ui.later import part
from app.ui.tree.place import Place
from app.words import t

if TYPE_CHECKING:
    from app.ui.main_window.window import MainWindow


class ContextMenus(QObject):
    """Builds a menu where a person asked for one. GUI thread only."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session

    @Slot(object, object)
    def show_tree_menu(self, place: Place | None, where: QPoint) -> None:
        """Show what can be done with a row of the tree."""
        window, actions = self._window, self._window.actions_by_name
        menu = QMenu(window)
        if place is not None:
            menu.addAction(t("Open"), lambda: window.open_place(place))
            menu.addAction(t("Import files here…"), lambda: self._import_here(place))
            menu.addSeparator()
            if window.patient.patient_id == place.patient_id:
                new = menu.addAction(t("New treatment here…"), lambda: window.treatments.add(place=place))
                new.setEnabled(self._session.may(Action.TREATMENT_EDIT))
                menu.addActions([actions["edit_patient"], actions["merge_patient"], actions["deleted_images"]])
                menu.addSeparator()
            menu.addAction(t("Copy the patient's id"), lambda: QGuiApplication.clipboard().setText(place.patient_id))
            menu.addSeparator()
        menu.addAction(actions["new_patient"])
        menu.exec(where)

    @Slot(list, QPoint)
    def show_image_menu(self, _image_ids: list[str], where: QPoint) -> None:
        """Show what can be done with the chosen images."""
        menu = QMenu(self._window)
        self._fill_image_menu(menu)
        menu.exec(where)

    @Slot(object, QPoint)
    def show_viewer_menu(self, _item: object, where: QPoint) -> None:
        """Show what can be done in a cell of the viewer."""
        menu = QMenu(self._window)
        viewer = self._window.table.actions
        menu.addActions([viewer[name] for name in ("fit", "actual_size", "invert", "rotate_right", "reset")])
        menu.addSeparator()
        self._fill_image_menu(menu)
        menu.exec(where)

    def _fill_image_menu(self, menu: QMenu) -> None:
        actions = self._window.actions_by_name
        if len(self._window.table.strip.selected_ids()) > 1:
            menu.addAction(t("Compare side by side"), self._compare)
            menu.addSeparator()
        if self._session.may(Action.TREATMENT_EDIT) and self._window.table.chosen_ids():
            self._window.treatments.fill_menu(menu)
        menu.addActions([actions[name] for name in ("share", "move_image", "delete_image", "copy_id")])
        self._window.publishing.fill_menu(menu)

    def _compare(self) -> None:
        self._window.table.pane.compare(self._window.table.strip.selected_ids())

    def _import_here(self, place: Place) -> None:
        window = self._window
        dialog = part("ImportDialog")(self._session, window.imports, None, window, place=place)
        dialog.inbox_requested.connect(self._window.pages.show_inbox)
        dialog.choose_files()
        dialog.show()
