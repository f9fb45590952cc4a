"""Files to import, made by code: radiographs with an identity, photographs, things that are no images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

IO_CLASS = "1.2.840.10008.5.1.4.1.1.1.3"


def picture(seed: int, size: int = 96) -> np.ndarray:
    """Return a picture with large shapes, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (6, 6)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC))


def radiograph(path: Path, seed: int, **values: object) -> Path:
    """Write an intra-oral radiograph; keywords set attributes, ``None`` removes them."""
    pixels = picture(seed).astype(np.uint16) * 16
    dataset = Dataset()
    dataset.SOPClassUID, dataset.Modality = IO_CLASS, "IO"
    dataset.SOPInstanceUID, dataset.StudyInstanceUID = generate_uid(), "1.2.3.4"
    dataset.SeriesInstanceUID = generate_uid()
    dataset.PatientID, dataset.PatientName = "17", "Doe^Jane"
    dataset.PatientBirthDate, dataset.PatientSex = "19800201", "F"
    dataset.StudyDate, dataset.StudyTime, dataset.AcquisitionDateTime = "20260102", "101112", "20260102101112"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = pixels.tobytes()
    for keyword, value in values.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = IO_CLASS
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def photograph(path: Path, seed: int, kind: str = "JPEG", quality: int = 92) -> Path:
    """Write a colour photograph."""
    grey = picture(seed, 160)
    colour = np.stack([grey, np.roll(grey, 20, 0), np.roll(grey, 40, 1)], axis=-1)
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"quality": quality} if kind == "JPEG" else {}
    Image.fromarray(colour).save(path, kind, **options)
    return path
