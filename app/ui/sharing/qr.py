"""A link as a QR code (ISO/IEC 18004), for a telephone to read from the screen."""

from __future__ import annotations

from PySide6.QtGui import QColor, QImage, QPainter, QPixmap

# Readers want the dark on the light, whatever the window's theme.
_DARK, _LIGHT = QColor("#14181a"), QColor("#f4f6f6")
_QUIET = 4


def qr_pixmap(text: str, side: int, ratio: float = 1.0) -> QPixmap:
    """Return the code at about ``side`` logical pixels, its modules whole pixels wide."""
    import segno

    matrix = segno.make(text, error="l", micro=False, boost_error=False).matrix
    count = len(matrix) + 2 * _QUIET
    module = max(1, round(side * ratio) // count)
    image = QImage(count * module, count * module, QImage.Format.Format_RGB32)
    image.fill(_LIGHT)
    painter = QPainter(image)
    for row, line in enumerate(matrix):
        for column, dark in enumerate(line):
            if dark:
                painter.fillRect((column + _QUIET) * module, (row + _QUIET) * module, module, module, _DARK)
    painter.end()
    made = QPixmap.fromImage(image)
    made.setDevicePixelRatio(ratio)
    return made
