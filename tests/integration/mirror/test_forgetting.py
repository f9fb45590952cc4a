"""Forgetting a destination that much waits for: nobody waits for it, and one of the same name is another one."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.domain.changes import ChangeKind, Entity
from app.domain.roles import Action, owner
from app.storage.destinations import FILL

OWNER = owner("test")
ENTRIES, LONG_ENTRIES = 60_000, 200_000


def fill(library: Library, place: Path, count: int) -> None:
    """Have a mirror with that much in its queue, and as much lying there."""
    values = {"path": str(place), "enabled": True}
    library.settings.set_destination(OWNER, "mirror", "nas", values, {})
    database = library.store.database
    with database.write():
        database.execute_many(
            "INSERT INTO outbox (destination, image_id, patient_id, wish, added_at, changed_at)"
            " VALUES ('mirror.nas', ?, 'p', 'put', 0, 0)",
            ((f"image-{number}",) for number in range(count)),
        )
        database.execute_many(
            "INSERT INTO copies (image_id, destination, remote_id, digest, how, confirmed_at)"
            " VALUES (?, 'mirror.nas', ?, 'd', 'stored', 0)",
            ((f"image-{number}", f"remote-{number}") for number in range(count)),
        )


def left(library: Library) -> tuple[int, int]:
    database = library.store.database
    waiting = database.value("SELECT COUNT(*) FROM outbox WHERE destination = 'mirror.nas' AND state = 'waiting'")
    return waiting, database.value("SELECT COUNT(*) FROM copies WHERE destination = 'mirror.nas' AND gone_at IS NULL")


def test_nobody_waits_while_much_is_forgotten(library: Library, tmp_path: Path, long_run: bool) -> None:
    count = LONG_ENTRIES if long_run else ENTRIES
    fill(library, tmp_path, count)
    began = time.monotonic()
    library.settings.forget(OWNER, "mirror", "nas")
    forgotten_s = time.monotonic() - began
    assert library.outbox.queues(OWNER) == []
    waits: list[float] = []
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            asked = time.monotonic()
            with library.door.writing(OWNER, Action.SETTINGS_CHANGE) as unit:
                unit.changed(Entity.SETTING, ChangeKind.CHANGED, "clinic.name")
            waits.append(time.monotonic() - asked)
            time.sleep(0.005)
        library.close_thread()

    writer = threading.Thread(target=write)
    writer.start()
    began = time.monotonic()
    library.settings.sweep()
    swept_s = time.monotonic() - began
    over.set()
    writer.join()
    print(
        f"forgetting: {count} entries, {forgotten_s * 1000:.0f} ms for who asks, {swept_s:.1f} s behind,"
        f" others waited {max(waits) * 1000:.0f} ms at most"
    )
    assert left(library) == (0, 0)
    assert forgotten_s < 0.25
    # In one transaction it was seconds.
    assert max(waits) < 0.5
    assert library.store.destinations.sweep() is False


def test_one_of_the_same_name_gets_nothing_of_the_old(library: Library, tmp_path: Path) -> None:
    fill(library, tmp_path, FILL + 10)
    library.settings.forget(OWNER, "mirror", "nas")
    assert library.store.destinations.sweep()
    assert left(library) != (0, 0), "it is half done, as after a crash"
    library.settings.set_destination(OWNER, "mirror", "nas", {"path": str(tmp_path / "other"), "enabled": True}, {})
    assert left(library) == (0, 0)
    [queue] = library.outbox.queues(OWNER)
    assert (queue.name, queue.waiting) == ("mirror.nas", 0)


def test_what_is_on_its_way_to_a_forgotten_one_proves_nothing(library: Library, tmp_path: Path) -> None:
    library.settings.set_destination(OWNER, "mirror", "nas", {"path": str(tmp_path), "enabled": True}, {})
    before = library.store.destinations.generation("mirror.nas")
    library.settings.forget(OWNER, "mirror", "nas")
    assert library.store.destinations.generation("mirror.nas") != before
    with pytest.raises(Exception, match=r"settings\.no_connection"):
        library.settings.forget(OWNER, "mirror", "nas")
