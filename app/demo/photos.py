"""Clinical photographs inside the mouth: front view, close-up, upper arch in the mirror.

Teeth and gums are height maps lit by a ring flash; colours and restorations follow the same
mouth as the radiographs. Returns RGB pictures; files are written elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.demo.mouth import Mouth
from app.demo.physics import FloatImage, blur
from app.demo.raster import RASTER_MM, ramp, rounded
from app.demo.scene import Standing, lay_out, maps_of
from app.demo.seeds import array_random
from app.demo.shading import Colour, blend, finish, light, over, paint
from app.demo.texture import smooth_noise
from app.demo.tooth_state import tooth_place

ROWS, COLUMNS = 850, 1275
_GUM: Colour = (0.80, 0.46, 0.44)
_MUCOSA: Colour = (0.70, 0.27, 0.26)
_DARK: Colour = (0.10, 0.03, 0.03)
_SHADES: tuple[tuple[Colour, Colour], ...] = (
    ((0.93, 0.89, 0.82), (0.88, 0.80, 0.68)),
    ((0.94, 0.91, 0.86), (0.90, 0.84, 0.74)),
    ((0.90, 0.84, 0.73), (0.84, 0.73, 0.57)),
)


@dataclass
class _Canvas:
    """A flat strip of jaw being painted: colour, height in mm, and where things are."""

    left: float
    top: float
    mm: float
    shape: tuple[int, int]
    colour: FloatImage
    height: FloatImage
    wet: FloatImage

    def grid(self) -> tuple[FloatImage, FloatImage]:
        x = self.left + np.arange(self.shape[1], dtype=np.float32)[None, :] * np.float32(self.mm)
        y = self.top + np.arange(self.shape[0], dtype=np.float32)[:, None] * np.float32(self.mm)
        return x, y


def front_view(mouth: Mouth, exposure: str) -> NDArray[np.uint8]:
    """Draw both jaws from the front with the lips held back."""
    rng = array_random(mouth.person, "front photo", exposure)
    strip = _strip(mouth, -52.0, 104.0, -22.0, 44.0, 0.07)
    # From the front the arch turns away at the sides: further along it means less picture width.
    across = np.linspace(-30.5, 30.5, COLUMNS, dtype=np.float32) + float(rng.normal(0, 0.4))
    along = np.sign(across) * 34.0 * np.arcsin(np.clip(np.abs(across) / 34.0, 0, 0.97))
    shrink = 1 + 0.16 * (np.abs(across) / 31) ** 2
    down = np.linspace(-20.3, 20.3, ROWS, dtype=np.float32)[:, None] * shrink[None, :]
    map_x = np.broadcast_to((along - strip.left) / strip.mm, down.shape)
    picture = cv2.remap(
        strip.colour,
        np.asarray(map_x, np.float32),
        np.asarray((down - strip.top) / strip.mm, np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    x = np.linspace(-1, 1, COLUMNS, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, ROWS, dtype=np.float32)[:, None]
    dark = ramp(np.abs(x) + 0.10 * y * y, 0.80, 1.02)
    picture = over(np.asarray(picture, np.float32), _DARK, 0.80 * dark * ramp(np.abs(y), 0.9, 0.35))
    return finish(_lips(picture, x, y, rng), rng, vignette=0.30)


def close_up(mouth: Mouth, tooth: str, exposure: str) -> NDArray[np.uint8]:
    """Draw one tooth and its neighbours from the cheek side."""
    rng = array_random(mouth.person, "close photo", tooth, exposure)
    upper = tooth_place(tooth).upper
    standing = lay_out(mouth, upper=upper)
    middle = next(one for one in standing if one.tooth == tooth)
    top = -15.5 if upper else -5.0
    strip = _strip(mouth, middle.x - 16.5 + float(rng.normal(0, 0.5)), 33.0, top, 22.0, 33.0 / COLUMNS)
    return finish(strip.colour, rng, vignette=0.32)


def _strip(mouth: Mouth, left: float, width: float, top: float, tall: float, mm: float) -> _Canvas:
    """Paint a flat strip of both jaws, gums and all."""
    shape = (round(tall / mm), round(width / mm))
    canvas = _Canvas(
        left, top, mm, shape, paint(shape, _DARK), np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    )
    own = array_random(mouth.person, "photo colours")
    shade = _SHADES[int(own.integers(0, 2)) if mouth.age < 50 else 2]
    for upper, plane in ((False, -0.4), (True, 1.5)):
        standing = [
            one
            for one in lay_out(mouth, upper=upper, plane_y=plane)
            if one.tooth in mouth.row(upper=upper) and one.state.sunk_mm < 2
        ]
        gum_line = _gum_line(standing, upper, canvas.grid()[0])
        _gums(canvas, standing, upper, gum_line, own)
        for one in sorted(standing, key=lambda each: -abs(each.x)):
            if one.state.present:
                _tooth(canvas, mouth, one, gum_line, shade)
    diffuse, gleam = light(canvas.height, mm, gloss=110, towards=(0.25, -0.55, 1.0))
    body = canvas.colour * (0.42 + 0.62 * diffuse[..., None])
    canvas.colour = np.asarray(body + (gleam * canvas.wet)[..., None] * 0.30, np.float32)
    return canvas


def _gum_line(standing: list[Standing], upper: bool, x: FloatImage) -> FloatImage:
    """Return the gum's edge at each x: scalloped, with points between the teeth."""
    down = -1.0 if upper else 1.0
    line = np.full(x.shape, np.nan, np.float32)
    for one in standing:
        u = np.abs(x - one.x) / (one.width / 2)
        loss = min(one.state.bone_loss_mm, 4.0)
        zenith = one.neck_y + down * (0.4 + 0.55 * loss)
        tip = one.neck_y - down * (3.7 - 0.9 * loss)
        if not one.state.present:
            zenith = tip = one.neck_y - down * 1.2
        edge = zenith + (tip - zenith) * np.clip(u, 0, 1) ** 2.6
        line = np.where(u <= 1.04, np.where(np.isnan(line), edge, (line + edge) / 2), line)
    flat = line.ravel()
    good = ~np.isnan(flat)
    filled = np.interp(x.ravel(), x.ravel()[good], flat[good]).reshape(x.shape)
    return np.asarray(cv2.GaussianBlur(filled.astype(np.float32), (0, 0), 3), np.float32)


