"""Migration from an earlier program (T8; issue 3, item 2): every layout and list, cut off and gone on with."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.image import Placement
from app.domain.patient import PatientDraft
from tests.integration.import_material import photograph, radiograph
from tests.integration.migration.trees import Tree, digest, make

QUIET = JobContext.silent()
ROOT = Path(__file__).resolve().parents[3]
SHORT, LONG = 60, 10_000
LAYOUTS = [("flat", "csv"), ("patient", "sqlite"), ("tooth", "json"), ("tooth", "none"), ("patient", "none")]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        opened.settings.set(opened.owner(), "storage.reserve_bytes", "0")
        yield opened


def violations(library: Library, tree: Tree) -> list[str]:
    """Return everything that is not as the tree says."""
    bad = []
    owner = library.owner()
    charts = {row.patient.id: row.patient.chart_number for row in library.patients.page(owner, None, 100_000)}
    seen: dict[str, int] = {}
    links: dict[str, set[str]] = {}
    for patient_id in charts:
        for treatment in library.treatments.list(owner, patient_id):
            expected = tree.treatments.get(treatment.legacy_id or "")
            if expected != (charts[patient_id], treatment.draft.procedure):
                bad.append(f"treatment {treatment.legacy_id}")
            for image in library.treatments.images(owner, treatment.id):
                links.setdefault(image.sha256, set()).add(treatment.legacy_id or "")
    for record in library.store.images.stream():
        seen[record.sha256] = seen.get(record.sha256, 0) + 1
        expected = tree.files.get(record.sha256)
        if expected is None:
            bad.append(f"not of the tree: {record.original_name}")
            continue
        found = (charts.get(record.patient_id or ""), record.tooth, record.image_type.value, record.caption)
        if found != (expected.chart_number, expected.tooth, expected.image_type, expected.caption):
            bad.append(f"{record.original_name}: {found}")
        if digest(library.paths.root / record.path) != record.sha256:
            bad.append(f"{record.original_name}: other bytes")
        if links.get(record.sha256, set()) != ({expected.treatment} if expected.treatment else set()):
            bad.append(f"{record.original_name}: links {links.get(record.sha256)}")
    bad += [f"{count} of {sha256[:8]}" for sha256, count in seen.items() if count != 1]
    bad += [f"missing {sha256[:8]}" for sha256 in tree.files if sha256 not in seen]
    return bad


@pytest.mark.parametrize(("layout", "lists"), LAYOUTS)
def test_every_layout_comes_in_whole(library: Library, tmp_path: Path, layout: str, lists: str) -> None:
    tree = make(tmp_path / "old", SHORT, layout, lists)
    before = tree.fingerprint()
    planned = library.migration.look(library.owner(), tree.root, QUIET)
    assert (planned.source, planned.planned, planned.arrived) == (SHORT, SHORT, 0)
    assert library.store.patients.count() == 0
    report = library.migration.run(library.owner(), tree.root, QUIET)
    assert (report.source, report.planned, report.arrived, report.exceptions) == (SHORT, SHORT, SHORT, [])
    assert (report.patients_made, report.treatments) == (planned.patients_made, planned.treatments)
    assert report.links == planned.links
    assert violations(library, tree) == []
    again = library.migration.run(library.owner(), tree.root, QUIET)
    assert (again.arrived, again.patients_made) == (SHORT, 0)
    assert violations(library, tree) == []
    assert tree.fingerprint() == before
    assert library.check.run(library.owner(), True, QUIET).is_sound


def test_a_person_stops_it_and_it_goes_on(library: Library, tmp_path: Path) -> None:
    tree = make(tmp_path / "old", SHORT, "tooth", "sqlite")
    token = CancelToken()

    def stop(progress: object) -> None:
        if len(list(library.store.images.stream())) > 5:
            token.cancel()

    report = library.migration.run(library.owner(), tree.root, JobContext(token, stop))
    assert report.stopped == "cancelled"
    assert not report.is_complete
    assert library.migration.run(library.owner(), tree.root, QUIET).is_complete
    assert violations(library, tree) == []


def test_what_people_changed_since_stays(library: Library, tmp_path: Path) -> None:
    tree = make(tmp_path / "old", 20, "patient", "csv")
    owner = library.owner()
    library.migration.run(owner, tree.root, QUIET)
    patient = library.patients.page(owner, None, 1)[0].patient
    treatment = library.treatments.list(owner, patient.id)[0]
    (first, *_others) = library.treatments.images(owner, treatment.id)
    library.treatments.unlink(owner, treatment.id, [first.id])
    library.patients.edit(owner, patient.id, PatientDraft("Renamed", "Here", patient.chart_number), patient.version)
    library.migration.run(owner, tree.root, QUIET)
    assert first.id not in {image.id for image in library.treatments.images(owner, treatment.id)}
    assert library.patients.get(owner, patient.id).family_name == "Renamed"


def test_what_is_here_is_backed_up_first_and_once(library: Library, tmp_path: Path) -> None:
    library.patients.add(library.owner(), PatientDraft("Already", "Here", "9"))
    tree = make(tmp_path / "old", 20, "flat", "csv")
    report = library.migration.run(library.owner(), tree.root, QUIET)
    assert report.backup is not None
    assert library.backups.verify(library.owner(), report.backup, QUIET).is_sound
    assert library.migration.run(library.owner(), tree.root, QUIET).backup == report.backup
    assert len(list(tmp_path.glob("before-migration-*.zip"))) == 1


def test_somebody_else_with_the_number_gets_nothing(library: Library, tmp_path: Path) -> None:
    other = library.patients.add(library.owner(), PatientDraft("Somebody", "Else", "1000"))
    tree = make(tmp_path / "old", 20, "flat", "csv")
    planned = library.migration.look(library.owner(), tree.root, QUIET)
    assert [problem.code for problem in planned.exceptions] == ["migrate.contradicts"]
    report = library.migration.run(library.owner(), tree.root, QUIET)
    assert library.images.list(library.owner(), patient_id=other.id) == []
    assert (report.arrived, report.inbox) == (20, 20)
    assert "migrate.contradicts" in {problem.code for problem in report.exceptions}


def test_a_known_patient_is_the_same_and_what_names_another_waits(library: Library, tmp_path: Path) -> None:
    mine = library.patients.add(library.owner(), PatientDraft("Doe", "Jane", "17"))
    root = tmp_path / "old"
    photograph(root / "17" / "a.jpg", 1)
    radiograph(root / "17" / "own.dcm", 2)
    radiograph(root / "17" / "strange.dcm", 3, PatientID="99", PatientName="Roe^Rick")
    (root / "17" / "notes.txt").write_text("x")
    (root / "17" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    photograph(root / "loose.jpg", 4)
    report = library.migration.run(library.owner(), root, QUIET)
    assert len(library.images.list(library.owner(), patient_id=mine.id)) == 2
    assert (report.source, report.planned, report.arrived, report.inbox) == (6, 5, 4, 2)
    codes = {problem.where: problem.code for problem in report.exceptions}
    assert codes.keys() == {"17/notes.txt", "17/broken.png"}
    assert codes["17/notes.txt"] == "file.not_an_image"


def test_lists_that_are_wrong_are_said_line_by_line(library: Library, tmp_path: Path) -> None:
    root = tmp_path / "old"
    photograph(root / "a.jpg", 1)
    (root / "patients.csv").write_text("id,last name,dob\n1,Doe,1990-13-45\n2,Roe,1980-02-01\n2,Poe,1981-02-01\n")
    (root / "images.csv").write_text("filename,patient_id\na.jpg,77\n")
    (root / "treatments.csv").write_text("id,patient_id,procedure,date\nT1,77,Crown,\nT2,2,,2020-01-01\n")
    report = library.migration.look(library.owner(), root, QUIET)
    codes = sorted(problem.code for problem in report.exceptions)
    assert codes.count("migrate.no_patient") >= 2
    assert "csv.birth_date" in codes
    assert report.inbox == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("clinic.json", b'{"patients": [{"id": 1'),
        ("dental.db", b"SQLite format 3\0 and no more"),
        ("patients.csv", b'id,last name\n1,"Doe\n'),
        ("patients.csv", b"colour,shape\nred,round\n"),
    ],
)
def test_a_list_that_cannot_be_read_stops_before_anything(
    library: Library, tmp_path: Path, name: str, content: bytes
) -> None:
    photograph(tmp_path / "old" / "a.jpg", 1)
    (tmp_path / "old" / name).write_bytes(content)
    with pytest.raises(BitewingError) as caught:
        library.migration.run(library.owner(), tmp_path / "old", QUIET)
    assert caught.value.code in {"migrate.unreadable_list", "csv.no_columns"}
    assert list(library.store.images.stream()) == []


def test_the_library_itself_is_no_source(library: Library) -> None:
    for source in (library.paths.root, library.paths.root.parent):
        with pytest.raises(BitewingError, match=r"migrate\.own_library"):
            library.migration.run(library.owner(), source, QUIET)


def test_old_files_go_only_when_their_bytes_are_here(library: Library, tmp_path: Path) -> None:
    tree = make(tmp_path / "old", 20, "tooth", "csv")
    with pytest.raises(BitewingError, match=r"migrate\.not_brought_in"):
        library.migration.remove_source(library.owner(), tree.root, QUIET)
    library.migration.run(library.owner(), tree.root, QUIET)
    first, second, *_rest = sorted(tree.root.rglob("*.png"))
    first.write_bytes(b"changed since")
    record = next(one for one in library.store.images.stream() if one.sha256 == digest(second))
    (library.paths.root / record.path).write_bytes(b"lost here")
    assert library.migration.remove_source(library.owner(), tree.root, QUIET) == 18
    left = sorted(path for path in tree.root.rglob("*") if path.suffix == ".png")
    assert left == [first, second]
    assert (
        sum(path.is_dir() for path in tree.root.rglob("*"))
        == len({*first.parents, *second.parents}) - len(tree.root.parents) - 1
    )


def test_a_lost_image_is_found_where_it_came_from(library: Library, tmp_path: Path) -> None:
    tree = make(tmp_path / "old", 20, "flat", "csv")
    library.migration.run(library.owner(), tree.root, QUIET)
    record = next(iter(library.store.images.stream()))
    own = library.paths.root / record.path
    own.unlink()
    found = library.images.path_of(library.owner(), record.id)
    assert digest(found) == record.sha256
    assert found == own
    assert library.check.run(library.owner(), True, QUIET).is_sound


def test_killed_at_random_and_gone_on_with(tmp_path: Path, long_run: bool) -> None:
    count, kills = (LONG, 20) if long_run else (240, 4)
    tree = make(tmp_path / "old", count, "tooth", "sqlite")
    before = tree.fingerprint()
    root = tmp_path / "library"
    chance = random.Random(11)
    command = [sys.executable, "-P", "-m", "app", "migrate", str(tree.root), "--json", "--library", str(root)]
    killed = 0
    with open_library(root, create=True) as library:
        library.settings.set(library.owner(), "storage.reserve_bytes", "0")
    for number in range(kills):
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        # By how far it is, not by the clock: a busy machine is as good as a fast one.
        wanted = count * number // (kills + 1) + chance.randrange(count // (kills + 1))
        while process.poll() is None and sum(1 for _file in (root / "dental_images").rglob("*.png")) < wanted:
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, 0.2))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert (report["source"], report["planned"], report["arrived"]) == (count, count, count)
    with open_library(root, create=False) as library:
        bad = violations(library, tree)
        assert all(record.placement is Placement.FILED for record in library.store.images.stream())
    print(
        f"migration: {count} images, {killed} kills, {len(bad)} violations, last run {time.monotonic() - began:.1f} s"
    )
    assert killed >= kills // 2
    assert bad == []
    assert tree.fingerprint() == before


def test_another_place_of_the_same_tree_brings_nothing_twice(library: Library, tmp_path: Path) -> None:
    tree = make(tmp_path / "old", 20, "patient", "csv")
    library.migration.run(library.owner(), tree.root, QUIET)
    shutil.move(tree.root, tmp_path / "moved")
    report = library.migration.run(library.owner(), tmp_path / "moved", QUIET)
    assert report.patients_made == 0
    assert violations(library, tree) == []
