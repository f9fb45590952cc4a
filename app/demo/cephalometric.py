"""Cephalometric radiographs: the skull from the side, with the soft profile and a ruler.

The vault is a shell seen edge on, so its rim is bright by itself; face bones, teeth and
neck are laid over it as smooth solids. Faces the right of the picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from app.demo import physics
from app.demo.intraoral import Radiograph
from app.demo.mouth import Mouth
from app.demo.physics import Detector, FloatImage
from app.demo.raster import Raster, ramp, rounded
from app.demo.scene import Layers, add_tooth, maps_of
from app.demo.seeds import array_random
from app.demo.texture import smooth_noise
from app.demo.tooth_shapes import Points, closed_curve, open_curve

ROWS, COLUMNS = 2000, 1720
PIXEL_MM = 0.125
_STEP = PIXEL_MM * 2
_MAGNIFIED = 1.1
_DETECTOR = Detector(
    bits=14,
    full_scale=3.3,
    quanta=3000,
    blur_px=1.6,
    scatter=0.08,
    falloff=0.03,
    sharpen=0.8,
    sharpen_px=7.0,
    gamma=0.78,
    floor=-0.03,
)
_Path = tuple[tuple[float, float], ...]
# fmt: off
# Millimetres in the picture, x to the face, y down; nasion is at (165, 82), sella at (98, 88).
_VAULT: _Path = ((162, 84), (167, 68), (165, 46), (150, 24), (124, 10), (92, 7), (58, 16), (34, 38), (24, 66), (27, 92),
                 (38, 110), (54, 118), (76, 120), (94, 112), (112, 96), (136, 88))
_SKIN: _Path = ((150, -8), (171, 18), (177, 48), (174, 68), (170, 80), (175, 92), (186, 107), (192, 115), (188, 121),
                (177, 123.5), (178, 129), (183, 135), (183, 140), (178, 143), (183, 148), (182, 154),
                (175, 159), (178, 167),
                (177, 176), (170, 184), (152, 189), (128, 191), (120, 200), (117, 225), (118, 262), (20, 262),
                (18, 200),
                (20, 160), (12, 110), (8, 66), (20, 26), (60, -6), (110, -18))
_MANDIBLE: _Path = ((165, 156), (168, 163), (170, 171), (167, 178), (158, 180), (140, 176), (120, 169),
                    (104, 160), (95, 150),
                    (90, 134), (87, 116), (84, 106), (87, 101), (92, 103), (96, 113), (101, 112), (106, 103),
                    (110, 106),
                    (112, 122), (117, 138), (130, 146), (150, 151))
_MAXILLA: _Path = ((172, 121), (166, 124), (166, 131), (160, 136), (140, 137), (122, 134), (120, 124), (134, 120.5),
                   (152, 119.5))
_ORBIT: _Path = ((160, 84), (158, 94), (152, 101), (146, 100), (141, 92), (146, 85))
_SINUS: _Path = ((156, 104), (158, 114), (150, 119), (132, 119.5), (122, 116), (122, 104), (132, 99), (146, 100))
_MIDFACE: _Path = (
    (160, 84), (164, 98), (170, 112), (171, 132), (166, 152), (146, 160), (118, 152), (102, 130), (100, 108),
    (112, 94), (136, 87),
)
# fmt: on


def cephalometric(mouth: Mouth, exposure: str, sex: str) -> Radiograph:
    """Draw a lateral cephalometric radiograph of one person."""
    own = array_random(mouth.person, "skull")
    rng = array_random(mouth.person, "ceph", exposure)
    raster = Raster(0, 0, COLUMNS * PIXEL_MM, ROWS * PIXEL_MM, _STEP)
    skull = _Skull(raster, own, mouth.age, sex)
    broad = skull.attenuation()
    large = cv2.resize(np.asarray(broad, np.float32), (COLUMNS, ROWS), interpolation=cv2.INTER_LINEAR)
    attenuation = np.asarray(large + _teeth(mouth, skull), np.float32)
    attenuation += _ruler_and_rods()
    pixels = physics.expose(attenuation, _DETECTOR, rng)
    return Radiograph(pixels, _DETECTOR.bits, PIXEL_MM, ())


class _Skull:
    """Draws the parts of one person's head on the half-size raster."""

    def __init__(self, raster: Raster, own: np.random.Generator, age: float, sex: str) -> None:
        self.raster, self.own = raster, own
        self.child = float(np.clip((14 - age) / 9, 0, 1))
        self.face = float(own.normal(0, 1.4)) - 5 * self.child
        self.chin = float(own.normal(1.5 if sex == "M" else -0.5, 1.5)) - 4 * self.child

    def place(self, path: _Path) -> Points:
        """Return a path varied for this person: the lower face shorter or longer, the chin forward or back."""
        points = np.array(path, dtype=np.float64)
        low = np.clip((points[:, 1] - 90) / 80, 0, 1.2)
        front = np.clip((points[:, 0] - 110) / 60, 0, 1.2)
        points[:, 1] += low * self.face
        points[:, 0] += low * front * self.chin * np.where(points[:, 1] < 200, 1, 0)
        return points

    def distance(self, path: _Path, soften: float = 0.6) -> FloatImage:
        """Return signed distance to a closed path, positive inside."""
        return self.raster.distance(self.raster.mask(closed_curve(self.place(path), 8)), soften)

    def stroke(self, path: _Path, width: float, soften: float = 0.4) -> FloatImage:
        """Return 0..1 along an open path."""
        mask = np.zeros(self.raster.shape, np.uint8)
        line = open_curve(self.place(path), 8) / _STEP
        cv2.polylines(
            mask, [np.rint(line * 16).astype(np.int32)], False, 255, max(1, round(width / _STEP)), cv2.LINE_AA, 4
        )
        return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(soften * width / _STEP, 0.9)), np.float32) / 255

    def attenuation(self) -> FloatImage:
        """Return everything but teeth and metal."""
        total = self._flesh() + self._vault() + self._base() + self._face() + self._jaws() + self._neck()
        grain = (
            smooth_noise(self.raster.shape, 3.0, self.own) * 0.02
            + smooth_noise(self.raster.shape, 9.0, self.own) * 0.03
        )
        return np.asarray(np.maximum(total * (1 + grain), 0), np.float32)

    def _flesh(self) -> FloatImage:
        inside = self.distance(_SKIN, 1.0)
        body = rounded(inside, 26.0, 1.0, 2.1)
        air = self.stroke(
            ((134, 112), (112, 113), (107, 124), (107, 142), (110, 162), (112, 186), (112, 240)), 9.0, 0.28
        )
        mouth_air = self.stroke(((160, 141), (142, 139), (124, 139)), 2.4, 0.5)
        hair = smooth_noise(self.raster.shape, 5.0, self.own) * 0.01
        return np.asarray(
            body * 0.62 - 0.32 * air - 0.12 * mouth_air * ramp(inside, 2, 8) + hair * (inside > -2), np.float32
        )

    def _vault(self) -> FloatImage:
        outer = self.distance(_VAULT, 2.0)
        thick = 5.2 - 1.6 * self.child + 1.2 * np.sin(self.raster.x / 21) * np.cos(self.raster.y / 17)
        shell = np.maximum(rounded(outer, 62.0, 132.0, 2.0) - rounded(outer - thick, 60.0, 126.0, 2.0), 0) * ramp(
            outer, 0, 0.6
        )
        rim = np.minimum(shell, 34.0)
        diploe = 1 - 0.24 * np.exp(-(((outer - thick / 2) / (thick * 0.20)) ** 2))
        marks = smooth_noise(self.raster.shape, 26.0, self.own) * 0.05 * ramp(outer, 4, 12)
        vessel = self.stroke(((118, 92), (110, 70), (98, 46), (88, 26)), 1.6) * -0.06
        suture = self.stroke(((92, 12), (95, 24), (90, 38), (94, 52)), 0.8) * -0.06
        suture += self.stroke(((30, 52), (44, 62), (52, 80), (62, 96)), 0.8) * -0.06
        return np.asarray(rim * 0.030 * diploe + (marks + vessel + suture + 0.12) * ramp(outer, 2, 6), np.float32)

    def _base(self) -> FloatImage:
        """Frontal sinus, orbit roofs, sella, sphenoid, clivus, the dense ear bone and mastoid cells."""
        frontal = self.distance(((163, 82), (166, 70), (163.5, 60), (159.5, 66), (158, 78)), 0.6)
        total = -0.26 * ramp(frontal, -0.2, 1.6) + 0.18 * np.exp(-(((frontal) / 0.7) ** 2))
        roof = self.stroke(((161, 84), (150, 80), (136, 81), (122, 86), (112, 89)), 1.4)
        roof += 0.7 * self.stroke(((159, 88), (148, 83.5), (134, 84.5), (120, 88)), 1.2)
        sella = self.stroke(
            ((118, 90), (108, 86.5), (104, 86), (103, 91), (99.5, 95), (94.5, 94.5), (92, 90), (91.5, 84.5)), 1.5
        )
        clivus = self.stroke(((92, 86), (86, 98), (78, 112), (72, 121)), 3.6)
        sphenoid = self.distance(((120, 92), (106, 90), (104, 96), (97, 99), (96, 108), (106, 111), (118, 106)), 1.0)
        total = total + 0.42 * roof + 0.66 * sella + 0.46 * clivus - 0.20 * ramp(sphenoid, -0.3, 2.5)
        total = total + 0.22 * np.exp(-((sphenoid / 0.8) ** 2))
        petrous = self.distance(((90, 100), (80, 94), (66, 97), (56, 106), (58, 117), (70, 122), (82, 116)), 1.6)
        cells = smooth_noise(self.raster.shape, 7.0, self.own)
        total = total + 0.95 * rounded(petrous, 9.0, 1.0, 2.0) * (1 + 0.10 * cells)
        mastoid = self.distance(((60, 108), (46, 108), (44, 122), (52, 134), (62, 132), (66, 120)), 1.6)
        total = total + 0.42 * rounded(mastoid, 7.0, 1.0, 2.0) * (1 + 0.30 * cells)
        canal = np.hypot(self.raster.x - 79, self.raster.y - 106)
        return np.asarray(total - 0.5 * ramp(canal, 3.4, 2.0), np.float32)

    def _face(self) -> FloatImage:
        """Return cheeks and midface: a cloudy mass with the faint rims of orbit and sinus in it."""
        mass = self.distance(_MIDFACE, 4.0)
        cloud = (
            1
            + 0.16 * smooth_noise(self.raster.shape, 14.0, self.own)
            + 0.08 * smooth_noise(self.raster.shape, 5.0, self.own)
        )
        total = 0.46 * rounded(mass, 16.0, 1.0, 2.0) * cloud
        orbit, sinus = self.distance(_ORBIT, 1.5), self.distance(_SINUS, 1.5)
        total = total - 0.13 * ramp(orbit, -2, 4) + 0.11 * np.exp(-((orbit / 1.1) ** 2)) * cloud
        total = total - 0.20 * ramp(sinus, -2, 5) + 0.13 * np.exp(-((sinus / 1.0) ** 2)) * cloud
        nasal = self.stroke(((164.5, 83), (168, 90), (172, 97.5)), 2.2)
        zygoma = self.stroke(((150, 99), (142, 105), (137, 113), (139, 119), (146, 116)), 2.0)
        arch = self.stroke(((140, 106), (124, 104), (106, 102), (90, 100)), 3.0)
        fissure = self.stroke(((124, 92), (121, 104), (121, 116)), 1.4)
        fissure = fissure + self.stroke(((116, 96), (117, 108), (120, 118)), 1.4)
        ethmoid = smooth_noise(self.raster.shape, 9.0, self.own) * 0.07
        cells = np.exp(-(((self.raster.x - 138) / 16) ** 2) - ((self.raster.y - 94) / 9) ** 2)
        lines = 0.52 * nasal + 0.34 * zygoma + 0.16 * arch + 0.20 * fissure
        return np.asarray(total + lines + ethmoid * cells, np.float32)

    def _jaws(self) -> FloatImage:
        jaw = self.distance(_MANDIBLE, 0.8)
        whole, core = rounded(jaw, 10.0, 1.0, 2.0), rounded(jaw - 2.0, 9.0, 1.0, 2.0)
        texture = smooth_noise(self.raster.shape, 3.2, self.own) * 0.06 + 1
        total = (0.62 * np.maximum(whole - core * 0.72, 0) + 0.34 * whole) * texture * ramp(jaw, 0, 0.5)
        # The far side, enlarged a little, gives the double lower border of every real film.
        shift = np.array([[1.0, 0, -2.2 / _STEP], [0, 1.0, -2.6 / _STEP]])
        other = cv2.warpAffine(np.asarray(total, np.float32), shift, (jaw.shape[1], jaw.shape[0]))
        total = 0.80 * total + 0.42 * other * ramp(self.raster.x, 158, 140)
        canal = self.stroke(((98, 126), (106, 142), (120, 156), (140, 164)), 2.4) * -0.07
        upper = self.distance(_MAXILLA, 0.8)
        palate = self.stroke(((174, 121.5), (164, 120.5), (146, 120), (128, 121), (120, 122)), 1.9)
        return np.asarray(total + canal + 0.50 * rounded(upper, 8.0, 1.0, 2.0) * texture + 0.55 * palate, np.float32)

    def _neck(self) -> FloatImage:
        total = np.zeros(self.raster.shape, np.float32)
        for index in range(5):
            top, front = 132.0 + index * 21.5, 84.0 - 2.2 * index + (2.0 if index > 2 else 0.0)
            if index == 0:
                body: _Path = ((88, 128), (84, 124), (79, 126), (78, 133), (83, 136), (88, 134))
                dens: _Path = ((78, 152), (77, 132), (79.5, 124), (82, 125), (83, 136), (84, 152))
                total += 0.42 * rounded(self.distance(body, 0.8), 4.0, 1.0, 2.0)
                total += 0.50 * rounded(self.distance(dens, 0.8), 5.0, 1.0, 2.0)
                continue
            block: _Path = (
                (front, top),
                (front - 15, top + 0.5),
                (front - 16.5, top + 8),
                (front - 16, top + 16.5),
                (front - 0.5, top + 18),
                (front - 1.2, top + 9),
            )
            solid = self.distance(block, 1.0)
            total += 0.58 * rounded(solid, 5.0, 1.0, 2.0) + 0.16 * np.exp(-((solid / 0.8) ** 2))
            behind: _Path = (
                (front - 17, top + 3),
                (front - 27, top + 4),
                (front - 44, top + 12),
                (front - 46, top + 17),
                (front - 30, top + 14),
                (front - 20, top + 13),
            )
            total += 0.36 * rounded(self.distance(behind, 1.2), 5.0, 1.0, 2.0)
        hyoid = self.stroke(((124, 187), (116, 186), (106, 181), (100, 178)), 3.2)
        return np.asarray(total + 0.34 * hyoid, np.float32)


