"""The inbox: images that wait for a person to say whose they are."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, replace
from itertools import groupby

from app.core.clock import utc_now
from app.core.errors import UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.identity import Contradiction, FileIdentity, compare
from app.domain.image import Filing, ImageRecord, Placement
from app.domain.patient import Patient
from app.domain.roles import Action, Actor
from app.services.door import Door, survivor
from app.services.images import required_image, save
from app.services.moving import Mover, MoveResult

PROPOSAL_LIMIT = 8


@dataclass(frozen=True, slots=True)
class Proposal:
    """A patient who might be meant, and where the file disagrees."""

    patient: Patient
    contradictions: tuple[Contradiction, ...]
    images: int = 0

    @property
    def agrees(self) -> bool:
        """Whether nothing in the file speaks against this patient."""
        return not self.contradictions


@dataclass(frozen=True, slots=True)
class Waiting:
    """An image in the inbox with the reason why and the patients who come into question, likeliest first."""

    image: ImageRecord
    code: str
    proposals: tuple[Proposal, ...]


class InboxService:
    """What can be done with waiting images. Any thread."""

    def __init__(self, door: Door, mover: Mover) -> None:
        self._door = door
        self._mover = mover

    def list(self, actor: Actor) -> builtins.list[ImageRecord]:
        """Return what waits, oldest first; slices of a series in the order of their position."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            newest_first = store.images.list(placement=Placement.INBOX)
        # Slices of a series come together and in the order of their position; that order stays.
        series = [tuple(group) for _key, group in groupby(newest_first, lambda image: image.series_uid or image.id)]
        return [image for group in reversed(series) for image in group]

    def waiting(self, actor: Actor) -> builtins.list[Waiting]:
        """Return what waits with reasons and proposals."""
        return [
            Waiting(record, record.reason or "identity.none", tuple(self.proposals(actor, record.id)))
            for record in self.list(actor)
        ]

    def proposals(self, actor: Actor, image_id: str) -> builtins.list[Proposal]:
        """Return patients who come into question, those that nothing contradicts first."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            record = required_image(store.images.get(image_id), image_id)
            found: dict[str, Patient] = {}
            for candidate in self._candidates(record):
                if candidate.deleted_at is None and candidate.merged_into is None:
                    found.setdefault(candidate.id, candidate)
            counts = {patient_id: store.patients.summary(patient_id) for patient_id in found}
        proposals = [
            Proposal(patient, compare(record.identity, patient), summary.images if (summary := counts[key]) else 0)
            for key, patient in found.items()
        ]
        return sorted(proposals, key=lambda proposal: len(proposal.contradictions))[:PROPOSAL_LIMIT]

    def file(self, actor: Actor, image_id: str, filing: Filing) -> MoveResult:
        """File a waiting image under the patient that a person chose.

        Raises
        ------
        UserError
            ``image.none``, ``inbox.not_waiting`` or ``patient.none``.
        """
        with self._door.reading(actor, Action.IMAGE_FILE) as store:
            record = required_image(store.images.get(image_id), image_id)
        if record.placement is not Placement.INBOX:
            raise UserError("inbox.not_waiting", id=image_id)
        if filing.patient_id is None:
            raise UserError("patient.none", text="")
        return self._mover.move(actor, (image_id,), filing, action=Action.IMAGE_FILE)

    def unfile(self, actor: Actor, image_id: str) -> ImageRecord:
        """Put a filed image back into the inbox: undoes :meth:`file`."""
        return self._mover.back_to_inbox(actor, image_id)

    def discard(self, actor: Actor, image_id: str) -> None:
        """Delete a waiting or quarantined image softly; restorable like any other."""
        with self._door.writing(actor, Action.IMAGE_DELETE) as unit:
            record = required_image(unit.store.images.get(image_id), image_id)
            if record.placement is Placement.FILED:
                raise UserError("inbox.not_waiting", id=image_id)
            if record.deleted_at is not None:
                return
            save(unit, replace(record, deleted_at=utc_now()))
            unit.audit(Entity.IMAGE, image_id)
            unit.changed(Entity.IMAGE, ChangeKind.REMOVED, image_id, record.patient_id)

    def _candidates(self, record: ImageRecord) -> builtins.list[Patient]:
        """Gather patients by proposal, chart number and name; the store's reading door is open."""
        patients, identity = self._door.store.patients, record.identity
        found: builtins.list[Patient] = []
        proposed = survivor(self._door.store, str(record.reason_facts.get("proposed") or ""))
        found += [proposed] if proposed is not None else []
        if identity.patient_id:
            found += patients.by_chart_number(identity.patient_id)
        if _named(identity):
            found += patients.by_name(identity.family_name, identity.given_name)
        return found


def _named(identity: FileIdentity) -> bool:
    return bool(identity.family_name or identity.given_name)
