"""A DICOMDIR folder for a CD or stick: files under names of the standard (PS3.10 section 8) and their index."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pydicom.fileset import FileSet

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, UserError
from app.core.files import translate_os_error
from app.imaging.child.client import Decoder
from app.services.export.dicom_files import DicomWriter
from app.services.export.model import Exportable, ExportArgs


class DicomFolderWriter:
    """Collects DICOM files and writes them with a DICOMDIR at the end."""

    def __init__(self, args: ExportArgs, decoder: Decoder, clinic: str) -> None:
        if (args.out / "DICOMDIR").exists():
            raise UserError("export.dicomdir_exists", path=str(args.out))
        self._args = args
        self._single = DicomWriter(args, decoder, clinic)
        # Beside the result, on its volume: nothing of a patient lies in the system's temporary folder.
        self._staging = tempfile.TemporaryDirectory(prefix=".bitewing-", dir=args.out)
        self._set = FileSet()

    def write(self, image: Exportable, ctx: JobContext) -> tuple[Path, ...]:
        """Add one image. Raises ItemError when a DICOMDIR cannot hold it."""
        ctx.check()
        path = Path(self._staging.name) / f"{image.number}.dcm"
        self._single.write_to(image, path)
        try:
            self._set.add(path)
        except (ValueError, AttributeError, KeyError, NotImplementedError) as error:
            raise EnvironmentFault("export.not_in_dicomdir") from error
        return (self._args.out / "DICOMDIR",)

    def finish(self) -> None:
        """Write the folder."""
        try:
            if len(self._set):
                self._set.write(self._args.out)
        except OSError as error:
            raise translate_os_error(error) from error
        finally:
            self._staging.cleanup()
