"""A DICOMDIR folder for a CD or stick: files under names of the standard (PS3.10 section 8) and their index."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.fileset import FileSet

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, UserError
from app.core.files import translate_os_error
from app.core.settings import ClinicSettings
from app.imaging.child.client import Decoder
from app.imaging.dicom.reader import open_dataset
from app.services.export.dicom_files import DicomWriter
from app.services.export.model import Exportable, ExportArgs

_REQUIRED = (
    "PatientID",
    "PatientName",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "SeriesNumber",
    "InstanceNumber",
    "Modality",
)


class DicomFolderWriter:
    """Collects DICOM files and writes them with a DICOMDIR at the end."""

    is_whole = True

    def __init__(self, args: ExportArgs, decoder: Decoder, clinic: ClinicSettings) -> None:
        if (args.out / "DICOMDIR").exists():
            raise UserError("export.dicomdir_exists", path=str(args.out))
        self._args = args
        self._single = DicomWriter(args, decoder, clinic)
        # Beside the result, on its volume: nothing of a patient lies in the system's temporary folder.
        self._staging = tempfile.TemporaryDirectory(prefix=".bitewing-", dir=args.out)
        self._set = FileSet()
        # pydicom stages in the system's temporary folder; there is no public way to tell it otherwise.
        self._set._stage["t"].cleanup()
        self._set._stage.update(t=self._staging, path=Path(self._staging.name))

    def write(self, image: Exportable, ctx: JobContext) -> tuple[Path, ...]:
        """Add one image. Raises ItemError when a DICOMDIR cannot hold it."""
        ctx.check()
        path = Path(self._staging.name) / f"original-{image.number}.dcm"
        self._single.write_to(image, path)
        try:
            self._set.add(self._listable(path, image))
        except (ValueError, AttributeError, KeyError, NotImplementedError) as error:
            raise EnvironmentFault("export.not_in_dicomdir") from error
        return (self._args.out / "DICOMDIR",)

    def _listable(self, path: Path, image: Exportable) -> Path | Dataset:
        """Return the file, or a copy with what directory records require (PS3.3 F.5) and it does not say."""
        dataset = open_dataset(path)
        missing = [keyword for keyword in _REQUIRED if dataset.get(keyword) in (None, "")]
        if not missing:
            return path
        moment = image.record.captured_at or image.record.imported_at
        values = {
            "PatientID": image.patient.id if image.patient and not self._args.deidentify else f"A{image.number:06}",
            "PatientName": "Anonymous",
            "StudyDate": "19000101" if self._args.deidentify else moment.strftime("%Y%m%d"),
            "StudyTime": "000000" if self._args.deidentify else moment.strftime("%H%M%S"),
            "StudyID": "1",
            "SeriesNumber": 1,
            "InstanceNumber": image.number,
            "Modality": "OT",
        }
        for keyword in missing:
            setattr(dataset, keyword, values[keyword])
        return dataset

    def commit(self) -> None:
        """Write the folder."""
        try:
            if len(self._set):
                self._set.write(self._args.out)
        except OSError as error:
            raise translate_os_error(error) from error
        self.abort()

    def abort(self) -> None:
        """Remove what was collected."""
        # Writing gives the set a new staging folder, and leaves the first one to us.
        self._set._stage["t"].cleanup()
        self._staging.cleanup()
