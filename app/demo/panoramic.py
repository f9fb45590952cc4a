"""Panoramic radiographs: both jaws unrolled, with everything a rotating beam picks up besides.

Broad anatomy (mandible, maxilla, sinuses, nose, spine shadow) is drawn at half size, since a
tomogram blurs it anyway; teeth and bone texture are added at full size.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from app.demo import physics
from app.demo.intraoral import Radiograph
from app.demo.mouth import Mouth
from app.demo.physics import Detector, FloatImage
from app.demo.raster import Raster, ramp, rounded
from app.demo.scene import Layers, Standing, View, add_tooth, crest_line, lay_out, maps_of
from app.demo.seeds import array_random
from app.demo.texture import bone_texture
from app.demo.tooth_shapes import Points, open_curve

ROWS, COLUMNS = 1200, 2400
PIXEL_MM = 0.1
_MAGNIFIED = 1.25
_WORLD_MM = PIXEL_MM / _MAGNIFIED
_LEFT, _TOP = -COLUMNS * _WORLD_MM / 2, -50.0
_DETECTOR = Detector(
    bits=14,
    full_scale=3.15,
    quanta=2600,
    blur_px=1.7,
    scatter=0.06,
    falloff=0.02,
    sharpen=0.9,
    sharpen_px=9.0,
    gamma=0.88,
    floor=-0.10,
)
# fmt: off
# Half of the mandible from the chin's lower border round the ramus to the front of the coronoid.
_JAW_HALF: tuple[tuple[float, float], ...] = (
    (0, 41), (9, 41.8), (20, 41), (34, 39.6), (50, 36.6), (62, 32.6), (71, 28.6), (77.5, 22.5), (81.5, 13), (83, 2),
    (84.5, -10), (86.5, -22), (88.5, -30), (90.5, -35), (91, -39.5), (88.5, -43), (84.5, -43), (81.8, -40.5),
    (81.2, -36),
    (80.6, -30), (78.4, -25), (75, -22.6), (71.5, -24), (68.6, -29), (66.4, -33.5), (64.4, -34.2), (63, -30),
    (62.4, -22),
    (61.6, -13), (60.2, -4), (57.5, 3.5), (53.5, 9.5), (48, 13),
)
# fmt: on


def panoramic(mouth: Mouth, exposure: str) -> Radiograph:
    """Draw a panoramic radiograph of a mouth on one day."""
    rng = array_random(mouth.person, "panoramic", exposure)
    view = View(
        _LEFT + float(rng.normal(0, 0.8)),
        _TOP + float(rng.normal(0, 0.6)),
        ROWS,
        COLUMNS,
        _WORLD_MM,
        float(rng.normal(0, 0.008)),
    )
    standing = [
        _curved(one) for upper in (True, False) for one in lay_out(mouth, upper=upper, plane_y=-0.5 if upper else 0.5)
    ]
    layers = Layers.empty((ROWS, COLUMNS))
    to_pixels = view.matrix()
    for one in standing:
        if one.state.present:
            add_tooth(layers, maps_of(mouth, one.tooth), to_pixels @ one.matrix())
    reduced = Layers(
        *(
            cv2.resize(part, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            for part in (layers.attenuation, layers.socket, layers.lamina)
        )
    )
    around = _jaws(mouth, _half(view), standing, reduced)
    attenuation = layers.attenuation * 0.86 + cv2.resize(around, (COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR)
    pixels = physics.expose(attenuation, _DETECTOR, rng)
    shown = tuple(one.tooth for one in standing if one.state.present and one.state.formed > 0.5)
    return Radiograph(pixels, _DETECTOR.bits, PIXEL_MM, shown)


def smile(x: float) -> float:
    """Return how far the biting plane is lifted at `x` mm from the midline."""
    return 1.5 - 5.5 * x * x / 3600


def _curved(one: Standing) -> Standing:
    slope = (smile(one.x + 1) - smile(one.x - 1)) / 2
    # The matrix tilts in the tooth's own mirrored sense; undo the mirror for the curve's slope.
    lean = slope * (-1 if one.flip_x else 1) * (-1 if one.upper else 1)
    return replace(one, neck_y=one.neck_y + smile(one.x), tilt=one.tilt + 0.75 * float(lean))


def _mirrored(half: Points) -> Points:
    return np.concatenate([half, (half * (-1, 1))[::-1]])


@lru_cache(maxsize=2)
def surroundings(person: str) -> tuple[FloatImage, FloatImage, FloatImage]:
    """Return the person's broad anatomy at half size: mandible distance, other attenuation, maxilla distance."""
    rng = array_random(person, "face bones")
    raster = Raster(_LEFT - 4, _TOP - 4, -_LEFT + 4, _TOP + ROWS * _WORLD_MM + 4, _WORLD_MM * 2)
    scale = np.array([rng.normal(1.0, 0.012), rng.normal(1.0, 0.03)])
    half = open_curve(np.array(_JAW_HALF, dtype=np.float64) * scale, 6)
    mandible = raster.distance(raster.mask(_mirrored(half)), 0.4)
    upper = np.array(
        [(0, -30), (22, -27.5), (44, -29), (60, -30), (66, -24), (66.5, -15), (63, -9), (58, -6), (0, -4)],
        dtype=np.float64,
    )
    maxilla = raster.distance(raster.mask(_mirrored(open_curve(upper, 6))), 1.2)
    other = _soft_parts(raster) + _upper_face(raster, rng) + _back_parts(raster, rng)
    return mandible, np.asarray(other, np.float32), maxilla


