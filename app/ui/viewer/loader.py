"""Fetches frames in the background: the cache first, a preview for slow files, then neighbours.

The newest request of a cell wins; what was asked before it is neither begun nor delivered. GUI thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from app.ui.viewer.frame_cache import FrameCache
from app.ui.viewer.sources import BackgroundCalls, FrameSource, ViewerItem

if TYPE_CHECKING:
    from app.core.errors import BitewingError
    from app.imaging.frame import DisplayFrame

Arrived = Callable[["DisplayFrame", bool], None]
"""Gets the frame and whether it is only a preview."""
Failed = Callable[["BitewingError"], None]
_PREFETCH_LANES = 2


class FrameLoader:
    """Hands frames to cells. ``cache`` may be shared between panes."""

    def __init__(self, calls: BackgroundCalls, source: FrameSource, cache: FrameCache | None = None) -> None:
        self._calls = calls
        self._source = source
        self.cache = cache or FrameCache()

    def request(
        self,
        cell: object,
        item: ViewerItem,
        index: int,
        preview_size: tuple[int, int] | None,
        arrived: Arrived,
        failed: Failed,
    ) -> bool:
        """Deliver a frame to ``arrived``, at once when it is in the cache (then returns ``True``).

        With ``preview_size`` a smaller picture comes first, the full one after it.
        """
        lane = ("frame", id(cell))
        held = self.cache.get((item.sha256, index))
        if held is not None:
            self._calls.drop(lane)
            arrived(held, False)
            return True
        full = partial(self._source.frame, item.image_id, index, None)
        keep = partial(self._keep, item, index, arrived)
        if preview_size is None:
            self._calls.ask(lane, full, keep, failed)
            return False

        def show_preview(frame: DisplayFrame) -> None:
            arrived(frame, True)
            self._calls.ask(lane, full, keep, failed)

        self._calls.ask(lane, partial(self._source.frame, item.image_id, index, preview_size), show_preview, failed)
        return False

    def forget(self, cell: object) -> None:
        """Deliver nothing more to a cell."""
        self._calls.drop(("frame", id(cell)))

    def prefetch(self, wanted: Iterable[tuple[ViewerItem, int]]) -> None:
        """Load neighbours quietly; failures wait until somebody looks at them."""
        missing = [(item, index) for item, index in wanted if (item.sha256, index) not in self.cache]
        for number, (item, index) in enumerate(missing[:_PREFETCH_LANES]):
            self._calls.ask(
                ("prefetch", number),
                partial(self._source.frame, item.image_id, index, None),
                partial(self._keep, item, index, _nobody),
                _ignored,
            )

    def _keep(self, item: ViewerItem, index: int, arrived: Arrived, frame: DisplayFrame) -> None:
        self.cache.put((item.sha256, index), frame)
        arrived(frame, False)


def _nobody(_frame: DisplayFrame, _preview: bool) -> None:
    """Take a prefetched frame: it is in the cache and that is all."""


def _ignored(_error: BitewingError) -> None:
    """Take a failed prefetch: opening the image will say what is wrong."""
