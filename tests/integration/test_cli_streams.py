"""Streams that are closed or full, names of odd bytes, and Ctrl+C at any moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full and names of any bytes are Linux's")
APP = [sys.executable, "-P", "-m", "app"]
ENVIRONMENT = {**os.environ, "BITEWING_LANGUAGE": "en"}


@pytest.mark.parametrize(("to", "said"), [("> /dev/full", True), (">&-", True), ("> >(true)", False)])
@pytest.mark.parametrize("json_option", ["", "--json"])
def test_output_that_cannot_be_delivered_is_1(to: str, said: bool, json_option: str, tmp_path: Path) -> None:
    library = ["--library", str(tmp_path / "library")]
    subprocess.run([*APP, "settings", "set", "clinic.name", "A", *library], check=True)
    line = " ".join([*APP, "settings", "list", *library, json_option, to])
    shell = ["bash", "-c", line]
    done = subprocess.run(shell, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert bool(done.stderr) is said


def test_names_of_odd_bytes_are_printable(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for name in (b"\xff.png", b"a\nb.png"):
        Path(os.fsdecode(os.fsencode(tmp_path / "files") + b"/" + name)).write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    command = [*APP, "import", str(tmp_path / "files"), "--json", "--library", str(tmp_path / "library")]
    for locale in ("C", "C.UTF-8"):
        environment = {**ENVIRONMENT, "LC_ALL": locale, "LANG": locale}
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
        items = json.loads(done.stdout)["items"]
        assert len(items) == 2
        assert any(item["path"].endswith("\\udcff.png") for item in items)
        json.dumps(items, ensure_ascii=False).encode("utf-8")
        assert all(line.isprintable() for line in done.stderr.decode("utf-8").splitlines())


@pytest.mark.parametrize("after_ms", [40, 60, 80, 100, 150, 200, 300])
def test_ctrl_c_leaves_no_traceback(after_ms: int, tmp_path: Path) -> None:
    # From the moment the program's own code runs; before that the interpreter starts.
    code = (
        # Whoever runs these tests in the background has taken Ctrl+C from all that they start.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "import sys; from app.__main__ import main; sys.argv[0] = 'bitewing'; print('up', flush=True); sys.exit(main())"
    )
    command = [sys.executable, "-P", "-c", code, "demo", "--library", str(tmp_path / "library")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after_ms / 1000)
    process.send_signal(signal.SIGINT)
    _out, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
    assert process.returncode == 1, errors
