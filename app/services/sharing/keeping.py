"""Looking after shares: what expired or was revoked is deleted and proven gone, what others sent goes to the inbox.

In the background, and for whoever revokes. Nothing here waits for the network: what cannot be done now is done in a
later round, and shown until then.
"""

from __future__ import annotations

from datetime import timedelta

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, RefusedError, TransientFault
from app.domain.changes import ChangeKind, Entity
from app.domain.roles import Action, Actor
from app.domain.sharing import Share, ShareEnd, ShareKind, ShareState
from app.services.door import Door
from app.services.events import EventLog
from app.services.settings import SettingsService
from app.services.sharing.collecting import PAGE, TOPIC, Collecting
from app.services.sharing.model import KeepingReport
from app.services.sharing.pacing import Pacing
from app.services.sharing.places import SharePlace, SharePlaces, link_key, page_key
from app.services.sharing.sweeping import Sweeping
from app.storage.events import Level
from app.sync.filing import FATAL_CODES

EVERY_S = 20.0
# What the catalogue itself notes in a share whose image was deleted or given to somebody else (migration 0012).
OUTLIVED = "share.outlived"
# An upload takes seconds: one that began long ago ended with its process.
_ABANDONED = timedelta(hours=1)
# What began to be sent before a link expired may arrive after, and clocks differ.
GRACE = timedelta(hours=1)


