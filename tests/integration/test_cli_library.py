"""The commands against a real library: the contract's JSON keys, codes and effects, from end to end."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from app.cli.main import run
from app.words import set_language

IMAGE_KEYS = {
    "id", "patient_id", "tooth", "teeth", "type", "view", "directory", "filename", "original_name", "sha256", "bytes",
    "mime_type", "rows", "columns", "captured_at", "imported_at", "laterality", "caption", "study_uid",
    "sop_instance_uid", "public_url",
}  # fmt: skip
PATIENT_KEYS = {"id", "chart_number", "name", "birth_date", "sex", "phone", "images"}
STUDY_KEYS = {"study_uid", "patient_id", "date", "description", "modalities", "images"}
IMPORT_KEYS = {"imported", "inbox", "duplicates", "skipped", "quarantined", "failed", "items"}
ITEM_KEYS = {"path", "status", "image_id", "patient_id", "code", "reason"}

Call = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return a function that runs a command with ``--json`` and gives code, document and standard error."""
    monkeypatch.setenv("BITEWING_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setenv("BITEWING_LANGUAGE", "en")
    set_language("en")

    def bitewing(*arguments: object) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = run([*map(str, arguments), "--json"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out), captured.err

    return bitewing


def _photo(path: Path, seed: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 60, 3), np.uint8)).save(path)
    return path


def _xray(path: Path, patient_id: str, name: str) -> Path:
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    dataset.PatientID, dataset.PatientName = patient_id, name
    dataset.PatientBirthDate, dataset.PatientSex = "19850314", "F"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.save_as(path)
    return path


def test_import_says_what_became_of_every_file(call: Call, tmp_path: Path) -> None:
    source = tmp_path / "source"
    _photo(source / "portrait.png")
    _xray(source / "xray", "P-1", "Doe^Jane")
    (source / "notes.txt").write_text("nothing to see")
    (source / "empty.jpg").touch()
    code, report, errors = call("import", source, source / "missing.dcm")
    assert code == 1
    assert report.keys() >= IMPORT_KEYS
    items = {Path(item["path"]).name: item for item in report["items"]}
    assert all(item.keys() >= ITEM_KEYS for item in items.values())
    assert {name: item["status"] for name, item in items.items()} == {
        "portrait.png": "inbox",
        "xray": "imported",
        "notes.txt": "skipped",
        "empty.jpg": "quarantined",
        "missing.dcm": "failed",
    }
    assert (report["imported"], report["inbox"], report["skipped"]) == (1, 1, 1)
    assert (report["quarantined"], report["failed"], report["duplicates"]) == (1, 1, 0)
    assert items["xray"]["code"] is None
    assert items["empty.jpg"]["code"] == "file.empty"
    assert f"{source / 'empty.jpg'}: The file is empty" in errors
    assert call("import", source / "xray")[1]["duplicates"] == 1


def test_import_files_where_it_is_told(call: Call, tmp_path: Path) -> None:
    call("settings", "set", "clinic.name", "A")
    _, patient, _ = call("patients", "add", "--last", "Hassan", "--first", "Ahmed", "--chart", "H-7", "--sex", "m")
    photo = _photo(tmp_path / "after.png")
    code, report, _ = call(
        "import", photo, "--patient", "H-7", "--tooth", "fdi:11", "--type", "after", "--view", "intraoral_photo"
    )
    assert (code, report["imported"]) == (0, 1)
    _, images, _ = call("list", "images", "--patient", "H-7")
    assert len(images) == 1
    image = images[0]
    assert image.keys() >= IMAGE_KEYS
    assert (image["tooth"], image["teeth"], image["type"], image["view"]) == ("8", ["8"], "after", "intraoral_photo")
    assert image["directory"] == f"dental_images/{patient['id']}/8/after/"
    assert image["original_name"] == "after.png"
    assert (image["rows"], image["columns"], image["mime_type"]) == (40, 60, "image/png")
    assert image["laterality"] is None
    assert image["public_url"] is None
    stored = tmp_path / "library" / image["directory"] / image["filename"]
    assert stored.read_bytes() == photo.read_bytes()


def test_dry_run_changes_nothing(call: Call, tmp_path: Path) -> None:
    _xray(tmp_path / "xray.dcm", "P-1", "Doe^Jane")
    code, report, _ = call("import", tmp_path / "xray.dcm", "--dry-run")
    assert (code, report["imported"]) == (0, 1)
    assert not (tmp_path / "library").exists()