def _gums(
    canvas: _Canvas, standing: list[Standing], upper: bool, gum_line: FloatImage, own: np.random.Generator
) -> None:
    x, y = canvas.grid()
    down = -1.0 if upper else 1.0
    deep = np.asarray((y - gum_line) * down, np.float32)
    # Far from the edge the gum forgets the scallops: a smoothed line takes over.
    level = cv2.GaussianBlur(np.repeat(gum_line, 3, axis=0), (0, 0), 2.2 / canvas.mm)[1:2]
    far = np.asarray((y - level) * down, np.float32)
    near = ramp(deep, 2.6, 0.6)
    deep_mixed = np.asarray(deep * near + far * (1 - near), np.float32)
    cover = ramp(deep, -0.05, 0.10)
    bump = sum(
        (0.5 * np.exp(-(((x - one.x) / (one.width * 0.32)) ** 2)) for one in standing if one.state.present),
        np.zeros_like(x),
    )
    pits = smooth_noise(canvas.shape, 0.34 / canvas.mm, own) * 0.011 * ramp(far, 1.2, 2.4) * ramp(far, 6.0, 4.5)
    soft = smooth_noise(canvas.shape, 3.0 / canvas.mm, own) * 0.05
    height = 1.1 * np.sqrt(np.clip(deep / 1.6, 0, 1)) + bump * np.exp(-np.maximum(far, 0) / 9.0) + pits + soft
    height = height - 0.05 * far
    deep = deep_mixed
    blotch = smooth_noise(canvas.shape, 3.5 / canvas.mm, own) * 0.02
    tint = blend(
        [(0.0, (0.80, 0.42, 0.41)), (1.2, (0.83, 0.50, 0.48)), (4.5, _GUM), (6.6, _MUCOSA), (14.0, (0.58, 0.18, 0.18))],
        deep + smooth_noise(canvas.shape, 4.0 / canvas.mm, own) * 0.5,
    )
    veins = np.exp(-((smooth_noise(canvas.shape, 2.2 / canvas.mm, own) / 0.16) ** 2)) * 0.035 * ramp(deep, 6.5, 10.0)
    tint = tint + blotch[..., None] - veins[..., None] * np.array([0.2, 0.9, 0.8], np.float32)
    canvas.colour = over(canvas.colour, np.asarray(tint, np.float32), cover)
    canvas.height = np.asarray(canvas.height * (1 - cover) + height * cover, np.float32)
    canvas.wet = np.asarray(canvas.wet * (1 - cover) + 0.38 * cover, np.float32)


