"""Pictures as the viewer shows them: PNG, JPEG, TIFF files and PDF pages. No metadata is written.

Drawing happens in the decoding child; only finished 8-bit arrays arrive here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from app.core.context import JobContext
from app.core.files import translate_os_error
from app.core.settings import ClinicSettings
from app.imaging.child.client import Decoder
from app.imaging.render_args import RenderArgs
from app.services.export.model import Exportable, ExportArgs, ExportFormat, file_stem, free_path
from app.services.export.strip import strip_below, strip_lines

# Fine quantisation and full colour resolution: no silent loss (USERS, feature 14). Not optimised: that needs
# the whole file in one buffer, whose size Pillow guesses too small for pictures full of detail.
JPEG_OPTIONS: dict[str, Any] = {"quality": 95, "subsampling": 0}
_FILES: dict[ExportFormat, tuple[str, str, dict[str, Any]]] = {
    ExportFormat.PNG: (".png", "PNG", {}),
    ExportFormat.JPEG: (".jpg", "JPEG", JPEG_OPTIONS),
    ExportFormat.TIFF: (".tif", "TIFF", {"compression": "tiff_lzw"}),
}
_PDF_DOTS_PER_INCH = 150.0


class PictureWriter:
    """One file per frame."""

    is_whole = False

    def __init__(self, args: ExportArgs, decoder: Decoder, clinic: ClinicSettings) -> None:
        self._args = args
        self._decoder = decoder
        self._clinic = clinic

    def write(self, image: Exportable, ctx: JobContext) -> tuple[Path, ...]:
        """Write every frame of an image. Raises BitewingError when it cannot be drawn or written."""
        suffix, kind, options = _FILES[self._args.format]
        stem, frames = file_stem(image, self._args), max(1, image.record.frames)
        written = []
        for index in range(frames):
            ctx.check()
            picture = draw(image, index, self._args, self._decoder, self._clinic)
            name = stem if frames == 1 else f"{stem}_{index + 1:04d}"
            path = free_path(self._args.out, name, suffix)
            with complete_file(path) as temporary:
                picture.save(temporary, kind, **options)
            written.append(path)
        return tuple(written)

    def commit(self) -> None:
        """Nothing is written for all images together."""

    def abort(self) -> None:
        """Every file that has its name is complete and stays."""


class PdfWriter:
    """One document; a page per frame, at the size of the picture."""

    is_whole = True

    def __init__(self, args: ExportArgs, decoder: Decoder, clinic: ClinicSettings) -> None:
        self._args = args
        self._decoder = decoder
        self._clinic = clinic
        self._path = free_path(args.out, "images", ".pdf")
        self._temporary = self._path.with_name(f".{self._path.name}.part")
        self._pages = 0

    def write(self, image: Exportable, ctx: JobContext) -> tuple[Path, ...]:
        """Add an image's pages; patient and date stand below each."""
        header = ExportArgs(self._args.out, ExportFormat.PDF, self._args.deidentify, burn_in=True)
        pages, size = self._pages, self._size()
        try:
            for index in range(max(1, image.record.frames)):
                ctx.check()
                picture = draw(image, index, header, self._decoder, self._clinic)
                # Appending re-reads the trailer only; memory stays at one page.
                picture.save(self._temporary, "PDF", resolution=_PDF_DOTS_PER_INCH, append=self._pages > 0, quality=95)
                self._pages += 1
        except BaseException as error:
            self._go_back(pages, size)
            if isinstance(error, OSError):
                raise translate_os_error(error) from error
            raise
        return (self._path,)

    def _size(self) -> int:
        return self._temporary.stat().st_size if self._pages else 0

    def _go_back(self, pages: int, size: int) -> None:
        """Take an unfinished image out again; pages are appended, so what came before is a whole document."""
        self._pages = pages
        if not pages:
            self._temporary.unlink(missing_ok=True)
            return
        os.truncate(self._temporary, size)

    def commit(self) -> None:
        """Give the document its name, durably."""
        if not self._pages:
            return
        try:
            with self._temporary.open("r+b") as written:
                os.fsync(written.fileno())
            self._temporary.replace(self._path)
        except OSError as error:
            raise translate_os_error(error) from error

    def abort(self) -> None:
        """Remove the unfinished document."""
        self._temporary.unlink(missing_ok=True)


def draw(image: Exportable, index: int, args: ExportArgs, decoder: Decoder, clinic: ClinicSettings) -> Image.Image:
    """Return one frame as the viewer shows it, with its strip of text where asked for."""
    # Overlays take text: what is to be without a name goes without them.
    picture = Image.fromarray(decoder.render(image.path, RenderArgs(frame=index, overlays=not args.deidentify)))
    return strip_below(picture, strip_lines(image, args, clinic)) if args.burn_in else picture


@contextlib.contextmanager
def complete_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its name when the block succeeds.

    Raises
    ------
    EnvironmentFault
        What the disk refused; nothing is left then.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        yield temporary
        with temporary.open("r+b") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise translate_os_error(error) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
