"""Finding an image's file: where it is recorded, else where it may have gone, repairing the record (T7).

The last resort, for whoever waits for the image, is another place that has it. Never gives a file whose bytes are
not the image's: what is found elsewhere must have its hash. The library is walked at most once a minute, however
many files are missing.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault
from app.core.files import sha256_file
from app.core.paths import LibraryPaths
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageRecord
from app.domain.roles import Action, owner
from app.services.door import Door

log = logging.getLogger(__name__)

WALK_EVERY_S = 60.0


@dataclass(slots=True)
class _Walk:
    """Where every file lay at one moment, by size, and whose search found nothing there."""

    made_at: float
    by_size: dict[int, list[str]] = field(default_factory=dict)
    missed: set[str] = field(default_factory=set)


class Fetcher(Protocol):
    """Fetches a missing file from another place."""

    def fetch(self, record: ImageRecord, ctx: JobContext) -> bool:
        """Bring the file back to its place, proven; whether that worked. Raises Cancelled."""


class Locator:
    """Answers "where is it" for one library. Any thread."""

    def __init__(self, door: Door, paths: LibraryPaths, workstation: str, fetcher: Fetcher | None = None) -> None:
        self._door = door
        self._fetcher = fetcher
        self._paths = paths
        self._actor = owner(workstation)
        self._lock = threading.Lock()
        self._walk: _Walk | None = None

    def path_of(self, record: ImageRecord, fetch: JobContext | None = None) -> Path:
        """Return the path of an image's file.

        With ``fetch`` a file that is nowhere here is fetched from a mirror or the archive, for somebody who waits.

        Raises
        ------
        EnvironmentFault
            ``library.away`` when the whole volume is missing, ``image.file_missing`` when only this file is.
        Cancelled
            When the fetching was stopped.
        """
        recorded = self._recorded(record)
        if recorded is not None and _is_file(recorded):
            return recorded
        if not self._paths.exists():
            raise EnvironmentFault("library.away", path=str(self._paths.root))
        for candidate in self._likely(record):
            if _is_it(candidate, record):
                self._repair(record, candidate)
                return candidate
        walk = self._walked()
        if record.id not in walk.missed:
            for candidate in self._unclaimed(walk, record):
                if _is_it(candidate, record):
                    self._repair(record, candidate)
                    return candidate
            walk.missed.add(record.id)
        if self._fetched_from_legacy(record):
            return self._paths.root / record.path
        if fetch is not None and self._fetcher is not None and self._fetcher.fetch(record, fetch):
            return self._paths.root / record.path
        raise EnvironmentFault("image.file_missing", id=record.id)

    def _recorded(self, record: ImageRecord) -> Path | None:
        try:
            return self._door.store.files.path_of(record)
        except ValueError:
            log.warning("recorded place of %s is outside the library", record.id)
            return None

    def _likely(self, record: ImageRecord) -> Iterator[Path]:
        """Yield places that cost no search: legacy ones, flat and a folder per patient (T7, T8), and twins'."""
        if record.patient_id:
            folder = self._paths.images.name
            own = f"{folder}/{record.patient_id}"
            for likely in (f"{folder}/{record.filename}", f"{own}/{record.filename}", f"{own}/{record.original_name}"):
                with contextlib.suppress(ValueError):
                    yield self._paths.inside(likely)
        with self._door.store.read():
            twins = self._door.store.images.by_sha256(record.sha256)
        for twin in twins:
            place = self._recorded(twin)
            if place is not None:
                yield place

    def _unclaimed(self, walk: _Walk, record: ImageRecord) -> Iterator[Path]:
        """Yield files of the right size that are no other image's."""
        for relative in walk.by_size.get(record.size_bytes, ()):
            directory, _slash, name = relative.rpartition("/")
            with self._door.store.read():
                is_claimed = self._door.store.images.at_path(f"{directory}/", name) is not None
            if not is_claimed:
                yield self._paths.root / relative

    def _fetched_from_legacy(self, record: ImageRecord) -> bool:
        """Copy an image's file back from where a migration took it, if its bytes are still there (T7)."""
        with self._door.store.read():
            places = self._door.store.legacy.places_of(record.id)
        for source, relative in places:
            path = Path(source) / relative
            if _is_it(path, record):
                try:
                    self._door.store.files.bring_back(record, path)
                except (OSError, BitewingError) as error:
                    log.warning("lost file of %s not brought back: %s", record.id, type(error).__name__)
                    return False
                log.warning("lost file of %s copied back from its legacy place", record.id)
                return True
        return False

    def _walked(self) -> _Walk:
        with self._lock:
            if self._walk is None or time.monotonic() - self._walk.made_at > WALK_EVERY_S:
                self._walk = self._walk_all()
            return self._walk

    def _walk_all(self) -> _Walk:
        walk = _Walk(time.monotonic())
        try:
            for relative in self._door.store.files.files_on_disk():
                with contextlib.suppress(OSError):
                    size = (self._paths.root / relative).lstat().st_size
                    walk.by_size.setdefault(size, []).append(relative)
        except OSError as error:
            log.warning("not all of the library could be searched: %s", type(error).__name__)
        return walk

    def _repair(self, record: ImageRecord, found: Path) -> None:
        root = self._paths.root
        place = found if found.is_relative_to(root) else root / found.relative_to(root.resolve())
        relative = PurePosixPath(place.relative_to(root).as_posix())
        try:
            with self._door.writing(self._actor, Action.IMAGE_MOVE) as unit:
                current = unit.store.images.get(record.id)
                if current is None or (current.directory, current.filename) != (record.directory, record.filename):
                    return
                if unit.store.images.at_path(f"{relative.parent}/", relative.name) is not None:
                    # Another image's own file with the same bytes: usable, but not ours to claim.
                    return
                repaired = replace(current, directory=f"{relative.parent}/", filename=relative.name)
                unit.store.images.update(replace(repaired, version=current.version + 1))
                unit.audit(Entity.IMAGE, record.id, repaired=True)
                unit.changed(Entity.IMAGE, ChangeKind.CHANGED, record.id, record.patient_id)
        except BitewingError as error:
            log.warning("place of %s not repaired: %s", record.id, error.code)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _is_it(path: Path, record: ImageRecord) -> bool:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size != record.size_bytes:
            return False
        return sha256_file(path)[0] == record.sha256
    except OSError:
        return False
