"""Files with identifiers planted wherever one can hide, and a look into every corner of what came of them.

Each identifier is a word of its own, so that what is left says where it was.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from PIL import Image, ImageCms, PngImagePlugin
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    VLPhotographicImageStorage,
)

UID_ROOT = "1.2.826.0.1.3680043.8.498.77001122."


def word(number: int, file: int = 0) -> str:
    """Return one identifier of a file; short enough for any attribute, and a code string too."""
    return f"QZPLANT{number:02}" if not file else f"QZ{file:03}X{number:02}"


def picture(mode: str = "RGB", file: int = 0) -> Image.Image:
    """Return a picture with nothing planted in it: of each file its own, in a size of its own."""
    rows, columns = size(file)
    shape = (rows, columns, 3) if mode == "RGB" else (rows, columns)
    return Image.fromarray(np.random.default_rng(7 + file).integers(40, 200, shape, dtype=np.uint8))


def size(file: int) -> tuple[int, int]:
    """Return the rows and columns of a file's picture."""
    return 48 + 2 * (file % 17), 64 + 2 * (file % 13)


def planted_dicom(path: Path, file: int = 0) -> list[str]:
    """Write a JPEG-compressed object with forty-two identifiers and return them; the patient ID is the third."""
    dataset, words = Dataset(), [word(number, file) for number in range(42)]
    tell = iter(words)
    for keyword in (
        *("PatientName", "PatientAddress", "PatientID", "OtherPatientNames", "PatientComments", "AccessionNumber"),
        *("ReferringPhysicianName", "InstitutionName", "InstitutionAddress", "StationName", "OperatorsName"),
        *("StudyDescription", "SeriesDescription", "ProtocolName", "ImageComments", "DeviceSerialNumber"),
        *("BodyPartExamined", "ViewPosition", "RescaleType", "ColorSpace"),
    ):
        setattr(dataset, keyword, next(tell))
    dataset.ImageType = ["ORIGINAL", "PRIMARY", next(tell)]
    dataset.RequestAttributesSequence = Sequence([Dataset()])
    dataset.RequestAttributesSequence[0].RequestedProcedureDescription = next(tell)
    dataset.OriginalAttributesSequence = Sequence([Dataset()])
    dataset.OriginalAttributesSequence[0].ModifiedAttributesSequence = Sequence([Dataset()])
    dataset.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].PatientName = next(tell)
    dataset.OtherPatientIDsSequence = Sequence([Dataset()])
    dataset.OtherPatientIDsSequence[0].PatientID = next(tell)
    dataset.ContentSequence = Sequence([Dataset()])
    dataset.ContentSequence[0].TextValue = next(tell)
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "38199008", "SCT", next(tell)
    own = Dataset()
    own.CodeValue, own.CodingSchemeDesignator, own.CodeMeaning = next(tell), "99CLINIC", next(tell)
    region.private_block(0x0009, "MAKER", create=True).add_new(1, "LO", next(tell))
    dataset.AnatomicRegionSequence = Sequence([region, own])
    block = dataset.private_block(0x0011, next(tell), create=True)
    block.add_new(1, "LO", next(tell))
    hidden = Dataset()
    hidden.PatientName = next(tell)
    block.add_new(2, "SQ", Sequence([hidden]))
    dataset.add_new(0x60000010, "US", 8)
    dataset.add_new(0x60000011, "US", 16)
    dataset.add_new(0x60000040, "CS", "G")
    dataset.add_new(0x60000050, "SS", [1, 1])
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60000102, "US", 0)
    dataset.add_new(0x60003000, "OW", next(tell).encode().ljust(16, b"\0"))
    dataset.add_new(0x60001500, "LO", next(tell))
    icon = Dataset()
    icon.Rows, icon.Columns, icon.PixelData = 4, 8, next(tell).encode().ljust(32, b"\0")
    icon["PixelData"].VR = "OW"
    dataset.IconImageSequence = Sequence([icon])
    dataset.ICCProfile = next(tell).encode().ljust(128, b"\0")
    dataset.add_new(0xFFFCFFFC, "OB", next(tell).encode() + b"\0")
    stream = io.BytesIO()
    picture("L", file).save(stream, "JPEG", quality=95, comment=next(tell).encode())
    behind = next(tell).encode()
    data = stream.getvalue() + behind
    dataset.PixelData = encapsulate([data + b"\0" * (len(data) % 2)])
    dataset["PixelData"].VR = "OB"
    _describe(dataset, file)
    dataset.file_meta.SourceApplicationEntityTitle = next(tell)
    dataset.file_meta.PrivateInformationCreatorUID = f"{UID_ROOT}5"
    dataset.file_meta.PrivateInformation = next(tell).encode() + b"\0"
    # A preamble with this mark is left as it is in copies that keep the identity: it may be a TIFF file's.
    dataset.preamble = (b"II*\0" + next(tell).encode()).ljust(128, b"\0")
    assert next(tell, None) is None
    dataset.save_as(path, enforce_file_format=True)
    return words


