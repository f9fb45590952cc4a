"""Writes the planned clinic's files, one after the other, for the caller to import.

Draws on two threads a few pictures ahead, yet hands files out strictly in the plan's order,
so the result does not depend on timing. Puts nothing into any library. Light to import:
the drawing modules come with the first file.
"""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.core.context import JobContext
from app.core.progress import Progress
from app.demo.clinic import ClinicPlan, PlannedImage
from app.demo.people import PlannedPatient
from app.domain.image import ImageType, ImageView
from app.domain.tooth import ordered

_THREADS = 2
_AHEAD = 4


@dataclass(frozen=True)
class DemoFile:
    """One written file and where it belongs."""

    path: Path
    patient: PlannedPatient
    tooth: str
    teeth: tuple[str, ...]
    image_type: ImageType
    view: ImageView
    captured_at: datetime
    caption: str


def write_clinic(plan: ClinicPlan, directory: Path, ctx: JobContext) -> Iterator[DemoFile]:
    """Draw every picture of the plan into `directory`, yielding each file when it is complete.

    The caller may move or delete a file as soon as it has it.

    Raises
    ------
    Cancelled
        When the context was cancelled; files not yet handed out are removed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # Loaded by name so that planning and `--help` never pay for numpy and OpenCV.
    drawing = importlib.import_module("app.demo.draw")
    waiting: deque[tuple[PlannedImage, Path, Future[tuple[str, ...]]]] = deque()
    remaining = iter(plan.images)
    done, total = 0, len(plan.images)
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="demo-draw")
    try:
        with drawing.session():
            while True:
                ctx.check()
                while len(waiting) < _AHEAD and (planned := next(remaining, None)) is not None:
                    path = directory / drawing.file_name(planned)
                    waiting.append(
                        (planned, path, pool.submit(drawing.draw, planned, plan.story(planned.patient), path))
                    )
                if not waiting:
                    return
                planned, path, future = waiting.popleft()
                teeth = future.result()
                done += 1
                ctx.report(Progress(done, total, "images", path.name))
                yield DemoFile(
                    path,
                    planned.patient,
                    planned.tooth,
                    ordered(teeth),
                    planned.image_type,
                    planned.view,
                    planned.captured_at,
                    planned.caption,
                )
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for _, path, _ in waiting:
            path.unlink(missing_ok=True)
