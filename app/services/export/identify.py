"""Whose image it is, when it was taken and what it shows, written into a data set as the catalogue knows it."""

from __future__ import annotations

from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from app.domain.image import Laterality
from app.domain.patient import Patient
from app.domain.tooth import ordered
from app.domain.tooth_codes import BY_UNIVERSAL
from app.services.export.model import Exportable

_SIDES = {Laterality.LEFT: "L", Laterality.RIGHT: "R", Laterality.BOTH: "B"}
_REGIONS = ("AnatomicRegionSequence", "PrimaryAnatomicStructureSequence")
# What a data set says of itself that has been through ``deidentify``.
_ANONYMOUS = (
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "LongitudinalTemporalInformationModified",
)


def put_patient(dataset: Dataset, patient: Patient | None) -> None:
    """Write a patient into a data set, in UTF-8."""
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = f"{patient.family_name}^{patient.given_name}" if patient else None
    dataset.PatientID = (patient.chart_number or patient.id) if patient else None
    dataset.PatientBirthDate = patient.birth_date.strftime("%Y%m%d") if patient and patient.birth_date else None
    dataset.PatientSex = patient.sex.value if patient else None


def put_moment(dataset: Dataset, moment: datetime) -> None:
    """Write when an image was taken."""
    dataset.StudyDate = dataset.ContentDate = moment.strftime("%Y%m%d")
    dataset.StudyTime = dataset.ContentTime = moment.strftime("%H%M%S")
    dataset.AcquisitionDateTime = moment.strftime("%Y%m%d%H%M%S+0000")


def put_teeth(dataset: Dataset, image: Exportable) -> None:
    """Write which teeth an image shows; nothing where that is not known."""
    teeth = [BY_UNIVERSAL[tooth] for tooth in ordered(image.record.shown_teeth()) if tooth in BY_UNIVERSAL]
    if teeth:
        dataset.AnatomicRegionSequence = Sequence([_code("38199008", "SCT", "Tooth")])
        dataset.PrimaryAnatomicStructureSequence = Sequence([_code(tooth.sct, "SCT", tooth.meaning) for tooth in teeth])


def put_side(dataset: Dataset, image: Exportable) -> None:
    """Write on which side it is, as far as that is known."""
    if image.record.laterality in _SIDES:
        dataset.ImageLaterality = _SIDES[image.record.laterality]
    else:
        # Type 2C for a paired part whose side is not known (PS3.3 C.7.3.1).
        dataset.Laterality = None


def identify(dataset: Dataset, image: Exportable, clinic: str) -> None:
    """Write into a de-identified data set whose it is: the catalogue's words alone, nothing that a file once said.

    A header may be another patient's: the image was filed to the right one since.
    """
    _drop(dataset, _ANONYMOUS)
    put_patient(dataset, image.patient)
    if image.record.captured_at is not None:
        put_moment(dataset, image.record.captured_at)
    if image.record.laterality in _SIDES:
        _drop(dataset, ("ImageLaterality", "Laterality"))
        put_side(dataset, image)
    if image.record.shown_teeth():
        _drop(dataset, _REGIONS)
        put_teeth(dataset, image)
    dataset.InstitutionName = clinic or None


def _drop(dataset: Dataset, keywords: tuple[str, ...]) -> None:
    for keyword in keywords:
        if keyword in dataset:
            delattr(dataset, keyword)


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning[:64]
    return code