def _soft_parts(raster: Raster) -> FloatImage:
    """Cheeks, tongue, and the dark air of mouth and throat."""
    x, y = raster.x, raster.y
    out = np.abs(x)
    soft = 0.62 - 0.10 * (out / 96) ** 2 + 0.05 * np.cos(y / 14)
    tongue = 0.16 * ramp(np.asarray(np.hypot(x / 58, (y - 4) / 26), np.float32), 1.1, 0.8)
    palate_air = -0.15 * np.exp(-(((y + 19.5 - 0.0016 * x**2) / 2.6) ** 2)) * ramp(out, 64, 50)
    throat_line = 68 + 0.16 * (y + 20)
    throat = -0.24 * np.exp(-(((out - throat_line) / 5.5) ** 2)) * ramp(y, 34, 10) * ramp(y, -46, -26)
    below = -0.42 * ramp(np.asarray(y - (44.5 - 0.0028 * x**2 * 0.4), np.float32), 0.0, 6.0)
    lips = -0.10 * np.exp(-(((y - 0.5) / 1.6) ** 2)) * ramp(out, 15, 6)
    return np.asarray(soft + tongue + palate_air + throat + below + lips, np.float32)


def _stroke(raster: Raster, points: Points, width_mm: float) -> FloatImage:
    """Return 0..1 along a smooth line of the given width, and along its mirror image."""
    mask = np.zeros(raster.shape, np.uint8)
    for side in (1, -1):
        line = open_curve(points, 8) * (side, 1) / raster.step + np.array(raster.origin)
        cv2.polylines(
            mask,
            [np.rint(line * 16).astype(np.int32)],
            False,
            255,
            max(1, round(width_mm / raster.step)),
            cv2.LINE_AA,
            4,
        )
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(width_mm / raster.step * 0.35, 0.9)), np.float32) / 255


