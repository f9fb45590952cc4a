"""Originals, byte for byte, under names that say what they are."""

from __future__ import annotations

from pathlib import Path

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, UserError
from app.core.files import copy_durably, translate_os_error
from app.core.settings import ClinicSettings
from app.domain.naming import EXTENSIONS
from app.imaging.child.client import Decoder
from app.services.export.model import Exportable, ExportArgs, file_stem, free_path


class OriginalWriter:
    """Copies files and proves each copy by its hash."""

    is_whole = False

    def __init__(self, args: ExportArgs, decoder: Decoder, clinic: ClinicSettings) -> None:
        if args.deidentify or args.burn_in:
            raise UserError("export.original_unchanged")
        self._args = args

    def write(self, image: Exportable, ctx: JobContext) -> tuple[Path, ...]:
        """Copy one original."""
        suffix = f".{EXTENSIONS.get(image.record.mime_type, 'bin')}"
        path = free_path(self._args.out, file_stem(image, self._args), suffix)
        copy_verified(image.path, path, image.record.sha256, ctx)
        return (path,)

    def commit(self) -> None:
        """Nothing is written for all images together."""

    def abort(self) -> None:
        """Every file that has its name is complete and stays."""


def copy_verified(source: Path, target: Path, sha256: str, ctx: JobContext) -> None:
    """Copy a file whose hash is known. Raises ``file.corrupt`` when what lies there is something else."""
    try:
        digest = copy_durably(source, target, lambda _bytes: ctx.check())
    except OSError as error:
        raise translate_os_error(error) from error
    if digest != sha256:
        target.unlink(missing_ok=True)
        raise EnvironmentFault("file.corrupt")
