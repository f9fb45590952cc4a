"""Light commands load nothing heavy: measured in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "pydicom", "PySide6", "cv2", "PIL", "imagecodecs", "pypdfium2", "rich"}
_PROBE = """
import sys
from app.cli.main import run
code = run(sys.argv[1:])
print("LOADED", *sorted({name.split(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (["--help"], HEAVY | {"peewee", "cryptography", "keyring"}),
        (["settings", "list"], HEAVY | {"cryptography"}),
        (["settings", "set", "clinic.name", "A"], HEAVY),
        (["list", "patients"], HEAVY),
        (["list", "images"], HEAVY),
        (["status"], HEAVY),
        (["inbox", "list"], HEAVY),
    ],
)
def test_nothing_heavy_is_loaded(arguments: list[str], refused: set[str], tmp_path: Path) -> None:
    library = ["--library", str(tmp_path / "library")]
    make = [sys.executable, "-P", "-m", "app", "settings", "set", "clinic.name", "A", *library]
    subprocess.run(make, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, "-P", "-c", _PROBE, *arguments, *([] if arguments == ["--help"] else library)],
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = set(done.stderr.rpartition("LOADED")[2].split())
    assert loaded & refused == set()
