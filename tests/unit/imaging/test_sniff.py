"""Content decides, not the name."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from app.imaging.sniff import HEAD_BYTES, Content, looks_like_bare_dicom, sniff, sniff_head, unsupported_format


def _saved(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("JPEG", Content.JPEG),
        ("PNG", Content.PNG),
        ("TIFF", Content.TIFF),
        ("BMP", Content.BMP),
        ("WEBP", Content.WEBP),
        ("GIF", Content.UNSUPPORTED_IMAGE),
        ("PDF", Content.PDF),
    ],
)
def test_formats_that_pillow_writes(kind: str, content: Content) -> None:
    assert sniff_head(_saved(kind)[:HEAD_BYTES]) is content


@pytest.mark.parametrize(
    ("head", "content"),
    [
        (b"", Content.EMPTY),
        (b"MZ\x90\0" + bytes(200), Content.OTHER),
        (b"BMW is a make of cars, and this is a text about them", Content.OTHER),
        (b"PK\x03\x04" + bytes(30), Content.ZIP),
        (b"PK\x05\x06" + bytes(18), Content.ZIP),
        (struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic", Content.HEIF),
        (struct.pack(">I", 24) + b"ftypmif1" + bytes(4) + b"mif1heic", Content.HEIF),
        (struct.pack(">I", 24) + b"ftypmif1" + bytes(4) + b"mif1avif", Content.UNSUPPORTED_IMAGE),
        (struct.pack(">I", 24) + b"ftypisom" + bytes(4) + b"mp41mp42", Content.OTHER),
        (b"\xff\x4f\xff\x51" + bytes(50), Content.UNSUPPORTED_IMAGE),
        (b"II*\0" + bytes(124) + b"DICM" + bytes(40), Content.DICOM),
        (b"MZ" + bytes(126) + b"DICM" + bytes(40), Content.DICOM),
        (b"\n\n%PDF-1.7\n", Content.PDF),
        (bytes(5000), Content.OTHER),
        (b"\x02", Content.OTHER),
    ],
)
def test_heads(head: bytes, content: Content) -> None:
    assert sniff_head(head) is content


def test_unsupported_formats_are_named() -> None:
    assert unsupported_format(b"GIF89a") == "GIF"
    assert unsupported_format(struct.pack(">I", 24) + b"ftypavif" + bytes(12)) == "AVIF"
    assert unsupported_format(b"\xff\xd8\xff") is None


@pytest.mark.parametrize("name", ["rtstruct.dcm", "ExplVR_LitEndNoMeta.dcm", "ExplVR_BigEndNoMeta.dcm"])
def test_dicom_without_preamble(name: str) -> None:
    assert sniff(Path(str(get_testdata_file(name)))) is Content.DICOM


def test_dicomdir_is_known_by_its_class() -> None:
    assert sniff(Path(str(get_testdata_file("DICOMDIR")))) is Content.DICOMDIR


def test_a_stray_byte_before_a_bare_data_set_is_overlooked() -> None:
    bare = b"\x08\0\x05\0CS\x0a\0ISO_IR 100\x08\0\x08\0CS\x02\0AA\x08\0\x16\0UI\x02\x001\0"
    assert sniff_head(bare + bytes(64)) is Content.DICOM
    assert sniff_head(b" " + bare + bytes(64)) is Content.DICOM
    assert sniff_head(b"x" + bare + bytes(64)) is Content.OTHER


def test_text_is_not_bare_dicom() -> None:
    assert not looks_like_bare_dicom(b"\x08\0Some text that begins like an element of group eight" * 4)
    assert not looks_like_bare_dicom(b"\x08\0\x05\0CS\x0a\0ISO_IR 100")
