"""The style sheet, made from a palette: one rhythm of 8 pixels, visible focus, quiet chrome."""

from __future__ import annotations

from string import Template

from app.ui.theme.palette import Palette

UNIT = 8
_SHEET = Template(
    """
* { outline: none; }
QWidget { color: $text; }
QMainWindow, QDialog, QWidget#page { background: $window; }
QLabel { background: transparent; }
QLabel[role="title"] { font-size: $size_title; font-weight: 600; }
QLabel[role="heading"] { font-size: $size_heading; font-weight: 600; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="warn"] { color: $amber; }
QLabel[role="bad"] { color: $red; }
QLabel[role="good"] { color: $green; }
QLabel[role="accent"] { color: $accent; font-weight: 600; }
QLabel[role="key"] { background: $raised; border: 1px solid $border; border-radius: 4px; padding: 1px 8px;
  color: $muted; }
QLabel[role="big"] { font-size: $size_big; font-weight: 600; }
QToolTip { background: $raised; color: $text; border: 1px solid $border; padding: 4px 8px; }

QWidget#topBar, QWidget#statusStrip { background: $window; }
QWidget#topBar { border-bottom: 1px solid $border; }
QWidget#statusStrip { border-top: 1px solid $border; }
QWidget#sidePane { background: $window; }
QWidget#expectedStrip { background: $raised; border-bottom: 1px solid $border; }
QWidget#patientHeader { background: $surface; border-bottom: 1px solid $border; }
QFrame[role="card"] { background: $surface; border: 1px solid $border; border-radius: 8px; }
QFrame[role="card"][active="true"] { border: 2px solid $accent; }
QFrame[role="upright"] { background: $border; border: none; }
QFrame[role="line"] { background: $border; border: none; max-height: 1px; min-height: 1px; }
QFrame[role="popup"] { background: $surface; border: 1px solid $border; border-radius: 8px; }
QFrame[role="toast"] { background: $raised; border: 1px solid $border; border-radius: 8px; }
QFrame[role="toast"][kind="error"] { border-left: 4px solid $red; }
QFrame[role="toast"][kind="warning"] { border-left: 4px solid $amber; }
QFrame[role="toast"][kind="done"] { border-left: 4px solid $green; }
QFrame[role="toast"][kind="info"] { border-left: 4px solid $accent; }

QPushButton[role="field"] { text-align: left; }
QPushButton { background: $raised; color: $text; border: 1px solid $border; border-radius: 6px;
  padding: $pad_button; min-height: $target; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $border; }
QPushButton:focus { border: 2px solid $accent; }
QPushButton:disabled { color: $disabled; background: $window; }
QPushButton[role="primary"] { background: $accent; color: $on_accent; border: 1px solid $accent; font-weight: 600; }
QPushButton[role="primary"]:hover { background: $accent_strong; }
QPushButton[role="primary"]:focus { border: 2px solid $text; }
QPushButton[role="primary"]:disabled { background: $raised; color: $disabled; border-color: $border; }
QPushButton[role="quiet"] { background: transparent; border: 1px solid transparent; }
QPushButton[role="quiet"]:hover { background: $hover; }
QPushButton[role="quiet"]:focus { border: 2px solid $accent; }
QPushButton[role="danger"] { color: $red; }
QPushButton[role="danger"]:disabled { color: $disabled; }
QPushButton::menu-indicator { image: url($chevron); width: 12px; height: 12px;
  subcontrol-position: center right; subcontrol-origin: padding; right: 8px; }

QPushButton[role="primary"]::menu-indicator { image: url($chevron_on_accent); }

QToolButton { background: transparent; color: $text; border: 1px solid transparent; border-radius: 6px;
  padding: 4px 8px; min-height: $target; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $border; }
QToolButton:checked { background: $accent_soft; color: $accent; font-weight: 600; }
QToolButton:focus { border: 2px solid $accent; }
QToolButton:disabled { color: $disabled; }
QToolButton::menu-indicator { image: none; }
QToolButton[popupMode="1"] { padding-right: 20px; }
QToolButton::menu-button { border: none; width: 16px; }

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QDateEdit, QComboBox {
  background: $surface; color: $text; border: 1px solid $border; border-radius: 6px;
  padding: 4px 8px; min-height: $target; selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QDateEdit:focus,
QComboBox:focus { border: 2px solid $accent; padding: 3px 7px; }
QLineEdit:disabled, QComboBox:disabled, QSpinBox:disabled { color: $disabled; }
QLineEdit#qt_spinbox_lineedit, QLineEdit#qt_spinbox_lineedit:focus {
  background: transparent; border: none; padding: 0; min-height: 0; }
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button {
  width: 0; border: none; }
QLineEdit[invalid="true"] { border: 2px solid $red; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url($chevron); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $surface; border: 1px solid $border;
  selection-background-color: $accent_soft; selection-color: $text; padding: 4px; }

QCheckBox, QRadioButton { spacing: 8px; min-height: $target; }
QCheckBox::indicator, QRadioButton::indicator { width: 16px; height: 16px; border: 1px solid $muted;
  background: $surface; }
QCheckBox::indicator { border-radius: 4px; }
QRadioButton::indicator { border-radius: 9px; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url($check); }
QRadioButton::indicator:checked { background: $accent; border: 5px solid $surface; width: 8px; height: 8px; }
QCheckBox:focus, QRadioButton:focus { color: $accent; }
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border: 2px solid $accent; }
QCheckBox:disabled, QRadioButton:disabled { color: $disabled; }

QAbstractItemView { background: transparent; border: none; color: $text; selection-background-color: $accent_soft;
  selection-color: $text; alternate-background-color: $surface; }
QTableView, QListView[role="boxed"], QTreeView[role="boxed"] {
  background: $surface; border: 1px solid $border; border-radius: 6px; gridline-color: $border; }
QTableView:focus, QListView[role="boxed"]:focus { border: 1px solid $accent; border-radius: 6px; }
QListWidget::item { padding: 6px 8px; border-radius: 6px; }
QTableView::item { padding: 4px 8px; border: none; }
QTableView::item:selected, QListView::item:selected { background: $accent_soft; color: $text; }
QTreeView { show-decoration-selected: 0; }
QTreeView[role="boxed"]::item { padding: 4px 6px; }
QTreeView::branch, QTreeView::branch:selected, QTreeView::branch:hover { background: transparent; }
QTreeView::branch:has-children:closed { image: url($branch_closed); }
QTreeView::branch:has-children:open { image: url($chevron); }
QHeaderView { background: transparent; border: none; }
QHeaderView::section { background: $raised; color: $muted; border: none; border-bottom: 1px solid $border;
  padding: 4px 8px; }
QTableCornerButton::section { background: $raised; border: none; }

QTabWidget::pane { border: none; }
QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: $muted; border: none; padding: 8px 4px; margin: 0 8px 0 0;
  border-bottom: 2px solid transparent; min-height: $target_tab; }
QTabBar::tab:selected { color: $text; font-weight: 600; border-bottom: 2px solid $accent; }
QTabBar::tab:hover { color: $text; }
QTabBar:focus::tab:selected { color: $accent; }
QTabBar QToolButton { background: $window; }

QMenu { background: $surface; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 12px; border-radius: 4px; min-height: $target_menu; }
QMenu::item:selected { background: $accent_soft; color: $text; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
QMenu::icon { padding-left: 8px; }

QScrollArea { background: transparent; border: none; }
QScrollArea > QWidget > QWidget { background: transparent; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: $border; border-radius: 4px; margin: 2px; min-height: 32px; min-width: 32px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QSplitter::handle { background: $border; }
QSplitter::handle:hover, QSplitter::handle:pressed { background: $accent; }
QSplitter::handle:horizontal { width: 1px; margin: 0; }
QSplitter::handle:vertical { height: 1px; margin: 0; }

QProgressBar { background: $hover; border: none; border-radius: 3px; min-height: 6px; max-height: 6px;
  color: transparent; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }

QSlider::groove:horizontal { background: $hover; height: 4px; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { background: $text; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }
QSlider::handle:horizontal:focus { background: $accent_strong; border: 2px solid $text; width: 10px; height: 10px; }
QSlider::groove:horizontal:disabled, QSlider::sub-page:horizontal:disabled { background: $hover; }
QSlider::handle:horizontal:disabled { background: $disabled; }

QGroupBox { border: 1px solid $border; border-radius: 8px; margin-top: 16px; padding: 16px 8px 8px 8px; }
QGroupBox::title { subcontrol-origin: margin; left: 8px; padding: 0 4px; color: $muted; }
"""
)


def stylesheet(
    palette: Palette,
    *,
    chevron: str,
    chevron_on_accent: str,
    branch_closed: str,
    check: str,
    touch: bool = False,
    point_size: float = 10.0,
) -> str:
    """Return the style sheet of ``palette``.

    Parameters
    ----------
    chevron, chevron_on_accent, branch_closed, check
        Paths of the recoloured icons that style sheets can only take as files.
    touch
        Targets of at least 32 pixels for fingers.
    point_size
        The system font's size; headings grow from it.
    """
    colours = {name: getattr(palette, name) for name in Palette.__slots__ if name != "name"}
    return _SHEET.substitute(
        colours,
        chevron=chevron,
        chevron_on_accent=chevron_on_accent,
        check=check,
        branch_closed=branch_closed,
        target="32px" if touch else "22px",
        target_tab="24px" if touch else "16px",
        target_menu="28px" if touch else "18px",
        pad_button="4px 16px" if touch else "3px 12px",
        size_title=f"{point_size * 1.25:.1f}pt",
        size_heading=f"{point_size:.1f}pt",
        size_big=f"{point_size * 1.7:.1f}pt",
    )
