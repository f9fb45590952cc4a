"""What is on offer: files, folders, archives, DICOMDIRs."""

from __future__ import annotations

import contextlib
import os
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.context import JobContext
from app.imaging.sniff import Content
from app.sync.archive import archive_problem, member_count
from app.sync.dicomdir import referenced_files
from app.sync.sources import find, is_ignored
from app.sync.stream import enumerate_sources, measure

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def _shown(paths: list[Path], unpack: Path, **options: bool) -> list[tuple[str, str | None]]:
    found = []
    for source in enumerate_sources(paths, unpack, **options):
        found.append((source.shown, source.problem.code if source.problem else None))
        source.release()
    return found


@pytest.fixture
def unpack(tmp_path: Path) -> Path:
    folder = tmp_path / "unpack"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "name", ["Thumbs.db", "desktop.ini", ".DS_Store", "~$letter.docx", "a.part", "b.TMP", "c.crdownload", ".hidden"]
)
def test_leftovers_are_ignored(name: str) -> None:
    assert is_ignored(name)
    assert not is_ignored("a.jpg")


def test_folders_are_walked_sorted_without_links(tmp_path: Path, unpack: Path) -> None:
    folder = tmp_path / "in"
    (folder / "b").mkdir(parents=True)
    for name in ("z.png", "a.png", "Thumbs.db", "b/c.png"):
        (folder / name).write_bytes(PNG)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(PNG)
    (folder / "link").symlink_to(outside)
    (folder / "link.png").symlink_to(outside / "secret.png")
    assert [Path(path).name for path, _ in _shown([folder], unpack)] == ["a.png", "z.png", "c.png"]
    assert [Path(path).name for path, _ in _shown([folder], unpack, recursive=False)] == ["a.png", "z.png"]
    assert measure([folder], JobContext.silent()).files == 3


def test_what_is_missing_or_closed_is_said(tmp_path: Path, unpack: Path) -> None:
    assert _shown([tmp_path / "nothing"], unpack) == [(str(tmp_path / "nothing"), "file.missing")]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert _shown([pipe], unpack)[0][1] == "file.not_a_file"
    assert next(iter(find([pipe]))).problem is not None


