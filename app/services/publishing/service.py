"""Publishing as a use case: an image made public by somebody's act, moved to private again, and what is public now.

Off until an admin switches it on for a place (REQUIREMENTS F7). Whatever is asked for is queued, so that it works
without a network; that an image is private again is only said once the public address does not show it any more (P4).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.destinations import MirrorSettings
from app.core.errors import BitewingError, Cancelled, RefusedError, UserError
from app.core.progress import Progress
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageRecord, Placement
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
from app.services.publishing.connector import PublicConnector
from app.services.publishing.copying import PublicCopies
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
class PublicRow:
    """A published copy as people see it: whose image, and which."""

    entry: PublicEntry
    patient: str
    image: str


class PublishingService:
    """Publishing from one library. Any thread."""

    def __init__(self, door: Door, connector: PublicConnector, maker: PublicCopies, sending: SendingService) -> None:
        self._door = door
        self._connector = connector
        self._maker = maker
        self._sending = sending

    def places(self, actor: Actor) -> list[MirrorSettings]:
        """Return the places that images may be published at; none while publishing is off."""
        self._door.require(actor, Action.IMAGE_VIEW)
        return self._connector.places()

    def publish(
        self,
        actor: Actor,
        ids: Sequence[str],
        ctx: JobContext,
        place: str | None = None,
        form: PublicForm = PublicForm.JPEG,
    ) -> list[PublicItem]:
        """Queue images to be published, each as a copy made now; what cannot be is reported and the rest goes on.

        One that is public at the place, or waits to be, stays as it is.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``publish.off``, ``publish.which``.
        """
        self._door.require(actor, Action.IMAGE_PUBLISH)
        mirror = self._connector.chosen(place)

        def one(image_id: str) -> PublicItem:
            return self._publish_one(actor, image_id, mirror, form)

        return _each(ids, one, ctx)

    def withdraw(self, actor: Actor, ids: Sequence[str], ctx: JobContext) -> list[PublicItem]:
        """Move images to private: every public copy of them is queued to be deleted.

        Raises
        ------
        RefusedError
            ``role.refused``.
        """
        self._door.require(actor, Action.IMAGE_WITHDRAW)
        return _each(ids, lambda image_id: self._withdraw_one(actor, image_id), ctx)

    def send(self, actor: Actor, ctx: JobContext, trigger: str = "user") -> SendReport:
        """Carry out what is queued, once. Raises ``role.refused``."""
        self._door.require(actor, Action.IMAGE_WITHDRAW)
        return self._sending.send(actor, ctx, self._connector.busy(), trigger, Action.IMAGE_WITHDRAW)

    def public(self, actor: Actor, limit: int = 1000) -> list[PublicRow]:
        """Return every copy that is public, is to be, or is not proven to be private again; newest first."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            rows = []
            for entry in store.publications.open(limit):
                patient = store.patients.get(entry.publication.patient_id)
                image = store.images.get(entry.publication.image_id)
                shown = (image.caption or image.original_name) if image is not None else ""
                rows.append(PublicRow(entry, patient.name if patient else "", shown))
            return rows

    def of_image(self, actor: Actor, image_id: str) -> list[PublicEntry]:
        """Return every copy that an image has or had in public, newest first."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            return store.publications.of_image(image_id)

    def _publish_one(self, actor: Actor, image_id: str, mirror: MirrorSettings, form: PublicForm) -> PublicItem:
        destination = public_destination(mirror.name)
        with self._door.store.read():
            record = _publishable(self._door.store.images.get(image_id), image_id)
            before = self._door.store.publications.current(image_id, destination)
        if before:
            return PublicItem(image_id, before[-1].state, before[-1].url, was_so=True)
        made = self._maker.make(record, form)
        with self._door.writing(actor, Action.IMAGE_PUBLISH) as unit:
            now = _publishable(unit.store.images.get(image_id), image_id)
            before = unit.store.publications.current(image_id, destination)
            if before or now.sha256 != record.sha256 or now.patient_id != record.patient_id:
                # Somebody else was quicker; the copy made here is swept with the next round.
                raise UserError("image.changed_elsewhere", id=image_id)
            name = new_name(form)
            wanted = Publication(
                id=str(uuid.uuid4()),
                image_id=image_id,
                patient_id=now.patient_id or "",
                destination=destination,
                remote_id=name,
                url=public_address(mirror.public_url, name),
                form=form,
                filename=made.path.name,
                sha256=made.sha256,
                size_bytes=made.size_bytes,
                image_type=now.image_type.value,
                caption=now.caption,
                asked_by=actor.id,
                asked_at=utc_now(),
            )
            unit.store.destinations.set(destination, KIND, enabled=False)
            unit.store.publications.ask(wanted)
            unit.audit(
                Entity.IMAGE,
                image_id,
                publication=wanted.id,
                destination=destination,
                format=form.value,
                copy_sha256=made.sha256,
            )
            _say(unit, wanted)
        return PublicItem(image_id, PublicState.WAITING, wanted.url)

    def _withdraw_one(self, actor: Actor, image_id: str) -> PublicItem:
        with self._door.writing(actor, Action.IMAGE_WITHDRAW) as unit:
            required_image(unit.store.images.get(image_id), image_id)
            every = [entry.publication for entry in unit.store.publications.of_image(image_id)]
            for one in every:
                if one.gone_at is None and one.withdrawn_at is None:
                    unit.store.publications.withdraw(one, utc_now())
                    unit.audit(Entity.IMAGE, image_id, publication=one.id, destination=one.destination)
                    _say(unit, one)
            after = [entry.publication for entry in unit.store.publications.of_image(image_id)]
        is_pending = any(one.state is PublicState.WITHDRAWING for one in after)
        was_so = not any(one.state in {PublicState.PUBLIC, PublicState.WAITING} for one in every)
        return PublicItem(image_id, PublicState.WITHDRAWING if is_pending else PublicState.PRIVATE, was_so=was_so)


def _publishable(record: ImageRecord | None, image_id: str) -> ImageRecord:
    found = required_image(record, image_id)
    if found.placement is not Placement.FILED or found.deleted_at is not None:
        raise UserError("publish.not_filed", text=image_id)
    return found


def _say(unit: Unit, copy: Publication) -> None:
    unit.changed(Entity.IMAGE, ChangeKind.CHANGED, copy.image_id, copy.patient_id)
    unit.changed(Entity.OUTBOX, ChangeKind.CHANGED, copy.image_id, copy.patient_id)


def _each(ids: Sequence[str], act: Callable[[str], PublicItem], ctx: JobContext) -> list[PublicItem]:
    items: list[PublicItem] = []
    for image_id in dict.fromkeys(ids):
        ctx.check()
        try:
            items.append(act(image_id))
        except (Cancelled, RefusedError):
            raise
        except BitewingError as error:
            items.append(PublicItem(image_id, code=error.code, facts=error.facts))
        ctx.report(Progress(len(items), len(ids), "images"))
    return items
