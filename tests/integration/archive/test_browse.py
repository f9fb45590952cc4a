"""Looking into a real Orthanc: searching every field, opening, fetching by the rules for the right patient, news."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pydicom
import pytest

from app.bootstrap.library import Library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, RefusedError
from app.domain.identity import Verdict
from app.domain.image import Filing, ImageType, Placement
from app.domain.patient import PatientDraft
from app.domain.roles import Actor, Role, owner
from app.services.archiving.browsing import Findings
from app.services.archiving.fetching import Wanted
from app.sync.report import ImportArgs, ImportItem, ItemStatus
from app.transfer.found import StudyQuery
from tests.integration.archive.conftest import connect
from tests.integration.import_material import photograph, radiograph
from tests.servers import OrthancServer, free_port

OWNER, QUIET = owner("test"), JobContext.silent()
ROOT = Path(__file__).resolve().parents[3]
STUDY = "1.2.826.0.9.1"


def put(server: OrthancServer, paths: Iterable[Path]) -> None:
    """Let somebody else send files there."""
    with server.client() as client, ThreadPoolExecutor(4) as lines:
        for answer in lines.map(lambda path: client.post("/instances", content=path.read_bytes()), paths):
            answer.raise_for_status()


def series(folder: Path, number: int, images: int, **values: object) -> list[Path]:
    """Write the files of one series of STUDY."""
    values = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": f"{STUDY}.{number}", "SeriesNumber": number, **values}
    return [
        radiograph(
            folder / f"{number}-{image}.dcm",
            number * 100 + image,
            InstanceNumber=image,
            SOPInstanceUID=f"{STUDY}.{number}.{image}",
            **values,
        )
        for image in range(1, images + 1)
    ]


def search(library: Library, **fields: object) -> list[str]:
    """Return the patients' names of everything that matches, page by page, in the order shown."""
    query, names, place, pages = StudyQuery(**fields), [], None, 0
    while True:
        found: Findings = library.browsing.search(OWNER, query, place, 20)
        names += [study.found.patient_name for study in found.studies]
        place, pages = found.following, pages + 1
        if place is None:
            return names
        assert pages < 200


def nothing_left(library: Library) -> bool:
    """Whether nothing of a download is in the library."""
    incoming = [path for path in library.paths.incoming.iterdir() if path.suffix == ".work"]
    images = library.store.images.list(placement=None)
    return not incoming and not images


@pytest.fixture
def many(server: OrthancServer, tmp_path: Path) -> list[tuple[str, date | None]]:
    """Fill the archive with some hundred studies of patients, days and kinds; return names and days."""
    paths, made = [], []
    for number in range(260):
        day = date(2026, 11, 20) if number < 60 else date(2020 + number % 6, 1 + number % 12, 1 + number % 28)
        name = f"Family{number % 10}^Given{number}"
        paths.append(
            radiograph(
                tmp_path / "many" / f"{number}.dcm",
                number,
                PatientName=name,
                PatientID=f"P{number:03d}",
                StudyInstanceUID=f"1.2.826.0.8.{number}",
                StudyDate=day.strftime("%Y%m%d"),
                Modality=("IO", "PX", "XC")[number % 3],
                StudyDescription=("Bitewing", "Orthopan", "Photo")[number % 3],
            )
        )
        made.append((name, day))
    odd = {
        "Arabic": {"PatientName": "حسن^أحمد", "SpecificCharacterSet": "ISO_IR 192", "StudyDate": ""},
        "Accents": {"PatientName": "Björk^Åsa", "SpecificCharacterSet": "ISO_IR 100", "PatientID": "A, 3"},
        "No date": {"PatientName": "Nobody^Knows", "StudyDate": None, "StudyDescription": "a & b = c"},
    }
    for number, values in enumerate(odd.values()):
        uid = f"1.2.826.0.7.{number}"
        paths.append(
            radiograph(tmp_path / "odd" / f"{number}.dcm", 900 + number, **{"StudyInstanceUID": uid, **values})
        )
    put(server, paths)
    return made


