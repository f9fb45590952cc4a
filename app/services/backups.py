"""Making, listing, verifying and rotating backups. A backup counts only once it was read back whole."""

from __future__ import annotations

import builtins
import contextlib
import json
import logging
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from app import __version__
from app.backup.archive import Archive, is_folder_form
from app.backup.folder_reading import FolderArchive, is_snapshot
from app.backup.folder_removing import remove_snapshot
from app.backup.folder_writing import FolderWriter
from app.backup.manifest import MANIFEST, Heading, Manifest
from app.backup.place import PlaceReport, examine_place, require_room
from app.backup.source import Source, Wanted
from app.backup.verifying import VerifyReport, verify
from app.backup.zip_reading import ZipArchive, entry_facts, says_in_clear
from app.backup.zip_writing import ZipWriter
from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault, UserError
from app.core.files import claim, fsync_directory, require_space, translate_os_error
from app.core.paths import LibraryPaths
from app.core.secrets import Sealer, system_secret_store
from app.domain.changes import ChangeKind, Entity
from app.domain.retention import Kept, expired
from app.domain.roles import Action, Actor
from app.services.backup_note import folder_of, write_note
from app.services.door import Door
from app.services.events import EventLog
from app.services.found_backups import found_backups
from app.services.jobs import JobLog
from app.services.settings import SettingsService
from app.services.workroom import private_folder
from app.storage.backups import BackupRecord, BackupState
from app.storage.events import Level
from app.storage.snapshot import copy_catalogue, facts_of, files_of

log = logging.getLogger(__name__)

