"""Taking a patient out of a DICOM data set (PS3.15 Annex E, Basic Application Confidentiality Profile).

Works by what may stay, not by what must go: an attribute nobody thought of is dropped. UIDs are
replaced consistently within one export, so that series stay together.
"""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, generate_uid

# What a reader needs to show and measure the picture; none of it says whose it is.
_KEPT = frozenset(
    """SOPClassUID Modality ImageType ConversionType PresentationIntentType SpecificCharacterSet
    SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames FrameIncrementPointer Rows Columns
    BitsAllocated BitsStored HighBit PixelRepresentation PixelAspectRatio SmallestImagePixelValue
    LargestImagePixelValue PixelPaddingValue PixelPaddingRangeLimit PixelSpacing PixelSpacingCalibrationType
    ImagerPixelSpacing NominalScannedPixelSpacing EstimatedRadiographicMagnificationFactor RescaleIntercept
    RescaleSlope RescaleType WindowCenter WindowWidth VOILUTFunction ModalityLUTSequence VOILUTSequence
    LUTDescriptor LUTData ModalityLUTType PresentationLUTShape BurnedInAnnotation RecognizableVisualFeatures
    LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod RedPaletteColorLookupTableDescriptor
    GreenPaletteColorLookupTableDescriptor BluePaletteColorLookupTableDescriptor RedPaletteColorLookupTableData
    GreenPaletteColorLookupTableData BluePaletteColorLookupTableData PixelIntensityRelationship
    PixelIntensityRelationshipSign PatientOrientation ImageLaterality Laterality ViewPosition BodyPartExamined
    AnatomicRegionSequence PrimaryAnatomicStructureSequence AnatomicRegionModifierSequence ViewCodeSequence
    ViewModifierCodeSequence CodeValue CodingSchemeDesignator CodeMeaning InstanceNumber SeriesNumber
    ImagePositionPatient ImageOrientationPatient SliceLocation SliceThickness SpacingBetweenSlices FrameTime
    FrameTimeVector KVP ExposureTime XRayTubeCurrent Exposure DistanceSourceToDetector DistanceSourceToPatient
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence PixelMeasuresSequence PlanePositionSequence
    PlaneOrientationSequence FrameVOILUTSequence PixelValueTransformationSequence FrameContentSequence
    DimensionIndexValues FrameAnatomySequence FrameLaterality InstanceCreatorUID PixelData ICCProfile ColorSpace
    """.split()  # noqa: SIM905 - a word list reads better
)
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
    clean = _kept(dataset)
    for keyword in _UIDS:
        old = str(dataset.get(keyword, "") or "")
        if old or keyword != "FrameOfReferenceUID":
            setattr(clean, keyword, uids.new(old or f"missing-{keyword}-{id(dataset)}"))
    for keyword in _EMPTY:
        if keyword not in clean:
            setattr(clean, keyword, None)
    clean.PatientIdentityRemoved = "YES"
    clean.DeidentificationMethod = _METHOD
    clean.file_meta = dataset.file_meta
    clean.file_meta.MediaStorageSOPInstanceUID = clean.SOPInstanceUID
    for keyword in ("SourceApplicationEntityTitle", "PrivateInformation", "PrivateInformationCreatorUID"):
        if keyword in clean.file_meta:
            delattr(clean.file_meta, keyword)
    clean.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    return clean


def _kept(dataset: Dataset) -> Dataset:
    clean = Dataset()
    for element in dataset:
        if element.tag.is_private or element.keyword not in _KEPT:
            continue
        if element.VR == "SQ":
            clean.add_new(element.tag, "SQ", Sequence([_kept(item) for item in element.value]))
        else:
            clean.add(element)
    return clean
