"""What a stranger who read the code found wrong with mirrors: each was a failing test first."""

from __future__ import annotations

from pathlib import Path

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.domain.roles import owner
from app.transfer.stores.folder import FolderStore
from tests.integration.mirror.test_folder_mirror import fill, there, wanted

OWNER, QUIET = owner("test"), JobContext.silent()


def sync(library, n=3):
    for _ in range(n):
        report = library.mirrors.sync(OWNER, QUIET)
    return report


def test_layout_from_its_default(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in")
    sync(library)
    library.settings.set(OWNER, "mirror.nas.layout", "clinical-images")
    sync(library)
    assert [name for name in there(place) if name.startswith("clinical-images/")] != []


def test_another_layout_leaves_nothing_behind(library: Library, place: Path, tmp_path: Path) -> None:
    library.settings.set(OWNER, "mirror.nas.layout", "library")
    fill(library, tmp_path / "in")
    sync(library)
    library.settings.set(OWNER, "mirror.nas.layout", "clinical-images")
    sync(library)
    for image in library.images.list(OWNER):
        library.images.delete(OWNER, [image.id])
    # All at once is much: it waits until somebody agrees.
    library.removals.agree(OWNER, "mirror.nas")
    sync(library)
    assert there(place) == {}


def test_the_same_place_written_otherwise(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in")
    sync(library)
    library.images.delete(OWNER, [library.images.list(OWNER)[0].id])
    library.settings.set(OWNER, "mirror.nas.path", f"{place}/")
    sync(library)
    assert there(place) == wanted(library)


def test_size_alone_is_no_proof(library: Library, place: Path, tmp_path: Path) -> None:
    """A power cut left files of the right length and nothing in them at a place that is used again."""
    fill(library, tmp_path / "in")
    sync(library)
    other = tmp_path / "other"
    for image in library.images.list(OWNER):
        (other / image.path).parent.mkdir(parents=True, exist_ok=True)
        (other / image.path).write_bytes(bytes(image.size_bytes))
    library.settings.set(OWNER, "mirror.nas.path", str(other))
    sync(library)
    assert there(other) == wanted(library)


def test_another_place_while_images_are_on_their_way(
    library: Library, place: Path, tmp_path: Path, monkeypatch
) -> None:
    fill(library, tmp_path / "in")
    other = tmp_path / "other"
    other.mkdir()
    put, changed = FolderStore.put, []

    def late(self, source, name, ctx, on_block=None):
        stat = put(self, source, name, ctx, on_block)
        if not changed:
            changed.append(library.settings.set(OWNER, "mirror.nas.path", str(other)))
        return stat

    monkeypatch.setattr(FolderStore, "put", late)
    sync(library)
    assert library.outbox.lacking(OWNER)[0] == (0, True)
    assert there(other) == wanted(library)
