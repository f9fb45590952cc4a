"""imagecodecs and pylibjpeg-rle as decoder plugins of pydicom.

pydicom keeps finding frames, offsets and the photometric interpretation; these functions turn
one frame's code stream into samples, in the codec that won in PERFORMANCE.md. A stream that
is cut short or whose size is not the header's is refused: no codec may fill in noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import rle
from numpy.typing import NDArray
from pydicom import uid
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import DecodeRunner

from app.imaging.dicom.codestream import j2k_is_whole, j2k_size, jpeg_frame_header, jpeg_is_whole
from app.imaging.dicom.limits import MAX_FRAME_PIXELS

PLUGIN = "bitewing"
_J2K_THREADS = 2

JPEG_SYNTAXES = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1)
JPEG_LS_SYNTAXES = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)
J2K_SYNTAXES = (uid.JPEG2000Lossless, uid.JPEG2000)
HTJ2K_SYNTAXES = (uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)

# Names that pydicom's plugin interface looks for in this module.
DECODER_DEPENDENCIES: dict[uid.UID, tuple[str, ...]] = dict.fromkeys(
    (*JPEG_SYNTAXES, *JPEG_LS_SYNTAXES, *J2K_SYNTAXES, *HTJ2K_SYNTAXES), ("imagecodecs",)
) | {uid.RLELossless: ("pylibjpeg-rle",)}


class CutShortError(ValueError):
    """A code stream that ends before its end marker."""


def is_available(syntax: str) -> bool:
    """Whether this plugin decodes a transfer syntax; part of pydicom's plugin interface."""
    return syntax in DECODER_DEPENDENCIES


def register() -> None:
    """Make the plugin known to pydicom; calling it again changes nothing."""
    for syntax in DECODER_DEPENDENCIES:
        decoder = get_decoder(syntax)
        if PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(PLUGIN, (__name__, "decode_frame"))


def decode_frame(stream: bytes, runner: DecodeRunner) -> memoryview | bytearray:
    """Decode one frame; part of pydicom's plugin interface.

    Returns the samples colour-by-pixel (RLE: by plane), little endian, and tells ``runner`` how wide
    they are and how they lie.
    """
    syntax = runner.transfer_syntax
    if syntax == uid.RLELossless:
        runner.set_option("planar_configuration", 1)
        return _decode_rle(stream, runner)
    samples = _codec_for(syntax)(stream, runner)
    expected = (runner.rows, runner.columns) + ((runner.samples_per_pixel,) if runner.samples_per_pixel > 1 else ())
    if samples.shape != expected:
        raise ValueError(f"decoded {samples.shape}, header says {expected}")
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    runner.set_option("bits_allocated", samples.dtype.itemsize * 8)
    return np.ascontiguousarray(samples).data.cast("B")


def _codec_for(syntax: str) -> Callable[[bytes, DecodeRunner], NDArray[Any]]:
    if syntax in JPEG_SYNTAXES:
        return _decode_jpeg
    if syntax in JPEG_LS_SYNTAXES:
        return _decode_jpeg_ls
    return _decode_htj2k if syntax in HTJ2K_SYNTAXES else _decode_j2k


def _require_size(found: tuple[int, int] | None, runner: DecodeRunner) -> None:
    """Compare the stream's own size with the header's before a codec allocates for it."""
    if found is None:
        raise ValueError("no frame header in the code stream")
    if found != (runner.rows, runner.columns) or found[0] * found[1] > MAX_FRAME_PIXELS:
        raise ValueError(f"code stream of {found}, header says {(runner.rows, runner.columns)}")


def _decode_jpeg(stream: bytes, runner: DecodeRunner) -> NDArray[Any]:
    """JPEG processes 1, 2, 4 and 14, through libjpeg-turbo 3 (8, 12 and 16 bits), bit-equal to the IJG code."""
    header = jpeg_frame_header(stream)
    _require_size(header[1:3] if header else None, runner)
    if not jpeg_is_whole(stream):
        raise CutShortError("JPEG stream without end marker")
    if runner.samples_per_pixel == 1:
        return np.asarray(imagecodecs.jpeg8_decode(stream))
    # The same colour space in and out: stored values are the components as they are.
    return np.asarray(imagecodecs.jpeg8_decode(stream, colorspace="YCBCR", outcolorspace="YCBCR"))


def _decode_jpeg_ls(stream: bytes, runner: DecodeRunner) -> NDArray[Any]:
    header = jpeg_frame_header(stream)
    _require_size(header[1:3] if header else None, runner)
    if not jpeg_is_whole(stream):
        raise CutShortError("JPEG-LS stream without end marker")
    samples = np.asarray(imagecodecs.jpegls_decode(stream))
    planar = runner.samples_per_pixel == 3 and samples.shape == (3, runner.rows, runner.columns)
    return np.moveaxis(samples, 0, -1) if planar else samples


def _decode_j2k(stream: bytes, runner: DecodeRunner) -> NDArray[Any]:
    size = j2k_size(stream)
    _require_size(size[:2] if size else None, runner)
    threads = getattr(runner, "codec_threads", _J2K_THREADS)
    return _after_colour_transform(imagecodecs.jpeg2k_decode(stream, numthreads=threads), runner)


def _decode_htj2k(stream: bytes, runner: DecodeRunner) -> NDArray[Any]:
    size = j2k_size(stream)
    _require_size(size[:2] if size else None, runner)
    # OpenJPH decodes what is there and leaves the rest grey.
    if not j2k_is_whole(stream):
        raise CutShortError("HTJ2K stream without end marker")
    return _after_colour_transform(imagecodecs.htj2k_decode(stream), runner)


def _after_colour_transform(samples: Any, runner: DecodeRunner) -> NDArray[Any]:
    """The codecs undo the reversible and irreversible colour transforms themselves."""
    if runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
        runner.set_option("photometric_interpretation", "RGB")
    return np.asarray(samples)


def _decode_rle(stream: bytes, runner: DecodeRunner) -> bytearray:
    """PackBits segments. pylibjpeg-rle is memory-safe; imagecodecs' decoder, as fast, crashes on broken segments."""
    try:
        decoded: bytearray = rle.decode_pixel_data(
            stream,
            version=2,
            rows=runner.rows,
            columns=runner.columns,
            bits_allocated=runner.bits_allocated,
            byteorder="<",
        )
    except BaseException as error:
        # A Rust panic arrives as a BaseException of its own, for which no name can be imported.
        if type(error).__name__ == "PanicException":
            raise ValueError("RLE segments") from error
        raise
    needed = runner.rows * runner.columns * runner.samples_per_pixel * max(runner.bits_allocated, 8) // 8
    if len(decoded) < needed:
        raise CutShortError("RLE segments shorter than the image")
    return decoded


register()
