"""Icons: single-colour SVG files painted in a colour of the palette at the screen's own resolution.

Reads ``resources/icons``; the drawing word ``currentColor`` in a file is what gets the colour.
"""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QImage, QImageReader, QPixmap

from app.ui.theme.palette import active

FOLDER = Path(__file__).resolve().parents[3] / "resources" / "icons"
ICON_PX = 20


def icon(name: str, *, checkable: bool = False) -> QIcon:
    """Return the icon in the active palette's text colour; ``checkable`` adds its look while on."""
    palette = active()
    return _icon(name, palette.text, palette.accent if checkable else "")


def accent_icon(name: str) -> QIcon:
    """Return the icon for surfaces of the accent colour."""
    palette = active()
    return _icon(name, palette.on_accent, "")


def pixmap(name: str, colour: str, size: int = ICON_PX, ratio: float | None = None) -> QPixmap:
    """Return the icon at ``size`` logical pixels, sharp for ``ratio`` (default: the sharpest screen)."""
    scale = ratio or max((screen.devicePixelRatio() for screen in QGuiApplication.screens()), default=1.0)
    made = QPixmap.fromImage(_draw(name, colour, round(size * scale)))
    made.setDevicePixelRatio(scale)
    return made


def file_for_style_sheet(name: str, colour: str) -> str:
    """Return the path of a recoloured copy: style sheets take images from files only."""
    folder = Path(tempfile.gettempdir()) / f"bitewing-icons-{Path.home().name or 'user'}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}-{colour.lstrip('#')}.svg"
    wanted = _source(name).replace("currentColor", colour)
    if not path.is_file() or path.read_text("utf-8") != wanted:
        path.write_text(wanted, "utf-8")
    return path.as_posix()


@lru_cache(maxsize=256)
def _icon(name: str, colour: str, checked: str) -> QIcon:
    # Qt makes the disabled look by itself; each picture drawn here costs start-up time.
    made = QIcon()
    made.addPixmap(pixmap(name, colour))
    if checked:
        made.addPixmap(pixmap(name, checked), QIcon.Mode.Normal, QIcon.State.On)
    return made


@lru_cache(maxsize=256)
def _source(name: str) -> str:
    return (FOLDER / f"{name}.svg").read_text("utf-8")


def _draw(name: str, colour: str, side: int) -> QImage:
    data = QByteArray(_source(name).replace("currentColor", colour).encode("utf-8"))
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, b"svg")
    reader.setScaledSize(QSize(side, side))
    image = reader.read()
    if image.isNull():
        image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
    return image
