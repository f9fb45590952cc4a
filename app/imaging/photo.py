"""Photographs and scanned pictures: JPEG, PNG, TIFF, BMP, WebP and HEIC through Pillow.

Sizes are checked before anything is decoded. EXIF orientation is applied for display and never
written back. DICOM, PDF and caching belong elsewhere.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pi_heif
from PIL import ExifTags, Image, UnidentifiedImageError

from app.core.errors import BitewingError, EnvironmentFault, UserError
from app.domain.facts import FileFacts
from app.domain.image import FileKind
from app.imaging import colour_profile
from app.imaging.display.voi import min_max_window
from app.imaging.frame import DisplayFrame, PixelArray, WindowSetting
from app.imaging.sniff import MIME_TYPES, Content

pi_heif.register_heif_opener(thumbnails=False)

FORMATS: dict[Content, tuple[str, ...]] = {
    Content.JPEG: ("JPEG", "MPO"),
    Content.PNG: ("PNG",),
    Content.TIFF: ("TIFF",),
    Content.BMP: ("BMP",),
    Content.WEBP: ("WEBP",),
    Content.HEIF: ("HEIF",),
}
"""What Pillow may try, by content (bad input B16): everything else it knows stays closed."""

FULL_PIXELS = 150_000_000
REDUCED_PIXELS = 250_000_000
MAX_SIDE = 65_535
MAX_PAGES = 1000
REDUCED_LABEL = "reduced_resolution"
"""Label of a frame that was decoded at half its size or less because of its size."""
NEUTRAL = 128
"""Grey laid under transparent pictures, in the middle so that neither white nor black drowns."""

_STRIP_PIXELS = 4_000_000
_GREY_MODES = frozenset({"L", "1", "I;16", "I;16B", "I;16L", "I;16N", "I", "F"})
_DATE = re.compile(r"(\d{4})\D(\d\d)\D(\d\d)\D+(\d\d)\D(\d\d)\D(\d\d)")

# ``open_photo`` checks every size itself, before decoding and with the figures for the message.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Picture:
    """A decoded picture before its orientation is applied.

    ``pixels`` is (rows, columns) or (rows, columns, 3) uint8 RGB; ``orientation`` is the EXIF
    value 1..8; ``reduced`` says that it was decoded smaller than stored.
    """

    pixels: PixelArray
    orientation: int
    bits: int
    frames: int
    reduced: bool = False

    @property
    def upright(self) -> PixelArray:
        """The pixels as shown: a view, nothing is copied."""
        return orient(self.pixels, self.orientation)


def photo_facts(path: Path, content: Content) -> FileFacts:
    """Read what the picture's header says, without decoding it.

    ``rows`` and ``columns`` are as shown, after EXIF orientation.

    Raises
    ------
    BitewingError
        ``file.too_large``, ``file.truncated``, ``file.undecodable``.
    """
    with open_photo(path, content) as picture:
        width, height = picture.size
        if _orientation(picture) >= 5 and picture.format != "TIFF":  # Pillow swaps a TIFF's itself
            width, height = height, width
        return FileFacts(
            kind=FileKind.PHOTO,
            mime_type=MIME_TYPES[content],
            rows=height,
            columns=width,
            frames=_frame_count(picture),
            bits=_bits(picture),
            photometric="MONOCHROME2" if picture.mode in _GREY_MODES else "RGB",
            captured_at=_captured_at(picture),
        )


def load_photo_frame(
    path: Path, content: Content, index: int = 0, max_pixels: tuple[int, int] | None = None
) -> DisplayFrame:
    """Decode frame ``index`` as shown; ``max_pixels`` (width, height) permits a reduced JPEG."""
    return frame_of(decode_photo(path, content, index, max_pixels), index)


def frame_of(picture: Picture, index: int) -> DisplayFrame:
    """Return the decoded ``picture`` as the viewer takes it: upright, its full range in the window."""
    values = picture.upright
    return DisplayFrame(
        values=values,
        default_window=full_window(values),
        bits=picture.bits,
        frame=index,
        frames=picture.frames,
        label=REDUCED_LABEL if picture.reduced else None,
    )


def full_window(values: PixelArray) -> WindowSetting:
    """Return the window that shows the full range: of the type up to 16 bits, of the values beyond."""
    if values.dtype.itemsize <= 2:
        span = 2.0 ** (8 * values.dtype.itemsize)
        return WindowSetting(span / 2, span)
    return min_max_window(float(values.min()), float(values.max()))


def decode_photo(path: Path, content: Content, index: int = 0, max_pixels: tuple[int, int] | None = None) -> Picture:
    """Decode one frame: grey keeps its depth, everything else becomes RGB on neutral grey.

    Raises
    ------
    BitewingError
        ``file.too_large``, ``file.truncated``, ``file.undecodable``, ``image.no_such_frame``.
    """
    with open_photo(path, content) as picture:
        frames = _frame_count(picture)
        if not 0 <= index < frames:
            raise UserError("image.no_such_frame", frame=index + 1, frames=frames)
        if index:
            picture.seek(index)
            _check_size(picture.size)
        orientation = _orientation(picture)
        reduced = _reduce(picture, max_pixels)
        if not reduced and picture.width * picture.height > FULL_PIXELS:
            return _decode_reduced(path, content, orientation, frames)
        bits = _bits(picture)
        picture.load()
        if picture.format == "TIFF":
            orientation = 1  # load() has applied it
        elif picture.format == "PNG":
            orientation = _orientation(picture)  # it may stand behind the pixels
        return Picture(_pixels(picture), orientation, bits, frames, reduced)


def stored_photo(path: Path, content: Content) -> PixelArray:
    """Return the stored values of all frames, orientation not applied: (frames,) rows, columns."""
    pages: list[PixelArray] = []
    with open_photo(path, content) as picture:
        for index in range(_frame_count(picture)):
            picture.seek(index)
            _check_size(picture.size)
            orientation = _orientation(picture)
            picture.load()
            plain = picture.convert("RGB") if picture.mode in ("P", "CMYK", "YCbCr") else picture
            page = np.asarray(plain)
            if picture.format == "TIFF":  # load() has applied it
                page = orient(page, {6: 8, 8: 6}.get(orientation, orientation))
            pages.append(page.copy())
    if len({(page.shape, page.dtype) for page in pages}) != 1:
        raise UserError("frame.sizes_differ", frames=len(pages))
    return pages[0] if len(pages) == 1 else np.stack(pages)


@contextlib.contextmanager
def open_photo(path: Path, content: Content) -> Iterator[Image.Image]:
    """Open the header with Pillow, check its size, and translate what Pillow raises inside."""
    with translated(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path, formats=FORMATS[content]) as picture:
            _check_size(picture.size)
            yield picture


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the many exceptions of Pillow and its codecs into our codes."""
    try:
        yield
    except (BitewingError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise EnvironmentFault("file.undecodable", detail="UnidentifiedImageError") from error
    except FileNotFoundError as error:
        raise EnvironmentFault("file.missing") from error
    except PermissionError as error:
        raise EnvironmentFault("disk.permission") from error
    except (OSError, EOFError, ValueError, SyntaxError, IndexError, KeyError, TypeError) as error:
        if isinstance(error, EOFError) or _speaks_of_truncation(str(error)):
            raise EnvironmentFault("file.truncated", has=path.stat().st_size, needed=None) from error
        raise EnvironmentFault("file.undecodable", detail=type(error).__name__) from error


def _speaks_of_truncation(text: str) -> bool:
    text = text.lower()
    return any(word in text for word in ("truncat", "premature", "end of file", "end of data"))


def _check_size(size: tuple[int, int]) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise EnvironmentFault("file.undecodable", detail="no pixels")
    if width * height > REDUCED_PIXELS or max(size) > MAX_SIDE:
        raise EnvironmentFault("file.too_large", rows=height, columns=width, frames=1)


def _frame_count(picture: Image.Image) -> int:
    """Return the pages of a TIFF; moving pictures of other formats count as their first."""
    frames = int(getattr(picture, "n_frames", 1)) if picture.format == "TIFF" else 1
    if frames > MAX_PAGES:
        raise EnvironmentFault("file.too_large", rows=picture.height, columns=picture.width, frames=frames)
    return frames


def _bits(picture: Image.Image) -> int:
    if picture.mode == "1":
        return 1
    if picture.mode.startswith("I;16"):
        return 16
    if picture.mode in ("I", "F"):
        return 16 if picture.format == "PNG" else 32
    return 8


def _orientation(picture: Image.Image) -> int:
    """Return EXIF orientation 1..8; HEIC carries its own, which its decoder applies."""
    if picture.format == "HEIF":
        return 1
    try:
        value = _exif(picture).get(ExifTags.Base.Orientation, 1)
    except (ValueError, SyntaxError, OSError, KeyError, TypeError, IndexError, EOFError):
        return 1  # a damaged EXIF block must not cost the picture
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _exif(picture: Image.Image) -> Image.Exif:
    """Return the EXIF block without decoding: for a PNG, Pillow would load it all to find one at its end."""
    if picture.format == "PNG" and not {"exif", "Raw profile type exif"} & picture.info.keys():
        return Image.Exif()
    return picture.getexif()


def _captured_at(picture: Image.Image) -> datetime | None:
    """Return when the picture was taken; without a recorded zone, in this computer's zone."""
    try:
        base = _exif(picture)
        detail = base.get_ifd(ExifTags.IFD.Exif)
    except (ValueError, SyntaxError, OSError, KeyError, TypeError, IndexError, EOFError):
        return None
    pairs = (
        (detail.get(ExifTags.Base.DateTimeOriginal), ExifTags.Base.OffsetTimeOriginal),
        (detail.get(ExifTags.Base.DateTimeDigitized), ExifTags.Base.OffsetTimeDigitized),
        (base.get(ExifTags.Base.DateTime), ExifTags.Base.OffsetTime),
    )
    for text, zone_tag in pairs:
        moment = _moment(text, detail.get(zone_tag))
        if moment is not None:
            return moment
    return None


def _moment(text: Any, zone: Any) -> datetime | None:
    found = _DATE.match(text) if isinstance(text, str) else None
    if found is None:
        return None
    try:
        local = datetime(*(int(part) for part in found.groups()))  # type: ignore[arg-type]  # noqa: DTZ001
        if isinstance(zone, str) and re.fullmatch(r"[+-]\d\d:\d\d", zone.strip("\0 ")):
            return datetime.fromisoformat(local.isoformat() + zone.strip("\0 "))
        return local.astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _reduce(picture: Image.Image, max_pixels: tuple[int, int] | None) -> bool:
    """Let the JPEG decoder work at 1/2, 1/4 or 1/8 where a smaller picture was asked for."""
    wanted = max_pixels
    if wanted is None and picture.width * picture.height > FULL_PIXELS:
        wanted = (picture.width // 2, picture.height // 2)
    if wanted is None or picture.format not in ("JPEG", "MPO"):
        return False
    box = wanted[::-1] if _orientation(picture) >= 5 else wanted
    scale = min(1.0, box[0] / picture.width, box[1] / picture.height)
    before = picture.size
    picture.draft(picture.mode, (int(before[0] * scale), int(before[1] * scale)))
    return picture.size != before


def _decode_reduced(path: Path, content: Content, orientation: int, frames: int) -> Picture:
    """Decode a picture of 150 to 250 MP at half size: three bytes a pixel, never four."""
    file = path.read_bytes()
    data = np.frombuffer(file, np.uint8)
    pixels: PixelArray | None
    try:
        if content is Content.PNG:
            pixels = _half(imagecodecs.png_decode(file))  # OpenCV's PNG reader holds the picture twice
        elif content is Content.TIFF and orientation != 1:
            # OpenCV's TIFF reader applies the orientation in spite of the flag, and halves wrongly then.
            found = cv2.imdecode(data, cv2.IMREAD_COLOR)
            pixels, orientation = None if found is None else _half(found)[:, :, ::-1], 1
        else:
            found = cv2.imdecode(data, cv2.IMREAD_REDUCED_COLOR_2 | cv2.IMREAD_IGNORE_ORIENTATION)
            pixels = None if found is None else found[:, :, ::-1]
    except cv2.error as error:
        raise EnvironmentFault("decoder.memory") from error
    if pixels is None:
        raise EnvironmentFault("file.undecodable", detail="imdecode")
    return Picture(pixels, orientation, 8, frames, reduced=True)


def _half(whole: PixelArray) -> PixelArray:
    """Return RGB (or BGR as given) uint8 of half the size; transparency is left out."""
    half: PixelArray = cv2.resize(whole, (whole.shape[1] // 2, whole.shape[0] // 2), interpolation=cv2.INTER_AREA)
    if half.dtype != np.uint8:
        half = (half >> 8).astype(np.uint8)
    if half.ndim == 3 and half.shape[2] >= 3:
        return half[:, :, :3]
    grey = half if half.ndim == 2 else half[:, :, 0]
    return np.repeat(grey[:, :, None], 3, axis=2)


def _pixels(picture: Image.Image) -> PixelArray:
    """Return the loaded picture as an array: grey in its depth, or RGB."""
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8) * np.uint8(255)
    if picture.mode in ("L", "I;16"):
        return np.asarray(picture)
    if picture.mode in ("I;16B", "I;16L", "I;16N"):
        return np.asarray(picture).astype(np.uint16)
    if picture.mode == "I":
        return _whole_numbers(np.asarray(picture))
    if picture.mode == "F":
        return _stretched(np.asarray(picture))
    return colour_profile.to_srgb(picture, _rgb(picture))


def _whole_numbers(values: PixelArray) -> PixelArray:
    if values.min() >= 0 and values.max() <= 0xFFFF:
        return values.astype(np.uint16)
    return values


def _stretched(values: PixelArray) -> PixelArray:
    """Map floating-point grey from its own minimum–maximum onto 16 bits."""
    finite = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(finite.min()), float(finite.max())
    scale = 65535.0 / (high - low) if high > low else 0.0
    return np.rint((finite - low) * scale).astype(np.uint16)


def _rgb(picture: Image.Image) -> PixelArray:
    """Convert strip by strip, so that a 150 MP picture fits beside its own array."""
    rows = max(1, _STRIP_PIXELS // picture.width)
    result = np.empty((picture.height, picture.width, 3), np.uint8)
    transparent = picture.has_transparency_data
    for top in range(0, picture.height, rows):
        bottom = min(picture.height, top + rows)
        strip = picture.crop((0, top, picture.width, bottom))
        if transparent:
            strip = strip.convert("RGBA")
            ground = Image.new("RGBA", strip.size, (NEUTRAL, NEUTRAL, NEUTRAL, 255))
            strip = Image.alpha_composite(ground, strip)
        result[top:bottom] = np.asarray(strip.convert("RGB"))
    return result


def orient(pixels: PixelArray, orientation: int) -> PixelArray:
    """Apply EXIF orientation 1..8 (EXIF 2.32, 4.6.4 A) and return a view."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
