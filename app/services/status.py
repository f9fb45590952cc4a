"""The figures that the status bar and ``bitewing status`` show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from app.core.clock import utc_now
from app.core.files import free_bytes
from app.core.paths import LibraryPaths
from app.domain.image import Placement
from app.domain.roles import Action, Actor
from app.domain.sharing import ShareState
from app.services.backup_health import BackupHealth, backup_health
from app.services.door import Door
from app.services.settings import SettingsService
from app.storage.catalogue import Catalogue
from app.storage.jobs import JobRecord, JobState
from app.storage.lease import LeaseHolder, holder_of
from app.sync.report import ItemStatus

_RECENT = 500
_BROUGHT = (ItemStatus.IMPORTED.value, ItemStatus.INBOX.value)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How the library stands. ``links_ending``: what they lead to is still to be deleted."""

    library: str
    patients: int
    images: int
    inbox: int
    quarantined: int
    image_bytes: int
    imported_today: int
    free_bytes: int
    reserve_bytes: int
    last_import: JobRecord | None
    last_check: JobRecord | None
    running: tuple[JobRecord, ...]
    backup: BackupHealth
    links_live: int = 0
    links_ending: int = 0
    # Who does the background work on this computer now.
    background: LeaseHolder | None = None

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

    def backup_health(self, actor: Actor) -> BackupHealth:
        """Return how safe the library is."""
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            return backup_health(store, self._settings.clinic(), utc_now())

    def snapshot(self, actor: Actor) -> Snapshot:
        """Return how the library stands now."""
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            recent, links = store.jobs.list(_RECENT), store.shares.counts()
            return Snapshot(
                library=str(self._paths.root),
                patients=store.patients.count(),
                images=store.images.count(),
                inbox=store.images.count(Placement.INBOX),
                quarantined=store.images.count(Placement.QUARANTINED),
                image_bytes=store.images.bytes_used(),
                imported_today=_imported_today(recent),
                free_bytes=free_bytes(self._paths.root),
                reserve_bytes=self._settings.clinic().reserve_bytes,
                last_import=_last(store, "import"),
                last_check=_last(store, "check"),
                backup=backup_health(store, self._settings.clinic(), utc_now()),
                links_live=links[ShareState.LIVE],
                links_ending=links[ShareState.ENDING],
                background=holder_of(self._paths.root),
                running=tuple(job for job in recent if job.state is JobState.RUNNING),
            )


def _last(store: Catalogue, kind: str) -> JobRecord | None:
    found = store.jobs.list(1, kind)
    return found[0] if found else None


def _imported_today(jobs: list[JobRecord]) -> int:
    """Add up what imports brought since midnight."""
    midnight = _local_midnight()
    return sum(
        int(job.counts.get(key, 0))
        for job in jobs
        if job.kind == "import" and job.started_at >= midnight
        for key in _BROUGHT
    )


def _local_midnight() -> datetime:
    """Return when today began where the clinic is, in UTC."""
    local = utc_now().astimezone()
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