def test_a_file_that_vanishes_while_its_folder_is_read_is_one_problem(
    tmp_path: Path, unpack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(PNG)
    real = os.scandir

    @contextlib.contextmanager
    def vanishing(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        with real(folder) as entries:
            listed = list(entries)
        (tmp_path / "b.png").unlink(missing_ok=True)
        yield listed

    monkeypatch.setattr("app.sync.sources.os.scandir", vanishing)
    (tmp_path / "unpack").rmdir()
    shown = [(Path(name).name, code) for name, code in _shown([tmp_path], tmp_path)]
    assert shown == [("a.png", None), ("b.png", "file.missing"), ("c.png", None)]


def test_a_dicomdir_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    (found,) = referenced_files(tmp_path / "DICOMDIR")
    assert found.problem is not None
    assert found.problem.code == "file.missing"


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_archive_members_get_names_of_ours(tmp_path: Path, unpack: Path) -> None:
    archive = _zip(tmp_path / "a.zip", {"../../evil.png": PNG, "C:\\win\\x.png": PNG, "b/c.png": PNG, "d/": b""})
    for source in enumerate_sources([archive], unpack):
        assert source.path is not None
        assert source.path.parent == unpack
        assert source.path.read_bytes() == PNG
        assert source.content is Content.PNG
        source.release()
        assert not source.path.exists()
    assert not (tmp_path.parent / "evil.png").exists()
    assert [name for name, _ in _shown([archive], unpack)] == [
        f"{archive}!/../../evil.png",
        f"{archive}!/C:\\win\\x.png",
        f"{archive}!/b/c.png",
    ]
    assert member_count(archive)[0] == 3


def test_nested_archives_are_not_opened(tmp_path: Path, unpack: Path) -> None:
    inner = _zip(tmp_path / "inner.zip", {"a.png": PNG}).read_bytes()
    outer = _zip(tmp_path / "outer.zip", {"inner.zip": inner})
    assert _shown([outer], unpack) == [(f"{outer}!/inner.zip", "archive.nested")]


def test_encrypted_members_are_said(tmp_path: Path, unpack: Path) -> None:
    archive = _zip(tmp_path / "a.zip", {"a.png": PNG})
    data = bytearray(archive.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(bytes(data))
    assert _shown([archive], unpack) == [(f"{archive}!/a.png", "archive.encrypted")]


def test_a_flipped_bit_in_a_member_is_found_by_its_checksum(tmp_path: Path, unpack: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as writer:
        writer.writestr("a.png", PNG)
        writer.writestr("b.png", PNG + b"b")
    data = bytearray(archive.read_bytes())
    data[data.index(PNG) + 20] ^= 1
    archive.write_bytes(bytes(data))
    assert _shown([archive], unpack) == [(f"{archive}!/a.png", "archive.member_damaged"), (f"{archive}!/b.png", None)]
    assert list(unpack.iterdir()) == []


def test_a_cut_archive_is_kept_aside_whole(tmp_path: Path, unpack: Path) -> None:
    archive = _zip(tmp_path / "a.zip", {"a.png": os.urandom(5000)})
    archive.write_bytes(archive.read_bytes()[:3000])
    (source,) = enumerate_sources([archive], unpack)
    assert source.problem is not None
    assert (source.problem.status, source.problem.code, source.path) == ("quarantined", "archive.damaged", archive)


def test_bombs_are_refused_before_anything_is_unpacked(tmp_path: Path, unpack: Path) -> None:
    archive = _zip(tmp_path / "bomb.zip", {"zeros": b"\0" * (40 << 20)})
    assert _shown([archive], unpack) == [(str(archive), "archive.bomb")]
    many = [zipfile.ZipInfo(f"{number}") for number in range(200_001)]
    refused = archive_problem(archive.stat().st_size, many)
    assert refused is not None
    assert refused.code == "archive.too_many"


def test_a_directory_that_lies_is_found_while_reading(tmp_path: Path, unpack: Path) -> None:
    archive = _zip(tmp_path / "a.zip", {"a.png": os.urandom(50_000)})
    data = bytearray(archive.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 10)
    archive.write_bytes(bytes(data))
    ((_, code),) = _shown([archive], unpack)
    assert code in {"archive.bomb", "archive.member_damaged"}


def test_office_documents_are_not_opened(tmp_path: Path, unpack: Path) -> None:
    letter = _zip(tmp_path / "letter.docx", {"[Content_Types].xml": b"<x/>", "word/media/image1.png": PNG})
    assert _shown([letter], unpack) == [(str(letter), "file.not_an_image")]


def _dicomdir(folder: Path, references: list[str]) -> Path:
    data = b"\0" * 128 + b"DICM" + b"\x02\0\x02\0UI\x14\x001.2.840.10008.1.3.10\0"
    for reference in references:
        value = reference.encode("latin-1")
        value += b" " * (len(value) % 2)
        data += b"\x04\0\0\x15CS" + struct.pack("<H", len(value)) + value
    path = folder / "DICOMDIR"
    path.write_bytes(data)
    return path


def test_a_dicomdir_leads_to_its_files_and_nowhere_else(tmp_path: Path, unpack: Path) -> None:
    folder = tmp_path / "cd"
    (folder / "IM").mkdir(parents=True)
    (folder / "IM" / "A").write_bytes(PNG)
    (tmp_path / "outside").write_bytes(PNG)
    (folder / "LINK").symlink_to(tmp_path / "outside")
    path = _dicomdir(folder, ["IM\\A", "..\\outside", "LINK", "C:\\x", "IM\\GONE", "IM\\A"])
    assert [(found.path.name, found.problem.code if found.problem else None) for found in referenced_files(path)] == [
        ("A", None),
        ("outside", "dicom.outside_folder"),
        ("LINK", "dicom.outside_folder"),
        ("x", "dicom.outside_folder"),
        ("GONE", "file.missing"),
    ]
    assert _shown([path], unpack)[0] == (str(folder / "IM" / "A"), None)
    assert ("DICOMDIR", "dicom.dicomdir") in [(Path(name).name, code) for name, code in _shown([folder], unpack)]


def test_a_hundred_thousand_files_stay_a_stream(tmp_path: Path, unpack: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number:06}.png").write_bytes(PNG)
    stream = enumerate_sources([folder], unpack)
    assert next(stream).original_name == "000000.png"
    assert sum(1 for _ in stream) == 299


def test_a_member_without_a_name_does_not_end_an_archive(tmp_path: Path, unpack: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", PNG)
        archive.writestr(zipfile.ZipInfo(""), PNG)
        archive.writestr("b.png", PNG)
    assert [Path(shown).name for shown, _ in _shown([path], unpack)] == ["a.png", "b.png"]
    assert member_count(path)[0] == 2
