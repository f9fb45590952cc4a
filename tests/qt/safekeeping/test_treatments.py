"""Treatments in the window over a real library: added, changed, given images, deleted and taken back."""

from __future__ import annotations

import pytest

from app.domain.treatment import TreatmentDraft, TreatmentStatus
from app.jobs.calls import Calls
from app.ui.main_window.window import MainWindow
from app.ui.treatments.dialog import TreatmentDialog
from app.ui.tree.place import Place


@pytest.fixture
def window(qtbot, session):
    pictures = Calls()
    made = MainWindow(session, pictures)
    qtbot.addWidget(made)
    made.show()
    yield made
    pictures.shutdown()
    session.calls.drop_all()


@pytest.fixture
def patient(library):
    return library.patients.resolve(library.owner(), "17")


@pytest.fixture
def opened(qtbot, window, patient):
    window.open_place(Place(patient.id))
    qtbot.waitUntil(lambda: window.patient.patient_id == patient.id)
    window.panels.show_treatments()
    return window


def settle(qtbot, session) -> None:
    qtbot.wait(120)
    qtbot.waitUntil(lambda: not session.calls.waiting(), timeout=5000)


def test_the_form_refuses_in_words_and_saves(qtbot, session, library, patient):
    summary = library.patients.summary(library.owner(), patient.id)
    dialog = TreatmentDialog(session, summary, None, teeth=("14",))
    qtbot.addWidget(dialog)
    assert dialog.teeth.text() == "26"
    dialog.save()
    qtbot.waitUntil(lambda: "needs a procedure" in dialog.problem.text())
    dialog.procedure.setText("Ceramic crown")
    dialog.teeth.setText("26, 99")
    dialog.save()
    qtbot.waitUntil(lambda: "99" in dialog.problem.text())
    dialog.teeth.setText("26, 27")
    dialog.performed_on.setText("yesterday")
    dialog.save()
    assert "not a date" in dialog.problem.text()
    dialog.performed_on.setText("2026-03-14")
    with qtbot.waitSignal(dialog.accepted):
        dialog.save()
    (stored,) = library.treatments.list(library.owner(), patient.id)
    assert (stored.draft.procedure, stored.draft.teeth) == ("Ceramic crown", ("14", "15"))


def test_the_panel_shows_changes_and_images(qtbot, session, library, opened, patient):
    panel = opened.panels.treatments
    settle(qtbot, session)
    assert panel.list.count() == 0
    images = [image.id for image in library.images.list(library.owner())]
    made = library.treatments.add(library.owner(), patient.id, TreatmentDraft("Root canal treatment"), images[:2])
    qtbot.waitUntil(lambda: panel.list.count() == 1 and panel.images.count() == 2, timeout=5000)
    assert "2 images" in panel.list.item(0).text()
    panel._on_image_clicked(panel.images.item(1))
    settle(qtbot, session)
    assert opened.table.current.id == panel.images.item(1).data(256)
    opened.treatments.link(made, images[2:])
    qtbot.waitUntil(lambda: panel.images.count() == 3, timeout=5000)
    opened.undo.undo()
    qtbot.waitUntil(lambda: panel.images.count() == 2, timeout=5000)


def test_deleting_can_be_taken_back(qtbot, session, library, opened, patient):
    panel = opened.panels.treatments
    draft = TreatmentDraft("Extraction", status=TreatmentStatus.PLANNED)
    made = library.treatments.add(library.owner(), patient.id, draft)
    qtbot.waitUntil(lambda: panel.list.count() == 1, timeout=5000)
    opened.treatments.delete(made)
    qtbot.waitUntil(lambda: panel.list.count() == 0, timeout=5000)
    opened.undo.undo()
    qtbot.waitUntil(lambda: panel.list.count() == 1, timeout=5000)


def test_nothing_of_the_last_patient_stays(qtbot, session, library, opened, patient):
    library.treatments.add(library.owner(), patient.id, TreatmentDraft("Extraction"))
    panel = opened.panels.treatments
    qtbot.waitUntil(lambda: panel.list.count() == 1, timeout=5000)
    opened.patient.close()
    settle(qtbot, session)
    assert panel.list.count() == 0
    assert not panel.add_button.isEnabled()
