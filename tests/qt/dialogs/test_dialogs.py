"""Dialogs: refusals stay in the form, Cancel changes nothing, both identities are in view."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from PySide6.QtWidgets import QLabel

from app.domain.identity import compare
from app.domain.tooth import Notation
from app.sync.report import ImportItem, ItemStatus
from app.ui.dialogs.first_run import FirstRunDialog
from app.ui.dialogs.identity_review import IdentityReviewDialog
from app.ui.dialogs.import_results import ResultTable
from app.ui.dialogs.merge import MergeDialog, identity_of
from app.ui.dialogs.patient import PatientDialog
from app.ui.later import names, part
from app.ui.panels.details import parse_shown


@dataclass
class Words:
    widget: object
    said: list[str] = field(default_factory=list)

    def all(self) -> str:
        return " ".join(label.text() for label in self.widget.findChildren(QLabel))


def test_every_lazy_part_is_there():
    for name in names():
        assert part(name).__name__ == name


def test_adding_a_patient(qtbot, session, library):
    dialog = PatientDialog(session, None)
    qtbot.addWidget(dialog)
    dialog.family.setText("Moreau")
    dialog.birth.setText("1990-02-30")
    dialog.save()
    assert "not a date" in dialog.problem.text()
    dialog.birth.setText("1990-02-28")
    with qtbot.waitSignal(dialog.accepted):
        dialog.save()
    assert dialog.saved.name == "Moreau"
    assert dialog.saved.id in library.people


def test_a_nameless_patient_is_refused_in_the_form(qtbot, session, library):
    before = len(library.people)
    dialog = PatientDialog(session, None)
    qtbot.addWidget(dialog)
    dialog.save()
    qtbot.waitUntil(lambda: bool(dialog.problem.text()))
    assert dialog.save_button.isEnabled()
    assert len(library.people) == before


def test_somebody_elses_change_is_said_not_overwritten(qtbot, session, library):
    summary = library.patients.summary(None, next(iter(library.people)))
    dialog = PatientDialog(session, summary)
    qtbot.addWidget(dialog)
    library.patients.edit(None, summary.patient.id, summary.patient.draft(), 1)
    dialog.given.setText("Changed")
    dialog.save()
    qtbot.waitUntil(lambda: bool(dialog.problem.text()))
    assert library.people[summary.patient.id].given_name == "Ahmed"


def test_merging_shows_both_and_warns_where_they_disagree(qtbot, session, library):
    people = list(library.people.values())
    dialog = MergeDialog(session, library.patients.summary(None, people[0].id))
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: dialog.picker.current is not None)
    words = Words(dialog).all()
    assert "14 Mar 1985" in words
    assert "30 Nov 1967" in words
    assert "disagree" in words
    with qtbot.waitSignal(dialog.accepted):
        dialog.merge_button.click()
    assert people[2].id not in library.people
    assert dialog.kept == people[0].id


def test_a_contradicting_request_is_shown_side_by_side(qtbot, session, library):
    people = list(library.people.values())
    asked = identity_of(people[2])
    dialog = IdentityReviewDialog(asked, people[0], compare(asked, people[0]))
    qtbot.addWidget(dialog)
    words = Words(dialog).all()
    assert "30 Nov 1967" in words
    assert "14 Mar 1985" in words


def test_first_run_has_sensible_answers(qtbot, tmp_path):
    dialog = FirstRunDialog(tmp_path / "library", "en")
    qtbot.addWidget(dialog)
    choices = dialog.choices()
    assert choices.library == tmp_path / "library"
    assert (choices.language, choices.tooth_numbers, choices.theme, choices.demo) == ("en", "fdi", "dark", False)
    assert not (tmp_path / "library").exists()


def test_results_grow_and_filter(qapp):
    items = [
        ImportItem("/x/a.dcm", ItemStatus.IMPORTED),
        ImportItem("/x/b.txt", ItemStatus.SKIPPED, code="file.not_an_image"),
    ]
    table = ResultTable(items)
    table.grow()
    assert table.rowCount() == 2
    items.append(ImportItem("/x/c.dcm", ItemStatus.SKIPPED, code="file.empty"))
    table.show_only(ItemStatus.SKIPPED)
    assert [table.index(row, 0).data() for row in range(table.rowCount())] == ["b.txt", "c.dcm"]
    assert table.index(1, 2).data()


@pytest.mark.parametrize(("text", "teeth"), [("11, 12", ("7", "8")), ("55", ("A",)), ("", ()), ("universal:8", ("8",))])
def test_teeth_are_typed_in_the_clinics_numbers(text, teeth):
    assert parse_shown(text, Notation.FDI) == teeth
