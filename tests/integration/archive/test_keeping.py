"""What lies in the archive alone is brought in by itself, and so comes to mirrors, too; what is here is left alone."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.domain.image import Placement
from app.domain.roles import Actor, Role, owner
from app.services.archiving import noticing
from app.sync.report import ImportArgs
from tests.integration.archive.conftest import connect
from tests.integration.archive.test_browse import put
from tests.integration.import_material import radiograph
from tests.servers import OrthancServer

OWNER, QUIET = owner("test"), JobContext.silent()
ROOT = Path(__file__).resolve().parents[3]


def study(folder: Path, number: int, images: int = 2, **values: object) -> list[Path]:
    uid = f"1.2.826.0.77.{number}"
    values = {"PatientID": f"P{number}", "PatientName": f"Family{number}^Given", **values}
    return [
        radiograph(
            folder / f"{number}-{image}.dcm",
            number * 100 + image,
            StudyInstanceUID=uid,
            SeriesInstanceUID=f"{uid}.1",
            SOPInstanceUID=f"{uid}.1.{image}",
            **values,
        )
        for image in range(1, images + 1)
    ]


@pytest.fixture
def mirror(library: Library, tmp_path: Path) -> Path:
    place = tmp_path / "nas"
    place.mkdir()
    library.settings.set_destination(OWNER, "mirror", "nas", {"path": str(place), "enabled": True}, {})
    return place


def run_until(library: Library, is_done: Callable[[], bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the background's look at the archive until something holds."""
    monkeypatch.setattr(noticing, "EVERY_S", 0.2)
    token = CancelToken()
    ctx = JobContext(token)

    def work() -> None:
        try:
            library.news.run(OWNER, ctx, lambda uids: library.keeping.bring(OWNER, ctx, uids))
        except Cancelled:
            pass
        finally:
            library.close_thread()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _look in range(300):
            if is_done():
                return
            thread.join(0.1)
            assert thread.is_alive()
        pytest.fail("not brought in within 30 s")
    finally:
        token.cancel()
        thread.join(20)


def test_what_comes_to_the_archive_comes_here_and_to_the_mirror(
    library: Library, server: OrthancServer, tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(server, study(tmp_path / "long-ago", 1))
    connect(library, server.url)
    library.imports.run(OWNER, ImportArgs(tuple(study(tmp_path / "ours", 2))), QUIET)
    library.news.look(OWNER)
    library.archive.push(OWNER, QUIET)
    put(server, study(tmp_path / "new", 3))
    put(server, study(tmp_path / "nobody", 4, PatientID="", PatientName=""))
    run_until(library, lambda: len(library.store.images.list(placement=None)) == 6, monkeypatch)
    filed = library.images.list(OWNER)
    assert sorted({image.study_uid for image in filed}) == ["1.2.826.0.77.2", "1.2.826.0.77.3"]
    waiting = library.store.images.list(placement=Placement.INBOX)
    assert [image.study_uid for image in waiting] == ["1.2.826.0.77.4"] * 2
    library.mirrors.sync(OWNER, QUIET)
    assert {path.relative_to(mirror).as_posix() for path in mirror.rglob("*.dcm")} == {image.path for image in filed}
    # What was fetched is in the archive already, byte for byte: no conflict, nothing sent.
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.already_there, report.drained.failed) == (0, 2, 0)
    assert report.drained.bytes == 0
    # It is theirs: deleted here, it stays there.
    there = len(server.instances())
    library.images.delete(OWNER, [image.id for image in filed if image.study_uid == "1.2.826.0.77.3"])
    assert library.archive.push(OWNER, QUIET).drained.removed == 0
    assert len(server.instances()) == there


def test_everything_that_is_missing_once_and_no_more(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    for number in range(5):
        put(server, study(tmp_path / "there", number))
    connect(library, server.url)
    command = [sys.executable, "-m", "app", "archive", "fetch", "--missing", "--json"]
    command += ["--library", str(library.paths.root)]

    def fetched() -> dict[str, object]:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        document: dict[str, object] = json.loads(done.stdout)
        return document

    first = fetched()
    assert (first["looked_at"], first["fetched"], first["imported"], first["failed"]) == (5, 5, 10, {})
    again = fetched()
    assert (again["looked_at"], again["fetched"]) == (5, 0)
    put(server, study(tmp_path / "more", 3, images=3)[2:])
    assert (fetched()["fetched"], len(library.images.list(OWNER))) == (1, 11)


def test_what_could_not_be_brought_is_tried_again(
    library: Library, server: OrthancServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(server, study(tmp_path / "there", 1))
    connect(library, server.url)
    uids = ["1.2.826.0.77.1", "1.2.826.0.77.999"]
    server.stop()
    assert library.keeping.bring(OWNER, QUIET, uids).failed == dict.fromkeys(uids, "pacs.unreachable")
    server.start()
    # One is not there any more: it is let go of.
    report = library.keeping.bring(OWNER, QUIET, [])
    assert (report.fetched, report.failed) == (1, {})
    assert library.keeping.bring(OWNER, QUIET, []).looked_at == 0
    with pytest.raises(BitewingError, match=r"role\.refused"):
        library.keeping.bring(Actor("x", "x", Role.VIEWER, "x"), QUIET, uids)
