"""A file that is missing here, fetched from where the ledger proves the very same bytes to be: a mirror or the archive.

For whoever waits for one image. A place that does not answer is left alone for a minute, so that looking through a
patient whose files are gone does not wait for it again and again.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from app.core.context import JobContext
from app.core.destinations import MIRROR
from app.core.errors import BitewingError, Cancelled, EnvironmentFault
from app.core.progress import Progress
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageRecord, Placement
from app.domain.remote_names import Layout, remote_name
from app.domain.roles import Action, owner
from app.services.archiving.connector import OrthancConnector
from app.services.door import Door
from app.services.events import EventLog
from app.services.mirroring.connector import MirrorConnector
from app.services.mirroring.pulling import has_bytes, settle
from app.services.settings import ORTHANC, SettingsService
from app.services.workroom import private_folder
from app.storage.events import Level

log = logging.getLogger(__name__)

AWAY_S = 60.0
# Said of one file, not of the place.
_NOT_THIS = frozenset({"store.not_there", "store.altered", "store.bad_name", "pacs.gone", "pacs.too_large"})


class Get(Protocol):
    """Fetches one thing from a place."""

    def __call__(self, name: str, target: Path, ctx: JobContext) -> None:
        """Write it to ``target``. Raises BitewingError."""


class CopyFetcher:
    """Fetches what is missing in one library. Any thread."""

    def __init__(
        self,
        door: Door,
        settings: SettingsService,
        mirrors: MirrorConnector,
        orthanc: OrthancConnector,
        events: EventLog,
        workstation: str,
    ) -> None:
        self._door = door
        self._settings = settings
        self._mirrors = mirrors
        self._orthanc = orthanc
        self._events = events
        self._actor = owner(workstation)
        self._lock = threading.Lock()
        self._away: dict[str, float] = {}
        self._progress: dict[str, Progress] = {}

    def progress_of(self, image_id: str) -> Progress | None:
        """Return how far the fetching of an image is; ``None`` while it is not fetched."""
        with self._lock:
            return self._progress.get(image_id)

    def fetch(self, record: ImageRecord, ctx: JobContext) -> bool:
        """Bring an image's file back to its place, proven by its SHA-256; whether that worked.

        Raises
        ------
        Cancelled
            When stopped; nothing is left then.
        """
        if self._door.store.database.read_only:
            return False
        for place, names in self._places(record):
            key = f"{place} {record.id}"
            if self._is_away(place) or self._is_away(key):
                continue
            try:
                if self._from(place, names, record, ctx):
                    return True
                self._leave_alone(key)
            except Cancelled:
                raise
            except BitewingError as error:
                log.warning("lost file of %s not fetched from %s: %s", record.id, place, error.code)
                self._leave_alone(place)
        return False

    def _places(self, record: ImageRecord) -> Iterator[tuple[str, list[str]]]:
        """Yield where it may be, mirrors first: where the ledger says, then where every mirror would have it."""
        with self._door.store.read():
            known = self._door.store.ledger.places_of(record.id, record.sha256, record.md5)
        by_place: dict[str, list[str]] = {}
        for destination, name in known:
            by_place.setdefault(destination, []).append(name)
        is_filed = record.placement is Placement.FILED and record.deleted_at is None
        for mirror in self._settings.mirrors():
            names = by_place.get(mirror.destination, [])
            if mirror.enabled and is_filed:
                names = [*names, remote_name(record, Layout(mirror.layout))]
            if names:
                yield mirror.destination, list(dict.fromkeys(names))
        # Only bytes that are the image's own: a rendition has another digest.
        if ORTHANC in by_place and self._settings.clinic().orthanc_enabled:
            yield ORTHANC, by_place[ORTHANC]

    def _from(self, place: str, names: list[str], record: ImageRecord, ctx: JobContext) -> bool:
        with self._opened(place, record) as get, private_folder(self._door.store) as work, self._shown(record):
            for name in names:
                target = work / "image"
                try:
                    get(name, target, ctx)
                except EnvironmentFault as fault:
                    if fault.code not in _NOT_THIS:
                        raise
                    continue
                if has_bytes(target, record):
                    settle(self._door.store.paths, record, target)
                    self._say(place, record)
                    return True
                target.unlink()
        return False

    @contextlib.contextmanager
    def _opened(self, place: str, record: ImageRecord) -> Iterator[Get]:
        if place.partition(".")[0] == MIRROR:
            mirror = self._mirrors.mirror(place)
            with contextlib.closing(self._mirrors.open(mirror)) as store:
                # Once, without patience: somebody waits.
                store.probe()

                def from_mirror(name: str, target: Path, ctx: JobContext) -> None:
                    store.get(name, target, ctx, lambda count: self._came(record, count))

                yield from_mirror
        else:
            with contextlib.closing(self._orthanc.open()) as orthanc:
                orthanc.probe()

                def from_archive(name: str, target: Path, ctx: JobContext) -> None:
                    orthanc.fetch(name, target, record.size_bytes, ctx.token, lambda count: self._came(record, count))

                yield from_archive

    @contextlib.contextmanager
    def _shown(self, record: ImageRecord) -> Iterator[None]:
        with self._lock:
            self._progress[record.id] = Progress(0, record.size_bytes, "bytes")
        try:
            yield
        finally:
            with self._lock:
                self._progress.pop(record.id, None)

    def _came(self, record: ImageRecord, count: int) -> None:
        with self._lock:
            before = self._progress.get(record.id)
            if before is not None:
                done = min(before.done + count, record.size_bytes)
                self._progress[record.id] = Progress(done, record.size_bytes, "bytes")

    def _say(self, place: str, record: ImageRecord) -> None:
        log.warning("lost file of %s fetched from %s", record.id, place)
        with self._door.writing(self._actor, Action.IMAGE_MOVE) as unit:
            unit.audit(Entity.IMAGE, record.id, fetched_from=place)
            unit.changed(Entity.IMAGE, ChangeKind.CHANGED, record.id, record.patient_id)
        self._events.say(self._actor, Level.WARNING, MIRROR, "mirror.fetched", destination=place, image=record.id)

    def _is_away(self, key: str) -> bool:
        with self._lock:
            return time.monotonic() < self._away.get(key, 0.0)

    def _leave_alone(self, key: str) -> None:
        with self._lock:
            self._away[key] = time.monotonic() + AWAY_S
