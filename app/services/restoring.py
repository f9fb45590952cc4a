"""Restoring a whole library from a backup, while nobody has it open.

Made beside the present library, verified, then put in its place in one step; the present one is kept. Until
that step nothing of it changes. The library is closed, so this is a function and not a service of one.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from app.backup.archive import Archive
from app.backup.manifest import CATALOGUE, SETTINGS, Heading
from app.backup.swap import is_in_the_making, kept_folder, make_staging, remove_staging, settle, staging_folder, swap
from app.backup.unpacking import unpack
from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, RefusedError, UserError
from app.core.files import free_bytes, fsync_directory, translate_os_error
from app.core.paths import LibraryPaths
from app.domain.audit import AuditEntry
from app.domain.changes import Entity
from app.domain.roles import Action, Actor, allowed
from app.services.backup_note import noted_library_id
from app.storage.carrying import Carried, carry_over
from app.storage.catalogue import Catalogue, open_catalogue
from app.storage.events import Level
from app.storage.migrating import known_migrations
from app.storage.presence import Alone
from app.storage.snapshot import fold_wal, is_sound, library_id_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What restoring did. ``kept`` is where the library from before lies; ``missing`` counts images without file."""

    heading: Heading
    images: int
    missing: int
    kept: Path | None
    carried: Carried


@dataclass(frozen=True, slots=True)
class RestoreArgs:
    """What is to be restored, where to. ``foreign`` accepts the backup of another library."""

    root: Path
    archive: Archive
    foreign: bool = False


def restore_library(actor: Actor, args: RestoreArgs, ctx: JobContext) -> RestoreReport:
    """Restore ``args.archive`` as the library at ``args.root``.

    Raises
    ------
    RefusedError
        ``role.refused``.
    UserError
        ``backup.damaged``, ``backup.newer``, ``backup.foreign`` (fact ``clinic``).
    EnvironmentFault
        ``library.in_use`` (facts ``kind``, ``pid``, ``since``), ``library.restoring``, ``backup.no_room``,
        ``disk.full`` and kin. Whatever is raised, the present library is as it was.
    Cancelled
        When stopped; likewise.
    """
    if not allowed(actor.role, Action.BACKUP_RESTORE):
        raise RefusedError("role.refused", action=Action.BACKUP_RESTORE.value, role=actor.role.value)
    heading = args.archive.manifest.heading
    if heading.schema > known_migrations()[-1].number:
        raise UserError("backup.newer", program=heading.program, clinic=heading.clinic)
    with Alone(args.root):
        settle(args.root)
        report = _Restore(actor, args, utc_now()).run(ctx)
    # Only a catalogue restored alone can have images whose file is not there.
    return replace(report, missing=_missing(args.root)) if heading.contents == "database" else report


