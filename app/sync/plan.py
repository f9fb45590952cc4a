"""What an image becomes in the catalogue, from what the file says and what a person chose. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.core.errors import UserError
from app.domain.expectation import Expectation
from app.domain.facts import FileFacts
from app.domain.image import (
    RADIOGRAPHIC_VIEWS,
    FileKind,
    Filing,
    ImageRecord,
    ImageType,
    ImageView,
    Placement,
)
from app.domain.patient import PatientDraft, Sex
from app.domain.tooth import GENERAL, TEETH, ordered

# Modalities (PS3.3 C.7.3.1.1.1) whose pictures are taken with X-rays.
_XRAY_MODALITIES = frozenset({"IO", "PX", "DX", "CR", "CT", "RG", "XA", "RF", "MG"})
# DICOM objects without a picture of their own that are still worth keeping.
_DOCUMENT_LABELS = frozenset({"encapsulated_pdf"})


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file at the door: what is known before anything is decided."""

    original_name: str
    sha256: str
    size_bytes: int
    md5: str | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """Tooth, teeth, type and view of an image."""

    tooth: str
    teeth: tuple[str, ...]
    image_type: ImageType
    view: ImageView


def may_succeed_later(code: str | None) -> bool:
    """Whether what was kept aside for this reason is worth another look: the decoder failed, not the file."""
    return code is not None and code.startswith("decoder.")


def require_valid(filing: Filing) -> None:
    """Refuse teeth, types and views that do not exist, before anything happens.

    Raises
    ------
    UserError
        ``tooth.unknown``.
    ValueError
        For a type or view that is none.
    """
    for tooth in (*(filing.teeth or ()), *((filing.tooth,) if filing.tooth else ())):
        if tooth not in TEETH and tooth != GENERAL:
            raise UserError("tooth.unknown", text=tooth)
    if filing.image_type is not None:
        ImageType(filing.image_type)
    if filing.view is not None:
        ImageView(filing.view)


def refusal_of(facts: FileFacts) -> tuple[str, dict[str, object]] | None:
    """Return code and facts when a readable file is no image of ours (status ``skipped``)."""
    if facts.kind is FileKind.OTHER:
        return "file.not_an_image", {}
    if facts.kind is FileKind.DICOM and not facts.has_picture and facts.content_label not in _DOCUMENT_LABELS:
        return "dicom.no_pixels", {"what": facts.content_label or "unknown"}
    return None


def describe(facts: FileFacts, chosen: Filing, expected: Expectation | None = None) -> Described:
    """Decide tooth, teeth, type and view: a person's choice first, then what the file says, then what is expected."""
    view = chosen.view or _view(facts, expected)
    teeth = _teeth(facts, chosen)
    tooth = chosen.tooth or (teeth[0] if len(teeth) == 1 else GENERAL)
    return Described(tooth, teeth, chosen.image_type or _type(facts, view, expected), view)


def _teeth(facts: FileFacts, chosen: Filing) -> tuple[str, ...]:
    if chosen.teeth is not None:
        return ordered(tooth for tooth in chosen.teeth if tooth != GENERAL)
    if chosen.tooth is None or chosen.tooth == GENERAL or chosen.tooth in facts.teeth:
        return ordered(facts.teeth)
    return (chosen.tooth,)


def _view(facts: FileFacts, expected: Expectation | None) -> ImageView:
    is_document = facts.kind is FileKind.DOCUMENT or facts.content_label in _DOCUMENT_LABELS
    if is_document:
        return ImageView.DOCUMENT
    if facts.view is ImageView.OTHER and expected is not None:
        return expected.view or ImageView.OTHER
    return facts.view


def _type(facts: FileFacts, view: ImageView, expected: Expectation | None) -> ImageType:
    if facts.image_type is not ImageType.OTHER:
        return facts.image_type if view not in RADIOGRAPHIC_VIEWS else ImageType.XRAY
    if view in RADIOGRAPHIC_VIEWS or facts.modality in _XRAY_MODALITIES:
        return ImageType.XRAY
    if view is ImageView.DOCUMENT:
        return ImageType.OTHER
    if expected is not None and expected.image_type is not None and not facts.modality:
        return expected.image_type
    return ImageType.CLINICAL if facts.kind is FileKind.PHOTO or facts.modality == "XC" else ImageType.OTHER


def draft_of(facts: FileFacts) -> PatientDraft:
    """Return the patient that a file's identity names. Raises UserError when it cannot be one."""
    identity = facts.identity
    sex = Sex(identity.sex) if identity.sex in {"M", "F", "O"} else Sex.UNKNOWN
    return PatientDraft(
        identity.family_name, identity.given_name, identity.patient_id, identity.birth_date, sex
    ).cleaned()


def record_of(
    image_id: str,
    arrival: Arrival,
    facts: FileFacts,
    described: Described,
    placement: Placement,
    patient_id: str | None,
    imported_at: datetime,
    added_by: str,
) -> ImageRecord:
    """Return the catalogue's row, its place still to be claimed."""
    return ImageRecord(
        id=image_id,
        patient_id=patient_id,
        placement=placement,
        directory="",
        filename="",
        original_name=arrival.original_name,
        sha256=arrival.sha256,
        size_bytes=arrival.size_bytes,
        mime_type=facts.mime_type,
        kind=facts.kind,
        imported_at=imported_at,
        tooth=described.tooth,
        teeth=described.teeth,
        image_type=described.image_type,
        view=described.view,
        laterality=facts.laterality,
        rows=facts.rows,
        columns=facts.columns,
        frames=facts.frames,
        captured_at=facts.captured_at,
        modality=facts.modality,
        study_uid=facts.study_uid,
        study_description=facts.study_description,
        series_uid=facts.series_uid,
        sop_instance_uid=facts.sop_instance_uid,
        sop_class_uid=facts.sop_class_uid,
        transfer_syntax_uid=facts.transfer_syntax_uid,
        slice_position=facts.slice_position,
        pixel_sha256=facts.pixel_sha256,
        picture_hash=facts.picture_hash,
        identity=facts.identity,
        added_by=added_by,
        md5=arrival.md5,
    )
