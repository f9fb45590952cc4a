"""One log file, several processes: turned over once, nothing lost, no writing to one put away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.core import logs

ROOT = Path(__file__).resolve().parents[3]
LINES, WRITERS = 400, 3
_WRITE = """
import logging, sys
from pathlib import Path
from app.core import logs
logs.LOG_BYTES, logs.LOG_FILES = 20_000, 20
logs.set_up(Path(sys.argv[1]))
log = logging.getLogger("app.test")
for number in range(int(sys.argv[3])):
    log.warning("%s-%d", sys.argv[2], number)
"""


def _write(folder: Path, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _WRITE, str(folder), name, str(LINES)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be renamed there: it grows on instead")
def test_several_processes_lose_no_line_and_keep_the_size(tmp_path: Path) -> None:
    writers = [_write(tmp_path, f"w{number}") for number in range(WRITERS)]
    for writer in writers:
        _out, errors = writer.communicate(timeout=60)
        assert (writer.returncode, errors) == (0, b"")
    files = sorted(tmp_path.glob("bitewing.log*"))
    text = "".join(path.read_text("utf-8") for path in files if path.suffix != ".lock")
    said = [line.rsplit(" ", 1)[1] for line in text.splitlines()]
    assert sorted(said) == sorted(f"w{who}-{number}" for who in range(WRITERS) for number in range(LINES))
    assert len(files) > 3
    # A writer may be one line late in noticing.
    assert max(path.stat().st_size for path in files) <= 21_000


def test_ten_megabytes_are_the_limit(tmp_path: Path) -> None:
    assert logs.LOG_BYTES == 10 * 1024 * 1024
    path = logs.set_up(tmp_path)
    handler = logs.logging.getLogger("app").handlers[0]
    try:
        path.write_bytes(b"x" * (logs.LOG_BYTES - 10))
        logs.logging.getLogger("app.test").warning("one more line")
        assert path.stat().st_size < 1_000
        assert (tmp_path / "bitewing.log.1").stat().st_size == logs.LOG_BYTES - 10
    finally:
        logs.logging.getLogger("app").removeHandler(handler)
        handler.close()
