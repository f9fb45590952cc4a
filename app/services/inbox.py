"""The inbox: images that wait for a person to say whose they are."""

from __future__ import annotations

import builtins
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from app.core.clock import utc_now
from app.core.errors import BitewingError, UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.identity import Contradiction, FileIdentity, compare
from app.domain.image import Filing, ImageRecord, Placement
from app.domain.patient import Patient
from app.domain.proposals import Reason, agreements
from app.domain.roles import Action, Actor
from app.services.door import Door, survivor
from app.services.images import required_image, save
from app.services.moving import MoveFailure, Mover, MoveResult

log = logging.getLogger(__name__)

PROPOSAL_LIMIT = 8
_STUDY_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Proposal:
    """A patient who might be meant, where the file disagrees, and what speaks for them."""

    patient: Patient
    contradictions: tuple[Contradiction, ...]
    images: int = 0
    reasons: tuple[Reason, ...] = ()

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
        """Return patients who come into question: those that least contradicts and most speaks for first."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            record = required_image(store.images.get(image_id), image_id)
            found: dict[str, Patient] = {}
            reasons: dict[str, builtins.list[Reason]] = {}
            for candidate, reason in self._candidates(record):
                if candidate.deleted_at is None and candidate.merged_into is None:
                    found.setdefault(candidate.id, candidate)
                    reasons.setdefault(candidate.id, []).extend([reason] if reason else [])
            counts = {patient_id: store.patients.summary(patient_id) for patient_id in found}
        proposals = [
            Proposal(
                patient,
                compare(record.identity, patient),
                summary.images if (summary := counts[key]) else 0,
                _reasons(record, patient, reasons[key]),
            )
            for key, patient in found.items()
        ]
        proposals.sort(key=lambda proposal: (len(proposal.contradictions), -len(proposal.reasons)))
        return proposals[:PROPOSAL_LIMIT]

    def companions(self, actor: Actor, image_id: str) -> tuple[str, ...]:
        """Return the other waiting images of the same study that name the same person.

        None where the image names nobody: some devices give everybody's images one study.
        """
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            record = required_image(store.images.get(image_id), image_id)
            if record.study_uid is None or record.identity.is_empty:
                return ()
            study = store.images.list(placement=Placement.INBOX, study_uid=record.study_uid)
        return tuple(other.id for other in study if other.id != image_id and other.identity == record.identity)

    def file(self, actor: Actor, image_id: str, filing: Filing, along: Sequence[str] = ()) -> MoveResult:
        """File a waiting image under the patient that a person chose.

        The images of ``along`` that still wait go to the same patient; tooth, type and view stay as each has them.

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
        first = self._mover.move(actor, (image_id,), filing, action=Action.IMAGE_FILE)
        if not along:
            return first
        try:
            more = self._mover.move(
                actor, tuple(along), Filing(filing.patient_id), action=Action.IMAGE_FILE, only_waiting=True
            )
        except BitewingError as error:
            # The one that a person looked at is filed; the others wait on.
            return replace(first, failed=tuple(MoveFailure(other, error.code, error.facts) for other in along))
        return MoveResult(first.moved + more.moved, {**first.previous, **more.previous}, first.failed + more.failed)

    def unfile(self, actor: Actor, image_id: str) -> ImageRecord:
        """Put a filed image back into the inbox: undoes :meth:`file`."""
        return self._mover.back_to_inbox(actor, image_id)

    def unfile_all(self, actor: Actor, filed: Sequence[ImageRecord]) -> None:
        """Put images back into the inbox that are still as they were filed; what somebody went on from stays.

        Raises
        ------
        UserError
            ``inbox.not_all_back`` (facts ``stayed``, ``total``) after all others are back.
        """
        stayed = 0
        for record in filed:
            with self._door.reading(actor, Action.IMAGE_MOVE) as store:
                now = store.images.get(record.id)
            if now is None or now.version != record.version or now.deleted_at is not None:
                stayed += 1
                continue
            try:
                self._mover.back_to_inbox(actor, record.id)
            except BitewingError as error:
                log.warning("image %s not put back: %s", record.id, error.code)
                stayed += 1
        if stayed:
            raise UserError("inbox.not_all_back", stayed=stayed, total=len(filed))

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

    def _candidates(self, record: ImageRecord) -> Iterator[tuple[Patient, Reason | None]]:
        """Gather patients by proposal, study, picture, chart number and name; the store's reading door is open."""
        store, identity = self._door.store, record.identity
        sources = [(str(record.reason_facts.get("proposed") or ""), Reason.CHOSEN)]
        if record.study_uid:
            filed = store.images.list(placement=Placement.FILED, study_uid=record.study_uid, limit=_STUDY_LIMIT)
            sources += [(image.patient_id or "", Reason.STUDY) for image in filed]
        twin = store.images.get(record.similar_to) if record.similar_to else None
        sources += [(twin.patient_id or "", Reason.PICTURE)] if twin is not None else []
        for patient_id, reason in dict.fromkeys(sources):
            patient = survivor(store, patient_id)
            if patient is not None:
                yield patient, reason
        if identity.patient_id:
            yield from ((patient, None) for patient in store.patients.by_chart_number(identity.patient_id))
        if _named(identity):
            named = store.patients.by_name(identity.family_name, identity.given_name)
            yield from ((patient, None) for patient in named)


def _reasons(record: ImageRecord, patient: Patient, given: builtins.list[Reason]) -> tuple[Reason, ...]:
    agreeing = agreements(record.identity, patient)
    if Reason.PATIENT_ID in agreeing or Reason.NAME in agreeing:
        # The file itself names them, so that nobody needs to have chosen them.
        given = [reason for reason in given if reason is not Reason.CHOSEN]
    return (*dict.fromkeys(given), *agreeing)


def _named(identity: FileIdentity) -> bool:
    return bool(identity.family_name or identity.given_name)
