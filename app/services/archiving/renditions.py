"""The DICOM object that goes to an archive: the original bytes where they say the truth, else one made once and kept.

A retry must send the same bytes under the same SOP Instance UID (ARCHITECTURE, "What is sent"); so what is made is on
the disk and written down, with its hash, before it is sent for the first time.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.errors import ItemError
from app.core.files import digest_file, replace_durably, sha256_file, translate_os_error
from app.core.paths import LibraryPaths
from app.core.settings import ClinicSettings
from app.domain.image import ImageRecord
from app.domain.patient import Patient
from app.imaging.child.client import Decoder
from app.services.export.dicom_files import DicomWriter, key_of_original, may_go_as_it_is
from app.services.export.model import Exportable, ExportArgs, ExportFormat
from app.services.locating import Locator
from app.storage.catalogue import Catalogue
from app.storage.renditions import Rendition


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A file that may be sent, what names it in an archive, and its digests.

    ``is_made``: it was made here, under numbers of our own.
    """

    path: Path
    key: str
    sha256: str
    md5: str
    is_made: bool = False


_MAKING = tuple(threading.Lock() for _ in range(64))


class Renditions:
    """Gives the file to send for an image. Any thread."""

    def __init__(
        self, store: Catalogue, paths: LibraryPaths, locator: Locator, decoder: Decoder, clinic: ClinicSettings
    ) -> None:
        self._store = store
        self._paths = paths
        self._locator = locator
        self._writer = DicomWriter(ExportArgs(paths.outgoing, ExportFormat.DICOM), decoder, clinic)

    def of(self, record: ImageRecord, patient: Patient, *, is_proven_later: bool = False) -> Outgoing:
        """Return the file to send with its digests.

        Parameters
        ----------
        is_proven_later
            An original that goes as it is need not be read here: the caller compares its SHA-256 while sending it.

        Raises
        ------
        BitewingError
            ``image.file_missing``, ``file.corrupt``; what is wrong with a file that cannot
            be decoded; ``disk.full`` and kin.
        """
        original = self._locator.path_of(record)
        image = self._exportable(record, patient, original)
        goes_as_it_is = _goes_as_it_is(image)
        if goes_as_it_is and is_proven_later and record.md5 is not None:
            return Outgoing(original, key_of_original(record), record.sha256, record.md5)
        outgoing = _outgoing(original, key_of_original(record), record.md5)
        if outgoing.sha256 != record.sha256:
            # Rotten bytes must not reach the archive under a good image's name.
            raise ItemError("file.corrupt")
        if goes_as_it_is:
            return outgoing
        # Several archives may ask for the same image at once: it is made once.
        with _MAKING[hash(record.id) % len(_MAKING)]:
            return self._kept_or_made(image, patient)

    def _kept_or_made(self, image: Exportable, patient: Patient) -> Outgoing:
        record = image.record
        made_for = _made_for(image, patient)
        target = self._paths.outgoing / f"{record.id}.dcm"
        with self._store.read():
            kept = self._store.renditions.get(record.id)
        if kept is not None and kept.made_for == made_for and target.exists():
            made = replace(_outgoing(target, kept.remote_key, kept.md5), is_made=True)
            if made.sha256 == kept.sha256:
                return made
        return self._make(image, target, made_for)

    def key_now(self, record: ImageRecord, patient: Patient) -> str | None:
        """Return what names an image's object in an archive as it is filed now; ``None`` while none was made."""
        image = self._exportable(record, patient, self._locator.path_of(record))
        if _goes_as_it_is(image):
            return key_of_original(record)
        with self._store.read():
            kept = self._store.renditions.get(record.id)
        return kept.remote_key if kept is not None and kept.made_for == _made_for(image, patient) else None

    def _exportable(self, record: ImageRecord, patient: Patient, path: Path) -> Exportable:
        with self._store.read():
            return Exportable(record, patient, path, 1, self._store.expected.of_image(record.id))

    def _make(self, image: Exportable, target: Path, made_for: str) -> Outgoing:
        part = target.with_name(f"{target.stem}-{uuid.uuid4().hex}.part")
        try:
            self._paths.outgoing.mkdir(mode=0o700, exist_ok=True)
            key = self._writer.write_to(image, part, made_for)
            replace_durably(part, target)
        except OSError as error:
            raise translate_os_error(error) from error
        finally:
            part.unlink(missing_ok=True)
        made = replace(_outgoing(target, key), is_made=True)
        self._store.renditions.put(Rendition(image.record.id, made_for, target.name, key, made.sha256, made.md5))
        return made


def _goes_as_it_is(image: Exportable) -> bool:
    try:
        return may_go_as_it_is(image)
    except OSError as error:
        raise translate_os_error(error) from error


def _outgoing(path: Path, key: str, md5: str | None = None) -> Outgoing:
    """Read a file once for its digests; for one only where its MD5 is known. Raises as :meth:`Renditions.of`.

    That the MD5 is the file's is then proven by its SHA-256: both were counted in one reading.
    """
    try:
        if md5 is not None:
            return Outgoing(path, key, sha256_file(path)[0], md5)
        digests = digest_file(path)
    except OSError as error:
        raise translate_os_error(error) from error
    return Outgoing(path, key, digests.sha256, digests.md5)


def _made_for(image: Exportable, patient: Patient) -> str:
    """Return a fingerprint of everything that goes into the object beside the pixels."""
    record, order = image.record, image.order
    parts = [
        record.sha256,
        record.kind.value,
        record.image_type.value,
        record.shown_teeth(),
        record.laterality.value,
        record.view.value,
        patient.id,
        patient.family_name,
        patient.given_name,
        patient.chart_number,
        patient.birth_date,
        patient.sex.value,
    ]
    if order is not None:
        # Left out where there is none: what was made before there were worklists is not to be made anew.
        parts += [order.study_uid, order.accession_number]
    return hashlib.sha256(json.dumps(parts, default=str).encode("utf-8")).hexdigest()
