"""Storing by STOW-RS: the same proof, the same conflicts, every answer with its meaning."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from pathlib import Path

import pydicom
import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.core.files import sha256_file
from app.domain.roles import owner
from app.sync.report import ImportArgs
from app.transfer.connection import OrthancArgs
from app.transfer.orthanc import Orthanc
from tests.integration.archive.conftest import connect
from tests.integration.archive.test_orthanc import between, says
from tests.integration.import_material import radiograph
from tests.servers import PASSWORD, USER, OrthancServer

OWNER, QUIET = owner("test"), JobContext.silent()


def test_sent_proven_and_sent_once(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    for number in range(4):
        radiograph(tmp_path / "in" / f"{number}.dcm", number)
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
    library.settings.set(OWNER, "orthanc.method", "stow")
    connect(library, server.url)
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.failed, report.queued) == (4, 0, 0)
    with server.client() as client:
        for image in library.images.list(OWNER):
            [copy] = library.outbox.copies(OWNER, image.id)
            there = client.get(f"/instances/{copy.remote_id}/file").raise_for_status().content
            assert hashlib.sha256(there).hexdigest() == image.sha256
    with library.store.write():
        library.store.database.execute("DELETE FROM copies")
        library.store.database.execute("UPDATE outbox SET state = 'waiting'")
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.already_there) == (0, 4)


def test_other_bytes_under_the_same_number_are_a_conflict(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    path = radiograph(tmp_path / "in" / "a.dcm", 1)
    other = pydicom.dcmread(path)
    other.ImageComments = "another one"
    other.save_as(tmp_path / "other.dcm")
    with server.client() as client:
        client.post("/instances", content=(tmp_path / "other.dcm").read_bytes()).raise_for_status()
    library.imports.run(OWNER, ImportArgs((path,)), QUIET)
    library.settings.set(OWNER, "orthanc.method", "stow")
    connect(library, server.url)
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.conflicts) == (0, 1)
    [instance] = server.instances()
    with server.client() as client:
        assert client.get(f"/instances/{instance}/file").content == (tmp_path / "other.dcm").read_bytes()


def test_what_a_real_orthanc_does_not_take(server: OrthancServer, tmp_path: Path) -> None:
    for content in (b"", b"garbage" * 100, radiograph(tmp_path / "a.dcm", 1).read_bytes()[:300]):
        path = tmp_path / "bad.dcm"
        path.write_bytes(content)
        with (
            closing(Orthanc(OrthancArgs(server.url, USER, PASSWORD))) as orthanc,
            pytest.raises(BitewingError, match=r"pacs\.refused"),
        ):
            orthanc.stow(path, sha256_file(path)[0])
    assert server.instances() == []


def failed(reason: object) -> bytes:
    item = {"00081197": {"vr": "US", "Value": [reason]}}
    return json.dumps({"00081198": {"vr": "SQ", "Value": [item]}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (409, failed(0xA700), "pacs.full"),
        (409, failed(0xC000), "pacs.refused"),
        (202, failed(272), "pacs.refused"),
        (409, failed("none"), "pacs.refused"),
        (200, b"{}", "pacs.refused"),
        (200, b"<html>Please sign in</html>", "pacs.not_an_archive"),
        (200, b"[]", "pacs.not_an_archive"),
        (503, b"", "pacs.busy"),
        (507, b"", "pacs.full"),
        (401, b"", "pacs.unauthorized"),
    ],
)
def test_every_answer_has_its_meaning(tmp_path: Path, status: int, body: bytes, code: str) -> None:
    path = radiograph(tmp_path / "a.dcm", 1)
    with (
        between(says(status, body)) as url,
        closing(Orthanc(OrthancArgs(url, USER, PASSWORD))) as orthanc,
        pytest.raises(BitewingError) as caught,
    ):
        orthanc.stow(path, sha256_file(path)[0])
    assert caught.value.code == code
