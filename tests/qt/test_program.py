"""The program as a process: a picture of the window, one window per library, language and theme live."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

DRIVER = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from app.bootstrap import program, window

first_paint = program.Program._on_first_paint

def after(self):
    self.loaded = set(sys.modules)
    first_paint(self)
    QTimer.singleShot(300, lambda: act(self))

def act(self):
{body}

program.Program._on_first_paint = after
sys.exit(window.run_window({{"library": sys.argv[1]}}))
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    from app.bootstrap.library import open_library
    from app.domain.patient import PatientDraft

    root = tmp_path / "library"
    with open_library(root, create=True) as made:
        made.patients.add(made.owner(), PatientDraft("Hassan", "Ahmed", "P-1"))
    return root


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=90,
        check=False,
        cwd=ROOT,
    )


def drive(body: str, library: Path) -> subprocess.CompletedProcess[str]:
    return run(DRIVER.format(body=textwrap.indent(textwrap.dedent(body), "    ")), str(library))


def test_a_screenshot_of_a_patient(library, tmp_path):
    picture = tmp_path / "window.png"
    done = run(
        "import sys; from app.__main__ import main; sys.exit(main())",
        "--library", str(library), "gui", "--patient", "P-1", "--screenshot", str(picture), "--size", "1280x800",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    from PySide6.QtGui import QImage

    image = QImage(str(picture))
    assert (image.width(), image.height()) == (1280, 800)
    colours = {image.pixel(x, y) for x in range(0, 1280, 16) for y in range(0, 800, 16)}
    assert len(colours) > 8


def test_language_and_theme_change_while_it_runs(library):
    done = drive(
        """
        settings, actor = self._library.settings, self._library.owner()
        settings.set_value(actor, "display.language", "ar")
        settings.set_value(actor, "display.theme", "light")
        old = self._window
        old.rebuild_requested.emit()
        def later():
            from PySide6.QtCore import Qt
            from app.ui.theme import palette
            new = self._window
            print(new is not old, new.layoutDirection() == Qt.LayoutDirection.RightToLeft, palette.active().name)
            print(new.tree.model.rowCount())
            new.close()
        QTimer.singleShot(800, later)
        """,
        library,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "True", "light", "2"]


def test_a_second_start_goes_to_the_first_window(library):
    done = drive(
        """
        import subprocess
        other = subprocess.Popen([sys.executable, "-c",
            "import sys; from app.__main__ import main; sys.exit(main())",
            "--library", sys.argv[1], "gui", "--patient", "P-1"])
        def look(tries=[0]):
            tries[0] += 1
            if (self._window.patient.patient_id is None or other.poll() is None) and tries[0] < 300:
                QTimer.singleShot(100, look)
                return
            print(other.poll(), self._window.patient.summary.patient.chart_number)
            self._window.close()
        look()
        """,
        library,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "P-1"]


def test_closing_waits_for_a_job_to_stop(library):
    done = drive(
        """
        def engine(_args, ctx):
            ctx.wait(60)
        handle = self._runner.start("long", "Long", engine)
        handle.cancelled.connect(lambda: print("stopped", flush=True))
        self._window.close()
        """,
        library,
    )
    assert done.returncode == 0, done.stderr


def test_nothing_heavy_is_loaded_before_the_first_paint(library):
    done = drive(
        """
        print(sorted({"numpy", "cv2", "pydicom", "PIL", "imagecodecs", "pypdfium2"} & self.loaded))
        self._window.close()
        """,
        library,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_circles_are_collected_by_the_window_alone_until_it_has_closed(library):
    done = drive(
        """
        import gc, threading
        made = threading.Thread(target=lambda: [[] for _ in range(200_000)])
        before = [stat["collections"] for stat in gc.get_stats()]
        made.start(); made.join()
        after = [stat["collections"] for stat in gc.get_stats()]
        print(gc.isenabled(), before == after, self._collector._timer.isActive())
        self._window.close()
        """,
        library,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "True", "True"]
