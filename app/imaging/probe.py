"""What is this file? Facts from headers only, for any file at all.

Keeps no pixels and decides nothing about patients; hashes and thumbnails come from ``examine``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.core.errors import EnvironmentFault
from app.domain.facts import FileFacts
from app.domain.image import FileKind, ImageView
from app.imaging import document, photo
from app.imaging.dicom.identity import facts_of_opened
from app.imaging.dicom.reader import DicomFile, open_dicom
from app.imaging.dicom_pictures import encapsulated_pdf
from app.imaging.pictures import read_head
from app.imaging.sniff import MIME_TYPES, PHOTO_CONTENTS, Content, sniff_head, unsupported_format

UNSUPPORTED_LABEL = "unsupported_format"


def probe(path: Path) -> FileFacts:
    """Return the facts of any file; ``FileKind.OTHER`` for what is neither picture nor document.

    Raises
    ------
    BitewingError
        ``file.empty``, ``file.missing``, ``file.unreadable``; for pictures and documents that
        cannot be read the codes of their readers (``file.truncated``, ``file.undecodable``,
        ``file.hostile``, ``file.too_large``, ``document.password``).
    """
    head = read_head(path)
    content = sniff_head(head)
    if content is Content.EMPTY:
        raise EnvironmentFault("file.empty")
    if content is Content.DICOM:
        return dicom_facts_of(open_dicom(path))
    if content is Content.PDF:
        return document.document_facts(path)
    if content in PHOTO_CONTENTS:
        return photo.photo_facts(path, content)
    mime_type = MIME_TYPES.get(content, "application/octet-stream")
    if content is Content.UNSUPPORTED_IMAGE:
        name = unsupported_format(head) or ""
        return FileFacts(FileKind.OTHER, mime_type, content_label=UNSUPPORTED_LABEL, notes=(name,))
    return FileFacts(FileKind.OTHER, mime_type, content_label="dicomdir" if content is Content.DICOMDIR else None)


def dicom_facts_of(opened: DicomFile) -> FileFacts:
    """Return the facts of a DICOM file already opened; an encapsulated PDF has those of its pages too."""
    facts = facts_of_opened(opened)
    if facts.content_label != "encapsulated_pdf":
        return facts
    content = encapsulated_pdf(opened)
    if content is None:
        return facts
    pages = document.document_facts(content)
    return replace(
        facts,
        rows=pages.rows,
        columns=pages.columns,
        frames=pages.frames,
        bits=pages.bits,
        photometric=pages.photometric,
        view=ImageView.DOCUMENT,
    )
