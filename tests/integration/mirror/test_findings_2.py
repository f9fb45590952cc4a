"""What a stranger who read the code found wrong with mirrors: each was a failing test first."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import Cancelled, TransientFault
from app.domain.image import Filing
from app.domain.roles import owner
from app.sync.report import ImportArgs
from app.transfer.stores.folder import FolderStore
from tests.integration.import_material import radiograph
from tests.integration.mirror.test_folder_mirror import fill, there, wanted

OWNER, QUIET = owner("test"), JobContext.silent()


def test_rows_of_a_patient_held_up(library: Library, place: Path, tmp_path: Path, monkeypatch) -> None:

    for number in range(3):
        radiograph(tmp_path / "in" / f"{number}.dcm", number)
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
    library.settings.set(OWNER, "mirror.nas.interval", "1")

    def altered(self, source, name, ctx, on_block=None):
        raise TransientFault("store.altered", name=name)

    monkeypatch.setattr("app.transfer.stores.retrying.RetryingStore.put", altered)
    monkeypatch.setattr("app.sync.outbox.delay_s", lambda _tries, _chance: 600.0)
    token = CancelToken()
    thread = threading.Thread(target=lambda: _run(library, JobContext(token)))
    thread.start()
    time.sleep(8)
    token.cancel()
    thread.join(20)
    rows = [(job.kind, job.state.value, job.counts) for job in library.activity.jobs(OWNER) if job.kind == "mirror"]
    for row in rows:
        print(row)
    assert len(rows) <= 2


def _run(library, ctx):
    try:
        library.sending.run(OWNER, ctx, "mirror.nas")
    except Cancelled:
        pass
    finally:
        library.close_thread()


def test_stopping_during_a_long_upload(library: Library, place: Path, tmp_path: Path, monkeypatch) -> None:
    fill(library, tmp_path / "in", 1)
    begun = threading.Event()

    def slow(self, source, name, ctx, on_block=None):
        begun.set()
        for _block in range(100):
            ctx.wait(0.1)
        raise TransientFault("store.slow")

    monkeypatch.setattr(FolderStore, "put", slow)
    token = CancelToken()
    thread = threading.Thread(target=lambda: _run(library, JobContext(token)))
    thread.start()
    assert begun.wait(10)
    token.cancel()
    started = time.monotonic()
    thread.join(30)
    assert time.monotonic() - started < 3


def test_whose_file_is_called_back(library: Library, place: Path, tmp_path: Path) -> None:
    """Two images whose files have the same name and size change teeth."""
    radiograph(tmp_path / "in" / "0.dcm", 0)
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
    radiograph(tmp_path / "in2" / "1.dcm", 1)
    library.imports.run(OWNER, ImportArgs((tmp_path / "in2",)), QUIET)
    one, two = library.images.list(OWNER)
    assert one.size_bytes == two.size_bytes
    library.images.move(OWNER, [one.id], Filing(tooth="8"))
    # What two imports in the same millisecond make (a window and a command).
    one, two = library.images.get(OWNER, one.id), library.images.get(OWNER, two.id)
    (library.paths.root / one.path).rename(library.paths.root / one.directory / two.filename)
    with library.store.write():
        library.store.database.execute("UPDATE images SET filename = ? WHERE id = ?", (two.filename, one.id))
    library.mirrors.sync(OWNER, QUIET)
    assert there(place) == wanted(library)
    library.images.move(OWNER, [one.id], Filing(tooth="9"))
    library.images.move(OWNER, [two.id], Filing(tooth="8"))
    for _ in range(4):
        library.mirrors.sync(OWNER, QUIET)
    assert there(place) == wanted(library)


def test_lines_after_a_pool_that_takes_nothing() -> None:
    from app.sync.lines import Lines

    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    lines = Lines(pool, lambda _item: None, 4)
    with pytest.raises(RuntimeError):
        lines.feed("a", 1)
    done = threading.Event()
    thread = threading.Thread(target=lambda: (lines.join(), done.set()), daemon=True)
    thread.start()
    assert done.wait(3)


def test_source_moved_between(library: Library, place: Path, tmp_path: Path, monkeypatch) -> None:
    fill(library, tmp_path / "in", 1)
    from app.services.mirroring.sending import MirrorSender

    send, moved = MirrorSender.send, []

    def late(self, entry, ready):
        if not moved and ready.carried[1].tooth == "8":
            moved.append(library.images.move(OWNER, [entry.image_id], Filing(tooth="3")))
        return send(self, entry, ready)

    monkeypatch.setattr(MirrorSender, "send", late)
    report = library.mirrors.sync(OWNER, QUIET)
    assert there(place) == wanted(library)
    assert report.drained.failed == 0
