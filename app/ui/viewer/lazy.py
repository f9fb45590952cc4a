"""Loads the pixel module with the first picture instead of with the window.

NumPy and OpenCV cost about 140 ms; an empty window must not pay them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

_MODULE = "app.ui.viewer.pixels"


def pixels() -> ModuleType:
    """Return :mod:`app.ui.viewer.pixels`."""
    return importlib.import_module(_MODULE)
