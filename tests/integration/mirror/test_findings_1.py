"""What a stranger who read the code found wrong with mirrors: each was a failing test first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.domain.roles import owner
from tests.integration.mirror.test_folder_mirror import fill, there, wanted

OWNER, QUIET = owner("test"), JobContext.silent()


def sync(library, n=4):
    for _ in range(n):
        report = library.mirrors.sync(OWNER, QUIET)
    return report


def test_moved_while_disabled(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in")
    sync(library)
    other = library.patients.add(OWNER, PatientDraft("Roe", "Rick", "99"))
    library.settings.set(OWNER, "mirror.nas.enabled", "false")
    library.images.move(OWNER, [library.images.list(OWNER)[0].id], Filing(patient_id=other.id))
    library.settings.set(OWNER, "mirror.nas.enabled", "true")
    sync(library)
    assert library.outbox.lacking(OWNER)[0] == (0, True)
    assert there(place) == wanted(library)


def test_tooth_corrected_while_disabled(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in")
    sync(library)
    library.settings.set(OWNER, "mirror.nas.enabled", "false")
    library.images.move(OWNER, [library.images.list(OWNER)[0].id], Filing(tooth="3"))
    library.settings.set(OWNER, "mirror.nas.enabled", "true")
    sync(library)
    assert there(place) == wanted(library)


def test_deleted_and_restored_while_disabled(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in")
    sync(library)
    library.settings.set(OWNER, "mirror.nas.enabled", "false")
    image = library.images.list(OWNER)[0]
    library.images.delete(OWNER, [image.id])
    library.images.restore(OWNER, [image.id])
    library.settings.set(OWNER, "mirror.nas.enabled", "true")
    sync(library)
    assert there(place) == wanted(library)


def test_other_path(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in")
    sync(library)
    new = tmp_path / "new"
    new.mkdir()
    library.settings.set(OWNER, "mirror.nas.path", str(new))
    sync(library)
    assert there(new) == wanted(library)


def test_forgotten_and_made_anew(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in")
    sync(library)
    library.settings.forget(OWNER, "mirror", "nas")
    new = tmp_path / "new"
    new.mkdir()
    library.settings.set_destination(OWNER, "mirror", "nas", {"kind": "folder", "path": str(new), "enabled": True}, {})
    sync(library)
    assert there(new) == wanted(library)


def test_new_drive_at_the_same_place(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in")
    sync(library)
    shutil.rmtree(place)  # The drive died.
    place.mkdir()  # A new one at the same letter.
    library.settings.forget(OWNER, "mirror", "nas")
    library.settings.set_destination(
        OWNER, "mirror", "nas", {"kind": "folder", "path": str(place), "enabled": True}, {}
    )
    with library.store.write():
        library.store.database.execute("DELETE FROM copies")
    library.settings.set(OWNER, "mirror.nas.interval", "60")
    report = sync(library)
    assert report.drained.away is None
    assert there(place) == wanted(library)


def test_attempt_after_recall_is_said_to_be_proven(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    sync(library)
    image = library.images.list(OWNER)[0]
    library.images.delete(OWNER, [image.id])
    sync(library)
    library.images.restore(OWNER, [image.id])
    place.rename(tmp_path / "unplugged")
    library.mirrors.sync(OWNER, QUIET)
    assert library.outbox.whereabouts(OWNER, image.id).copies == ()


def test_blocked_stays_blocked(library: Library, place: Path, tmp_path: Path, monkeypatch) -> None:
    from app.transfer.stores.folder import FolderStore

    fill(library, tmp_path / "in", 6)
    put, count = FolderStore.put, []

    def full(self, source, name, ctx, on_block=None):
        count.append(name)
        if len(count) > 3:
            raise EnvironmentFault("store.full", name=name)
        return put(self, source, name, ctx, on_block)

    monkeypatch.setattr(FolderStore, "put", full)
    library.settings.set(OWNER, "mirror.nas.connections", "1")
    report = library.mirrors.sync(OWNER, QUIET)
    assert report.drained.blocked == "store.full"
    [queue] = library.outbox.queues(OWNER)
    assert queue.blocked_code == "store.full", queue


def test_unreadable_secret_is_said(library: Library, tmp_path: Path, monkeypatch) -> None:
    fill(library, tmp_path / "in", 1)
    library.settings.set_destination(OWNER, "mirror", "off", {"kind": "sftp", "host": "127.0.0.1", "enabled": True}, {})
    monkeypatch.setattr(
        type(library.settings), "secret", lambda _self, _key: (_ for _ in ()).throw(EnvironmentFault("secrets.no_key"))
    )
    with pytest.raises(EnvironmentFault):
        library.sending.run(OWNER, QUIET, "mirror.off")
    from app.ui.destinations.states import destination_state

    [one] = library.watchdog.destinations(OWNER)
    assert one.queue.blocked_code is not None, destination_state(one)


def test_first_mirror_broken_second_goes_on(library: Library, place: Path, tmp_path: Path) -> None:
    library.settings.set_destination(
        OWNER, "mirror", "a", {"kind": "folder", "path": str(library.paths.root / "x"), "enabled": True}, {}
    )
    fill(library, tmp_path / "in", 1)
    library.mirrors.sync(OWNER, QUIET)
    assert there(place) == wanted(library)


def test_view_corrected_uploads_again(library: Library, place: Path, tmp_path: Path) -> None:
    from app.services.images import Details

    fill(library, tmp_path / "in", 1)
    sync(library)
    image = library.images.list(OWNER)[0]
    library.images.edit_details(OWNER, image.id, Details(teeth=("9",)))
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.sent, report.drained.bytes) == (0, 0)
