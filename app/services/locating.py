"""Finding an image's file: where it is recorded, else where it may have gone, repairing the record (T7).

Never gives a file whose bytes are not the image's: what is found elsewhere must have its hash.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from app.core.errors import BitewingError, EnvironmentFault
from app.core.files import sha256_file
from app.core.paths import LibraryPaths
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageRecord
from app.domain.roles import Action, owner
from app.services.door import Door

log = logging.getLogger(__name__)


class Locator:
    """Answers "where is it" for one library. Any thread."""

    def __init__(self, door: Door, paths: LibraryPaths, workstation: str) -> None:
        self._door = door
        self._paths = paths
        self._actor = owner(workstation)

    def path_of(self, record: ImageRecord) -> Path:
        """Return the path of an image's file.

        Raises
        ------
        EnvironmentFault
            ``library.away`` when the whole volume is missing, ``image.file_missing`` when only this file is.
        """
        recorded = self._paths.root / record.directory / record.filename
        if recorded.is_file():
            return recorded
        if not self._paths.root.is_dir() or not self._paths.exists():
            raise EnvironmentFault("library.away", path=str(self._paths.root))
        for candidate in self._candidates(record):
            if _is_it(candidate, record):
                self._repair(record, candidate)
                return candidate
        raise EnvironmentFault("image.file_missing", id=record.id)

    def _candidates(self, record: ImageRecord) -> Iterator[Path]:
        root = self._paths.root
        if record.patient_id:
            # Legacy places: flat, and a folder per patient (T7, T8).
            yield self._paths.images / record.filename
            yield self._paths.images / record.patient_id / record.filename
            yield (
                self._paths.images / record.patient_id / record.original_name
                if _is_plain(record.original_name)
                else self._paths.images / record.filename
            )
        everywhere = (self._paths.images, self._paths.inbox, self._paths.quarantine)
        by_size: list[Path] = []
        for folder in everywhere:
            for path in folder.rglob("*"):
                if path.is_symlink() or not path.is_file() or not path.is_relative_to(root):
                    continue
                if path.name == record.filename:
                    yield path
                elif path.stat().st_size == record.size_bytes:
                    by_size.append(path)
        yield from by_size

    def _repair(self, record: ImageRecord, found: Path) -> None:
        relative = PurePosixPath(found.relative_to(self._paths.root).as_posix())
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


def _is_plain(name: str) -> bool:
    return bool(name) and name not in {".", ".."} and not set(name) & set("/\\:\0")


def _is_it(path: Path, record: ImageRecord) -> bool:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size != record.size_bytes:
            return False
        return sha256_file(path)[0] == record.sha256
    except OSError:
        return False
