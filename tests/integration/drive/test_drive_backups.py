"""Backups on Google Drive from end to end: sealed, proven, kept, brought back; one clear word when it fails."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.cli.main import run
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, RefusedError, TransientFault, UserError
from app.domain.roles import Actor, Role
from app.services import backups as backups_module
from app.services.backups import open_archive
from app.services.drive import sending as sending_module
from app.services.restoring import RestoreArgs, restore_library
from app.services.schedule import Task
from tests.drive_stand_in import CLIENT_ID, CLIENT_SECRET, DriveStandIn, Fault
from tests.integration.drive.conftest import PASSWORD, QUIET, browse, connect, point


def codes(library: Library, topic: str = "drive") -> list[str]:
    return [event.code for event in library.events.list(library.owner()) if event.topic == topic]


def states(library: Library) -> list[str]:
    return [record.state.value for record in library.drive.history(library.owner())]


def test_a_backup_goes_there_sealed_and_comes_back_as_it_was(
    library: Library, google: DriveStandIn, contents, rows, opened: Callable
) -> None:
    actor, root = library.owner(), library.paths.root
    held, before = contents(root), rows(library)
    report = library.drive.backup(actor, QUIET)
    (there,) = google.backups()
    assert there.content[:2] == b"PK"
    assert b"Nile Dental" not in there.content
    (listed,) = library.drive.list(actor, QUIET)
    assert listed.verified
    assert listed.encrypted
    assert (listed.id, listed.images) == (report.record.id, report.record.images)
    assert listed.is_of(library.store.library_id)
    assert states(library) == ["completed"]
    assert list(library.paths.drive.glob("*.zip*")) == []
    # A change after it, and then back.
    library.settings.set(actor, "clinic.name", "Changed since")
    path = library.drive.fetch(actor, "newest", QUIET)
    assert not path.is_relative_to(root)
    library.close()
    with closing(open_archive(path, PASSWORD)) as archive:
        restored = restore_library(actor, RestoreArgs(root, archive), QUIET)
    assert restored.kept is not None
    assert contents(root) == held
    assert contents(restored.kept) == held
    with opened(root) as again:
        assert rows(again) == before
        assert again.check.run(again.owner(), True, QUIET).is_sound
        assert again.store.audit.verify().holds
        # The account, and the history of what lies there, outlive a restore.
        assert states(again) == ["completed"]
        assert len(again.drive.list(again.owner(), QUIET)) == 1


def test_no_secret_lies_anywhere_in_clear(
    library: Library, google: DriveStandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    google.faults.append(Fault("PUT", "upload_id", 503, retry_after="0"))
    library.drive.backup(library.owner(), QUIET)
    copy = Path(library.backups.create(library.owner(), tmp_path / "plain.zip", QUIET).record.path)
    seen = json.dumps([entry.value for entry in library.settings.list(library.owner())], default=str)
    facts = json.dumps([event.facts for event in library.events.list(library.owner())], default=str)
    with closing(sqlite3.connect(library.paths.database)) as connection:
        database = "\n".join(connection.iterdump())
    secrets = {*google.secrets_given, CLIENT_SECRET, PASSWORD}
    assert len(secrets) > 4
    raw = library.paths.database.read_bytes() + copy.read_bytes()
    toml = library.paths.workstation_toml
    settings = toml.read_text() if toml.exists() else ""
    for secret in secrets:
        for place in (seen, facts, database, caplog.text, settings):
            assert secret not in place
        assert secret.encode() not in raw
    assert "drive.refresh_token" in database


def test_only_sealed_ones_go_unless_an_admin_allowed_it(library: Library, google: DriveStandIn) -> None:
    actor = library.owner()
    library.settings.set(actor, "backup.password", "")
    with pytest.raises(UserError, match=r"drive\.not_sealed"):
        library.drive.backup(actor, QUIET)
    assert google.backups() == []
    library.settings.set(actor, "drive.allow_plain", "true")
    assert "drive.allow_plain" in [entry.entity_id for entry in library.store.audit.list(action="settings.change")]
    assert not library.drive.backup(actor, QUIET).record.encrypted
    with pytest.raises(UserError, match=r"backup\.short_password"):
        library.drive.backup(actor, QUIET, password="short")


def test_what_breaks_on_its_way_is_in_no_list_and_is_sent_again(library: Library, google: DriveStandIn) -> None:
    actor, seen = library.owner(), []
    google.corrupt = 2
    real = google.complete

    def complete(session: object) -> object:
        made = real(session)
        seen.append(len(library.drive.list(actor, QUIET)))
        return made

    google.complete = complete
    report = library.drive.backup(actor, QUIET)
    # Twice broken: not listed even at the moment that it lay there whole in length.
    assert seen == [0, 0, 1]
    assert [one.id for one in library.drive.list(actor, QUIET)] == [report.record.id]
    assert len(google.backups()) == 1
    google.corrupt = 99
    with pytest.raises(EnvironmentFault, match=r"drive\.altered"):
        library.drive.backup(actor, QUIET)
    assert len(google.backups()) == 1
    assert states(library) == ["failed", "completed"]
    google.corrupt = 0
    again = library.drive.backup(actor, QUIET)
    assert again.resumed
    assert len(library.drive.list(actor, QUIET)) == 2


def test_google_without_sha256_is_compared_by_md5(library: Library, google: DriveStandIn) -> None:
    google.tells_sha256 = False
    google.corrupt = 1
    library.drive.backup(library.owner(), QUIET)
    assert len(library.drive.list(library.owner(), QUIET)) == 1
    assert len(google.backups()) == 1


@pytest.mark.parametrize("server_jumps", [False, True], ids=["our clock", "every clock"])
def test_three_good_ones_stay_whatever_the_clock_does(
    library: Library, google: DriveStandIn, monkeypatch: pytest.MonkeyPatch, server_jumps: bool
) -> None:
    actor, tick = library.owner(), [0]
    away = [timedelta()]

    def now() -> datetime:
        tick[0] += 1
        return datetime(2026, 5, 1, 2, tzinfo=UTC) + away[0] + timedelta(seconds=tick[0])

    for module in (sending_module, backups_module):
        monkeypatch.setattr(module, "utc_now", now)
    if server_jumps:
        google.now = now
    made, deleted = 0, 0
    for cycle in range(10):
        for jump in (400, -400):
            away[0] += timedelta(days=jump)
            library.drive.backup(actor, QUIET, database_only=True, trigger="schedule")
            made += 1
            deleted += len(library.drive.prune(actor, QUIET).deleted)
            good = [one for one in library.drive.list(actor, QUIET) if one.verified]
            assert len(good) >= min(made, 3), cycle
            listed = {record.id for record in library.drive.history(actor) if record.state.value == "completed"}
            assert {one.id for one in good} == listed
    # Age is counted by Google's clock: ours alone deletes nothing.
    assert (deleted > 0) == server_jumps
    assert made - deleted == len(library.drive.list(actor, QUIET))


def test_old_ones_go_by_the_newest_good_one_and_never_after_a_failure(library: Library, google: DriveStandIn) -> None:
    actor, start = library.owner(), datetime(2026, 1, 1, tzinfo=UTC)
    ids = []
    for day in (0, 10, 20, 45, 60):
        google.now = lambda day=day: start + timedelta(days=day)
        ids.append(library.drive.backup(actor, QUIET, database_only=True).record.id)
    google.faults.append(Fault("POST", "uploadType", 403, "insufficientFilePermissions", times=1))
    with pytest.raises(EnvironmentFault, match=r"drive\.forbidden"):
        library.drive.backup(actor, QUIET, database_only=True)
    with pytest.raises(UserError, match=r"drive\.last_failed"):
        library.drive.prune(actor, QUIET)
    assert len(google.backups()) == 5
    google.now = lambda: start + timedelta(days=61)
    newest = library.drive.run_scheduled(actor, QUIET).record.id
    assert [one.id for one in library.drive.list(actor, QUIET)] == [newest, ids[4], ids[3], ids[2]]
    # What was made with the images is another row than catalogues alone: neither pushes the other out.
    assert library.drive.prune(actor, QUIET).deleted == ()
    google.now = lambda: start + timedelta(days=62)
    library.drive.backup(actor, QUIET, database_only=True)
    report = library.drive.prune(actor, QUIET)
    assert set(report.deleted) == {ids[2]}
    assert "drive.pruned" in codes(library)


def test_backups_of_others_are_listed_apart_and_never_pruned(
    library: Library, google: DriveStandIn, tmp_path: Path, opened: Callable
) -> None:
    for number in range(5):
        google.now = lambda number=number: datetime(2020, 1, 1 + number, tzinfo=UTC)
        library.drive.backup(library.owner(), QUIET, database_only=True)
    google.now = lambda: datetime.now(UTC)
    with opened(tmp_path / "other", create=True) as other:
        connect(other)
        other.drive.backup(other.owner(), QUIET)
        assert len(other.drive.list(other.owner(), QUIET)) == 6
        assert other.drive.prune(other.owner(), QUIET).deleted == ()
        assert other.drive.list(other.owner(), QUIET)[0].is_of(other.store.library_id)
        newest = other.drive.fetch(other.owner(), "newest", QUIET)
        with closing(open_archive(newest, PASSWORD)) as archive:
            assert archive.manifest.heading.library_id == other.store.library_id


def test_a_token_taken_back_is_one_clear_message_and_no_loop(library: Library, google: DriveStandIn) -> None:
    actor = library.owner()
    library.settings.set(actor, "drive.schedule", "daily")
    assert Task.DRIVE in library.schedule.due()
    google.revoke_all()
    asked = len(google.requests)
    with pytest.raises(EnvironmentFault, match=r"drive\.revoked"), library.schedule.claimed(Task.DRIVE):
        library.drive.run_scheduled(actor, QUIET)
    assert len(google.requests) - asked == 1
    # No archive was made for nothing, and nothing asks again by itself.
    assert list(library.paths.drive.glob("*.zip*")) == []
    library.schedule._not_before.clear()
    assert Task.DRIVE not in library.schedule.due()
    for _number in range(3):
        with pytest.raises(EnvironmentFault, match=r"drive\.revoked"):
            library.drive.backup(actor, QUIET)
    assert len(google.requests) - asked == 1
    assert codes(library).count("drive.revoked") == 1
    assert library.drive.standing(actor).is_revoked
    connect(library)
    assert not library.drive.standing(actor).is_revoked
    assert Task.DRIVE in library.schedule.due()
    assert library.drive.backup(actor, QUIET).record.state.value == "completed"


def test_a_full_drive_is_said_and_gone_on_with_when_there_is_room(library: Library, google: DriveStandIn) -> None:
    actor = library.owner()
    google.limit = 100
    with pytest.raises(EnvironmentFault, match=r"drive\.full"):
        library.drive.backup(actor, QUIET)
    assert google.backups() == []
    assert states(library) == ["failed"]
    google.limit = None
    google.faults.append(Fault("PUT", "upload_id", 403, "storageQuotaExceeded"))
    with pytest.raises(EnvironmentFault, match=r"drive\.full"):
        library.drive.backup(actor, QUIET)
    assert library.drive.backup(actor, QUIET).resumed
    assert states(library) == ["completed"]


def test_offline_waits_and_goes_on_and_makes_no_archive_for_nothing(library: Library, google: DriveStandIn) -> None:
    actor = library.owner()
    google.faults.append(Fault("PUT", "upload_id", 0, times=50))
    with pytest.raises(TransientFault, match=r"drive\.cut_off"):
        library.drive.backup(actor, QUIET)
    assert states(library) == ["waiting"]
    with pytest.raises(UserError, match=r"drive\.last_failed"):
        library.drive.prune(actor, QUIET)
    google.faults[:] = [Fault("GET", "about", 503, times=50, retry_after="0")]
    with pytest.raises(TransientFault, match=r"drive\.busy"):
        library.drive.backup(actor, QUIET)
    assert states(library) == ["waiting"]
    google.faults.clear()
    token = CancelToken()
    google.on_chunk = lambda _number: token.cancel()
    google.faults.append(Fault("PUT", "upload_id", 503, skip=1, times=1, after=True, retry_after="0"))
    with pytest.raises(Cancelled):
        library.drive.backup(actor, JobContext(token))
    google.on_chunk = lambda _number: None
    report = library.drive.backup(actor, QUIET)
    assert report.resumed
    assert len(google.backups()) == 1


def test_an_archive_under_another_password_or_damaged_is_not_gone_on_with(
    library: Library, google: DriveStandIn
) -> None:
    actor = library.owner()

    def interrupt() -> None:
        google.faults[:] = [Fault("POST", "uploadType", 503, times=50, retry_after="0")]
        with pytest.raises(TransientFault):
            library.drive.backup(actor, QUIET)
        google.faults.clear()

    interrupt()
    library.settings.set(actor, "backup.password", "another horse battery staple")
    interrupt()
    assert states(library) == ["waiting", "failed"]
    (archive,) = library.paths.drive.glob("*.zip")
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    assert not library.drive.backup(actor, QUIET).resumed
    assert states(library) == ["completed", "failed", "failed"]
    path = library.drive.fetch(actor, "newest", QUIET)
    open_archive(path, "another horse battery staple").close()


def test_two_at_once_are_one(library: Library, google: DriveStandIn, opened: Callable) -> None:
    inner: list[str] = []

    def meanwhile(_number: int) -> None:
        with opened(library.paths.root) as second, pytest.raises(EnvironmentFault) as caught:
            second.drive.backup(second.owner(), QUIET)
        inner.append(caught.value.code)

    google.on_chunk = meanwhile
    library.drive.backup(library.owner(), QUIET)
    assert inner == ["drive.running"]
    assert len(google.backups()) == 1


def test_disconnecting_forgets_all_and_tells_google(library: Library, google: DriveStandIn) -> None:
    actor = library.owner()
    library.drive.backup(actor, QUIET)
    assert library.drive.disconnect(actor)
    assert not any(google.refresh.values())
    assert not library.settings.has_secret("drive.refresh_token")
    assert len(google.backups()) == 1
    with pytest.raises(UserError, match=r"drive\.not_connected"):
        library.drive.list(actor, QUIET)


def test_who_may_what(library: Library) -> None:
    reception = Actor("r", "r", Role.RECEPTIONIST, "w")
    dentist = Actor("d", "d", Role.DENTIST, "w")
    for work in (
        lambda: library.drive.backup(reception, QUIET),
        lambda: library.drive.list(reception, QUIET),
        lambda: library.drive.prune(dentist, QUIET),
        lambda: library.drive.fetch(dentist, "newest", QUIET),
        lambda: library.drive.disconnect(dentist),
        lambda: library.drive.connect(dentist, print, ("", ""), QUIET),
    ):
        with pytest.raises(RefusedError):
            work()
    assert library.drive.backup(dentist, QUIET).record.state.value == "completed"


@pytest.fixture
def cli(
    clinic: Path, google: DriveStandIn, opened: Callable, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> Callable:
    with opened(clinic) as library:
        connect(library)
    monkeypatch.setattr(Library, "drive", property(lambda its: point(its, google).__dict__["drive"]))

    def call(*words: str, exit_code: int = 0) -> object:
        assert run([*words, "--library", str(clinic), "--json"]) == exit_code
        return json.loads(capsys.readouterr().out)

    return call


def test_the_command_line(cli: Callable, clinic: Path, google: DriveStandIn, contents) -> None:
    held = contents(clinic)
    assert cli("settings", "test", "drive")["account"] == "clinic@example.org"
    made = cli("drive", "backup")
    assert made["verified"]
    assert made["state"] == "completed"
    (row,) = cli("drive", "list")
    assert (row["id"], row["own"], row["sha256"]) == (made["id"], True, made["sha256"])
    (past,) = cli("drive", "list", "--history")
    assert past["restorable"]
    assert cli("drive", "prune") == {"deleted": [], "kept": 1}
    assert cli("drive", "restore", "nothing", exit_code=1)["error"]["code"] == "drive.none"
    done = cli("drive", "restore", made["id"])
    assert contents(clinic) == held
    assert Path(done["kept"]).is_dir()
    assert not clinic.with_name(f"{clinic.name}.from-drive").exists()
    google.revoke_all()
    error = cli("drive", "list", exit_code=1)["error"]
    assert error["code"] == "drive.revoked"
    assert "seven days" in error["reason"]
    assert cli("drive", "disconnect") == {"connected": False, "told_google": True}
    assert cli("drive", "backup", exit_code=1)["error"]["code"] == "drive.not_connected"


def test_connecting_on_the_command_line(
    clinic: Path, google: DriveStandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(Library, "drive", property(lambda its: point(its, google).__dict__["drive"]))
    opened_pages: list[str] = []

    def open_page(address: str) -> bool:
        opened_pages.append(address)
        threading.Thread(target=browse, args=(address,)).start()
        return True

    monkeypatch.setattr(webbrowser, "open", open_page)
    words = ["--library", str(clinic), "--json"]
    assert run(["drive", "connect", *words]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "drive.no_client"
    assert run(["settings", "set", "drive.client_id", CLIENT_ID, *words]) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{CLIENT_SECRET}\n"))
    assert run(["settings", "set", "drive.client_secret", *words]) == 0
    capsys.readouterr()
    assert run(["drive", "connect", *words]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["account"] == "clinic@example.org"
    assert len(opened_pages) == 1
    for secret in google.secrets_given | {CLIENT_SECRET}:
        assert secret not in said.out + said.err + opened_pages[0]


def test_a_lost_clinic_comes_back_on_a_new_computer(
    library: Library,
    google: DriveStandIn,
    tmp_path: Path,
    contents,
    opened: Callable,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    library.drive.backup(library.owner(), QUIET)
    held, library_id = contents(library.paths.root), library.store.library_id
    root = tmp_path / "new" / "library"
    with opened(root, create=True) as fresh:
        connect(fresh)
        fresh.settings.set(fresh.owner(), "backup.password", "")
        (listed,) = fresh.drive.list(fresh.owner(), QUIET)
        assert not listed.is_of(fresh.store.library_id)
    monkeypatch.setattr(Library, "drive", property(lambda its: point(its, google).__dict__["drive"]))
    words = ["drive", "restore", "newest", "--library", str(root), "--json"]
    assert run(words) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "backup.password_needed"
    fetched = sum("alt=media" in path for _method, path in google.requests)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    assert run([*words, "--foreign", "--password-stdin"]) == 0
    # What was here already was not fetched again.
    assert sum("alt=media" in path for _method, path in google.requests) == fetched
    assert contents(root) == held
    with opened(root) as again:
        assert again.store.library_id == library_id
        assert again.check.run(again.owner(), True, QUIET).is_sound


def test_a_backup_that_waits_too_long_is_made_anew(library: Library, google: DriveStandIn, monkeypatch) -> None:
    actor = library.owner()
    google.faults.append(Fault("POST", "uploadType", 503, times=50, retry_after="0"))
    with pytest.raises(BitewingError):
        library.drive.backup(actor, QUIET)
    google.faults.clear()
    real = sending_module.utc_now
    monkeypatch.setattr(sending_module, "utc_now", lambda: real() + timedelta(days=2))
    assert not library.drive.backup(actor, QUIET).resumed
    # The late one arrived, and one of today after it.
    assert states(library) == ["completed", "completed"]
    assert len(google.backups()) == 2
