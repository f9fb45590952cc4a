"""What a DICOM object is when it is not a picture: one stable label per kind of object.

Only SOP Class UIDs (PS3.4 B.5) and Modality are looked at.
"""

from __future__ import annotations

from pydicom.uid import UID

_ROOT = "1.2.840.10008.5.1.4."
_PREFIXES: tuple[tuple[str, str], ...] = (
    (_ROOT + "1.1.104.1", "encapsulated_pdf"),
    (_ROOT + "1.1.104.2", "encapsulated_cda"),
    (_ROOT + "1.1.104.", "encapsulated_model"),
    (_ROOT + "1.1.88.59", "key_object_selection"),
    (_ROOT + "1.1.88.", "structured_report"),
    (_ROOT + "1.1.9.", "waveform"),
    (_ROOT + "1.1.11.", "presentation_state"),
    (_ROOT + "1.1.131", "structured_display"),
    (_ROOT + "38.", "hanging_protocol"),
    (_ROOT + "1.1.481.3", "rt_structure"),
    (_ROOT + "1.1.481.", "rt_object"),
    (_ROOT + "1.1.66", "spatial_data"),
    ("1.2.840.10008.1.3.10", "dicomdir"),
)
_MODALITIES = {
    "SR": "structured_report",
    "KO": "key_object_selection",
    "PR": "presentation_state",
    "ECG": "waveform",
    "RTSTRUCT": "rt_structure",
    "RTPLAN": "rt_object",
    "DOC": "encapsulated_pdf",
    "M3D": "encapsulated_model",
}


def label_without_pixels(sop_class: str, modality: str, *, says_rows: bool) -> str:
    """The label of an object that has no pixel data.

    ``says_rows`` tells an image whose pixels are missing from an object that never had any.
    """
    for prefix, label in _PREFIXES:
        if sop_class == prefix.rstrip(".") or sop_class.startswith(prefix):
            return label
    if says_rows or (sop_class and "Image Storage" in UID(sop_class).name):
        return "image_without_pixels"
    return _MODALITIES.get(modality, "unknown_object")
