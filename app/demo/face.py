"""A drawn portrait: soft shapes lit from above, one face per person.

Plainly a drawing of nobody, but with light, shadow and skin enough to stand in a record
where a photograph would be. Returns an RGB picture.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.demo.physics import FloatImage, blur
from app.demo.raster import Raster, ramp, rounded
from app.demo.seeds import array_random
from app.demo.shading import Colour, finish, light, over, paint
from app.demo.texture import smooth_noise
from app.demo.tooth_shapes import Points, closed_curve, open_curve

ROWS, COLUMNS = 800, 640
_MM = 0.375
_SKIN: tuple[Colour, ...] = ((0.90, 0.71, 0.60), (0.82, 0.61, 0.48), (0.70, 0.49, 0.36), (0.47, 0.31, 0.23))
_HAIR: tuple[Colour, ...] = ((0.36, 0.24, 0.15), (0.14, 0.10, 0.08), (0.10, 0.08, 0.07), (0.07, 0.06, 0.06))
_CLOTHES: tuple[Colour, ...] = ((0.22, 0.34, 0.48), (0.55, 0.56, 0.60), (0.40, 0.20, 0.24), (0.20, 0.36, 0.32))


def portrait(person: str, sex: str, age: float, skin: int, exposure: str) -> NDArray[np.uint8]:
    """Draw one person's portrait from the front."""
    return _Face(person, sex, age, skin, exposure).draw()


