"""Archives made to harm: refused with a reason before anything changes, and nothing written anywhere."""

from __future__ import annotations

import json
import shutil
import struct
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from app.backup.zip_reading import ZipArchive
from app.bootstrap.library import open_library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.roles import owner
from app.services.backups import open_archive
from app.services.restoring import RestoreArgs, restore_library

QUIET = JobContext.silent()


@pytest.fixture
def backup(clinic: Path, tmp_path: Path) -> Path:
    with open_library(clinic, create=False) as library:
        return Path(library.backups.create(library.owner(), tmp_path / "good.zip", QUIET).record.path)


def rebuilt(backup: Path, target: Path, extra=(), manifest=None, drop=(), compress=zipfile.ZIP_STORED) -> Path:
    """Copy a backup with members added, dropped, and its manifest's fields changed by a function."""
    with zipfile.ZipFile(backup) as old, zipfile.ZipFile(target, "w", compress) as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename in drop:
                continue
            if entry.filename == "manifest.json" and manifest is not None:
                fields = json.loads(data)
                manifest(fields)
                data = json.dumps(fields).encode()
            new.writestr(entry.filename, data)
        for name, data in extra:
            new.writestr(name, data)
    return target


def listed(name: str):
    def add(fields) -> None:
        fields["members"].append({"path": name, "bytes": 1, "sha256": "0" * 64})

    return add