def _tooth(canvas: _Canvas, mouth: Mouth, one: Standing, gum_line: FloatImage, shade: tuple[Colour, Colour]) -> None:
    maps = maps_of(mouth, one.tooth)
    to_pixels = np.array(
        [[1 / canvas.mm, 0, -canvas.left / canvas.mm], [0, 1 / canvas.mm, -canvas.top / canvas.mm], [0, 0, 1.0]]
    )
    from_raster = np.array(
        [[RASTER_MM, 0, -maps.origin[0] * RASTER_MM], [0, RASTER_MM, -maps.origin[1] * RASTER_MM], [0, 0, 1.0]]
    )
    matrix = to_pixels @ one.matrix() @ from_raster
    x0 = max(0, int((one.x - one.width * 0.75 - canvas.left) / canvas.mm))
    x1 = min(canvas.shape[1], int((one.x + one.width * 0.75 - canvas.left) / canvas.mm))
    if x1 <= x0:
        return
    reach = sorted((one.neck_y - 3.0, one.neck_y + 3.0, one.neck_y + (1 if one.upper else -1) * (maps.crown_mm + 1.5)))
    y0 = max(0, int((reach[0] - canvas.top) / canvas.mm))
    y1 = min(canvas.shape[0], int((reach[-1] - canvas.top) / canvas.mm))
    if y1 <= y0:
        return
    part = (slice(y0, y1), slice(x0, x1))
    matrix = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1.0]]) @ matrix
    inside = cv2.warpAffine(maps.inside, matrix[:2], (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR, borderValue=-3.0)
    x, y = canvas.grid()
    x, y = x[:, x0:x1], y[y0:y1]
    down = -1.0 if one.upper else 1.0
    tall = np.asarray((one.neck_y - y) * down + 0 * x, np.float32) / maps.crown_mm
    free = ramp(np.asarray((gum_line[:, x0:x1] - y) * down, np.float32), -0.02, 0.16)
    cover = ramp(inside, -canvas.mm, canvas.mm) * free
    dome = blur(rounded(inside + 0.15, maps.width_mm * 0.5, 1.9, 2.3), 0.45 / canvas.mm)
    height = dome + 0.9 * np.sin(np.clip(tall, 0, 1) * 2.6)
    lobes = 0.05 * np.cos((x - one.x) / maps.width_mm * 2 * np.pi * 1.6) * ramp(tall, 0.3, 0.8)
    # The upper teeth bite in front of the lower ones.
    front = 1.7 if one.upper else 0.0
    tint = _tooth_colour(one, tall, inside, shade)
    shadow = ramp(inside, -1.0, 0.2) * free
    canvas.colour[part] *= (1 - 0.30 * shadow)[..., None]
    canvas.colour[part] = over(canvas.colour[part], tint, cover)
    canvas.height[part] = canvas.height[part] * (1 - cover) + (height + lobes + front) * cover
    canvas.wet[part] = canvas.wet[part] * (1 - cover) + cover


def _tooth_colour(one: Standing, tall: FloatImage, inside: FloatImage, shade: tuple[Colour, Colour]) -> FloatImage:
    """Return a tooth's colour: warm at the neck, greyish and clear at the edge."""
    light_shade, neck_shade = shade
    kind = tooth_place(one.tooth).kind
    warm = 0.96 if kind == "canine" else 1.0
    edge = tuple(0.55 * value + 0.45 * cool for value, cool in zip(light_shade, (0.70, 0.74, 0.80), strict=True))
    stops: list[tuple[float, Colour]] = [
        (-0.1, neck_shade),
        (0.35, light_shade),
        (0.8, light_shade),
        (1.0, (edge[0], edge[1], edge[2])),
    ]
    tint = blend(stops, tall) * np.array([1.0, warm, warm * 0.96], np.float32)
    state = one.state
    if state.crown == "metal":
        tint = np.broadcast_to(np.array([0.80, 0.72, 0.48], np.float32), tint.shape).copy()
    elif state.crown or state.implant:
        tint = blend([(-0.1, (0.88, 0.85, 0.79)), (1.0, (0.93, 0.91, 0.87))], tall)
        tint = over(tint, (0.46, 0.42, 0.42), 0.55 * ramp(tall, 0.10, 0.02))
    elif state.caries > 0.2 and not state.filling:
        side = -1.0 if (state.site == "mesial") == one.flip_x else 1.0
        spot = ramp(inside, 1.9 * state.caries + 0.5, 0.2) * ramp(np.abs(tall - 0.5), 0.30, 0.10)
        column = np.linspace(-1, 1, tint.shape[1], dtype=np.float32)[None, :] * side
        tint = over(tint, (0.28, 0.16, 0.09), 0.8 * spot * ramp(column, 0.05, 0.5))
    return np.asarray(tint, np.float32)


def _lips(picture: FloatImage, x: FloatImage, y: FloatImage, rng: np.random.Generator) -> FloatImage:
    """Frame the picture with the stretched lips and the clear edge of the retractor."""
    shape = picture.shape[:2]
    wave = 0.02 * smooth_noise(shape, 260, rng)
    far = np.asarray(np.sqrt((x / 1.10) ** 4 + (y / 1.03) ** 4) + wave, np.float32)
    creases = smooth_noise(shape, 16, rng) * 0.10 + smooth_noise(shape, 60, rng) * 0.2
    height = np.asarray(rounded(far - 0.86, 0.16, 8.0, 2.0) + 0.8 * creases, np.float32)
    diffuse, gleam = light(height, 0.05, gloss=30)
    lip = np.array([0.73, 0.36, 0.34], np.float32) * (0.35 + 0.7 * diffuse[..., None]) + 0.25 * gleam[..., None]
    shadow = ramp(far, 0.70, 0.90)
    picture = picture * (1 - 0.55 * shadow[..., None])
    return over(picture, np.asarray(lip, np.float32), ramp(far, 0.90, 0.925))


def upper_arch(mouth: Mouth, exposure: str) -> NDArray[np.uint8]:
    """Draw the upper arch from below, as a mirror shows it."""
    from_centre = 62.0 / COLUMNS
    rng = array_random(mouth.person, "arch photo", exposure)
    own = array_random(mouth.person, "arch")
    y, x = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
    x = (x - COLUMNS / 2) * np.float32(from_centre * 1.45)
    y = (y - ROWS * 0.13) * np.float32(from_centre * 1.45)
    curve = y - 0.047 * x * x
    inside = np.asarray(curve / np.sqrt(1 + (0.094 * x) ** 2), np.float32)
    height = 5.0 * np.exp(-((inside / 5.5) ** 2)) - 7.0 * ramp(inside, 2.0, 22.0)
    rugae = (
        0.45
        * np.sin(y * 1.5 + 0.05 * x * x * 0.4 + 0.8 * np.abs(x) ** 0.8)
        * ramp(y, 7, 10)
        * ramp(y, 22, 15)
        * ramp(np.abs(x), 13, 6)
    )
    raphe = 0.35 * np.exp(-((x / 0.7) ** 2)) * ramp(y, 5, 9)
    grain = smooth_noise((ROWS, COLUMNS), 5, own) * 0.012 + smooth_noise((ROWS, COLUMNS), 40, own) * 0.10
    height = np.asarray(height + rugae + raphe + grain, np.float32)
    colour = blend(
        [
            (-14, (0.52, 0.18, 0.18)),
            (-6, (0.72, 0.36, 0.35)),
            (0, (0.80, 0.47, 0.46)),
            (8, (0.83, 0.56, 0.54)),
            (26, (0.76, 0.46, 0.45)),
        ],
        inside,
    )
    wet = np.full((ROWS, COLUMNS), 0.35, np.float32)
    shade = _SHADES[2 if mouth.age > 50 else 0]
    for one in lay_out(mouth, upper=True):
        if one.state.present and one.state.sunk_mm < 3 and one.state.formed > 0.4:
            _from_below(one, mouth, x, y, height, colour, wet, shade)
    diffuse, gleam = light(np.asarray(height, np.float32), from_centre * 1.45, gloss=60, towards=(0.1, -0.2, 1.0))
    lit = colour * (0.42 + 0.62 * diffuse[..., None]) + (gleam**1.3 * wet)[..., None] * 0.22
    mirror = ramp(np.asarray(np.hypot(x / 41, (y - 23) / 31.5), np.float32), 0.995, 1.005)
    lit = over(np.asarray(lit, np.float32), (0.30, 0.31, 0.33), mirror)
    rim = np.exp(-(((np.hypot(x / 41, (y - 23) / 31.5) - 1.0) / 0.006) ** 2))
    return finish(np.asarray(lit + 0.4 * rim[..., None], np.float32), rng, vignette=0.35)


def _from_below(
    one: Standing,
    mouth: Mouth,
    x: FloatImage,
    y: FloatImage,
    height: FloatImage,
    colour: FloatImage,
    wet: FloatImage,
    shade: tuple[Colour, Colour],
) -> None:
    """Paint one tooth's biting surface into the arch, in place."""
    t = np.linspace(0, 40, 2000)
    curve_length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(t), np.diff(0.047 * t**2)))])
    # Widths along the contact arch; the flat layout is a little longer than the arch seen from below.
    at = float(np.interp(abs(one.x) * 0.97, curve_length, t))
    side = 1.0 if one.x > 0 else -1.0
    # The mirror swaps nothing here: the picture shows the patient's right on the left.
    centre = (side * at, 0.047 * at * at)
    angle = np.arctan2(0.094 * at * side, 1.0)
    place = tooth_place(one.tooth)
    deep = {"incisor": 5.4, "canine": 7.0, "premolar": 8.6, "molar": 10.2}[place.kind] * (
        0.85 if place.primary else 1.0
    )
    half = np.array([one.width * 0.49, deep / 2])
    box = max(half) + 1.5
    columns = np.flatnonzero(np.abs(x[0] - centre[0]) < box)
    rows = np.flatnonzero(np.abs(y[:, 0] - centre[1]) < box)
    if len(columns) < 3 or len(rows) < 3:
        return
    part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    dx, dy = x[part] - centre[0], y[part] - centre[1]
    u = (dx * np.cos(angle) + dy * np.sin(angle)) / half[0]
    v = (-dx * np.sin(angle) + dy * np.cos(angle)) / half[1]
    power = 3.0 if place.kind in ("molar", "premolar") else 2.3
    far = np.asarray((np.abs(u) ** power + np.abs(v) ** power) ** (1 / power), np.float32)
    cover = ramp(far, 1.01, 0.97)
    crown = _biting_surface(place.kind, u, v)
    top = 8.5 * np.power(np.clip(1 - far**4, 0, 1), 0.35) * 0.4 + crown
    tint = blend([(0.0, shade[0]), (0.75, shade[0]), (1.0, shade[1])], far)
    groove = ramp(np.asarray(crown, np.float32), -0.35, -1.0) * 0.35
    tint = over(tint, (0.45, 0.34, 0.24), groove * (1.0 if mouth.age > 16 else 0.3))
    tint = _work_from_below(one, tint, u, v)
    height[part] = height[part] * (1 - cover) + (top + 2) * cover
    colour[part] *= (1 - 0.35 * ramp(far, 1.25, 1.0))[..., None]
    colour[part] = over(colour[part], tint, cover)
    wet[part] = wet[part] * (1 - cover) + 0.9 * cover


