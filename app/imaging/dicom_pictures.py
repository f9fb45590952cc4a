"""Pictures of DICOM objects for the decoder: frames, quick previews, pages of encapsulated documents.

Opens the file once for whatever is asked; parsing, decoding and display rules are those of
``app.imaging.dicom``.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.uid import JPEG2000, JPEG2000Lossless

from app.core.errors import UserError
from app.imaging import document, j2k_preview
from app.imaging.dicom import frames as dicom_frames
from app.imaging.dicom.guard import reading
from app.imaging.dicom.identity import facts_of
from app.imaging.dicom.reader import DicomFile, open_dicom
from app.imaging.dicom.stored import FrameReader, stored_values
from app.imaging.frame import DisplayFrame
from app.imaging.photo import REDUCED_LABEL

ENCAPSULATED_PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"
_PREVIEWED = frozenset({JPEG2000, JPEG2000Lossless})


class _LastOpened:
    """The file of the last frame, so that going through a volume parses its header once.

    Files of one frame are not kept, nor anything on Windows, where a mapped file cannot be moved.
    """

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._value: tuple[DicomFile, FrameReader] | None = None

    def get(self, path: Path) -> tuple[DicomFile, FrameReader] | None:
        """Return what is kept of ``path`` in its present state; anything else is let go of."""
        if self._value is not None and self._key != _state(path):
            self.clear()
        return self._value

    def clear(self) -> None:
        """Let go of the file and of the address space it takes."""
        self._key = self._value = None

    def put(self, path: Path, opened: DicomFile, reader: FrameReader) -> None:
        """Keep the file when it is worth it."""
        if reader.count > 1 and os.name != "nt":
            self._key, self._value = _state(path), (opened, reader)


def _state(path: Path) -> tuple[object, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return path, found.st_ino, found.st_size, found.st_mtime_ns


_kept = _LastOpened()


def forget() -> None:
    """Let go of the last file, before work that maps one itself."""
    _kept.clear()


def encapsulated_pdf(opened: DicomFile) -> bytes | None:
    """Return the document of an Encapsulated PDF object (PS3.3 A.45.1), None for anything else."""
    if str(opened.dataset.get("SOPClassUID", "")) != ENCAPSULATED_PDF_CLASS:
        return None
    content = opened.dataset.get("EncapsulatedDocument")
    if not isinstance(content, bytes) or b"%PDF-" not in content[:1024]:
        raise UserError("dicom.no_pixels", content="encapsulated_pdf")
    return content


def load_frame(path: Path, index: int = 0, max_pixels: tuple[int, int] | None = None) -> DisplayFrame:
    """Decode one frame, or draw one page of an encapsulated document.

    With ``max_pixels`` (width, height) a JPEG 2000 frame comes from a reduced resolution level,
    with ``REDUCED_LABEL`` where it has no label of its own.

    Raises
    ------
    BitewingError
        As ``dicom.frames.load_dicom_frame`` and ``document.load_page``.
    """
    kept = _kept.get(path)
    if kept is None:
        opened = open_dicom(path)
        pdf = encapsulated_pdf(opened)
        if pdf is not None:
            return document.load_page(pdf, index)
        reader = open_frames(opened)
        _kept.put(path, opened, reader)
    else:
        opened, reader = kept
    if max_pixels is not None and opened.transfer_syntax in _PREVIEWED:
        preview = _preview(opened, reader, index, max_pixels)
        if preview is not None:
            return preview
    return frame_of(opened, reader, reader.container(index), index)


def open_frames(opened: DicomFile) -> FrameReader:
    """Return the frames of ``opened``.

    Raises
    ------
    BitewingError
        As ``FrameReader``; ``dicom.no_pixels`` says in ``content`` what the object is.
    """
    if opened.pixels is None:
        raise UserError("dicom.no_pixels", content=facts_of(opened.dataset, opened.path).content_label)
    return FrameReader(opened)


def frame_of(opened: DicomFile, reader: FrameReader, container: NDArray[Any], index: int) -> DisplayFrame:
    """Build the frame for display out of what ``reader`` has decoded already."""
    with reading(opened.path):
        values = stored_values(container, reader.layout)
        if reader.layout.samples > 1 or reader.photometric == "PALETTE COLOR":
            return dicom_frames._colour_frame(opened.dataset, reader, values, container, index)
        return dicom_frames._grey_frame(opened.dataset, reader.layout, values, container, index)


def _preview(opened: DicomFile, reader: FrameReader, index: int, box: tuple[int, int]) -> DisplayFrame | None:
    """Decode a reduced level of a grey frame; None where the full decoder has to do it."""
    layout = reader.layout
    if layout.samples != 1 or reader.photometric == "PALETTE COLOR" or not 0 <= index < layout.frames:
        return None
    with reading(opened.path):
        stream = get_frame(opened.dataset.PixelData, index, number_of_frames=layout.frames)
        levels = j2k_preview.decomposition_levels(stream)
        count = j2k_preview.reduction_for((layout.columns, layout.rows), box, levels)
        found = j2k_preview.precision(stream)
        # Where the codestream and the header disagree about the values, only the full decoder knows.
        if not count or found != (layout.bits_stored, layout.is_signed):
            return None
        values = j2k_preview.decode_reduced(stream, count)
        if values is None:
            return None
        frame = dicom_frames._grey_frame(opened.dataset, layout, values, values, index)
    scale = layout.rows / values.shape[0]
    spacing = frame.spacing and replace(
        frame.spacing, row_mm=frame.spacing.row_mm * scale, column_mm=frame.spacing.column_mm * scale
    )
    return replace(frame, overlays=None, spacing=spacing, label=frame.label or REDUCED_LABEL)