def _describe(dataset: Dataset, file: int) -> None:
    (dataset.Rows, dataset.Columns), dataset.SamplesPerPixel = size(file), 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PatientBirthDate, dataset.StudyDate, dataset.Modality = "19470313", "20010911", "XC"
    for number, keyword in enumerate(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "InstanceCreatorUID")):
        setattr(dataset, keyword, f"{UID_ROOT}{file}.{number}" if file else f"{UID_ROOT}{number}")
    dataset.SOPClassUID = VLPhotographicImageStorage
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = VLPhotographicImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit


def planted_jpeg(path: Path, file: int = 0) -> list[str]:
    """Write a JPEG with twenty identifiers and a place; return them."""
    words = [word(number, file) for number in range(50, 70)]
    tell = iter(words)
    exif = Image.Exif()
    for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8298):
        exif[tag] = next(tell)
    exif[0x9C9B] = next(tell).encode("utf-16-le")
    detail = exif.get_ifd(0x8769)
    detail[0x9286], detail[0x927C] = b"ASCII\0\0\0" + next(tell).encode(), next(tell).encode()
    detail[0xA430], detail[0xA431], detail[0xA435] = next(tell), next(tell), next(tell)
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (52.0, 22.0, 11.0), "E", (4.0, 53.0, 42.0)
    place[0x1B], place[0x1D] = next(tell).encode(), next(tell)
    stream = io.BytesIO()
    picture(file=file).save(stream, "JPEG", exif=exif, icc_profile=_profile(next(tell)), comment=next(tell).encode())
    data = stream.getvalue()
    xmp = f'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/">{next(tell)}</x:xmpmeta>'.encode()
    by = next(tell).encode()
    iptc = (
        b"Photoshop 3.0\x008BIM\x04\x04\0\0"
        + struct.pack(">L", 5 + len(by))
        + b"\x1c\x02\x50"
        + struct.pack(">H", len(by))
        + by
    )
    own = b"MAKER\0" + next(tell).encode()
    parts = b"".join(
        b"\xff" + bytes([mark]) + struct.pack(">H", len(body) + 2) + body
        for mark, body in ((0xE1, xmp), (0xED, iptc), (0xE5, own))
    )
    path.write_bytes(data[:2] + parts + data[2:] + next(tell).encode())
    assert next(tell, None) is None
    return words


def planted_png(path: Path, file: int = 0) -> list[str]:
    """Write a PNG with six identifiers, some of them compressed; return them."""
    words = [word(number, file) for number in range(70, 76)]
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", words[0])
    texts.add_text("Description", words[1], zip=True)
    texts.add_itxt("Title", words[2], zip=True)
    exif = Image.Exif()
    exif[0x013B] = words[3]
    picture(file=file).save(path, pnginfo=texts, exif=exif, icc_profile=_profile(words[4]))
    path.write_bytes(path.read_bytes() + words[5].encode())
    return words


def _profile(name: str) -> bytes:
    """Return an sRGB profile whose description is a name of the same length as its own."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    own = "sRGB built-in".encode("utf-16-be")
    assert own in profile
    return profile.replace(own, name.ljust(13)[:13].encode("utf-16-be"))


def corners(path: Path) -> Iterator[bytes]:
    """Yield everything that a file says: its name, its bytes, and what is decoded or decompressed from them."""
    data = path.read_bytes()
    yield path.name.encode()
    yield data
    if path.suffix == ".dcm":
        dataset = pydicom.dcmread(path, force=True)
        yield str(dataset.file_meta).encode()
        for element in dataset.iterall():
            yield element.value if isinstance(element.value, bytes) else str(element.value).encode()
        return
    with Image.open(path) as opened:
        opened.load()
        yield repr(opened.info).encode()
        yield repr(dict(opened.getexif())).encode()
        profile = opened.info.get("icc_profile")
        if isinstance(profile, bytes):
            yield profile
    for at in range(len(data)):
        if data[at : at + 1] == b"\x78":
            try:
                yield zlib.decompressobj().decompress(data[at:], 1 << 20)
            except zlib.error:
                continue


def left_in(path: Path, words: list[str]) -> list[str]:
    """Return which identifiers are still somewhere in a file, in any of three encodings."""
    everything = b"\0\0".join(corners(path))
    return [one for one in words if any(one.encode(how) in everything for how in ("ascii", "utf-16-le", "utf-16-be"))]


def vary(path: Path, how: str, file: int = 0) -> list[str]:
    """Store a planted file's picture in another way, with one more identifier where that way has room for one."""
    dataset, extra = pydicom.dcmread(path), word(90, file)
    values = np.asarray(picture("L", file))
    if how in {"implicit", "behind"}:
        syntax = ImplicitVRLittleEndian if how == "implicit" else ExplicitVRLittleEndian
        dataset.PixelData = values.tobytes() + extra.encode()
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OW" if how == "implicit" else "OB", False
    else:
        syntax, stream = _STREAMS[how](values, extra)
        dataset.PixelData = encapsulate([stream + b"\0" * (len(stream) % 2)])
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)
    return [extra]


