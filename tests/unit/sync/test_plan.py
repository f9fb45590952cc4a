"""Tooth, teeth, type and view of what arrives; likeness of pictures."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.domain.facts import FileFacts
from app.domain.image import FileKind, Filing, ImageRecord, ImageType, ImageView, Placement
from app.sync.duplicates import distance, nearest
from app.sync.plan import Described, describe, refusal_of

DICOM = FileFacts(FileKind.DICOM, "application/dicom", 100, 100, modality="IO")
PHOTO = FileFacts(FileKind.PHOTO, "image/jpeg", 100, 100)
EIGHT = ("2", "3", "4", "5", "28", "29", "30", "31")


@pytest.mark.parametrize(
    ("facts", "chosen", "wanted"),
    [
        (DICOM, Filing(), Described("general", (), ImageType.XRAY, ImageView.OTHER)),
        (PHOTO, Filing(), Described("general", (), ImageType.CLINICAL, ImageView.OTHER)),
        (PHOTO, Filing(tooth="8"), Described("8", ("8",), ImageType.CLINICAL, ImageView.OTHER)),
        (PHOTO, Filing(teeth=("9", "8")), Described("general", ("8", "9"), ImageType.CLINICAL, ImageView.OTHER)),
        (PHOTO, Filing(view=ImageView.PERIAPICAL), Described("general", (), ImageType.XRAY, ImageView.PERIAPICAL)),
        (
            PHOTO,
            Filing(image_type=ImageType.BEFORE, tooth="A"),
            Described("A", ("A",), ImageType.BEFORE, ImageView.OTHER),
        ),
    ],
)
def test_descriptions(facts: FileFacts, chosen: Filing, wanted: Described) -> None:
    assert describe(facts, chosen) == wanted


def test_one_tooth_in_the_file_is_the_filing_tooth_and_many_are_general() -> None:
    one = FileFacts(FileKind.DICOM, "application/dicom", 9, 9, teeth=("14",), view=ImageView.PERIAPICAL)
    many = FileFacts(FileKind.DICOM, "application/dicom", 9, 9, teeth=EIGHT, view=ImageView.BITEWING)
    assert describe(one, Filing()) == Described("14", ("14",), ImageType.XRAY, ImageView.PERIAPICAL)
    assert describe(many, Filing()) == Described("general", EIGHT, ImageType.XRAY, ImageView.BITEWING)
    assert describe(many, Filing(tooth="3")).teeth == EIGHT
    assert describe(many, Filing(tooth="9")).teeth == ("9",)


def test_objects_without_pictures_are_named() -> None:
    report = FileFacts(FileKind.DICOM, "application/dicom", content_label="structured_report")
    assert refusal_of(report) == ("dicom.no_pixels", {"what": "structured_report"})
    document = FileFacts(FileKind.DICOM, "application/dicom", content_label="encapsulated_pdf")
    assert refusal_of(document) is None
    assert refusal_of(FileFacts(FileKind.OTHER, "text/plain")) == ("file.not_an_image", {})
    assert refusal_of(PHOTO) is None


def _record(number: int, **more: object) -> ImageRecord:
    return ImageRecord(
        f"id-{number}",
        None,
        Placement.INBOX,
        "",
        "",
        "",
        f"{number:064x}",
        1,
        "image/jpeg",
        FileKind.PHOTO,
        datetime.now(UTC),
        **more,  # type: ignore[arg-type]
    )


def test_likeness() -> None:
    busy = "0f" * 32
    near = f"{int(busy, 16) ^ 0b111:064x}"
    far = "f0" * 32
    new = _record(1, pixel_sha256="a", picture_hash=busy)
    assert nearest(new, [_record(2, picture_hash=far), _record(3, picture_hash=near)]).id == "id-3"  # type: ignore[union-attr]
    assert nearest(new, [_record(2, picture_hash=far)]) is None
    assert nearest(new, [_record(4, pixel_sha256="a"), _record(3, picture_hash=near)]).id == "id-4"  # type: ignore[union-attr]
    blank = _record(5, picture_hash="0" * 64)
    assert nearest(blank, [_record(6, picture_hash="0" * 64)]) is None
    assert distance("ff", "0f") == 4
    assert distance("ff", "fff") is None


def test_slices_of_one_series_are_not_likenesses() -> None:
    one = _record(1, picture_hash="0f" * 32, series_uid="1.2", sop_instance_uid="1.2.1")
    two = _record(2, picture_hash="0f" * 32, series_uid="1.2", sop_instance_uid="1.2.2")
    assert nearest(one, [two]) is None
