"""The program's colours: one dark and one light palette with a single accent.

Nothing here is pure black or white; only images are. Every other module takes its colours from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor, QPalette


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by role, as ``#rrggbb``."""

    name: str
    window: str
    surface: str
    raised: str
    hover: str
    border: str
    text: str
    muted: str
    disabled: str
    accent: str
    accent_strong: str
    accent_soft: str
    on_accent: str
    green: str
    amber: str
    red: str
    table: str
    table_text: str
    table_muted: str
    measure: str

    def colour(self, role: str, alpha: int = 255) -> QColor:
        """Return a role's colour, for painters."""
        colour = QColor(getattr(self, role))
        colour.setAlpha(alpha)
        return colour


DARK = Palette(
    name="dark",
    window="#171b1e",
    surface="#1c2124",
    raised="#24292d",
    hover="#2a3035",
    border="#2c3338",
    text="#e4e9eb",
    muted="#98a3a9",
    disabled="#5d686e",
    accent="#4cc3b0",
    accent_strong="#62d3c1",
    accent_soft="#1d3a36",
    on_accent="#0c211d",
    green="#5bbd74",
    amber="#e2a94b",
    red="#ea7272",
    table="#0c0e10",
    table_text="#e4e9eb",
    table_muted="#98a3a9",
    measure="#ffce6b",
)

LIGHT = Palette(
    name="light",
    window="#f6f8f9",
    surface="#fcfdfd",
    raised="#edf1f3",
    hover="#e4eaed",
    border="#d6dee2",
    text="#1a2125",
    muted="#586870",
    disabled="#9aa6ac",
    accent="#0f7d6e",
    accent_strong="#0b6a5d",
    accent_soft="#daf0ec",
    on_accent="#f4fbfa",
    green="#2b8a47",
    amber="#9c6310",
    red="#b93636",
    table="#12171a",
    table_text="#e4e9eb",
    table_muted="#98a3a9",
    measure="#ffce6b",
)

_active = DARK


def active() -> Palette:
    """Return the palette in use."""
    return _active


def activate(palette: Palette) -> None:
    """Make ``palette`` the one in use; :mod:`app.ui.theme.apply` restyles the program."""
    global _active
    _active = palette


def qt_palette(palette: Palette) -> QPalette:
    """Return Qt's palette for what the style sheet does not reach."""
    roles = {
        QPalette.ColorRole.Window: palette.window,
        QPalette.ColorRole.WindowText: palette.text,
        QPalette.ColorRole.Base: palette.surface,
        QPalette.ColorRole.AlternateBase: palette.raised,
        QPalette.ColorRole.Text: palette.text,
        QPalette.ColorRole.Button: palette.raised,
        QPalette.ColorRole.ButtonText: palette.text,
        QPalette.ColorRole.BrightText: palette.red,
        QPalette.ColorRole.Highlight: palette.accent,
        QPalette.ColorRole.HighlightedText: palette.on_accent,
        QPalette.ColorRole.Link: palette.accent,
        QPalette.ColorRole.LinkVisited: palette.accent,
        QPalette.ColorRole.PlaceholderText: palette.muted,
        QPalette.ColorRole.ToolTipBase: palette.raised,
        QPalette.ColorRole.ToolTipText: palette.text,
        QPalette.ColorRole.Mid: palette.border,
        QPalette.ColorRole.Dark: palette.border,
        QPalette.ColorRole.Light: palette.hover,
    }
    made = QPalette()
    for role, value in roles.items():
        made.setColor(role, QColor(value))
    disabled = QPalette.ColorGroup.Disabled
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        made.setColor(disabled, role, QColor(palette.disabled))
    return made
