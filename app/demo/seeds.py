"""Deterministic randomness and identifiers for the made-up clinic.

Everything drawn depends only on the seed and on stable keys, never on the clock,
the process or the order of drawing, so the same seed gives the same bytes.
"""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def stable_int(*parts: object, bits: int = 64) -> int:
    """Return a number that depends on `parts` alone, the same in every process."""
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return int.from_bytes(digest, "big") >> (256 - bits)


def plain_random(*parts: object) -> random.Random:
    """Return a standard-library generator seeded by `parts` (needs no numpy)."""
    return random.Random(stable_int(*parts))


def array_random(*parts: object) -> np.random.Generator:
    """Return a numpy generator seeded by `parts`."""
    import numpy as np

    return np.random.Generator(np.random.PCG64(stable_int(*parts)))


def stable_uid(*parts: object) -> str:
    """Return a DICOM UID under 2.25 shaped as a version 4 UUID (PS3.5 B.2)."""
    number = stable_int("uid", *parts, bits=128)
    number = (number & ~(0xF << 76)) | (0x4 << 76)
    number = (number & ~(0x3 << 62)) | (0x2 << 62)
    return f"2.25.{number}"
