"""Taking a patient out of a DICOM data set (PS3.15 Annex E, Basic Application Confidentiality Profile).

Works by what may stay, not by what must go: an attribute nobody thought of is dropped, and one that may stay stays
only with a value that says what it is for: a name may stand anywhere. UIDs are replaced consistently within one
export, so that series stay together. Pixels are :mod:`app.services.export.clean_pixels`' business.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, SecondaryCaptureImageStorage, generate_uid

from app.domain.tooth_codes import BY_UNIVERSAL, tooth_from_code

# What a reader needs to show and measure the picture; none of it says whose it is.
_KEPT = frozenset(
    """SamplesPerPixel PlanarConfiguration NumberOfFrames FrameIncrementPointer Rows Columns
    BitsAllocated BitsStored HighBit PixelRepresentation PixelAspectRatio SmallestImagePixelValue
    LargestImagePixelValue PixelPaddingValue PixelPaddingRangeLimit PixelSpacing
    ImagerPixelSpacing NominalScannedPixelSpacing EstimatedRadiographicMagnificationFactor RescaleIntercept
    RescaleSlope WindowCenter WindowWidth ModalityLUTSequence VOILUTSequence
    LUTDescriptor LUTData LossyImageCompressionRatio RedPaletteColorLookupTableDescriptor
    GreenPaletteColorLookupTableDescriptor BluePaletteColorLookupTableDescriptor RedPaletteColorLookupTableData
    GreenPaletteColorLookupTableData BluePaletteColorLookupTableData
    PixelIntensityRelationshipSign AnatomicRegionSequence PrimaryAnatomicStructureSequence
    AnatomicRegionModifierSequence ViewCodeSequence ViewModifierCodeSequence InstanceNumber SeriesNumber
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
_NUMBERS = frozenset({"DS", "IS"})
_BINARY = frozenset({"AT", "FD", "FL", "OB", "OD", "OF", "OL", "OW", "SL", "SS", "SV", "UL", "US", "UV"})
# Codes of public schemes: their values say nothing of a person, what is written beside them may.
_CODES = {"SCT": r"\d{5,18}", "SRT": r"[A-Z]-[A-Z0-9]{4,7}", "SNM3": r"[A-Z]-[A-Z0-9]{4,7}", "DCM": r"\d{6}"}
_CODES |= {"ISO3950": r"\d\d", "FMA": r"\d{3,6}"}
_MEANINGS = {"38199008": "Tooth", "T-54000": "Tooth", "24028007": "Right", "7771000": "Left", "51440002": "Bilateral"}
_CLASSES = "1.2.840.10008."
_UIDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
# Required by every image object, present with nothing in them (type 2, PS3.3 C.7).
_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyID",
    "SeriesNumber",
    "InstanceNumber",
    "Manufacturer",
)
_METHOD = "Bitewing: PS3.15 Annex E basic profile, allow list"


