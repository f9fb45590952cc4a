"""Google Drive in the window, over the stand-in: connecting, sending, offline, taken back, fetching to restore."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLabel

from app.core.context import JobContext
from app.domain.roles import Role
from app.services.drive.service import DriveService
from app.transfer.drive.endpoints import Endpoints
from app.ui.main_window.backups import Backups
from app.ui.safekeeping.backups_dialog import BackupsDialog
from app.ui.settings.dialog import SettingsDialog
from app.ui.status.chip import Health
from tests.drive_stand_in import CLIENT_ID, CLIENT_SECRET, Fault, drive_stand_in

QUIET = JobContext.silent()
PASSWORD = "correct horse battery staple"


@pytest.fixture
def google():
    with drive_stand_in() as server:
        yield server


@pytest.fixture
def point(library):
    def to(endpoints: Endpoints) -> None:
        library.__dict__["drive"] = DriveService(
            library.door,
            library.paths,
            library.settings,
            library.jobs,
            library.events,
            library.backups,
            endpoints,
            lambda _tries: 0.0,
        )

    return to


def browse(address: str) -> None:
    assert httpx.get(address, follow_redirects=True).status_code == 200


@pytest.fixture
def connected(library, google, point):
    point(google.endpoints)
    actor = library.owner()
    library.settings.set(actor, "drive.client_id", CLIENT_ID)
    library.settings.set(actor, "drive.client_secret", CLIENT_SECRET)
    library.settings.set(actor, "backup.password", PASSWORD)
    library.drive.connect(actor, browse, ("", ""), QUIET)


@pytest.fixture
def panel(qtbot, session):
    dialog = BackupsDialog(session, Backups(session))
    qtbot.addWidget(dialog)
    dialog.tabs.setCurrentWidget(dialog.drive)
    dialog.show()
    return dialog.drive


def texts(widget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def lamp(panel) -> Health:
    return panel._lines[0][0]._health


def test_a_backup_goes_there_and_is_listed(qtbot, connected, library, google, panel):
    qtbot.waitUntil(lambda: "Nothing lies there yet" in texts(panel))
    assert not panel._restore.isEnabled()
    panel._now.click()
    qtbot.waitUntil(lambda: panel.list.topLevelItemCount() == 1, timeout=20_000)
    row = panel.list.topLevelItem(0)
    assert row.text(1).startswith("3 images")
    assert row.text(2) == "this library"
    assert lamp(panel) is Health.GOOD
    assert "arrived whole" in texts(panel)
    assert len(google.backups()) == 1


def test_fetching_ends_in_the_question_whether_to_restore(qtbot, connected, library, google, panel):
    library.drive.backup(library.owner(), QUIET)
    asked: list[Path] = []
    panel.restore_requested.disconnect()
    panel.restore_requested.connect(asked.append)
    panel.reload()
    qtbot.waitUntil(lambda: panel._restore.isEnabled())
    panel._restore.click()
    qtbot.waitUntil(lambda: bool(asked), timeout=20_000)
    assert asked[0].read_bytes() == google.backups()[0].content
    assert not asked[0].is_relative_to(library.paths.root)


def test_offline_is_amber_and_taken_back_is_red_and_says_what_to_do(qtbot, connected, library, google, point, panel):
    qtbot.waitUntil(lambda: "Nothing lies there yet" in texts(panel))
    point(Endpoints.at("http://127.0.0.1:1"))
    panel.reload()
    qtbot.waitUntil(lambda: lamp(panel) is Health.WAITING)
    assert "Google not reached" in texts(panel)
    assert not panel._connect.isVisible()
    point(google.endpoints)
    google.revoke_all()
    panel.reload()
    qtbot.waitUntil(lambda: lamp(panel) is Health.FAILED)
    assert "seven days" in texts(panel)
    assert "Choose Connect" in texts(panel)
    assert panel._connect.isVisible()
    assert not panel._now.isEnabled()
    wished: list[str] = []
    panel.settings_requested.disconnect()
    panel.settings_requested.connect(wished.append)
    panel._connect.click()
    assert wished == ["drive"]


def test_what_did_not_arrive_is_said(qtbot, connected, library, google, panel):
    google.faults.append(Fault("POST", "uploadType", 403, "storageQuotaExceeded"))
    qtbot.waitUntil(lambda: "Nothing lies there yet" in texts(panel))
    panel._now.click()
    qtbot.waitUntil(lambda: "did not arrive" in texts(panel), timeout=20_000)
    assert "no room left" in texts(panel)


def test_connecting_on_the_settings_page(qtbot, session, library, google, point, monkeypatch):
    point(google.endpoints)
    opened: list[str] = []

    def open_it(url) -> bool:
        opened.append(url.toString())
        # A browser is another process: it answers while the window goes on.
        threading.Thread(target=browse, args=(bytes(url.toEncoded()).decode(),)).start()
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", open_it)
    dialog = SettingsDialog(session, page="drive")
    qtbot.addWidget(dialog)
    dialog.show()
    card = dialog.drive
    qtbot.waitUntil(lambda: "Enter the client ID" in texts(card))
    assert "Testing" in texts(card)
    assert "files that it made itself" in texts(card)
    assert not card.test_button.isEnabled()
    dialog.editor("drive.client_id").widget.setText(CLIENT_ID)
    dialog.editor("drive.client_secret").widget.setText(CLIENT_SECRET)
    card.connect_button.click()
    qtbot.waitUntil(lambda: card.test_button.isEnabled(), timeout=10_000)
    assert len(opened) == 1
    assert CLIENT_SECRET not in opened[0]
    assert not dialog.editor("drive.client_secret").changed
    card.test_button.click()
    qtbot.waitUntil(lambda: "clinic@example.org" in texts(card), timeout=10_000)
    card.disconnect_button.click()
    qtbot.waitUntil(lambda: not card.disconnect_button.isEnabled(), timeout=10_000)
    assert not any(google.refresh.values())
    dialog.reject()


class TestForADentist:
    @pytest.fixture
    def role(self):
        return Role.DENTIST

    def test_may_send_but_not_restore(self, qtbot, connected, library, panel):
        library.drive.backup(library.owner(), QUIET)
        panel.reload()
        qtbot.waitUntil(lambda: panel.list.topLevelItemCount() == 1)
        assert panel._now.isEnabled()
        assert not panel._restore.isEnabled()
        assert not panel._connect.isEnabled()