# fmt: off
# (tooth, x, y of the neck, tilt in radians clockwise from crown-up or crown-down, strength)
_UPPER_TEETH = (("8", 168.0, 132.0, 0.42), ("6", 161.5, 132.5, 0.22), ("5", 155.5, 133.5, 0.10),
                ("4", 149.5, 134.5, 0.05),
                ("3", 141.5, 135.5, 0.0), ("2", 132.0, 135.5, -0.10))
_LOWER_TEETH = (("25", 162.0, 152.5, -0.28), ("27", 157.5, 153.0, -0.12), ("28", 152.0, 153.5, -0.05),
                ("29", 145.8, 153.5, 0.0),
                ("30", 137.5, 153.0, 0.08), ("31", 127.5, 151.5, 0.16))
# fmt: on


def _teeth(mouth: Mouth, skull: _Skull) -> FloatImage:
    """Return both sides' teeth overlaid, seen from the side."""
    layers = Layers.empty((ROWS, COLUMNS))
    for rows, upper in ((_UPPER_TEETH, True), (_LOWER_TEETH, False)):
        for tooth, x, y, lean in rows:
            for offset in (0.0, -1.5):
                at = skull.place(((x + offset, y + offset * 0.35),))[0]
                state = mouth.state(tooth)
                if tooth not in (*mouth.upper, *mouth.lower) or not state.present:
                    continue
                across, down = -1.0, (-1.0 if upper else 1.0)
                turn = lean - (0.04 if offset else 0.0)
                cos, sin = np.cos(turn), np.sin(turn)
                linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([across, down])
                to_mm = np.array([[*linear[0], at[0]], [*linear[1], at[1]], [0, 0, 1.0]])
                to_pixels = np.diag([1 / PIXEL_MM, 1 / PIXEL_MM, 1.0]) @ to_mm
                add_tooth(layers, maps_of(mouth, tooth), to_pixels)
    return np.asarray(layers.attenuation * 0.34, np.float32)


def _ruler_and_rods() -> FloatImage:
    """Return the head holder's ear rod rings and the metal ruler in front of the forehead."""
    metal = np.zeros((ROWS, COLUMNS), np.float32)
    rod = (round(79 / PIXEL_MM), round(106 / PIXEL_MM))
    cv2.circle(metal, rod, round(3.6 / PIXEL_MM), 1.3, round(0.9 / PIXEL_MM), cv2.LINE_AA)
    cv2.circle(metal, rod, round(1.0 / PIXEL_MM), 2.0, -1, cv2.LINE_AA)
    left = round(198 / PIXEL_MM)
    for tick in range(0, 51):
        y = round((22 + tick * _MAGNIFIED) / PIXEL_MM)
        length = 6.0 if tick % 10 == 0 else (4.2 if tick % 5 == 0 else 2.6)
        cv2.line(metal, (left, y), (left + round(length / PIXEL_MM), y), 2.2, 2, cv2.LINE_AA)
    cv2.line(metal, (left, round(22 / PIXEL_MM)), (left, round((22 + 50 * _MAGNIFIED) / PIXEL_MM)), 2.2, 3, cv2.LINE_AA)
    return metal
