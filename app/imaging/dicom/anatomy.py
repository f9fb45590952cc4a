"""What part of the patient an image shows: teeth, side, and a guess at the kind of view.

Reads codes of all three generations (DICOM-DENTAL.md d4) through ``domain.tooth_codes``. The guess is
only a proposal for filing; a person may change it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataset import Dataset

from app.domain.image import RADIOGRAPHIC_VIEWS, ImageType, ImageView, Laterality
from app.domain.tooth import is_upper, ordered
from app.domain.tooth_codes import tooth_from_code
from app.imaging.dicom.functional import macro
from app.imaging.dicom.values import items, text

_CODE_SEQUENCES = (
    "PrimaryAnatomicStructureSequence",
    "AnatomicRegionSequence",
    "AnatomicStructureSpaceOrRegionSequence",
)
_MODIFIERS = ("PrimaryAnatomicStructureModifierSequence", "AnatomicRegionModifierSequence")
_SCHEMES = ("SCT", "SRT", "ISO3950")

_SIDES = {"L": Laterality.LEFT, "R": Laterality.RIGHT, "B": Laterality.BOTH}
# PS3.16 CID 244, current and retired schemes.
_SIDE_CODES = {
    "24028007": Laterality.RIGHT,
    "G-A100": Laterality.RIGHT,
    "7771000": Laterality.LEFT,
    "G-A101": Laterality.LEFT,
    "51440002": Laterality.BOTH,
    "G-A102": Laterality.BOTH,
}
_FACE_CODES = frozenset({"774007", "89545001", "T-D1000", "T-D1200"})

_CT_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.13.1.")
_IO_CLASSES = ("1.2.840.10008.5.1.4.1.1.1.3",)
_PHOTO_CLASSES = ("1.2.840.10008.5.1.4.1.1.77.1.4",)
_PDF_CLASSES = ("1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.104.2")
_XRAY_MODALITIES = frozenset({"IO", "PX", "DX", "CR", "DR", "RG", "CT", "XA", "RF"})
_PHOTO_MODALITIES = frozenset({"XC", "GM", "ES"})

_DESCRIPTIONS = (
    "SeriesDescription",
    "StudyDescription",
    "ProtocolName",
    "PerformedProcedureStepDescription",
    "AcquisitionDeviceProcessingDescription",
    "BodyPartExamined",
    "ViewPosition",
    "ImageComments",
)
_WORDS: tuple[tuple[ImageView, re.Pattern[str]], ...] = (
    (ImageView.BITEWING, re.compile(r"bite[\s_-]?wing|\bbwx?\b", re.I)),
    (ImageView.OCCLUSAL, re.compile(r"\bocclusal", re.I)),
    (ImageView.PANORAMIC, re.compile(r"panor|\bpano\b|\bopg\b|\bopt\b|orthopant", re.I)),
    (ImageView.CEPHALOMETRIC, re.compile(r"\bceph|teleradi", re.I)),
    (ImageView.CBCT, re.compile(r"\bcbct\b|cone[\s-]?beam", re.I)),
    (ImageView.PERIAPICAL, re.compile(r"peri-?apical|\bapical\b", re.I)),
)
_EXTRAORAL_WORDS = re.compile(r"extra-?oral|portrait|\bface\b|facial|profile|smile", re.I)


def teeth_of(dataset: Dataset) -> tuple[str, ...]:
    """The teeth named in the header, as Universal numbers in chart order."""
    found = set()
    for code, scheme in _codes(dataset):
        tooth = tooth_from_code(code, scheme)
        if tooth is None and not scheme:
            tooth = next((hit for known in _SCHEMES if (hit := tooth_from_code(code, known))), None)
        if tooth is not None:
            found.add(tooth)
    return ordered(found)


def laterality_of(dataset: Dataset) -> Laterality:
    """The side, at image level first (PS3.3 C.8.11.5), then series level, then as an anatomic modifier."""
    for keyword in ("ImageLaterality", "FrameLaterality", "Laterality"):
        side = _SIDES.get(text(dataset, keyword).upper())
        if side is not None:
            return side
    frame = macro(dataset, 0, "FrameAnatomySequence")
    if frame is not None and (side := _SIDES.get(text(frame, "FrameLaterality").upper())) is not None:
        return side
    for code, _ in _codes(dataset):
        if code in _SIDE_CODES:
            return _SIDE_CODES[code]
    return Laterality.UNKNOWN


def view_of(dataset: Dataset, sop_class: str, teeth: tuple[str, ...]) -> ImageView:
    """The most likely view: class and modality first, then what the descriptions say, then the teeth."""
    modality = text(dataset, "Modality").upper()
    if sop_class.startswith(_PDF_CLASSES):
        return ImageView.DOCUMENT
    if modality == "PX":
        return ImageView.PANORAMIC
    if modality == "CT" or sop_class.startswith(_CT_CLASSES):
        return ImageView.CBCT
    words = " ".join(text(dataset, keyword) for keyword in _DESCRIPTIONS)
    if modality in _PHOTO_MODALITIES or sop_class.startswith(_PHOTO_CLASSES):
        return _photo_view(dataset, words)
    for view, pattern in _WORDS:
        if pattern.search(words):
            return view
    if text(dataset, "PositionerType").upper() == "CEPHALOSTAT":
        return ImageView.CEPHALOMETRIC
    if modality == "IO" or sop_class.startswith(_IO_CLASSES):
        both_jaws = len({is_upper(tooth) for tooth in teeth}) == 2
        return ImageView.BITEWING if both_jaws else ImageView.PERIAPICAL
    return ImageView.OTHER


def type_of(dataset: Dataset, view: ImageView) -> ImageType:
    """The filing type that goes with a view and modality."""
    if view in RADIOGRAPHIC_VIEWS or text(dataset, "Modality").upper() in _XRAY_MODALITIES:
        return ImageType.XRAY
    if view in (ImageView.INTRAORAL_PHOTO, ImageView.EXTRAORAL_PHOTO):
        return ImageType.CLINICAL
    return ImageType.OTHER


def _photo_view(dataset: Dataset, words: str) -> ImageView:
    facial = any(code in _FACE_CODES for code, _ in _codes(dataset))
    if facial or _EXTRAORAL_WORDS.search(words):
        return ImageView.EXTRAORAL_PHOTO
    return ImageView.INTRAORAL_PHOTO


def _codes(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """(code value, scheme) of every anatomic code, at image level and in the frame anatomy macro."""
    frame = macro(dataset, 0, "FrameAnatomySequence")
    for level in (dataset, frame) if frame is not None else (dataset,):
        for sequence in _CODE_SEQUENCES:
            for item in items(level, sequence):
                yield _code(item)
                for modifier in _MODIFIERS:
                    yield from (_code(inner) for inner in items(item, modifier))
                yield from (_code(inner) for inner in items(item, "PrimaryAnatomicStructureSequence"))


def _code(item: Dataset) -> tuple[str, str]:
    value = text(item, "CodeValue") or text(item, "LongCodeValue")
    return value, text(item, "CodingSchemeDesignator")
