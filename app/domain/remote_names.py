"""What an image is called at a mirror: built from ids, type, time and hash, never from names of people or files."""

from __future__ import annotations

from enum import StrEnum

from app.domain.image import ImageRecord

_HASH_LETTERS = 8


class Layout(StrEnum):
    """How a mirror is arranged."""

    LIBRARY = "library"
    CLINICAL_IMAGES = "clinical-images"


def remote_name(record: ImageRecord, layout: Layout) -> str:
    """Return where a filed image lies, below the mirror's base, with ``/`` between the parts.

    As in the library: ``dental_images/{patient}/{tooth}/{type}/{file}``. As clinical images (REQUIREMENTS F1, F2):
    ``clinical-images/{patient}/{patient}_{type}_{epoch ms}_{first 8 of the SHA-256}.{ext}``, the time being that of
    the import.
    """
    if layout is Layout.LIBRARY:
        return record.path
    moment = round(record.imported_at.timestamp() * 1000)
    extension = record.filename.rpartition(".")[2]
    name = f"{record.patient_id}_{record.image_type.value}_{moment}_{record.sha256[:_HASH_LETTERS]}.{extension}"
    return f"clinical-images/{record.patient_id}/{name}"