KIND = "backup"
LEAST_PASSWORD = 12
PASSWORD_KEY = "backup.password"  # noqa: S105 - the name of a setting
# Writing and reading back: each byte twice.
_PASSES = 2
_PART_AGE_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What making a backup did; on the ``same_volume`` as the library it does not survive that drive."""

    record: BackupRecord
    manifest: Manifest
    reused_bytes: int = 0
    same_volume: bool = False


class BackupsService:
    """Backups of one library. Any thread."""

    def __init__(
        self, door: Door, paths: LibraryPaths, settings: SettingsService, jobs: JobLog, events: EventLog
    ) -> None:
        self._door = door
        self._paths = paths
        self._settings = settings
        self._jobs = jobs
        self._events = events

    def examine(self, actor: Actor, folder: Path) -> PlaceReport:
        """Try a folder for backups. Raises as :func:`app.backup.place.examine_place`."""
        self._door.require(actor, Action.BACKUP_VIEW)
        return examine_place(folder, self._paths.root)

    def create(
        self,
        actor: Actor,
        target: str | Path,
        ctx: JobContext,
        *,
        database_only: bool = False,
        password: str | None = None,
        trigger: str = "user",
    ) -> BackupReport:
        """Make a backup at ``target`` (a new zip, or a backup folder) and read it back.

        ``password`` seals it; without one the password of the settings does, if there is one.

        Raises
        ------
        UserError
            ``backup.no_folder``, ``backup.inside_library``, ``backup.exists``, ``backup.short_password``.
        EnvironmentFault
            ``backup.no_room``, ``backup.not_verified``, ``disk.full``, …; nothing half is left.
        """
        self._door.require(actor, Action.BACKUP_CREATE)
        password = password if password is not None else self._settings.secret(PASSWORD_KEY)
        _require_long(password)
        contents = "database" if database_only else "images"
        with self._jobs.running(actor, KIND, {"path": str(target), "contents": contents}, trigger) as job:
            try:
                report = self._make(target, ctx, contents, password, trigger)
            except BitewingError as error:
                level = Level.WARNING if error.code == "cancelled" else Level.ERROR
                self._events.say(actor, level, KIND, "backup.not_made", job_id=job.id, cause=error.code)
                raise
            with self._door.writing(actor, Action.BACKUP_CREATE) as unit:
                unit.store.backups.add(report.record)
                unit.audit(Entity.BACKUP, report.record.id, contents=contents, images=report.record.images)
                unit.changed(Entity.BACKUP, ChangeKind.ADDED, report.record.id)
            self._note()
            job.counts = {"images": report.record.images, "bytes": report.record.bytes}
            self._tell(actor, job.id, report)
            return report

    def pack(
        self, actor: Actor, path: Path, ctx: JobContext, *, database_only: bool = False, password: str | None = None
    ) -> BackupReport:
        """Make the new zip ``path`` and read it back, without writing it down: for what is kept elsewhere.

        Raises
        ------
        UserError
            ``backup.exists``, ``backup.short_password``.
        EnvironmentFault
            ``disk.reserve``, ``disk.full``, ``backup.not_verified``, …; nothing half is left.
        """
        self._door.require(actor, Action.BACKUP_CREATE)
        _require_long(password)
        with private_folder(self._door.store) as work:
            source = self._source(work, "database" if database_only else "images", encrypted=password is not None)
            require_space(path.parent, source.bytes, max(self._settings.clinic().reserve_bytes, 1))
            return self._into_zip(path, source, ctx, password, "drive")

    def run_scheduled(self, actor: Actor, ctx: JobContext, trigger: str = "schedule") -> BackupReport:
        """Make the backup that the settings ask for, then let go of old ones. Raises as :meth:`create`."""
        self._door.require(actor, Action.BACKUP_CREATE)
        clinic = self._settings.clinic()
        if not clinic.backup_folder:
            raise UserError("backup.no_folder")
        folder = Path(clinic.backup_folder).expanduser()
        if not folder.is_dir():
            raise UserError("backup.no_folder", path=str(folder))
        target = f"{folder}/" if clinic.backup_form == "folder" else folder / scheduled_name(utc_now())
        only = clinic.backup_contents == "database"
        _sweep_parts(folder)
        report = self.create(actor, target, ctx, database_only=only, trigger=trigger)
        self.rotate(actor, clinic.backup_retention_days)
        return report

    def rotate(self, actor: Actor, retention_days: int) -> builtins.list[str]:
        """Delete backups that are older than ``retention_days`` before the newest; return their ids.

        Only backups made by schedule; of each place and kind three good ones always stay, so that copies of the
        catalogue alone never push out the last ones with images.
        """
        self._door.require(actor, Action.BACKUP_CREATE)
        gone_or_strange = {BackupState.MISSING, BackupState.FOUND}
        records = [record for record in self.list(actor) if record.state not in gone_or_strange]
        rows: dict[tuple[Path, str], builtins.list[Kept]] = {}
        for record in records:
            if record.started_by == "schedule":
                kept = Kept(record.id, record.created_at, record.state is BackupState.GOOD)
                rows.setdefault((Path(record.path).parent, record.contents), []).append(kept)
        old, gone = {backup for row in rows.values() for backup in expired(row, retention_days)}, []
        for record in records:
            if record.id in old:
                self._remove(actor, record)
                gone.append(record.id)
        if gone:
            self._events.say(actor, Level.INFO, KIND, "backup.rotated", count=len(gone))
        return gone

    def delete(self, actor: Actor, backup_id: str) -> None:
        """Delete one backup. Raises ``backup.none``."""
        self._door.require(actor, Action.BACKUP_DELETE)
        found = [record for record in self.list(actor) if record.id == backup_id and backup_id]
        if not found:
            raise UserError("backup.none", path=backup_id)
        self._remove(actor, found[0])

    def _remove(self, actor: Actor, record: BackupRecord) -> None:
        """Delete a backup's file or snapshot, then its row: a row without its file is only a missing backup."""
        path = Path(record.path)
        try:
            if record.form == "folder":
                remove_snapshot(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise translate_os_error(error, path=record.path) from error
        with self._door.writing(actor, Action.BACKUP_CREATE) as unit:
            unit.store.backups.set_state(record.id, BackupState.DELETED)
            unit.audit_as(Action.BACKUP_DELETE, Entity.BACKUP, record.id)
            unit.changed(Entity.BACKUP, ChangeKind.REMOVED, record.id)
        self._note()

    def _note(self) -> None:
        """Write the good ones down outside the catalogue too."""
        try:
            with self._door.store.read():
                records = self._door.store.backups.list()
        except BitewingError as error:
            # A list that cannot be read is a matter of its own; the backup is made.
            log.warning("backups not noted beside the catalogue: %s", error.code)
            return
        write_note(self._paths, self._door.store.library_id, records)

    def list(self, actor: Actor) -> list[BackupRecord]:
        """Return the backups that were made, newest first, then those that lie about in the same places.

        Those that are not at their place are marked as missing.
        """
        with self._door.reading(actor, Action.BACKUP_VIEW) as store:
            records, library_id = store.backups.list(), store.library_id
        places = {folder_of(record) for record in records}
        if chosen := self._settings.clinic().backup_folder:
            places.add(Path(chosen).expanduser().absolute())
        # Unlike Path.exists, this says no of a place that cannot be asked: a dead share, somebody else's folder.
        there = {record.path for record in records if os.path.exists(record.path)}  # noqa: PTH110
        listed = [record if record.path in there else replace(record, state=BackupState.MISSING) for record in records]
        return listed + found_backups(sorted(places), library_id, {record.path for record in records})

    def verify(self, actor: Actor, path: Path, ctx: JobContext, password: str | None = None) -> VerifyReport:
        """Read a backup back. Raises as :meth:`open`; what is damaged is in the report."""
        self._door.require(actor, Action.BACKUP_VIEW)
        with self._jobs.running(actor, "verify", {"path": str(path)}) as job, self.opened(path, password) as archive:
            report = verify(archive, ctx)
            job.counts = {"verified": report.verified, "damaged": len(report.damaged)}
        with self._door.store.read():
            known = self._door.store.backups.at_path(str(path.absolute()))
        state = BackupState.GOOD if report.is_sound else BackupState.DAMAGED
        if known is not None:
            self._door.store.backups.set_state(known.id, state, utc_now() if report.is_sound else None)
        elif report.is_sound and report.manifest.heading.library_id == self._door.store.library_id:
            self._adopt(path.absolute(), report.manifest)
        self._note()
        if not report.is_sound:
            self._events.say(actor, Level.ERROR, KIND, "backup.found_damaged", members=len(report.damaged))
        return report

    def _adopt(self, path: Path, manifest: Manifest) -> None:
        """Write down a good backup of this library that was found; it is never rotated away."""
        is_zip = path.is_file()
        size = path.stat().st_size if is_zip else manifest.total_bytes()
        record = _record(path, "zip" if is_zip else "folder", size, manifest, "found")
        self._door.store.backups.add(record)

    @contextlib.contextmanager
    def opened(self, path: Path, password: str | None = None) -> Iterator[Archive]:
        """Open a backup for reading, with the settings' password when it is the one.

        Raises
        ------
        UserError
            ``backup.none``, ``backup.not_a_backup``, ``backup.damaged``, ``backup.hostile``, ``backup.newer``,
            ``backup.password_needed``, ``backup.wrong_password``.
        """
        archive = self.open(path, password)
        try:
            yield archive
        finally:
            archive.close()

    def open(self, path: Path, password: str | None = None) -> Archive:
        """Open a backup; it stays open after the library is closed. Raises as :meth:`opened`."""
        try:
            return open_archive(path, password)
        except UserError as error:
            own = self._settings.secret(PASSWORD_KEY) if error.code == "backup.password_needed" else None
            if own is None:
                raise
            return open_archive(path, own)

    def _make(
        self, target: str | Path, ctx: JobContext, contents: str, password: str | None, trigger: str
    ) -> BackupReport:
        folder_form = is_folder_form(target)
        path = Path(target).expanduser().absolute()
        if folder_form:
            _make_folder(path)
        elif path.exists():
            raise UserError("backup.exists", path=str(path))
        place = examine_place(path if folder_form else path.parent, self._paths.root)
        with private_folder(self._door.store) as work:
            source = self._source(work, contents, encrypted=password is not None)
            if folder_form:
                report = self._into_folder(path, place, source, ctx, password, trigger)
                return replace(report, same_volume=place.same_volume)
            require_room(place, source.bytes, self._settings.clinic().reserve_bytes)
            report = self._into_zip(path, source, ctx, password, trigger)
            return replace(report, same_volume=place.same_volume)

    def _into_zip(
        self, path: Path, source: Source, ctx: JobContext, password: str | None, trigger: str
    ) -> BackupReport:
        part = path.with_name(f"{path.name}.part")
        total = source.bytes * _PASSES
        try:
            with ZipWriter(part, password) as writer:
                manifest = writer.write(source, ctx, total)
                with contextlib.closing(ZipArchive(part, password)) as archive:
                    if password is not None:
                        _require_sound(verify(archive, ctx, source.bytes, total))
                    elif entry_facts(part) != writer.entries:
                        raise EnvironmentFault("backup.not_verified", member=MANIFEST)
                    if archive.manifest != manifest or says_in_clear(part) != source.heading.in_clear():
                        raise EnvironmentFault("backup.not_verified", member=MANIFEST)
                writer.settle()
            try:
                claim(part, path)
            except FileExistsError as error:
                raise UserError("backup.exists", path=str(path)) from error
            except OSError as error:
                raise translate_os_error(error, path=str(path)) from error
        finally:
            part.unlink(missing_ok=True)
        return BackupReport(_record(path, "zip", path.stat().st_size, manifest, trigger), manifest)

    def _into_folder(
        self,
        folder: Path,
        place: PlaceReport,
        source: Source,
        ctx: JobContext,
        password: str | None,
        trigger: str,
    ) -> BackupReport:
        writer = FolderWriter(folder, password)
        require_room(place, writer.missing_bytes(source), self._settings.clinic().reserve_bytes)
        snapshot, manifest, added = writer.write(source, ctx)
        record = _record(snapshot, "folder", manifest.total_bytes(), manifest, trigger)
        return BackupReport(record, manifest, manifest.total_bytes() - added)

    def _source(self, work: Path, contents: str, *, encrypted: bool) -> Source:
        store = self._door.store
        copy = work / "bitewing.db"
        copy_catalogue(store.database, copy)
        facts = facts_of(copy)
        wanted = () if contents == "database" else tuple(Wanted(*_astuple(item)) for item in files_of(copy))
        heading = Heading(
            library_id=facts.library_id,
            clinic=self._settings.clinic().clinic_name,
            created_at=utc_now(),
            program=__version__,
            schema=facts.schema,
            contents=contents,
            encrypted=encrypted,
        )
        heads = json.dumps(facts.heads, sort_keys=True).encode("utf-8")
        sealer = Sealer(system_secret_store(), store.library_id)
        try:
            mac = sealer.mac("audit-heads", heads)
        except EnvironmentFault as error:
            log.warning("audit heads not keyed: %s", error.code)
            mac = None
        workstation = {key: value for key, value in asdict(self._settings.workstation()).items() if key != "unknown"}
        return Source(
            self._paths.root,
            copy,
            json.dumps(workstation, ensure_ascii=False, default=str).encode("utf-8"),
            wanted,
            heading,
            self._place_of,
            facts.counts,
            facts.heads,
            mac,
        )

    def _place_of(self, image_id: str) -> Path | None:
        """Return where a file is that moved while the backup ran."""
        with self._door.store.read():
            record = self._door.store.images.get(image_id)
        return None if record is None else self._paths.root / record.path

    def _tell(self, actor: Actor, job_id: str, report: BackupReport) -> None:
        left_out = len(report.manifest.absent) + len(report.manifest.damaged)
        if left_out:
            self._events.say(actor, Level.WARNING, KIND, "backup.made_with_gaps", job_id=job_id, files=left_out)
        else:
            self._events.say(actor, Level.INFO, KIND, "backup.made", job_id=job_id, images=report.record.images)


def open_archive(path: Path, password: str | None = None) -> Archive:
    """Open a backup of either form. Raises as :meth:`BackupsService.opened`."""
    if not path.exists():
        raise UserError("backup.none", path=str(path))
    if is_snapshot(path):
        return FolderArchive(path, password)
    if path.is_dir():
        raise UserError("backup.not_a_backup", path=str(path))
    return ZipArchive(path, password)


def _require_long(password: str | None) -> None:
    if password is not None and len(password) < LEAST_PASSWORD:
        raise UserError("backup.short_password", least=LEAST_PASSWORD)


def _require_sound(report: VerifyReport) -> None:
    if not report.is_sound:
        raise EnvironmentFault("backup.not_verified", member=report.damaged[0])


def _make_folder(path: Path) -> None:
    try:
        if not path.exists():
            path.mkdir(mode=0o700)
            fsync_directory(path.parent)
    except OSError as error:
        raise translate_os_error(error, path=str(path)) from error


def _record(path: Path, form: str, size: int, manifest: Manifest, trigger: str) -> BackupRecord:
    heading = manifest.heading
    return BackupRecord(
        id=str(uuid.uuid4()),
        path=str(path),
        form=form,
        contents=heading.contents,
        created_at=heading.created_at,
        verified_at=utc_now(),
        bytes=size,
        images=manifest.counts.get("images", 0),
        encrypted=heading.encrypted,
        started_by=trigger,
    )


def _astuple(item: Any) -> tuple[str, str, str, int]:
    return item.image_id, item.path, item.sha256, item.bytes


def _sweep_parts(folder: Path) -> None:
    """Remove what a scheduled backup that was killed left behind; one that is being written is young."""
    for part in folder.glob("bitewing-*.zip.part"):
        try:
            if time.time() - part.stat().st_mtime > _PART_AGE_S:
                part.unlink()
        except OSError:
            log.warning("a leftover of an earlier backup could not be removed")


def scheduled_name(moment: datetime) -> str:
    """Return the file name of a scheduled backup."""
    return f"bitewing-{moment:%Y%m%dT%H%M%S%fZ}.zip"
