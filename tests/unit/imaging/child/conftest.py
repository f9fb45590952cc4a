"""A decoding child that may be told to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.imaging.child.client import Decoder
from app.imaging.child.launch import FAULTS_VARIABLE

pydicom_data = pytest.importorskip("pydicom.data")


@pytest.fixture
def make_decoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Decoder]]:
    """Return a function making decoders whose children accept the operation ``fault``."""
    monkeypatch.setenv(FAULTS_VARIABLE, "1")
    made: list[Decoder] = []

    def make(**options: object) -> Decoder:
        made.append(Decoder(**options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for decoder in made:
        decoder.close()


@pytest.fixture
def ct_file() -> Path:
    """A small DICOM file that comes with pydicom."""
    return Path(pydicom_data.get_testdata_file("CT_small.dcm"))
