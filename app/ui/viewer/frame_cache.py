"""Decoded frames kept for the next look, limited in bytes, oldest use dropped first. GUI thread only."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.imaging.frame import DisplayFrame

FrameKey = tuple[str, int]
"""SHA-256 of the file and frame number."""

CACHE_BYTES = 512 << 20


class FrameCache:
    """Least recently used frames up to a number of bytes."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._frames: OrderedDict[FrameKey, DisplayFrame] = OrderedDict()
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        """Bytes of pixels held."""
        return self._size_bytes

    def __contains__(self, key: FrameKey) -> bool:
        """Whether the frame is held; does not count as a use."""
        return key in self._frames

    def get(self, key: FrameKey) -> DisplayFrame | None:
        """Return the frame and count a use."""
        frame = self._frames.get(key)
        if frame is not None:
            self._frames.move_to_end(key)
        return frame

    def put(self, key: FrameKey, frame: DisplayFrame) -> None:
        """Keep a frame; one larger than the whole cache is not kept."""
        self.drop(key)
        size = int(frame.values.nbytes)
        if size > self._limit_bytes:
            return
        self._frames[key] = frame
        self._size_bytes += size
        while self._size_bytes > self._limit_bytes:
            _key, oldest = self._frames.popitem(last=False)
            self._size_bytes -= int(oldest.values.nbytes)

    def drop(self, key: FrameKey) -> None:
        """Forget one frame."""
        frame = self._frames.pop(key, None)
        if frame is not None:
            self._size_bytes -= int(frame.values.nbytes)

    def drop_image(self, sha256: str) -> None:
        """Forget every frame of one file."""
        for key in [key for key in self._frames if key[0] == sha256]:
            self.drop(key)

    def clear(self) -> None:
        """Forget everything (another library, the lock)."""
        self._frames.clear()
        self._size_bytes = 0
