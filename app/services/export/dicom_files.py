"""Images as DICOM files: byte copies where the header is right, renditions where it is not.

Parses files that were examined when they came in; still only through imaging's guarded reader.
"""

from __future__ import annotations

import copy
import io
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image as PictureFile
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    VLPhotographicImageStorage,
    generate_uid,
)

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.core.settings import ClinicSettings
from app.domain.expectation import Expectation
from app.domain.identity import compare
from app.domain.image import FileKind, ImageRecord, ImageType
from app.domain.patient import Patient
from app.imaging.child.client import Decoder
from app.imaging.dicom.jpeg_stream import JpegStream, jpeg_stream
from app.imaging.dicom.reader import open_dataset
from app.imaging.render_args import RenderArgs
from app.services.export.clean_pixels import put_clean_pixels
from app.services.export.deidentify import UidMap, deidentified
from app.services.export.identify import put_moment, put_patient, put_side, put_teeth
from app.services.export.model import Exportable, ExportArgs, file_stem, free_path
from app.services.export.pictures import JPEG_OPTIONS, complete_file

_PREAMBLE_BYTES = 128
_HEAD_BYTES = _PREAMBLE_BYTES + 4
_TIFF_MARKS = (b"II*\0", b"MM\0*")
_ORIGINALS = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "SOPInstanceUID")


class DicomWriter:
    """One DICOM file per image."""

    is_whole = False

    def __init__(self, args: ExportArgs, decoder: Decoder, clinic: ClinicSettings) -> None:
        self._args = args
        self._decoder = decoder
        self._clinic = clinic
        self._uids = UidMap()

    def write(self, image: Exportable, ctx: JobContext) -> tuple[Path, ...]:
        """Write one image. Raises BitewingError when its file cannot be read or written."""
        ctx.check()
        path = free_path(self._args.out, file_stem(image, self._args), ".dcm")
        with complete_file(path) as temporary:
            self.write_to(image, temporary)
        return (path,)

    def write_to(self, image: Exportable, target: Path, salt: str = "") -> str:
        """Write one image to exactly ``target`` and return what names it in an archive (:func:`key_of`).

        Objects made with another ``salt`` get another SOP Instance UID: other bytes must not bear the same.
        """
        if not self._args.deidentify and may_go_as_it_is(image):
            _copy_with_clean_preamble(image.path, target)
            return key_of_original(image.record)
        dataset = self.dataset(image, salt)
        dataset.save_as(target, enforce_file_format=True)
        return key_of(dataset.PatientID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)

    def commit(self) -> None:
        """Nothing is written for all images together."""

    def abort(self) -> None:
        """Every file that has its name is complete and stays."""

    def dataset(self, image: Exportable, salt: str = "") -> Dataset:
        """Return the data set to be written where a byte copy will not do."""
        if image.record.kind is FileKind.DICOM:
            dataset = open_dataset(image.path)
            self._complete(dataset, image, salt)
            if not self._args.deidentify:
                return dataset if _header_is_right(image) else _coerced(dataset, image.patient)
            clean = deidentified(dataset, self._uids)
            put_clean_pixels(clean, image.path, self._decoder)
            return clean
        dataset = self._made(image, salt)
        if self._args.deidentify and image.record.kind is FileKind.DOCUMENT:
            # What a document says of its patient stands on its pages.
            raise EnvironmentFault("export.cannot_clean")
        return deidentified(dataset, self._uids) if self._args.deidentify else dataset

    def _made(self, image: Exportable, salt: str) -> Dataset:
        record = image.record
        dataset = _new_object(image, _made_study_uid(record, image.order), self._clinic.clinic_name)
        dataset.SOPInstanceUID = _instance_uid(record, salt)
        if record.kind is FileKind.DOCUMENT:
            dataset.SOPClassUID = EncapsulatedPDFStorage
            dataset.Modality, dataset.ConversionType = "DOC", "WSD"
            # Required here (type 1, PS3.3 C.24.2), and nobody looked: a document may well say whose it is.
            dataset.BurnedInAnnotation = "YES"
            dataset.DocumentTitle, dataset.MIMETypeOfEncapsulatedDocument = "", "application/pdf"
            document = image.path.read_bytes()
            dataset.EncapsulatedDocument = document + b"\0" * (len(document) % 2)
            dataset.EncapsulatedDocumentLength = len(document)
        else:
            self._put_picture(dataset, image)
        self._complete(dataset, image, salt)
        return dataset

    def _complete(self, dataset: Dataset, image: Exportable, salt: str) -> None:
        """Supply what sensors leave out, the same each time: the three UIDs, and what a Part 10 file needs."""
        record = image.record
        for keyword, value in (
            ("SOPInstanceUID", _instance_uid(record, salt)),
            ("SeriesInstanceUID", _made_series_uid(record)),
            ("StudyInstanceUID", _made_study_uid(record, image.order)),
        ):
            if not dataset.get(keyword):
                setattr(dataset, keyword, value)
        order = image.order
        # An accession number belongs to the study that was ordered under it (PS3.3 C.7.2.1), and to no other.
        if (
            order is not None
            and order.study_uid in {"", dataset.StudyInstanceUID}
            and not dataset.get("AccessionNumber")
        ):
            dataset.AccessionNumber = order.accession_number or None
        _complete_meta(dataset)

    def _put_picture(self, dataset: Dataset, image: Exportable) -> None:
        """Put the picture in: as the JPEG that it is where that can be, else decoded and upright."""
        record = image.record
        if record.image_type is ImageType.XRAY:
            # No Intra-Oral X-Ray: that needs a pixel spacing (type 1), which such a file does not tell.
            dataset.SOPClassUID = SecondaryCaptureImageStorage
            dataset.Modality, dataset.ConversionType = "OT", "WSD"
        else:
            dataset.SOPClassUID, dataset.Modality = VLPhotographicImageStorage, "XC"
            dataset.AcquisitionContextSequence = Sequence([])
        is_stream = record.mime_type == "image/jpeg" and not self._args.deidentify
        stream = jpeg_stream(image.path.read_bytes()) if is_stream else None
        # A stream cannot say that it stands on its side or is to be mirrored.
        if stream is not None and stream.orientation == 1:
            _put_stream(dataset, stream)
        else:
            pixels = self._decoder.render(image.path, RenderArgs())
            # Of a camera's picture nothing but its pixels goes on, in about the size that it had.
            again = _jpeg_of(pixels) if self._args.deidentify and record.mime_type == "image/jpeg" else None
            if again is None:
                _put_pixels(dataset, pixels)
            else:
                _put_stream(dataset, again)


