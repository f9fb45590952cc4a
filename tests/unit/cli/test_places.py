"""Typed paths: sources and libraries are never written over, pipes are not waited for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from tests.unit.cli.conftest import Run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file that can be rendered, with a suffix that may be written."""
    return Path(shutil.copy(str(get_testdata_file("CT_small.dcm")), tmp_path / "a.png"))


def test_the_source_is_never_written_over(bitewing: Run, source: Path) -> None:
    before = source.read_bytes()
    link, twin = source.with_name("link.png"), source.with_name("twin.png")
    link.symlink_to(source)
    twin.hardlink_to(source)
    for out in (source, link, twin):
        said = bitewing("render", source, "-o", out, "--json")
        assert (said.code, said.json()["error"]["code"]) == (1, "place.same_file")
        assert said.errors.startswith(f"{out}: ")
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    "options",
    [
        ["-o", "x.npy"],
        ["-o", "x.jpg"],
        ["-o", "x.png", "--raw"],
        ["-o", "x.png", "--window", "nan", "1"],
        ["-o", "x.png", "--window", "1", "inf"],
        ["-o", "x.png", "--window", "1", "-5"],
        ["-o", "x.png", "--window", "1", "0"],
        ["-o", "x.png", "--size", "99999x99999"],
        ["-o", "--raw"],
    ],
)
def test_wrong_usage_of_render(options: list[str], bitewing: Run, source: Path) -> None:
    assert bitewing("render", source, *options).code == 2
    assert not Path("x.png").exists()


def test_nothing_in_a_library_is_written_and_it_is_not_imported_into_itself(
    bitewing: Run, source: Path, library: Path
) -> None:
    bitewing("settings", "set", "clinic.name", "A")
    for arguments in (
        ("render", source, "-o", library / "dental_images" / "x.png"),
        ("export", "x", "-o", library / "inbox"),
        ("export", "--everything", "-o", library),
        ("import", library),
        ("import", library / "dental_images"),
        ("import", library.parent),
    ):
        said = bitewing(*arguments, "--json")
        assert (said.code, said.json()["error"]["code"]) == (1, "place.in_library"), arguments
    assert not (library / "dental_images" / "x.png").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX")
def test_pipes_and_folders_are_no_files(bitewing: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path(os.devnull)):
        for arguments in (("info", path), ("render", path, "-o", tmp_path / "x.png")):
            said = bitewing(*arguments, "--json")
            assert (said.code, said.json()["error"]["code"]) == (1, "file.not_a_file")


def test_an_option_is_no_folder(bitewing: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert bitewing("settings", "set", "clinic.name", "A", "--library", "--help").code == 2
    assert not (tmp_path / "--help").exists()


def test_a_list_that_cannot_be_read_is_named(bitewing: Run, tmp_path: Path) -> None:
    bitewing("settings", "set", "clinic.name", "A")
    empty = tmp_path / "empty.csv"
    empty.touch()
    for path in (tmp_path / "nope.csv", empty):
        said = bitewing("patients", "import", path)
        assert said.code == 1
        assert said.errors.startswith(f"{path}: ")


def test_an_empty_value_removes(bitewing: Run) -> None:
    bitewing("settings", "set", "clinic.name", "A")
    person = ("--last", "Doe", "--chart", "P-1", "--dob", "1980-01-02", "--sex", "F", "--phone", "1")
    assert bitewing("patients", "add", *person).code == 0
    row = bitewing("patients", "edit", "P-1", "--dob", "", "--sex", "", "--phone", "", "--json").json()
    assert (row["birth_date"], row["sex"], row["phone"]) == (None, None, None)
