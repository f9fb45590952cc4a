"""Exporting: images in a chosen form, or everything. Writers are loaded by name, on demand."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, UserError
from app.core.files import require_space, translate_os_error
from app.core.progress import Progress
from app.domain.changes import Entity
from app.domain.image import ImageRecord
from app.domain.patient import Patient
from app.domain.roles import Action, Actor
from app.services.decoders import Decoders
from app.services.door import Door
from app.services.export.model import (
    Exportable,
    ExportArgs,
    ExportFormat,
    ExportItem,
    ExportReport,
    ImageWriter,
    WriterFactory,
)
from app.services.images import required_image
from app.services.jobs import JobLog
from app.services.locating import Locator
from app.services.settings import SettingsService
from app.storage.catalogue import Catalogue

if TYPE_CHECKING:
    from app.services.export.everything import EverythingReport

_WRITERS = {
    ExportFormat.PNG: "app.services.export.pictures:PictureWriter",
    ExportFormat.JPEG: "app.services.export.pictures:PictureWriter",
    ExportFormat.TIFF: "app.services.export.pictures:PictureWriter",
    ExportFormat.PDF: "app.services.export.pictures:PdfWriter",
    ExportFormat.DICOM: "app.services.export.dicom_files:DicomWriter",
    ExportFormat.DICOMDIR: "app.services.export.dicom_folder:DicomFolderWriter",
    ExportFormat.ORIGINAL: "app.services.export.originals:OriginalWriter",
}


_PAGE = 1000


class ExportService:
    """Takes images out of the library. Any thread."""

    def __init__(
        self, door: Door, locator: Locator, decoders: Decoders, settings: SettingsService, jobs: JobLog
    ) -> None:
        self._door = door
        self._locator = locator
        self._decoders = decoders
        self._settings = settings
        self._jobs = jobs

    def images(self, actor: Actor, ids: Sequence[str], args: ExportArgs, ctx: JobContext) -> ExportReport:
        """Write images to ``args.out``; what cannot be written is reported and the rest goes on.

        Raises
        ------
        UserError
            ``image.none``, ``export.original_unchanged`` or ``export.dicomdir_exists`` before anything is
            written.
        Cancelled
            Between images; finished files stay, an unfinished PDF or disc folder does not.
        EnvironmentFault
            When a PDF or a disc folder could not be completed: nothing is out then.
        """
        with self._door.reading(actor, Action.IMAGE_EXPORT) as store:
            records = [required_image(store.images.get(image_id), image_id) for image_id in ids]
            owners = {record.patient_id: self._patient(record) for record in records}
        _make_folder(args.out)
        with self._jobs.running(actor, "export", {"format": args.format.value, "images": len(records)}) as job:
            writer = self._writer(args)
            items: list[ExportItem] = []
            try:
                for number, record in enumerate(records, 1):
                    ctx.check()
                    item = self._one(writer, record, owners[record.patient_id], number, ctx)
                    items.append(item)
                    if not writer.is_whole:
                        self._audit(actor, args, (item,))
                    ctx.report(Progress(number, len(records), "images", record.filename))
                writer.commit()
            except BaseException:
                writer.abort()
                raise
            if writer.is_whole:
                self._audit(actor, args, items)
            report = ExportReport(args.out, tuple(items))
            job.counts = {"exported": report.exported, "failed": len(report.failed)}
            return report

    def everything(self, actor: Actor, out: Path, ctx: JobContext) -> EverythingReport:
        """Write the whole library as plain files with hashes, tables and a completeness report.

        Raises
        ------
        UserError
            ``export.not_empty``.
        EnvironmentFault
            ``disk.reserve`` when the target has too little room.
        """
        with self._door.writing(actor, Action.LIBRARY_EXPORT) as unit:
            store = unit.store
            patients = _everyone(store)
            total, size = store.images.count(None), store.images.bytes_used()
            unit.audit(Entity.JOB, "", images=total)
        _make_folder(out)
        require_space(out, size, self._settings.clinic().reserve_bytes)
        module = importlib.import_module("app.services.export.everything")
        with self._jobs.running(actor, "export.everything", {"images": total}) as job:
            report: EverythingReport = module.write_everything(
                out, patients, self._every_image(), total, self._locator.path_of, ctx
            )
            job.counts = {"exported": report.images, "missing": len(report.missing)}
            return report

    def _every_image(self) -> Iterator[ImageRecord]:
        return iter(self._door.store.images.stream())

    def _patient(self, record: ImageRecord) -> Patient | None:
        return self._door.store.patients.get(record.patient_id) if record.patient_id else None

    def _writer(self, args: ExportArgs) -> ImageWriter:
        module, _, name = _WRITERS[args.format].partition(":")
        factory: WriterFactory = getattr(importlib.import_module(module), name)
        return factory(args, self._decoders.importing(), self._settings.clinic())

    def _one(
        self, writer: ImageWriter, record: ImageRecord, patient: Patient | None, number: int, ctx: JobContext
    ) -> ExportItem:
        try:
            with self._door.store.read():
                expected = self._door.store.expected.of_image(record.id)
            image = Exportable(record, patient, self._locator.path_of(record), number, expected)
            paths = writer.write(image, ctx)
        except Cancelled:
            raise
        except BitewingError as error:
            return ExportItem(record.id, code=error.code, facts=error.facts)
        return ExportItem(record.id, paths)

    def _audit(self, actor: Actor, args: ExportArgs, items: Sequence[ExportItem]) -> None:
        """Write down what went out, once it is out."""
        out = [item.image_id for item in items if item.code is None]
        if not out:
            return
        with self._door.writing(actor, Action.IMAGE_EXPORT) as unit:
            for image_id in out:
                unit.audit(Entity.IMAGE, image_id, format=args.format.value, deidentified=args.deidentify)


def _everyone(store: Catalogue) -> list[Patient]:
    """Return every living patient, page by page."""
    everyone: dict[str, Patient] = {}
    last: Patient | None = None
    while page := store.patients.page(last, _PAGE):
        last = page[-1].patient
        if last.id in everyone:
            # A damaged index can be followed in circles.
            raise EnvironmentFault("database.corrupt")
        everyone.update((summary.patient.id, summary.patient) for summary in page)
    return list(everyone.values())


def _make_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError("export.not_a_folder", path=str(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise translate_os_error(error) from error
