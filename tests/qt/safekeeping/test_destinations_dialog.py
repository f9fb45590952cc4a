"""Where images go, in the window: offline is amber and never a box, a decision is asked for in words."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel

from app.core.context import JobContext
from app.domain.roles import Role
from app.ui.destinations.dialog import DestinationsDialog
from app.ui.destinations.states import destination_state, of_kind
from app.ui.status.chip import Health
from app.ui.status.strip import StatusStrip
from tests.servers import free_port


@pytest.fixture
def dialog(qtbot, session):
    made = DestinationsDialog(session, first="orthanc")
    qtbot.addWidget(made)
    made.show()
    return made


def texts(widget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def connect(library) -> None:
    actor = library.owner()
    library.settings.set(actor, "orthanc.url", f"http://127.0.0.1:{free_port()}")
    library.settings.set(actor, "orthanc.enabled", "true")


def mirror(library, folder) -> None:
    folder.mkdir()
    library.settings.set_destination(library.owner(), "mirror", "nas", {"path": str(folder), "enabled": True}, {})


def settled(qtbot, session) -> None:
    qtbot.waitUntil(lambda: not session.runner.running() and not session.calls.waiting(), timeout=20_000)


def names(dialog) -> list[str]:
    return [dialog.names.item(row).text().partition("\n")[0] for row in range(dialog.names.count())]


def test_without_a_destination_it_says_what_to_do(qtbot, session, dialog):
    settled(qtbot, session)
    assert "Images stay here alone" in texts(dialog)
    assert not dialog.names.isVisible()


def test_offline_is_amber_and_nothing_is_lost(qtbot, session, library, dialog):
    connect(library)
    qtbot.waitUntil(lambda: dialog.queue.list.topLevelItemCount() == 3)
    pane = dialog.queue
    assert pane.list.topLevelItem(0).text(0) == "Doe, Jane · 1 Feb 1980 · 17"
    pane.send()
    settled(qtbot, session)
    qtbot.waitUntil(lambda: "offline" in texts(dialog), timeout=10_000)
    [found] = of_kind(library.watchdog.destinations(library.owner()), "orthanc")
    health, text, reason = destination_state(found)
    assert (health, text) == (Health.WAITING, "offline · 3 wait")
    assert "Nothing is lost" in reason
    qtbot.waitUntil(lambda: any("Nothing answers" in pane.list.topLevelItem(row).text(3) for row in range(3)))
    pane.try_it()
    settled(qtbot, session)
    assert "Nothing answers at the archive's address." in texts(dialog)


def test_a_blocked_queue_is_red_and_says_why(qtbot, session, library, dialog):
    connect(library)
    library.store.destinations.block("orthanc", "pacs.unauthorized", {})
    dialog.reload()
    settled(qtbot, session)
    assert "Not signed in" in texts(dialog)
    assert "Enter them again." in texts(dialog)


def test_each_destination_has_its_line_and_what_lacks_is_listed(qtbot, session, library, dialog, tmp_path):
    connect(library)
    mirror(library, tmp_path / "nas")
    qtbot.waitUntil(lambda: names(dialog) == ["Not everywhere yet", "nas", "Archive"])
    dialog.names.setCurrentRow(0)
    qtbot.waitUntil(lambda: dialog.lacking.list.topLevelItemCount() == 3)
    assert dialog.lacking.list.topLevelItem(0).text(2) == "nas, Archive"
    assert "3 images are not everywhere yet" in texts(dialog)
    dialog.names.setCurrentRow(1)
    dialog.queue.send()
    settled(qtbot, session)
    qtbot.waitUntil(lambda: "nas — all sent" in texts(dialog), timeout=10_000)
    assert not dialog.queue.browse_button.isVisible()
    dialog.queue.try_it()
    qtbot.waitUntil(lambda: "written, read and deleted" in texts(dialog), timeout=10_000)
    dialog.names.setCurrentRow(0)
    qtbot.waitUntil(lambda: dialog.lacking.list.topLevelItem(0).text(2) == "Archive")
    with qtbot.waitSignal(dialog.image_requested) as asked:
        dialog.lacking.list.itemActivated.emit(dialog.lacking.list.topLevelItem(0), 0)
    assert asked.args[1] in {image.id for image in library.images.list(library.owner())}


def test_chips_are_there_only_with_destinations(qtbot, session, library, tmp_path):
    strip = StatusStrip(session)
    qtbot.addWidget(strip)
    strip.show()
    strip.refresh()
    settled(qtbot, session)
    assert not strip._archive.isVisible()
    assert not strip._mirrors.isVisible()
    connect(library)
    mirror(library, tmp_path / "nas")
    strip.refresh()
    settled(qtbot, session)
    assert strip._archive.accessibleName() == "Archive: 3 wait"
    assert strip._mirrors.accessibleName() == "Mirrors: 3 wait"
    library.mirrors.sync(library.owner(), JobContext.silent())
    strip.refresh()
    settled(qtbot, session)
    assert strip._mirrors.accessibleName() == "Mirrors: all sent"


class TestForADentist:
    @pytest.fixture
    def role(self) -> Role:
        return Role.DENTIST

    def test_may_send(self, qtbot, session, library, dialog):
        connect(library)
        dialog.reload()
        settled(qtbot, session)
        assert dialog.queue.send_button.isEnabled()
