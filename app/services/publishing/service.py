"""Publishing as a use case: an image made public by somebody's act, moved to private again, and what is public now.

Off until an admin switches it on for a place (REQUIREMENTS F7). Whatever is asked for is queued, so that it works
without a network; that an image is private again is only said once the public address does not show it any more (P4).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.destinations import MirrorSettings, place_of
from app.core.errors import BitewingError, Cancelled, RefusedError, UserError
from app.core.progress import Progress
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageRecord, Placement
from app.domain.patient import Patient
from app.domain.publication import (
    KIND,
    Publication,
    PublicForm,
    PublicState,
    new_name,
    public_address,
    public_destination,
)
from app.domain.roles import Action, Actor
from app.services.door import Door, Unit
from app.services.images import required_image
from app.services.jobs import JobLog
from app.services.outgoing.looking import Look
from app.services.publishing.comparing import PublicComparison, PublicReport
from app.services.publishing.connector import PublicConnector
from app.services.publishing.copying import MadeCopy, PublicCopies
from app.services.sending.service import SendingService, SendReport
from app.storage.publications import PublicEntry


@dataclass(frozen=True, slots=True)
class PublicItem:
    """What became of one image that somebody wanted published or taken back.

    ``state`` is ``None`` where it failed, for the reason ``code``.
    """

    image_id: str
    state: PublicState | None = None
    url: str | None = None
    was_so: bool = False
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image with the copy that was made of it, for a person to look at; ``copy`` is ``None`` where none could be."""

    image_id: str
    copy: MadeCopy | None = None
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PublicRow:
    """A published copy as people see it: whose image, and which."""

    entry: PublicEntry
    patient: Patient | None
    image: str


