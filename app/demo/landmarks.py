"""Normal landmarks of the jaws on intraoral films: sinus, nasal floor, canal, foramina, ridges.

Adds or takes away attenuation on a view; the same person shows the same landmarks each time.
"""

from __future__ import annotations

import numpy as np

from app.demo.physics import FloatImage
from app.demo.raster import ramp
from app.demo.scene import Standing, View


def intraoral(view: View, upper: bool, standing: list[Standing], rng: np.random.Generator) -> FloatImage:
    """Return the attenuation (partly negative: air) that landmarks add to a jaw's film."""
    x, y = view.grid()
    if upper:
        return _sinus(x, y, rng) + _nose(x, y, rng) + _zygoma(x, y, rng)
    return _canal(x, y, rng) + _foramina(x, y, rng) + _oblique_ridge(x, y, rng)


def _line(distance: FloatImage, width: float) -> FloatImage:
    return np.asarray(np.exp(-((distance / width) ** 2)), np.float32)


def _sinus(x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Air above the back teeth with a thin white floor that dips between the roots."""
    out = np.abs(x)
    low = -19.0 + rng.normal(0, 0.8)
    front = 27.0 + rng.normal(0, 2.0)
    phase = rng.uniform(0, 6)
    floor = low - 9.0 * np.exp(-np.maximum(out - front, 0) / 4.5) + 0.9 * np.sin(out / 4.2 + phase)
    floor = floor - 0.006 * np.maximum(out - 44, 0) ** 2
    above = np.asarray(
        (floor - y) * ramp(out, front - 1.5, front + 2.5) - (1 - ramp(out, front - 1.5, front + 2.5)) * 2, np.float32
    )
    air = -0.30 * ramp(above, 0.0, 1.2) - 0.07 * ramp(above, 1.0, 6.0)
    septum = _line(out - (front + 15 + 0.15 * (y + 20)), 0.35) * ramp(above, 0.5, 2.0) * 0.16
    wall = _line(above - 0.1, 0.30) * 0.24 * ramp(out, front - 1.0, front + 2.0)
    return np.asarray(air + wall + septum, np.float32)


def _nose(x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Nasal fossae above the incisors, the septum between, spine, suture and incisive foramen."""
    high = -27.5 + rng.normal(0, 0.7)
    near = ramp(np.abs(x), 19.0, 15.0)
    lobe = (np.abs(x) - 7.6) / 6.6
    floor = high + 2.2 * lobe**2
    above = np.asarray(floor - y, np.float32)
    apart = ramp(np.abs(x), 0.8, 1.9)
    air = -0.34 * ramp(above, -0.2, 1.6) * apart * near
    rim = _line(above, 0.35) * 0.16 * near * apart
    spine = 0.20 * _line(x, 1.3) * ramp(y, -23.5, -26.5)
    suture = -0.07 * _line(x + 0.15 * np.sin(y * 1.4), 0.22) * ramp(y, -10.5, -12.5) * ramp(y, -26.0, -22.0)
    hole = -0.13 * np.exp(-((x / 1.5) ** 2) - ((y + 17.5) / 2.4) ** 2)
    nose_tip = 0.07 * ramp(np.asarray(np.hypot(x / 15.0, (y + 33) / 17.0), np.float32), 1.05, 0.97)
    return np.asarray(air + rim + spine + suture + hole + nose_tip, np.float32)


def _zygoma(x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """The cheekbone's root: a white U over the first and second molar with a grey body behind it."""
    at = 46.0 + rng.normal(0, 1.5)
    out = np.abs(x) - at
    bottom = -22.5 + rng.normal(0, 0.8)
    edge = bottom - 0.10 * out**2
    above = np.asarray(edge - y, np.float32)
    arm = ramp(out, 9.0, 3.0) * ramp(out, -14.0, -8.0)
    return np.asarray((0.24 * ramp(above, -0.3, 1.5) + 0.22 * _line(above - 0.5, 0.55)) * arm, np.float32)


def _canal(x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """The mandibular canal under the molar roots: a dark band between two faint white lines."""
    out = np.abs(x)
    level = 25.2 + rng.normal(0, 0.6) - 0.012 * np.maximum(out - 26, 0) ** 2 + 0.5 * np.sin(out / 6)
    distance = np.asarray(y - level, np.float32)
    along = ramp(out, 26.0, 30.0)
    band = -0.13 * ramp(np.abs(distance), 1.6, 1.0)
    lines = 0.09 * (_line(distance - 1.45, 0.28) + _line(distance + 1.45, 0.28))
    return np.asarray((band + lines) * along, np.float32)


def _foramina(x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """The mental foramen near the premolar apices, and the genial tubercles at the midline."""
    out = np.abs(x)
    mental = -0.20 * np.exp(-(((out - 25.8 - rng.normal(0, 0.7)) / 1.6) ** 2) - ((y - 23.6) / 1.2) ** 2)
    ring = np.hypot(x, y - 28.0)
    genial = 0.26 * _line(np.asarray(ring - 1.5, np.float32), 0.8) - 0.12 * _line(np.asarray(ring, np.float32), 0.6)
    border = 0.5 * ramp(y, 31.0, 33.0) * ramp(out, 16.0, 8.0)
    ridge = 0.10 * ramp(np.asarray(y - (21.5 + 0.10 * out), np.float32), -0.6, 1.6) * ramp(out, 14.0, 9.0)
    return np.asarray(mental + genial + border + ridge, np.float32)


def _oblique_ridge(x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """The external oblique ridge: a white band that falls forward across the molar necks and roots."""
    out = np.abs(x)
    line = 17.5 - 0.55 * (out - 44.0) + rng.normal(0, 0.6)
    distance = np.asarray(y - line, np.float32)
    shape = np.where(distance < 0, np.exp(-((distance / 0.8) ** 2)), np.exp(-((distance / 3.2) ** 2)))
    return np.asarray(0.20 * shape * ramp(out, 40.0, 48.0), np.float32)
