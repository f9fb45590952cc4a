"""The folder monitor in trouble: replaced files, folders made anew, full disks, bad rules, cut-off moves (A15, A16)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.patient import PatientDraft
from app.services.monitor import MonitorReport
from app.storage.events import EventFilter
from app.sync.monitor import engine, settling
from app.sync.monitor.listing import Seen
from tests.integration.import_material import photograph, radiograph
from tests.integration.monitor.watching import images, wait_for, watch

QUIET = JobContext.silent()
MORE_THAN_ANY_DISK = 10**15


def once(library: Library) -> MonitorReport:
    return library.monitor.run(library.owner(), QUIET, once=True)


def event_codes(library: Library) -> list[str]:
    return [event.code for event in library.events.list(library.owner(), EventFilter())]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("after", ["leave", "move", "delete"])
def test_todays_count_and_the_history_stay(library: Library, folder: Path, after: str) -> None:
    watch(library, folder, after=after)
    for number in range(3):
        radiograph(folder / f"{number}.dcm", number)
    once(library)
    for _again in range(2):
        assert library.monitor.status(library.owner())[0].today == 3
        assert len(library.monitor.history(library.owner(), str(folder))) == 3
        once(library)


@pytest.mark.usefixtures("quick")
def test_a_file_replaced_by_one_of_the_same_size_and_time_is_seen(library: Library, folder: Path) -> None:
    watch(library, folder)
    path = radiograph(folder / "a.dcm", 1, SOPInstanceUID="1.2.3.1", SeriesInstanceUID="1.2.3.9")
    status = path.stat()
    once(library)
    other = radiograph(folder.parent / "b.dcm", 2, SOPInstanceUID="1.2.3.2", SeriesInstanceUID="1.2.3.9")
    assert other.stat().st_size == status.st_size
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert once(library).counts["imported"] == 1


@pytest.mark.usefixtures("quick")
def test_a_file_that_was_only_touched_keeps_its_history(library: Library, folder: Path) -> None:
    watch(library, folder)
    radiograph(folder / "a.dcm", 1)
    once(library)
    (folder / "a.dcm").chmod(0o600)
    assert once(library).counts == {"duplicate": 1}
    assert library.monitor.status(library.owner())[0].today == 1


@pytest.mark.usefixtures("quick")
def test_the_same_name_again_after_the_file_was_taken_away(library: Library, folder: Path) -> None:
    watch(library, folder, after="delete")
    for number in (1, 2):
        radiograph(folder / "image.dcm", number)
        assert once(library).counts == {"imported": 1}
        once(library)


@pytest.mark.usefixtures("quick")
def test_a_bad_folder_does_not_stop_the_others(library: Library, folder: Path) -> None:
    radiograph(folder / "a.dcm", 1)
    inside = {"path": str(library.paths.root / "cache")}
    library.settings.set_value(library.owner(), "monitor.folders", [inside, {"path": str(folder)}])
    assert once(library).counts["imported"] == 1
    assert "monitor.bad_folder" in event_codes(library)
    library.settings.set_value(library.owner(), "monitor.folders", [inside])
    with pytest.raises(BitewingError, match=r"monitor\.bad_folder"):
        once(library)


def test_a_bad_rule_is_refused_when_it_is_set(library: Library) -> None:
    with pytest.raises(BitewingError, match=r"monitor\.bad_rule"):
        library.settings.set_value(library.owner(), "monitor.folders", [{"path": "/a", "rule": "magic"}])
    assert library.settings.workstation().monitor_folders == []


@pytest.mark.usefixtures("quick")
def test_folders_inside_folders_say_patient_and_tooth(library: Library, folder: Path) -> None:
    library.patients.add(library.owner(), PatientDraft("Doe", "Jane", "H-17"))
    watch(library, folder, rule="folder:{family}_{given}/{tooth}")
    photograph(folder / "Doe_Jane" / "14" / "deeper" / "a.jpg", 1)
    photograph(folder / "Doe_Jane" / "b.jpg", 2)
    assert once(library).counts == {"imported": 1, "inbox": 1}
    assert [record.tooth for record in images(library) if record.patient_id] == ["14"]


@pytest.mark.usefixtures("quick")
def test_a_move_that_was_cut_off_is_finished(library: Library, folder: Path) -> None:
    watch(library, folder, after="move")
    path = radiograph(folder / "a.dcm", 1)
    (folder / "imported").mkdir()
    os.link(path, folder / "imported" / "a.dcm")
    once(library)
    assert sorted(found.name for found in folder.rglob("*.dcm")) == ["a.dcm"]
    assert not path.exists()


@pytest.mark.usefixtures("quick")
def test_what_a_closed_folder_holds_is_not_forgotten(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(library, folder)
    radiograph(folder / "sub" / "a.dcm", 1)
    once(library)
    really = os.scandir

    def closed(path: object) -> object:
        if str(path).rstrip("/").endswith("sub"):
            raise PermissionError(str(path))
        return really(path)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr("app.sync.monitor.listing.os.scandir", closed)
        once(library)
    assert once(library).counts.total() == 0


@pytest.mark.usefixtures("quick")
def test_trying_again_leaves_no_trail(
    library: Library, folder: Path, running: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "UNRIPE_S", 0.2)
    library.settings.set_value(library.owner(), "storage.reserve_bytes", MORE_THAN_ANY_DISK)
    watch(library, folder)
    radiograph(folder / "a.dcm", 1)
    running()
    wait_for(lambda: "monitor.waits" in event_codes(library), 20)
    time.sleep(2)
    assert event_codes(library).count("monitor.waits") == 1
    assert library.store.jobs.list() == []
    library.settings.set_value(library.owner(), "storage.reserve_bytes", 0)
    wait_for(lambda: len(images(library)) == 1, 20)
    assert len(library.store.jobs.list()) == 1


@pytest.mark.usefixtures("quick")
def test_a_folder_that_vanishes_in_a_large_drop_is_one_event(
    library: Library, folder: Path, running: Callable[[], None]
) -> None:
    watch(library, folder)
    for number in range(150):
        photograph(folder / f"{number}.jpg", number)
    running()
    wait_for(lambda: len(images(library)) > 5, 30)
    away = folder.rename(folder.with_name("away"))
    wait_for(lambda: "monitor.away" in event_codes(library), 10)
    assert len(event_codes(library)) <= 2
    away.rename(folder)
    wait_for(lambda: len(images(library)) == 150, 60)


@pytest.mark.usefixtures("quick")
def test_a_folder_made_anew_is_heard_again(library: Library, folder: Path, running: Callable[[], None]) -> None:
    library.settings.set_value(library.owner(), "monitor.interval", 30)
    watch(library, folder)
    running()
    time.sleep(1.0)
    shutil.rmtree(folder)
    folder.mkdir()
    time.sleep(1.5)
    radiograph(folder / "a.dcm", 1)
    wait_for(lambda: len(images(library)) == 1, 8)


def test_no_folder_waits_for_anothers_mountain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settling, "APART_S", 0.0)
    monkeypatch.setattr(engine, "TURN_S", 0.05)
    order: list[str] = []

    class Slow:
        def marks(self, rule: object) -> dict[str, engine.Mark]:
            return {}

        def take(self, rule: object, files: list[engine.Ripe], ctx: JobContext) -> list[engine.Handled]:
            time.sleep(0.1)
            order.append(rule.path)  # type: ignore[attr-defined]
            return [engine.Handled(file.path, file.seen, settled=True) for file in files]

        def forget(self, rule: object, paths: object) -> None: ...

        def told(self, rule: object, code: str) -> None: ...

    many, few = tmp_path / "many", tmp_path / "few"
    for place, count in ((many, 4 * engine.BATCH), (few, 1)):
        place.mkdir()
        for number in range(count):
            (place / f"{number}.jpg").write_bytes(b"x")
    rules = [engine.WatchRule(str(many)), engine.WatchRule(str(few))]
    engine.Monitor(rules, Slow(), 30.0).run(QUIET, once=True)
    assert order.index(str(few)) < 2
    assert order.count(str(many)) == 4


def test_a_hundred_thousand_files_at_once_are_settled_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "APART_S", 0.0)
    taken = []

    class Port:
        def marks(self, rule: object) -> dict[str, engine.Mark]:
            return {}

        def take(self, rule: object, files: list[engine.Ripe], ctx: JobContext) -> list[engine.Handled]:
            taken.extend(file.path for file in files)
            return [engine.Handled(file.path, file.seen, settled=True) for file in files]

        def forget(self, rule: object, paths: object) -> None: ...

        def told(self, rule: object, code: str) -> None: ...

    def crowd(_root: Path, _unread: set[str]) -> list[tuple[str, Seen]]:
        return [(f"{number}.dcm", Seen(1, 1, 1, number)) for number in range(100_000)]

    monkeypatch.setattr(engine, "look", crowd)
    monkeypatch.setattr(engine, "look_at", lambda path: Seen(1, 1, 1, int(path.stem)))
    began = time.monotonic()
    engine.Monitor([engine.WatchRule("/crowd")], Port(), 3600.0).run(QUIET, once=True)
    assert len(taken) == len(set(taken)) == 100_000
    assert time.monotonic() - began < 60


def test_the_command_says_what_could_not_be_taken(tmp_path: Path, folder: Path) -> None:
    root = tmp_path / "library"
    with open_library(root, create=True) as library:
        watch(library, folder)
        library.settings.set_value(library.owner(), "storage.reserve_bytes", MORE_THAN_ANY_DISK)
    radiograph(folder / "a.dcm", 1)
    command = [sys.executable, "-m", "app", "watch", "--once", "--json", "--library", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 1
    assert "a.dcm" in done.stderr
    assert json.loads(done.stdout)["failed"] == 1
