"""What the columns of a foreign list mean, told by their names in common spellings (English and Arabic)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from app.domain.folding import fold

_SEPARATOR = re.compile(r"[\s_\-.]+")

_IMAGES: dict[str, tuple[str, ...]] = {
    "id": ("id", "image id", "imageid", "uuid"),
    "file": ("file name", "filename", "file", "image file", "stored name", "image name", "name", "اسم الملف"),
    "path": ("path", "file path", "filepath", "image path", "url", "المسار"),
    "directory": ("directory", "folder", "dir", "المجلد"),
    "patient": ("patient id", "patientid", "patient", "patient uuid", "chart number", "رقم المريض"),
    "tooth": ("tooth", "tooth number", "tooth no", "toothnumber", "السن", "رقم السن"),
    "type": ("type", "image type", "imagetype", "category", "النوع"),
    "caption": ("caption", "notes", "note", "description", "title", "comment", "ملاحظات"),
    "treatment": ("treatment id", "treatmentid", "treatment", "رقم العلاج"),
}
_TREATMENTS: dict[str, tuple[str, ...]] = {
    "id": ("id", "treatment id", "treatmentid", "uuid"),
    "patient": ("patient id", "patientid", "patient", "patient uuid", "chart number", "رقم المريض"),
    "teeth": ("teeth", "tooth", "tooth number", "tooth no", "toothnumber", "السن"),
    "procedure": (
        "procedure",
        "treatment",
        "treatment type",
        "treatmenttype",
        "name",
        "description",
        "الإجراء",
        "العلاج",
    ),
    "code": ("code", "procedure code", "الرمز"),
    "date": ("date", "performed on", "treatment date", "treatmentdate", "performed at", "التاريخ"),
    "dentist": ("dentist", "doctor", "provider", "dentist name", "الطبيب"),
    "status": ("status", "state", "الحالة"),
    "notes": ("notes", "note", "comment", "comments", "ملاحظات"),
}
_LINKS: dict[str, tuple[str, ...]] = {
    "treatment": ("treatment id", "treatmentid", "treatment"),
    "image": ("image id", "imageid", "image", "file", "file name", "filename"),
}
_PATIENT_KEYS = ("id", "patient id", "patientid", "uuid", "patient uuid", "key", "folder", "chart number", "chart")
_TABLES = {"image": _IMAGES, "treatment": _TREATMENTS, "link": _LINKS}


def plain(name: str) -> str:
    """Return a name as it is compared: letters only told apart by what they mean."""
    return _SEPARATOR.sub(" ", fold(name)).strip()


def kind_of(table_name: str) -> str:
    """Return what a table is about: ``patient``, ``image``, ``treatment``, ``link`` or nothing."""
    words = plain(table_name)
    is_image = any(word in words for word in ("image", "photo", "xray", "picture", "صور"))
    is_treatment = any(word in words for word in ("treatment", "procedure", "علاج"))
    if is_image and is_treatment:
        return "link"
    if is_image:
        return "image"
    if is_treatment:
        return "treatment"
    return "patient" if any(word in words for word in ("patient", "مريض", "مرضى", "المرضى")) else ""


def meanings(kind: str, columns: Iterable[str]) -> dict[str, str]:
    """Return for each meaning the column that has it; the first name of a list that is there wins."""
    by_name = {plain(column): column for column in columns}
    found = {}
    for meaning, names in _TABLES[kind].items():
        column = next((by_name[plain(name)] for name in names if plain(name) in by_name), None)
        if column is not None:
            found[meaning] = column
    return found


def keys_of_patient(row: Mapping[str, str]) -> list[str]:
    """Return every text by which other lists or folders may mean this patient, the likeliest first."""
    by_name = {plain(column): value for column, value in row.items()}
    return list(dict.fromkeys(value for name in _PATIENT_KEYS if (value := by_name.get(plain(name), ""))))
