"""Fetches frames in the background: the cache first, a preview where that is quicker, then neighbours.

The newest request of a cell wins; what was asked before it is neither begun nor delivered. A frame that is
already on its way as a neighbour is waited for, not decoded twice. GUI thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app.ui.viewer.frame_cache import FrameCache, FrameKey
from app.ui.viewer.sources import BackgroundCalls, FrameSource, ViewerItem

if TYPE_CHECKING:
    from app.core.errors import BitewingError
    from app.imaging.frame import DisplayFrame

Arrived = Callable[["DisplayFrame", bool], None]
"""Gets the frame and whether it is only a preview."""
Failed = Callable[["BitewingError"], None]

Fetching = Callable[[str], "tuple[int, int] | None"]
"""Gets an image's id; returns how many bytes of how many are here when its file is fetched from elsewhere just now."""


def _nothing_fetched(_image_id: str) -> tuple[int, int] | None:
    return None


@dataclass(frozen=True)
class _Waiter:
    key: FrameKey
    arrived: Arrived
    failed: Failed


class FrameLoader:
    """Hands frames to cells. ``cache`` may be shared between panes; ``fetching`` tells of files that come from afar."""

    def __init__(
        self,
        calls: BackgroundCalls,
        source: FrameSource,
        cache: FrameCache | None = None,
        fetching: Fetching = _nothing_fetched,
    ) -> None:
        self._calls = calls
        self.fetching = fetching
        self._source = source
        self.cache = cache or FrameCache()
        self._wishes: list[tuple[ViewerItem, int]] = []
        self._underway: FrameKey | None = None
        self._waiters: dict[int, _Waiter] = {}

    def request(
        self,
        cell: object,
        item: ViewerItem,
        index: int,
        preview_size: tuple[int, int] | None,
        arrived: Arrived,
        failed: Failed,
    ) -> None:
        """Deliver a frame to ``arrived``, before returning when it is in the cache.

        With ``preview_size`` a smaller picture may come first, the full one after it.
        """
        self.forget(cell)
        self._wishes = []
        key = (item.sha256, index)
        held = self.cache.get(key)
        if held is not None:
            arrived(held, False)
            return
        if key == self._underway and self._calls.busy(("prefetch", id(self))):
            self._waiters[id(cell)] = _Waiter(key, arrived, failed)
            return
        lane = ("frame", id(cell))
        ask_full = partial(
            self._calls.ask,
            lane,
            partial(self._source.frame, item.image_id, index, None),
            partial(self._keep, key, arrived),
            failed,
        )
        if preview_size is None:
            ask_full()
            return

        def first_arrived(frame: DisplayFrame) -> None:
            # Where a smaller picture is not quicker to make, the full one comes at once.
            if frame.columns >= (item.columns or 0) and frame.rows >= (item.rows or 0):
                self._keep(key, arrived, frame)
                return
            arrived(frame, True)
            ask_full()

        self._calls.ask(lane, partial(self._source.frame, item.image_id, index, preview_size), first_arrived, failed)

    def forget(self, cell: object) -> None:
        """Deliver nothing more to a cell."""
        self._waiters.pop(id(cell), None)
        self._calls.drop(("frame", id(cell)))

    def prefetch(self, wanted: Iterable[tuple[ViewerItem, int]]) -> None:
        """Load neighbours one at a time; failures wait until somebody looks at them."""
        self._wishes = list(wanted)
        self._fetch_next()

    def _fetch_next(self) -> None:
        while self._wishes and not self._calls.busy(("prefetch", id(self))):
            item, index = self._wishes.pop(0)
            key = (item.sha256, index)
            if key in self.cache:
                continue
            self._underway = key
            self._calls.ask(
                ("prefetch", id(self)),
                partial(self._source.frame, item.image_id, index, None),
                partial(self._on_neighbour_arrived, key),
                partial(self._on_neighbour_failed, key),
            )

    def _on_neighbour_arrived(self, key: FrameKey, frame: DisplayFrame) -> None:
        self.cache.put(key, frame)
        for waiter in self._released(key):
            waiter.arrived(frame, False)
        self._fetch_next()

    def _on_neighbour_failed(self, key: FrameKey, error: BitewingError) -> None:
        for waiter in self._released(key):
            waiter.failed(error)
        self._fetch_next()

    def _released(self, key: FrameKey) -> list[_Waiter]:
        self._underway = None
        found = {cell: waiter for cell, waiter in self._waiters.items() if waiter.key == key}
        for cell in found:
            del self._waiters[cell]
        return list(found.values())

    def _keep(self, key: FrameKey, arrived: Arrived, frame: DisplayFrame) -> None:
        self.cache.put(key, frame)
        arrived(frame, False)
