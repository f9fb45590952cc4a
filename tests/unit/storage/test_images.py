"""Image rows: round trip, look-ups, lists, likeness."""

from __future__ import annotations

import uuid
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app.core.clock import utc_now
from app.core.errors import UserError
from app.domain.identity import FileIdentity
from app.domain.image import ImageRecord, ImageType, ImageView, Laterality, Placement
from app.storage import images
from app.storage.catalogue import Catalogue, open_catalogue
from app.storage.picture_bands import bands_of

FULL = {
    "teeth": ("8", "9", "A"),
    "image_type": ImageType.XRAY,
    "view": ImageView.BITEWING,
    "laterality": Laterality.LEFT,
    "rows": 10,
    "columns": 20,
    "frames": 3,
    "captured_at": datetime(1969, 7, 20, 20, 17, 40, 123000, tzinfo=UTC),
    "caption": "عضة «left»",
    "modality": "IO",
    "study_uid": "1.2",
    "study_description": "Study",
    "series_uid": "1.2.3",
    "sop_instance_uid": "1.2.3.4",
    "sop_class_uid": "1.2.5",
    "transfer_syntax_uid": "1.2.6",
    "slice_position": -12.25,
    "pixel_sha256": "ab" * 32,
    "picture_hash": "0123456789abcdef" * 4,
    "identity": FileIdentity("P1", "Hassan", "Ahmed", date(1985, 3, 14), "M"),
    "reason": "image.similar",
    "reason_facts": {"similar_to": "x", "fields": ["name"]},
    "similar_to": "x",
    "public_url": "https://example.org/x",
    "added_by": "owner",
    "md5": "ef" * 16,
    "case_reference": "2026-0142",
}


def test_every_field_survives(catalogue: Catalogue, new_record) -> None:
    record = new_record(**FULL, changed_at=utc_now(), deleted_at=utc_now(), version=4)
    defaults = {item.name: getattr(new_record(), item.name) for item in fields(ImageRecord)}
    same = [name for name, value in defaults.items() if getattr(record, name) == value]
    # What is left at its default would not be tested.
    assert set(same) <= {"patient_id", "placement", "directory", "original_name", "size_bytes", "mime_type", "kind"} | {
        "tooth",
        "image_type",
        "imported_at",
    }
    catalogue.images.insert(record)
    # What is public follows the published copies; whoever writes a record cannot say it.
    assert catalogue.images.get(record.id) == replace(record, public_url=None)


def test_an_update_needs_the_version_before(catalogue: Catalogue, new_record) -> None:
    record = catalogue.images.insert(new_record())
    changed = catalogue.images.update(replace(record, caption="x", version=2))
    assert catalogue.images.get(record.id) == changed
    with pytest.raises(UserError) as caught:
        catalogue.images.update(replace(record, caption="y", version=2))
    assert caught.value.code == "image.changed_elsewhere"
    with pytest.raises(UserError) as caught:
        catalogue.images.update(replace(record, id="nobody", version=2))
    assert caught.value.code == "image.none"


def test_a_place_belongs_to_one_image(catalogue: Catalogue, new_record) -> None:
    record = catalogue.images.insert(new_record())
    with pytest.raises(Exception, match="UNIQUE"):
        catalogue.images.insert(replace(record, id=str(uuid.uuid4())))
    assert catalogue.images.at_path(record.directory, record.filename) == record


@pytest.mark.parametrize(
    "wrong",
    [{"tooth": "33"}, {"directory": "no-slash"}, {"filename": "a/b"}, {"filename": ""}, {"patient_id": None}],
    ids=["tooth", "directory", "path in name", "no name", "filed without patient"],
)
def test_the_schema_refuses_nonsense(catalogue: Catalogue, new_record, wrong: dict[str, object]) -> None:
    with pytest.raises(Exception, match="CHECK"):
        catalogue.images.insert(new_record(**wrong))


def test_look_ups(catalogue: Catalogue, new_record) -> None:
    filed = catalogue.images.insert(new_record(sha256="aa" * 32, sop_instance_uid="1.1", pixel_sha256="cc" * 32))
    inbox = new_record(sha256="aa" * 32, placement=Placement.INBOX, directory="inbox/1/", patient_id=None)
    deleted = new_record(sha256="aa" * 32, deleted_at=utc_now(), sop_instance_uid="1.1", pixel_sha256="cc" * 32)
    for record in (deleted, inbox):
        catalogue.images.insert(record)
    assert [found.id for found in catalogue.images.by_sha256("aa" * 32)] == [filed.id, inbox.id, deleted.id]
    assert catalogue.images.by_sha256("bb" * 32) == []
    assert [found.id for found in catalogue.images.by_instance_uid("1.1")] == [filed.id]
    assert [found.id for found in catalogue.images.by_pixel_hash("cc" * 32)] == [filed.id]
    assert catalogue.images.count() == 1
    assert catalogue.images.count(None) == 2
    assert catalogue.images.count(Placement.INBOX) == 1
    assert catalogue.images.bytes_used() == 15
    assert [record.id for record in catalogue.images.stream()] == [filed.id, deleted.id, inbox.id]


def test_a_stream_lets_its_caller_look_up_and_write(
    catalogue: Catalogue, new_record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "_PAGE", 3)
    known = [catalogue.images.insert(new_record()) for _number in range(10)]
    other = open_catalogue(catalogue.paths)
    seen = []
    for record in catalogue.images.stream():
        seen.append(record.id)
        if len(seen) == 2:
            other.images.update(replace(known[8], caption="elsewhere", version=2))
        if len(seen) == 4:
            now = catalogue.images.get(known[8].id)
            assert now is not None
            assert now.caption == "elsewhere"
            catalogue.images.update(replace(record, caption="here", version=2))
    other.close()
    assert seen == [record.id for record in known]
    assert [record.id for record in catalogue.images.stream()] == seen


