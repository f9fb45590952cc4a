"""The folder of real and hostile files, imported whole (issue 2, acceptance 2 and 4)."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.shared_data_cli import Run, bitewing

TAKEN = {"imported", "inbox"}
REFUSED = {"quarantined", "failed", "skipped"}
SUPPORTED_PHOTOS = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp", ".heic"}
BROKEN_PHOTOS = {"truncated_half.jpg", "zero_bytes.jpg", "png_bomb_60000.png"}
PEAK_BYTES = int(1.6 * 2**30)


@dataclass(frozen=True)
class Imported:
    """A library after the import, and what the import said."""

    library: Path
    first: Run
    by_path: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def imported(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imported]:
    library = tmp_path_factory.mktemp("shared") / "library"
    run = bitewing("import", shared_data, "--json", "--library", library, timeout_s=600)
    by_path = {_relative(item["path"], shared_data): item for item in run.json()["items"]}
    yield Imported(library, run, by_path)
    assert not list(Path("/tmp").glob("BITEWING_EVIL*")), "a hostile name reached a path"


def _relative(path: str, folder: Path) -> str:
    # Textual on purpose: a hostile member's name holds "..".
    return path.removeprefix(f"{folder}/")


def test_every_file_with_pixels_and_every_photo_is_taken(imported: Imported, shared_data: Path) -> None:
    manifest = json.loads((shared_data / "manifest.json").read_text("utf-8"))
    wanted = {path for path, entry in manifest.items() if "stored_pixels_sha256" in entry.get("expected", {})}
    wanted |= {
        path.relative_to(shared_data).as_posix()
        for path in shared_data.rglob("*")
        if path.suffix.lower() in SUPPORTED_PHOTOS and path.name not in BROKEN_PHOTOS
    }
    not_taken = {path: imported.by_path.get(path) for path in wanted}
    # A file with the bytes of another one is in the library already.
    taken = TAKEN | {"duplicate"}
    not_taken = {path: item for path, item in not_taken.items() if not item or item["status"] not in taken}
    assert not not_taken


def test_everything_not_taken_is_named_with_a_reason(imported: Imported, shared_data: Path) -> None:
    files = {path.relative_to(shared_data).as_posix() for path in shared_data.rglob("*") if path.is_file()}
    named = {path.partition("!/")[0] for path in imported.by_path}
    assert files <= named
    for path, item in imported.by_path.items():
        if item["status"] in REFUSED:
            assert item["code"], path
            assert item["reason"], path
            assert item["reason"][0].isupper(), path
            assert len(item["reason"].split()) >= 3, (path, item["reason"])
            assert item["code"] not in item["reason"], path


def test_counts_agree_with_the_items(imported: Imported) -> None:
    report = imported.first.json()
    statuses = Counter(item["status"] for item in report["items"])
    names = {"duplicates": "duplicate"}
    for key in ("imported", "inbox", "duplicates", "skipped", "quarantined", "failed"):
        assert report[key] == statuses.get(names.get(key, key), 0), key
    assert imported.first.exit_code == 1, "quarantined files make exit 1"


def test_memory_and_time_stay_within_the_caps(imported: Imported) -> None:
    print(f"import: {imported.first.seconds:.1f} s, largest process {imported.first.peak_bytes / 2**20:.0f} MiB")
    assert imported.first.peak_bytes < PEAK_BYTES
    slowest = max((item.get("seconds") or 0.0, path) for path, item in imported.by_path.items())
    print(f"slowest file: {slowest[0]:.2f} s {slowest[1]}")
    assert slowest[0] < 15


def test_hostile_files_are_refused_with_the_right_reason(imported: Imported) -> None:
    refused = {
        "malicious/dcm_half.dcm",
        "malicious/dcm_huge_dims.dcm",
        "malicious/png_bomb_60000.png",
        "malicious/dcm_trunc60_jpll.dcm",
        "synthetic/photos/truncated_half.jpg",
        "synthetic/photos/zero_bytes.jpg",
        "pydicom+pydicom/test_files/MR_truncated.dcm",
    }
    for path in refused:
        assert imported.by_path[path]["status"] == "quarantined", path
    for path in ("malicious/dcm_ww_zero.dcm", "malicious/dcm_pe_polyglot_preamble.dcm"):
        assert imported.by_path[path]["status"] in TAKEN, path
    archives = {path: item for path, item in imported.by_path.items() if path.startswith("malicious/zip")}
    assert {path.partition("!/")[0] for path in archives} == {
        "malicious/zip_bad_crc.zip",
        "malicious/zip_truncated.zip",
        "malicious/zipslip_dotdot.zip",
    }
    assert all(item["status"] in REFUSED for item in archives.values())


def test_no_name_from_a_file_reaches_a_path(imported: Imported) -> None:
    for path in imported.library.rglob("*"):
        for planted in ("EVIL", "CON", "tmp", ".."):
            assert planted not in path.relative_to(imported.library).parts
        assert "BITEWING_EVIL" not in str(path.relative_to(imported.library))
        assert not path.is_symlink()


def test_a_second_run_imports_nothing(imported: Imported, shared_data: Path) -> None:
    before = sorted(path for path in imported.library.rglob("image-*"))
    again = bitewing("--json", "import", shared_data, library=imported.library, timeout_s=600).json()
    assert (again["imported"], again["inbox"]) == (0, 0)
    assert sorted(path for path in imported.library.rglob("image-*")) == before


def test_check_finds_nothing_wrong(imported: Imported) -> None:
    checked = bitewing("check", "--deep", "--json", library=imported.library)
    report = checked.json()
    assert {key: report[key] for key in ("missing", "orphans", "corrupt", "database")} == {
        "missing": 0,
        "orphans": 0,
        "corrupt": 0,
        "database": "ok",
    }
    assert report["images"] > 100
    assert checked.exit_code == 0


def test_one_flipped_bit_is_found(imported: Imported) -> None:
    victim = next(path for path in sorted((imported.library / "dental_images").rglob("*.dcm")))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    original = victim.read_bytes()
    victim.write_bytes(bytes(data))
    try:
        checked = bitewing("check", "--deep", "--json", library=imported.library)
        assert checked.json()["corrupt"] == 1
        assert checked.exit_code == 1
    finally:
        victim.write_bytes(original)


def test_slices_are_ordered_by_position(imported: Imported, shared_data: Path) -> None:
    """TRUTH.json, cbct/iso06: names and Instance Numbers are shuffled; Image Position · normal orders."""
    ids = {
        item["image_id"]
        for path, item in imported.by_path.items()
        if path.startswith("synthetic/cbct/iso06/") and item["status"] in TAKEN
    }
    assert len(ids) == 64
    patient = next(item["patient_id"] for item in imported.by_path.values() if item["image_id"] in ids)
    arguments = ["list", "images", "--json", "--patient", patient] if patient else ["list", "images", "--json"]
    rows = [row for row in bitewing(*arguments, library=imported.library).json() if row["id"] in ids]
    positions = [row["slice_position"] for row in rows]
    assert len(positions) == 64
    assert positions == sorted(positions) or positions == sorted(positions, reverse=True)
    steps = {round(abs(b - a), 3) for a, b in itertools.pairwise(positions)}
    assert steps == {0.6}
