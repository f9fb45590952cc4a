"""Photographs as JPEG files with the EXIF a clinic's camera would write.

Deterministic bytes: fixed quality, dates from the plan. Writes no DICOM.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_QUALITY = 90
# EXIF 2.3 tags.
_MAKE, _MODEL, _ORIENTATION, _DATE_TIME, _EXIF_IFD = 0x010F, 0x0110, 0x0112, 0x0132, 0x8769
_TAKEN, _DIGITISED, _OFFSET, _ISO, _F_NUMBER, _EXPOSURE = 0x9003, 0x9004, 0x9011, 0x8827, 0x829D, 0x829A


def write_photo(path: Path, picture: NDArray[np.uint8], taken: datetime) -> None:
    """Write an RGB picture (rows, columns, 3) with its date."""
    stamp = taken.strftime("%Y:%m:%d %H:%M:%S")
    exif = Image.Exif()
    exif[_MAKE], exif[_MODEL] = "Bitewing", "Demonstration camera"
    exif[_ORIENTATION], exif[_DATE_TIME] = 1, stamp
    details = exif.get_ifd(_EXIF_IFD)
    details[_TAKEN] = details[_DIGITISED] = stamp
    details[_OFFSET] = "+00:00"
    details[_ISO], details[_F_NUMBER], details[_EXPOSURE] = 200, 22.0, 0.008
    Image.fromarray(picture).save(path, "JPEG", quality=_QUALITY, subsampling=1, exif=exif)