def _upper_face(raster: Raster, rng: np.random.Generator) -> FloatImage:
    """Palate, sinuses, nose, orbits, cheekbones."""
    x, y = raster.x, raster.y
    out = np.abs(x)
    total = 0.42 * ramp(y, -24, -30) * ramp(out, 88, 66)
    palate = np.array([(0, -25.0), (16, -26.5), (34, -27.4), (52, -26), (62, -23.5)])
    total = total + 0.55 * _stroke(raster, palate, 1.0) + 0.20 * _stroke(raster, palate + np.array([0, -6]), 2.6)
    dip = rng.normal(0, 0.8)
    sinus = np.array(
        [
            (18, -38),
            (22, -30),
            (30, -25.5 + dip),
            (38, -23.2 + dip),
            (46, -22.2 + dip),
            (54, -24.5),
            (59, -31),
            (58, -40),
            (52, -47),
            (38, -50),
            (24, -47),
        ],
        dtype=np.float64,
    )
    closed = np.concatenate([sinus, sinus[:1]])
    inside = np.maximum(*(raster.distance(raster.mask(open_curve(closed * (side, 1), 8)), 0.5) for side in (1, -1)))
    rim = np.exp(-(((inside - 0.1) / 0.5) ** 2)) * (0.08 + 0.24 * ramp(y, -40, -27)) * ramp(out, 62, 56)
    total = total - 0.34 * ramp(inside, -0.6, 4.0) + rim
    nose = np.array(
        [(0, -52), (10, -52), (14.5, -44), (15.5, -36), (13, -30.5), (7, -28.6), (0, -28.2)], dtype=np.float64
    )
    fossa = raster.distance(raster.mask(_mirrored(nose)), 0.8)
    total = (
        total
        - 0.38 * ramp(fossa, -0.5, 3.5)
        + (0.05 + 0.15 * ramp(y, -40, -30)) * np.exp(-(((fossa - 0.1) / 0.9) ** 2))
    )
    septum = 0.42 * np.exp(-(((x - 0.8 * np.sin(y / 7)) / 1.0) ** 2)) * ramp(y, -27, -29)
    shell = np.hypot((out - 8.4 - 0.25 * (y + 36)) / 4.4, (y + 36.5) / 7.5)
    turbinate = 0.27 * ramp(np.asarray(shell, np.float32), 1.25, 0.35)
    total = total + (septum + turbinate) * ramp(fossa, 0.0, 1.0)
    orbit = np.array([(20, -50), (28, -46.5), (38, -45.6), (48, -47.5), (54, -51)])
    cheek = np.array([(44, -34), (50, -33.2), (56, -34.5), (63, -37), (72, -38.5), (80, -41), (86, -45)])
    total = total + 0.40 * _stroke(raster, orbit, 1.4) + 0.30 * _stroke(raster, cheek, 2.6)
    total = total + 0.16 * _stroke(raster, cheek + np.array([0, -2.2]), 4.5)
    zygoma = np.array([(44, -44), (44.5, -37), (47, -32.5), (51, -33.5), (53, -38)])
    return np.asarray(total + 0.26 * _stroke(raster, zygoma, 1.1), np.float32)


def _back_parts(raster: Raster, rng: np.random.Generator) -> FloatImage:
    """Spine shadow in the middle, skull base and ear above the joints, vertebrae and hyoid at the sides."""
    x, y = raster.x, raster.y
    out = np.abs(x)
    ghost = 0.30 * np.exp(-((x / 13.0) ** 2)) * ramp(y, -40, 22)
    fossa = np.array([(70, -40.5), (75, -40), (78.5, -41.5), (81, -45.5), (86, -47.6), (91.5, -45), (94, -38)])
    base = 0.50 * _stroke(raster, fossa, 1.8)
    temporal = 0.40 * ramp(y, -44, -49) * ramp(out, 60, 76)
    styloid = np.array([(91.5, -33), (90, -20), (87, -6)])
    base = base + temporal + 0.20 * _stroke(raster, styloid, 1.5)
    pterygoid = np.array([(62, -40), (62.6, -30), (64.5, -22)])
    base = base + 0.22 * _stroke(raster, pterygoid, 1.0)
    hyoid = np.array([(50, 41.5), (58, 42), (66, 40.5), (73, 37.5)])
    base = base + 0.34 * _stroke(raster, hyoid, 2.6)
    neck = 0.34 * ramp(out, 88.5, 93.5) * ramp(y, -28, -18)
    discs = (
        -0.20
        * np.exp(-(((np.mod(y + rng.uniform(0, 4), 15.5) - 7.7) / 1.3) ** 2))
        * ramp(out, 89, 93)
        * ramp(y, -26, -18)
    )
    ghost_jaw = 0.13 * np.exp(-(((y - (2 - 0.42 * (out - 30))) / 9) ** 2)) * ramp(out, 30, 46) * ramp(out, 92, 78)
    return np.asarray(ghost + base + neck + discs + ghost_jaw, np.float32)


