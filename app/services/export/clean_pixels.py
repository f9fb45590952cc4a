"""Pixel data of a de-identified DICOM object: made anew from decoded values, so that nothing but the picture is left.

Code streams take comments and application data, unused high bits old overlays, and bytes may follow the last frame.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

from app.core.errors import EnvironmentFault
from app.imaging.child.client import Decoder
from app.imaging.render_args import RenderArgs

# Up to here every reader is spared the decoding.
_NATIVE_BYTES = 2_000_000
_LOSSY = {"50": "ISO_10918_1", "51": "ISO_10918_1", "81": "ISO_14495_1", "91": "ISO_15444_1", "203": "ISO_15444_15"}
_FAMILY = "1.2.840.10008.1.2.4."


def put_clean_pixels(clean: Dataset, source: Path, decoder: Decoder) -> None:
    """Replace the pixel data of ``clean`` by what its file ``source`` shows.

    Grey pictures keep every stored value; colours are what the viewer shows, as RGB.

    Raises
    ------
    EnvironmentFault
        ``export.cannot_clean`` for pixels that are no whole numbers; what the decoder says of the file.
    """
    if "PixelData" not in clean:
        raise EnvironmentFault("export.cannot_clean")
    syntax = str(clean.file_meta.TransferSyntaxUID)
    if syntax.startswith(_FAMILY) and "LossyImageCompression" not in clean:
        method = _LOSSY.get(syntax.removeprefix(_FAMILY))
        if method is not None:
            clean.LossyImageCompression, clean.LossyImageCompressionMethod = "01", method
    if clean.SamplesPerPixel > 1 or clean.get("PhotometricInterpretation") == "PALETTE COLOR":
        frames = _colours(clean, source, decoder)
    else:
        frames = _greys(clean, source, decoder)
    if len(frames) > 1 or "NumberOfFrames" in clean:
        clean.NumberOfFrames = len(frames)
    encoded = frames.nbytes > _NATIVE_BYTES or syntax.startswith(_FAMILY)
    clean.file_meta.TransferSyntaxUID = JPEG2000Lossless if encoded else ExplicitVRLittleEndian
    if encoded:
        clean.PixelData = encapsulate([_encoded(frame, clean.BitsStored) for frame in frames])
    else:
        data = frames.astype(frames.dtype.newbyteorder("<"), copy=False).tobytes()
        clean.PixelData = data + b"\0" * (len(data) % 2)
    clean["PixelData"].VR = "OB" if encoded or clean.BitsAllocated == 8 else "OW"
    clean["PixelData"].is_undefined_length = encoded


def _greys(clean: Dataset, source: Path, decoder: Decoder) -> np.ndarray[Any, Any]:
    values = decoder.stored(source)
    if values.dtype.kind not in "iu" or values.dtype.itemsize > 2:
        raise EnvironmentFault("export.cannot_clean")
    clean.BitsAllocated = values.dtype.itemsize * 8
    clean.BitsStored = min(clean.get("BitsStored") or clean.BitsAllocated, clean.BitsAllocated)
    clean.HighBit = clean.BitsStored - 1
    clean.PixelRepresentation = int(values.dtype.kind == "i")
    return values.reshape(-1, *values.shape[-2:])


def _colours(clean: Dataset, source: Path, decoder: Decoder) -> np.ndarray[Any, Any]:
    count = max(1, int(clean.get("NumberOfFrames") or 1))
    shown = [decoder.render(source, RenderArgs(index, overlays=False, square=False)) for index in range(count)]
    frames = np.stack([frame if frame.ndim == 3 else np.repeat(frame[:, :, None], 3, axis=2) for frame in shown])
    for element in [item for item in clean if "PaletteColorLookupTable" in item.keyword]:
        del clean[element.tag]
    clean.SamplesPerPixel, clean.PhotometricInterpretation, clean.PlanarConfiguration = 3, "RGB", 0
    clean.BitsAllocated, clean.BitsStored, clean.HighBit, clean.PixelRepresentation = 8, 8, 7, 0
    return frames


def _encoded(frame: np.ndarray[Any, Any], bits: int) -> bytes:
    """Return a frame as a JPEG 2000 code stream without loss; colours stay RGB, as the header says."""
    return bytes(
        imagecodecs.jpeg2k_encode(
            np.ascontiguousarray(frame), level=0, codecformat="j2k", reversible=True, mct=False, bitspersample=bits
        )
    )
