"""A mirror on Google Drive: with an admin's recorded consent, in the account of the backups, like any other mirror."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.cli.main import run
from app.core.context import JobContext
from app.core.errors import BitewingError, RefusedError
from app.domain.image import Filing, ImageType
from app.domain.patient import PatientDraft
from app.domain.roles import Actor, Role
from app.sync.report import ImportArgs
from tests.drive_stand_in import DriveStandIn, drive_stand_in
from tests.integration.drive.conftest import PASSWORD, browse, connect, point
from tests.integration.import_material import photograph
from tests.integration.mirror.test_folder_mirror import OWNER, fill, wanted

QUIET = JobContext.silent()
CONSENT = "mirror.cloud.allow_unsealed"


@pytest.fixture
def google() -> Iterator[DriveStandIn]:
    with drive_stand_in() as server:
        yield server


@pytest.fixture
def cloud(library: Library, google: DriveStandIn) -> Library:
    """Return the library with a mirror that is called ``cloud`` and nobody has agreed to yet."""
    connect(point(library, google))
    # Sealing the catalogue costs a second each time; one test does it.
    library.settings.set(OWNER, "backup.password", "")
    wishes = {"kind": "drive", "enabled": True, "clear_catalogue": True}
    library.settings.set_destination(OWNER, "mirror", "cloud", wishes, {})
    return library


def there(google: DriveStandIn) -> dict[str, str]:
    """Return the hash of every image there by its name below the mirror's folder."""
    start = "Bitewing mirror/"
    seen = {name.removeprefix(start): data for name, data in google.tree().items() if name.startswith(start)}
    return {
        name: hashlib.sha256(data).hexdigest()
        for name, data in seen.items()
        if not name.startswith("bitewing-catalogue/")
    }


def blocked(library: Library) -> str | None:
    [queue] = [queue for queue in library.outbox.queues(OWNER) if queue.name == "mirror.cloud"]
    return queue.blocked_code


def test_without_consent_nothing_goes(cloud: Library, google: DriveStandIn, tmp_path: Path) -> None:
    fill(cloud, tmp_path / "in")
    cloud.settings.set(OWNER, "backup.password", PASSWORD)
    with pytest.raises(BitewingError) as caught:
        cloud.mirrors.sync(OWNER, QUIET)
    assert caught.value.code == "store.unsealed_refused"
    with pytest.raises(BitewingError) as tried:
        cloud.mirrors.test(OWNER, "cloud", QUIET)
    assert tried.value.code == "store.unsealed_refused"
    assert google.tree() == {}
    # Consent is an administrator's, and stands in the audit log.
    dentist = Actor("d", "d", Role.DENTIST, "w")
    with pytest.raises(RefusedError):
        cloud.settings.set(dentist, CONSENT, "true")
    assert not cloud.store.audit.list(action="settings.change", entity_id=CONSENT)
    cloud.settings.set(OWNER, CONSENT, "true")
    [entry] = cloud.store.audit.list(action="settings.change", entity_id=CONSENT)
    assert entry.actor_id == OWNER.id
    system = cloud.mirrors.test(OWNER, "cloud", QUIET)
    assert (system.kind, system.free_bytes) == ("drive", 15 << 30)
    report = cloud.mirrors.sync(OWNER, QUIET)
    assert (report.drained.sent, report.drained.failed, report.queued) == (4, 0, 0)
    assert there(google) == wanted(cloud)
    # Of the sealed catalogue beside them nobody can read anything.
    sealed = [data for name, data in google.tree().items() if "bitewing-catalogue" in name]
    assert len(sealed) == 1
    assert b"SQLite" not in sealed[0]
    assert cloud.mirrors.sync(OWNER, QUIET).drained.sent == 0


