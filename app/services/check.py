"""Comparing the catalogue with the files: what is missing, extra or changed. Reports, never deletes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.core.files import sha256_file
from app.core.paths import LibraryPaths
from app.core.progress import Progress
from app.domain.image import ImageRecord
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.jobs import JobLog
from app.storage.long_texts import long_texts_are_sound

log = logging.getLogger(__name__)

OnItem = Callable[["CheckItem"], None]


@dataclass(frozen=True, slots=True)
class CheckItem:
    """One thing that is not as it should be: ``missing``, ``orphan`` or ``corrupt``."""

    status: str
    path: str
    image_id: str | None = None
    patient_id: str | None = None
    code: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found (CLI contract)."""

    images: int
    missing: int
    orphans: int
    corrupt: int
    database: str
    items: tuple[CheckItem, ...]
    deep: bool
    bytes: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether everything is as it should be."""
        return not (self.missing or self.orphans or self.corrupt) and self.database == "ok"


class CheckService:
    """Checks one library. Any thread."""

    def __init__(self, door: Door, paths: LibraryPaths, jobs: JobLog) -> None:
        self._door = door
        self._paths = paths
        self._jobs = jobs

    def run(self, actor: Actor, deep: bool, ctx: JobContext, on_item: OnItem | None = None) -> CheckReport:
        """Check that every row has its file and every file its row; ``deep`` reads and hashes everything.

        Raises
        ------
        EnvironmentFault
            ``library.away`` when the volume is missing: that is not "all images are gone".
        Cancelled
            When stopped.
        """
        self._door.require(actor, Action.LIBRARY_CHECK)
        if not self._paths.exists():
            raise EnvironmentFault("library.away", path=str(self._paths.root))
        with self._jobs.running(actor, "check", {"deep": deep}) as job:
            report = self._check(deep, ctx, on_item or (lambda _item: None))
            job.counts = {
                "images": report.images,
                "missing": report.missing,
                "orphans": report.orphans,
                "corrupt": report.corrupt,
                "database": report.database,
            }
            return report

    def _check(self, deep: bool, ctx: JobContext, on_item: OnItem) -> CheckReport:
        store = self._door.store
        with store.read():
            sound = store.database.integrity_check() and long_texts_are_sound(store.database)
            database = "ok" if sound else "damaged"
            total = store.images.count(None)
        found: list[CheckItem] = []
        expected: set[str] = set()
        counts = {"missing": 0, "orphan": 0, "corrupt": 0}
        images = size = 0

        def say(item: CheckItem) -> None:
            counts[item.status] += 1
            found.append(item)
            on_item(item)

        for record in store.images.stream():
            ctx.check()
            images += 1
            size += record.size_bytes
            expected.add(record.path)
            item = self._record(record, ctx, deep=deep)
            if item is not None:
                say(item)
            ctx.report(Progress(images, max(total, images), "images", record.filename))
        for relative in store.files.files_on_disk():
            ctx.check()
            # Looked up again: an import may have filed it while the check ran.
            if relative not in expected and not self._has_row(relative):
                say(CheckItem("orphan", relative, code="check.orphan"))
        return CheckReport(
            images=images,
            missing=counts["missing"],
            orphans=counts["orphan"],
            corrupt=counts["corrupt"],
            database=database,
            items=tuple(found),
            deep=deep,
            bytes=size,
        )

    def _record(self, record: ImageRecord, ctx: JobContext, *, deep: bool) -> CheckItem | None:
        problem = self._problem(record, ctx, deep=deep)
        if problem is None:
            return None
        # Moved or changed while the check ran? The row as it is now decides.
        with self._door.store.read():
            now = self._door.store.images.get(record.id)
        if now is None:
            return None
        if now.path != record.path:
            problem = self._problem(now, ctx, deep=deep)
        if problem is None:
            return None
        status, code = problem
        return CheckItem(status, now.path, now.id, now.patient_id, code)

    def _problem(self, record: ImageRecord, ctx: JobContext, *, deep: bool) -> tuple[str, str] | None:
        try:
            # Proves that the place is inside the library; a link there is looked at itself, below.
            self._paths.inside(record.path)
            path = self._paths.root / record.path
            status = path.lstat()
            if not path.is_file() or path.is_symlink():
                return "missing", "check.missing"
            if status.st_size != record.size_bytes:
                return "corrupt", "check.size"
            if deep and sha256_file(path, lambda _bytes: ctx.check())[0] != record.sha256:
                return "corrupt", "check.hash"
        except (FileNotFoundError, ValueError):
            return "missing", "check.missing"
        except OSError:
            return "corrupt", "check.unreadable"
        return None

    def _has_row(self, relative: str) -> bool:
        directory, _, name = relative.rpartition("/")
        with self._door.store.read():
            return self._door.store.images.at_path(f"{directory}/", name) is not None