def study_uid_of(record: ImageRecord, order: Expectation | None) -> str:
    """Return the Study Instance UID that an image goes out with."""
    own = record.study_uid if record.kind is FileKind.DICOM else None
    return own or _made_study_uid(record, order)


def series_uid_of(record: ImageRecord) -> str:
    """Return the Series Instance UID that an image goes out with."""
    own = record.series_uid if record.kind is FileKind.DICOM else None
    return own or _made_series_uid(record)


def class_and_modality_of(record: ImageRecord) -> tuple[str, str]:
    """Return the SOP class and the modality that an image goes out with."""
    if record.kind is FileKind.DICOM:
        return record.sop_class_uid or VLPhotographicImageStorage, record.modality
    if record.kind is FileKind.DOCUMENT:
        return EncapsulatedPDFStorage, "DOC"
    if record.image_type is ImageType.XRAY:
        return SecondaryCaptureImageStorage, "OT"
    return VLPhotographicImageStorage, "XC"


def _made_study_uid(record: ImageRecord, order: Expectation | None) -> str:
    """Return the study that was ordered, else one per patient and day for pictures that came without any."""
    if order is not None and order.study_uid:
        return order.study_uid
    day = (record.captured_at or record.imported_at).date()
    return str(generate_uid(entropy_srcs=["study", f"{record.patient_id}-{day}"]))


def _made_series_uid(record: ImageRecord) -> str:
    return str(generate_uid(entropy_srcs=["series", record.id]))


def key_of(patient_id: object, study: object, series: object, instance: object) -> str:
    """Return the four identifiers that name an instance, put together as Orthanc does (Orthanc Book, "Orthanc IDs")."""
    return "|".join(str(part or "").strip() for part in (patient_id, study, series, instance))


def key_of_original(record: ImageRecord) -> str:
    """Return the key of a DICOM file that goes as it is."""
    return key_of(record.identity.patient_id, record.study_uid, record.series_uid, record.sop_instance_uid)


def _instance_uid(record: ImageRecord, salt: str) -> str:
    return str(generate_uid(entropy_srcs=["instance", record.id, record.sha256, *([salt] if salt else [])]))


def may_go_as_it_is(image: Exportable) -> bool:
    """Whether a DICOM file has its numbers and says whose image it is, just as the catalogue does."""
    record = image.record
    has_numbers = record.sop_instance_uid and record.study_uid and record.series_uid
    return record.kind is FileKind.DICOM and bool(has_numbers) and _header_is_right(image)


