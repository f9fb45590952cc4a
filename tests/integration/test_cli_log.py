"""``log`` and ``audit`` on the command line."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.integration.import_material import radiograph

ROOT = Path(__file__).resolve().parents[2]


def bitewing(library: Path, *arguments: object, code: int = 0) -> Any:
    command = [sys.executable, "-P", "-m", "app", *map(str, arguments), "--json", "--library", str(library)]
    environment = {**os.environ, "BITEWING_LANGUAGE": "en"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_log_and_audit(tmp_path: Path) -> None:
    library = tmp_path / "library"
    radiograph(tmp_path / "in" / "a.dcm", 1)
    bitewing(library, "import", tmp_path / "in")
    (entry,) = bitewing(library, "log", "list")
    assert (entry["kind"], entry["counts"]["imported"], entry["title"]) == ("import", 1, "Import: done")
    assert bitewing(library, "log", "list", "--level", "error") == []
    assert bitewing(library, "log", "list", "--topic", "backup", "--days", "3") == []
    assert bitewing(library, "log", "export", tmp_path / "log.csv")["entries"] == 1
    assert "Import: done" in (tmp_path / "log.csv").read_text("utf-8-sig")
    report = bitewing(library, "audit", "verify")
    assert report["ok"] is True
    assert bitewing(library, "audit", "export", tmp_path / "audit.jsonl")["entries"] == report["entries"]
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert {json.loads(line)["action"] for line in lines} >= {"image.import"}
    assert "Doe" not in "".join(lines)


def test_a_changed_audit_log_is_found(tmp_path: Path) -> None:
    library = tmp_path / "library"
    radiograph(tmp_path / "in" / "a.dcm", 1)
    bitewing(library, "import", tmp_path / "in")
    with sqlite3.connect(library / "bitewing.db") as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"):
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE audit SET actor_id = 'somebody' WHERE sequence = 1")
    report = bitewing(library, "audit", "verify", code=1)
    assert report["ok"] is False
    assert report["breaks"][0]["sequence"] == 1
