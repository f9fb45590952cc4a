"""Images: reading, correcting what is said about them, deleting softly, finding their files."""

from __future__ import annotations

import builtins
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.image import Filing, ImageRecord, ImageType, ImageView, Laterality
from app.domain.patient import clean_text
from app.domain.roles import Action, Actor
from app.domain.tooth import GENERAL, TEETH, ordered
from app.services.door import Door, Unit
from app.services.locating import Locator
from app.services.moving import Mover, MoveResult
from app.services.thumbnails import Thumbnails
from app.services.views import ViewLog
from app.storage.studies import StudyRow

log = logging.getLogger(__name__)

CAPTION_LIMIT = 2000
DELETED_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Details:
    """What a person may correct about an image; ``None`` leaves a part as it is."""

    caption: str | None = None
    teeth: tuple[str, ...] | None = None
    view: ImageView | None = None
    laterality: Laterality | None = None


class ImagesService:
    """What can be done with images in the catalogue. Any thread."""

    def __init__(self, door: Door, mover: Mover, locator: Locator, thumbnails: Thumbnails, views: ViewLog) -> None:
        self._door = door
        self._mover = mover
        self._locator = locator
        self._thumbnails = thumbnails
        self._views = views

    def get(self, actor: Actor, image_id: str) -> ImageRecord:
        """Return an image. Raises ``image.none``."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            return required_image(store.images.get(image_id), image_id)

    def list(
        self,
        actor: Actor,
        patient_id: str | None = None,
        tooth: str | None = None,
        image_type: ImageType | str | None = None,
        search: str | None = None,
        limit: int | None = None,
        *,
        study_uid: str | None = None,
        case_reference: str | None = None,
    ) -> builtins.list[ImageRecord]:
        """Return filed images, newest first; slices of a series in the order of their position.

        ``tooth`` matches the filing tooth or a tooth that the image shows.
        """
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            wanted = ImageType(image_type) if image_type else None
            return store.images.list(
                patient_id, tooth, wanted, search, limit, study_uid=study_uid, case_reference=case_reference
            )

    def tooth_counts(self, actor: Actor, patient_id: str) -> Mapping[str, Mapping[str, int]]:
        """Return the number of images by filing tooth and type."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            return store.images.tooth_counts(patient_id)

    def shown_teeth(self, actor: Actor, patient_id: str) -> Mapping[str, int]:
        """Return how many images show each tooth: what the chart marks."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            return store.images.shown_teeth(patient_id)

    def move(self, actor: Actor, ids: Iterable[str], filing: Filing) -> MoveResult:
        """File images elsewhere; ``result.previous`` undoes it."""
        return self._mover.move(actor, tuple(ids), filing)

    def delete(self, actor: Actor, ids: Iterable[str]) -> int:
        """Delete images softly: hidden, restorable, files untouched. Returns how many were deleted."""
        return self._mark(actor, Action.IMAGE_DELETE, tuple(ids), delete=True)

    def restore(self, actor: Actor, ids: Iterable[str]) -> int:
        """Bring deleted images back. Returns how many were restored."""
        return self._mark(actor, Action.IMAGE_RESTORE, tuple(ids), delete=False)

    def deleted(
        self, actor: Actor, patient_id: str | None = None, limit: int | None = DELETED_LIMIT
    ) -> builtins.list[ImageRecord]:
        """Return deleted images that can be restored, of one patient or of all; the inbox's too."""
        with self._door.reading(actor, Action.IMAGE_RESTORE) as store:
            return store.images.list(patient_id, limit=limit, placement=None, deleted=True)

    def _mark(self, actor: Actor, action: Action, ids: tuple[str, ...], *, delete: bool) -> int:
        done = 0
        with self._door.writing(actor, action) as unit:
            for image_id in ids:
                record = required_image(unit.store.images.get(image_id), image_id)
                if (record.deleted_at is not None) == delete:
                    continue
                if not delete and record.patient_id is not None:
                    unit.living_patient(record.patient_id)
                deleted_at = utc_now() if delete else None
                save(unit, replace(record, deleted_at=deleted_at))
                kind = ChangeKind.REMOVED if delete else ChangeKind.ADDED
                unit.audit(Entity.IMAGE, image_id)
                unit.changed(Entity.IMAGE, kind, image_id, record.patient_id)
                done += 1
        return done

    def edit_details(self, actor: Actor, image_id: str, details: Details, version: int | None = None) -> ImageRecord:
        """Correct caption, shown teeth, view or side.

        Raises
        ------
        UserError
            ``image.none``, ``tooth.unknown``, ``image.caption_too_long`` or ``image.changed_elsewhere``.
        """
        changes = _checked(details)
        with self._door.writing(actor, Action.IMAGE_EDIT) as unit:
            before = required_image(unit.store.images.get(image_id), image_id)
            if version is not None and before.version != version:
                raise UserError("image.changed_elsewhere", id=image_id)
            after = save(unit, replace(before, **changes))
            unit.audit(Entity.IMAGE, image_id, fields=sorted(changes))
            unit.changed(Entity.IMAGE, ChangeKind.CHANGED, image_id, before.patient_id)
            return after

    def path_of(self, actor: Actor, image_id: str) -> Path:
        """Return where an image's bytes lie, repairing the record when they were found elsewhere (T7).

        Raises
        ------
        EnvironmentFault
            ``image.file_missing`` when they are nowhere, at no mirror either.
        """
        return self._locator.path_of(self.get(actor, image_id), JobContext.silent())

    def thumbnail(self, actor: Actor, image_id: str) -> bytes | None:
        """Return the thumbnail (JPEG), made now when it is missing; ``None`` where there is no picture."""
        return self._thumbnails.get(self.get(actor, image_id))

    def record_view(self, actor: Actor, image_id: str) -> None:
        """Note that an image was looked at; written within a second."""
        self._door.require(actor, Action.IMAGE_VIEW)
        self._views.add(actor, image_id)

    def studies(
        self, actor: Actor, patient_id: str | None = None, search: str | None = None, limit: int | None = None
    ) -> builtins.list[StudyRow]:
        """Return studies, newest first."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            if not search:
                return store.studies.list(patient_id, limit)
            records = store.images.list(patient_id, None, None, search, None)
        return group_studies(records)[:limit]


def group_studies(records: Iterable[ImageRecord]) -> builtins.list[StudyRow]:
    """Group images by study, newest study first."""
    groups: dict[tuple[str, str | None], list[ImageRecord]] = {}
    for record in records:
        if record.study_uid:
            groups.setdefault((record.study_uid, record.patient_id), []).append(record)
    studies = []
    for (uid, patient_id), members in groups.items():
        moments = [record.captured_at for record in members if record.captured_at]
        studies.append(
            StudyRow(
                study_uid=uid,
                patient_id=patient_id,
                captured_at=min(moments) if moments else None,
                description=next((record.study_description for record in members if record.study_description), ""),
                modalities=tuple(sorted({record.modality for record in members if record.modality})),
                images=len(members),
            )
        )
    return sorted(studies, key=lambda study: (str(study.captured_at or ""), study.study_uid), reverse=True)


def required_image(record: ImageRecord | None, image_id: str) -> ImageRecord:
    """Return the record or raise ``image.none``."""
    if record is None:
        raise UserError("image.none", text=image_id)
    return record


def save(unit: Unit, record: ImageRecord) -> ImageRecord:
    """Write a changed record with a new version inside an open transaction."""
    saved = replace(record, version=record.version + 1, changed_at=utc_now())
    return unit.store.images.update(saved)


def _checked(details: Details) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if details.caption is not None:
        caption = clean_text(details.caption, keep_lines=True)
        if len(caption) > CAPTION_LIMIT:
            raise UserError("image.caption_too_long", limit=CAPTION_LIMIT)
        changes["caption"] = caption
    if details.teeth is not None:
        unknown = [tooth for tooth in details.teeth if tooth not in TEETH and tooth != GENERAL]
        if unknown:
            raise UserError("tooth.unknown", text=unknown[0])
        changes["teeth"] = ordered(tooth for tooth in details.teeth if tooth != GENERAL)
    if details.view is not None:
        changes["view"] = ImageView(details.view)
    if details.laterality is not None:
        changes["laterality"] = Laterality(details.laterality)
    return changes
