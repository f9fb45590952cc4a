"""Looking after shares: what expired or was revoked is deleted and proven gone, what others sent goes to the inbox.

In the background, and for whoever revokes. Nothing here waits for the network: what cannot be done now is done in a
later round, and shown until then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, RefusedError, TransientFault
from app.domain.changes import ChangeKind, Entity
from app.domain.roles import Action, Actor
from app.domain.sharing import Share, ShareEnd, ShareKind, ShareState
from app.services.door import Door
from app.services.events import EventLog
from app.services.imports import ImportsService
from app.services.settings import SettingsService
from app.services.sharing.model import KeepingReport
from app.services.sharing.places import SharePlaces, link_key, page_key
from app.services.workroom import private_folder
from app.storage.events import Level
from app.sync.report import ImportArgs, ImportItem, ItemStatus
from app.transfer.stores.store import Stat, Store

log = logging.getLogger(__name__)

TOPIC = "share"
EVERY_S = 20.0
# One file from a stranger, or a zip of several.
UPLOAD_BYTES = 200_000_000
# Where files may come below the name of an upload link: the first is for programs, the others are the page's.
SLOTS = ("file", *(f"{number:02}" for number in range(40)))
PAGE = "page.html"
BY_LINK = "inbox.by_link"
# An upload takes seconds: one that began long ago ended with its process.
_ABANDONED = timedelta(hours=1)


class ShareKeeping:
    """Looks after the shares of one library. Any thread; several at once do no harm."""

    def __init__(
        self, door: Door, settings: SettingsService, places: SharePlaces, imports: ImportsService, events: EventLog
    ) -> None:
        self._door = door
        self._settings = settings
        self._places = places
        self._imports = imports
        self._events = events

    def run(self, actor: Actor, ctx: JobContext) -> None:
        """Look after them for ever. Raises Cancelled and ``role.refused``."""
        while True:
            self.round(actor, ctx)
            ctx.wait(EVERY_S)

    def round(self, actor: Actor, ctx: JobContext) -> KeepingReport:
        """Collect what was sent, end what expired or lost an image, delete what is to go, as far as it can be reached.

        Raises
        ------
        RefusedError
            ``role.refused``.
        Cancelled
            Between two shares.
        """
        self._door.require(actor, Action.SHARE_REVOKE)
        report, away = KeepingReport(), list[dict[str, str]]()
        with self._door.store.read():
            outlived = self._door.store.shares.outlived()
        for share in outlived:
            # As mirrors and archives do: what was deleted here is called back from where it went.
            self._end(actor, share, ShareEnd.REVOKED)
            self._events.say(actor, Level.INFO, TOPIC, "share.outlived", share=share.id)
        with self._door.store.read():
            shares = self._door.store.shares.open()
        for share in shares:
            ctx.check()
            if share.place in away:
                report.waiting += share.state is ShareState.ENDING
                continue
            try:
                self._look_after(actor, share, report, ctx)
            except (Cancelled, RefusedError):
                raise
            except BitewingError as fault:
                report.waiting += 1
                report.away = fault.code
                if isinstance(fault, TransientFault):
                    away.append(share.place)
                self._note(actor, share, fault)
        return report

    def finish_now(self, actor: Actor, share_id: str, ctx: JobContext) -> Share:
        """Delete what a share that ends leads to, if it can be reached, and return how it stands. Raises Cancelled."""
        share = self._get(share_id)
        self._forget_links(share_id)
        if share.state is ShareState.ENDING:
            try:
                self._finish(actor, share, ctx)
            except Cancelled:
                raise
            except BitewingError as fault:
                self._note(actor, share, fault)
        return self._get(share_id)

    def _get(self, share_id: str) -> Share:
        with self._door.store.read():
            share = self._door.store.shares.get(share_id)
        assert share is not None, "shares are never removed"
        return share

    def _look_after(self, actor: Actor, share: Share, report: KeepingReport, ctx: JobContext) -> None:
        now = utc_now()
        if share.state is ShareState.LIVE and share.kind is ShareKind.UPLOAD:
            self._collect(actor, share, report, ctx)
        if share.state is ShareState.UPLOADING and now >= share.created_at + _ABANDONED:
            self._end(actor, share, ShareEnd.FAILED)
        elif share.state is ShareState.LIVE and now >= share.expires_at:
            self._end(actor, share, ShareEnd.EXPIRED)
        elif share.state is not ShareState.ENDING:
            return
        self._forget_links(share.id)
        report.ended += self._finish(actor, self._get(share.id), ctx)

    def _end(self, actor: Actor, share: Share, why: ShareEnd) -> None:
        with self._door.writing(actor, Action.SHARE_REVOKE) as unit:
            if unit.store.shares.end(share.id, why):
                unit.audit(Entity.SHARE, share.id, outcome=why.value)
                unit.changed(Entity.SHARE, ChangeKind.CHANGED, share.id)

    def _finish(self, actor: Actor, share: Share, ctx: JobContext) -> bool:
        """Delete the object and see that it is gone; whether the share has ended with that."""
        with self._places.open(self._places.of(share), ctx) as place:
            names = [share.object_name]
            if share.kind is ShareKind.UPLOAD:
                names = [entry.name for entry in place.store.list(share.object_name, recursive=True)]
            for name in names:
                place.store.delete(name)
                if place.store.stat(name) is not None:
                    raise EnvironmentFault("share.still_there")
        if share.kind is ShareKind.UPLOAD and utc_now() < share.expires_at:
            # A signed link to send cannot be taken back: until it expires something may come by it again.
            self._door.store.shares.note(share.id, "share.until_expiry")
            return False
        with self._door.writing(actor, Action.SHARE_REVOKE) as unit:
            if unit.store.shares.ended(share.id, utc_now()):
                unit.audit(Entity.SHARE, share.id, outcome="gone")
                unit.changed(Entity.SHARE, ChangeKind.CHANGED, share.id)
                for image_id in share.image_ids if share.kind is ShareKind.DOWNLOAD else ():
                    unit.changed(Entity.OUTBOX, ChangeKind.CHANGED, image_id)
        return True

    def _forget_links(self, share_id: str) -> None:
        for key in (link_key, page_key):
            self._settings.keep_secret(key(share_id), "")

    def _note(self, actor: Actor, share: Share, fault: BitewingError) -> None:
        """Keep what stands in the way; said aloud once, and only where waiting alone will not help."""
        if share.code == fault.code:
            return
        self._door.store.shares.note(share.id, fault.code)
        if not isinstance(fault, TransientFault):
            self._events.say(actor, Level.ERROR, TOPIC, "share.not_looked_after", share=share.id, cause=fault.code)

    def _collect(self, actor: Actor, share: Share, report: KeepingReport, ctx: JobContext) -> None:
        """Bring what lies under an upload link's names into the inbox, and delete it there."""
        with self._places.open(self._places.of(share), ctx) as place:
            page = f"{share.object_name}/{PAGE}"
            for entry in list(place.store.list(share.object_name, recursive=True)):
                ctx.check()
                if entry.name != page:
                    self._collect_one(actor, share, place.store, entry.name, report, ctx)

    def _collect_one(
        self, actor: Actor, share: Share, store: Store, name: str, report: KeepingReport, ctx: JobContext
    ) -> None:
        with private_folder(self._door.store) as folder:
            found = store.stat(name)
            if found is None:
                return
            if found.size > UPLOAD_BYTES:
                self._refuse(actor, share, store, name, "share.upload_too_large", report)
                return
            path = folder / "by-link"
            store.get(name, path, ctx)
            items = self._import(actor, path, ctx)
            if any(item.status is ItemStatus.FAILED for item in items):
                # A full disk, say: it stays there, and is looked at again.
                failed = next(item for item in items if item.status is ItemStatus.FAILED)
                raise EnvironmentFault(failed.code or "disk.failed", **failed.facts)
            kept = [item for item in items if item.status is not ItemStatus.SKIPPED]
            if not kept:
                self._refuse(actor, share, store, name, "share.upload_no_image", report)
                return
            if _is_same(store.stat(name), found):
                store.delete(name)
        self._received(actor, share, kept, report)

    def _received(self, actor: Actor, share: Share, kept: list[ImportItem], report: KeepingReport) -> None:
        ids = [item.image_id for item in kept if item.image_id and item.status is not ItemStatus.QUARANTINED]
        if len(ids) < len(kept):
            report.refused += len(kept) - len(ids)
            self._events.say(actor, Level.WARNING, TOPIC, "share.upload_kept_aside", share=share.id)
        if not ids:
            return
        report.received += len(ids)
        with self._door.writing(actor, Action.SHARE_CREATE) as unit:
            unit.store.shares.received(share.id, ids)
            unit.audit(Entity.SHARE, share.id, outcome="received", images=len(ids))
            unit.changed(Entity.SHARE, ChangeKind.CHANGED, share.id)
        self._events.say(actor, Level.INFO, TOPIC, "share.received", share=share.id, images=len(ids))

    def _import(self, actor: Actor, path: Path, ctx: JobContext) -> list[ImportItem]:
        items: list[ImportItem] = []
        args = ImportArgs((path,), to_inbox=_Everything(BY_LINK), trigger=TOPIC, may_make_patients=False)
        self._imports.run_as(actor, Action.IMAGE_IMPORT, args, ctx, items.append, TOPIC)
        return items

    def _refuse(self, actor: Actor, share: Share, store: Store, name: str, code: str, report: KeepingReport) -> None:
        """Delete what nobody here wants, unread."""
        store.delete(name)
        report.refused += 1
        with self._door.writing(actor, Action.SHARE_CREATE) as unit:
            unit.audit(Entity.SHARE, share.id, outcome="refused", code=code)
        self._events.say(actor, Level.WARNING, TOPIC, code, share=share.id, limit=UPLOAD_BYTES)


def _is_same(now: Stat | None, before: Stat) -> bool:
    """Whether what lies there is what was fetched: somebody may have sent something else meanwhile."""
    return now is not None and (now.size, now.digest, now.modified) == (before.size, before.digest, before.modified)


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
