"""The dashboard over a real library: one line for all of it, a lamp for each, and both buttons work."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel

from app.domain.roles import Role
from app.storage.lease import Lease
from app.ui.dashboard.dialog import DashboardDialog
from app.ui.dashboard.lines import Line, summary
from app.ui.main_window.backups import Backups
from app.ui.status.chip import Health
from tests.servers import free_port


@pytest.fixture
def dialog(qtbot, session):
    made = DashboardDialog(session, Backups(session))
    qtbot.addWidget(made)
    made.show()
    return made


def texts(widget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def settled(qtbot, session) -> None:
    qtbot.waitUntil(lambda: not session.runner.running() and not session.calls.waiting(), timeout=20_000)


def test_alone_and_well(qtbot, session, dialog):
    qtbot.waitUntil(lambda: dialog.summary.text() == "All is well", timeout=5_000)
    qtbot.waitUntil(lambda: "They stay here alone" in texts(dialog.cards["destinations"]))
    assert "3 images" in texts(dialog.cards["arrivals"])
    assert not dialog.send_button.isEnabled()


def test_it_says_who_does_the_background_work(qtbot, library, dialog):
    qtbot.waitUntil(lambda: "none now" in texts(dialog.cards["library"]), timeout=5_000)
    lease = Lease(library.paths.root, "agent")
    lease.take()
    dialog.reload()
    qtbot.waitUntil(lambda: "in the agent" in texts(dialog.cards["library"]), timeout=5_000)
    lease.give()


def test_what_waits_is_sent_and_what_is_offline_is_amber(qtbot, session, library, dialog, tmp_path):
    actor = library.owner()
    (tmp_path / "nas").mkdir()
    library.settings.set_destination(actor, "mirror", "nas", {"path": str(tmp_path / "nas"), "enabled": True}, {})
    library.settings.set(actor, "orthanc.url", f"http://127.0.0.1:{free_port()}")
    library.settings.set(actor, "orthanc.enabled", "true")
    qtbot.waitUntil(dialog.send_button.isEnabled, timeout=5_000)
    dialog.send()
    settled(qtbot, session)
    card = dialog.cards["destinations"]
    qtbot.waitUntil(lambda: "all sent" in texts(card) and "offline · 3 wait" in texts(card), timeout=10_000)
    assert "Nothing is lost" in texts(card)
    assert dialog.summary.text() == "1 thing to know; nobody has to act now"
    library.store.destinations.block("orthanc", "pacs.unauthorized", {})
    dialog.reload()
    qtbot.waitUntil(lambda: dialog.summary.text() == "1 thing needs somebody", timeout=5_000)
    assert "Enter them again." in texts(card)


def test_backing_up_from_here(qtbot, session, library, dialog, tmp_path):
    (tmp_path / "safe").mkdir()
    library.settings.set(library.owner(), "backup.folder", str(tmp_path / "safe"))
    session.reload()
    dialog.back_up()
    settled(qtbot, session)
    qtbot.waitUntil(lambda: "3 images" in texts(dialog.cards["backups"]), timeout=10_000)


def test_without_a_place_for_backups_it_is_chosen_first(qtbot, dialog):
    with qtbot.waitSignal(dialog.backups_requested):
        dialog.back_up()


@pytest.mark.parametrize(
    ("healths", "health", "words"),
    [
        ([], Health.GOOD, "All is well"),
        ([Health.OFF, Health.GOOD], Health.GOOD, "All is well"),
        ([Health.WAITING, Health.GOOD, Health.WAITING], Health.WAITING, "2 things to know; nobody has to act now"),
        ([Health.WAITING, Health.FAILED], Health.FAILED, "1 thing needs somebody"),
    ],
)
def test_all_of_it_in_one_line(healths, health, words):
    assert summary([Line(one, "", "") for one in healths]) == (health, words)


class TestForAReceptionist:
    @pytest.fixture
    def role(self) -> Role:
        return Role.RECEPTIONIST

    def test_looks_and_does_nothing(self, qtbot, session, dialog):
        settled(qtbot, session)
        assert not dialog.back_up_button.isEnabled()
