"""Values of a data set that may stay when its patient is taken out: numbers, words of lists, known codes, sound tables.

A keyword alone lets nothing stay: its value must be of the kind, the number and the size that the standard's dictionary
gives it (PS3.6), for a file may call anything by any name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import format_number_as_ds

from app.domain.tooth_codes import BY_UNIVERSAL, tooth_from_code
from app.imaging.dicom.guard import DATA_ERRORS
from app.imaging.dicom.luts import table_of

# What a reader needs to show and measure the picture; none of it says whose it is.
KEPT = frozenset(
    """SamplesPerPixel PlanarConfiguration NumberOfFrames FrameIncrementPointer Rows Columns
    BitsAllocated BitsStored HighBit PixelRepresentation PixelAspectRatio SmallestImagePixelValue
    LargestImagePixelValue PixelPaddingValue PixelPaddingRangeLimit PixelSpacing
    ImagerPixelSpacing NominalScannedPixelSpacing EstimatedRadiographicMagnificationFactor RescaleIntercept
    RescaleSlope WindowCenter WindowWidth ModalityLUTSequence VOILUTSequence
    LUTDescriptor LossyImageCompressionRatio PixelIntensityRelationshipSign
    AnatomicRegionSequence PrimaryAnatomicStructureSequence
    AnatomicRegionModifierSequence ViewCodeSequence ViewModifierCodeSequence
    ImagePositionPatient ImageOrientationPatient SliceLocation SliceThickness SpacingBetweenSlices FrameTime
    FrameTimeVector KVP ExposureTime XRayTubeCurrent Exposure DistanceSourceToDetector DistanceSourceToPatient
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence PixelMeasuresSequence PlanePositionSequence
    PlaneOrientationSequence FrameVOILUTSequence PixelValueTransformationSequence FrameContentSequence
    DimensionIndexValues FrameAnatomySequence DimensionOrganizationSequence DimensionOrganizationUID
    DimensionIndexSequence DimensionIndexPointer FunctionalGroupPointer PixelData""".split()  # noqa: SIM905 - a word list reads better
)
_SIDE = r"[RLBU]"
# Words that may stay, and how each of their values must look: a code string takes a name as well.
_WORDS: dict[str, str] = {
    "Modality": "IO|PX|DX|CR|DR|RG|CT|MR|US|XA|RF|XC|GM|ES|OT|OP|DOC",
    "ImageType": r"ORIGINAL|DERIVED|PRIMARY|SECONDARY|AXIAL|CORONAL|SAGITTAL|LOCALIZER|PANORAMA?|PANORAMIC|VOLUME|MPR|"
    r"BITEWING|PERIAPICAL|OCCLUSAL|CEPHALOMETRIC|INTRAORAL|PROJECTION IMAGE|RESAMPLED|NONE|MIXED|CBCT",
    "ConversionType": "DV|DI|DF|WSD|SD|SI|DRW|SYN",
    "PresentationIntentType": "FOR PRESENTATION|FOR PROCESSING",
    "PhotometricInterpretation": r"MONOCHROME[12]|RGB|PALETTE COLOR|YBR_(FULL|FULL_422|PARTIAL_420|ICT|RCT)",
    "PixelSpacingCalibrationType": "GEOMETRY|FIDUCIAL",
    "RescaleType": "US|HU|HU_MOD|OD|MGML|Z_EFF|ED|EDW|PCT",
    "ModalityLUTType": "US|HU|HU_MOD|OD|MGML|Z_EFF|ED|EDW|PCT",
    "VOILUTFunction": "LINEAR|LINEAR_EXACT|SIGMOID",
    "PresentationLUTShape": "IDENTITY|INVERSE|LIN OD",
    "BurnedInAnnotation": "YES|NO",
    "RecognizableVisualFeatures": "YES|NO",
    "LossyImageCompression": "0[01]",
    "LossyImageCompressionMethod": r"ISO_(10918_1|14495_1|15444_1|15444_15|13818_2|14496_10|23008_2)",
    "PixelIntensityRelationship": "LIN|LOG|DISP",
    "PatientOrientation": r"[AFHLPR]{0,3}",
    "ImageLaterality": _SIDE,
    "Laterality": _SIDE,
    "FrameLaterality": _SIDE,
    "ViewPosition": "AP|PA|LL|RL|RLD|LLD|RLO|LLO|CC|MLO",
    "BodyPartExamined": "HEAD|SKULL|JAW|MAXILLA|MANDIBLE|TMJ|TOOTH|TEETH|DENTAL|MOUTH|FACE|NECK|HEADNECK|SINUS|ORBIT",
    "ColorSpace": "SRGB|ADOBERGB|ROMMRGB|DISPLAYP3",
}
# Decimal strings and integer strings (PS3.5 section 6.2), and nothing that Python reads beside them.
_NUMBERS = {"DS": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?"), "IS": re.compile(r"[+-]?\d+")}
_BINARY = frozenset({"FD", "FL", "SL", "SS", "SV", "UL", "US", "UV"})
# What is measured in a mouth is smaller; a birthday or a telephone is not.
_BELOW = 1_000_000
_MOST_DIGITS = 16
# More values of one attribute than this only where each frame has one.
_MOST_VALUES = 16
_PER_FRAME = "FrameTimeVector"
# Attributes that frames follow, dimensions point to: of the standard's own.
_POINTERS = "AT"
# Codes that say which part of the body, which side (PS3.16 CID 4, 244, 4016): value and meaning by scheme.
_PARTS = {
    "38199008": "Tooth",
    "24028007": "Right",
    "7771000": "Left",
    "51440002": "Bilateral",
    "774007": "Head and Neck",
    "69536005": "Head",
    "89545001": "Face",
    "661005": "Jaw region",
    "70925003": "Maxilla",
    "91609006": "Mandible",
    "53620006": "Temporomandibular joint",
}
_OLD_PARTS = {
    "T-54000": "Tooth",
    "G-A100": "Right",
    "G-A101": "Left",
    "G-A102": "Bilateral",
    "T-D1000": "Head and Neck",
    "T-D1100": "Head",
    "T-D1200": "Face",
    "T-D1213": "Jaw region",
    "T-11170": "Maxilla",
    "T-11180": "Mandible",
    "T-15770": "Temporomandibular joint",
}
_CODES: dict[str, dict[str, str]] = {"SCT": _PARTS, "SRT": _OLD_PARTS, "SNM3": _OLD_PARTS, "ISO3950": {}}


def elements_of(dataset: Dataset) -> Iterator[DataElement]:
    """Yield the elements of a data set; those that cannot be read say nothing that could stay."""
    for tag in sorted(dataset.keys()):
        try:
            element = dataset[tag]
        except DATA_ERRORS:
            continue
        yield element


def clean_value(element: DataElement) -> Any:
    """Return the value that may stay; ``None`` where none of it may."""
    keyword = "" if element.tag.is_private else element.keyword
    if keyword not in KEPT and keyword not in _WORDS:
        return None
    values = list(element.value) if isinstance(element.value, (MultiValue, list)) else [element.value]
    if element.VR not in dictionary_VR(element.tag).split(" or ") or not _fits(keyword, element, len(values)):
        return None
    if keyword in _WORDS:
        return _words(keyword, values)
    if keyword == "PixelData":
        # To be made anew.
        return element.value
    if element.VR == _POINTERS:
        return element.value if all(_is_public(value) for value in values) else None
    if not all(_is_small_number(value, element.VR) for value in values):
        return None
    if element.VR == "DS" and any(len(str(value).strip()) > _MOST_DIGITS for value in values):
        # Against the standard, and common: what a sensor knows fits into sixteen characters.
        return [format_number_as_ds(float(value)) for value in values]
    return element.value


def put_known_code(clean: Dataset, item: Dataset) -> None:
    """Keep a code of a tooth, a side or a region, with a meaning of our own: what stood beside it is free text."""
    value, scheme = str(item.get("CodeValue", "")).strip(), str(item.get("CodingSchemeDesignator", "")).strip()
    if scheme not in _CODES:
        return
    tooth = tooth_from_code(value, scheme)
    known = BY_UNIVERSAL[tooth].meaning if tooth in BY_UNIVERSAL else _CODES[scheme].get(value)
    if known is not None:
        clean.CodeValue, clean.CodingSchemeDesignator, clean.CodeMeaning = value.upper(), scheme, known[:64]


def put_clean_table(clean: Dataset, item: Dataset, *, is_signed: bool) -> None:
    """Keep a look-up table in an item if it is one: as long as it says, and rising or falling throughout.

    One that jumps shows nothing to anybody, and may be text.
    """
    if "LUTDescriptor" not in clean and "LUTData" not in item:
        return
    table = table_of(item, is_signed=is_signed) if "LUTDescriptor" in clean else None
    steps = np.diff(table.entries.astype(np.int32)) if table is not None else np.array([-1, 1])
    if table is None or ((steps < 0).any() and (steps > 0).any()):
        for keyword in ("LUTDescriptor", "ModalityLUTType"):
            if keyword in clean:
                delattr(clean, keyword)
        return
    # One word for each entry, whatever way they were packed.
    clean.add_new(0x00283006, "OW", table.entries.astype("<u2").tobytes())


def _fits(keyword: str, element: DataElement, count: int) -> bool:
    """Whether there are as many values as the dictionary has of it."""
    least, _, most = dictionary_VM(element.tag).partition("-")
    if most.endswith("n"):
        return keyword == _PER_FRAME or count <= _MOST_VALUES
    return int(least) <= count <= int(most or least) or element.is_empty


def _words(keyword: str, values: list[Any]) -> Any:
    pattern, kept = re.compile(_WORDS[keyword]), []
    for value in values:
        if not pattern.fullmatch(str(value or "").strip()):
            break
        kept.append(str(value or "").strip())
    whole = kept if len(kept) == len(values) or keyword == "ImageType" else []
    return (whole if len(whole) > 1 else whole[0]) if whole else None


def _is_public(value: Any) -> bool:
    return dictionary_has_tag(int(value)) and int(value) >> 16 != 0x0010


def _is_small_number(value: Any, vr: str) -> bool:
    if value is None or value == "":
        return True
    pattern = _NUMBERS.get(vr)
    if pattern is not None:
        if not pattern.fullmatch(str(value).strip()):
            return False
    elif vr not in _BINARY or isinstance(value, (bytes, str)):
        return False
    return math.isfinite(float(value)) and abs(float(value)) < _BELOW
