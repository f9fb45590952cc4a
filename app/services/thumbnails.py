"""Thumbnail files: kept in the cache under the image's id, made again when they are missing."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from app.core.errors import BitewingError
from app.core.files import write_atomically
from app.core.paths import LibraryPaths
from app.domain.image import ImageRecord, Placement
from app.domain.naming import is_uuid
from app.services.decoders import Decoders
from app.services.locating import Locator

log = logging.getLogger(__name__)


class Thumbnails:
    """The library's thumbnails. Any thread."""

    def __init__(self, paths: LibraryPaths, locator: Locator, decoders: Decoders) -> None:
        self._paths = paths
        self._locator = locator
        self._decoders = decoders

    def path(self, image_id: str) -> Path:
        """Return where a thumbnail lies. Raises ValueError for anything but an id."""
        if not is_uuid(image_id):
            raise ValueError("not an id")
        return self._paths.thumbnails / image_id[:2] / f"{image_id}.jpg"

    def put(self, image_id: str, jpeg: bytes) -> None:
        """Store a thumbnail. Raises OSError."""
        path = self.path(image_id)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, jpeg)

    def get(self, record: ImageRecord) -> bytes | None:
        """Return a thumbnail, made now when it is missing; ``None`` where there is no picture.

        Raises
        ------
        BitewingError
            When the image's file is missing or cannot be decoded.
        """
        with contextlib.suppress(OSError):
            return self.path(record.id).read_bytes()
        if record.placement is Placement.QUARANTINED:
            return None
        jpeg = self._decoders.viewer().thumbnail(self._locator.path_of(record))
        if jpeg is not None:
            try:
                self.put(record.id, jpeg)
            except (OSError, BitewingError):
                log.warning("thumbnail of %s not stored", record.id)
        return jpeg
