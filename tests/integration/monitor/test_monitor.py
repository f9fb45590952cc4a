"""The folder monitor with real folders, real notifications and the real importer (A15, A16; issue 3, item 1)."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.patient import PatientDraft
from app.domain.watch_rules import parse_rule
from app.storage.events import EventFilter
from app.storage.lease import Lease
from app.sync.monitor import settling
from tests.integration.import_material import photograph, radiograph
from tests.integration.monitor.arrivals import Arrivals
from tests.integration.monitor.watching import images, wait_for, watch

QUIET = JobContext.silent()


def _violations(library: Library, files: dict[str, Path]) -> list[str]:
    wanted = {hashlib.sha256(path.read_bytes()).hexdigest(): name for name, path in files.items()}
    found = [record.sha256 for record in library.store.images.stream()]
    bad = [f"not one of ours: {digest[:8]}" for digest in found if digest not in wanted]
    bad += [f"twice: {wanted[digest]}" for digest in set(found) if digest in wanted and found.count(digest) > 1]
    return bad + [f"missed: {name}" for digest, name in wanted.items() if digest not in found]


def _run_arrivals(
    library: Library,
    folder: Path,
    tmp_path: Path,
    running: Callable[[], None],
    count: int,
    vanish: int,
    pause_s: float,
    away_every_s: float = 3.0,
) -> tuple[list[str], list[float]]:
    arrivals = Arrivals(folder, tmp_path / "stock", count, pause_s)
    files = arrivals.make()
    watch(library, folder)
    running()
    thief = threading.Thread(target=arrivals.vanish, args=(vanish, 1.5, away_every_s))
    thief.start()
    arrivals.bring(files)
    thief.join()
    last = max((*arrivals.done_at.values(), *arrivals.returned_at))
    wait_for(lambda: len(images(library)) >= count or time.time() > last + 20, 90)
    delays = []
    for record in images(library):
        done = arrivals.done_at.get(record.original_name, 0.0)
        came = record.imported_at.timestamp()
        delays.append(came - max(done, *(moment for moment in arrivals.returned_at if moment < came), 0.0))
    return _violations(library, files), sorted(delays)


def test_all_that_arrives_comes_in_once_and_whole(
    library: Library, folder: Path, tmp_path: Path, running: Callable[[], None], long_run: bool
) -> None:
    count, vanish, pause_s = (500, 10, 6.0) if long_run else (40, 2, 1.0)
    every_s = 8.0 if long_run else 3.0
    bad, delays = _run_arrivals(library, folder, tmp_path, running, count, vanish, pause_s, every_s)
    p95 = delays[int(len(delays) * 0.95)] if delays else 99.0
    print(f"{count} files, {vanish} times away: {len(bad)} violations, p95 {p95:.1f} s, slowest {delays[-1]:.1f} s")
    assert bad == []
    assert p95 < 10.0


def test_the_same_arrivals_catch_a_monitor_that_does_not_wait(
    library: Library, folder: Path, tmp_path: Path, running: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "LOOKS", 1)
    monkeypatch.setattr(settling, "UNRIPE_S", 0.0)
    bad, _delays = _run_arrivals(library, folder, tmp_path, running, 24, 0, 2.0)
    assert any("not one of ours" in line for line in bad), bad


@pytest.mark.usefixtures("quick")
class TestRules:
    """What a folder's rule decides."""

    def once(self, library: Library):
        return library.monitor.run(library.owner(), QUIET, once=True)

    def test_litter_links_and_own_folders_are_left_alone(self, library: Library, folder: Path, tmp_path: Path) -> None:
        watch(library, folder)
        outside = photograph(tmp_path / "outside.jpg", 1)
        for name in ("a.jpg.part", "~$a.jpg", ".hidden.jpg", "b.tmp", "c.crdownload", "imported/d.jpg", ".trash/e.jpg"):
            photograph(folder / name, 2)
        (folder / "Thumbs.db").write_bytes(b"x")
        (folder / "link.jpg").symlink_to(outside)
        (folder / "linked").symlink_to(tmp_path)
        photograph(folder / "sub" / "real.jpg", 3)
        report = self.once(library)
        assert (report.counts["inbox"], report.counts.total()) == (1, 1)

    def test_nothing_is_taken_twice_not_even_after_a_restart(self, library: Library, folder: Path) -> None:
        watch(library, folder)
        radiograph(folder / "a.dcm", 1)
        assert self.once(library).counts["imported"] == 1
        assert self.once(library).counts.total() == 0
        (folder / "copy.dcm").write_bytes((folder / "a.dcm").read_bytes())
        assert self.once(library).counts == {"duplicate": 1}
        radiograph(folder / "a.dcm", 2)
        assert self.once(library).counts["imported"] == 1

    @pytest.mark.parametrize("after", ["leave", "move", "delete"])
    def test_what_becomes_of_the_file(self, library: Library, folder: Path, after: str) -> None:
        watch(library, folder, after=after)
        radiograph(folder / "sub" / "a.dcm", 1)
        (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
        (folder / "notes.txt").write_text("hello")
        self.once(library)
        assert (folder / "sub" / "a.dcm").exists() is (after == "leave")
        assert (folder / "imported" / "sub" / "a.dcm").exists() is (after == "move")
        assert (folder / "notes.txt").exists()
        assert (folder / "broken.png").exists()

    def test_a_moved_file_never_replaces_another(self, library: Library, folder: Path) -> None:
        watch(library, folder, after="move")
        for seed in (1, 2, 3):
            radiograph(folder / "a.dcm", seed)
            self.once(library)
        assert sorted(path.name for path in (folder / "imported").iterdir()) == ["a-1.dcm", "a-2.dcm", "a.dcm"]

    def test_delete_needs_proof(self, library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        watch(library, folder, after="delete")
        radiograph(folder / "a.dcm", 1)
        stored = type(library.monitor).stored_file

        def damaged(self, image_id):
            path = stored(self, image_id)
            path.write_bytes(b"other bytes")
            return path

        monkeypatch.setattr(type(library.monitor), "stored_file", damaged)
        assert self.once(library).counts["imported"] == 1
        assert (folder / "a.dcm").exists()

    def test_names_say_whose_it_is(self, library: Library, folder: Path) -> None:
        actor = library.owner()
        jane = library.patients.add(actor, PatientDraft("Doe", "Jane", "H-17"))
        watch(library, folder, rule="folder:{chart}_{any}")
        photograph(folder / "H-17_whatever" / "tooth.jpg", 1)
        photograph(folder / "H-99_nobody" / "tooth.jpg", 2)
        photograph(folder / "loose.jpg", 3)
        report = self.once(library)
        assert (report.counts["imported"], report.counts["inbox"]) == (1, 2)
        (record,) = library.images.list(actor, patient_id=jane.id)
        assert record.original_name == "tooth.jpg"

    def test_a_name_that_contradicts_the_file_goes_to_the_inbox(self, library: Library, folder: Path) -> None:
        library.patients.add(library.owner(), PatientDraft("Other", "Person", "H-17"))
        watch(library, folder, rule="file:{chart}_{any}")
        radiograph(folder / "H-17_x.dcm", 1)
        assert self.once(library).counts == {"inbox": 1}

    def test_a_name_that_names_nobody_goes_to_the_inbox(self, library: Library, folder: Path) -> None:
        watch(library, folder, rule="file:{chart}_{any}")
        radiograph(folder / "H-99_x.dcm", 1)
        assert self.once(library).counts == {"inbox": 1}
        (record,) = images(library)
        assert record.reason == "monitor.name_unknown"

    def test_a_chart_number_with_another_name_is_nobody(self, library: Library, folder: Path) -> None:
        library.patients.add(library.owner(), PatientDraft("Doe", "Jane", "H-17"))
        watch(library, folder, rule="file:{chart}_{family}_{given}")
        photograph(folder / "H-17_Smith_Bob.jpg", 1)
        photograph(folder / "H-17_Doe_Jane.jpg", 2)
        assert self.once(library).counts == {"inbox": 1, "imported": 1}

    def test_a_name_that_can_be_read_in_two_ways_is_nobody(self, library: Library, folder: Path) -> None:
        for chart in ("H-1", "H-1_7"):
            library.patients.add(library.owner(), PatientDraft(f"Name {chart}", "", chart))
        watch(library, folder, rule="file:{chart}_{any}")
        photograph(folder / "H-1_7_x.jpg", 1)
        photograph(folder / "H-1_x.jpg", 2)
        assert self.once(library).counts == {"inbox": 1, "imported": 1}

    def test_images_for_the_open_patient_wait_for_a_person(self, library: Library, folder: Path) -> None:
        watch(library, folder, rule="open")
        photograph(folder / "a.jpg", 1)
        assert self.once(library).counts == {"inbox": 1}

    def test_handled_files_never_leave_by_a_link(self, library: Library, folder: Path, tmp_path: Path) -> None:
        watch(library, folder, after="move")
        (tmp_path / "elsewhere").mkdir()
        (folder / "imported").symlink_to(tmp_path / "elsewhere")
        radiograph(folder / "a.dcm", 1)
        assert self.once(library).counts["imported"] == 1
        assert (folder / "a.dcm").exists()
        assert list((tmp_path / "elsewhere").iterdir()) == []

    def test_files_say_tooth_and_type_by_name(self, library: Library, folder: Path) -> None:
        library.patients.add(library.owner(), PatientDraft("Doe", "Jane", "H-17"))
        watch(library, folder, rule="file:{chart}_{tooth}_{type}")
        photograph(folder / "H-17_8_before.jpg", 1)
        self.once(library)
        (record,) = images(library)
        assert (record.tooth, record.image_type.value) == ("8", "before")

    def test_a_broken_file_gets_its_minute_and_is_then_kept_aside(
        self, library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settling, "UNRIPE_S", 1.5)
        watch(library, folder)
        whole = radiograph(folder.parent / "whole.dcm", 1).read_bytes()
        (folder / "a.dcm").write_bytes(whole[: len(whole) // 2])
        report = self.once(library)
        assert report.counts.total() == 0
        assert report.waiting == 1
        (event,) = library.events.list(library.owner(), EventFilter(topics=("monitor",)))
        assert (event.code, event.facts["cause"]) == ("monitor.waits", "file.truncated")

    def test_an_empty_file_waits(self, library: Library, folder: Path) -> None:
        watch(library, folder)
        (folder / "a.dcm").touch()
        assert self.once(library).waiting == 1
        radiograph(folder / "a.dcm", 1)
        assert self.once(library).counts["imported"] == 1

    def test_a_missing_folder_is_said_and_nothing_is_forgotten(self, library: Library, folder: Path) -> None:
        watch(library, folder)
        for number in range(12):
            radiograph(folder / f"{number}.dcm", number)
        self.once(library)
        folder.rename(folder.with_name("away"))
        assert self.once(library).away == (str(folder),)
        folder.mkdir()
        assert self.once(library).counts.total() == 0
        folder.rmdir()
        folder.with_name("away").rename(folder)
        assert self.once(library).counts.total() == 0

    def test_names_that_are_no_unicode(self, library: Library, folder: Path) -> None:
        if sys.platform != "linux":
            pytest.skip("only here may names be any bytes")
        watch(library, folder)
        source = radiograph(folder.parent / "a.dcm", 1).read_bytes()
        (Path(os.fsdecode(os.fsencode(folder) + b"/r\xe9nal.dcm"))).write_bytes(source)
        assert self.once(library).counts["imported"] == 1
        assert self.once(library).counts.total() == 0

    @pytest.mark.parametrize("place", [".", "cache", ".."])
    def test_the_library_itself_cannot_be_watched(self, library: Library, place: str) -> None:
        watch(library, (library.paths.root / place).resolve())
        with pytest.raises(BitewingError) as caught:
            self.once(library)
        assert caught.value.code == "monitor.bad_folder"

    def test_one_process_at_a_time(self, library: Library, folder: Path) -> None:
        watch(library, folder)
        lease = Lease(library.paths.root, "agent")
        lease.take()
        with pytest.raises(BitewingError) as caught:
            self.once(library)
        assert (caught.value.code, caught.value.facts["kind"]) == ("library.busy", "agent")
        lease.give()
        self.once(library)


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"path": ""},
        {"path": "/a", "rule": "magic"},
        {"path": "/a", "rule": "folder:"},
        {"path": "/a", "rule": "folder:no parts"},
        {"path": "/a", "rule": "file:{chart}{family}"},
        {"path": "/a", "rule": "file:{chart}_{chart}"},
        {"path": "/a", "rule": "file:{secret}"},
        {"path": "/a", "rule": "dicom:{chart}"},
        {"path": "/a", "after": "burn"},
        {"path": "/a", "type": "selfie"},
    ],
)
def test_what_is_no_rule_is_refused_in_words(entry: dict) -> None:
    with pytest.raises(BitewingError) as caught:
        parse_rule(entry)
    assert caught.value.code == "monitor.bad_rule"


def test_rules_survive_being_stored() -> None:
    entry = {"path": "/a", "rule": "folder:{family}, {given}", "after": "move", "tooth": "8", "type": "xray"}
    assert parse_rule(entry).to_setting() == entry


def test_killed_and_started_again_nothing_is_lost_or_twice(tmp_path: Path, folder: Path, long_run: bool) -> None:
    """The real command, killed at odd moments while files lie in the folder, with files moved away afterwards."""
    root = tmp_path / "library"
    with open_library(root, create=True) as library:
        watch(library, folder, after="move")
    files = {f"{number}.dcm": radiograph(folder / f"{number}.dcm", number) for number in range(30)}
    wanted = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files.values()}
    command = [sys.executable, "-m", "app", "watch", "--library", str(root)]
    for number in range(12 if long_run else 3):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(5.2 + number * 0.13)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = subprocess.run([*command, "--once", "--json"], capture_output=True, check=False, timeout=120)
    assert json.loads(done.stdout)["waiting"] == 0
    with open_library(root, create=False) as library:
        found = [record.sha256 for record in library.store.images.stream()]
        assert sorted(found) == sorted(wanted)
        assert library.check.run(library.owner(), True, QUIET).is_sound
    left = {path.name for path in folder.rglob("*.dcm")}
    assert len(left) == len(files)
