"""The worklist in the window, of a real server: taken, compared, offline, and the line about the next image."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.core.context import JobContext
from app.domain.image import Filing, ImageView
from app.domain.patient import PatientDraft, parse_birth_date
from app.domain.roles import Role
from app.sync.report import ImportArgs
from app.ui.dialogs.identity_review import IdentityReviewDialog
from app.ui.worklist.dialog import WorklistDialog
from app.ui.worklist.strip import ExpectedStrip
from tests.integration.archive.test_worklist import worklist_server
from tests.integration.import_material import photograph
from tests.servers import free_port

QUIET = JobContext.silent()


@pytest.fixture
def peer(tool, tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    with worklist_server(tool, folder) as running:
        yield running


def set_up(library, port, host="127.0.0.1", name="ris") -> None:
    values = {"host": host, "port": port, "aet": "WORKLIST", "worklist": True, "enabled": False}
    library.settings.set_destination(library.owner(), "dimse", name, values, {})


def opened(qtbot, session) -> WorklistDialog:
    dialog = WorklistDialog(session)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.again_button.isEnabled(), timeout=15_000)
    return dialog


def choose(dialog, patient_id) -> None:
    rows = [dialog.list.topLevelItem(row) for row in range(dialog.list.topLevelItemCount())]
    dialog.list.setCurrentItem(next(row for row in rows if row.text(2) == patient_id))


def test_without_one_it_says_what_to_do(qtbot, session):
    dialog = opened(qtbot, session)
    assert dialog.stack.currentWidget() is dialog.failed
    assert "No worklist is set up" in dialog.failed._title.text()
    with qtbot.waitSignal(dialog.settings_requested) as asked:
        dialog.failed.findChildren(type(dialog.open_button))[1].click()
    assert asked.args == ["dimse"]


def test_offline_is_said_where_the_entries_would_be(qtbot, session, library):
    set_up(library, free_port())
    dialog = opened(qtbot, session)
    assert dialog.stack.currentWidget() is dialog.failed
    assert "Nothing answers" in dialog.failed._text.text()
    assert not dialog.open_button.isEnabled()


def test_one_of_two_offline_is_a_line_above_the_other(qtbot, session, library, peer):
    set_up(library, peer.port)
    set_up(library, free_port(), name="away")
    dialog = opened(qtbot, session)
    assert dialog.list.topLevelItemCount() == 3
    assert "away" in dialog.faults.text()
    assert dialog.faults.isVisible()


def test_a_new_patient_is_made_and_the_next_image_is_prepared(qtbot, session, library, peer, tmp_path):
    set_up(library, peer.port)
    strip = ExpectedStrip(session)
    qtbot.addWidget(strip)
    dialog = opened(qtbot, session)
    choose(dialog, "18")
    with qtbot.waitSignal(dialog.place_requested) as taken:
        dialog.list.itemActivated.emit(dialog.list.currentItem(), 0)
    patient = library.patients.get(library.owner(), taken.args[0].patient_id)
    assert (patient.chart_number, patient.given_name) == ("18", "أحمد")
    strip.show_patient(patient.id)
    qtbot.waitUntil(strip.isVisible)
    assert "panoramic X-ray" in strip.text.text()
    assert "A2" in strip.text.text()
    photograph(tmp_path / "a.jpg", 3)
    filing = Filing(patient_id=patient.id)
    library.imports.run(library.owner(), ImportArgs((tmp_path / "a.jpg",), filing), QUIET)
    # It has come: the next one is like any other.
    qtbot.waitUntil(strip.isHidden)
    [image] = library.images.list(library.owner(), patient_id=patient.id)
    assert image.view is ImageView.PANORAMIC


def test_what_is_prepared_can_be_given_up(qtbot, session, library, peer):
    set_up(library, peer.port)
    strip = ExpectedStrip(session)
    qtbot.addWidget(strip)
    dialog = opened(qtbot, session)
    choose(dialog, "18")
    with qtbot.waitSignal(dialog.place_requested) as taken:
        dialog.take()
    strip.show_patient(taken.args[0].patient_id)
    qtbot.waitUntil(strip.isVisible)
    strip.forget_button.click()
    qtbot.waitUntil(strip.isHidden)
    assert library.expecting.of_next(library.owner(), taken.args[0].patient_id) is None


@pytest.mark.parametrize("same", [True, False])
def test_who_is_described_differently_is_compared_first(qtbot, session, library, peer, same):
    known = library.patients.resolve(library.owner(), "17")
    draft = PatientDraft("Roe", "Rick", "17", parse_birth_date("19500101"))
    library.patients.edit(library.owner(), known.id, draft, known.version)
    set_up(library, peer.port)
    dialog = opened(qtbot, session)
    choose(dialog, "17")
    assert dialog.list.currentItem().text(5) == "described differently"
    seen = []

    def answer() -> None:
        review = QApplication.activeModalWidget()
        seen.append(isinstance(review, IdentityReviewDialog))
        review.accept() if same else review.reject()

    QTimer.singleShot(200, answer)
    with qtbot.waitSignal(dialog.place_requested, timeout=2000, raising=same) as taken:
        dialog.take()
    assert seen == [True]
    assert taken.signal_triggered is same
    assert (library.expecting.of_next(library.owner(), known.id) is not None) is same


class TestForAViewer:
    @pytest.fixture
    def role(self) -> Role:
        return Role.VIEWER

    def test_may_not_use_it(self, qtbot, session, library, peer):
        set_up(library, peer.port)
        dialog = opened(qtbot, session)
        assert dialog.stack.currentWidget() is dialog.failed
        assert not dialog.open_button.isEnabled()
