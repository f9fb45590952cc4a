"""The archive's queue in the window: offline is amber and never a box, a decision is asked for in words."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel

from app.domain.roles import Role
from app.ui.archive.dialog import ArchiveDialog
from app.ui.archive.states import archive_queue, archive_state
from app.ui.status.chip import Health
from app.ui.status.strip import StatusStrip
from tests.servers import free_port


@pytest.fixture
def dialog(qtbot, session):
    made = ArchiveDialog(session)
    qtbot.addWidget(made)
    made.show()
    return made


def texts(widget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def connect(library) -> None:
    actor = library.owner()
    library.settings.set(actor, "orthanc.url", f"http://127.0.0.1:{free_port()}")
    library.settings.set(actor, "orthanc.enabled", "true")


def settled(qtbot, session) -> None:
    qtbot.waitUntil(lambda: not session.runner.running() and not session.calls.waiting(), timeout=20_000)


def test_without_an_archive_it_says_what_to_do(qtbot, session, dialog):
    settled(qtbot, session)
    assert "No archive is set up" in texts(dialog)
    assert not dialog.send_button.isEnabled()
    assert not dialog.list.isVisible()


def test_offline_is_amber_and_nothing_is_lost(qtbot, session, library, dialog):
    connect(library)
    dialog.reload()
    qtbot.waitUntil(lambda: dialog.list.topLevelItemCount() == 3)
    assert dialog.list.topLevelItem(0).text(0) == "Doe, Jane"
    dialog.send()
    settled(qtbot, session)
    qtbot.waitUntil(lambda: "offline" in texts(dialog), timeout=10_000)
    queue = archive_queue(library.outbox.queues(library.owner()))
    health, text, reason = archive_state(queue)
    assert (health, text) == (Health.WAITING, "offline · 3 wait")
    assert "Nothing is lost" in reason
    assert any("Nothing answers" in dialog.list.topLevelItem(row).text(3) for row in range(3))
    dialog.try_connection()
    settled(qtbot, session)
    assert "Nothing answers at the archive's address." in texts(dialog)


def test_a_blocked_queue_is_red_and_says_why(qtbot, session, library, dialog):
    connect(library)
    library.store.outbox.block("orthanc", "pacs.unauthorized", {})
    dialog.reload()
    settled(qtbot, session)
    assert "Not signed in" in texts(dialog)
    assert "Enter them again." in texts(dialog)


def test_the_chip_is_there_only_with_an_archive(qtbot, session, library):
    strip = StatusStrip(session)
    qtbot.addWidget(strip)
    strip.show()
    strip.refresh()
    settled(qtbot, session)
    assert not strip._archive.isVisible()
    connect(library)
    strip.refresh()
    settled(qtbot, session)
    assert strip._archive.isVisible()
    assert strip._archive.accessibleName() == "Archive: 3 wait"


class TestForADentist:
    @pytest.fixture
    def role(self) -> Role:
        return Role.DENTIST

    def test_may_send(self, qtbot, session, library, dialog):
        connect(library)
        dialog.reload()
        settled(qtbot, session)
        assert dialog.send_button.isEnabled()
