"""Opening a library must not pay for imaging: the window and light commands start without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HEAVY = ("numpy", "pydicom", "cv2", "PIL", "imagecodecs", "pypdfium2", "pi_heif", "PySide6", "cryptography")
ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import sys
from pathlib import Path
from app.bootstrap.library import open_library
library = open_library(Path(sys.argv[1]), create=True)
actor = library.owner()
library.patients.page(actor, None, 10)
library.status.snapshot(actor)
library.settings.list(actor)
library.images.list(actor)
library.inbox.list(actor)
library.close()
print(",".join(name for name in sys.argv[2].split(",") if name in sys.modules))
"""


def test_nothing_heavy_is_loaded_to_open_an_empty_library(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "library"), ",".join(HEAVY)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == ""
