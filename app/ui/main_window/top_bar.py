"""The bar at the top: search, import, the viewer's tools, layout, the rest of the commands, who works here."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QSizePolicy, QToolBar, QToolButton, QWidget

from app.domain.roles import Role
from app.ui.main_window.actions import Actions
from app.ui.search.box import SearchBox
from app.ui.session import Session
from app.ui.states import plain_label, set_margins
from app.ui.status.chip import Dot, Health
from app.ui.theme.icons import ICON_PX, accent_icon, icon
from app.ui.theme.stylesheet import UNIT
from app.words import t

BAR_PX = 52
SEARCH_PX = 280
_TOOLS = ("tool_window", "tool_pan", "tool_zoom", "", "fit", "actual_size", "", "rotate_left", "rotate_right",
          "flip_horizontal", "invert", "reset")  # fmt: skip
_LAYOUTS = ("layout_1x1", "layout_1x2", "layout_2x1", "layout_2x2", "layout_2x3", "layout_3x3", "layout_3x4")
_MENU = (
    ("new_patient", "edit_patient", "merge_patient", "close_patient"),
    ("new_treatment", "treatments"),
    ("worklist", "inbox", "share", "move_image", "delete_image", "deleted_images", "copy_id", "paste"),
    ("undo", "redo"),
    ("toggle_left", "toggle_right", "full_screen", "toggle_theme"),
    ("dashboard", "browse_archive", "archive", "links", "public_images"),
    ("backups", "activity", "log", "check", "demo"),
    ("settings", "help", "shortcuts", "about"),
    ("quit",),
)


class TopBar(QWidget):
    """Hosts what others made; holds no logic. GUI thread only."""

    def __init__(self, session: Session, actions: Actions, viewer: dict[str, QAction], over: QWidget) -> None:
        super().__init__(over)
        self.setObjectName("topBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(BAR_PX + (8 if session.workstation.touch_targets else 0))
        self.search = SearchBox(session, over)
        self.search.setMinimumWidth(UNIT * 22)
        self.search.setMaximumWidth(SEARCH_PX)
        self.search.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(UNIT + 4, 0, UNIT + 4, 0)
        row.setSpacing(UNIT)
        row.addWidget(self.search, 2)
        row.addWidget(self._import_button(actions))
        row.addWidget(_line())
        row.addWidget(self._tool_strip(viewer), 5)
        row.addWidget(_line())
        row.addWidget(self._layout_button(viewer))
        row.addWidget(self._more_button(actions, viewer))
        row.addWidget(_user_chip(session))

    def _import_button(self, actions: Actions) -> QPushButton:
        button = QPushButton(accent_icon("import"), t("Import"))
        button.setProperty("role", "primary")
        button.setIconSize(QSize(16, 16))
        button.setToolTip(actions["import"].toolTip())
        menu = QMenu(button)
        _fill(menu, actions, ("import", "import_files", "import_folder", "paste"))
        menu.addSeparator()
        menu.addAction(actions["import_patients"])
        menu.addAction(actions["migrate"])
        button.setMenu(menu)
        return button

    def _tool_strip(self, viewer: dict[str, QAction]) -> QToolBar:
        bar = QToolBar()
        bar.setMovable(False)
        bar.setIconSize(QSize(ICON_PX, ICON_PX))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        bar.setStyleSheet("QToolBar { border: none; background: transparent; spacing: 2px; }")
        bar.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        bar.setAccessibleName(t("Viewer tools"))
        for name in _TOOLS:
            if name and name in viewer:
                bar.addAction(viewer[name])
            elif not name:
                bar.addSeparator()
        return bar

    def _layout_button(self, viewer: dict[str, QAction]) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon("layout"))
        button.setText(t("Layout"))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setToolTip(t("How many images side by side (Alt+1 to Alt+0)"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.addActions([viewer[name] for name in _LAYOUTS if name in viewer])
        menu.addSeparator()
        menu.addActions([viewer[name] for name in ("maximise", "link", "corner_text") if name in viewer])
        button.setMenu(menu)
        return button

    def _more_button(self, actions: Actions, viewer: dict[str, QAction]) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon("more"))
        button.setToolTip(t("More commands"))
        button.setAccessibleName(t("More commands"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        for group in _MENU:
            _fill(menu, actions, group)
            menu.addSeparator()
        presets = QMenu(t("Brightness and contrast"), menu)
        presets.addActions([action for name, action in viewer.items() if name.startswith("preset_")])
        menu.insertMenu(actions["toggle_left"], presets)
        button.setMenu(menu)
        return button


def _fill(menu: QMenu, actions: Actions, names: Iterable[str]) -> None:
    for name in names:
        menu.addAction(actions[name])


def _line() -> QFrame:
    line = QFrame()
    line.setFixedWidth(1)
    line.setFixedHeight(UNIT * 3)
    line.setProperty("role", "upright")
    return line


def _user_chip(session: Session) -> QWidget:
    chip = QWidget()
    row = QHBoxLayout(chip)
    set_margins(row, UNIT // 2, 0, 0, 0)
    row.setSpacing(UNIT - 2)
    row.addWidget(Dot(Health.GOOD))
    name = t("Owner") if session.actor.id == "owner" else session.actor.name
    row.addWidget(plain_label(name))
    if session.actor.role is Role.ADMIN and session.actor.id == "owner":
        chip.setToolTip(t("No accounts yet: whoever opens this library acts as its owner."))
    return chip