def test_each_field_finds_what_it_should(
    library: Library, server: OrthancServer, many: list[tuple[str, date | None]]
) -> None:
    connect(library, server.url)
    everything = search(library)
    assert len(everything) == len(set(everything)) == 263
    # Newest first; without a date last.
    assert set(everything[:60]) == {name for name, _day in many[:60]}
    assert set(everything[-2:]) == {"حسن^أحمد", "Nobody^Knows"}
    of_seven = {name for name, _day in many if name.startswith("Family7^")}
    assert set(search(library, name="family7")) == of_seven
    assert search(library, name="GIVEN177 fam") == search(library, name="?amily7^given177*") == ["Family7^Given177"]
    assert search(library, name="given177 family3") == []
    assert search(library, patient_id="P01") == search(library, patient_id="p01?") != []
    assert len(search(library, patient_id="P017")) == 1
    span = {"since": date(2021, 3, 1), "until": date(2022, 9, 30)}
    fitting = {name for name, day in many if day and span["since"] <= day <= span["until"]}
    assert set(search(library, **span)) == fitting
    assert fitting
    assert set(search(library, modality="px")) == {name for name, _day in many[1::3]}
    assert set(search(library, description="thopa")) == {name for name, _day in many[1::3]}
    both = search(library, name="family1", modality="IO", since=date(2026, 1, 1))
    assert set(both) == {name for name, _day in many[:60:3] if name.startswith("Family1^")}
    assert search(library, name="nobody at all") == []


@pytest.mark.parametrize(
    ("field", "text", "name"),
    [
        ("name", "احمد", "حسن^أحمد"),
        ("name", "أحمد حسن", "حسن^أحمد"),
        ("name", "björk", "Björk^Åsa"),
        ("name", "åsa bjö", "Björk^Åsa"),
        ("patient_id", "A, 3", "Björk^Åsa"),
        ("description", "& b =", "Nobody^Knows"),
    ],
)
def test_letters_and_signs_that_older_plugins_cannot_take(
    library: Library, server: OrthancServer, tmp_path: Path, many: object, field: str, text: str, name: str
) -> None:
    connect(library, server.url)
    assert search(library, **{field: text}) == [name]