def _header_is_right(image: Exportable) -> bool:
    if image.patient is None:
        return _has_preamble(image.path)
    identity = image.record.identity
    # Archives tell patients apart by this alone: it must be the very one that this patient's objects have.
    is_theirs = identity.patient_id == (image.patient.chart_number or image.patient.id)
    return is_theirs and not compare(identity, image.patient) and _has_preamble(image.path)


def _has_preamble(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(_HEAD_BYTES)[_PREAMBLE_BYTES:] == b"DICM"


def _copy_with_clean_preamble(source: Path, target: Path) -> None:
    """Copy bytes, writing zeros over a preamble that could be run as a program (B10, CVE-2019-11687)."""
    with source.open("rb") as reader, target.open("xb") as writer:
        head = reader.read(_HEAD_BYTES)
        if head[_PREAMBLE_BYTES:] == b"DICM" and not head.startswith(_TIFF_MARKS):
            head = b"\0" * _PREAMBLE_BYTES + b"DICM"
        writer.write(head)
        shutil.copyfileobj(reader, writer, 1 << 20)


def _coerced(dataset: Dataset, patient: Patient | None) -> Dataset:
    """Give a data set the catalogue's identity, keeping what it said (PS3.3 C.12.1.1.9)."""
    if patient is None:
        return dataset
    before = Dataset()
    for keyword in _ORIGINALS:
        if keyword in dataset:
            # A copy: assigning a value below changes the element itself.
            before.add(copy.deepcopy(dataset[keyword]))
    note = Dataset()
    note.ModifiedAttributesSequence = Sequence([before])
    note.AttributeModificationDateTime = utc_now().strftime("%Y%m%d%H%M%S.%f+0000")
    note.ModifyingSystem, note.SourceOfPreviousValues = "Bitewing", None
    note.ReasonForTheAttributeModification = "COERCE"
    earlier = list(dataset.get("OriginalAttributesSequence", None) or [])
    dataset.OriginalAttributesSequence = Sequence([*earlier, note])
    put_patient(dataset, patient)
    dataset.SOPInstanceUID = generate_uid(prefix=None)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def _new_object(image: Exportable, study_uid: str, clinic: str) -> Dataset:
    record = image.record
    moment: datetime = record.captured_at or record.imported_at
    dataset = Dataset()
    put_patient(dataset, image.patient)
    dataset.StudyInstanceUID = study_uid
    dataset.SeriesInstanceUID = _made_series_uid(record)
    put_moment(dataset, moment)
    dataset.StudyID, dataset.SeriesNumber, dataset.InstanceNumber = None, 1, image.number
    dataset.AccessionNumber = dataset.ReferringPhysicianName = dataset.Manufacturer = None
    dataset.InstitutionName = clinic or None
    dataset.PatientOrientation = None
    put_side(dataset, image)
    put_teeth(dataset, image)
    return dataset


def _put_stream(dataset: Dataset, stream: JpegStream) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.SamplesPerPixel = stream.components
    dataset.PhotometricInterpretation = stream.photometric
    if stream.components > 1:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = stream.rows, stream.columns
    _eight_bits(dataset)
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionMethod = "ISO_10918_1"
    ratio = stream.rows * stream.columns * stream.components / len(stream.data)
    dataset.LossyImageCompressionRatio = f"{ratio:.4g}"
    dataset.PixelData = encapsulate([stream.data])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(stream.transfer_syntax)


def _jpeg_of(pixels: Any) -> JpegStream | None:
    written = io.BytesIO()
    PictureFile.fromarray(pixels).save(written, "JPEG", **JPEG_OPTIONS)
    return jpeg_stream(written.getvalue())


def _eight_bits(dataset: Dataset) -> None:
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0


def _put_pixels(dataset: Dataset, pixels: Any) -> None:
    dataset.ImageType = ["DERIVED", "SECONDARY"]
    is_colour = pixels.ndim == 3
    dataset.SamplesPerPixel = 3 if is_colour else 1
    dataset.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    if is_colour:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    _eight_bits(dataset)
    dataset.LossyImageCompression = "00"
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB"


def _complete_meta(dataset: Dataset) -> None:
    """Make sure that a Part 10 file can be written (PS3.10 section 7.1)."""
    meta = getattr(dataset, "file_meta", None) or FileMetaDataset()
    if "TransferSyntaxUID" not in meta or not meta.TransferSyntaxUID:
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID") or VLPhotographicImageStorage
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = meta