def planted_frames(path: Path, shape: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    """Write a planted object of several frames, the second of them white; return its values."""
    planted_dicom(path)
    dataset, values = pydicom.dcmread(path), np.random.default_rng(3).integers(0, 255, shape, dtype=np.uint8)
    values[1] = 255
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = shape
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PixelData = values.tobytes()
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", False
    dataset.save_as(path, enforce_file_format=True)
    return values


def planted_odd_dicom(path: Path, file: int = 0) -> list[str]:
    """Write an object that hides identifiers where only a crafted or a broken file has them; return them."""
    planted_dicom(path, file)
    # Eight letters, so that two words of 32 bits hold one.
    dataset, words = pydicom.dcmread(path), [f"QZ{file:03}D{number:02}" for number in range(10)]
    tell = iter(words)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PixelData = np.asarray(picture("L", file)).tobytes()
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", False
    ramp = np.arange(256, dtype="<u2").tobytes()
    behind, instead, beside = Dataset(), Dataset(), Dataset()
    behind.LUTDescriptor = instead.LUTDescriptor = [256, 0, 8]
    behind.add_new(0x00283006, "OW", ramp + next(tell).encode())
    # In it: a table that jumps is text, or shows nobody anything.
    instead.add_new(0x00283006, "OW", next(tell).encode() + ramp[8:])
    # A table without a descriptor is none; pixels have no business in an item.
    beside.add_new(0x00283006, "OW", next(tell).encode())
    beside.add_new(0x7FE00010, "OW", next(tell).encode())
    dataset.VOILUTSequence = Sequence([behind, instead, beside])
    dataset.add_new(0x00281201, "OW", next(tell).encode().ljust(32, b"\0"))
    # Numbers by their keyword, bytes by what the file says that they are.
    dataset.add_new(0x00200011, "OB", next(tell).encode())
    dataset.add_new(0x00181150, "OB", next(tell).encode())
    dataset.add_new(0x00209157, "UL", list(struct.unpack("<2L", next(tell).encode())))
    dataset.add_new(0x00280120, "US", list(struct.unpack("<4H", next(tell).encode())))
    halves = struct.unpack("<4H", next(tell).encode())
    dataset.add_new(0x00280009, "AT", [halves[0] << 16 | halves[1], halves[2] << 16 | halves[3]])
    assert next(tell, None) is None
    numbers = ["0612345678", "19470313", "194703131", "4703131", "1_9470313"]
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = numbers[0], "SCT", "x"
    dataset.AnatomicRegionSequence = Sequence([code])
    dataset.SOPClassUID = f"1.2.840.10008.99.{numbers[1]}"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.InstanceNumber, dataset.KVP = numbers[2], numbers[3]
    dataset.DistanceSourceToDetector = "123456789.0"
    dataset.XRayTubeCurrent = 7
    dataset.save_as(path, enforce_file_format=True)
    # pydicom writes no such number: this one takes the place of one that it does.
    path.write_bytes(path.read_bytes().replace(b"123456789.0 ", b"1_9470313.0 "))
    return [*words, *numbers]


def _jpeg_ls(values: np.ndarray[Any, Any], extra: str) -> tuple[str, bytes]:
    stream = bytes(imagecodecs.jpegls_encode(values))
    return JPEGLSLossless, stream[:2] + b"\xff\xfe" + struct.pack(">H", len(extra) + 2) + extra.encode() + stream[2:]


def _jpeg_2000(values: np.ndarray[Any, Any], extra: str) -> tuple[str, bytes]:
    stream = bytes(imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k", reversible=True))
    at = stream.index(b"Created by")
    return JPEG2000Lossless, stream[:at] + extra.encode() + stream[at + len(extra) :]


_STREAMS = {"jpeg-ls": _jpeg_ls, "jpeg 2000": _jpeg_2000}
WAYS = ("implicit", "behind", *_STREAMS)
