"""How the samples of an image are laid out, read from the Image Pixel module (PS3.3 C.7.6.3).

Numbers only, checked against the limits; no pixel is touched.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from app.core.errors import EnvironmentFault
from app.imaging.dicom.limits import check_dimensions
from app.imaging.dicom.values import integer, text

FLOAT_TAG, DOUBLE_TAG, INTEGER_TAG = 0x7FE00008, 0x7FE00009, 0x7FE00010


@dataclass(frozen=True)
class PixelLayout:
    """The Image Pixel module as plain numbers."""

    rows: int
    columns: int
    samples: int
    frames: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    is_planar: bool
    photometric: str

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(rows, columns) or (rows, columns, samples)."""
        plane = (self.rows, self.columns)
        return plane if self.samples == 1 else (*plane, self.samples)

    @property
    def is_subsampled(self) -> bool:
        """Whether native samples share chroma between two neighbours (YBR_FULL_422)."""
        return self.photometric == "YBR_FULL_422" and self.samples == 3

    @property
    def frame_bits(self) -> int:
        """Bits of one native frame."""
        samples = 2 if self.is_subsampled else self.samples
        return self.rows * self.columns * samples * self.bits_allocated


def layout_of(dataset: Dataset) -> PixelLayout:
    """Read and check the layout.

    Raises
    ------
    EnvironmentFault
        ``file.undecodable`` when required numbers are missing; ``file.too_large``.
    """
    rows, columns = integer(dataset, "Rows"), integer(dataset, "Columns")
    allocated = integer(dataset, "BitsAllocated")
    if rows is None or columns is None or allocated is None:
        raise EnvironmentFault("file.undecodable", error="image size missing")
    samples = integer(dataset, "SamplesPerPixel") or 1
    frames = max(integer(dataset, "NumberOfFrames") or 1, 1)
    check_dimensions(rows, columns, samples, frames, allocated)
    stored = integer(dataset, "BitsStored") or allocated
    if not 1 <= stored <= allocated:
        stored = allocated
    high = integer(dataset, "HighBit")
    if high is None or not stored - 1 <= high < allocated:
        high = stored - 1
    return PixelLayout(
        rows=rows,
        columns=columns,
        samples=samples,
        frames=frames,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        is_signed=integer(dataset, "PixelRepresentation") == 1,
        is_planar=integer(dataset, "PlanarConfiguration") == 1,
        photometric=text(dataset, "PhotometricInterpretation").upper() or "MONOCHROME2",
    )