def _biting_surface(kind: str, u: FloatImage, v: FloatImage) -> FloatImage:
    """Return cusps and grooves in mm; v points to the palate."""
    if kind in ("incisor", "canine"):
        return np.asarray(
            -2.6 * ramp(v, -0.5, 0.9) + 0.5 * np.exp(-(((v - 0.55) / 0.3) ** 2) - (u / 0.5) ** 2), np.float32
        )
    wave = 0.10 * np.sin(5 * u) if kind == "molar" else 0.05 * np.sin(4 * u)
    fissure = np.exp(-(((v - wave) / 0.10) ** 2)) * ramp(np.abs(u), 0.85, 0.6)
    cusps = 1.3 * np.abs(v) ** 0.8 - 1.0
    if kind == "molar":
        cross = np.exp(-(((u - 0.12 - 0.2 * v) / 0.09) ** 2)) * ramp(np.abs(v), 0.9, 0.7)
        return np.asarray(cusps + 0.35 * np.cos(u * 4.2) - 0.8 * fissure - 0.55 * cross, np.float32)
    return np.asarray(cusps + 0.2 - 0.8 * fissure, np.float32)


def _work_from_below(one: Standing, tint: FloatImage, u: FloatImage, v: FloatImage) -> FloatImage:
    state = one.state
    if state.crown == "metal":
        return np.asarray(np.broadcast_to(np.array([0.80, 0.70, 0.45], np.float32), tint.shape).copy(), np.float32)
    if tooth_place(one.tooth).kind not in ("molar", "premolar"):
        return tint
    area = np.maximum(np.abs(v) / 0.36, np.abs(u) / 0.66) + 0.12 * np.sin(6 * u) * np.cos(5 * v)
    filled = blur(ramp(np.asarray(area, np.float32), 1.03, 0.97), 1.0)
    if state.filling == "amalgam":
        return over(tint, (0.36, 0.37, 0.40), 0.95 * filled)
    if state.filling == "composite":
        return over(tint, (0.92, 0.87, 0.77), 0.7 * filled)
    if state.caries > 0.2 and not state.crown:
        spot = np.exp(-(((u - 0.2) / 0.25) ** 2) - (v / 0.22) ** 2) * state.caries
        return over(tint, (0.20, 0.11, 0.07), np.asarray(np.clip(1.3 * spot, 0, 0.9), np.float32))
    return tint
