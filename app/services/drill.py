"""The restore drill: the newest backup is restored into a temporary place, compared, and a certificate left.

A backup that was never restored is a hope. The drill goes the way a real restore goes, up to the swap.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from app.backup.archive import Archive
from app.backup.manifest import CATALOGUE
from app.backup.unpacking import unpack
from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, UserError
from app.core.files import require_space, translate_os_error, write_atomically
from app.core.paths import LibraryPaths
from app.domain.changes import ChangeKind, Entity
from app.domain.roles import Action, Actor
from app.services.backups import BackupsService
from app.services.door import Door
from app.services.events import EventLog
from app.services.jobs import JobLog
from app.services.workroom import private_folder
from app.storage.backups import BackupRecord, BackupState, DrillRecord
from app.storage.events import Level
from app.storage.snapshot import files_of, is_sound, row_counts, rows_that_differ

log = logging.getLogger(__name__)

FOLDER = "certificates"
_RESERVE_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What a drill found. ``changed_since`` counts rows that the library changed after the backup: that is no fault."""

    record: DrillRecord
    changed_since: int
    certificate: Path | None


class DrillService:
    """Tries restoring. Any thread."""

    def __init__(
        self, door: Door, paths: LibraryPaths, jobs: JobLog, events: EventLog, backups: BackupsService
    ) -> None:
        self._door = door
        self._paths = paths
        self._jobs = jobs
        self._events = events
        self._backups = backups

    def run(self, actor: Actor, ctx: JobContext, password: str | None = None, trigger: str = "user") -> DrillReport:
        """Restore the newest good backup into a temporary place and compare every row and file.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``drill.no_backup``; ``backup.password_needed``.
        EnvironmentFault
            ``disk.reserve`` when there is no room to try.
        """
        self._door.require(actor, Action.BACKUP_DRILL)
        backup = self._newest(actor)
        with self._jobs.running(actor, "drill", {"path": backup.path}, trigger) as job:
            report = self._try(actor, backup, password, ctx)
            job.counts = {"rows": report.record.rows, "files": report.record.files}
            level = Level.INFO if report.record.ok else Level.ERROR
            code = "drill.passed" if report.record.ok else "drill.failed"
            self._events.say(
                actor, level, "drill", code, job_id=job.id, files=report.record.files, cause=report.record.code
            )
            return report

    def last(self, actor: Actor) -> DrillRecord | None:
        """Return the last drill. Raises ``role.refused``."""
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            return store.backups.last_drill()

    def _newest(self, actor: Actor) -> BackupRecord:
        good = [record for record in self._backups.list(actor) if record.state is BackupState.GOOD]
        if not good:
            raise UserError("drill.no_backup")
        # One without images proves less than an older one with them.
        return next((record for record in good if record.contents == "images"), good[0])

    def _try(self, actor: Actor, backup: BackupRecord, password: str | None, ctx: JobContext) -> DrillReport:
        rows = files = changed = 0
        code: str | None = None
        with self._backups.opened(Path(backup.path), password) as archive:
            require_space(self._paths.root, archive.manifest.total_bytes(), _RESERVE_BYTES)
            with private_folder(self._door.store) as work:
                try:
                    files = unpack(archive, work, ctx)
                    rows, changed = self._compare(archive, work)
                except Cancelled:
                    raise
                except BitewingError as error:
                    code = error.code
        record = DrillRecord(
            utc_now(), backup.path, backup.created_at, rows, files, 0 if code is None else 1, code is None, code
        )
        with self._door.writing(actor, Action.BACKUP_DRILL) as unit:
            unit.store.backups.add_drill(record)
            unit.audit(Entity.BACKUP, backup.id, ok=record.ok, rows=rows, files=files)
            unit.changed(Entity.BACKUP, ChangeKind.CHANGED, backup.id)
        if not record.ok:
            self._door.store.backups.set_state(backup.id, BackupState.DAMAGED)
        return DrillReport(record, changed, self._certify(record, changed))

    def _compare(self, archive: Archive, work: Path) -> tuple[int, int]:
        """Prove the restored catalogue, and every file it speaks of; return its rows and those changed since.

        Raises
        ------
        EnvironmentFault
            ``drill.different`` (fact ``member``).
        """
        copy = work / CATALOGUE
        if not is_sound(copy):
            raise EnvironmentFault("drill.different", member=CATALOGUE)
        if archive.manifest.heading.contents == "images":
            known = {member.path: member.sha256 for member in archive.manifest.members}
            excused = {*archive.manifest.absent, *archive.manifest.damaged}
            for file in files_of(copy):
                if file.path not in excused and known.get(file.path) != file.sha256:
                    raise EnvironmentFault("drill.different", member=file.path)
        counts = row_counts(copy)
        if any(counts.get(name, 0) != count for name, count in archive.manifest.counts.items()):
            raise EnvironmentFault("drill.different", member=CATALOGUE)
        return sum(counts.values()), rows_that_differ(copy, self._door.store.database)

    def _certify(self, record: DrillRecord, changed: int) -> Path | None:
        """Leave a dated certificate that anybody can read."""
        folder = self._paths.root / FOLDER
        path = folder / f"restore-{record.at:%Y%m%dT%H%M%SZ}.json"
        fields = {
            "at": record.at.isoformat(),
            "backup": Path(record.backup_path).name,
            "backup_created_at": record.backup_created_at.isoformat(),
            "rows": record.rows,
            "files": record.files,
            "rows_changed_since": changed,
            "ok": record.ok,
            "code": record.code,
        }
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            write_atomically(path, (json.dumps(fields, indent=2) + "\n").encode("utf-8"))
        except OSError as error:
            log.warning("no certificate: %s", translate_os_error(error).code)
            return None
        return path
