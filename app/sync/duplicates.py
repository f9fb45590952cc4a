"""Which images look alike: same decoded pixels, or picture hashes a few bits apart. Pure.

A likeness is reported, never acted upon: two exposures seconds apart look alike too.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.domain.image import ImageRecord

# Of 256 bits. Re-saved and resized copies stay below; other pictures of the same mouth are far above.
NEAR_BITS = 10
# A hash of a nearly empty picture says nothing.
_LEAST_BITS = 24


def distance(one: str, other: str) -> int | None:
    """Return the number of differing bits of two hexadecimal hashes, ``None`` when incomparable."""
    if len(one) != len(other):
        return None
    try:
        return (int(one, 16) ^ int(other, 16)).bit_count()
    except ValueError:
        return None


def says_something(picture_hash: str | None) -> bool:
    """Whether a hash has enough structure to be compared."""
    if not picture_hash:
        return False
    bits = int(picture_hash, 16).bit_count()
    return _LEAST_BITS <= bits <= len(picture_hash) * 4 - _LEAST_BITS


def nearest(new: ImageRecord, others: Iterable[ImageRecord]) -> ImageRecord | None:
    """Return the most alike of ``others``, or ``None`` when none is like ``new``.

    Slices of one series always look alike and are never reported.
    """
    best: tuple[int, ImageRecord] | None = None
    for other in others:
        if other.id == new.id or _same_series(new, other):
            continue
        bits = _likeness(new, other)
        if bits is not None and (best is None or bits < best[0]):
            best = (bits, other)
    return best[1] if best else None


def _same_series(one: ImageRecord, other: ImageRecord) -> bool:
    return (
        one.series_uid is not None
        and one.series_uid == other.series_uid
        and one.sop_instance_uid != other.sop_instance_uid
    )


def _likeness(new: ImageRecord, other: ImageRecord) -> int | None:
    if new.pixel_sha256 and new.pixel_sha256 == other.pixel_sha256:
        return 0
    if not (says_something(new.picture_hash) and says_something(other.picture_hash)):
        return None
    bits = distance(new.picture_hash or "", other.picture_hash or "")
    return bits if bits is not None and bits <= NEAR_BITS else None
