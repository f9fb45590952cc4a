"""PDF documents: how many pages, and one page as a picture, through pdfium.

Used in the decoding child. Text, forms and scripts of a document are never run or read.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pypdfium2

from app.core.errors import BitewingError, EnvironmentFault, UserError
from app.domain.facts import FileFacts
from app.domain.image import FileKind, ImageView
from app.imaging.frame import DisplayFrame, PixelArray, WindowSetting
from app.imaging.sniff import MIME_TYPES, Content

DOTS_PER_INCH = 150
MAX_SIDE = 6000
"""A page is drawn smaller rather than larger than this."""
MAX_PAGES = 5000
_DATE = re.compile(r"D:(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)")


def document_facts(source: Path | bytes) -> FileFacts:
    """Count pages and measure the first one as it would be shown.

    Raises
    ------
    BitewingError
        ``file.undecodable``, ``file.too_large``, ``document.password``, ``file.missing``.
    """
    with _open(source) as document:
        rows, columns, _ = _page_size(document, 0)
        return FileFacts(
            kind=FileKind.DOCUMENT,
            mime_type=MIME_TYPES[Content.PDF],
            rows=rows,
            columns=columns,
            frames=len(document),
            bits=8,
            photometric="RGB",
            view=ImageView.DOCUMENT,
            captured_at=_created_at(document),
        )


def load_page(source: Path | bytes, index: int = 0) -> DisplayFrame:
    """Draw page ``index`` at about 150 dots per inch on white."""
    with _open(source) as document:
        pages = len(document)
        if not 0 <= index < pages:
            raise UserError("image.no_such_frame", frame=index + 1, frames=pages)
        return DisplayFrame(
            values=_draw(document, index),
            default_window=WindowSetting(128.0, 256.0),
            frame=index,
            frames=pages,
        )


def _draw(document: pypdfium2.PdfDocument, index: int) -> PixelArray:
    _, _, scale = _page_size(document, index)
    page = document[index]
    try:
        bitmap = page.render(scale=scale, rev_byteorder=True, may_draw_forms=False)
        try:
            pixels = bitmap.to_numpy()
            if pixels.ndim == 2:
                pixels = np.repeat(pixels[:, :, None], 3, axis=2)
            return np.ascontiguousarray(pixels[:, :, :3])
        finally:
            bitmap.close()
    finally:
        page.close()


def _page_size(document: pypdfium2.PdfDocument, index: int) -> tuple[int, int, float]:
    """Return (rows, columns, scale): the picture of page ``index`` and pixels per point."""
    page = document[index]
    try:
        width, height = page.get_size()
    finally:
        page.close()
    if not (0 < width < 1e6 and 0 < height < 1e6):
        raise EnvironmentFault("file.undecodable", detail="page size")
    scale = min(DOTS_PER_INCH / 72, MAX_SIDE / max(width, height))
    return _pixels(height * scale), _pixels(width * scale), scale


def _pixels(length: float) -> int:
    """Return whole pixels for ``length``, as pdfium's own rounding up gives them."""
    return max(1, math.ceil(length))


def _created_at(document: pypdfium2.PdfDocument) -> datetime | None:
    found = _DATE.match(document.get_metadata_value("CreationDate") or "")
    if found is None:
        return None
    try:
        return datetime(*(int(part) for part in found.groups())).astimezone()  # type: ignore[arg-type]
    except (ValueError, OverflowError, OSError):
        return None


@contextlib.contextmanager
def _open(source: Path | bytes) -> Iterator[pypdfium2.PdfDocument]:
    """Open the document and translate pdfium's errors."""
    try:
        document = pypdfium2.PdfDocument(source)
    except FileNotFoundError as error:
        raise EnvironmentFault("file.missing") from error
    except (pypdfium2.PdfiumError, OSError, ValueError) as error:
        if "assword" in str(error):
            raise UserError("document.password") from error
        raise EnvironmentFault("file.undecodable", detail=type(error).__name__) from error
    try:
        pages = len(document)
        if not 0 < pages <= MAX_PAGES:
            raise EnvironmentFault("file.too_large", rows=None, columns=None, frames=pages)
        yield document
    except BitewingError:
        raise
    except pypdfium2.PdfiumError as error:
        raise EnvironmentFault("file.undecodable", detail="PdfiumError") from error
    finally:
        document.close()
