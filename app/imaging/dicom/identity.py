"""What a DICOM file says of itself and its patient: ``facts_of``.

Reads the header only and tolerates any broken element; decodes no pixels and decides nothing about filing.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from app.core.errors import EnvironmentFault
from app.domain.facts import FileFacts
from app.domain.facts import PixelSpacing as FactSpacing
from app.domain.identity import FileIdentity
from app.domain.image import FileKind
from app.domain.patient import parse_birth_date, parse_person_name
from app.imaging.dicom.anatomy import laterality_of, teeth_of, type_of, view_of
from app.imaging.dicom.content import label_without_pixels
from app.imaging.dicom.frames import FOR_PROCESSING, is_for_processing
from app.imaging.dicom.functional import macro
from app.imaging.dicom.guard import reading
from app.imaging.dicom.layout import layout_of
from app.imaging.dicom.luts import windows_of
from app.imaging.dicom.moments import captured_at_of
from app.imaging.dicom.reader import DicomFile, open_dicom
from app.imaging.dicom.spacing import spacing_of
from app.imaging.dicom.structure import PIXEL_TAGS
from app.imaging.dicom.values import integer, numbers, text

MIME_TYPE = "application/dicom"
NOTE_TRUNCATED, NOTE_INVALID_UID, NOTE_DAMAGED = "truncated", "invalid_uid", "damaged"
_UID = re.compile(r"^[0-9.]{1,64}$")


def facts_of_file(path: Path) -> FileFacts:
    """The facts of a DICOM file, its header read once.

    Raises
    ------
    UserError, EnvironmentFault
        As ``reader.open_dicom``; ``file.too_large`` for an image beyond the limits.
    """
    return facts_of_opened(open_dicom(path))


def facts_of_opened(opened: DicomFile) -> FileFacts:
    """The facts of a file already opened, with a note where its pixel data is cut short."""
    with reading(opened.path):
        return _facts(opened.dataset, opened.pixels is not None, _is_cut(opened))


def facts_of(dataset: Dataset, path: Path) -> FileFacts:
    """The facts of a data set read from ``path`` by ``reader``; raises as ``facts_of_file``."""
    with reading(path):
        return _facts(dataset, any(tag in dataset for tag in PIXEL_TAGS), is_cut=False)


def identity_of(dataset: Dataset) -> FileIdentity:
    """What the header says about the patient."""
    family, given = parse_person_name(text(dataset, "PatientName"))
    sex = text(dataset, "PatientSex").upper()
    return FileIdentity(
        patient_id=text(dataset, "PatientID"),
        family_name=family,
        given_name=given,
        birth_date=parse_birth_date(text(dataset, "PatientBirthDate")),
        sex=sex if sex in ("M", "F", "O") else "",
    )


def _facts(dataset: Dataset, has_pixels: bool, is_cut: bool) -> FileFacts:
    meta = dataset.file_meta if hasattr(dataset, "file_meta") else Dataset()
    sop_class = text(dataset, "SOPClassUID") or text(meta, "MediaStorageSOPClassUID")
    instance = text(dataset, "SOPInstanceUID") or text(meta, "MediaStorageSOPInstanceUID")
    uids = [instance, text(dataset, "StudyInstanceUID"), text(dataset, "SeriesInstanceUID")]
    notes = (NOTE_TRUNCATED,) if is_cut else ()
    if any(uid and not _UID.match(uid) for uid in uids):
        notes = (*notes, NOTE_INVALID_UID)
    modality = text(dataset, "Modality").upper()
    teeth = teeth_of(dataset)
    view = view_of(dataset, sop_class, teeth)
    layout = layout_of(dataset) if has_pixels else None
    label = FOR_PROCESSING if is_for_processing(dataset) else None
    if layout is None:
        label = label_without_pixels(sop_class, modality, says_rows=integer(dataset, "Rows") is not None)
    voi = macro(dataset, 0, "FrameVOILUTSequence")
    windows = windows_of(voi if voi is not None else dataset)
    spacing = spacing_of(dataset)
    return FileFacts(
        kind=FileKind.DICOM,
        mime_type=MIME_TYPE,
        rows=layout.rows if layout else None,
        columns=layout.columns if layout else None,
        frames=layout.frames if layout else 1,
        bits=layout.bits_stored if layout else None,
        photometric=text(dataset, "PhotometricInterpretation") or None if layout else None,
        transfer_syntax_uid=text(meta, "TransferSyntaxUID") or None,
        sop_class_uid=_valid(sop_class),
        modality=modality,
        identity=identity_of(dataset),
        teeth=teeth,
        laterality=laterality_of(dataset),
        view=view,
        image_type=type_of(dataset, view),
        window=(windows[0].center, windows[0].width) if windows else None,
        spacing=FactSpacing(spacing.row_mm, spacing.column_mm, spacing.source) if spacing else None,
        study_uid=_valid(uids[1]),
        series_uid=_valid(uids[2]),
        sop_instance_uid=_valid(uids[0]),
        slice_position=_slice_position(dataset),
        study_description=text(dataset, "StudyDescription"),
        captured_at=captured_at_of(dataset),
        content_label=label,
        notes=notes,
    )


def _valid(uid: str) -> str | None:
    return uid if _UID.match(uid) else None


def _is_cut(opened: DicomFile) -> bool:
    """Whether pixel data is shorter than it says or than the image needs."""
    pixels = opened.pixels
    if pixels is None:
        return False
    if pixels.encapsulated or not pixels.is_complete:
        return not pixels.is_complete
    try:
        layout = layout_of(opened.dataset)
    except EnvironmentFault:
        return False
    return (pixels.end - pixels.value) * 8 < layout.frame_bits * layout.frames


def _slice_position(dataset: Dataset) -> float | None:
    """Distance in mm along the normal of the slice (PS3.3 C.7.6.2.1.1)."""
    position, orientation = numbers(dataset, "ImagePositionPatient"), numbers(dataset, "ImageOrientationPatient")
    if len(position) != 3 or len(orientation) != 6:
        return None
    normal = np.cross(orientation[:3], orientation[3:])
    return float(np.dot(normal, position))
