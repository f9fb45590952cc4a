"""What the light table needs from the rest of the program, said as protocols.

The window fits the library's services to these; tests fit arrays. Calls may block: they are only ever made
in the background.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from app.core.errors import BitewingError
    from app.imaging.frame import DisplayFrame

MIME_IMAGES = "application/x-bitewing-images"
"""Drag data: image ids, one on each line, UTF-8."""


@dataclass(frozen=True, slots=True)
class ViewerItem:
    """One image as a cell shows it: who, what, when. Texts are ready to read.

    ``rows`` and ``columns`` are those of the full image, so that a smaller preview stands in its place.
    ``first_frame`` is shown first: the middle of a volume says more than its end. ``marks_side`` says that a
    tooth or a side is set, which makes a mirrored radiograph dangerous. ``is_document`` has pages instead of
    frames and no scale. ``damaged`` is a sentence for a badge when part of the file could not be read.
    """

    image_id: str
    sha256: str
    title: str = ""
    patient: str = ""
    date: str = ""
    tooth: str = ""
    kind: str = ""
    side: str = ""
    note: str = ""
    rows: int | None = None
    columns: int | None = None
    frames: int = 1
    first_frame: int = 0
    is_radiograph: bool = False
    marks_side: bool = False
    is_document: bool = False
    damaged: str = ""


class FrameSource(Protocol):
    """Decoded frames by image. Any thread."""

    def frame(self, image_id: str, index: int, max_pixels: tuple[int, int] | None) -> DisplayFrame:
        """Return one frame, reduced to about ``max_pixels`` (width, height) when that is given.

        Raises
        ------
        BitewingError
            With the code that says why there is no picture.
        """


class ThumbnailSource(Protocol):
    """Small JPEG pictures by image. Any thread."""

    def thumbnail(self, image_id: str) -> bytes | None:
        """Return JPEG bytes, or ``None`` where there can be no picture."""


class BackgroundCalls(Protocol):
    """Short background calls where a newer one replaces an older one of its lane (:class:`app.jobs.calls.Calls`)."""

    def ask(
        self,
        lane: Hashable,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[BitewingError], None] | None = None,
    ) -> None:
        """Run ``work`` off the GUI thread and answer in it, unless a newer request took the lane."""

    def drop(self, lane: Hashable) -> None:
        """Forget what the lane waits for."""

    def busy(self, lane: Hashable) -> bool:
        """Whether the lane waits for an answer."""
