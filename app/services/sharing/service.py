"""Sharing as a use case: a file under a name nobody can guess, a link that expires, and an end that is proven.

A link is a bearer secret: whoever has it may use it until it expires. It cannot be called back alone, so revoking
deletes what it leads to (SEC-21). Links are kept sealed, and given again while they are valid.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.destinations import MirrorSettings
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, RefusedError, TransientFault, UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.patient import Patient
from app.domain.profiles import Profile, profiles
from app.domain.roles import Action, Actor
from app.domain.sharing import LONGEST_S, SHORTEST_S, Share, ShareEnd, ShareKind, ShareState, checked_case, seconds_of
from app.services.door import Door
from app.services.outgoing.looking import Look
from app.services.outgoing.model import OutgoingArgs, OutgoingCopy
from app.services.settings import SettingsService
from app.services.sharing.collecting import PAGE, UPLOAD_BYTES
from app.services.sharing.keeping import ShareKeeping
from app.services.sharing.model import Mark, Prepared, Shared, ShareWish
from app.services.sharing.places import (
    RECEIVED,
    SHARED,
    SharePlace,
    SharePlaces,
    address_of,
    link_key,
    new_name,
    page_key,
)
from app.services.sharing.preparing import Preparing, locked
from app.services.sharing.upload_page import upload_page
from app.services.workroom import private_folder
from app.storage.catalogue import Catalogue


class SharingService:
    """The shares of one library. Any thread."""

    def __init__(
        self, door: Door, settings: SettingsService, preparing: Preparing, places: SharePlaces, keeping: ShareKeeping
    ) -> None:
        self._door = door
        self._settings = settings
        self._preparing = preparing
        self._places = places
        self._keeping = keeping
        self._shown: set[tuple[str, str]] = set()

    def prepare(self, actor: Actor, ids: Sequence[str], args: OutgoingArgs, ctx: JobContext) -> Prepared:
        """Make what would go out, to be looked at.

        Raises
        ------
        UserError
            ``share.deleted`` for an image in the bin; as :meth:`Preparing.prepare`.
        BitewingError
            As :meth:`Preparing.prepare`.
        """
        with self._refusals_noted(actor):
            with self._door.reading(actor, Action.SHARE_CREATE) as store:
                marks = {image_id: mark for image_id in ids if (mark := _mark(store, image_id)) is not None}
            prepared = self._preparing.prepare(actor, ids, args, ctx)
        prepared.marks = marks
        return prepared

    def look(self, actor: Actor, copy: OutgoingCopy, index: int) -> Look:
        """Draw one picture of what would go out. Raises as :meth:`Preparing.look`."""
        return self._preparing.look(actor, copy, index)

    def profile(self, name: str) -> Profile:
        """Return the receiver of that name. Raises ``share.no_profile``."""
        for profile in self.profiles():
            if profile.name == name:
                return profile
        raise UserError("share.no_profile", name=name)

    def profiles(self) -> tuple[Profile, ...]:
        """Return every receiver's profile: the built-in ones and the clinic's own."""
        return profiles(self._settings.clinic().share_profiles)

    def send(self, actor: Actor, prepared: Prepared, wish: ShareWish, ctx: JobContext) -> Shared:
        """Put what was prepared where a link leads to it, and return the link.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``share.no_destination``, ``share.not_s3``, ``share.bad_expiry``, ``share.bad_case``, ``share.too_large``,
            ``share.does_not_fit`` what its receiver asks for; ``share.not_looked_at`` by ``wish.seen``;
            ``share.deleted`` and ``share.changed_meanwhile`` where the images are not what was looked at any more;
            ``share.ended_meanwhile``.
        EnvironmentFault
            ``share.offline`` without the network; ``share.public_bucket``; what else the store says. Nothing is left
            there then, or what is left is deleted as soon as that can be done.
        """
        self._door.require(actor, Action.SHARE_CREATE)
        if not wish.code:
            return self._send(actor, prepared, wish, ctx, prepared.marks)
        with private_folder(self._door.store) as folder:
            return self._send(actor, locked(prepared, wish.code, folder), wish, ctx, prepared.marks)

    def _send(
        self, actor: Actor, prepared: Prepared, wish: ShareWish, ctx: JobContext, marks: Mapping[str, Mark]
    ) -> Shared:
        with self._refusals_noted(actor):
            mirror, seconds = self._places.chosen(), self._seconds(wish)
            if prepared.is_too_large:
                raise UserError("share.too_large", has=prepared.size_bytes, limit=prepared.args.limit_bytes)
            if prepared.misfits and prepared.args.profile is not None:
                raise UserError("share.does_not_fit", receiver=prepared.args.profile.name, count=len(prepared.misfits))
            share = replace(
                self._new(actor, mirror, seconds, checked_case(wish.case_reference)),
                object_name=new_name(SHARED, PurePosixPath(prepared.file_name).suffix),
                file_name=prepared.file_name,
                mime_type=prepared.mime_type,
                size_bytes=prepared.size_bytes,
                form=prepared.args.form.value,
                identified=prepared.args.identified,
                locked=bool(wish.code),
                receiver=prepared.args.profile.name if prepared.args.profile else "",
                image_ids=tuple(copy.image_id for copy in prepared.copies),
            )
            if not set(prepared.to_look_at) <= set(wish.seen):
                raise UserError("share.not_looked_at")
            self._begin(actor, share, marks)
        with self._ended_where_it_fails(actor, share, ctx), self._places.open(mirror, ctx) as place:
            self._require_closed(place, share.object_name, mirror.bucket, ctx)
            place.store.put(prepared.path, share.object_name, ctx)
            url = place.links.link_to_get(share.object_name, seconds, share.file_name, share.mime_type)
            ctx.check()
            return self._give_out(actor, Shared(share, url), seconds, wish.seen)

    def invite(self, actor: Actor, wish: ShareWish, ctx: JobContext) -> Shared:
        """Return what somebody sends files to the inbox by: a page for people, a form for programs (HTTP POST).

        Raises
        ------
        BitewingError
            As :meth:`send`; ``share.takes_nothing`` where the storage knows no such forms.
        """
        self._door.require(actor, Action.SHARE_CREATE)
        with self._refusals_noted(actor):
            mirror, seconds = self._places.chosen(), self._seconds(wish)
            share = replace(
                self._new(actor, mirror, seconds, checked_case(wish.case_reference)),
                kind=ShareKind.UPLOAD,
                object_name=new_name(RECEIVED, ""),
            )
        self._begin(actor, share)
        with self._ended_where_it_fails(actor, share, ctx), self._places.open(mirror, ctx) as place:
            self._require_closed(place, f"{share.object_name}/{PAGE}", mirror.bucket, ctx)
            form = place.links.form_to_post(share.object_name, seconds, UPLOAD_BYTES)
            with private_folder(self._door.store) as folder:
                page = folder / PAGE
                page.write_bytes(upload_page(form, self._settings.clinic().clinic_name, UPLOAD_BYTES))
                place.store.put(page, f"{share.object_name}/{PAGE}", ctx)
            if not place.links.takes(form):
                raise EnvironmentFault("share.takes_nothing")
            shown = place.links.link_to_get(
                f"{share.object_name}/{PAGE}", seconds, mime_type="text/html; charset=utf-8", to_look_at=True
            )
            return self._give_out(actor, Shared(share, form.url, shown, dict(form.fields)), seconds, ())

    def list(self, actor: Actor, case_reference: str | None = None, limit: int = 500) -> list[Shared]:
        """Return the newest shares, newest first, with the links that still work; of one case where one is given."""
        with self._door.reading(actor, Action.SHARE_VIEW) as store:
            shares = store.shares.list(case_reference=case_reference, limit=limit)
            patients = [_whose(store, share) for share in shares]
        found = [replace(self._with_link(one), patient=whose) for one, whose in zip(shares, patients, strict=True)]
        self._note_shown(actor, found)
        return found

    def get(self, actor: Actor, share_id: str) -> Shared:
        """Return one share with its link. Raises ``share.none``."""
        with self._door.reading(actor, Action.SHARE_VIEW) as store:
            share = store.shares.get(share_id)
        if share is None:
            raise UserError("share.none", text=share_id)
        found = self._with_link(share)
        self._note_shown(actor, [found])
        return found

    def _note_shown(self, actor: Actor, found: Sequence[Shared]) -> None:
        """Write down who was given a link that works, once each: a list is read again whenever something changes."""
        shown = [one.share.id for one in found if one.url is not None and (actor.id, one.share.id) not in self._shown]
        if not shown or self._door.store.database.read_only is not None:
            return
        self._shown.update((actor.id, share_id) for share_id in shown)
        with self._door.writing(actor, Action.SHARE_VIEW) as unit:
            for share_id in shown:
                unit.audit(Entity.SHARE, share_id)

    def revoke(self, actor: Actor, share_id: str, ctx: JobContext) -> Share:
        """End a share now: what its link leads to is deleted, and proven to be gone.

        Without the network that is done later; the share is ``ENDING`` until then. So is an upload link until it
        would have expired: what came before is brought in, what comes after is deleted unread.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``share.none``.
        Cancelled
            The share is ``ENDING``.
        """
        with self._door.writing(actor, Action.SHARE_REVOKE) as unit:
            share = unit.store.shares.get(share_id)
            if share is None:
                raise UserError("share.none", text=share_id)
            if unit.store.shares.end(share_id, ShareEnd.REVOKED):
                unit.audit(Entity.SHARE, share_id)
                unit.changed(Entity.SHARE, ChangeKind.CHANGED, share_id)
        return self._keeping.finish_now(actor, share_id, ctx)

    def _require_closed(self, place: SharePlace, name: str, bucket: str, ctx: JobContext) -> None:
        """Refuse a bucket that gives strangers what lies there: tried with nothing, before anything of a patient goes.

        Raises
        ------
        EnvironmentFault
            ``share.public_bucket``; what the store says.
        """
        with private_folder(self._door.store) as folder:
            nothing = folder / "nothing"
            nothing.touch()
            place.store.put(nothing, name, ctx)
        if place.links.lets_strangers_read(name):
            raise EnvironmentFault("share.public_bucket", bucket=bucket)

    def _seconds(self, wish: ShareWish) -> int:
        seconds = seconds_of(self._settings.clinic().share_expires) if wish.expires_s is None else wish.expires_s
        if not SHORTEST_S <= seconds <= LONGEST_S:
            raise UserError("share.bad_expiry", text=f"{seconds}s")
        return seconds

    def _new(self, actor: Actor, mirror: MirrorSettings, seconds: int, case_reference: str) -> Share:
        now = utc_now()
        return Share(
            str(uuid.uuid4()),
            ShareKind.DOWNLOAD,
            ShareState.UPLOADING,
            now,
            now + timedelta(seconds=seconds),
            actor.id,
            actor.workstation,
            mirror.destination,
            address_of(mirror),
            "",
            "",
            case_reference=case_reference,
        )

    def _begin(self, actor: Actor, share: Share, marks: Mapping[str, Mark] | None = None) -> None:
        """Write a share down before anything of it lies anywhere: whatever ends the program, it is cleared up.

        Its images are looked at in the same transaction; from then on, what ends them ends it.
        """
        with self._door.writing(actor, Action.SHARE_CREATE) as unit:
            for image_id in share.image_ids:
                now = _mark(unit.store, image_id)
                if now is None or now != (marks or {}).get(image_id, now):
                    raise UserError("share.changed_meanwhile")
            unit.store.shares.add(share)
            unit.changed(Entity.SHARE, ChangeKind.ADDED, share.id)

    def _give_out(self, actor: Actor, shared: Shared, seconds: int, seen: Sequence[str]) -> Shared:
        share, expires_at = shared.share, utc_now() + timedelta(seconds=seconds)
        with self._door.writing(actor, Action.SHARE_CREATE) as unit:
            if not unit.store.shares.go_live(share.id, expires_at):
                # Revoked while it was on its way, or taken for abandoned while this computer slept.
                raise UserError("share.ended_meanwhile")
            unit.audit(
                Entity.SHARE,
                share.id,
                kind=share.kind.value,
                images=len(share.image_ids),
                form=share.form,
                identified=share.identified,
                locked=share.locked,
                bytes=share.size_bytes,
                seconds=seconds,
                seen=list(seen),
            )
            for image_id in share.image_ids:
                unit.audit(Entity.IMAGE, image_id, share=share.id, identified=share.identified)
                # The ledger of where it is says so.
                unit.changed(Entity.OUTBOX, ChangeKind.CHANGED, image_id)
            # In the same transaction: whoever ends it finds the links to forget.
            self._settings.keep_secret(link_key(share.id), _sealed(shared))
            self._settings.keep_secret(page_key(share.id), shared.page or "")
            unit.changed(Entity.SHARE, ChangeKind.CHANGED, share.id)
        self._shown.add((actor.id, share.id))
        return replace(shared, share=replace(share, state=ShareState.LIVE, expires_at=expires_at))

    @contextlib.contextmanager
    def _refusals_noted(self, actor: Actor) -> Iterator[None]:
        """Write down that something was not to be shared, and why."""
        try:
            yield
        except (Cancelled, RefusedError):
            # Nobody refused it; the door has noted it.
            raise
        except BitewingError as error:
            with self._door.writing(actor, Action.SHARE_CREATE) as unit:
                unit.audit(Entity.SHARE, "", outcome="refused", code=error.code)
            raise

    @contextlib.contextmanager
    def _ended_where_it_fails(self, actor: Actor, share: Share, ctx: JobContext) -> Iterator[None]:
        """Have what was begun cleared up when the block fails; say in one sentence that the network is away."""
        try:
            yield
        except BaseException as error:
            code = error.code if isinstance(error, BitewingError) else type(error).__name__
            with self._door.writing(actor, Action.SHARE_CREATE) as unit:
                # Only now is it sure that nothing more of it goes there.
                unit.store.shares.failed(share.id)
                unit.audit(Entity.SHARE, share.id, outcome="failed", code=code)
                unit.changed(Entity.SHARE, ChangeKind.CHANGED, share.id)
            if isinstance(error, TransientFault):
                raise EnvironmentFault("share.offline", cause=error.code) from error
            if isinstance(error, BitewingError) and not isinstance(error, Cancelled):
                self._keeping.finish_now(actor, share.id, JobContext(ctx.token))
            raise

    def _with_link(self, share: Share) -> Shared:
        if not share.is_valid(utc_now()):
            return Shared(share, None)
        try:
            link, page = (self._settings.secret(key(share.id)) for key in (link_key, page_key))
            kept = json.loads(link) if link else {}
            return Shared(share, kept.get("url"), page, kept.get("fields"))
        except EnvironmentFault:
            # Another account's key: the share can be seen and revoked here, not given out again.
            return Shared(share, None)


def _mark(store: Catalogue, image_id: str) -> Mark | None:
    """Return how an image and its patient stand, ``None`` for an unknown one. Raises ``share.deleted``."""
    record = store.images.get(image_id)
    if record is None:
        return None
    if record.deleted_at is not None:
        raise UserError("share.deleted", name=record.original_name)
    patient = store.patients.get(record.patient_id) if record.patient_id else None
    return record.version, record.patient_id, patient.version if patient else 0


def _sealed(shared: Shared) -> str:
    return json.dumps({"url": shared.url, "fields": shared.fields})


def _whose(store: Catalogue, share: Share) -> Patient | None:
    image = store.images.get(share.image_ids[0]) if share.image_ids else None
    return store.patients.get(image.patient_id) if image is not None and image.patient_id else None
