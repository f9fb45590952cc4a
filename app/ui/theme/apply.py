"""Puts a theme on the whole program: palette, style sheet, direction-independent style."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.ui.theme.icons import file_for_style_sheet
from app.ui.theme.palette import DARK, LIGHT, Palette, activate, qt_palette
from app.ui.theme.stylesheet import stylesheet


def choose(name: str, application: QApplication) -> Palette:
    """Return the palette of a setting: ``dark``, ``light`` or ``system``."""
    if name == "system":
        light = application.styleHints().colorScheme() == Qt.ColorScheme.Light
        return LIGHT if light else DARK
    return LIGHT if name == "light" else DARK


def take_palette(application: QApplication, name: str) -> Palette:
    """Put style and colours in place, taking any style sheet away until :func:`apply_theme`."""
    palette = choose(name, application)
    activate(palette)
    if application.style().objectName() != "fusion":
        application.setStyle("fusion")
    # Either makes Qt go through every widget, so neither is done for nothing.
    if application.styleSheet():
        application.setStyleSheet("")
    colours = qt_palette(palette)
    if application.palette() != colours:
        application.setPalette(colours)
    return palette


def apply_theme(application: QApplication, name: str, *, touch: bool = False) -> Palette:
    """Restyle the program and return the palette now in use. GUI thread only."""
    palette = take_palette(application, name)
    mirrored = application.layoutDirection() == Qt.LayoutDirection.RightToLeft
    application.setStyleSheet(
        stylesheet(
            palette,
            chevron=file_for_style_sheet("chevron-down", palette.muted),
            chevron_on_accent=file_for_style_sheet("chevron-down", palette.on_accent),
            branch_closed=file_for_style_sheet("chevron-left" if mirrored else "chevron-right", palette.muted),
            check=file_for_style_sheet("check", palette.on_accent),
            touch=touch,
            point_size=application.font().pointSizeF(),
        )
    )
    return palette
