"""Pictures for the viewer: decoded in a child process, found wherever they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.domain.roles import Action, Actor
from app.services.decoders import Decoders
from app.services.door import Door
from app.services.images import required_image
from app.services.locating import Locator

if TYPE_CHECKING:
    from app.imaging.frame import DisplayFrame


class ViewingService:
    """Frames of library images. Any thread."""

    def __init__(self, door: Door, locator: Locator, decoders: Decoders) -> None:
        self._door = door
        self._locator = locator
        self._decoders = decoders

    def warm(self) -> None:
        """Start the decoding child before the first picture is asked for."""
        self._decoders.viewer().warm()

    def frame(
        self,
        actor: Actor,
        image_id: str,
        index: int = 0,
        max_pixels: tuple[int, int] | None = None,
        *,
        token: CancelToken | None = None,
    ) -> DisplayFrame:
        """Return one frame of an image; a file that is missing here is fetched from a mirror or the archive.

        Raises
        ------
        BitewingError
            ``image.none``, ``image.file_missing`` or what the decoder says of the file.
        """
        path = self._path(actor, image_id, token)
        return self._decoders.viewer().frame(path, index, max_pixels=max_pixels, token=token)

    def loose_frame(
        self, path: Path, index: int = 0, max_pixels: tuple[int, int] | None = None, *, token: CancelToken | None = None
    ) -> DisplayFrame:
        """Return one frame of a file that is in no library."""
        return self._decoders.viewer().frame(path, index, max_pixels=max_pixels, token=token)

    def _path(self, actor: Actor, image_id: str, token: CancelToken | None) -> Path:
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            record = required_image(store.images.get(image_id), image_id)
        return self._locator.path_of(record, JobContext(token))
