"""Pictures that look alike, found by pieces of their 256-bit hash.

Two hashes that differ in fewer than sixteen bits share at least one of sixteen 16-bit pieces exactly,
so an index on the pieces finds every candidate; the real distance decides.
"""

from __future__ import annotations

from app.storage.database import Database

BANDS = 16
_BITS = 16
_DIGITS = BANDS * _BITS // 4
SURE_DISTANCE = BANDS - 1
"""Up to this many differing bits nothing is missed."""


def bands_of(picture_hash: str | None) -> list[int]:
    """Return the sixteen index values of a hash; none for a missing or malformed one."""
    if picture_hash is None or len(picture_hash) != _DIGITS:
        return []
    try:
        value = int(picture_hash, 16)
    except ValueError:
        return []
    return [(band << _BITS) | ((value >> (band * _BITS)) & 0xFFFF) for band in range(BANDS)]


def add_bands(database: Database, rank: int, picture_hash: str | None) -> None:
    """Index an image's picture; inside ``write()``."""
    bands = bands_of(picture_hash)
    if bands:
        database.execute_many(
            "INSERT OR IGNORE INTO picture_bands (band, image_rank) VALUES (?, ?)", [(band, rank) for band in bands]
        )


def remove_bands(database: Database, rank: int, picture_hash: str | None) -> None:
    """Take an image's picture out of the index; inside ``write()``."""
    database.execute_many(
        "DELETE FROM picture_bands WHERE band = ? AND image_rank = ?",
        [(band, rank) for band in bands_of(picture_hash)],
    )


def similar_ranks(database: Database, picture_hash: str, max_distance: int, limit: int) -> list[tuple[int, int]]:
    """Return ``(distance, image rank)`` of pictures at most ``max_distance`` bits away, nearest first.

    Sure to find all up to :data:`SURE_DISTANCE`; beyond, some may be missed.
    """
    bands = bands_of(picture_hash)
    if not bands:
        return []
    marks = ",".join("?" * len(bands))
    rows = database.rows(
        "SELECT i.rank, i.picture_hash FROM images i WHERE i.deleted_at IS NULL AND i.rank IN"  # noqa: S608 - our own text
        f" (SELECT image_rank FROM picture_bands WHERE band IN ({marks}))",
        bands,
    )
    wanted = int(picture_hash, 16)
    near = ((bits, rank) for rank, other in rows if (bits := (int(other, 16) ^ wanted).bit_count()) <= max_distance)
    return sorted(near)[:limit]