class _Face:
    """Builds a head of soft solids in mm, x and y from the middle of the face."""

    def __init__(self, person: str, sex: str, age: float, skin: int, exposure: str) -> None:
        self.rng = array_random(person, "portrait", exposure)
        own = self.own = array_random(person, "face")
        half_w, half_h = COLUMNS * _MM / 2, ROWS * _MM / 2
        self.raster = Raster(-half_w, -half_h - 8, half_w, half_h - 8, _MM)
        self.x, self.y = self.raster.x + 0 * self.raster.y, self.raster.y + 0 * self.raster.x
        self.male, self.age = sex == "M", age
        self.child = float(np.clip((13 - age) / 8, 0, 1))
        self.wide = float(own.normal(1.0, 0.035)) + 0.04 * self.child
        self.jaw = float(own.normal(1.03 if self.male else 0.93, 0.03)) - 0.05 * self.child
        self.tall = float(own.normal(1.0, 0.025)) - 0.07 * self.child
        self.skin = np.array(_SKIN[skin], np.float32) * np.float32(own.normal(1.0, 0.02))
        grey = float(np.clip((age - 48) / 25, 0, 1))
        hair = np.array(_HAIR[skin])
        self.hair = np.asarray(hair * (1 - grey) + np.array([0.72, 0.71, 0.70]) * grey, np.float32)
        self.clothes = _CLOTHES[int(own.integers(0, len(_CLOTHES)))]

    def distance(self, points: list[tuple[float, float]], soften: float = 1.0, *, mirror: bool = True) -> FloatImage:
        """Return signed distance to a smooth outline (its right half given when mirrored)."""
        outline: Points = np.array(points, dtype=np.float64)
        if mirror:
            outline = np.concatenate([outline, (outline * (-1, 1))[::-1]])
        return self.raster.distance(self.raster.mask(closed_curve(outline, 8)), soften)

    def head(self) -> FloatImage:
        """Return the face's outline: signed distance in mm."""
        w, j, t = 71 * self.wide, self.jaw, self.tall
        return self.distance(
            [
                (8, -92 * t),
                (40, -82 * t),
                (62 * self.wide, -52 * t),
                (w, -12),
                (w * 0.965, 22 * t),
                (58 * j, 55 * t),
                (38 * j, 82 * t),
                (17, 95 * t),
                (5, 97 * t),
            ],
            3.0,
        )

    def draw(self) -> NDArray[np.uint8]:
        """Return the finished portrait."""
        rows, columns = self.raster.shape
        backdrop = paint((rows, columns), (0.62, 0.66, 0.70))
        glow = np.exp(-((self.x / 120) ** 2) - ((self.y + 20) / 140) ** 2)
        lit = backdrop * (0.72 + 0.34 * glow[..., None])
        picture = self._hair_behind(np.asarray(lit, np.float32))
        picture = self._body(picture)
        picture = self._skin(picture)
        picture = self._eyes(picture)
        picture = self._mouth(picture)
        picture = self._hair_front(picture)
        return finish(picture, self.rng, vignette=0.16, grain=0.010)

    def _lit(self, height: FloatImage, colour: FloatImage | Colour, gloss: float = 0.05) -> FloatImage:
        diffuse, gleam = light(np.asarray(blur(height, 2.0), np.float32), _MM, gloss=14, towards=(-0.35, -0.5, 1.0))
        base = np.asarray(colour, np.float32)
        # Shadows on skin turn warm, not grey.
        lit = base * (0.36 + 0.72 * diffuse[..., None] ** np.array([0.8, 1.0, 1.1], np.float32))
        return np.asarray(lit + gloss * gleam[..., None], np.float32)

    def _body(self, picture: FloatImage) -> FloatImage:
        shoulders = self.distance([(20, 112), (52, 122), (92, 136), (120, 160), (132, 240), (40, 240)], 4.0)
        neck = self.distance([(33 * self.jaw, 60), (34 * self.jaw, 100), (44, 122), (20, 150)], 4.0)
        cloth = rounded(shoulders, 40, 34, 2.0) + 0.5 * smooth_noise(self.raster.shape, 60, self.own)
        throat = rounded(neck, 34, 30, 2.0)
        picture = over(picture, self._lit(throat, self.skin * 0.90), ramp(neck, -0.4, 0.4))
        under = ramp(self.y, 128, 84) * ramp(neck, -1, 3)
        picture = picture * (1 - 0.42 * under[..., None])
        collar = np.asarray(self.y - 122 - 0.30 * (34 - np.abs(self.x)), np.float32)
        return over(picture, self._lit(cloth, self.clothes, 0.0), ramp(shoulders, -0.4, 0.4) * ramp(collar, -0.5, 0.8))

    def _skin(self, picture: FloatImage) -> FloatImage:
        x, y, t = self.x, self.y, self.tall
        head = self.head()
        out = np.abs(x)

        def hill(cx: float, cy: float, sx: float, sy: float) -> FloatImage:
            return np.asarray(np.exp(-(((out - cx) / sx) ** 2) - ((y - cy) / sy) ** 2), np.float32)

        height = rounded(head, 62, 58, 2.0)
        height += (
            15
            * np.exp(-((x / (8 + 0.10 * np.clip(y + 20, 0, 60))) ** 2))
            * ramp(y, -26, 26 * t)
            * ramp(y, 36 * t, 27 * t)
        )
        height += 5 * hill(10.5, 27 * t, 6.0, 6.5) + 5 * hill(30, 22, 22, 20) - 7.5 * hill(31, -15, 15, 9)
        height += 3.2 * hill(30, -29, 22, 6) + 4.5 * hill(0, 82 * t, 17, 12) - 2.2 * hill(0, 66 * t, 18, 5)
        height += 2.2 * hill(0, 50 * t, 24, 11)
        fold = 0.2 + 0.9 * float(np.clip((self.age - 25) / 45, 0, 1))
        crease = np.exp(-(((out - 19 - 0.32 * (y - 26)) / 1.8) ** 2)) * ramp(y, 24, 32) * ramp(y, 60, 48)
        height = height - fold * crease + 0.05 * smooth_noise(self.raster.shape, 5, self.own)
        blush = 0.10 * hill(36, 24, 18, 15) + 0.09 * hill(0, 28 * t, 11, 9)
        mottled = (
            1
            + 0.018 * smooth_noise(self.raster.shape, 14, self.own)
            + 0.01 * smooth_noise(self.raster.shape, 4, self.own)
        )
        colour = self.skin * mottled[..., None] - blush[..., None] * np.array([0.02, 0.35, 0.35], np.float32)
        if self.male and self.age > 17:
            beard = ramp(np.asarray(head, np.float32), 26, 8) * ramp(y, 26, 48) + 0.8 * hill(0, 42 * t, 22, 6)
            speckle = 0.75 + 0.25 * smooth_noise(self.raster.shape, 2.5, self.own)
            colour = over(np.asarray(colour, np.float32), self.hair, np.clip(0.30 * beard * speckle, 0, 0.6))
        for side in (-1, 1):
            ear = self.distance(
                [
                    (side * (69 * self.wide + a), b)
                    for a, b in ((0, -18), (7, -22), (11, -12), (9, 6), (3, 18), (-1, 14))
                ],
                1.5,
                mirror=False,
            )
            shape = rounded(ear, 5, 8, 2.0) - 3.0 * np.exp(-(((ear - 4.0) / 1.4) ** 2))
            picture = over(picture, self._lit(np.asarray(shape, np.float32), self.skin * 0.94), ramp(ear, -0.3, 0.3))
        picture = over(picture, self._lit(height, np.asarray(colour, np.float32)), ramp(head, -0.4, 0.4))
        nostril = hill(6.2, 33 * t, 3.4, 1.6)
        return np.asarray(picture * (1 - 0.62 * nostril[..., None]), np.float32)

    def _eyes(self, picture: FloatImage) -> FloatImage:
        own = array_random(int(self.own.integers(1 << 30)), "iris")
        iris_colour = ((0.30, 0.19, 0.10), (0.22, 0.14, 0.09), (0.36, 0.42, 0.40))[int(own.integers(0, 3))]
        size = 1.0 + 0.10 * self.child
        for side in (-1, 1):
            cx, cy = side * 31.0 * self.wide, -12.0
            lid = self.distance(
                [
                    (cx + dx * side * size, cy + dy * size)
                    for dx, dy in (
                        (-14, 1.5),
                        (-8, -3.6),
                        (0, -5.8),
                        (8, -4.2),
                        (14.5, 0),
                        (8, 4.2),
                        (0, 5.4),
                        (-8, 4.2),
                    )
                ],
                0.5,
                mirror=False,
            )
            opening = ramp(lid, -0.25, 0.35)
            white = paint(self.raster.shape, (0.90, 0.88, 0.86)) * (0.62 + 0.38 * ramp(lid, 0, 3.5))[..., None]
            far = np.asarray(np.hypot(self.x - cx, self.y - cy + 0.4), np.float32)
            rays = 1 + 0.18 * np.sin(np.arctan2(self.y - cy, self.x - cx) * 23) * ramp(far, 2, 5)
            white = over(
                white,
                np.asarray(iris_colour, np.float32) * rays[..., None] * (0.65 + 0.5 * ramp(far, 5, 2))[..., None],
                ramp(far, 6.3, 5.8),
            )
            white = over(white, (0.02, 0.02, 0.02), ramp(far, 2.9, 2.4))
            glint = np.asarray(np.hypot(self.x - cx + 2.0, self.y - cy + 2.2), np.float32)
            white = over(white, (1.0, 1.0, 1.0), 0.9 * ramp(glint, 1.3, 0.8))
            white = white * (1 - 0.45 * ramp(self.y, cy - 1.5, cy - 5.5))[..., None]
            picture = over(picture, np.asarray(white, np.float32), opening)
            upper = np.exp(-((lid / 0.8) ** 2)) * ramp(self.y, cy + 1.5, cy - 2.5)
            picture = over(picture, (0.10, 0.06, 0.05), 0.85 * upper)
            lower = np.exp(-((lid / 0.7) ** 2)) * ramp(self.y, cy - 1, cy + 3)
            picture = over(picture, self.skin * 0.62, 0.45 * lower)
            fold = np.exp(-(((lid + 3.2) / 0.8) ** 2)) * ramp(self.y, cy, cy - 5)
            picture = over(picture, self.skin * 0.58, 0.40 * fold)
            picture = self._brow(picture, side, cx)
        return picture

    def _brow(self, picture: FloatImage, side: int, cx: float) -> FloatImage:
        heavy = 4.2 if self.male else 2.7
        mask = np.zeros(self.raster.shape, np.uint8)
        line = open_curve(
            np.array([(cx - side * 16, -25.5), (cx - side * 6, -29), (cx + side * 6, -30.5), (cx + side * 17, -26)]), 8
        )
        pixels = line / _MM + np.array(self.raster.origin)
        cv2.polylines(mask, [np.rint(pixels * 16).astype(np.int32)], False, 255, round(heavy / _MM), cv2.LINE_AA, 4)
        cover = cv2.GaussianBlur(mask, (0, 0), 3).astype(np.float32) / 255
        hairs = 0.75 + 0.35 * smooth_noise(self.raster.shape, 4, self.own)
        return over(
            picture, self.hair * 0.9, np.asarray(np.clip(cover * hairs * (0.85 - 0.25 * self.child), 0, 1), np.float32)
        )

    def _mouth(self, picture: FloatImage) -> FloatImage:
        t, w = self.tall, (25.0 if self.male else 23.5) - 3.5 * self.child
        lift = -2.0
        upper = self.distance(
            [
                (0.5, 49 * t),
                (5, 47 * t),
                (w * 0.55, 48.6 * t),
                (w, 52.4 * t + lift),
                (w * 0.5, 52.6 * t),
                (2, 53.4 * t),
            ],
            0.6,
        )
        lower = self.distance(
            [
                (0.5, 53 * t),
                (w * 0.5, 52.6 * t),
                (w * 0.97, 52.4 * t + lift),
                (w * 0.66, 58 * t),
                (w * 0.3, 61 * t),
                (2, 61.6 * t),
            ],
            0.6,
        )
        tone = np.array([0.92, 0.62, 0.60], np.float32) * self.skin + np.array([0.04, 0.0, 0.0], np.float32)
        if not self.male and self.age > 16:
            tone = tone * np.array([0.98, 0.78, 0.80], np.float32)
        lines = 0.22 * smooth_noise(self.raster.shape, 5, self.own)
        for shape, bulge in ((upper, 3.0), (lower, 5.0)):
            solid = np.asarray(rounded(shape, 5, bulge, 2.0) + lines, np.float32)
            picture = over(picture, self._lit(solid, tone, 0.16), 0.92 * ramp(shape, -0.5, 0.7))
        part = np.asarray(self.y - (52.9 * t + lift * (self.x / w) ** 2), np.float32)
        seam = np.exp(-((part / 0.7) ** 2)) * ramp(np.abs(self.x), w + 1, w - 2)
        return over(picture, (0.22, 0.08, 0.07), 0.75 * np.asarray(seam, np.float32))

    def _strands(self, sway: float) -> FloatImage:
        """Return fine streaks that follow the hair, around 1."""
        noise = smooth_noise((self.raster.shape[0] // 12, self.raster.shape[1]), 3, self.own)
        streaks = cv2.resize(noise, (self.raster.shape[1], self.raster.shape[0]), interpolation=cv2.INTER_CUBIC)
        bend = np.asarray(self.raster.x / _MM + self.raster.origin[0] + sway * np.sin(self.y / 26) * 40 / 4, np.float32)
        rows = np.asarray(self.raster.y / _MM + self.raster.origin[1] + 0 * bend, np.float32)
        return np.asarray(
            1 + 0.20 * cv2.remap(streaks, bend, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32
        )

    def _hair_behind(self, picture: FloatImage) -> FloatImage:
        if self.male:
            return picture
        long = 120 if self.own.random() < 0.6 else 62
        back = self.distance(
            [(6, -112), (50, -104), (80, -66), (88, -10), (90, 50), (84, long), (40, long + 12), (10, long)], 6.0
        )
        solid = rounded(back, 40, 60, 2.0)
        return over(
            picture, self._lit(solid, self.hair * self._strands(1.0)[..., None] * 0.85, 0.05), ramp(back, -1.2, 1.2)
        )

    def _hair_front(self, picture: FloatImage) -> FloatImage:
        t, w = self.tall, 71 * self.wide
        bald = self.male and self.age > 55
        line = -66 * t if not bald else -80 * t
        skull = self.distance(
            [
                (6, -108 * t),
                (46, -98 * t),
                (w + 3, -56 * t),
                (w + 5, -18),
                (w - 1, -10),
                (w - 9, -34),
                (w * 0.72, line + 8),
                (w * 0.35, line - 2),
                (5, line),
            ],
            2.0,
        )
        if not self.male:
            skull = self.distance(
                [
                    (6, -110 * t),
                    (48, -101 * t),
                    (w + 7, -58 * t),
                    (w + 10, 4),
                    (w + 8, 44),
                    (w - 3, 40),
                    (w - 2, -6),
                    (w * 0.80, -44 * t),
                    (w * 0.40, -70 * t),
                    (3, -84 * t),
                ],
                2.0,
            )
        solid = np.asarray(rounded(skull, 22, 24, 2.0) + 0.6 * self._strands(0.6), np.float32)
        shade = picture * (1 - 0.30 * ramp(skull, -7, 0.5))[..., None]
        ragged = skull + 0.9 * (self._strands(0.3) - 1) * 4
        return over(
            np.asarray(shade, np.float32),
            self._lit(solid, self.hair * self._strands(0.8)[..., None], 0.09),
            ramp(ragged, -1.0, 1.0),
        )