def test_whose_it_is_and_what_fetching_would_do(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    put(server, series(tmp_path, 1, 2, SeriesDescription="Full mouth"))
    [study] = library.browsing.search(OWNER, StudyQuery()).studies
    found = study.found
    assert (found.identity.name, found.patient_id, found.birth_date, found.sex) == (
        "Doe, Jane", "17", date(1980, 2, 1), "F",
    )  # fmt: skip
    assert (found.series, found.instances, found.modalities, study.held) == (1, 2, ("IO",), 0)
    assert study.decision.verdict is Verdict.MAKE_PATIENT
    [only] = library.browsing.series(OWNER, STUDY)
    assert (only.description, only.modality, only.instances) == ("Full mouth", "IO", 2)
    numbers = [image.number for image in library.browsing.instances(OWNER, STUDY, only.series_uid)]
    assert numbers == [1, 2]
    jane = library.patients.add(OWNER, PatientDraft("Doe", "Jane", "17", date(1980, 2, 1)))
    known = library.browsing.study(OWNER, STUDY)
    assert (known.decision.verdict, known.patient.id if known.patient else None) == (Verdict.FILE, jane.id)
    library.patients.edit(OWNER, jane.id, PatientDraft("Doe", "Jane", "17", date(1999, 9, 9)), jane.version)
    assert library.browsing.study(OWNER, STUDY).decision.verdict is Verdict.INBOX


def test_a_study_a_series_and_an_image_come_as_they_were(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    connect(library, server.url)
    first, second = series(tmp_path, 1, 3), series(tmp_path, 2, 4)
    put(server, [*first, *second])

    def here() -> set[bytes]:
        return {(library.paths.root / image.path).read_bytes() for image in library.images.list(OWNER)}

    report = library.browsing.fetch(OWNER, QUIET, Wanted(STUDY, (f"{STUDY}.1",), f"{STUDY}.1.2"))
    assert (report.fetched, here()) == (1, {first[1].read_bytes()})
    report = library.browsing.fetch(OWNER, QUIET, Wanted(STUDY, (f"{STUDY}.2",)))
    assert (report.fetched, report.imported.count(ItemStatus.IMPORTED)) == (4, 4)
    items: list[ImportItem] = []
    report = library.browsing.fetch(OWNER, QUIET, Wanted(STUDY), items.append)
    assert (report.imported.count(ItemStatus.IMPORTED), report.imported.count(ItemStatus.DUPLICATE)) == (2, 5)
    assert here() == {path.read_bytes() for path in (*first, *second)}
    assert len({item.patient_id for item in items}) == 1
    assert library.patients.resolve(OWNER, "17").family_name == "Doe"
    assert library.browsing.study(OWNER, STUDY).held == 7
    # An image whose series nobody named is found.
    assert library.browsing.fetch(OWNER, QUIET, Wanted(STUDY, (), f"{STUDY}.2.1")).fetched == 1


def test_what_contradicts_a_patient_waits_in_the_inbox(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    put(server, series(tmp_path, 1, 2))
    library.patients.add(OWNER, PatientDraft("Roe", "Richard", "17", date(1950, 1, 1)))
    other = library.patients.add(OWNER, PatientDraft("Poe", "Ann", "99"))
    report = library.browsing.fetch(OWNER, QUIET, Wanted(STUDY))
    assert report.imported.count(ItemStatus.INBOX) == 2
    assert library.images.list(OWNER) == []
    assert {image.reason for image in library.inbox.list(OWNER)} == {"identity.contradicts"}
    # Chosen on purpose, and still not theirs.
    put(server, series(tmp_path, 2, 1))
    report = library.browsing.fetch(OWNER, QUIET, Wanted(STUDY, (f"{STUDY}.2",), patient_id=other.id))
    assert report.imported.count(ItemStatus.INBOX) == 1
    assert library.images.list(OWNER) == []
    with pytest.raises(BitewingError) as caught:
        library.browsing.fetch(OWNER, QUIET, Wanted(STUDY, patient_id="nobody"))
    assert caught.value.code == "patient.none"


def test_what_has_no_number_goes_to_whom_a_person_chose(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    connect(library, server.url)
    put(server, series(tmp_path, 1, 1, PatientID=""))
    jane = library.patients.add(OWNER, PatientDraft("Doe", "Jane", "17"))
    report = library.browsing.fetch(OWNER, QUIET, Wanted(STUDY, patient_id=jane.id))
    assert report.imported.count(ItemStatus.IMPORTED) == 1
    assert [image.patient_id for image in library.images.list(OWNER)] == [jane.id]


def test_what_went_there_from_here_does_not_come_back_as_a_second_picture(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    connect(library, server.url)
    jane = library.patients.add(OWNER, PatientDraft("Doe", "Jane", "17", date(1980, 2, 1)))
    filing = Filing(patient_id=jane.id, image_type=ImageType.CLINICAL)
    library.imports.run(OWNER, ImportArgs((photograph(tmp_path / "a.jpg", 1),), filing), QUIET)
    assert library.archive.push(OWNER, QUIET).drained.sent == 1
    [study] = library.browsing.search(OWNER, StudyQuery(name="doe")).studies
    assert study.held == 1
    report = library.browsing.fetch(OWNER, QUIET, Wanted(study.found.study_uid))
    assert (report.fetched, report.ours, report.imported.counts) == (1, 1, {})
    assert len(library.images.list(OWNER)) == 1


def test_opened_without_importing(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    paths = series(tmp_path, 1, 12)
    put(server, paths)
    opened = library.browsing.open(OWNER, STUDY)
    assert [image.number for image in opened.instances] == list(range(1, 13))
    # Whoever asks for the same image at once gets the same file.
    with ThreadPoolExecutor(8) as lines:
        files = set(lines.map(lambda _number: opened.path(f"{STUDY}.1.7"), range(16)))
    assert len(files) == 1
    assert next(iter(files)).read_bytes() == paths[6].read_bytes()
    assert opened.fill(QUIET) == 12
    assert opened.fill(QUIET) == 12
    assert [opened.path(image.sop_uid).read_bytes() for image in opened.instances] == [
        path.read_bytes() for path in paths
    ]
    frame = library.viewing.loose_frame(opened.path(f"{STUDY}.1.1"))
    assert (frame.rows, frame.columns) == (96, 96)
    assert library.images.list(OWNER) == []
    library.browsing.leave()
    assert nothing_left(library)
    with pytest.raises(BitewingError) as caught:
        library.browsing.opened_image(f"{STUDY}.1.1")
    assert caught.value.code == "pacs.gone"


def test_two_patients_under_one_study_are_never_mixed_up(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    connect(library, server.url)
    put(server, series(tmp_path / "a", 1, 1, PatientName="Doe^Jane", PatientID="17"))
    put(server, series(tmp_path / "b", 2, 1, PatientName="Roe^Rick", PatientID="99"))
    found = {study.found.patient_id: study.found for study in library.browsing.search(OWNER, StudyQuery()).studies}
    assert {number: study.patient_name for number, study in found.items()} == {"17": "Doe^Jane", "99": "Roe^Rick"}
    opened = library.browsing.open(OWNER, STUDY)
    mine, theirs = ("1.1", "2.1") if opened.study.found.patient_id == "17" else ("2.1", "1.1")
    assert opened.path(f"{STUDY}.{mine}").exists()
    with pytest.raises(BitewingError) as caught:
        opened.path(f"{STUDY}.{theirs}")
    assert caught.value.code == "pacs.something_else"
    assert opened.fill(QUIET) == 1
    library.browsing.fetch(OWNER, QUIET, Wanted(STUDY))
    filed = {image.identity.patient_id: image.patient_id for image in library.images.list(OWNER)}
    assert filed == {number: library.patients.resolve(OWNER, number).id for number in ("17", "99")}


def test_the_agent_looks_for_news(library: Library, server: OrthancServer) -> None:
    connect(library, server.url)
    agent = subprocess.Popen([sys.executable, "-m", "app", "agent", "--library", str(library.paths.root)], cwd=ROOT)
    try:
        deadline = time.monotonic() + 30
        while library.store.state.get("archive_changes") is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        agent.terminate()
        agent.wait(30)
    assert library.store.state.get("archive_changes")["url"] == server.url


def test_small_pictures_are_our_own(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    put(server, series(tmp_path, 1, 2))
    for uids in ((STUDY,), (STUDY, f"{STUDY}.1"), (STUDY, f"{STUDY}.1", f"{STUDY}.1.2")):
        picture = library.browsing.thumbnail(OWNER, *uids)
        assert picture is not None
        assert picture.startswith(b"\xff\xd8\xff")
        assert len(picture) < 50_000


def test_stopped_it_leaves_nothing(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    put(server, series(tmp_path, 1, 60))
    token = CancelToken()
    seen = []

    def stop_soon(progress: object) -> None:
        seen.append(progress)
        token.cancel()

    with pytest.raises(Cancelled):
        library.browsing.fetch(OWNER, JobContext(token, stop_soon), Wanted(STUDY))
    assert seen
    assert nothing_left(library)
    assert library.activity.jobs(OWNER, 10) == []
    opened = library.browsing.open(OWNER, STUDY)
    later = CancelToken()
    threading.Timer(0.05, later.cancel).start()
    # All of it may have come before; then there was nothing to stop.
    try:
        assert opened.fill(JobContext(later)) == 60
    except Cancelled:
        assert later.cancelled
    assert opened.path(f"{STUDY}.1.60").exists()


def test_offline_is_said_quickly_and_passes(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, f"http://127.0.0.1:{free_port()}")
    for use in (
        lambda: library.browsing.search(OWNER, StudyQuery()),
        lambda: library.browsing.fetch(OWNER, QUIET, Wanted(STUDY)),
        lambda: library.browsing.open(OWNER, STUDY),
        lambda: library.browsing.thumbnail(OWNER, STUDY),
        lambda: library.news.look(OWNER),
    ):
        began = time.monotonic()
        with pytest.raises(BitewingError) as caught:
            use()
        assert caught.value.code == "pacs.unreachable"
        assert time.monotonic() - began < 6
    assert nothing_left(library)
    put(server, series(tmp_path, 1, 1))
    library.settings.set(OWNER, "orthanc.url", server.url)
    assert library.browsing.fetch(OWNER, QUIET, Wanted(STUDY)).fetched == 1
    library.settings.set(OWNER, "orthanc.url", "")
    with pytest.raises(BitewingError) as caught:
        library.browsing.search(OWNER, StudyQuery())
    assert caught.value.code == "pacs.not_set_up"


def test_searches_and_looks_stand_in_the_audit_log_without_what_was_searched(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    connect(library, server.url)
    put(server, series(tmp_path, 1, 1))
    library.browsing.search(OWNER, StudyQuery(name="doe", since=date(2020, 1, 1)))
    library.browsing.open(OWNER, STUDY)
    library.browsing.fetch(OWNER, QUIET, Wanted(STUDY))
    rows = library.store.audit.list(entity="study")
    assert [(row.action, row.entity_id) for row in rows] == [
        ("archive.fetch", STUDY), ("archive.browse", STUDY), ("archive.browse", ""),
    ]  # fmt: skip
    assert rows[2].details == {"fields": ["name", "since"]}
    assert "doe" not in json.dumps([row.details for row in rows]).casefold()
    for role in (Role.VIEWER, Role.RECEPTIONIST):
        stranger = Actor("x", "x", role, "test")
        for use in (
            lambda who=stranger: library.browsing.search(who, StudyQuery()),
            lambda who=stranger: library.browsing.open(who, STUDY),
            lambda who=stranger: library.browsing.fetch(who, QUIET, Wanted(STUDY)),
        ):
            with pytest.raises(RefusedError):
                use()


def test_news_are_what_came_from_elsewhere(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    put(server, series(tmp_path / "old", 1, 1, StudyInstanceUID="1.2.826.0.9.7", SeriesInstanceUID="1.2.826.0.9.7.1"))
    # The first look only remembers where the list stands.
    assert library.news.look(OWNER) == 0
    library.imports.run(OWNER, ImportArgs((radiograph(tmp_path / "ours.dcm", 5),)), QUIET)
    jane = library.patients.resolve(OWNER, "17")
    library.imports.run(OWNER, ImportArgs((photograph(tmp_path / "p.jpg", 2),), Filing(patient_id=jane.id)), QUIET)
    assert library.archive.push(OWNER, QUIET).drained.sent == 2
    assert library.news.look(OWNER) == 0
    put(server, series(tmp_path, 1, 3))
    put(server, series(tmp_path / "b", 2, 1, StudyInstanceUID="1.2.826.0.9.8", SeriesInstanceUID="1.2.826.0.9.8.2"))
    assert library.news.look(OWNER) == library.news.count(OWNER) == 2
    assert library.news.look(OWNER) == 2
    library.browsing.fetch(OWNER, QUIET, Wanted(STUDY))
    assert library.news.count(OWNER) == 1
    library.news.seen(OWNER)
    assert library.news.count(OWNER) == library.news.look(OWNER) == 0
    put(server, series(tmp_path / "c", 3, 1, StudyInstanceUID="1.2.826.0.9.9", SeriesInstanceUID="1.2.826.0.9.9.3"))
    assert library.news.look(OWNER) == 1
    # Another archive is no news.
    known = library.store.state.get("archive_changes")
    library.store.state.set("archive_changes", {**known, "url": "http://elsewhere"})
    assert library.news.look(OWNER) == 0
    library.store.state.set("archive_changes", {**known, "last": known["last"] + 1_000_000})
    assert library.news.look(OWNER) == 0


def bitewing(library: Library, *words: str) -> tuple[int, object, str]:
    done = subprocess.run(
        [sys.executable, "-m", "app", "archive", *words, "--library", str(library.paths.root), "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout), done.stderr


def test_on_the_command_line(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    put(server, series(tmp_path, 1, 2))
    code, found, _errors = bitewing(library, "search", "--name", "jane", "--from", "2026-01-01", "--limit", "5")
    assert (code, found["more"]) == (0, False)
    assert [(row["study_uid"], row["patient_name"], row["images"], row["here"]) for row in found["studies"]] == [
        (STUDY, "Doe^Jane", 2, 0)
    ]
    code, listed, _errors = bitewing(library, "series", STUDY)
    assert (code, [row["series_uid"] for row in listed]) == (0, [f"{STUDY}.1"])
    code, report, _errors = bitewing(library, "fetch", STUDY)
    assert (code, report["fetched"], report["imported"]) == (0, 2, 2)
    assert len(library.images.list(OWNER)) == 2
    code, refused, errors = bitewing(library, "fetch", "1.2.3.99")
    assert (code, refused["error"]["code"]) == (1, "pacs.gone")
    assert "does not have this study" in errors
    assert bitewing(library, "fetch", "../etc")[0] == 2
    records = library.images.list(OWNER)
    assert {record.placement for record in records} == {Placement.FILED}
    assert pydicom.dcmread(library.paths.root / records[0].path).StudyInstanceUID == STUDY