def test_lists_filter_and_sort(catalogue: Catalogue, new_record) -> None:
    now = utc_now()
    old = catalogue.images.insert(new_record(imported_at=now - timedelta(days=2), tooth="3", caption="Abszeß"))
    new = catalogue.images.insert(new_record(imported_at=now, tooth="8", teeth=("7", "8"), study_uid="1.5"))
    general = catalogue.images.insert(
        new_record(imported_at=now - timedelta(days=1), tooth="general", image_type=ImageType.CLINICAL)
    )
    gone = catalogue.images.insert(new_record(deleted_at=now))
    patient_id = old.patient_id

    def ids(**wanted: object) -> list[str]:
        return [record.id for record in catalogue.images.list(**wanted)]  # type: ignore[arg-type]

    assert ids() == ids(patient_id=patient_id) == [new.id, general.id, old.id]
    assert ids(limit=2) == [new.id, general.id]
    assert ids(patient_id=patient_id, tooth="7") == [new.id]
    assert ids(tooth="8") == [new.id]
    assert ids(tooth="general") == [general.id]
    assert ids(image_type=ImageType.XRAY) == [new.id, old.id]
    assert ids(study_uid="1.5") == [new.id]
    assert ids(search="ABSZESS") == [old.id]
    assert ids(search="ahmed") == [new.id, general.id, old.id]
    assert ids(search="nowhere") == ids(patient_id="nobody") == ids(placement=Placement.INBOX) == []
    assert ids(deleted=True) == [gone.id]


def test_a_series_is_ordered_along_the_patient(catalogue: Catalogue, new_record) -> None:
    now = utc_now()
    positions = [3.5, -2.0, 10.0, 0.0]
    for number, position in enumerate(positions):
        catalogue.images.insert(
            new_record(series_uid="1.7", slice_position=position, captured_at=now - timedelta(seconds=number))
        )
    single = catalogue.images.insert(new_record(captured_at=now - timedelta(seconds=2)))
    listed = catalogue.images.list(single.patient_id)
    assert [record.slice_position for record in listed] == [-2.0, 0.0, 3.5, 10.0, None]


def test_tooth_counts_and_shown_teeth(catalogue: Catalogue, new_record) -> None:
    catalogue.images.insert(new_record(tooth="8"))
    bitewing = catalogue.images.insert(new_record(tooth="general", teeth=("3", "4"), image_type=ImageType.XRAY))
    photo = catalogue.images.insert(new_record(tooth="8", image_type=ImageType.BEFORE))
    patient_id = photo.patient_id
    assert catalogue.images.tooth_counts(patient_id) == {"8": {"xray": 1, "before": 1}, "general": {"xray": 1}}
    assert catalogue.images.shown_teeth(patient_id) == {"8": 2, "3": 1, "4": 1}
    catalogue.images.update(replace(bitewing, teeth=("4", "5"), version=2))
    catalogue.images.update(replace(photo, deleted_at=utc_now(), version=2))
    assert catalogue.images.shown_teeth(patient_id) == {"8": 1, "4": 1, "5": 1}
    assert catalogue.images.tooth_counts("nobody") == catalogue.images.shown_teeth("nobody") == {}


def test_studies_group_images(catalogue: Catalogue, new_record) -> None:
    taken = datetime(2024, 5, 1, 10, tzinfo=UTC)
    for number, modality in enumerate(("CT", "IO", "")):
        catalogue.images.insert(
            new_record(study_uid="1.1", modality=modality, captured_at=taken + timedelta(hours=number))
        )
    catalogue.images.insert(new_record(study_uid="1.2", captured_at=taken + timedelta(days=1)))
    catalogue.images.insert(new_record(study_uid="1.3", deleted_at=utc_now()))
    newest, study = catalogue.studies.list()
    assert newest.study_uid == "1.2"
    assert (study.study_uid, study.captured_at, study.modalities, study.images) == ("1.1", taken, ("CT", "IO"), 3)
    assert len(catalogue.studies.list("nobody")) == 0
    assert len(catalogue.studies.list(limit=1)) == 1


def test_pictures_that_look_alike(catalogue: Catalogue, new_record, new_patient) -> None:
    base = int("0123456789abcdef" * 4, 16)

    def near(*bits: int) -> str:
        value = base
        for bit in bits:
            value ^= 1 << bit
        return f"{value:064x}"

    # Fifteen differing bits, one in each of fifteen pieces: the sixteenth piece still finds it.
    far = catalogue.images.insert(new_record(picture_hash=near(*range(0, 240, 16))))
    close = catalogue.images.insert(new_record(picture_hash=near(5, 9)))
    other = new_patient("Other")
    elsewhere = catalogue.images.insert(new_record(picture_hash=near(5), patient_id=other.id))
    catalogue.images.insert(new_record(picture_hash=near(1), deleted_at=utc_now()))
    catalogue.images.insert(new_record(picture_hash="f0" * 32))
    found = catalogue.images.similar_pictures(near())
    assert [(bits, record.id) for bits, record in found] == [(1, elsewhere.id), (2, close.id), (15, far.id)]
    own = catalogue.images.similar_pictures(near(), 10, close.patient_id)
    assert [record.id for _bits, record in own] == [close.id]
    catalogue.images.update(replace(close, picture_hash=None, version=2))
    assert catalogue.images.similar_pictures(near(), 10, close.patient_id) == []


@pytest.mark.parametrize("text", [None, "", "xyz", "zz" * 32, "ab" * 16])
def test_malformed_hashes_have_no_bands(text: str | None) -> None:
    assert bands_of(text) == []
