"""Images attached to a case: one patient's, listed, searched, left behind by a move, kept by a merge (P1, P3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.bootstrap.library import Library, open_library
from app.cli.main import bitewing
from app.cli.session import Session
from app.core.context import JobContext
from app.core.errors import RefusedError, UserError
from app.domain.image import Filing, ImageRecord
from app.domain.patient import Patient, PatientDraft
from app.domain.roles import Actor, Role
from app.sync.report import ImportArgs
from tests.integration.import_material import photograph

QUIET = JobContext.silent()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        yield opened


def patient_with_images(library: Library, folder: Path, chart: str, count: int) -> tuple[Patient, list[str]]:
    actor = library.owner()
    made = library.patients.add(actor, PatientDraft("Doe", f"Jane {chart}", chart))
    for number in range(count):
        photograph(folder / chart / f"{number}.jpg", int(chart) * 100 + number)
    library.imports.run(actor, ImportArgs((folder / chart,), Filing(made.id)), QUIET)
    return made, [image.id for image in library.images.list(actor, patient_id=made.id)]


def in_case(library: Library, reference: str) -> set[str]:
    return {image.id for image in library.cases.images(library.owner(), reference)}


def test_a_case_is_listed_searched_and_left(library: Library, tmp_path: Path) -> None:
    actor = library.owner()
    jane, images = patient_with_images(library, tmp_path, "17", 3)
    saved = library.cases.attach(actor, images[:2], "  2026-0142 ")
    assert [image.case_reference for image in saved] == ["2026-0142"] * 2
    assert in_case(library, "2026-0142") == set(images[:2])
    assert {image.id for image in library.images.list(actor, search="2026-0142")} == set(images[:2])
    library.cases.attach(actor, images[2:], "Recall")
    assert [(case.row.reference, case.row.images, case.patient.id) for case in library.cases.list(actor)] == [
        ("2026-0142", 2, jane.id),
        ("Recall", 1, jane.id),
    ]
    assert [case.row.reference for case in library.cases.list(actor, text="rECA")] == ["Recall"]
    assert library.cases.list(actor, text="%") == []
    library.cases.attach(actor, images[:1], "")
    library.images.delete(actor, images[1:2])
    assert in_case(library, "2026-0142") == set()
    assert library.images.list(actor, case_reference="2026-0142") == []
    assert [case.row.reference for case in library.cases.list(actor)] == ["Recall"]


def test_a_case_is_one_patients(library: Library, tmp_path: Path) -> None:
    actor = library.owner()
    _jane, hers = patient_with_images(library, tmp_path, "17", 2)
    john, his = patient_with_images(library, tmp_path, "18", 2)
    library.cases.attach(actor, hers[:1], "A-1")
    for ids, reference, code in (
        (his, "A-1", "case.of_another"),
        ([hers[1], his[0]], "B-2", "case.of_another"),
        (hers, "x" * 65, "share.bad_case"),
        (hers, "a\nb", "share.bad_case"),
        (["gone"], "A-1", "image.none"),
    ):
        with pytest.raises(UserError) as caught:
            library.cases.attach(actor, ids, reference)
        assert caught.value.code == code
    assert {image.case_reference for image in library.images.list(actor)} == {"A-1", ""}
    assert library.cases.list(actor, patient_id=john.id) == []


def test_a_move_leaves_the_case_and_undo_brings_it_back(library: Library, tmp_path: Path) -> None:
    actor = library.owner()
    jane, hers = patient_with_images(library, tmp_path, "17", 2)
    john, _his = patient_with_images(library, tmp_path, "18", 1)
    library.cases.attach(actor, hers, "A-1")

    def reference() -> str:
        record: ImageRecord = library.images.get(actor, hers[0])
        return record.case_reference

    library.images.move(actor, hers[:1], Filing(tooth="8"))
    assert reference() == "A-1"
    moved = library.images.move(actor, hers[:1], Filing(patient_id=john.id))
    assert reference() == ""
    library.images.move(actor, hers[:1], moved.previous[hers[0]])
    assert (reference(), library.images.get(actor, hers[0]).patient_id) == ("A-1", jane.id)
    library.patients.merge(actor, john.id, jane.id)
    assert (reference(), library.images.get(actor, hers[0]).patient_id) == ("A-1", john.id)


def test_roles(library: Library, tmp_path: Path) -> None:
    _jane, hers = patient_with_images(library, tmp_path, "17", 1)
    viewer = Actor("guest", "Guest", Role.VIEWER, "desk")
    with pytest.raises(RefusedError):
        library.cases.attach(viewer, hers, "A-1")
    assert in_case(library, "A-1") == set()


def test_the_command_line(tmp_path: Path) -> None:
    root = tmp_path / "library"
    with open_library(root, create=True) as library:
        jane, hers = patient_with_images(library, tmp_path, "17", 2)

    def asked(*arguments: str) -> list[dict[str, object]]:
        done = CliRunner().invoke(bitewing, [*arguments, "--library", str(root), "--json"], obj=Session())
        assert done.exit_code == 0, done.output
        found: list[dict[str, object]] = json.loads(done.stdout)
        return found

    changed = asked("images", "case", hers[0], "--reference", "A-1")
    assert [(row["id"], row["case"]) for row in changed] == [(hers[0], "A-1")]
    assert [row["id"] for row in asked("list", "images", "--case", "A-1")] == [hers[0]]
    [case] = asked("list", "cases")
    assert (case["case"], case["patient_id"], case["images"]) == ("A-1", jane.id, 1)
    assert asked("list", "images", "--case", "B-1") == []
