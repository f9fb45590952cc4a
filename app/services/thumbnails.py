"""Thumbnail files: kept in the cache under the image's id, made again when they are missing."""

from __future__ import annotations

import logging
import uuid
from pathlib import Path

from app.core.paths import LibraryPaths
from app.domain.image import ImageRecord, Placement
from app.domain.naming import is_uuid
from app.services.decoders import Decoders
from app.services.locating import Locator

log = logging.getLogger(__name__)


_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"


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
        """Store a thumbnail, without waiting for the disk: it can be made again. Raises OSError."""
        path = self.path(image_id)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f".{image_id}-{uuid.uuid4().hex}.part")
        try:
            temporary.write_bytes(jpeg)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def _read(self, image_id: str) -> bytes | None:
        """Return a whole thumbnail from the cache; a power cut may have left half of one."""
        try:
            jpeg = self.path(image_id).read_bytes()
        except OSError:
            return None
        return jpeg if jpeg.startswith(_BEGIN) and jpeg.endswith(_END) else None

    def get(self, record: ImageRecord) -> bytes | None:
        """Return a thumbnail, made now when it is missing; ``None`` where there is no picture.

        Raises
        ------
        BitewingError
            When the image's file is missing or cannot be decoded.
        """
        kept = self._read(record.id)
        if kept is not None:
            return kept
        if record.placement is Placement.QUARANTINED:
            return None
        jpeg = self._decoders.viewer().thumbnail(self._locator.path_of(record))
        if jpeg is not None:
            try:
                self.put(record.id, jpeg)
            except OSError:
                log.warning("thumbnail of %s not stored", record.id)
        return jpeg