def test_corrections_comparing_and_what_is_missing_here(cloud: Library, google: DriveStandIn, tmp_path: Path) -> None:
    cloud.settings.set(OWNER, CONSENT, "true")
    fill(cloud, tmp_path / "in")
    other = cloud.patients.add(OWNER, PatientDraft("Roe", "Rick", "99"))
    cloud.mirrors.sync(OWNER, QUIET)
    moved, deleted, lost, altered = cloud.images.list(OWNER)
    cloud.images.move(OWNER, [moved.id], Filing(patient_id=other.id))
    cloud.images.delete(OWNER, [deleted.id])
    assert cloud.mirrors.sync(OWNER, QUIET).drained.failed == 0
    assert there(google) == wanted(cloud)
    # Taken away behind everybody's back: found, and sent again.
    google.files = {key: one for key, one in google.files.items() if one.name != Path(altered.path).name}
    found = cloud.verification.run(OWNER, QUIET, "cloud", deep=True)
    assert (found.missing, found.different, found.extra, found.verified) == (1, 0, 0, 2)
    assert cloud.mirrors.sync(OWNER, QUIET).drained.sent == 1
    assert there(google) == wanted(cloud)
    # Gone here: fetched from there, proven, when somebody opens the image.
    path = cloud.paths.root / lost.path
    path.unlink()
    record = cloud.images.get(OWNER, lost.id)
    assert cloud.fetcher.fetch(record, QUIET)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == lost.sha256


def test_an_account_that_ended_and_another_one(cloud: Library, google: DriveStandIn, tmp_path: Path) -> None:
    cloud.settings.set(OWNER, CONSENT, "true")
    fill(cloud, tmp_path / "in", 1)
    cloud.mirrors.sync(OWNER, QUIET)
    assert len(there(google)) == 2
    google.revoke_all()
    photograph(tmp_path / "more" / "photo.jpg", 50)
    filing = Filing(patient_id=cloud.patients.resolve(OWNER, "17").id, tooth="8", image_type=ImageType.AFTER)
    cloud.imports.run(OWNER, ImportArgs((tmp_path / "more",), filing), QUIET)
    assert cloud.mirrors.sync(OWNER, QUIET).drained.blocked == "store.unauthorized"
    # Said once, on the account's own page too, and Google is not asked again.
    assert cloud.drive.standing(OWNER).is_revoked
    google.requests.clear()
    with pytest.raises(BitewingError) as caught:
        cloud.mirrors.sync(OWNER, QUIET)
    assert caught.value.code == "drive.revoked"
    assert google.requests == []
    assert [event.code for event in cloud.events.list(OWNER)].count("drive.revoked") == 1
    # Signed in again, what waits goes; the same account has all the rest.
    connect(cloud)
    assert blocked(cloud) is None
    assert cloud.mirrors.sync(OWNER, QUIET).drained.sent == 1
    assert there(google) == wanted(cloud)
    # Somebody else's Drive has nothing of it.
    google.files.clear()
    google.email = "another@example.org"
    cloud.drive.connect(OWNER, browse, ("", ""), QUIET)
    assert cloud.mirrors.sync(OWNER, QUIET).drained.sent == 3
    assert there(google) == wanted(cloud)
    cloud.drive.disconnect(OWNER)
    with pytest.raises(BitewingError) as away:
        cloud.mirrors.sync(OWNER, QUIET)
    assert away.value.code == "drive.not_connected"


def test_a_lost_library_comes_back(
    cloud: Library,
    google: DriveStandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Only the account is left: signed in from an empty library, the mirror gives catalogue and images back."""
    cloud.settings.set(OWNER, CONSENT, "true")
    fill(cloud, tmp_path / "in")
    cloud.mirrors.sync(OWNER, QUIET)
    before, root = wanted(cloud), tmp_path / "new"
    monkeypatch.setattr(Library, "drive", property(lambda its: point(its, google).__dict__["drive"]))
    words = ["mirror", "--pull", "--from", "drive:", "--library", str(root), "--json"]
    assert run(words) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "drive.not_connected"
    assert not root.exists()
    with open_library(root, create=True) as empty:
        connect(empty)
    assert run(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["downloaded"], told["failed"]) == (4, 0)
    with open_library(root, create=False) as again:
        assert wanted(again) == before
        assert {path: hashlib.sha256((root / path).read_bytes()).hexdigest() for path in before} == before
    # The one that came back is signed in, and goes on from there.
    lost = root / next(iter(before))
    lost.unlink()
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out)["downloaded"] == 1
    assert lost.is_file()