NAMES = [
    "../evil", "dental_images/../../evil", "/etc/evil", "C:/evil", "dental_images/a\\..\\evil", "dental_images/CON:/x",
    "evil.txt", "dental_images/" + "n" * 300, "dental_images/a\x00b/c", "dental_images/./x", "dental_images/x.",
    "workstation.toml", "cache/evil", "bitewing.db/evil", ".open/evil", "dental_images/a/b/c/d/e/f/g/h/i",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("in_manifest", [True, False])
def test_names_that_lead_elsewhere_are_refused(backup: Path, tmp_path: Path, name: str, in_manifest: bool) -> None:
    bad = rebuilt(backup, tmp_path / "bad.zip", [(name, b"x")], listed(name) if in_manifest else None)
    _refused(bad, {"backup.hostile"})


def test_members_that_the_manifest_does_not_list_are_refused(backup: Path, tmp_path: Path) -> None:
    _refused(rebuilt(backup, tmp_path / "bad.zip", [("dental_images/p/8/xray/x.png", b"x")]), {"backup.hostile"})


def test_doubles_are_refused_also_by_case(backup: Path, tmp_path: Path, recwarn) -> None:
    with zipfile.ZipFile(backup) as archive:
        name = next(entry for entry in archive.namelist() if entry.startswith("dental_images"))
    for twin in (name, name.upper().replace("DENTAL_IMAGES", "dental_images")):
        _refused(rebuilt(backup, tmp_path / "bad.zip", [(twin, b"x")]), {"backup.hostile"})


def test_links_are_refused(backup: Path, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("dental_images/p/8/xray/x.png")
    link.external_attr = 0o120777 << 16
    _refused(rebuilt(backup, tmp_path / "bad.zip", [(link, b"/etc/passwd")], listed(link.filename)), {"backup.hostile"})


def test_bombs_are_refused(backup: Path, tmp_path: Path) -> None:
    bad = rebuilt(backup, tmp_path / "bad.zip", compress=zipfile.ZIP_DEFLATED)
    _refused(bad, {"backup.hostile"})


def test_overlapping_entries_are_refused(backup: Path, tmp_path: Path) -> None:
    """Two entries of the directory that point at the same bytes."""
    data = bytearray(backup.read_bytes())
    offsets = []
    place = data.rfind(b"PK\x05\x06")
    at = struct.unpack_from("<I", data, place + 16)[0]
    while data[at : at + 4] == b"PK\x01\x02":
        offsets.append(at + 42)
        name, extra, comment = struct.unpack_from("<HHH", data, at + 28)
        at += 46 + name + extra + comment
    data[offsets[3] : offsets[3] + 4] = data[offsets[2] : offsets[2] + 4]
    (tmp_path / "bad.zip").write_bytes(data)
    _refused(tmp_path / "bad.zip", {"backup.hostile", "backup.damaged"})


def test_sizes_that_lie_are_refused(backup: Path, tmp_path: Path) -> None:
    def lie(fields) -> None:
        fields["members"][3]["bytes"] += 1

    _refused(rebuilt(backup, tmp_path / "bad.zip", manifest=lie), {"backup.hostile"})


def test_missing_members_and_other_contents_are_damage(backup: Path, tmp_path: Path, clinic, contents) -> None:
    with zipfile.ZipFile(backup) as archive:
        name = next(entry for entry in archive.namelist() if entry.startswith("dental_images"))
    _refused(rebuilt(backup, tmp_path / "bad.zip", drop=(name,)), {"backup.damaged"})

    def other_hash(fields) -> None:
        fields["members"][3]["sha256"] = "1" * 64

    _restore_refused(rebuilt(backup, tmp_path / "bad.zip", manifest=other_hash), clinic, contents, "backup.damaged")


def test_every_flipped_byte_is_noticed_before_anything_changes(backup: Path, tmp_path: Path, clinic, contents) -> None:
    good, bad = backup.read_bytes(), tmp_path / "bad.zip"
    for number in range(40):
        data = bytearray(good)
        place = len(data) * number // 40 + 17
        data[place] ^= 0x55
        bad.write_bytes(data)
        root, refusal = tmp_path / f"new-{number}", None
        try:
            with closing(open_archive(bad)) as archive:
                restore_library(owner("test"), RestoreArgs(root, archive), QUIET)
        except BitewingError as error:
            refusal = error.code
        if refusal is None:
            # A byte that says nothing (a date, a flag nobody reads): what came back must be right all the same.
            assert contents(root) == contents(clinic)
        else:
            assert refusal in {"backup.damaged", "backup.hostile", "backup.not_a_backup"}
            assert not root.exists()


@pytest.mark.parametrize("keep", [0, 10, 200, 0.5, 0.99])
def test_cut_archives_are_refused(backup: Path, tmp_path: Path, keep: float) -> None:
    data = backup.read_bytes()
    (tmp_path / "bad.zip").write_bytes(data[: int(keep if keep > 1 else keep * len(data))])
    _refused(tmp_path / "bad.zip", {"backup.not_a_backup", "backup.damaged"})


def test_other_zips_and_other_files_are_no_backups(tmp_path: Path, shared_data: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    for path in (text, *sorted((shared_data / "malicious").glob("*.zip")), tmp_path / "empty"):
        if path.name == "empty":
            path.mkdir()
        _refused(path, {"backup.not_a_backup", "backup.hostile", "backup.damaged"})


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"format": "x"}', "[" * 100_000, '{"format":1,"members":5}'],
    ids=["empty", "list", "object", "null", "format", "deep", "members"],
)
def test_manifests_that_are_none_are_damage(backup: Path, tmp_path: Path, text: str) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("manifest.json", text)
    _refused(tmp_path / "bad.zip", {"backup.damaged"})


def test_folders_with_links_in_them_are_refused(clinic: Path, tmp_path: Path) -> None:
    with open_library(clinic, create=False) as library:
        snapshot = Path(library.backups.create(library.owner(), f"{tmp_path}/b/", QUIET).record.path)
    victim = next(path for path in (tmp_path / "b" / "objects").rglob("*") if path.is_file())
    shutil.copy(victim, tmp_path / "aside")
    victim.unlink()
    victim.symlink_to(tmp_path / "aside")
    with closing(open_archive(snapshot)) as archive, pytest.raises(BitewingError) as caught:
        restore_library(owner("test"), RestoreArgs(tmp_path / "new", archive), QUIET)
    assert caught.value.code == "backup.hostile"
    assert not (tmp_path / "new").exists()


def _refused(path: Path, codes: set[str]) -> None:
    before = {item: item.stat().st_mtime_ns for item in path.parent.rglob("*")}
    with pytest.raises(BitewingError) as caught:
        open_archive(path).close()
    assert caught.value.code in codes
    assert {item: item.stat().st_mtime_ns for item in path.parent.rglob("*")} == before


def _restore_refused(path: Path, root: Path, contents, code: str) -> None:
    held = contents(root)
    with closing(ZipArchive(path)) as archive, pytest.raises(BitewingError) as caught:
        restore_library(owner("test"), RestoreArgs(root, archive), QUIET)
    assert caught.value.code == code
    assert contents(root) == held
    assert [entry.name for entry in root.parent.iterdir()] == [root.name]


def test_the_shared_hostile_archives_are_refused(clinic: Path, shared_data: Path, contents) -> None:
    archives = sorted((shared_data / "malicious").glob("*.zip"))
    assert len(archives) >= 3
    before = contents(clinic)
    for path in archives:
        with pytest.raises(BitewingError) as caught, closing(open_archive(path)) as archive:
            restore_library(owner("test"), RestoreArgs(clinic, archive), QUIET)
        assert caught.value.code in {"backup.not_a_backup", "backup.damaged", "backup.hostile"}, path.name
    assert contents(clinic) == before
    assert sorted(path.name for path in clinic.parent.iterdir()) == ["library"]
