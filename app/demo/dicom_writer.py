"""DICOM objects of the made-up clinic's radiographs: intraoral (IO), panoramic and ceph (PX, DX).

Follows PS3.3 A.26 and A.27 (Digital X-Ray and Intra-Oral X-Ray, For Presentation). Explicit VR
Little Endian, UTF-8, UIDs derived from stable keys. Draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from app.demo.people import PlannedPatient
from app.demo.seeds import stable_uid
from app.demo.tooth_state import tooth_place
from app.domain.tooth_codes import BY_UNIVERSAL

IO_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.3"
DX_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
_IMPLEMENTATION = "2.25.139411842209812381913381023911002"
_REGIONS = {
    "upper": ("70925003", "Maxilla"),
    "lower": ("91609006", "Mandible"),
    "jaws": ("661005", "Jaw region"),
    "head": ("69536005", "Head"),
}


@dataclass(frozen=True)
class Exposure:
    """What the header says about how a picture was taken."""

    patient: PlannedPatient
    key: str
    number: int
    captured_at: datetime
    description: str
    teeth: tuple[str, ...]


def write_intraoral(path: Path, exposure: Exposure, pixels: NDArray[np.uint16], bits: int, mm: float) -> None:
    """Write a periapical or bitewing film as Digital Intra-Oral X-Ray For Presentation."""
    data = _common(exposure, IO_PRESENTATION, "IO", "XS-2 Sensor")
    _dx_image(data, pixels, bits, mm)
    _window(data, centre=0.50 * (1 << bits), width=1.0 * (1 << bits), explanation="File")
    data.ImageLaterality = _laterality(exposure.teeth)
    data.PatientOrientation = ["A", "F"] if data.ImageLaterality == "R" else ["P", "F"]
    jaws = {tooth_place(tooth).upper for tooth in exposure.teeth}
    region = "jaws" if len(jaws) != 1 else ("upper" if True in jaws else "lower")
    _anatomy(data, region, exposure.teeth)
    data.PositionerType = "NONE"
    data.KVP, data.XRayTubeCurrent, data.ExposureTime = 65, 7, 125
    data.ExposureInuAs = 875
    data.DistanceSourceToDetector = 310
    save(path, data)


def write_extraoral(
    path: Path, exposure: Exposure, pixels: NDArray[np.uint16], bits: int, mm: float, *, cephalometric: bool
) -> None:
    """Write a panoramic (PX) or cephalometric (DX) picture as Digital X-Ray For Presentation."""
    data = _common(exposure, DX_PRESENTATION, "DX" if cephalometric else "PX", "OrthoScan 3")
    _dx_image(data, pixels, bits, mm)
    _window(data, centre=0.48 * (1 << bits), width=0.9 * (1 << bits), explanation="File")
    data.ImageLaterality = "U" if cephalometric else "B"
    data.PatientOrientation = ["A", "F"] if cephalometric else ["L", "F"]
    _anatomy(data, "head" if cephalometric else "jaws", () if cephalometric else exposure.teeth)
    data.PositionerType = "CEPHALOSTAT" if cephalometric else "NONE"
    data.KVP, data.XRayTubeCurrent = (80, 10) if cephalometric else (70, 8)
    data.ExposureTime = 9400 if cephalometric else 14100
    data.EstimatedRadiographicMagnificationFactor = "1.1" if cephalometric else "1.25"
    save(path, data)


def identity(data: Dataset, exposure: Exposure, sop_class: str, modality: str, model: str) -> None:
    """Fill patient, study, series, equipment and SOP common of any object."""
    patient, taken = exposure.patient, exposure.captured_at
    day, time = taken.strftime("%Y%m%d"), taken.strftime("%H%M%S")
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID = sop_class
    data.SOPInstanceUID = stable_uid(exposure.key, "instance")
    data.PatientName = f"{patient.family_name}^{patient.given_name}"
    data.PatientID = patient.chart_number
    data.PatientBirthDate = patient.birth_date.strftime("%Y%m%d")
    data.PatientSex = patient.sex
    data.StudyInstanceUID = stable_uid(patient.key, "study", day)
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = day
    data.StudyTime = data.SeriesTime = data.AcquisitionTime = data.ContentTime = time
    data.AccessionNumber, data.ReferringPhysicianName = "", ""
    data.StudyID = f"{patient.chart_number}-{day[2:]}"[:16]
    data.StudyDescription = "Dental examination"
    data.Modality = modality
    data.SeriesInstanceUID = stable_uid(patient.key, "series", day, modality, exposure.number)
    data.SeriesNumber = exposure.number
    data.SeriesDescription = exposure.description
    data.Manufacturer = "Bitewing demonstration"
    data.ManufacturerModelName = model
    data.InstitutionName = "Nile Dental Clinic (demonstration)"
    data.DeviceSerialNumber = "DEMO-0001"
    data.SoftwareVersions = "1.0"
    data.InstanceNumber = 1


def _common(exposure: Exposure, sop_class: str, modality: str, model: str) -> Dataset:
    data = Dataset()
    identity(data, exposure, sop_class, modality, model)
    data.ImageComments = exposure.description
    data.PresentationIntentType = "FOR PRESENTATION"
    data.AcquisitionContextSequence = Sequence([])
    return data


def _dx_image(data: Dataset, pixels: NDArray[np.uint16], bits: int, mm: float) -> None:
    data.ImageType = ["ORIGINAL", "PRIMARY", ""]
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, bits, bits - 1, 0
    data.PixelIntensityRelationship, data.PixelIntensityRelationshipSign = "LOG", -1
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = 0, 1, "US"
    data.PresentationLUTShape = "IDENTITY"
    data.LossyImageCompression = "00"
    data.BurnedInAnnotation = "NO"
    data.ImagerPixelSpacing = [f"{mm:.4g}", f"{mm:.4g}"]
    data.DetectorType = "DIRECT"
    data.PixelData = np.ascontiguousarray(pixels, dtype="<u2").tobytes()
    data["PixelData"].VR = "OW"


def _window(data: Dataset, centre: float, width: float, explanation: str) -> None:
    data.WindowCenter, data.WindowWidth = f"{round(centre)}", f"{round(width)}"
    data.WindowCenterWidthExplanation = explanation


def code(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    """Return a code sequence item."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _anatomy(data: Dataset, region: str, teeth: tuple[str, ...]) -> None:
    data.AnatomicRegionSequence = Sequence([code(*_REGIONS[region])])
    if teeth:
        items = [code(BY_UNIVERSAL[tooth].sct, BY_UNIVERSAL[tooth].meaning) for tooth in teeth]
        data.PrimaryAnatomicStructureSequence = Sequence(items)


def _laterality(teeth: tuple[str, ...]) -> str:
    sides = {tooth_place(tooth).right for tooth in teeth}
    return "B" if len(sides) != 1 else ("R" if True in sides else "L")


def save(path: Path, data: Dataset) -> None:
    """Write a Part 10 file that is the same byte for byte for the same content."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = data.SOPClassUID
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _IMPLEMENTATION
    meta.ImplementationVersionName = "BITEWING_DEMO"
    data.file_meta = meta
    dcmwrite(path, data, enforce_file_format=True)
