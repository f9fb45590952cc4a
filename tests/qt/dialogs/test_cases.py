"""Cases in the window: found by a part of their reference, opened at their patient; refusals stay in the form."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from app.core.errors import UserError
from app.services.cases import Case
from app.storage.cases import CaseRow
from app.ui.cases.attach_dialog import AttachDialog
from app.ui.cases.dialog import CasesDialog

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def cases(library):
    """Two cases, and what was attached."""
    patients = list(library.people.values())[:2]
    known = [Case(CaseRow(f"2026-{n}", patient.id, n + 1, NOW), patient) for n, patient in enumerate(patients)]
    attached = []

    def found(_actor, patient_id=None, text="", limit=None):
        return [case for case in known if text in case.row.reference and patient_id in {None, case.row.patient_id}][
            :limit
        ]

    def attach(_actor, ids, reference):
        if reference == "taken":
            raise UserError("case.of_another", reference=reference)
        attached.append((list(ids), reference))
        return []

    library.cases = SimpleNamespace(list=found, attach=attach, known=known, attached=attached)
    return library.cases


def test_a_case_is_found_and_opened_at_its_patient(qtbot, session, cases):
    dialog = CasesDialog(session)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: dialog.list.topLevelItemCount() == 2)
    dialog.filter.setText("2026-1")
    qtbot.waitUntil(lambda: dialog.list.topLevelItemCount() == 1)
    with qtbot.waitSignal(dialog.place_requested) as asked:
        dialog.show_button.click()
    [place] = asked.args
    row = cases.known[1].row
    assert (place.patient_id, place.case_reference) == (row.patient_id, row.reference)
    dialog.filter.setText("nothing")
    qtbot.waitUntil(lambda: not dialog.show_button.isEnabled())


def test_a_refused_reference_stays_in_the_form(qtbot, session, library, cases):
    patient = cases.known[0].patient
    images = library.of(patient.id)[:2]
    summary = library.patients.summary(None, patient.id)
    dialog = AttachDialog(session, summary, images)
    qtbot.addWidget(dialog)
    dialog.reference.setText("taken")
    dialog.save_button.click()
    qtbot.waitUntil(lambda: "another patient" in dialog.problem.text())
    assert cases.attached == []
    dialog.reference.setText("2026-7")
    with qtbot.waitSignal(dialog.accepted):
        dialog.save_button.click()
    assert cases.attached == [([image.id for image in images], "2026-7")]
