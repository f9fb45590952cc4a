"""A source of drawn frames and background calls that answer when told to."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any

import numpy as np
import pytest

from app.core.errors import BitewingError, EnvironmentFault
from app.imaging.frame import DisplayFrame, PixelSpacing, WindowSetting
from app.ui.viewer.loader import FrameLoader
from app.ui.viewer.pane import ViewerPane
from app.ui.viewer.sources import ViewerItem


class HeldCalls:
    """Keeps requests until :meth:`answer`; the newest of a lane replaces older ones, as the real ones do."""

    def __init__(self) -> None:
        self.waiting: dict[Hashable, tuple[Callable[[], Any], Callable[[Any], None], Any]] = {}
        self.asked: list[Hashable] = []

    def ask(self, lane: Hashable, work: Any, then: Any, failed: Any = None) -> None:
        self.waiting[lane] = (work, then, failed)
        self.asked.append(lane)

    def drop(self, lane: Hashable) -> None:
        self.waiting.pop(lane, None)

    def busy(self, lane: Hashable) -> bool:
        return lane in self.waiting

    def answer(self) -> None:
        """Answer everything, what is asked meanwhile included."""
        while self.waiting:
            lane = next(iter(self.waiting))
            work, then, failed = self.waiting.pop(lane)
            try:
                result = work()
            except BitewingError as error:
                failed(error)
            else:
                then(result)


class DrawnSource:
    """Frames by image id: ``bad`` fails, ``cine`` has five frames, ``raw`` is for processing."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, int, tuple[int, int] | None]] = []

    def frame(self, image_id: str, index: int, max_pixels: tuple[int, int] | None) -> DisplayFrame:
        self.requests.append((image_id, index, max_pixels))
        if image_id == "bad":
            raise EnvironmentFault("file.truncated", has=1, needed=2)
        values = np.tile(np.arange(120, dtype=np.uint16) * 8 + index, (80, 1))
        return DisplayFrame(
            values[::2, ::2] if max_pixels else values,
            default_window=WindowSetting(480, 960),
            windows=(WindowSetting(480, 960), WindowSetting(100, 50, "narrow")),
            spacing=PixelSpacing(0.1, 0.1, "detector"),
            bits=12,
            frame=index,
            frames=5 if image_id == "cine" else 1,
            frame_time_ms=20.0 if image_id == "cine" else None,
            label="for_processing" if image_id == "raw" else None,
        )


def item(image_id: str, **changes: Any) -> ViewerItem:
    """Return a radiograph of a tooth."""
    values: dict[str, Any] = {
        "image_id": image_id,
        "sha256": f"sha-{image_id}",
        "patient": "Hassan, Ahmed",
        "tooth": "26",
        "rows": 80,
        "columns": 120,
        "frames": 5 if image_id == "cine" else 1,
        "is_radiograph": True,
        "marks_side": True,
    }
    return ViewerItem(**{**values, **changes})


@pytest.fixture
def make_item() -> Callable[..., ViewerItem]:
    return item


@pytest.fixture
def calls() -> HeldCalls:
    return HeldCalls()


@pytest.fixture
def source() -> DrawnSource:
    return DrawnSource()


@pytest.fixture
def pane(qtbot: Any, calls: HeldCalls, source: DrawnSource) -> Iterator[ViewerPane]:
    """A pane of 600 x 400 with images a, b, c, cine, raw and bad."""
    widget = ViewerPane(FrameLoader(calls, source))
    qtbot.addWidget(widget)
    widget.resize(600, 400)
    widget.set_items([item(name) for name in ("a", "b", "c", "cine", "raw", "bad")])
    widget.show()
    return widget
