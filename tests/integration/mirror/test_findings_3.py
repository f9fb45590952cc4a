"""What a stranger who read the code found wrong with mirrors: each was a failing test first."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.domain.roles import owner
from tests.integration.mirror.test_folder_mirror import fill

OWNER, QUIET = owner("test"), JobContext.silent()


def test_back_to_the_first_path_while_the_drive_is_away(library: Library, place: Path, tmp_path: Path) -> None:
    """A, then B, then A again with an empty mount point in its place."""
    fill(library, tmp_path / "in", 1)
    library.mirrors.sync(OWNER, QUIET)
    other = tmp_path / "other"
    other.mkdir()
    library.settings.set(OWNER, "mirror.nas.path", str(other))
    library.mirrors.sync(OWNER, QUIET)
    place.rename(tmp_path / "unplugged")
    place.mkdir()
    library.settings.set(OWNER, "mirror.nas.path", str(place))
    with library.store.write():
        library.store.database.execute("DELETE FROM copies")
    library.settings.set(OWNER, "mirror.nas.interval", "60")
    assert library.mirrors.sync(OWNER, QUIET).drained.away == "store.other_drive"


def test_two_mirrors_one_folder(library: Library, place: Path, tmp_path: Path) -> None:
    library.settings.set_destination(OWNER, "mirror", "two", {"path": str(place), "enabled": True}, {})
    fill(library, tmp_path / "in", 1)
    library.mirrors.sync(OWNER, QUIET)
    library.settings.set(OWNER, "mirror.two.enabled", "false")
    library.images.delete(OWNER, [library.images.list(OWNER)[0].id])


def test_forbidden_folder_is_said(library: Library, place: Path, tmp_path: Path, monkeypatch) -> None:
    from app.transfer.stores.folder import FolderStore
    from app.ui.destinations.states import destination_state

    fill(library, tmp_path / "in", 1)

    def adopt(self):
        raise EnvironmentFault("store.forbidden", name=str(place))

    monkeypatch.setattr(FolderStore, "adopt", adopt)
    with pytest.raises(EnvironmentFault):
        library.sending.run(OWNER, QUIET, "mirror.nas")
    [one] = library.watchdog.destinations(OWNER)
    assert destination_state(one)[0].value == "red", destination_state(one)


def test_drive_never_seen_is_amber(library: Library, place: Path, tmp_path: Path) -> None:
    from app.ui.destinations.states import destination_state

    fill(library, tmp_path / "in", 1)
    place.rmdir()
    library.mirrors.sync(OWNER, QUIET)
    [one] = library.watchdog.destinations(OWNER)
    assert destination_state(one)[0].value == "amber", destination_state(one)


def test_saving_unchanged_settings_audits_nothing(library: Library, place: Path) -> None:
    library.settings.set_destination(OWNER, "mirror", "nas", {"interval": 60, "allow_plain": False}, {})
    rows = library.store.database.rows("SELECT entity_id, details FROM audit ORDER BY rowid DESC LIMIT 2")
    print(rows)
    assert not any("allow_plain" in row[0] for row in rows)


def test_parked_event_for_a_cancelled_entry(library: Library, place: Path, tmp_path: Path, monkeypatch) -> None:
    from app.domain.image import Filing
    from app.services.mirroring.sending import MirrorSender

    fill(library, tmp_path / "in", 1)
    send, moved = MirrorSender.send, []

    def late(self, entry, ready):
        if not moved and ready.carried[1].tooth == "8":
            moved.append(library.images.move(OWNER, [entry.image_id], Filing(tooth="3")))
        return send(self, entry, ready)

    monkeypatch.setattr(MirrorSender, "send", late)
    library.mirrors.sync(OWNER, QUIET)
    rows = library.store.database.rows("SELECT code, facts FROM events")
    assert not any("parked" in row[0] for row in rows), rows
