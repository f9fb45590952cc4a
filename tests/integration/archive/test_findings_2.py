"""What a stranger who read the code found wrong with archives: each was a failing test first."""

from __future__ import annotations

from pathlib import Path

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.domain.image import Filing
from app.domain.roles import owner
from app.sync.report import ImportArgs
from tests.integration.archive.conftest import connect
from tests.integration.archive.test_push_races import add, fill, push_all, require_truth
from tests.integration.import_material import radiograph
from tests.servers import OrthancServer

OWNER, QUIET = owner("test"), JobContext.silent()


def test_the_archives_own_image_after_an_absence(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    path = radiograph(tmp_path / "in" / "a.dcm", 1)
    with server.client() as client:
        client.post("/instances", content=path.read_bytes()).raise_for_status()
    library.imports.run(OWNER, ImportArgs((path,)), QUIET)
    connect(library, server.url)
    server.stop()
    assert library.archive.push(OWNER, QUIET).drained.away == "pacs.unreachable"
    server.start()
    assert library.archive.push(OWNER, QUIET).drained.already_there == 1
    library.images.delete(OWNER, [library.images.list(OWNER)[0].id])
    push_all(library)
    assert len(server.instances()) == 1


def test_moved_after_the_address_was_written_otherwise(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    fill(library, tmp_path / "in", 2)
    push_all(library)
    library.settings.set(OWNER, "orthanc.url", f"{server.url}/")
    image = library.images.list(OWNER)[0]
    library.images.move(OWNER, [image.id], Filing(patient_id=add(library, "Roe", "99").id))
    push_all(library)
    require_truth(library, server)