def _half(view: View) -> View:
    """Return the same view at half size."""
    return replace(view, rows=view.rows // 2, columns=view.columns // 2, mm=view.mm * 2)


def _framed(broad: FloatImage, view: View) -> FloatImage:
    """Bring a map of the broad anatomy into the exposure's frame."""
    step = _WORLD_MM * 2
    from_broad = np.array([[step, 0, _LEFT - 4], [0, step, _TOP - 4], [0, 0, 1.0]])
    matrix = (view.matrix() @ from_broad)[:2]
    return np.asarray(
        cv2.warpAffine(
            broad, matrix, (view.columns, view.rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.float32,
    )


def _jaws(mouth: Mouth, view: View, standing: list[Standing], layers: Layers) -> FloatImage:
    """Return the attenuation of both jaws' bone and everything round them, at half size."""
    shape = (view.rows, view.columns)
    mandible, other, maxilla = (_framed(part, view) for part in surroundings(mouth.person))
    x, y = view.grid()
    own = array_random(mouth.person, "panoramic bone")
    to_world = np.linalg.inv(view.matrix())
    middle = x[view.rows // 2][None, :]
    lower_edge = crest_line(standing, upper=False, xs=middle, tail=((57.0, 4.0), (62.0, -16.0)))
    upper_edge = crest_line(standing, upper=True, xs=middle, tail=((60.0, -7.0), (66.0, -24.0)))
    out = np.abs(x)
    body = np.minimum(y - lower_edge, 9)
    low = np.where((out < 62) & (y < 24), np.maximum(body, mandible), mandible)
    bone = _slab(low, 9.5, 1.9, layers, bone_texture("mandible", shape, to_world, own))
    bone = np.maximum(bone + _canal(x, y) * ramp(np.asarray(low, np.float32), 0.0, 1.0), 0)
    high = np.minimum(maxilla, np.where(out < 66, upper_edge - y, maxilla))
    bone = bone + 0.8 * _slab(high, 7.5, 0.6, layers, bone_texture("maxilla", shape, to_world, own))
    return np.asarray(other + bone, np.float32)


def _slab(deep: FloatImage, depth: float, cortex: float, layers: Layers, texture: FloatImage) -> FloatImage:
    """Return bone `depth` mm thick with a cortical shell, less where tooth sockets are."""
    deep = np.asarray(deep, np.float32)
    whole = rounded(deep, 3.4, depth, 2.2)
    core = np.minimum(rounded(deep - cortex, 3.4, depth - 1.8, 2.2), whole)
    marrow = np.maximum(core - layers.socket * 0.9, 0)
    shell = np.maximum((whole - core) - 0.8 * layers.socket, 0.9 * (deep > 0)) * 0.62
    shell = shell + layers.lamina * 0.6 * ramp(deep, 0, 1)
    return np.asarray(
        shell * physics.CORTICAL + marrow * physics.TRABECULAR * np.clip(1 + 0.24 * texture, 0.1, 2.2), np.float32
    )


def _canal(x: FloatImage, y: FloatImage) -> FloatImage:
    """Return the mandibular canal: dark between two fine white lines, from the ramus to the mental foramen."""
    out = np.abs(x)
    level = 27.0 - 0.016 * np.maximum(out - 34, 0) ** 2 - 0.0011 * np.maximum(out - 52, 0) ** 3
    distance = np.asarray((y - level) / np.sqrt(1 + (0.03 * np.maximum(out - 40, 0)) ** 2), np.float32)
    along = ramp(out, 27, 30) * ramp(y, -14, -6)
    band = -0.13 * ramp(np.abs(distance), 1.7, 1.0)
    lines = 0.07 * (np.exp(-(((distance - 1.6) / 0.35) ** 2)) + np.exp(-(((distance + 1.6) / 0.35) ** 2)))
    hole = -0.16 * np.exp(-(((out - 27.5) / 1.7) ** 2) - ((y - 26.0) / 1.3) ** 2)
    return np.asarray((band + lines) * along + hole, np.float32)