class _Restore:
    """One restore, from the claim to the swap."""

    def __init__(self, actor: Actor, args: RestoreArgs, moment: datetime) -> None:
        self._actor = actor
        self._archive = args.archive
        self._foreign = args.foreign
        self._paths = LibraryPaths(args.root)
        self._staging = LibraryPaths(staging_folder(args.root, moment))
        self._kept = kept_folder(args.root, moment)
        self._heading = args.archive.manifest.heading

    def run(self, ctx: JobContext) -> RestoreReport:
        self._require_ours()
        self._require_room()
        try:
            make_staging(self._staging.root)
            unpack(self._archive, self._staging.root, ctx)
            report = self._finish_catalogue()
            ctx.check()
            if self._heading.contents == "database":
                kept = self._replace_catalogue()
            else:
                kept = self._kept if swap(self._staging.root, self._paths.root, self._kept) else None
        except OSError as error:
            raise translate_os_error(error, path=str(self._paths.root)) from error
        finally:
            # After the exchange the old library stands here for a moment; it carries no mark and is not touched.
            if is_in_the_making(self._staging.root):
                remove_staging(self._staging.root)
        log.warning("library restored from a backup")
        return replace(report, kept=kept)

    def _require_ours(self) -> None:
        if self._paths.root.exists() and not self._paths.exists() and not self._paths.has_lost_its_catalogue():
            others = [entry.name for entry in self._paths.root.iterdir() if entry.name != ".open"]
            if others:
                raise UserError("restore.not_a_library", path=str(self._paths.root))
        if not self._foreign and is_of_another_library(self._paths, self._heading):
            raise UserError("backup.foreign", clinic=self._heading.clinic)

    def _require_room(self) -> None:
        needed = self._archive.manifest.total_bytes()
        free = free_bytes(self._paths.root.parent)
        if free < needed:
            raise EnvironmentFault("backup.no_room", needed=needed, free=free, path=str(self._paths.root.parent))

    def _finish_catalogue(self) -> RestoreReport:
        """Prove and migrate the catalogue, take over what must not be lost, and write down who restored it."""
        if not is_sound(self._staging.database):
            raise UserError("backup.damaged", member=CATALOGUE)
        self._settle_settings()
        store = open_catalogue(self._staging, make=True)
        try:
            if store.library_id != self._heading.library_id:
                raise UserError("backup.damaged", member=CATALOGUE)
            carried = carry_over(store.database, self._paths.database, store.library_id)
            self._keep_copies(store)
            images = store.images.count(None)
            self._write_down(store, images)
        finally:
            store.close()
        return RestoreReport(self._heading, images, len(self._archive.manifest.absent), None, carried)

    def _keep_copies(self, store: Catalogue) -> None:
        """Bring along the copies that wait to be published: somebody looked at these very files."""
        with store.read():
            wanted = store.publications.wanted_files()
        there = [path for name in wanted if (path := self._paths.to_publish / name).is_file()]
        for folder in (self._staging.outgoing, self._staging.to_publish) if there else ():
            folder.mkdir(mode=0o700, exist_ok=True)
        for path in there:
            shutil.copyfile(path, self._staging.to_publish / path.name)

    def _settle_settings(self) -> None:
        """Keep this workstation's settings; those of the backup are for a workstation that has none."""
        present, settings = self._paths.workstation_toml, self._staging.root / SETTINGS
        if present.exists():
            shutil.copyfile(present, self._staging.workstation_toml)
        settings.unlink(missing_ok=True)
        if self._paths.backup_note.exists() and not self._foreign:
            shutil.copyfile(self._paths.backup_note, self._staging.backup_note)

    def _write_down(self, store: Catalogue, images: int) -> None:
        details = {"created_at": self._heading.created_at.isoformat(), "contents": self._heading.contents}
        entry = AuditEntry(
            self._actor.workstation,
            0,
            utc_now(),
            self._actor.id,
            Action.BACKUP_RESTORE.value,
            Entity.BACKUP.value,
            self._heading.library_id,
            details={**details, "images": images},
        )
        with store.write():
            store.audit.append(entry)
            store.events.append(
                Level.WARNING,
                "restore",
                "restore.done",
                {"images": images, **details},
                actor_id=self._actor.id,
                workstation=self._actor.workstation,
            )

    def _replace_catalogue(self) -> Path | None:
        """Put the restored catalogue in the place of the present one; the images stay where they are."""
        present, kept = self._paths.database, None
        self._paths.make()
        if present.exists():
            fold_wal(present)
            kept = present.with_name(f"{present.name}.{self._kept.name.rpartition('.')[2]}")
            kept.hardlink_to(present)
        self._staging.database.replace(present)
        for suffix in ("-wal", "-shm"):
            present.with_name(present.name + suffix).unlink(missing_ok=True)
        fsync_directory(self._paths.root)
        return kept


def is_of_another_library(paths: LibraryPaths, heading: Heading) -> bool:
    """Whether a backup is not known to be of the library at a place, as its catalogue or else its note says.

    A catalogue that cannot say whose it is any more is not replaced by just anybody's without asking.
    """
    noted = noted_library_id(paths)
    if not paths.exists():
        return noted is not None and noted != heading.library_id
    return (library_id_of(paths.database) or noted) != heading.library_id


def _missing(root: Path) -> int:
    store = open_catalogue(LibraryPaths(root))
    try:
        return sum(not (root / record.path).is_file() for record in store.images.stream())
    finally:
        store.close()
