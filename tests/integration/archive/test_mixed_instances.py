"""All that a clinic has, in one push: proven one by one, sent once; every trouble on the way ends as it should."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.domain.image import Filing, ImageType
from app.domain.roles import owner
from app.sync.report import ImportArgs
from app.transfer.connection import Connection
from app.words import catalogue, errors
from tests.integration.archive.conftest import connect
from tests.integration.archive.troubled_way import (
    Trouble,
    answers,
    drips,
    hangs_up,
    no_trouble,
    truncates,
    way_to,
)
from tests.integration.import_material import photograph, picture, radiograph
from tests.servers import OrthancServer

OWNER, QUIET = owner("test"), JobContext.silent()
SHORT, LONG = 60, 500
BUNDLED = ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm", "JPEG-lossy.dcm", "emri_small.dcm")


def fill(library: Library, folder: Path, count: int) -> None:
    """Import radiographs that say the truth, others that say nothing, photographs, a PDF, and pydicom's files."""
    for number in range(count // 2):
        radiograph(folder / "known" / f"{number:03}.dcm", number, PatientID=f"P{number % 9}", PatientName="Roe^Pat")
    known = [Path(found) for name in BUNDLED if (found := get_testdata_file(name, download=False))]
    library.imports.run(OWNER, ImportArgs((folder / "known", *known)), QUIET)
    filing = Filing(patient_id=library.patients.resolve(OWNER, "P1").id, tooth="8", image_type=ImageType.CLINICAL)
    for number in range(count // 4):
        photograph(folder / "filed" / f"{number:03}.jpg", 1_000 + number, quality=70 + number % 25)
    rest = count - len(library.images.list(OWNER, limit=10_000)) - count // 4 - 1
    for number in range(rest):
        nothing = {"PatientName": None, "PatientID": None, "PatientBirthDate": None}
        radiograph(folder / "filed" / f"{number:03}.dcm", 2_000 + number, **nothing)
    Image.fromarray(picture(9)).save(folder / "filed" / "letter.pdf", "PDF")
    library.imports.run(OWNER, ImportArgs((folder / "filed",), filing), QUIET)
    for waiting in library.inbox.list(OWNER):
        library.inbox.file(OWNER, waiting.id, filing)


def test_all_are_there_proven_by_md5_and_sent_once(
    library: Library, server: OrthancServer, tmp_path: Path, long_run: bool
) -> None:
    count = LONG if long_run else SHORT
    fill(library, tmp_path / "in", count)
    images = library.images.list(OWNER, limit=10_000)
    assert len(images) == count
    assert len({image.mime_type for image in images}) == 3
    connect(library, server.url)
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.failed, report.queued) == (count, 0, 0), report.drained.faults
    with server.client() as client:
        found = client.post("/tools/find", json={"Level": "Instance", "Query": {}}).raise_for_status().json()
        copies = {copy.remote_id: copy for image in images for copy in library.outbox.copies(OWNER, image.id)}
        assert sorted(found) == sorted(copies)

        def is_proven(instance: str) -> bool:
            body = client.get(f"/instances/{instance}/file").raise_for_status().content
            return hashlib.md5(body, usedforsecurity=False).hexdigest() == copies[instance].digest

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(is_proven, found))
    again = library.archive.push(OWNER, QUIET)
    assert (again.drained.sent, again.drained.already_there, again.queued) == (0, 0, 0)
    print(f"mixed: {count} instances of {len({image.mime_type for image in images})} kinds, all proven")


@pytest.mark.parametrize(
    ("trouble", "code", "is_blocked", "is_parked"),
    [
        (answers(503), "pacs.busy", False, False),
        (answers(507), "pacs.full", True, True),
        (answers(401), "pacs.unauthorized", True, True),
        (answers(403), "pacs.forbidden", True, True),
        (answers(200, b"<html>Please sign in</html>"), "pacs.not_an_archive", True, True),
        (answers(302, Location="/login"), "pacs.not_an_archive", True, True),
        (answers(400), "pacs.refused", False, True),
        (truncates, "pacs.refused", False, True),
        (hangs_up, "pacs.cut_off", False, False),
        (drips, "pacs.slow", False, False),
    ],
    ids=["503", "507", "401", "403", "login page", "redirect", "400", "truncated", "cut off", "slow"],
)
def test_every_trouble_ends_in_its_state_and_passes(
    library: Library,
    server: OrthancServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Trouble,
    code: str,
    is_blocked: bool,
    is_parked: bool,
) -> None:
    monkeypatch.setitem(Connection.ask.__kwdefaults__, "timeout", httpx.Timeout(2.0))
    for number in range(3):
        radiograph(tmp_path / "in" / f"{number}.dcm", number)
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
    with way_to(server.url) as way:
        connect(library, way.url)
        way.trouble = trouble
        report = library.archive.push(OWNER, QUIET)
        [queue] = library.outbox.queues(OWNER)
        assert (queue.blocked_code == code, queue.parked > 0) == (is_blocked, is_parked), queue
        states = library.store.database.rows("SELECT code FROM outbox WHERE code IS NOT NULL")
        assert {row[0] for row in states} == {code}
        assert queue.waiting + queue.parked == 3
        assert (report.drained.sent, server.instances()) == (0, [])
        assert library.outbox.whereabouts(OWNER, library.images.list(OWNER)[0].id).copies == ()
        said = {language: _sentence(language, code) for language in ("en", "ar")}
        assert said["en"] != said["ar"]
        way.trouble = no_trouble
        report = library.archive.push(OWNER, QUIET)
        assert (report.drained.sent, report.drained.failed, report.queued) == (3, 0, 0)
        assert len(server.instances()) == 3


def _sentence(language: str, code: str) -> str:
    catalogue.set_language(language)
    try:
        return errors.reason(code)
    finally:
        catalogue.set_language("en")
