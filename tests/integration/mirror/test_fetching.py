"""A file that is missing here comes back when its image is opened: from a mirror, proven, and the record repaired."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault
from app.domain.roles import owner
from app.services.mirroring import fetching
from tests.integration.mirror.conftest import Away
from tests.integration.mirror.test_pull_back import mirrored

OWNER, QUIET = owner("test"), JobContext.silent()


def test_opening_an_image_brings_its_file_back(library: Library, away: Away, tmp_path: Path) -> None:
    mirrored(library, away, tmp_path / "in", 2)
    image = library.images.list(OWNER)[0]
    path = library.paths.root / image.path
    data = path.read_bytes()
    path.unlink()
    frame = library.viewing.frame(OWNER, image.id)
    assert (frame.rows, frame.columns) == (image.rows, image.columns)
    assert path.read_bytes() == data
    assert library.check.run(OWNER, True, QUIET).is_sound
    said = [entry for entry in library.store.audit.list(limit=20) if entry.details.get("fetched_from")]
    assert [(entry.entity_id, entry.details["fetched_from"]) for entry in said] == [(image.id, "mirror.away")]
    assert library.fetcher.progress_of(image.id) is None


def test_a_thumbnail_or_a_listing_waits_for_no_server(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 1)
    image = library.images.list(OWNER)[0]
    (library.paths.root / image.path).unlink()
    with pytest.raises(EnvironmentFault, match=r"image\.file_missing"):
        library.locator.path_of(image)
    assert not (library.paths.root / image.path).exists()


def test_wrong_bytes_are_no_image(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 1)
    image = library.images.list(OWNER)[0]
    path = library.paths.root / image.path
    folder_away.put(image.path, bytes(image.size_bytes))
    path.unlink()
    with pytest.raises(EnvironmentFault, match=r"image\.file_missing"):
        library.viewing.frame(OWNER, image.id)
    assert not path.exists()


def test_a_mirror_that_is_away_is_asked_once_a_minute(
    library: Library, folder_away: Away, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrored(library, folder_away, tmp_path / "in", 2)
    first, second, _third = library.images.list(OWNER)
    assert folder_away.folder is not None
    unplugged = folder_away.folder.rename(tmp_path / "unplugged")
    for image in (first, second):
        (library.paths.root / image.path).unlink()
        with pytest.raises(BitewingError, match=r"image\.file_missing"):
            library.images.path_of(OWNER, image.id)
    unplugged.rename(folder_away.folder)
    with pytest.raises(BitewingError, match=r"image\.file_missing"):
        library.images.path_of(OWNER, first.id)
    later = time.monotonic() + fetching.AWAY_S + 1
    monkeypatch.setattr(fetching.time, "monotonic", lambda: later)
    assert library.images.path_of(OWNER, first.id).is_file()
    assert library.images.path_of(OWNER, second.id).is_file()


def test_its_progress_is_told_and_stopping_leaves_nothing(library: Library, sftp_away: Away, tmp_path: Path) -> None:
    mirrored(library, sftp_away, tmp_path / "in", 1)
    image = library.images.list(OWNER)[0]
    path = library.paths.root / image.path
    path.unlink()
    seen = []

    class Watched(CancelToken):
        def check(self) -> None:
            progress = library.fetcher.progress_of(image.id)
            if progress is not None:
                seen.append(progress)
                self.cancel()
            super().check()

    with pytest.raises(Cancelled):
        library.locator.path_of(image, JobContext(Watched()))
    assert (seen[0].total, seen[0].unit) == (image.size_bytes, "bytes")
    assert library.fetcher.progress_of(image.id) is None
    assert not path.exists()
    assert [one for one in library.paths.incoming.iterdir() if one.is_dir()] == []
    # Having been stopped is no reason to leave the mirror alone.
    assert library.images.path_of(OWNER, image.id).is_file()
