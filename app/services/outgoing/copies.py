"""Makes the copy of an image that goes out: pixels drawn anew, or a de-identified DICOM object. Never the original.

Unless that was asked for by name (``identified``), nothing of what came with the file goes along: no header, no
metadata, no file name. What only eyes can find, text and faces in the picture, is said as a warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.core.files import sha256_file, translate_os_error
from app.core.settings import ClinicSettings
from app.domain.image import FileKind, ImageRecord
from app.domain.naming import EXTENSIONS
from app.domain.profiles import misfits
from app.imaging.child.client import Decoder
from app.imaging.render_args import RenderArgs
from app.services.export.dicom_files import DicomWriter
from app.services.export.model import Exportable, ExportArgs, ExportFormat, file_stem, free_path
from app.services.export.originals import copy_verified
from app.services.export.pictures import JPEG_OPTIONS, complete_file
from app.services.export.strip import strip_below, strip_lines
from app.services.outgoing.finding import found_in
from app.services.outgoing.model import Form, OutgoingArgs, OutgoingCopy, Removed, Warn

_OPTIMISED: dict[str, Any] = {"quality": 88, "subsampling": 0}
_PREVIEW_SIDE = 1024
# Documents inside DICOM objects (PS3.4 B.5).
_ENCAPSULATED = "1.2.840.10008.5.1.4.1.1.104."


class CopyMaker:
    """Makes copies into one folder; UIDs are replaced consistently among them. One thread."""

    def __init__(self, folder: Path, args: OutgoingArgs, decoder: Decoder, clinic: ClinicSettings) -> None:
        self._folder = folder
        self._args = args
        self._decoder = decoder
        self._clinic = clinic
        self._named = ExportArgs(folder, ExportFormat.DICOM, deidentify=not args.identified)
        # Names of files stand in links, which go through many hands: they are silent about the patient, always.
        self._silent = ExportArgs(folder, ExportFormat.DICOM, deidentify=True)
        self._dicom = DicomWriter(self._named, decoder, clinic)

    def make(self, image: Exportable, ctx: JobContext) -> OutgoingCopy:
        """Make the copy of one image.

        Raises
        ------
        EnvironmentFault
            ``share.document``, ``export.cannot_clean`` for what no name can be taken out of; what the disk refused.
        BitewingError
            What the decoder says of the file.
        """
        ctx.check()
        if _is_document(image.record) and not self._args.identified:
            # What a document says of its patient stands on its pages.
            raise EnvironmentFault("share.document", name=image.record.caption or image.record.original_name)
        try:
            warnings, removed = found_in(image.record, image.path)
        except OSError as error:
            raise translate_os_error(error) from error
        if self._args.form is Form.OPTIMISED:
            made = self._optimised(image, warnings, removed)
        elif self._args.identified:
            made = self._as_it_is(image, warnings, ctx)
        else:
            made = self._original(image, warnings, removed)
        made = self._checked(image, made)
        too_large = (Warn.TOO_LARGE,) if made.size_bytes > self._args.limit_bytes else ()
        named = (Warn.IDENTIFIED,) if self._args.identified else ()
        return replace(made, warnings=(*named, *made.warnings, *too_large))

    def _checked(self, image: Exportable, made: OutgoingCopy) -> OutgoingCopy:
        """Note what of it does not fit its receiver."""
        if self._args.profile is None:
            return made
        found = misfits(
            self._args.profile,
            image.record,
            has_name=image.patient is not None and bool(image.patient.name),
            size_bytes=made.size_bytes,
            longer_px=max(made.rows, made.columns),
            now=utc_now(),
        )
        return replace(made, misfits=found)

    def _optimised(self, image: Exportable, warnings: Sequence[Warn], removed: tuple[Removed, ...]) -> OutgoingCopy:
        picture = self._picture(image, self._args.longest_side)
        width, height = picture.size
        if self._args.strip:
            picture = strip_below(picture, strip_lines(image, self._named, self._clinic))
        path = free_path(self._folder, file_stem(image, self._silent), ".jpg")
        with complete_file(path) as temporary:
            picture.save(temporary, "JPEG", **_OPTIMISED)
        more = (Warn.FIRST_FRAME,) if image.record.frames > 1 else ()
        return _copy(image, path, "image/jpeg", (width, height), (*warnings, *more), removed)

    def _original(self, image: Exportable, warnings: tuple[Warn, ...], removed: tuple[Removed, ...]) -> OutgoingCopy:
        """Everything that the picture has, and nothing else that the file has."""
        if image.record.kind is FileKind.DICOM:
            path = self._dicom_file(image)
            picture = self._picture(image, _PREVIEW_SIDE)
            size = (image.record.columns or picture.width, image.record.rows or picture.height)
            made = _copy(image, path, "application/dicom", size, warnings, removed)
            return replace(made, picture=self._preview(picture, image))
        picture = self._picture(image, None)
        is_jpeg = image.record.mime_type in {"image/jpeg", "image/heic", "image/webp"}
        path = free_path(self._folder, file_stem(image, self._silent), ".jpg" if is_jpeg else ".png")
        with complete_file(path) as temporary:
            if is_jpeg:
                picture.save(temporary, "JPEG", **JPEG_OPTIONS)
            else:
                (self._deep(image) or picture).save(temporary, "PNG")
        kind = "image/jpeg" if is_jpeg else "image/png"
        more = (Warn.FIRST_FRAME,) if image.record.frames > 1 else ()
        return _copy(image, path, kind, picture.size, (*warnings, *more), removed)

    def _deep(self, image: Exportable) -> Image.Image | None:
        """Return a grey picture of more than 8 bits as it is stored; ``None`` for all others."""
        values = self._decoder.frame(image.path).values
        if values.ndim != 2 or values.dtype.kind != "u" or values.dtype.itemsize != 2:
            return None
        return Image.fromarray(values)

    def _dicom_file(self, image: Exportable) -> Path:
        path = free_path(self._folder, file_stem(image, self._silent), ".dcm")
        with complete_file(path) as temporary:
            self._dicom.write_to(image, temporary)
        return path

    def _as_it_is(self, image: Exportable, warnings: tuple[Warn, ...], ctx: JobContext) -> OutgoingCopy:
        record = image.record
        if record.kind is FileKind.DICOM:
            # With the catalogue's identity, and never with a program in its preamble.
            path = self._dicom_file(image)
        else:
            suffix = f".{EXTENSIONS.get(record.mime_type, 'bin')}"
            path = free_path(self._folder, file_stem(image, self._silent), suffix)
            copy_verified(image.path, path, record.sha256, ctx)
        picture = self._picture(image, _PREVIEW_SIDE)
        size = (record.columns or picture.width, record.rows or picture.height)
        made = _copy(image, path, record.mime_type, size, warnings, ())
        return replace(made, picture=self._preview(picture, image))

    def _picture(self, image: Exportable, longest_side: int | None) -> Image.Image:
        # Overlays take text, and are a header's business.
        args = RenderArgs(overlays=self._args.identified)
        picture = Image.fromarray(self._decoder.render(image.path, args))
        if longest_side is not None:
            picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
        return picture

    def _preview(self, picture: Image.Image, image: Exportable) -> Path:
        path = free_path(self._folder, f"preview-{image.number:04d}", ".png")
        with complete_file(path) as temporary:
            picture.save(temporary, "PNG")
        return path


def _is_document(record: ImageRecord) -> bool:
    return record.kind is FileKind.DOCUMENT or (record.sop_class_uid or "").startswith(_ENCAPSULATED)


def _copy(
    image: Exportable,
    path: Path,
    mime_type: str,
    size: tuple[int, int],
    warnings: Sequence[Warn],
    removed: tuple[Removed, ...],
) -> OutgoingCopy:
    digest, length = sha256_file(path)
    return OutgoingCopy(
        image.record.id, path, mime_type, length, digest, size[1], size[0], tuple(warnings), removed, path
    )