class PublishingService:
    """Publishing from one library. Any thread."""

    def __init__(
        self,
        door: Door,
        connector: PublicConnector,
        copies: PublicCopies,
        sending: SendingService,
        jobs: JobLog,
    ) -> None:
        self._door = door
        self._connector = connector
        self._copies = copies
        self._sending = sending
        self._comparison = PublicComparison(door, connector, sending, jobs)

    def require_place(self, actor: Actor, place: str | None = None) -> MirrorSettings:
        """Return where would be published. Raises as :meth:`publish`."""
        self._door.require(actor, Action.IMAGE_PUBLISH)
        return self._connector.chosen(place)

    def prepare(
        self, actor: Actor, ids: Sequence[str], ctx: JobContext, form: PublicForm = PublicForm.JPEG
    ) -> list[Prepared]:
        """Make the copies that would be published, for a person to look at; nothing goes anywhere.

        Raises
        ------
        RefusedError
            ``role.refused``.
        """
        self._door.require(actor, Action.IMAGE_PUBLISH)
        found = []
        for image_id in dict.fromkeys(ids):
            ctx.check()
            try:
                with self._door.store.read():
                    record = _publishable(self._door.store.images.get(image_id), image_id)
                found.append(Prepared(image_id, self._copies.make(record, form, ctx)))
            except Cancelled:
                raise
            except BitewingError as error:
                found.append(Prepared(image_id, code=error.code, facts=error.facts))
            ctx.report(Progress(len(found), len(ids), "images"))
        return found

    def look(self, actor: Actor, copy: MadeCopy, index: int) -> Look:
        """Draw one picture of a copy, as everybody will see it. Raises as :meth:`SharingService.look`."""
        self._door.require(actor, Action.IMAGE_PUBLISH)
        return self._copies.look(copy, index)

    def publish(
        self,
        actor: Actor,
        prepared: Sequence[Prepared],
        place: str | None = None,
        *,
        looked: bool = False,
    ) -> list[PublicItem]:
        """Queue prepared copies to be published; what cannot be is reported and the rest goes on.

        An image that is public at the place, or waits to be, stays as it is.

        Parameters
        ----------
        looked
            That a person looked at the very pictures, and that whoever can be recognised has agreed: without that
            nothing goes, whatever was found in them.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``publish.off``, ``publish.which``, ``publish.no_address``.
        """
        self._door.require(actor, Action.IMAGE_PUBLISH)
        mirror = self._connector.chosen(place)
        return [_reported(one.image_id, partial(self._publish_one, actor, one, mirror, looked)) for one in prepared]

    def withdraw(self, actor: Actor, ids: Sequence[str], ctx: JobContext) -> list[PublicItem]:
        """Move images to private: every public copy of them is queued to be deleted, before anything else.

        A copy that is not proven to be gone since it was taken back is asked for again at once.

        Raises
        ------
        RefusedError
            ``role.refused``.
        """
        self._door.require(actor, Action.IMAGE_WITHDRAW)
        items = []
        for image_id in dict.fromkeys(ids):
            ctx.check()
            items.append(_reported(image_id, partial(self._withdraw_one, actor, image_id)))
        return items

    def send(self, actor: Actor, ctx: JobContext, trigger: str = "user", *, recalls_only: bool = False) -> SendReport:
        """Carry out what is queued, or what is to be taken back alone, once. Raises ``role.refused``.

        Whoever may not publish takes back only: what others wanted public is not for them to send.
        """
        self._door.require(actor, Action.IMAGE_WITHDRAW)
        return self._sending.send(
            actor, ctx, self._connector.busy(), trigger, Action.IMAGE_WITHDRAW, recalls_only=recalls_only
        )

    def public(self, actor: Actor, limit: int = 1000) -> list[PublicRow]:
        """Return every copy that is public, is to be, or is not proven to be private again; newest first."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            rows = []
            for entry in store.publications.open(limit):
                patient = store.patients.get(entry.publication.patient_id)
                image = store.images.get(entry.publication.image_id)
                shown = (image.caption or image.original_name) if image is not None else ""
                rows.append(PublicRow(entry, patient, shown))
            return rows

    def compare(self, actor: Actor, ctx: JobContext, *, remove: bool = False, agreed: bool = False) -> PublicReport:
        """Compare what is public with the records. Raises as :meth:`PublicComparison.run`."""
        return self._comparison.run(actor, ctx, remove=remove, agreed=agreed)

    def of_image(self, actor: Actor, image_id: str) -> list[PublicEntry]:
        """Return every copy that an image has or had in public, newest first."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            return store.publications.of_image(image_id)

    def _publish_one(self, actor: Actor, prepared: Prepared, mirror: MirrorSettings, looked: bool) -> PublicItem:
        image_id, copy, destination = prepared.image_id, prepared.copy, public_destination(mirror.name)
        if copy is None:
            return PublicItem(image_id, code=prepared.code, facts=prepared.facts)
        with self._door.writing(actor, Action.IMAGE_PUBLISH) as unit:
            record = _publishable(unit.store.images.get(image_id), image_id)
            before = unit.store.publications.current(image_id, destination)
            if before:
                return PublicItem(image_id, before[-1].state, before[-1].url, was_so=True)
            # Not only where something was found: what is not found may be there.
            if not looked:
                raise UserError("publish.look_first", text=image_id)
            if record.sha256 != copy.made_of:
                raise UserError("image.changed_elsewhere", id=image_id)
            if not copy.path.is_file():
                raise UserError("publish.copy_lost")
            wanted = _wish(actor, record, copy, mirror, unit.store.library_id)
            unit.store.destinations.set(destination, KIND, enabled=False)
            unit.store.publications.ask(wanted)
            unit.audit(
                Entity.IMAGE,
                image_id,
                publication=wanted.id,
                destination=destination,
                format=copy.form.value,
                copy_sha256=copy.sha256,
                warned=[warning.value for warning in copy.warnings],
                looked=looked,
                consent=looked,
            )
            _say(unit, wanted)
        return PublicItem(image_id, PublicState.WAITING, wanted.url)

    def _withdraw_one(self, actor: Actor, image_id: str) -> PublicItem:
        with self._door.writing(actor, Action.IMAGE_WITHDRAW) as unit:
            every = [entry.publication for entry in unit.store.publications.of_image(image_id)]
            if not every:
                # What is public is taken back also of an image that a restored catalogue does not know.
                required_image(unit.store.images.get(image_id), image_id)
            for one in every:
                if one.gone_at is None:
                    # One that is being taken back already is asked for now, whatever kept it.
                    unit.store.publications.withdraw(one, utc_now())
                    again = one.withdrawn_at is not None
                    unit.audit(Entity.IMAGE, image_id, publication=one.id, destination=one.destination, again=again)
                    _say(unit, one)
            after = [entry.publication for entry in unit.store.publications.of_image(image_id)]
        is_pending = any(one.state is PublicState.WITHDRAWING for one in after)
        was_so = not any(one.withdrawn_at is None and one.gone_at is None for one in every)
        return PublicItem(image_id, PublicState.WITHDRAWING if is_pending else PublicState.PRIVATE, was_so=was_so)


def _publishable(record: ImageRecord | None, image_id: str) -> ImageRecord:
    found = required_image(record, image_id)
    if found.placement is not Placement.FILED or found.deleted_at is not None:
        raise UserError("publish.not_filed", text=image_id)
    return found


def _say(unit: Unit, copy: Publication) -> None:
    unit.changed(Entity.IMAGE, ChangeKind.CHANGED, copy.image_id, copy.patient_id)
    unit.changed(Entity.OUTBOX, ChangeKind.CHANGED, copy.image_id, copy.patient_id)


def _reported(image_id: str, act: Callable[[], PublicItem]) -> PublicItem:
    try:
        return act()
    except (Cancelled, RefusedError):
        raise
    except BitewingError as error:
        return PublicItem(image_id, code=error.code, facts=error.facts)


def _wish(actor: Actor, record: ImageRecord, copy: MadeCopy, mirror: MirrorSettings, library_id: str) -> Publication:
    name = new_name(copy.form, library_id)
    return Publication(
        id=str(uuid.uuid4()),
        image_id=record.id,
        patient_id=record.patient_id or "",
        destination=public_destination(mirror.name),
        remote_id=name,
        place=place_of(mirror),
        url=public_address(mirror.public_url, name),
        form=copy.form,
        filename=copy.path.name,
        sha256=copy.sha256,
        size_bytes=copy.size_bytes,
        image_type=record.image_type.value,
        caption=record.caption,
        asked_by=actor.id,
        asked_at=utc_now(),
    )