class UidMap:
    """Old UID to new UID, random, for the life of one export."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def new(self, uid: str) -> str:
        """Return the replacement of ``uid``; always the same one."""
        return self._known.setdefault(uid, str(generate_uid(prefix=None)))


def deidentified(dataset: Dataset, uids: UidMap) -> Dataset:
    """Return a copy with nothing of the patient, the clinic, its staff or devices in it."""
    clean = _kept(dataset, uids)
    own_class = str(dataset.get("SOPClassUID", "") or "")
    # A class of a maker's own says whose device it was.
    clean.SOPClassUID = own_class if own_class.startswith(_CLASSES) else SecondaryCaptureImageStorage
    if not isinstance(clean.get("ImageType"), MultiValue):
        # Two values at least are required (PS3.3 C.7.6.1.1.2); what a single one meant cannot be known.
        clean.ImageType = ["DERIVED", "SECONDARY"]
    for keyword in _UIDS:
        old = str(dataset.get(keyword, "") or "")
        if old or keyword != "FrameOfReferenceUID":
            setattr(clean, keyword, uids.new(old or f"missing-{keyword}-{id(dataset)}"))
    for keyword in _EMPTY:
        if keyword not in clean:
            setattr(clean, keyword, None)
    clean.PatientIdentityRemoved = "YES"
    clean.DeidentificationMethod = _METHOD
    clean.DeidentificationMethodCodeSequence = Sequence([_profile()])
    clean.LongitudinalTemporalInformationModified = "REMOVED"
    clean.file_meta = dataset.file_meta
    clean.file_meta.MediaStorageSOPClassUID = clean.SOPClassUID
    clean.file_meta.MediaStorageSOPInstanceUID = clean.SOPInstanceUID
    for element in tuple(clean.file_meta):
        if element.keyword not in _META:
            del clean.file_meta[element.tag]
    clean.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    return clean


_META = frozenset({"MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID"})


def removed_from(dataset: Dataset) -> Counter[str]:
    """Count what :func:`deidentified` leaves out or empties, by kind (``patient``, ``dates``, ``private``, …)."""
    counts: Counter[str] = Counter()
    for element in dataset:
        if element.VR == "SQ" and not element.is_private and element.keyword in _KEPT:
            for item in element.value:
                counts.update(removed_from(item))
        elif element.VR == "SQ":
            for item in element.value:
                counts.update(_everything(item, _kind_of(element)))
        elif not element.is_empty and _clean_value(element) is None and element.keyword not in _ALWAYS:
            counts[_kind_of(element)] += 1
    return counts


_ALWAYS = frozenset({"SOPClassUID", "SpecificCharacterSet", "CodeValue", "CodingSchemeDesignator", "CodeMeaning"})
_KINDS = (
    (
        "people",
        re.compile("Physician|Operator|Performer|Reader|Person|Institution|Department|Author|Observer|Reviewer"),
    ),
    ("devices", re.compile("Manufacturer|Station|Device|Serial|Software|Detector|Gantry|Plate|ApplicationEntity")),
)


def _everything(dataset: Dataset, kind: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                counts.update(_everything(item, kind))
        elif not element.is_empty:
            own = _kind_of(element)
            counts[kind if kind in {"private", "overlays"} else own] += 1
    return counts


def _kind_of(element: DataElement) -> str:
    """Return what a removed element is about, for people to read."""
    if element.tag.is_private:
        return "private"
    if 0x6000 <= element.tag.group <= 0x60FF or element.tag.group >> 8 == 0x50 or element.keyword.startswith("Icon"):
        return "overlays"
    for kind, pattern in _KINDS:
        if pattern.search(element.keyword):
            return kind
    if element.tag.group == 0x0010 or element.keyword.startswith("OtherPatient"):
        return "patient"
    if element.VR == "PN":
        return "people"
    by_vr = {"DA": "dates", "TM": "dates", "DT": "dates", "UI": "numbers"}
    return by_vr.get(element.VR, "texts" if element.VR in {"LT", "ST", "UT", "LO", "SH", "UC"} else "other")


def _profile() -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    return code


def _kept(dataset: Dataset, uids: UidMap) -> Dataset:
    clean = Dataset()
    if "CodeValue" in dataset:
        _keep_code(dataset, clean)
    for element in dataset:
        if element.VR == "SQ" and not element.tag.is_private and element.keyword in _KEPT:
            kept = [_kept(item, uids) for item in element.value]
            # An item of which nothing stays was a code of somebody's own.
            left = [item for item in kept if len(item)]
            if left or not kept:
                clean.add_new(element.tag, "SQ", Sequence(left))
        elif element.keyword == "DimensionOrganizationUID":
            clean.DimensionOrganizationUID = uids.new(str(element.value))
        else:
            value = _clean_value(element)
            if value is not None:
                clean.add_new(element.tag, element.VR, value)
    return clean


def _clean_value(element: DataElement) -> Any:
    """Return the value that may stay; ``None`` where none of it may."""
    keyword = "" if element.tag.is_private else element.keyword
    values = list(element.value) if isinstance(element.value, MultiValue) else [element.value]
    if keyword in _WORDS:
        pattern, kept = re.compile(_WORDS[keyword]), []
        for value in values:
            if not pattern.fullmatch(str(value or "").strip()):
                break
            kept.append(str(value or "").strip())
        whole = kept if len(kept) == len(values) or keyword == "ImageType" else []
        return (whole if len(whole) > 1 else whole[0]) if whole else None
    if keyword not in _KEPT:
        return None
    if element.VR in _NUMBERS:
        return element.value if all(_is_number(value) for value in values) else None
    return element.value if element.VR in _BINARY else None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _keep_code(item: Dataset, clean: Dataset) -> None:
    """Keep a code of a public scheme, with a meaning of our own: what stood beside it is free text."""
    value, scheme = str(item.get("CodeValue", "")).strip(), str(item.get("CodingSchemeDesignator", "")).strip()
    if scheme not in _CODES or not re.fullmatch(_CODES[scheme], value):
        return
    tooth = tooth_from_code(value, scheme)
    meaning = BY_UNIVERSAL[tooth].meaning if tooth in BY_UNIVERSAL else _MEANINGS.get(value, value)
    clean.CodeValue, clean.CodingSchemeDesignator, clean.CodeMeaning = value, scheme, meaning[:64]
