"""Decode a file once, completely, and keep what an import needs of it.

Streams: one frame is in memory at a time. Finds truncation that headers do not show, and makes
the exact and the perceptual hash and the thumbnail. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.domain.facts import FileFacts
from app.imaging import dicom_pictures, document, photo
from app.imaging.dicom.identity import NOTE_DAMAGED
from app.imaging.dicom.reader import DicomFile, open_dicom
from app.imaging.dicom.stored import FrameReader, stored_values
from app.imaging.examined import Examined
from app.imaging.frame import DisplayFrame
from app.imaging.picture_hash import PixelDigest, picture_hash
from app.imaging.pictures import content_of
from app.imaging.probe import dicom_facts_of
from app.imaging.sniff import Content
from app.imaging.thumbnail import encode, small_picture


def _nothing() -> None:
    return None


def examine(path: Path, on_frame: Callable[[], None] = _nothing) -> Examined:
    """Decode every frame of ``path``; ``on_frame`` is called after each.

    The thumbnail and the perceptual hash are those of the middle frame at its default window.
    DICOM objects without pixels come back with their facts alone.

    Raises
    ------
    BitewingError
        As ``pictures.load_frame``.
    """
    content = content_of(path)
    if content is Content.DICOM:
        return _dicom(path, on_frame)
    if content is Content.PDF:
        return _with_picture(document.document_facts(path), document.load_page(path), None)
    return _photo(path, content, on_frame)


def _dicom(path: Path, on_frame: Callable[[], None]) -> Examined:
    opened = open_dicom(path)
    facts = dicom_facts_of(opened)
    pdf = dicom_pictures.encapsulated_pdf(opened)
    if pdf is not None:
        return _with_picture(facts, document.load_page(pdf), None)
    if opened.pixels is None:
        return Examined(facts)
    digest = PixelDigest()
    middle, is_damaged = _decode_all(opened, digest, on_frame)
    if is_damaged:
        facts = replace(facts, notes=(*facts.notes, NOTE_DAMAGED))
    return _with_picture(facts, middle, digest)


def _decode_all(opened: DicomFile, digest: PixelDigest, on_frame: Callable[[], None]) -> tuple[DisplayFrame, bool]:
    """The middle frame, and whether any frame shows signs of damage."""
    reader = FrameReader(opened)
    shown: DisplayFrame | None = None
    is_damaged = False
    for index in range(reader.count):
        container = reader.container(index)
        digest.add(stored_values(container, reader.layout))
        if index == reader.count // 2:
            shown = dicom_pictures.frame_of(opened, reader, container, index)
        is_damaged = is_damaged or reader.looks_damaged(index, container)
        on_frame()
    assert shown is not None  # a file without frames was refused by its layout
    return shown, is_damaged


def _photo(path: Path, content: Content, on_frame: Callable[[], None]) -> Examined:
    facts = photo.photo_facts(path, content)
    digest = PixelDigest()
    shown: DisplayFrame | None = None
    for index in range(facts.frames):
        picture = photo.decode_photo(path, content, index)
        digest.add(picture.pixels)
        if index == 0:
            shown = photo.frame_of(picture, index)
        on_frame()
    assert shown is not None
    return _with_picture(facts, shown, digest)


def _with_picture(facts: FileFacts, frame: DisplayFrame, digest: PixelDigest | None) -> Examined:
    picture = small_picture(frame)
    facts = replace(
        facts,
        pixel_sha256=digest.hexdigest() if digest else None,
        picture_hash=picture_hash(picture),
    )
    return Examined(facts, encode(picture))
