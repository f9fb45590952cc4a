"""What others sent by a link: brought to the inbox, whatever it says it is, and deleted where it lay.

One file that cannot be brought in never keeps the others waiting. What is not even fetched, and what is not taken
over, is said.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, RefusedError, TransientFault
from app.domain.changes import ChangeKind, Entity
from app.domain.image import Placement
from app.domain.roles import Action, Actor
from app.domain.sharing import Share, ShareEnd
from app.services.door import Door
from app.services.events import EventLog
from app.services.imports import ImportsService
from app.services.sharing.model import KeepingReport
from app.services.sharing.places import SharePlace
from app.services.workroom import private_folder
from app.storage.events import Level
from app.sync.archive import member_count
from app.sync.filing import FATAL_CODES
from app.sync.report import ImportArgs, ImportItem, ItemStatus
from app.transfer.stores.store import Entry, Stat

log = logging.getLogger(__name__)

TOPIC = "share"
PAGE = "page.html"
BY_LINK = "inbox.by_link"
# One file from a stranger, or a zip of several; what such a zip may hold.
UPLOAD_BYTES = 200_000_000
UNPACKED_BYTES = 2_000_000_000
UNPACKED_FILES = 2000
# All that one link brings: a link is a bearer secret, and whoever finds it must not fill the clinic's disk.
MOST_FILES = 1000
MOST_BYTES = 10_000_000_000
# The page's own names, and what a program may choose; anything else is mischief.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# An index without its images, say: nothing is lost with it, and asking again brings no more.
_NOTHING_IN_IT = frozenset({"file.missing", "file.unreadable", "file.permission"})


class Collecting:
    """Collects what came by links to send by. Any thread; several at once do no harm."""

    def __init__(self, door: Door, imports: ImportsService, events: EventLog) -> None:
        self._door = door
        self._imports = imports
        self._events = events
        # What was looked at and lies there still, and whether it may go: it is not fetched twice.
        self._met: dict[tuple[str, str], tuple[Stat, bool]] = {}

    def collect(
        self,
        actor: Actor,
        share: Share,
        place: SharePlace,
        report: KeepingReport,
        ctx: JobContext,
        until: datetime | None = None,
    ) -> None:
        """Bring what lies under an upload link's name into the inbox, and delete it there.

        With ``until`` only what was there by then.

        Raises
        ------
        EnvironmentFault
            What the storage or the disk says. Files that it does not stand in the way of were collected.
        Cancelled
            Between two files, or inside one that is looked at again then.
        """
        first: BitewingError | None = None
        for entry in list(islice(place.links.everything(share.object_name), MOST_FILES + 1)):
            ctx.check()
            is_late = until is not None and entry.modified is not None and entry.modified > until
            if is_late or entry.name == f"{share.object_name}/{PAGE}":
                continue
            try:
                self._one(actor, share, place, entry, report, ctx)
            except (Cancelled, RefusedError):
                raise
            except BitewingError as fault:
                if fault.code in FATAL_CODES or (isinstance(fault, TransientFault) and fault.code != "store.altered"):
                    raise
                first = first or fault
            if self._is_full(actor, share):
                return
        if first is not None:
            raise first

    def _one(
        self, actor: Actor, share: Share, place: SharePlace, entry: Entry, report: KeepingReport, ctx: JobContext
    ) -> None:
        name = entry.name
        if not _NAME.fullmatch(name.removeprefix(f"{share.object_name}/")):
            self._count(share, entry.size)
            self._refuse(actor, share, place, name, "share.upload_no_image", report)
            return
        found = place.store.stat(name)
        if found is None:
            return
        met, may_go = self._met.get((share.id, name), (None, False))
        if not _is_same(met, found):
            self._count(share, found.size)
            if found.size > UPLOAD_BYTES:
                self._refuse(actor, share, place, name, "share.upload_too_large", report)
                return
            may_go = self._bring(actor, share, place, name, report, ctx)
            self._met[share.id, name] = (found, may_go)
        # Somebody may have sent something else meanwhile.
        if may_go and _is_same(place.store.stat(name), found):
            place.links.erase(name)
            self._met.pop((share.id, name), None)

    def _bring(
        self, actor: Actor, share: Share, place: SharePlace, name: str, report: KeepingReport, ctx: JobContext
    ) -> bool:
        """Fetch one file and bring it in; whether it may be deleted where it lies."""
        with private_folder(self._door.store) as folder:
            path = folder / "by-link"
            place.store.get(name, path, ctx)
            files, unpacked = member_count(path)
            if files > UNPACKED_FILES or unpacked > UNPACKED_BYTES:
                self._say_refused(actor, share, "share.upload_too_large", report)
                return True
            items = self._import(actor, path, ctx)
        return self._said(actor, share, items, report)

    def _said(self, actor: Actor, share: Share, items: list[ImportItem], report: KeepingReport) -> bool:
        waiting, aside, codes = self._sorted(items)
        if waiting:
            self._received(actor, share, waiting, report)
        if aside:
            report.refused += aside
            self._events.say(actor, Level.WARNING, TOPIC, "share.upload_kept_aside", share=share.id)
        failed = [item for item in items if item.status is ItemStatus.FAILED]
        locked = sum(item.code == "archive.encrypted" for item in failed)
        broken = [item for item in failed if item.code not in _NOTHING_IN_IT | {"archive.encrypted"}]
        if locked:
            codes.append("share.upload_locked")
        for code in codes:
            self._say_refused(actor, share, code, report)
        if broken:
            # A fault of ours, as it seems: it lies there until the link is over, and is tried by the next program.
            self._events.say(actor, Level.ERROR, TOPIC, "share.upload_failed", share=share.id, cause=broken[0].code)
        elif not (waiting or aside or codes):
            self._say_refused(actor, share, "share.upload_no_image", report)
        return not broken

    def _sorted(self, items: list[ImportItem]) -> tuple[list[str], int, list[str]]:
        """Return the images that wait in the inbox now, how many were kept aside, and codes of what is here already."""
        waiting, codes = list[str](), list[str]()
        aside = 0
        with self._door.store.read():
            for item in items:
                record = self._door.store.images.get(item.image_id) if item.image_id else None
                if item.status is ItemStatus.QUARANTINED or (record and record.placement is Placement.QUARANTINED):
                    aside += 1
                elif record is None:
                    continue
                elif record.deleted_at is not None:
                    codes.append("share.upload_in_bin")
                elif record.placement is Placement.INBOX:
                    # Also of an earlier round that was interrupted before it could be written down.
                    waiting.append(record.id)
                else:
                    codes.append("share.upload_known")
        return list(dict.fromkeys(waiting)), aside, list(dict.fromkeys(codes))

    def _received(self, actor: Actor, share: Share, ids: list[str], report: KeepingReport) -> None:
        report.received += len(ids)
        with self._door.writing(actor, Action.SHARE_CREATE) as unit:
            unit.store.shares.received(share.id, ids)
            unit.audit(Entity.SHARE, share.id, outcome="received", images=len(ids))
            unit.changed(Entity.SHARE, ChangeKind.CHANGED, share.id)
        self._events.say(actor, Level.INFO, TOPIC, "share.received", share=share.id, images=len(ids))

    def _import(self, actor: Actor, path: Path, ctx: JobContext) -> list[ImportItem]:
        items: list[ImportItem] = []
        args = ImportArgs((path,), to_inbox=_Everything(BY_LINK), trigger=TOPIC, may_make_patients=False)
        report = self._imports.run_as(actor, Action.IMAGE_IMPORT, args, ctx, items.append, TOPIC)
        # Not all of it was looked at: it stays there.
        if report.stopped == "cancelled":
            raise Cancelled
        if report.stopped:
            raise EnvironmentFault(report.stopped, **report.stop_facts)
        return items

    def _refuse(
        self, actor: Actor, share: Share, place: SharePlace, name: str, code: str, report: KeepingReport
    ) -> None:
        """Delete what nobody here wants, unread."""
        place.links.erase(name)
        self._say_refused(actor, share, code, report)

    def _say_refused(self, actor: Actor, share: Share, code: str, report: KeepingReport) -> None:
        report.refused += 1
        with self._door.writing(actor, Action.SHARE_CREATE) as unit:
            unit.audit(Entity.SHARE, share.id, outcome="refused", code=code)
        self._events.say(actor, Level.WARNING, TOPIC, code, share=share.id, limit=UPLOAD_BYTES)

    def _count(self, share: Share, size: int) -> None:
        self._door.store.shares.sent(share.id, size)

    def _is_full(self, actor: Actor, share: Share) -> bool:
        """Whether more came by a link than may; it is closed then."""
        with self._door.store.read():
            files, size = self._door.store.shares.sent_so_far(share.id)
        if files < MOST_FILES and size < MOST_BYTES:
            return False
        with self._door.writing(actor, Action.SHARE_REVOKE) as unit:
            if unit.store.shares.end(share.id, ShareEnd.REVOKED):
                unit.audit(Entity.SHARE, share.id, outcome="full", files=files, bytes=size)
                unit.changed(Entity.SHARE, ChangeKind.CHANGED, share.id)
                self._events.say(actor, Level.WARNING, TOPIC, "share.upload_full", share=share.id)
        return True


def _is_same(now: Stat | None, before: Stat | None) -> bool:
    """Whether what lies there is what was fetched."""
    if now is None or before is None:
        return False
    return (now.size, now.digest, now.modified) == (before.size, before.digest, before.modified)


class _Everything(Mapping[str, str]):
    """One answer for every name: whatever came by a link waits for a person."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __getitem__(self, _name: str) -> str:
        return self._code

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
