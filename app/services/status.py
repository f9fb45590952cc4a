"""The figures that the status bar and ``bitewing status`` show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from app.core.clock import utc_now
from app.core.files import free_bytes
from app.core.paths import LibraryPaths
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.jobs import JobRow
from app.services.settings import SettingsService


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How the library stands."""

    library: str
    patients: int
    images: int
    inbox: int
    quarantined: int
    deleted: int
    image_bytes: int
    imported_today: int
    free_bytes: int
    reserve_bytes: int
    last_import: JobRow | None
    last_check: JobRow | None
    running: tuple[JobRow, ...]

    @property
    def has_room(self) -> bool:
        """Whether an import could begin."""
        return self.free_bytes > self.reserve_bytes


class StatusService:
    """Reads the figures. Any thread."""

    def __init__(self, door: Door, paths: LibraryPaths, settings: SettingsService) -> None:
        self._door = door
        self._paths = paths
        self._settings = settings

    def snapshot(self, actor: Actor) -> Snapshot:
        """Return how the library stands now."""
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            figures = store.images.figures(_local_midnight())
            return Snapshot(
                library=str(self._paths.root),
                patients=store.patients.count(),
                images=figures.filed,
                inbox=figures.inbox,
                quarantined=figures.quarantined,
                deleted=figures.deleted,
                image_bytes=figures.size_bytes,
                imported_today=figures.imported_since,
                free_bytes=free_bytes(self._paths.root),
                reserve_bytes=self._settings.clinic().reserve_bytes,
                last_import=store.jobs.last("import"),
                last_check=store.jobs.last("check"),
                running=tuple(store.jobs.running()),
            )


def _local_midnight() -> datetime:
    """Return when today began where the clinic is, in UTC."""
    local = utc_now().astimezone()
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
