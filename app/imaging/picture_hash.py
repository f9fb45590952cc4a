"""Fingerprints of pictures: exact (SHA-256 of stored values) and perceptual (256 bits).

The perceptual hash is made of the picture as shown (windowed, upright), so that a radiograph
exported to JPEG, or saved with fewer bits, keeps it. Decides nothing about patients or files.
"""

from __future__ import annotations

import hashlib

import cv2
import numpy as np

from app.imaging.frame import PixelArray

HASH_BITS = 256
SIMILAR_BITS = 10
"""Up to this many differing bits two pictures count as the same one.

Measured on 154 demo and test pictures: saved again as JPEG of quality 90, 50, 20 at most 4, 6, 10;
at half or a third of the size at most 10; brightness and contrast moved by a tenth up to 18. Different
periapical radiographs of one patient at least 32 (median of all pairs 126); photographs of one mouth
before and after, and cephalograms of different people, come as near as 6 and 8: alike, not the same.
"""

_SIDE = 64
_KEPT = 16
_FLAT_SPREAD = 2.0
_GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)


def picture_hash(shown: PixelArray) -> str | None:
    """Return 64 hex digits for an upright 8-bit picture, (rows, columns) or (rows, columns, 3).

    None for a picture with next to nothing in it: its bits would be noise, and all such
    pictures would look alike.
    """
    small = cv2.resize(shown, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if small.ndim == 3:
        small = small @ _GREY_WEIGHTS
    if float(small.std()) < _FLAT_SPREAD:
        return None
    waves = cv2.dct(small)[:_KEPT, :_KEPT].ravel()
    # The constant term says only how bright the picture is; it takes no part in the median.
    bits = waves > np.median(waves[1:])
    bits[0] = False
    return np.packbits(bits).tobytes().hex()


def distance(first: str, second: str) -> int:
    """Return how many of 256 bits differ."""
    return (int(first, 16) ^ int(second, 16)).bit_count()


class PixelDigest:
    """SHA-256 over stored values, frame after frame: C order, little endian."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, frame: PixelArray) -> None:
        """Take in the next frame."""
        plain = np.ascontiguousarray(frame)
        plain = plain.astype(plain.dtype.newbyteorder("<"), copy=False)
        self._hash.update(plain.reshape(-1).view(np.uint8).data)

    def hexdigest(self) -> str:
        """Return the digest of all frames so far."""
        return self._hash.hexdigest()
