"""The real window, started as scripts start it, photographs itself and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file


def _bitewing(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "BITEWING_LANGUAGE": "en"}
    command = [sys.executable, "-P", "-m", "app", *map(str, arguments)]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gui") / "library"
    done = _bitewing("import", get_testdata_file("CT_small.dcm", download=False), "--library", folder)
    assert done.returncode == 0, done.stderr
    return folder


def _photograph(library: Path, out: Path, *arguments: object) -> np.ndarray:
    done = _bitewing("gui", "--library", library, "--screenshot", out, "--size", "1280x800", *arguments)
    assert done.returncode == 0, done.stderr
    with Image.open(out) as picture:
        assert picture.size == (1280, 800)
        return np.asarray(picture.convert("RGB")).astype(int)


def test_the_window_opens_at_a_patient_in_both_directions(library: Path, tmp_path: Path) -> None:
    empty = _photograph(library, tmp_path / "empty.png")
    patient = _photograph(library, tmp_path / "patient.png", "--patient", "1CT1")
    assert empty.std() > 5
    assert np.abs(patient - empty).mean() > 0.5, "the patient's images show"
    assert _bitewing("settings", "set", "display.language", "ar", "--library", library).returncode == 0
    arabic = _photograph(library, tmp_path / "arabic.png", "--patient", "1CT1")
    assert _bitewing("settings", "set", "display.language", "", "--library", library).returncode == 0
    mirrored = np.abs(arabic[:, ::-1] - patient).mean()
    assert mirrored < np.abs(arabic - patient).mean(), "the layout runs from right to left"


def test_a_loose_file_is_shown_and_not_imported(library: Path, tmp_path: Path) -> None:
    before = _photograph(library, tmp_path / "a.png")
    loose = _photograph(library, tmp_path / "b.png", get_testdata_file("MR_small.dcm", download=False))
    assert np.abs(loose - before).mean() > 0.5
    assert len(list((library / "dental_images").rglob("*.dcm"))) == 1