def test_zip_members_are_named_by_their_place(call: Call, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(_photo(tmp_path / "b.png"), "b.png")
    _, report, _ = call("import", tmp_path / "a.zip")
    assert [item["path"].endswith("a.zip!/b.png") for item in report["items"]] == [True]


def test_unknown_and_ambiguous_patients_are_named(call: Call, tmp_path: Path) -> None:
    call("settings", "set", "clinic.name", "A")
    code, answer, errors = call("import", _photo(tmp_path / "a.png"), "--patient", "NOBODY")
    assert (code, answer["error"]["code"]) == (1, "patient.none")
    assert "NOBODY" in errors


def test_scan_needs_no_library_and_makes_none(call: Call, tmp_path: Path) -> None:
    source = tmp_path / "source"
    _photo(source / "deep" / "a.png")
    _xray(source / "b", "P-1", "Doe^Jane")
    code, counts, _ = call("scan", source)
    assert code == 0
    assert counts == {
        "files": 2,
        "dicom": 1,
        "photos": 1,
        "documents": 0,
        "other": 0,
        "bytes": sum(path.stat().st_size for path in source.rglob("*") if path.is_file()),
        "patients": 1,
        "studies": 1,
        "series": 1,
        "unreadable": 0,
    }
    assert call("scan", source, "--no-recursive")[1]["photos"] == 0
    assert not (tmp_path / "library").exists()


def test_lists_have_the_keys_of_the_contract(call: Call, tmp_path: Path) -> None:
    call("import", _xray(tmp_path / "a", "P-1", "Doe^Jane"), _xray(tmp_path / "b", "P-2", "Müller^Jürgen"))
    _, patients, _ = call("list", "patients")
    assert len(patients) == 2
    assert all(row.keys() == PATIENT_KEYS for row in patients)
    jane = next(row for row in patients if row["chart_number"] == "P-1")
    assert (jane["name"], jane["birth_date"], jane["sex"], jane["phone"]) == ("Doe, Jane", "1985-03-14", "F", None)
    assert jane["images"] == 1
    assert [row["chart_number"] for row in call("list", "patients", "--search", "muller")[1]] == ["P-2"]
    assert len(call("list", "patients", "--limit", "1")[1]) == 1
    assert call("list", "patients", "--limit", "0")[1] == []
    _, studies, _ = call("list", "studies", "--patient", "P-1")
    assert studies[0].keys() == STUDY_KEYS
    assert studies[0]["modalities"] == ["CT"]
    assert studies[0]["images"] == 1


def test_inbox_is_listed_and_filed(call: Call, tmp_path: Path) -> None:
    call("import", _photo(tmp_path / "a.png"))
    call("patients", "add", "--last", "Doe", "--chart", "D-1")
    _, waiting, _ = call("inbox", "list")
    assert [(row["code"], row["original_name"]) for row in waiting] == [("identity.none", "a.png")]
    assert waiting[0]["reason"]
    code, image, _ = call("inbox", "file", waiting[0]["id"], "--patient", "D-1", "--tooth", "A", "--type", "clinical")
    assert code == 0
    assert (image["tooth"], image["type"]) == ("A", "clinical")
    assert call("inbox", "list")[1] == []
    code, answer, _ = call("inbox", "file", waiting[0]["id"], "--patient", "D-1")
    assert (code, answer["error"]["code"]) == (1, "inbox.not_waiting")


def test_images_are_moved_deleted_and_restored(call: Call, tmp_path: Path) -> None:
    call("import", _xray(tmp_path / "a", "P-1", "Doe^Jane"), _xray(tmp_path / "b", "P-2", "Roe^Richard"))
    (image,) = call("list", "images", "--patient", "P-1")[1]
    code, report, errors = call("images", "move", image["id"], "nonsense", "--patient", "P-2", "--tooth", "general")
    assert code == 1
    assert (report["done"], report["failed"]) == (1, 1)
    assert errors.startswith("nonsense: There is no image nonsense")
    assert len(call("list", "images", "--patient", "P-2")[1]) == 2
    assert call("images", "delete", image["id"])[0] == 0
    assert len(call("list", "images", "--patient", "P-2")[1]) == 1
    assert call("images", "restore", image["id"])[0] == 0
    assert len(call("list", "images", "--patient", "P-2")[1]) == 2
    assert call("check", "--deep")[0] == 0


def test_patients_are_edited_merged_and_imported(call: Call, tmp_path: Path) -> None:
    call("import", _xray(tmp_path / "a", "P-1", "Doe^Jane"))
    code, edited, _ = call("patients", "edit", "P-1", "--phone", "+20 100", "--dob", "1985-03-15")
    assert (code, edited["phone"], edited["birth_date"], edited["name"]) == (0, "+20 100", "1985-03-15", "Doe, Jane")
    call("patients", "add", "--last", "Doe", "--first", "J", "--chart", "P-9")
    code, merged, _ = call("patients", "merge", "P-9", "P-1")
    assert (code, len(merged["moved"])) == (0, 1)
    assert [row["chart_number"] for row in call("list", "patients")[1]] == ["P-9"]
    listing = tmp_path / "list.csv"
    listing.write_text("Family name,Given name,Chart number,Birth date\nRoe,Ann,R-1,1990-01-02\nPoe,Bob,R-2,nonsense\n")
    code, report, errors = call("patients", "import", listing)
    assert (code, report["added"], report["failed"]) == (1, 1, 1)
    assert report["items"][0]["code"] == "csv.birth_date"
    assert errors.startswith("list.csv:3: ")


def test_check_finds_what_is_gone_extra_and_changed(call: Call, tmp_path: Path) -> None:
    call("import", _xray(tmp_path / "a", "P-1", "Doe^Jane"), _xray(tmp_path / "b", "P-1", "Doe^Jane"))
    library = tmp_path / "library"
    code, report, _ = call("check", "--deep")
    assert code == 0
    assert report.keys() >= {"images", "missing", "orphans", "corrupt", "database", "items"}
    assert (report["images"], report["database"]) == (2, "ok")
    first, second = sorted((library / "dental_images").rglob("*.dcm"))
    (first.parent / "stray.dcm").write_bytes(b"stray")
    data = bytearray(second.read_bytes())
    data[len(data) // 2] ^= 1
    second.write_bytes(data)
    first.unlink()
    code, report, errors = call("check", "--deep")
    assert code == 1
    assert (report["missing"], report["orphans"], report["corrupt"]) == (1, 1, 1)
    assert {item["code"] for item in report["items"]} == {"check.missing", "check.orphan", "check.hash"}
    assert len(errors.strip().splitlines()) == 3


def test_export_writes_what_it_can_and_names_the_rest(call: Call, tmp_path: Path) -> None:
    call("import", _xray(tmp_path / "a", "P-1", "Doe^Jane"))
    (image,) = call("list", "images")[1]
    code, report, errors = call("export", image["id"], "nonsense", "-o", tmp_path / "out", "--as", "png")
    assert code == 1
    assert (report["exported"], report["failed"]) == (1, 1)
    assert errors.startswith("nonsense: ")
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".png"]
    code, report, _ = call("export", "--everything", "-o", tmp_path / "all")
    assert (code, report["images"], report["missing"]) == (0, 1, [])
    originals = list((tmp_path / "all").rglob("*.dcm"))
    assert [path.read_bytes() for path in originals] == [(tmp_path / "a").read_bytes()]


def test_status_has_the_figures_of_the_dashboard(call: Call, tmp_path: Path) -> None:
    call("import", _xray(tmp_path / "a", "P-1", "Doe^Jane"), _photo(tmp_path / "b.png"))
    _, status, _ = call("status")
    assert (status["patients"], status["images"], status["inbox"]) == (1, 1, 1)
    assert status["last_import"]["state"] == "succeeded"
    assert status["free_bytes"] > 0


def test_demo_gives_at_least_what_was_asked_for_and_no_more_the_second_time(call: Call) -> None:
    code, report, _ = call("demo", "--patients", "2", "--images", "5", "--seed", "7")
    assert code == 0
    assert report["patients"] >= 2
    assert report["images"] >= 5
    before = {row["sha256"] for row in call("list", "images")[1]}
    assert len(before) == report["images"]
    call("demo", "--patients", "2", "--images", "5", "--seed", "7")
    assert {row["sha256"] for row in call("list", "images")[1]} == before
