"""The backups dialog over a real library: makes, lists, verifies, deletes after asking, offers to restore."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox, QPushButton

from app.core.context import JobContext
from app.domain.roles import Role, owner
from app.ui.main_window.backups import Backups
from app.ui.safekeeping.backups_dialog import BackupsDialog
from app.ui.safekeeping.patient_restore_dialog import PatientRestoreDialog
from app.ui.safekeeping.restore_dialog import RestoreDialog
from app.ui.safekeeping.restore_progress import RestoreProgress
from app.ui.safekeeping.wishes import RestoreWish

QUIET = JobContext.silent()
PASSWORD = "correct horse battery staple"


@pytest.fixture
def dialog(qtbot, session):
    made = BackupsDialog(session, Backups(session))
    qtbot.addWidget(made)
    made.show()
    return made


def rows(dialog) -> list[str]:
    return [dialog.list.topLevelItem(row).text(2) for row in range(dialog.list.topLevelItemCount())]


def texts(widget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def button(widget, text: str) -> QPushButton:
    return next(found for found in widget.findChildren(QPushButton) if found.text() == text)


def test_back_up_now_goes_where_the_settings_say(qtbot, session, library, dialog, tmp_path):
    place = tmp_path / "stick"
    place.mkdir()
    library.settings.set(library.owner(), "backup.folder", str(place))
    qtbot.waitUntil(lambda: not session.calls.waiting())
    assert "No backup was made yet" in texts(dialog)
    dialog.back_up()
    qtbot.waitUntil(lambda: len(rows(dialog)) == 1, timeout=20_000)
    assert rows(dialog)[0].startswith("good, read back")
    assert len(list(place.glob("*.zip"))) == 1
    assert "3 images" in texts(dialog.health)


def test_what_is_wrong_with_each_is_said(qtbot, session, library, dialog, tmp_path):
    for name in ("gone", "broken", "good"):
        library.backups.create(library.owner(), tmp_path / f"{name}.zip", QUIET)
    (tmp_path / "gone.zip").unlink()
    data = bytearray((tmp_path / "broken.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "broken.zip").write_bytes(data)
    shutil.copy(tmp_path / "good.zip", tmp_path / "by-hand.zip")
    dialog.reload()
    qtbot.waitUntil(lambda: len(rows(dialog)) == 4)
    assert [words.split(",")[0] for words in rows(dialog)] == ["good", "good", "not at its place", "found there"]
    dialog.list.setCurrentItem(dialog.list.topLevelItem(1))
    button(dialog, "Verify").click()
    qtbot.waitUntil(lambda: rows(dialog)[1] == "damaged", timeout=20_000)
    dialog.list.setCurrentItem(dialog.list.topLevelItem(2))
    assert not button(dialog, "Restore…").isEnabled()
    assert not button(dialog, "Verify").isEnabled()


@pytest.mark.parametrize("yes", [True, False])
def test_deleting_asks_first(qtbot, session, library, dialog, tmp_path, yes):
    library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
    dialog.reload()
    qtbot.waitUntil(lambda: len(rows(dialog)) == 1)

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        button(box, "Delete" if yes else "Keep").click()

    QTimer.singleShot(100, answer)
    button(dialog, "Delete…").click()
    qtbot.waitUntil(lambda: not session.runner.running() and not session.calls.waiting(), timeout=10_000)
    assert (tmp_path / "a.zip").exists() is not yes


def test_a_drill_turns_the_lamp(qtbot, session, library, dialog, tmp_path):
    library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
    dialog.drill()
    qtbot.waitUntil(lambda: "passed" in texts(dialog.health), timeout=20_000)


def test_the_librarys_own_password_is_not_asked_for(qtbot, session, library, dialog, tmp_path):
    library.settings.set(library.owner(), "backup.password", PASSWORD)
    library.backups.create(library.owner(), tmp_path / "sealed.zip", QUIET)
    assert dialog._own_password() == PASSWORD
    for known, asks in ((PASSWORD, False), ("another horse battery", True)):
        restore = RestoreDialog(tmp_path / "sealed.zip", library.paths.root, known=known)
        qtbot.addWidget(restore)
        restore.show()
        qtbot.waitUntil(
            lambda asks=asks, made=restore: made._password.isVisible() if asks else made._manifest is not None
        )
        assert restore.restore_button.isEnabled() is not asks
        assert not restore.problem.isVisible()
        if not asks:
            restore.restore_button.click()
            assert restore.wish == RestoreWish(tmp_path / "sealed.zip", PASSWORD, False)
        restore.close()


class TestForADentist:
    @pytest.fixture
    def role(self) -> Role:
        return Role.DENTIST

    def test_may_back_up_but_not_restore_or_delete(self, qtbot, session, library, dialog, tmp_path):
        library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
        dialog.reload()
        qtbot.waitUntil(lambda: len(rows(dialog)) == 1)
        enabled = {text: button(dialog, text).isEnabled() for text in ("Back up now", "Verify", "Restore…", "Delete…")}
        assert enabled == {"Back up now": True, "Verify": True, "Restore…": False, "Delete…": False}


def test_the_restore_dialog_says_what_it_is(qtbot, library, tmp_path):
    library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
    dialog = RestoreDialog(tmp_path / "a.zip", library.paths.root)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(dialog.restore_button.isEnabled)
    assert "Nile Dental" in texts(dialog)
    assert "3 images" in texts(dialog)
    dialog.restore_button.click()
    assert dialog.wish == RestoreWish(tmp_path / "a.zip", None, foreign=False)


def test_a_sealed_backup_asks_for_its_password(qtbot, library, tmp_path):
    library.backups.create(library.owner(), tmp_path / "a.zip", QUIET, password=PASSWORD)
    dialog = RestoreDialog(tmp_path / "a.zip", library.paths.root)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(dialog._password.isVisible)
    assert not dialog.restore_button.isEnabled()
    dialog._password.setText("wrong password here")
    dialog._password.editingFinished.emit()
    qtbot.waitUntil(lambda: "password" in dialog.problem.text())
    dialog._password.setText(PASSWORD)
    dialog._password.editingFinished.emit()
    qtbot.waitUntil(dialog.restore_button.isEnabled)


def test_another_librarys_backup_needs_a_yes(qtbot, library, tmp_path):
    library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
    from app.bootstrap.library import open_library

    with open_library(tmp_path / "mine", create=True):
        pass
    dialog = RestoreDialog(tmp_path / "a.zip", tmp_path / "mine")
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(dialog._foreign.isVisible)
    assert not dialog.restore_button.isEnabled()
    dialog._foreign.click()
    assert dialog.restore_button.isEnabled()


def test_what_is_no_backup_is_said(qtbot, library, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no zip")
    dialog = RestoreDialog(tmp_path / "a.zip", library.paths.root)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: "cannot be restored" in texts(dialog))
    assert not dialog.restore_button.isEnabled()


def test_the_restore_itself(qtbot, library, tmp_path):
    root = library.paths.root
    library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
    library.images.delete(library.owner(), [library.images.list(library.owner())[0].id])
    library.close()
    dialog = RestoreProgress(owner("test"), root, RestoreWish(tmp_path / "a.zip", None, foreign=False))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: "was restored" in texts(dialog), timeout=20_000)
    assert "3 images are back" in texts(dialog)
    dialog._button.click()
    from app.bootstrap.library import open_library

    with open_library(root, create=False) as again:
        assert len(again.images.list(again.owner())) == 3
    assert len(list(root.parent.glob("library.before-restore-*"))) == 1


def test_a_restore_that_is_refused_leaves_everything(qtbot, library, tmp_path):
    root = library.paths.root
    library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
    dialog = RestoreProgress(owner("test"), root, RestoreWish(tmp_path / "a.zip", None, foreign=False))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: "as it was" in texts(dialog), timeout=20_000)
    dialog._button.click()
    assert not list(Path(root).parent.glob("library.before-restore-*"))


def test_one_patient_is_brought_back(qtbot, session, library, dialog, tmp_path):
    actor = library.owner()
    library.backups.create(actor, tmp_path / "a.zip", QUIET)
    image = library.images.list(actor)[0]
    library.images.delete(actor, [image.id])
    dialog.reload()
    qtbot.waitUntil(lambda: len(rows(dialog)) == 1)
    dialog.list.setCurrentItem(dialog.list.topLevelItem(0))
    read = []

    def choose() -> None:
        chooser = QApplication.activeModalWidget()
        if not isinstance(chooser, PatientRestoreDialog) or chooser.list.model().rowCount() == 0:
            QTimer.singleShot(50, choose)
            return
        chooser.search.setText("nobody at all")
        read.append(chooser.list.model().rowCount())
        chooser.search.setText("doe")
        index = chooser.list.model().index(0, 0)
        read.append(index.data())
        assert not chooser.bring_button.isEnabled()
        chooser.list.setCurrentIndex(index)
        chooser.bring_button.click()

    QTimer.singleShot(100, choose)
    button(dialog, "One patient…").click()
    qtbot.waitUntil(lambda: len(library.images.list(actor)) == 3, timeout=10_000)
    qtbot.waitUntil(lambda: not session.runner.running() and not session.calls.waiting(), timeout=10_000)
    assert read == [0, "Doe, Jane · 1 Feb 1980 · 17 · 3 images"]