class ShareKeeping:
    """Looks after the shares of one library. Any thread; several at once do no harm."""

    def __init__(
        self,
        door: Door,
        settings: SettingsService,
        places: SharePlaces,
        collecting: Collecting,
        sweeping: Sweeping,
        events: EventLog,
    ) -> None:
        self._door = door
        self._settings = settings
        self._places = places
        self._collecting = collecting
        self._sweeping = sweeping
        self._events = events

    def run(self, actor: Actor, ctx: JobContext) -> None:
        """Look after them for ever, each the less often the longer nothing happens. Raises as :meth:`round`."""
        pacing = Pacing()
        while True:
            self.round(actor, ctx, pacing)
            ctx.wait(EVERY_S)

    def round(self, actor: Actor, ctx: JobContext, pacing: Pacing | None = None) -> KeepingReport:
        """Collect what was sent, end what expired, delete what is to go; each as far as it can be reached now.

        With ``pacing`` only what is due; a person who asks has everything looked at.

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
            shares = self._door.store.shares.open()
        for share in shares:
            ctx.check()
            if not self._needs_the_storage(share) or (pacing is not None and not pacing.is_due(share, utc_now())):
                report.waiting += share.state is ShareState.ENDING
                continue
            if share.place in away:
                report.waiting += share.state is ShareState.ENDING
                if pacing is not None:
                    pacing.looked(share, utc_now(), happened=False, failed=True)
                continue
            before, failed = report.received + report.refused, False
            try:
                self._look_after(actor, share, report, ctx)
            except (Cancelled, RefusedError):
                raise
            except BitewingError as fault:
                failed = True
                report.waiting += 1
                report.away = fault.code
                if isinstance(fault, TransientFault):
                    away.append(share.place)
                self._note(actor, share, fault)
            if pacing is not None:
                happened = report.received + report.refused > before
                pacing.looked(self._get(share.id), utc_now(), happened=happened, failed=failed)
        if pacing is not None:
            pacing.keep_only({share.id for share in shares})
        self._sweeping.sweep_if_due(actor, utc_now(), ctx)
        return report

    @staticmethod
    def _needs_the_storage(share: Share) -> bool:
        """Whether there is anything to do for a share: a link to fetch by works by itself until it expires."""
        now = utc_now()
        if share.state is ShareState.UPLOADING:
            return now >= share.created_at + _ABANDONED
        return share.state is ShareState.ENDING or share.kind is ShareKind.UPLOAD or now >= share.expires_at

    def finish_now(self, actor: Actor, share_id: str, ctx: JobContext) -> Share:
        """Delete what a share that ends leads to, if it can be reached, and return how it stands. Raises Cancelled."""
        share = self._get(share_id)
        self._forget_links(share_id)
        if share.state is ShareState.ENDING:
            try:
                self._finish(actor, share, KeepingReport(), ctx)
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
        # First of all: whatever stands in the way of collecting, a link that is over is over.
        if share.state is ShareState.UPLOADING:
            self._end(actor, share, ShareEnd.FAILED)
        elif share.state is ShareState.LIVE and now >= share.expires_at:
            self._end(actor, share, ShareEnd.EXPIRED)
        elif share.state is ShareState.LIVE and share.kind is ShareKind.UPLOAD:
            with self._places.open(self._places.of(share), ctx) as place:
                self._collecting.collect(actor, share, place, report, ctx)
            self._clear(share)
            return
        elif share.code == OUTLIVED:
            # Ended by what ended an image, in its transaction; said here.
            self._say_outlived(actor, share)
        self._forget_links(share.id)
        report.ended += self._finish(actor, self._get(share.id), report, ctx)

    def _say_outlived(self, actor: Actor, share: Share) -> None:
        self._door.store.shares.note(share.id, None)
        with self._door.writing(actor, Action.SHARE_REVOKE) as unit:
            unit.audit(Entity.SHARE, share.id, outcome="outlived")
            unit.changed(Entity.SHARE, ChangeKind.CHANGED, share.id)
        self._events.say(actor, Level.INFO, TOPIC, OUTLIVED, share=share.id)

    def _end(self, actor: Actor, share: Share, why: ShareEnd) -> None:
        with self._door.writing(actor, Action.SHARE_REVOKE) as unit:
            if unit.store.shares.end(share.id, why):
                unit.audit(Entity.SHARE, share.id, outcome=why.value)
                unit.changed(Entity.SHARE, ChangeKind.CHANGED, share.id)

    def _finish(self, actor: Actor, share: Share, report: KeepingReport, ctx: JobContext) -> bool:
        """Delete the object and see that it is gone; whether the share has ended with that."""
        with self._places.open(self._places.of(share), ctx) as place:
            if share.kind is ShareKind.DOWNLOAD:
                place.links.erase(share.object_name)
                if place.store.stat(share.object_name) is not None:
                    raise EnvironmentFault("share.still_there")
            else:
                waits_for = self._close(actor, share, place, report, ctx)
                if waits_for is not None:
                    self._door.store.shares.note(share.id, waits_for)
                    return False
        with self._door.writing(actor, Action.SHARE_REVOKE) as unit:
            if unit.store.shares.ended(share.id, utc_now()):
                unit.audit(Entity.SHARE, share.id, outcome="gone")
                unit.changed(Entity.SHARE, ChangeKind.CHANGED, share.id)
                for image_id in share.image_ids if share.kind is ShareKind.DOWNLOAD else ():
                    unit.changed(Entity.OUTBOX, ChangeKind.CHANGED, image_id)
        return True

    def _close(
        self, actor: Actor, share: Share, place: SharePlace, report: KeepingReport, ctx: JobContext
    ) -> str | None:
        """Clear what lies under an upload link's name; return what is waited for before it has ended, if anything."""
        # Signed, so that it cannot be taken back: something may come by it until it expires, and a little longer.
        is_over = share.ending is ShareEnd.FAILED or utc_now() >= share.expires_at + GRACE
        page = f"{share.object_name}/{PAGE}"
        place.links.erase(page)
        names = [entry.name for entry in place.links.everything(share.object_name)]
        if share.ending is ShareEnd.EXPIRED:
            # Its sender was told that it was sent.
            self._collecting.collect(actor, share, place, report, ctx)
            if not is_over:
                return "share.last_arrivals"
        elif share.ending is ShareEnd.REVOKED:
            # So was that of what came before; what comes after is not wanted.
            with self._door.store.read():
                closed_at = self._door.store.shares.closed_at(share.id)
            if closed_at is not None:
                self._collecting.collect(actor, share, place, report, ctx, closed_at)
        for name in names:
            place.links.erase(name)
        if not is_over:
            return "share.until_expiry"
        # Whatever came while this went on is looked at in the next round.
        return "share.still_there" if any(place.links.everything(share.object_name)) else None

    def _forget_links(self, share_id: str) -> None:
        for key in (link_key, page_key):
            self._settings.keep_secret(key(share_id), "")

    def _clear(self, share: Share) -> None:
        """Forget what stood in the way before."""
        if share.code is not None:
            self._door.store.shares.note(share.id, None)

    def _note(self, actor: Actor, share: Share, fault: BitewingError) -> None:
        """Keep what stands in the way; said aloud once, and only where waiting alone will not help."""
        if share.code == fault.code:
            return
        self._door.store.shares.note(share.id, fault.code)
        if not isinstance(fault, TransientFault):
            # Ours to mend, or the storage's.
            code = "share.not_brought_in" if fault.code in FATAL_CODES else "share.not_looked_after"
            self._events.say(actor, Level.ERROR, TOPIC, code, share=share.id, cause=fault.code)
