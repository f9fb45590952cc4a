"""``info`` and ``render``: no library, the decoding child, pydicom's own numbers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

ROOT = Path(__file__).resolve().parents[2]


def _bitewing(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "app", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "BITEWING_LANGUAGE": "en"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def _file(name: str) -> Path:
    path = get_testdata_file(name, download=False)
    assert path is not None, f"{name} is not bundled with pydicom"
    return Path(str(path))


def _info(path: Path) -> dict[str, Any]:
    done = _bitewing("info", path, "--json")
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def test_info_has_the_keys_of_the_contract() -> None:
    facts = _info(_file("CT_small.dcm"))
    assert facts.keys() >= {
        "kind", "rows", "columns", "frames", "bits", "photometric", "transfer_syntax", "sop_class", "modality",
        "patient", "teeth", "laterality", "window", "spacing",
    }  # fmt: skip
    assert (facts["kind"], facts["rows"], facts["columns"], facts["frames"], facts["bits"]) == (
        "dicom",
        128,
        128,
        1,
        16,
    )
    assert facts["transfer_syntax"] == "1.2.840.10008.1.2.1"
    assert facts["patient"] == {"id": "1CT1", "name": "CompressedSamples, CT1", "birth_date": None}
    assert facts["spacing"].keys() == {"row", "column", "source"}
    assert facts["laterality"] is None


def test_info_of_what_is_no_image(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("hello")
    assert _info(text)["kind"] == "other"
    done = _bitewing("info", tmp_path / "gone.dcm", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "file.missing"
    assert done.stderr.startswith(f"{tmp_path / 'gone.dcm'}: ")


def test_raw_values_are_pydicoms(tmp_path: Path) -> None:
    for name in ("CT_small.dcm", "MR_small_RLE.dcm", "SC_rgb_small_odd.dcm", "rtdose.dcm"):
        out = tmp_path / "a.npy"
        done = _bitewing("render", _file(name), "-o", out, "--raw")
        assert done.returncode == 0, done.stderr
        assert np.array_equal(np.load(out), pydicom.dcmread(_file(name)).pixel_array), name


def test_a_picture_is_written_from_any_working_directory(tmp_path: Path) -> None:
    (tmp_path / "rle.py").write_text("raise SystemExit('shadowed')")
    done = _bitewing("render", _file("MR_small_RLE.dcm"), "-o", "picture.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "picture.png") as picture:
        assert (picture.mode, picture.size) == ("L", (64, 64))
        assert np.asarray(picture).std() > 10


def test_window_size_and_frame_are_followed(tmp_path: Path) -> None:
    def picture(*options: object) -> np.ndarray:
        done = _bitewing("render", _file("SC_rgb_rle_2frame.dcm"), "-o", tmp_path / "a.png", *options)
        assert done.returncode == 0, done.stderr
        return np.asarray(Image.open(tmp_path / "a.png"))

    first = picture()
    assert np.array_equal(picture("--frame", 1), first)
    assert not np.array_equal(picture("--frame", 2), first)
    assert picture("--size", "32x20").shape[:2] == (20, 20)


def test_another_window_gives_another_picture(tmp_path: Path) -> None:
    for name, window in (("dark", (3000, 100)), ("bright", (-2000, 100))):
        done = _bitewing("render", _file("CT_small.dcm"), "-o", tmp_path / f"{name}.png", "--window", *window)
        assert done.returncode == 0, done.stderr
    assert np.asarray(Image.open(tmp_path / "dark.png")).max() == 0
    assert np.asarray(Image.open(tmp_path / "bright.png")).min() == 255
    assert _bitewing("render", _file("CT_small.dcm"), "-o", tmp_path / "a.png", "--window", 1, 0).returncode == 2


@pytest.mark.parametrize("options", [["--frame", "99"], ["--frame", "2"]])
def test_a_frame_that_is_not_there_is_said(options: list[str], tmp_path: Path) -> None:
    done = _bitewing("render", _file("CT_small.dcm"), "-o", tmp_path / "a.png", *options, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "image.no_such_frame"
    assert not (tmp_path / "a.png").exists()


def test_truncated_pixels_are_refused(tmp_path: Path) -> None:
    for extra in ([], ["--raw"]):
        done = _bitewing("render", _file("MR_truncated.dcm"), "-o", tmp_path / "a", *extra)
        assert done.returncode == 1
        assert "incomplete" in done.stderr
        assert list(tmp_path.glob("*a*")) == []


def test_a_reader_that_goes_away_is_no_error_text(tmp_path: Path) -> None:
    _bitewing("settings", "set", "clinic.name", "A", "--library", tmp_path / "library")
    done = subprocess.run(
        f"{sys.executable} -P -m app settings list --library {tmp_path / 'library'} | true",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that only asks")
def test_ctrl_c_keeps_what_was_finished(tmp_path: Path) -> None:
    source, library = tmp_path / "source", tmp_path / "library"
    source.mkdir()
    rng = np.random.default_rng(3)
    for number in range(60):
        Image.fromarray(rng.integers(0, 255, (900, 900, 3), np.uint8)).save(source / f"{number:03}.png")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "app", "import", str(source), "--json", "--library", str(library)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list(library.glob("inbox/*/*")):
        time.sleep(0.02)
    # A terminal's Ctrl+C reaches the decoding children too.
    os.killpg(process.pid, signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    report = json.loads(out)
    assert 0 < report["inbox"] < 60
    assert report["stopped"]["code"] == "cancelled"
    assert "Traceback" not in errors
    checked = _bitewing("check", "--deep", "--json", "--library", library)
    assert checked.returncode == 0, checked.stdout
    assert [path.name for path in (library / ".incoming").iterdir() if path.suffix != ".lock"] == []


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_progress_is_drawn_on_a_terminal_and_not_in_a_pipe(tmp_path: Path) -> None:
    import pty

    command = [sys.executable, "-P", "-m", "app", "scan", str(_file("CT_small.dcm").parent), "--json"]
    environment = {**os.environ, "BITEWING_LIBRARY": str(tmp_path / "none"), "TERM": "xterm", "COLUMNS": "80"}
    master, terminal = pty.openpty()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=terminal, env=environment, text=True)
    os.close(terminal)
    drawn = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break  # Linux reports the other side's end as an error
        if not piece:
            break
        drawn += piece
    os.close(master)
    assert process.stdout is not None
    assert json.loads(process.stdout.read())["files"] > 10
    process.stdout.close()
    assert process.wait(60) == 0
    assert b"\x1b[" in drawn
    piped = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert piped.stderr == ""
