"""One image in an Orthanc and at a mirror: a move or a deletion corrects both, also when one of them is away."""

from __future__ import annotations

from pathlib import Path

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.domain.roles import owner
from app.sync.report import ImportArgs
from tests.integration.archive.conftest import connect
from tests.integration.import_material import radiograph
from tests.servers import OrthancServer

OWNER, QUIET = owner("test"), JobContext.silent()


def files(place: Path) -> set[str]:
    images = place / "dental_images"
    return {path.relative_to(place).as_posix() for path in images.rglob("*") if path.is_file()}


def test_a_recall_reaches_both(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    place = tmp_path / "nas"
    place.mkdir()
    connect(library, server.url)
    for key, value in (("path", str(place)), ("enabled", "true")):
        library.settings.set(OWNER, f"mirror.nas.{key}", value)
    for number in range(3):
        radiograph(tmp_path / "in" / f"{number}.dcm", number)
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
    other = library.patients.add(OWNER, PatientDraft("Roe", "Rick", "99"))
    library.archive.push(OWNER, QUIET)
    library.mirrors.sync(OWNER, QUIET)
    moved, deleted, kept = library.images.list(OWNER)
    assert {copy.destination for copy in library.outbox.copies(OWNER, moved.id)} == {"orthanc", "mirror.nas"}

    server.stop()
    library.images.move(OWNER, [moved.id], Filing(patient_id=other.id))
    library.images.delete(OWNER, [deleted.id])
    library.mirrors.sync(OWNER, QUIET)
    assert library.archive.push(OWNER, QUIET).drained.away == "pacs.unreachable"
    here = {image.id: image for image in library.images.list(OWNER)}
    assert files(place) == {here[moved.id].path, kept.path}
    # Until the archive answers, what is to be called back there is shown as such.
    [waiting, sending] = library.outbox.whereabouts(OWNER, moved.id).entries
    assert {(waiting.wish.value, waiting.destination), (sending.wish.value, sending.destination)} == {
        ("remove", "orthanc"),
        ("put", "orthanc"),
    }
    server.start()
    library.archive.push(OWNER, QUIET)
    assert library.outbox.whereabouts(OWNER, moved.id).entries == ()
    assert {server.tags(instance)["PatientID"] for instance in server.instances()} == {"17", "99"}
    assert len(server.instances()) == 2
    gone = [copy for copy in library.outbox.copies(OWNER, deleted.id) if copy.gone_at is None]
    assert gone == []
