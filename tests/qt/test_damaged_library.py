"""A damaged or lost catalogue at the start of the window: a backup is restored in two clicks, or it is read only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from app.bootstrap.library import Library, open_library
from app.bootstrap.opening import open_or_explain
from app.core.context import JobContext
from app.core.paths import LibraryPaths
from app.domain.patient import PatientDraft
from app.jobs.change_bus import ChangeBus
from app.storage.database import Database
from app.words import set_language

QUIET = JobContext.silent()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A library with a patient, a backup of it, and one more patient since."""
    set_language("en")
    folder = tmp_path / "library"
    (tmp_path / "stick").mkdir()
    with open_library(folder, create=True) as library:
        library.patients.add(library.owner(), PatientDraft("Hassan", "Ahmed", "P-1"))
        library.backups.create(library.owner(), tmp_path / "stick" / "monday.zip", QUIET)
        library.patients.add(library.owner(), PatientDraft("Since", "Then", "P-2"))
    return folder


def damage(root: Path, table: str = "file_intents") -> None:
    path = LibraryPaths(root).database
    database = Database(path)
    page = database.value("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
    database.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = b"\x55" * 4096
    path.write_bytes(data)


class Person:
    """Clicks what it was told to, in that order, each as soon as it can be clicked; remembers what it read."""

    def __init__(self, *buttons: str) -> None:
        self.left = list(buttons)
        self.read: list[str] = []
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(30)

    def _look(self) -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is None or not self.left:
            return
        for button in dialog.findChildren(QPushButton):
            if button.text() == self.left[0] and button.isEnabled() and button.isVisible():
                self.read += [label.text() for label in dialog.findChildren(QLabel)]
                del self.left[0]
                # Not from here: while one call of a timer waits in a dialog's loop it makes no other.
                QTimer.singleShot(0, button.click)
                return


def families(library: Library) -> list[str]:
    return [row.patient.family_name for row in library.patients.page(library.owner(), None, 10)]


def test_the_newest_backup_is_restored_in_two_clicks(qapp: QApplication, root: Path) -> None:
    damage(root)
    person = Person("Restore the newest backup…", "Restore", "Open the library")
    library = open_or_explain(qapp, root, ChangeBus())
    assert person.left == []
    assert "The catalogue is damaged; the images are not." in person.read
    assert library is not None
    with library:
        assert library.read_only is None
        assert families(library) == ["Hassan"]
        # What was done since stays written down, and so does where the backups are.
        assert library.store.audit.verify().holds
        assert [Path(record.path).name for record in library.backups.list(library.owner())] == ["monday.zip"]


def test_a_lost_catalogue_is_restored_too(qapp: QApplication, root: Path) -> None:
    (root / "dental_images" / "somebody").mkdir()
    (root / "dental_images" / "somebody" / "a.dcm").write_bytes(b"image")
    LibraryPaths(root).database.unlink()
    person = Person("Restore the newest backup…", "Restore", "Open the library")
    library = open_or_explain(qapp, root, ChangeBus())
    assert person.left == []
    assert library is not None
    with library:
        assert families(library) == ["Hassan"]


def test_without_a_backup_in_reach_it_says_so(qapp: QApplication, root: Path) -> None:
    shutil.rmtree(root.parent / "stick")
    damage(root)
    person = Person("Quit")
    assert open_or_explain(qapp, root, ChangeBus()) is None
    assert "No backup is within reach. If one lies on another drive, connect it." in person.read
    assert "Restore the newest backup…" not in person.read


@pytest.mark.parametrize("text", ["{", '{"library_id": "x", "backups": [{}]}', "[]"])
def test_a_note_that_cannot_be_read_is_no_note(qapp: QApplication, root: Path, text: str) -> None:
    LibraryPaths(root).backup_note.write_text(text)
    damage(root)
    person = Person("Quit")
    assert open_or_explain(qapp, root, ChangeBus()) is None
    assert "No backup is within reach. If one lies on another drive, connect it." in person.read


READING = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QPushButton
from app.bootstrap import program, window
from tests.qt.test_damaged_library import Person

first_paint = program.Program._on_first_paint

def after(self):
    first_paint(self)
    QTimer.singleShot(1500, lambda: look(self))

def look(self):
    found = self._window
    print(self._background, found.windowTitle(), found.status._library.accessibleName(), sep="|")
    found.close()

program.Program._on_first_paint = after
start = program.open_or_explain
def opening(*arguments):
    program.person = Person("Open for reading only")
    return start(*arguments)
program.open_or_explain = opening
sys.exit(window.run_window({"library": sys.argv[1]}))
"""


def test_it_can_be_looked_at_without_being_written(root: Path) -> None:
    damage(root)
    before = LibraryPaths(root).database.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", READING, str(root)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "None|Bitewing|Library: for reading only"
    assert "Traceback" not in done.stderr
    assert LibraryPaths(root).database.read_bytes() == before
