"""What the monitor's tests do again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from app.bootstrap.library import Library
from app.domain.image import ImageRecord, Placement


def watch(library: Library, folder: Path, rule: str = "dicom", after: str = "leave", **more: str) -> None:
    entry = {"path": str(folder), "rule": rule, "after": after, **more}
    library.settings.set_value(library.owner(), "monitor.folders", [entry])


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def images(library: Library) -> list[ImageRecord]:
    return [record for record in library.store.images.stream() if record.placement is not Placement.QUARANTINED]
