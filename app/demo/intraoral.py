"""Periapical and bitewing radiographs: a small detector behind a few teeth.

Composes teeth, alveolar bone, soft tissue and landmarks into attenuation and exposes it.
Returns stored values only; DICOM is written elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.demo import landmarks, physics
from app.demo.mouth import Mouth
from app.demo.physics import Detector, FloatImage
from app.demo.raster import ramp
from app.demo.scene import Layers, Matrix, Standing, View, add_tooth, crest_line, lay_out, maps_of
from app.demo.seeds import array_random
from app.demo.texture import bone_texture, smooth_noise
from app.demo.tooth_state import tooth_place

PIXEL_MM = 0.03
LONG, SHORT = 1200, 868
_DETECTOR = Detector(bits=12, full_scale=3.25, quanta=5200, blur_px=1.35, sharpen=0.55, sharpen_px=2.6)


@dataclass(frozen=True)
class Radiograph:
    """Stored values (rows, columns) with what the header needs to say about them."""

    pixels: NDArray[np.uint16]
    bits: int
    mm_per_pixel: float
    teeth: tuple[str, ...]


def periapical(mouth: Mouth, tooth: str, exposure: str) -> Radiograph:
    """Draw a tooth and its neighbours with their roots and the bone round them.

    Parameters
    ----------
    exposure : key of this exposure; the anatomy stays, the angulation and the noise differ.
    """
    rng = array_random(mouth.person, tooth, exposure)
    place = tooth_place(tooth)
    standing = lay_out(mouth, upper=place.upper)
    middle = next(one for one in standing if one.tooth == tooth)
    tall = place.kind in ("incisor", "canine")
    rows, columns = (LONG, SHORT) if tall else (SHORT, LONG)
    height = rows * PIXEL_MM
    left = middle.x - columns * PIXEL_MM / 2 + float(rng.normal(0, 0.9))
    beyond = float(rng.uniform(1.4, 2.6)) + (2.2 if tall else 0.0)
    top = -height + beyond if place.upper else -beyond
    view = View(
        left,
        top,
        rows,
        columns,
        PIXEL_MM / float(rng.normal(1.03, 0.012)),
        float(rng.normal(0, 0.022)),
        float(rng.normal(1.0, 0.022)),
    )
    attenuation = _jaw(view, mouth, standing, place.upper, rng)
    attenuation += _soft_tissue(view, standing, place.upper, rng)
    attenuation += landmarks.intraoral(view, place.upper, standing, rng_of(mouth, place.upper))
    pixels = physics.expose(attenuation, _DETECTOR, rng)
    return Radiograph(pixels, _DETECTOR.bits, PIXEL_MM, _shown(view, standing))


def bitewing(mouth: Mouth, *, right: bool, exposure: str) -> Radiograph:
    """Draw the crowns of both jaws' back teeth on one side, biting on a tab."""
    rng = array_random(mouth.person, "bitewing", right, exposure)
    gap = float(rng.uniform(0.2, 0.6))
    upper = lay_out(mouth, upper=True, plane_y=-gap)
    lower = lay_out(mouth, upper=False, plane_y=gap)
    middle, shift = _bite(upper, lower, right)
    upper = [_moved(one, shift) for one in upper]
    view = View(
        middle - LONG * PIXEL_MM / 2.06 + float(rng.normal(0, 0.4)),
        -SHORT * PIXEL_MM / 2 + float(rng.normal(0, 0.7)),
        SHORT,
        LONG,
        PIXEL_MM / 1.03,
        float(rng.normal(0, 0.02)),
        1.0,
    )
    attenuation = np.zeros((SHORT, LONG), np.float32)
    for standing, is_upper in ((upper, True), (lower, False)):
        attenuation += _jaw(view, mouth, standing, is_upper, rng)
        attenuation += 0.55 * _soft_tissue(view, standing, is_upper, rng)
    pixels = physics.expose(attenuation, _DETECTOR, rng)
    shown = _shown(view, [*upper, *lower], crowns=True)
    return Radiograph(pixels, _DETECTOR.bits, PIXEL_MM, shown)


def rng_of(mouth: Mouth, upper: bool) -> np.random.Generator:
    """Return the generator of a person's jaw landmarks (same at every visit)."""
    return array_random(mouth.person, "landmarks", upper)


