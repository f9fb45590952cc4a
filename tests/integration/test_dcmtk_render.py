"""Our pictures against dcmtk's, within one grey level, for every file that dcmtk reads.

Compared before non-square pixels are stretched, overlays drawn. dcmtk's image tool knows no JPEG-LS and no
JPEG 2000: those are first made plain by dcmtk's own ``dcmdjpls`` or by ``gdcmconv``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from app.core.errors import BitewingError
from app.imaging.dicom.frames import FOR_PROCESSING, load_dicom_frame
from app.imaging.dicom.reader import open_dicom
from app.imaging.display.pipeline import picture_of
from app.imaging.frame import DisplayFrame
from tests.unit.imaging.dicom.dicom_files import ramp, write_image

EXCEPTIONS = {
    "rtdose_expb.dcm": "dcmtk swaps the words of 32-bit big-endian pixels; rtdose.dcm holds the same values",
    "rtdose_expb_1frame.dcm": "as rtdose_expb.dcm",
    "no_meta.dcm": "a stray byte in front: dcmtk reads nonsense and stops",
    "SC_rgb_jpeg.dcm": "declared explicit, encoded implicit: dcmtk believes the declaration and stops",
}
"""Files where we differ from dcmtk, each with why we are right."""

_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_FROM_GDCM = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.201")
Tool = Callable[[str], str]


def _voi_options(frame: DisplayFrame) -> list[str]:
    if frame.is_colour:
        return []
    if frame.voi_luts:
        return ["+Wl", "1"]
    if frame.label == FOR_PROCESSING and not frame.windows:
        # Our own default: the same black and white in dcmtk's linear function.
        window = frame.default_window
        return ["+Ww", str(window.center + 0.5), str(window.width + 1)]
    if frame.windows:
        function = ["+Wfs"] if frame.default_window.function == "SIGMOID" else []
        return ["+Wi", "1", *function]
    return ["+Wm"]


def _plain(path: Path, folder: Path, tool: Tool) -> Path:
    syntax = open_dicom(path).transfer_syntax
    plain = folder / "plain.dcm"
    plain.unlink(missing_ok=True)
    if syntax in _JPEG_LS:
        subprocess.run([tool("dcmdjpls"), str(path), str(plain)], capture_output=True, check=False)
    if not plain.exists() and syntax in (*_JPEG_LS, *_FROM_GDCM):
        subprocess.run([tool("gdcmconv"), "--raw", str(path), str(plain)], capture_output=True, check=False)
    return plain if plain.exists() else path


def _dcmtk_picture(path: Path, folder: Path, options: list[str], tool: Tool) -> NDArray[np.uint8] | None:
    out = folder / "dcmtk.ppm"
    out.unlink(missing_ok=True)
    command = [tool("dcmj2pnm"), "+op", *options, str(_plain(path, folder, tool)), str(out)]
    subprocess.run(command, capture_output=True, check=False, timeout=60)
    if not out.exists():
        return None
    picture = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture[..., ::-1] if picture.ndim == 3 else picture


def _compare(files: list[Path], folder: Path, tool: Tool) -> tuple[list[str], dict[str, str], list[str]]:
    """Names that agree, what differs, and names that dcmtk does not read."""
    same, different, unread = [], {}, []
    for path in files:
        try:
            frame = load_dicom_frame(path)
        except BitewingError:
            continue
        theirs = _dcmtk_picture(path, folder, _voi_options(frame), tool)
        if theirs is None:
            unread.append(path.name)
            continue
        ours = picture_of(frame)
        if ours.shape != theirs.shape:
            different[path.name] = f"shape {ours.shape}, dcmtk {theirs.shape}"
            continue
        distance = int(np.abs(ours.astype(np.int16) - theirs).max())
        if distance > 1:
            different[path.name] = f"{distance} levels"
        else:
            same.append(path.name)
    return same, different, unread


def _report(same: list[str], different: dict[str, str], unread: list[str]) -> None:
    print(f"{len(same)} agree within one level; {len(unread)} not read by dcmtk: {unread}")
    for name in different:
        print(f"{name}: {different[name]}; expected: {EXCEPTIONS.get(name, 'no')}")


def test_manifest_files_look_as_in_dcmtk(shared_data: Path, tmp_path: Path, tool: Tool) -> None:
    files = [path for path in sorted(shared_data.rglob("*.dcm")) if "huge" not in path.name]
    # Sixty-four slices of one series: every eighth tells as much.
    slices = [path for path in files if "cbct" in path.parts]
    files = [path for path in files if path not in slices] + slices[::8]
    same, different, unread = _compare(files, tmp_path, tool)
    _report(same, different, unread)
    assert set(different) <= set(EXCEPTIONS)
    assert len(same) >= 45
    assert set(unread) <= {*EXCEPTIONS, "HTJ2KLossless_08_RGB.dcm"}


def test_pydicoms_files_look_as_in_dcmtk(tmp_path: Path, tool: Tool) -> None:
    folder = Path(pydicom.__file__).parent / "data"
    files = sorted(path for path in folder.rglob("*.dcm") if path.name != "DICOMDIR")
    same, different, unread = _compare(files, tmp_path, tool)
    _report(same, different, unread)
    assert set(different) <= set(EXCEPTIONS)
    assert len(same) >= 60
    assert set(unread) <= {*EXCEPTIONS, "HTJ2KLossless_08_RGB.dcm"}


def _lut(first: int, bits: int, entries: int, vr: str = "US") -> Sequence:
    item = Dataset()
    item.add_new(0x00283002, vr, [entries, first, bits])
    values = np.linspace(0, 1, entries) ** 2 * ((1 << bits) - 1)
    item.add_new(0x00283006, "OW", values.astype("<u2").tobytes())
    return Sequence([item])


VARIANTS: dict[str, dict[str, Any]] = {
    "monochrome1": {"PhotometricInterpretation": "MONOCHROME1"},
    "monochrome1 identity": {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "IDENTITY"},
    "monochrome1 inverse": {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
    "monochrome2 inverse": {"PresentationLUTShape": "INVERSE"},
    "window": {"WindowCenter": 1000, "WindowWidth": 500},
    "window of one": {"WindowCenter": 1000, "WindowWidth": 1},
    "window of two": {"WindowCenter": 1000, "WindowWidth": 2},
    "window of nothing": {"WindowCenter": 1000, "WindowWidth": 0},
    "negative window": {"WindowCenter": 1000, "WindowWidth": -100},
    "sigmoid": {"WindowCenter": 1000, "WindowWidth": 300, "VOILUTFunction": "SIGMOID"},
    "rescale": {"WindowCenter": 100, "WindowWidth": 500, "RescaleSlope": 0.5, "RescaleIntercept": -400},
    "negative slope": {"WindowCenter": 100, "WindowWidth": 500, "RescaleSlope": -0.5, "RescaleIntercept": 400},
    "voi lut": {"VOILUTSequence": _lut(1000, 12, 256)},
    "voi lut 16 bit": {"VOILUTSequence": _lut(1000, 16, 1024)},
    "voi lut 8 bit": {"VOILUTSequence": _lut(0, 8, 4096)},
    "modality lut": {"ModalityLUTSequence": _lut(0, 12, 4096), "WindowCenter": 1000, "WindowWidth": 300},
    "both luts": {"ModalityLUTSequence": _lut(0, 12, 4096), "VOILUTSequence": _lut(500, 10, 1024)},
    "signed": {"PixelRepresentation": 1, "WindowCenter": 0, "WindowWidth": 2000},
    "signed voi lut": {"PixelRepresentation": 1, "VOILUTSequence": _lut(-1000, 12, 2000, "SS")},
    "padding": {"PixelPaddingValue": 0},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_path_of_the_pipeline_looks_as_in_dcmtk(name: str, tmp_path: Path, tool: Tool) -> None:
    path = write_image(tmp_path / "variant.dcm", ramp(40, 50), **VARIANTS[name])
    same, different, unread = _compare([path], tmp_path, tool)
    assert (same, different, unread) == (["variant.dcm"], {}, [])


@pytest.mark.parametrize("name", ["rtdose_expb_1frame.dcm"])
def test_exceptions_have_a_twin_that_agrees(name: str) -> None:
    """The big-endian dose equals its little-endian twin, which dcmtk reads as we do."""
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    ours = load_dicom_frame(folder / name).values
    assert np.array_equal(ours, load_dicom_frame(folder / "rtdose_1frame.dcm").values)
