"""A mirror in the window: paused and resumed, its plan looked at, removals agreed to, compared, its runs listed."""

from __future__ import annotations

import pytest

from app.bootstrap.background import Background
from app.core.context import JobContext
from app.sync.report import ImportArgs
from app.ui.destinations.afresh_dialog import AfreshDialog
from app.ui.destinations.dialog import DestinationsDialog
from app.ui.destinations.history_dialog import HistoryDialog
from app.ui.destinations.plan_dialog import PlanDialog
from tests.integration.import_material import radiograph
from tests.qt.safekeeping.test_destinations_dialog import mirror, settled, texts

QUIET = JobContext.silent()


@pytest.fixture
def place(library, tmp_path):
    mirror(library, tmp_path / "nas")
    library.mirrors.sync(library.owner(), QUIET)
    return tmp_path / "nas"


@pytest.fixture
def dialog(qtbot, session, place):
    made = DestinationsDialog(session, first="mirror.nas")
    qtbot.addWidget(made)
    made.show()
    settled(qtbot, session)
    return made


def test_it_is_paused_and_resumed(qtbot, session, library, dialog):
    button = dialog.queue.mirror_bar.pause_button
    assert button.text() == "Pause"
    button.click()
    qtbot.waitUntil(lambda: button.text() == "Resume", timeout=10_000)
    assert library.settings.mirrors()[0].paused
    qtbot.waitUntil(lambda: "paused" in texts(dialog))
    qtbot.waitUntil(button.isEnabled)
    button.click()
    qtbot.waitUntil(lambda: button.text() == "Pause", timeout=10_000)
    assert not library.settings.mirrors()[0].paused


def test_comparing_says_what_it_found(qtbot, session, library, place, dialog):
    image = library.images.list(library.owner())[0]
    (place / image.path).unlink()
    bar = dialog.queue.mirror_bar
    bar.verify()
    qtbot.waitUntil(lambda: bar.found.isVisible(), timeout=10_000)
    assert bar.found.text() == "2 files are as they should be · 1 missing · 1 is sent again"
    settled(qtbot, session)


def test_the_archive_has_its_history_alone(qtbot, session, library, dialog):
    library.settings.set(library.owner(), "orthanc.enabled", "true")
    library.settings.set(library.owner(), "orthanc.url", "http://127.0.0.1:1")
    qtbot.waitUntil(lambda: dialog.names.count() == 3, timeout=10_000)
    dialog.names.setCurrentRow(2)
    settled(qtbot, session)
    bar = dialog.queue.mirror_bar
    assert bar.history_button.isVisible()
    assert not any(button.isVisible() for button in (bar.pause_button, bar.plan_button, bar.verify_button))


def test_the_plan_is_shown_and_nothing_is_done(qtbot, session, library, place):
    image = library.images.list(library.owner())[0]
    library.images.delete(library.owner(), [image.id])
    made = PlanDialog(session, "mirror.nas")
    qtbot.addWidget(made)
    made.show()
    settled(qtbot, session)
    assert made.words.text() == "1 would be called back · 2 stay as they are"
    assert [made.names.item(row).text() for row in range(made.names.count())] == [f"− {image.path}"]
    assert not made.agree_button.isVisible()
    assert (place / image.path).exists()


def test_held_removals_are_agreed_to(qtbot, session, library, place):
    image = library.images.list(library.owner())[0]
    library.images.delete(library.owner(), [image.id])
    library.store.ledger.hold_removals("mirror.nas", 1, 3, library.store.jobs.list(1)[0].started_at)
    made = PlanDialog(session, "mirror.nas")
    qtbot.addWidget(made)
    made.show()
    settled(qtbot, session)
    assert made.agree_button.text() == "Remove 1 file there"
    assert "called back" not in made.words.text()
    assert "were they deleted on purpose?" in texts(made)
    made.agree_button.click()
    settled(qtbot, session)
    assert "1 file is removed with the next round." in texts(made)
    library.mirrors.sync(library.owner(), QUIET)
    assert not (place / image.path).exists()


def test_a_mirror_that_is_away_is_said_in_the_plan(qtbot, session, place, tmp_path):
    place.rename(tmp_path / "unplugged")
    made = PlanDialog(session, "mirror.nas")
    qtbot.addWidget(made)
    made.show()
    settled(qtbot, session)
    assert "Looking…" not in texts(made)


def test_runs_are_listed_with_their_ends(qtbot, session, library, place, tmp_path):
    library.verification.run(library.owner(), QUIET, "nas")
    made = HistoryDialog(session, "mirror.nas")
    qtbot.addWidget(made)
    made.show()
    settled(qtbot, session)
    rows = [[made.list.topLevelItem(row).text(column) for column in (2, 3, 5)] for row in range(2)]
    assert rows == [["Comparing a mirror", "3", "done"], ["Sending to a mirror", "3", "done"]]
    assert made.list.topLevelItem(1).text(4) != ""
    assert made.list.topLevelItemCount() == 2


def test_in_the_background_a_paused_mirror_rests_until_it_is_resumed(qtbot, session, library, bus, tmp_path):
    mirror(library, tmp_path / "nas")
    owner = library.owner()
    library.settings.set(owner, "mirror.nas.paused", "true")
    background = Background(library, owner, session.runner, session.calls, bus, "agent")

    def images() -> int:
        return sum(path.is_file() for path in (tmp_path / "nas" / "dental_images").rglob("*"))

    background.start()
    try:
        assert background.active
        qtbot.wait(1_500)
        assert images() == 0
        library.settings.set(owner, "mirror.nas.paused", "false")
        qtbot.waitUntil(lambda: images() == 3, timeout=15_000)
        # The catalogue goes along by itself.
        qtbot.waitUntil(lambda: any((tmp_path / "nas" / "bitewing-catalogue").rglob("*.zip")), timeout=15_000)
    finally:
        while not background.stop(5.0):
            continue


def test_a_replaced_drive_is_offered_to_be_started_afresh(qtbot, session, library, place, dialog, tmp_path):
    bar = dialog.queue.mirror_bar
    assert not bar.afresh_button.isVisible()
    library.mirrors.sync(library.owner(), QUIET)
    place.rename(tmp_path / "old-drive")
    place.mkdir()
    radiograph(tmp_path / "late" / "x.dcm", 60)
    library.imports.run(library.owner(), ImportArgs((tmp_path / "late",)), QUIET)
    library.mirrors.sync(library.owner(), QUIET)
    qtbot.waitUntil(bar.afresh_button.isVisible, timeout=10_000)
    made = AfreshDialog(session, "mirror.nas", dialog)
    made.show()
    with qtbot.waitSignal(made.accepted):
        made.start_button.click()
    assert library.mirrors.sync(library.owner(), QUIET).queued == 0
    qtbot.waitUntil(lambda: not bar.afresh_button.isVisible(), timeout=10_000)
