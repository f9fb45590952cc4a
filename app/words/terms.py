"""Names of the field's things: image types, views, teeth, sides, states."""

from __future__ import annotations

from app.domain.identity import Decision, Verdict
from app.domain.image import ImageType, ImageView, Laterality
from app.domain.patient import Sex
from app.domain.tooth import GENERAL, is_primary, is_right, is_upper, position
from app.domain.treatment import TreatmentStatus
from app.words.catalogue import t


def destination(name: str) -> str:
    """Return what people call a destination of the queues: ``orthanc``, ``mirror.nas``."""
    kind, _dot, rest = name.partition(".")
    if kind == "public":
        return t("{name} (public)", name=rest)
    return t("Archive") if name == "orthanc" else rest or name


def image_type(value: ImageType | str) -> str:
    """Return the name of an image type."""
    return {
        ImageType.BEFORE: t("before"),
        ImageType.AFTER: t("after"),
        ImageType.XRAY: t("x-ray"),
        ImageType.CLINICAL: t("clinical"),
        ImageType.OTHER: t("other"),
    }[ImageType(value)]


def image_view(value: ImageView | str) -> str:
    """Return the name of a view."""
    return {
        ImageView.PERIAPICAL: t("periapical"),
        ImageView.BITEWING: t("bitewing"),
        ImageView.OCCLUSAL: t("occlusal"),
        ImageView.PANORAMIC: t("panoramic"),
        ImageView.CEPHALOMETRIC: t("cephalometric"),
        ImageView.CBCT: t("CBCT"),
        ImageView.INTRAORAL_PHOTO: t("intraoral photo"),
        ImageView.EXTRAORAL_PHOTO: t("extraoral photo"),
        ImageView.DOCUMENT: t("document"),
        ImageView.OTHER: t("other view"),
    }[ImageView(value)]


def laterality(value: Laterality | str) -> str:
    """Return the name of a side."""
    return {
        Laterality.LEFT: t("left"),
        Laterality.RIGHT: t("right"),
        Laterality.BOTH: t("both sides"),
        Laterality.UNKNOWN: t("side unknown"),
    }[Laterality(value)]


def sex(value: Sex | str) -> str:
    """Return the name of a sex."""
    return {Sex.MALE: t("male"), Sex.FEMALE: t("female"), Sex.OTHER: t("other sex"), Sex.UNKNOWN: t("not stated")}[
        Sex(value)
    ]


def tooth_name(tooth: str) -> str:
    """Return the anatomical name: ``upper right central incisor``."""
    if tooth == GENERAL:
        return t("whole mouth")
    quadrant = {
        (True, True): t("upper right"),
        (True, False): t("upper left"),
        (False, True): t("lower right"),
        (False, False): t("lower left"),
    }[is_upper(tooth), is_right(tooth)]
    return t("{quadrant} {tooth}", quadrant=quadrant, tooth=_class_name(tooth))


def _class_name(tooth: str) -> str:
    if is_primary(tooth):
        return (
            t("primary central incisor"),
            t("primary lateral incisor"),
            t("primary canine"),
            t("primary first molar"),
            t("primary second molar"),
        )[position(tooth) - 1]
    return (
        t("central incisor"),
        t("lateral incisor"),
        t("canine"),
        t("first premolar"),
        t("second premolar"),
        t("first molar"),
        t("second molar"),
        t("third molar"),
    )[position(tooth) - 1]


def content(label: str) -> str:
    """Return what a DICOM object without an ordinary picture is."""
    return {
        "encapsulated_pdf": t("a PDF document in DICOM"),
        "structured_report": t("a structured report"),
        "waveform": t("a waveform"),
        "rt_structure": t("a radiotherapy structure set"),
        "rt_plan": t("a radiotherapy plan"),
        "rt_dose": t("a radiotherapy dose"),
        "presentation_state": t("a presentation state"),
        "key_object_selection": t("a selection of key images"),
        "encapsulated_stl": t("a surface scan (STL)"),
        "surface": t("a surface scan"),
        "segmentation": t("a segmentation"),
        "structured_display": t("a mount (structured display)"),
        "hanging_protocol": t("a mount template (hanging protocol)"),
        "registration": t("a spatial registration"),
        "dicomdir": t("a DICOMDIR index"),
        "for_processing": t("unprocessed detector data"),
    }.get(label, t("a DICOM object without a picture"))


def contradiction(part: str) -> str:
    """Return the name of a part of an identity."""
    return {
        "patient_id": t("patient number"),
        "name": t("name"),
        "birth_date": t("birth date"),
        "sex": t("sex"),
    }.get(part, part)


def modality(code: str) -> str:
    """Return what kind of image a modality's code stands for, empty for those that are left as they are."""
    return {
        "IO": t("intra-oral X-ray"),
        "PX": t("panoramic X-ray"),
        "CT": t("CT and CBCT"),
        "DX": t("digital X-ray"),
        "CR": t("X-ray from a plate"),
        "XC": t("photograph"),
        "MR": t("MRI"),
        "US": t("ultrasound"),
        "OT": t("other"),
    }.get(code, "")


def treatment_status(value: TreatmentStatus | str) -> str:
    """Return how far a treatment is."""
    return {
        TreatmentStatus.PLANNED: t("planned"),
        TreatmentStatus.IN_PROGRESS: t("in progress"),
        TreatmentStatus.COMPLETED: t("completed"),
        TreatmentStatus.CANCELLED: t("cancelled"),
    }[TreatmentStatus(value)]


def import_status(status: str) -> str:
    """Return what became of an imported file."""
    return {
        "imported": t("imported"),
        "inbox": t("in the inbox"),
        "duplicate": t("already here"),
        "skipped": t("skipped, not an image"),
        "quarantined": t("kept aside"),
        "failed": t("failed"),
    }.get(status, status)


def standing(decision: Decision) -> str:
    """Return in a word whether somebody whom others describe is known in the library."""
    if decision.patient_id is not None:
        return t("described differently") if decision.contradictions else t("known")
    return t("new") if decision.verdict is Verdict.MAKE_PATIENT else t("not sure who")
