"""What a DICOM file may ask for before it is refused.

The figures are RELIABILITY.md's B4–B8. Everything here is arithmetic on declared numbers
and runs before anything of that size is allocated.
"""

from __future__ import annotations

from app.core.errors import EnvironmentFault

MAX_SIDE = 20_000
MAX_FRAME_PIXELS = 150_000_000
MAX_FRAMES = 100_000
MAX_TOTAL_BYTES = 4 * 1024**3
MAX_DEPTH = 64
MAX_INFLATED_BYTES = 512 * 1024**2
MAX_INFLATE_RATIO = 200
HOSTILE_CLAIM_BYTES = 1024**3


def check_dimensions(rows: int, columns: int, samples: int, frames: int, bits_allocated: int) -> None:
    """Refuse an image that would not fit before memory for it is asked for.

    Raises
    ------
    EnvironmentFault
        ``file.too_large`` with what was declared; ``file.undecodable`` for numbers that
        describe no image at all.
    """
    if rows <= 0 or columns <= 0 or frames <= 0:
        raise EnvironmentFault("file.undecodable", error="no rows, columns or frames")
    if samples not in (1, 3, 4):
        raise EnvironmentFault("file.undecodable", error=f"{samples} samples per pixel")
    if bits_allocated not in (1, 8, 16, 32, 64):
        raise EnvironmentFault("file.undecodable", error=f"{bits_allocated} bits allocated")
    total = rows * columns * samples * frames * max(bits_allocated, 8) // 8
    if max(rows, columns) > MAX_SIDE or rows * columns > MAX_FRAME_PIXELS:
        raise EnvironmentFault("file.too_large", rows=rows, columns=columns, frames=frames)
    if frames > MAX_FRAMES or total > MAX_TOTAL_BYTES:
        raise EnvironmentFault("file.too_large", rows=rows, columns=columns, frames=frames)


def overrun(has: int, needed: int) -> EnvironmentFault:
    """The error for a length that reaches past the end: cut short, or a lie.

    A file cut off in transit lacks a part of itself; one that claims gigabytes more than
    it has was made to claim them.
    """
    if needed > HOSTILE_CLAIM_BYTES and needed > 4 * has:
        return EnvironmentFault("file.hostile", why="declared length", has=has, needed=needed)
    return EnvironmentFault("file.truncated", has=has, needed=needed)
