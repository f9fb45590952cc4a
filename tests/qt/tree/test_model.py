"""The patient tree: lazy, paged, and changed by just the rows concerned."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from fake_library import FakeLibrary, make_image, make_patient
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from app.domain.image import ImageType
from app.domain.patient import PatientSummary, Sex
from app.domain.tooth import Notation
from app.ui.tree.labels import Labels
from app.ui.tree.model import PatientTreeModel
from app.ui.tree.node_model import COUNT_ROLE, NODE_ROLE
from app.ui.tree.nodes import NodeKind
from app.ui.tree.source import PAGE_ROWS, TreeSource


@pytest.fixture
def model(session):
    made = PatientTreeModel(TreeSource(session), Labels(Notation.FDI))
    tester = QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Fatal)
    made.load()
    yield made
    del tester


def labels(model, parent=None):
    parent = parent or QModelIndex()
    return [model.index(row, 0, parent).data() for row in range(model.rowCount(parent))]


def rows_seen(model):
    seen = []
    model.rowsInserted.connect(lambda parent, first, last: seen.append(("in", parent.data(), first, last)))
    model.rowsRemoved.connect(lambda parent, first, last: seen.append(("out", parent.data(), first, last)))
    model.modelReset.connect(lambda: seen.append("reset"))
    return seen


def test_inbox_first_then_patients_by_name(model):
    assert labels(model)[:3] == ["Inbox", "Abdelrahman-Weatherby, Maximiliana Theodora", "Björk, Åsa"]
    model.set_inbox_count(2)
    assert model.index(0, 0).data(COUNT_ROLE) == 2
    model.load()
    assert model.index(0, 0).data(COUNT_ROLE) == 2


def test_teeth_and_types_come_with_opening_without_insert_signals(model, library):
    first = model.patient_index(next(iter(library.people)))
    seen = rows_seen(model)
    assert labels(model, first) == ["11", "26", "46", "General"]
    tooth = model.index(1, 0, first)
    assert [model.index(row, 0, tooth).data(COUNT_ROLE) for row in range(2)] == [3, 1]
    assert labels(model, tooth) == ["x-ray", "clinical"]
    assert seen == []


def test_recent_patients_stand_first_when_there_are_others(session, library):
    library.opened = [list(library.people)[4]]
    model = PatientTreeModel(TreeSource(session), Labels(Notation.FDI))
    model.load()
    assert labels(model)[:4] == ["Inbox", "Recent", "Hastings, Peter", "All patients"]
    heading = model.index(1, 0)
    assert model.flags(heading) == Qt.ItemFlag.NoItemFlags


def test_pages_are_fetched_by_key_until_the_end(session, library):
    for number in range(100, 100 + PAGE_ROWS + 20):
        library.add(make_patient(number, f"Zed {number:05d}", "A", None, Sex.UNKNOWN))
    model = PatientTreeModel(TreeSource(session), Labels(Notation.FDI))
    model.load()
    assert model.rowCount() == PAGE_ROWS + 1
    assert model.canFetchMore(QModelIndex())
    model.fetchMore(QModelIndex())
    assert not model.canFetchMore(QModelIndex())
    found = [model.index(row, 0).data(NODE_ROLE).key for row in range(1, model.rowCount())]
    assert len(found) == len(set(found)) == len(library.people)


def test_a_new_patient_is_one_inserted_row_in_its_place(model, library):
    seen = rows_seen(model)
    made = library.add(make_patient(77, "Carter", "Zoe", None, Sex.FEMALE))
    model.put_patient(PatientSummary(made, 0), None)
    assert len(seen) == 1
    assert labels(model)[3] == "Carter, Zoe"


def test_a_new_patient_beyond_the_fetched_pages_waits_for_its_page(session, library):
    for number in range(100, 100 + PAGE_ROWS):
        library.add(make_patient(number, f"Aaa {number:05d}", "A", None, Sex.UNKNOWN))
    model = PatientTreeModel(TreeSource(session), Labels(Notation.FDI))
    model.load()
    seen = rows_seen(model)
    model.put_patient(PatientSummary(make_patient(9000, "Zulu", "Z", None, Sex.UNKNOWN), 0), None)
    assert seen == []


def test_new_images_change_only_their_rows(model, library):
    patient = next(iter(library.people.values()))
    index = model.patient_index(patient.id)
    model.rowCount(index)
    seen = rows_seen(model)
    for number, tooth in ((300, "9"), (301, "14")):
        image = make_image(number, patient, tooth, ImageType.AFTER)
        library.pictures[image.id] = image
    model.put_patient(library.patients.summary(None, patient.id), library.images.tooth_counts(None, patient.id))
    assert labels(model, index) == ["11", "21", "26", "46", "General"]
    assert [entry[:2] for entry in seen] == [("in", patient.name), ("in", "26")]
    assert index.data(COUNT_ROLE) == 9


def test_moved_away_images_remove_only_their_rows(model, library):
    patient = next(iter(library.people.values()))
    index = model.patient_index(patient.id)
    model.rowCount(index)
    for key, image in list(library.pictures.items()):
        if image.tooth == "8":
            library.pictures[key] = replace(image, patient_id="elsewhere")
    seen = rows_seen(model)
    model.put_patient(library.patients.summary(None, patient.id), library.images.tooth_counts(None, patient.id))
    assert seen == [("out", patient.name, 0, 0)]


def test_a_removed_patient_goes_and_stale_indexes_are_harmless(model, library):
    patient_id = next(iter(library.people))
    index = model.patient_index(patient_id)
    model.rowCount(index)
    model.remove_patient(patient_id)
    assert not model.patient_index(patient_id).isValid()
    assert index.data() != "Hassan, Ahmed" or index.data() is None


def test_expanding_takes_ten_milliseconds_at_most(session):
    library: FakeLibrary = session.library
    for number in range(1000, 21_000):
        library.add(make_patient(number, f"Name {number:06d}", "A", None, Sex.UNKNOWN))
    model = PatientTreeModel(TreeSource(session), Labels(Notation.FDI))
    model.load()
    index = model.patient_index(next(iter(library.people)))
    started = time.perf_counter()
    assert model.rowCount(index) == 4
    assert model.index(0, 0, index).data(NODE_ROLE).kind is NodeKind.TOOTH
    assert time.perf_counter() - started < 0.05
