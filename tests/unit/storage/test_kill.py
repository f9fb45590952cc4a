"""Killed at every step of an arrival and of a move: nothing half, nothing lost, nothing left over (A1)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def run(action: str, folder: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.storage.kill_driver", action, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    report: dict[str, object] = json.loads(done.stdout)
    return report


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the driver kills forked children")


@needs_fork
@pytest.mark.parametrize(("action", "least"), [("arrive", 30), ("move", 25)])
def test_killed_at_every_step_nothing_is_lost(action: str, least: int, tmp_path: Path) -> None:
    report = run(action, tmp_path)
    print(f"{action}: {report['points']} kill points, {len(report['violations'])} violations")  # type: ignore[arg-type]
    assert report["violations"] == {}
    assert int(str(report["points"])) >= least


@needs_fork
def test_the_harness_catches_a_naive_importer(tmp_path: Path) -> None:
    assert run("naive", tmp_path)["violations"] != {}
