"""What a stranger who read the code found wrong with archives: each was a failing test first."""

from __future__ import annotations

from pathlib import Path

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.domain.image import Filing, ImageType
from app.domain.patient import PatientDraft
from app.domain.roles import owner
from app.services.archiving.fetching import Wanted
from app.services.archiving.sending import OrthancSender
from app.sync.report import ImportArgs
from tests.integration.archive.conftest import connect
from tests.integration.archive.test_push_races import add, fill, push_all
from tests.integration.import_material import photograph, radiograph
from tests.servers import OrthancServer

OWNER, QUIET = owner("test"), JobContext.silent()


def test_the_archives_own_image_is_not_deleted_there(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    path = radiograph(tmp_path / "in" / "a.dcm", 1)
    with server.client() as client:
        client.post("/instances", content=path.read_bytes()).raise_for_status()
    library.imports.run(OWNER, ImportArgs((path,)), QUIET)
    connect(library, server.url)
    assert library.archive.push(OWNER, QUIET).drained.already_there == 1
    library.images.delete(OWNER, [library.images.list(OWNER)[0].id])
    push_all(library)
    assert len(server.instances()) == 1


def test_fetched_then_deleted_here(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    path = radiograph(tmp_path / "in" / "a.dcm", 1)
    with server.client() as client:
        client.post("/instances", content=path.read_bytes()).raise_for_status()
    [instance] = server.instances()
    connect(library, server.url)
    library.browsing.fetch(OWNER, QUIET, Wanted(server.tags(instance)["StudyInstanceUID"]))
    push_all(library)
    library.images.delete(OWNER, [library.images.list(OWNER)[0].id])
    push_all(library)
    assert server.instances() == [instance]


def test_never_sent_and_not_ours(library: Library, server: OrthancServer, tmp_path: Path, monkeypatch) -> None:
    path = radiograph(tmp_path / "in" / "a.dcm", 1)
    with server.client() as client:
        client.post("/instances", content=path.read_bytes()).raise_for_status()
    library.imports.run(OWNER, ImportArgs((path,)), QUIET)
    connect(library, server.url)
    [instance] = server.instances()
    send, moved = OrthancSender.send, []

    def late(self, entry, ready):
        if not moved:
            moved.append(library.images.delete(OWNER, [entry.image_id]))
        return send(self, entry, ready)

    monkeypatch.setattr(OrthancSender, "send", late)
    push_all(library)
    assert server.instances() == [instance]


def test_another_type_reaches_the_archive(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    whose = add(library, "Roe", "99")
    filing = Filing(patient_id=whose.id, tooth="8", image_type=ImageType.BEFORE)
    library.imports.run(OWNER, ImportArgs((photograph(tmp_path / "a.jpg", 1),), filing), QUIET)
    push_all(library)
    library.images.move(OWNER, [library.images.list(OWNER)[0].id], Filing(image_type=ImageType.XRAY))
    push_all(library)
    [instance] = server.instances()
    assert server.tags(instance)["Modality"] == "OT"


def test_moved_while_switched_off(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    fill(library, tmp_path / "in", 2)
    push_all(library)
    library.settings.set(OWNER, "orthanc.enabled", "false")
    image = library.images.list(OWNER)[0]
    library.images.move(OWNER, [image.id], Filing(patient_id=add(library, "Roe", "99").id))
    library.settings.set(OWNER, "orthanc.enabled", "true")
    push_all(library)
    assert len(server.instances()) == 2


def test_renamed_while_switched_off(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    whose = add(library, "Roe", "99")
    filing = Filing(patient_id=whose.id, tooth="8", image_type=ImageType.BEFORE)
    library.imports.run(OWNER, ImportArgs((photograph(tmp_path / "a.jpg", 1),), filing), QUIET)
    push_all(library)
    library.settings.set(OWNER, "orthanc.enabled", "false")
    library.patients.edit(OWNER, whose.id, PatientDraft("Poe", "Jane", "99"), whose.version)
    library.settings.set(OWNER, "orthanc.enabled", "true")
    push_all(library)
    [instance] = server.instances()
    assert server.tags(instance)["PatientName"] == "Poe^Jane"
