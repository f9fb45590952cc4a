"""What is in public is what somebody looked at, and says nothing of whose it is."""

from __future__ import annotations

from contextlib import closing
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from PIL import Image

from app.bootstrap.library import Library, open_library
from app.core.errors import UserError
from app.domain.image import Filing
from app.domain.publication import FOLDER, PublicForm, PublicState
from app.services.backups import open_archive
from app.services.outgoing.model import Warn
from app.services.restoring import RestoreArgs, restore_library
from app.sync.report import ImportArgs
from tests.integration.import_material import radiograph
from tests.integration.publish.conftest import OWNER, QUIET, WebServer, patient, photo, publish
from tests.integration.publish.test_lifecycle import newest

IDENTITY = {
    "ImageType": ["ORIGINAL", "PRIMARY"],
    "PatientID": "QZID",
    "PatientName": "Qzfamily^Qzgiven",
    "InstitutionName": "Qzclinic",
}


def x_ray(library: Library, folder: Path, **values: object) -> str:
    path = radiograph(folder / "qz.dcm", 3, **{**IDENTITY, **values})
    whose = patient(library, "QZID", "Qzfamily")
    library.imports.run(OWNER, ImportArgs((path,), Filing(patient_id=whose.id)), QUIET)
    [image] = [*library.images.list(OWNER), *library.inbox.list(OWNER)]
    if image.patient_id is None:
        library.inbox.file(OWNER, image.id, Filing(patient_id=whose.id))
    return image.id


@pytest.mark.parametrize("form", list(PublicForm))
def test_an_x_ray(form: PublicForm, publishing: Library, web: WebServer, tmp_path: Path) -> None:
    image_id = x_ray(publishing, tmp_path / "in")
    [prepared] = publishing.publishing.prepare(OWNER, [image_id], QUIET, form)
    assert prepared.copy is not None
    assert prepared.copy.removed
    # Straight from a sensor nothing is suspected; that nobody looked is a reason all the same.
    assert prepared.copy.to_look_at == ()
    looked_at = prepared.copy.path.read_bytes()
    [refused] = publishing.publishing.publish(OWNER, [prepared])
    assert (refused.state, refused.code) == (None, "publish.look_first")
    [item] = publishing.publishing.publish(OWNER, [prepared], looked=True)
    publishing.publishing.send(OWNER, QUIET)
    status, body, _kind = web.get(str(item.url))
    assert (status, body == looked_at) == (200, True)
    assert b"Qz" not in body
    assert b"QZID" not in body
    if form is PublicForm.JPEG:
        picture = Image.open(BytesIO(body))
        assert (picture.size, "exif" in picture.info, "comment" in picture.info) == ((96, 96), False, False)
    else:
        dataset = pydicom.dcmread(BytesIO(body))
        assert (str(dataset.PatientName), dataset.PatientID, dataset.PatientIdentityRemoved) == ("", "", "YES")
        assert dataset.SOPInstanceUID != publishing.images.get(OWNER, image_id).sop_instance_uid
        assert dataset.pixel_array.shape == (96, 96)


def test_nothing_goes_that_nobody_looked_at(publishing: Library, place: Path, tmp_path: Path) -> None:
    image_id = x_ray(publishing, tmp_path / "in", BurnedInAnnotation="YES")
    [prepared] = publishing.publishing.prepare(OWNER, [image_id], QUIET)
    assert prepared.copy is not None
    assert prepared.copy.to_look_at == (Warn.TEXT_SAID,)
    [refused] = publishing.publishing.publish(OWNER, [prepared])
    assert (refused.state, refused.code) == (None, "publish.look_first")
    publishing.publishing.send(OWNER, QUIET)
    assert not (place / FOLDER).exists()
    [item] = publishing.publishing.publish(OWNER, [prepared], looked=True)
    assert item.state is PublicState.WAITING
    [entry] = [entry for entry in publishing.store.audit.list(limit=5) if entry.action == "image.publish"]
    said = (entry.details["looked"], entry.details["consent"], entry.details["warned"])
    assert said == (True, True, ["text_said"])


def test_a_copy_that_is_not_what_it_was(publishing: Library, tmp_path: Path) -> None:
    whose = patient(publishing)
    images = [photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8, 9)]
    prepared = publishing.publishing.prepare(OWNER, [*(image.id for image in images), "nobody"], QUIET)
    paths = [one.copy.path for one in prepared if one.copy is not None]
    # Swept before anybody agreed; deleted meanwhile.
    paths[1].unlink()
    publishing.images.delete(OWNER, [images[2].id])
    items = publishing.publishing.publish(OWNER, prepared, looked=True)
    assert [item.code for item in items] == [None, "publish.copy_lost", "publish.not_filed", "image.none"]
    # Changed while it waited: other bytes than were looked at do not go.
    paths[0].write_bytes(b"something else")
    publishing.publishing.send(OWNER, QUIET)
    entry = newest(publishing, images[0].id)
    assert (entry.publication.public_at, entry.code, entry.parked) == (None, "publish.copy_lost", True)
    publishing.publishing.withdraw(OWNER, [images[0].id], QUIET)
    assert newest(publishing, images[0].id).publication.state is PublicState.PRIVATE


def test_a_photograph_is_no_dicom_object(publishing: Library, tmp_path: Path) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    [prepared] = publishing.publishing.prepare(OWNER, [image.id], QUIET, PublicForm.DICOM)
    assert (prepared.copy, prepared.code) == (None, "publish.not_dicom")
    with pytest.raises(UserError, match=r"publish\.off"):
        publishing.publishing.publish(OWNER, [prepared], "elsewhere")


def test_a_copy_that_waits_while_a_backup_is_restored(publishing: Library, web: WebServer, tmp_path: Path) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    backup = Path(publishing.backups.create(OWNER, tmp_path / "a.zip", QUIET).record.path)
    [item] = publish(publishing, [image.id])
    root = publishing.paths.root
    publishing.close()
    with closing(open_archive(backup, None)) as archive:
        restore_library(OWNER, RestoreArgs(root, archive), QUIET)
    with open_library(root, create=False) as library:
        assert library.publishing.send(OWNER, QUIET).drained.sent == 1
    # The very file that was looked at went.
    assert web.get(str(item.url))[0] == 200
