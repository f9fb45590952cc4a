"""A file that is missing here comes back from the archive, where that has the image's very bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.domain.image import Filing, ImageType
from app.domain.roles import owner
from app.sync.report import ImportArgs
from tests.integration.archive.conftest import connect
from tests.integration.import_material import photograph, radiograph
from tests.servers import OrthancServer

OWNER, QUIET = owner("test"), JobContext.silent()


def test_original_bytes_come_back_and_renditions_do_not(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    connect(library, server.url)
    radiograph(tmp_path / "in" / "a.dcm", 1)
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
    patient = library.patients.resolve(OWNER, "17")
    photograph(tmp_path / "more" / "photo.jpg", 40)
    filing = Filing(patient_id=patient.id, tooth="8", image_type=ImageType.BEFORE)
    library.imports.run(OWNER, ImportArgs((tmp_path / "more",), filing), QUIET)
    assert library.archive.push(OWNER, QUIET).drained.sent == 2
    by_kind = {image.filename.rpartition(".")[2]: image for image in library.images.list(OWNER)}
    radio, photo = by_kind["dcm"], by_kind["jpg"]
    data = (library.paths.root / radio.path).read_bytes()
    for image in (radio, photo):
        (library.paths.root / image.path).unlink()
    assert library.images.path_of(OWNER, radio.id).read_bytes() == data
    # The archive has the photograph as a DICOM object only: that is another file.
    with pytest.raises(EnvironmentFault, match=r"image\.file_missing"):
        library.images.path_of(OWNER, photo.id)
    said = [entry for entry in library.store.audit.list(limit=20) if entry.details.get("fetched_from")]
    assert [(entry.entity_id, entry.details["fetched_from"]) for entry in said] == [(radio.id, "orthanc")]
