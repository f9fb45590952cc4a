"""Taking a patient out of a DICOM data set (PS3.15 Annex E, Basic Application Confidentiality Profile).

Works by what may stay, not by what must go: an attribute nobody thought of is dropped, and one that may stay stays
only with a value that says what it is for: a name may stand anywhere. UIDs are replaced consistently within one
export, so that series stay together. Which values may stay is :mod:`app.services.export.clean_values`' business,
pixels are :mod:`app.services.export.clean_pixels`'.
"""

from __future__ import annotations

import re
from collections import Counter

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, SecondaryCaptureImageStorage, UID_dictionary, generate_uid

from app.services.export.clean_values import KEPT, clean_value, elements_of, put_clean_table, put_known_code

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
    "Manufacturer",
)
_METHOD = "Bitewing: PS3.15 Annex E basic profile, allow list"


class UidMap:
    """Old UID to new UID, random, for the life of one export."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._series: dict[str, dict[str, int]] = {}
        self._instances: Counter[str] = Counter()

    def new(self, uid: str) -> str:
        """Return the replacement of ``uid``; always the same one."""
        return self._known.setdefault(uid, str(generate_uid(prefix=None)))

    def place(self, study: str, series: str) -> tuple[int, int]:
        """Return the number of a series in its study, and the next of an object in it: as they go out, from 1."""
        of_study = self._series.setdefault(study, {})
        self._instances[series] += 1
        return of_study.setdefault(series, len(of_study) + 1), self._instances[series]


def deidentified(dataset: Dataset, uids: UidMap) -> Dataset:
    """Return a copy with nothing of the patient, the clinic, its staff or devices in it."""
    clean = _kept(dataset, uids, is_signed=dataset.get("PixelRepresentation") == 1, is_whole=True)
    own_class = str(dataset.get("SOPClassUID", "") or "")
    # A class of a maker's own says whose device it was.
    is_known = UID_dictionary.get(own_class, ("", ""))[1] == "SOP Class"
    clean.SOPClassUID = own_class if is_known else SecondaryCaptureImageStorage
    if not isinstance(clean.get("ImageType"), MultiValue):
        # Two values at least are required (PS3.3 C.7.6.1.1.2); what a single one meant cannot be known.
        clean.ImageType = ["DERIVED", "SECONDARY"]
    for keyword in _UIDS:
        old = str(dataset.get(keyword, "") or "")
        if old or keyword != "FrameOfReferenceUID":
            setattr(clean, keyword, uids.new(old or f"missing-{keyword}-{id(dataset)}"))
    # A number of somebody's own may be anything: a birthday, a telephone.
    clean.SeriesNumber, clean.InstanceNumber = uids.place(clean.StudyInstanceUID, clean.SeriesInstanceUID)
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
    for element in elements_of(dataset):
        if element.VR == "SQ" and not element.is_private and element.keyword in KEPT:
            for item in element.value:
                counts.update(removed_from(item))
        elif element.VR == "SQ":
            for item in element.value:
                counts.update(_everything(item, _kind_of(element)))
        elif not element.is_empty and clean_value(element) is None and element.keyword not in _ALWAYS:
            counts[_kind_of(element)] += 1
    return counts


_ALWAYS = frozenset(
    """SOPClassUID SpecificCharacterSet CodeValue CodingSchemeDesignator CodeMeaning SeriesNumber InstanceNumber
    LUTData""".split()  # noqa: SIM905 - a word list reads better
)
_KINDS = (
    (
        "people",
        re.compile("Physician|Operator|Performer|Reader|Person|Institution|Department|Author|Observer|Reviewer"),
    ),
    ("devices", re.compile("Manufacturer|Station|Device|Serial|Software|Detector|Gantry|Plate|ApplicationEntity")),
)


def _everything(dataset: Dataset, kind: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for element in elements_of(dataset):
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


def _kept(dataset: Dataset, uids: UidMap, *, is_signed: bool, is_whole: bool = False) -> Dataset:
    clean = Dataset()
    if "CodeValue" in dataset:
        put_known_code(clean, dataset)
    for element in elements_of(dataset):
        if element.VR == "SQ" and not element.tag.is_private and element.keyword in KEPT:
            kept = [_kept(item, uids, is_signed=is_signed) for item in element.value]
            # An item of which nothing stays was a code, or a table, of somebody's own.
            left = [item for item in kept if len(item)]
            if left or not kept:
                clean.add_new(element.tag, "SQ", Sequence(left))
        elif element.keyword == "DimensionOrganizationUID":
            clean.DimensionOrganizationUID = uids.new(str(element.value))
        elif element.keyword != "PixelData" or is_whole:
            value = clean_value(element)
            if value is not None:
                clean.add_new(element.tag, element.VR, value)
    put_clean_table(clean, dataset, is_signed=is_signed)
    return clean