def _bite(upper: list[Standing], lower: list[Standing], right: bool) -> tuple[float, float]:
    """Return the x of the middle of the picture and the shift that brings the jaws into occlusion."""

    def first_molar(row: list[Standing]) -> Standing:
        side = [
            one
            for one in row
            if (one.x < 0) == right and tooth_place(one.tooth).kind == "molar" and one.state.formed > 0.5
        ]
        return min(side, key=lambda one: abs(one.x))

    above, below = first_molar(upper), first_molar(lower)
    outward = -1.0 if right else 1.0
    shift = below.x - above.x + outward * 1.6
    back = [
        abs(one.x)
        for one in lower
        if (one.x < 0) == right and one.state.sunk_mm < 2 and tooth_place(one.tooth).kind in ("premolar", "molar")
    ]
    four = sorted(back)[:4]
    return outward * (four[0] + four[-1]) / 2, shift


def _moved(one: Standing, shift: float) -> Standing:
    return Standing(one.tooth, one.x + shift, one.neck_y, one.tilt, one.upper, one.flip_x, one.width, one.state)


def _shown(view: View, standing: list[Standing], *, crowns: bool = False) -> tuple[str, ...]:
    """Return the teeth of which most is in the picture."""
    margin = 0.12 if crowns else 0.20
    left, right = view.left, view.left + view.columns * view.mm
    return tuple(
        one.tooth
        for one in standing
        if one.state.present
        and one.state.sunk_mm < 3
        and left + margin * one.width < one.x < right - margin * one.width
    )


def _jaw(view: View, mouth: Mouth, standing: list[Standing], upper: bool, rng: np.random.Generator) -> FloatImage:
    """Return the attenuation of one jaw's teeth and bone."""
    shape = (view.rows, view.columns)
    layers = Layers.empty(shape)
    to_pixels = view.matrix()
    reach = view.columns * view.mm / 2 + 8
    centre = view.left + view.columns * view.mm / 2
    for one in standing:
        if one.state.present and abs(one.x - centre) < reach:
            add_tooth(layers, maps_of(mouth, one.tooth), to_pixels @ one.matrix())
    x, y = view.grid()
    deep = (crest_line(standing, upper=upper, xs=x) - y) * (1 if upper else -1)
    bone = alveolar_bone(deep, layers, upper, np.linalg.inv(to_pixels), array_random(mouth.person, upper))
    return layers.attenuation + bone


def alveolar_bone(
    deep: FloatImage, layers: Layers, upper: bool, to_world: Matrix, own: np.random.Generator
) -> FloatImage:
    """Return the attenuation of the alveolar process; `deep` is mm below its edge, negative outside.

    `own` belongs to the person, so that the same bone shows at every visit.
    """
    shape, mm = deep.shape, float(to_world[0, 0])
    wobble = smooth_noise(shape, 2.4 / mm, own) * 0.22
    deep = deep + wobble * np.float32(0.5)
    inside = ramp(deep, -0.12, 0.35)
    below = np.maximum(deep, 0)
    slab = inside * (2.6 + 5.6 * (1 - np.exp(-below / 4.2)))
    plates = inside * (0.75 + 1.05 * (1 - np.exp(-below / 6.0)))
    texture = bone_texture("maxilla" if upper else "mandible", shape, to_world, own)
    uneven = smooth_noise(shape, 7.0 / mm, own)
    marrow = np.maximum(slab - plates - layers.socket, 0.0)
    dense = np.clip(1 + 0.31 * texture + 0.13 * uneven, 0.12, 2.4)
    crest = np.exp(-(((deep - 0.28) / 0.30) ** 2)) * 0.8 * np.clip(1 - layers.socket / 3.0, 0, 1)
    cover = (
        plates * (1 + 0.05 * texture)
        + crest * inside
        + layers.lamina * ramp(deep, 0.0, 0.8) * np.clip(0.66 + 0.10 * texture, 0.3, 1)
    )
    return np.asarray(cover * physics.CORTICAL + marrow * physics.TRABECULAR * dense, np.float32)


def _soft_tissue(view: View, standing: list[Standing], upper: bool, rng: np.random.Generator) -> FloatImage:
    """Return cheek or lip over everything and the gum over the necks."""
    shape = (view.rows, view.columns)
    x, y = view.grid()
    deep = (crest_line(standing, upper=upper, xs=x) - y) * (1 if upper else -1)
    gum = 5.0 * ramp(deep, -2.6, 1.5)
    cheek = 10.0 + 2.0 * smooth_noise(shape, 520, rng)
    soft = np.asarray((gum + cheek) * physics.SOFT, np.float32)
    return np.asarray(cv2.GaussianBlur(soft, (0, 0), 3), np.float32)
