"""Every cell of role × action, asked of the services themselves (SEC-7)."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.core.errors import BitewingError, RefusedError
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.domain.roles import Action, Actor, Role, allowed
from app.domain.treatment import TreatmentDraft
from app.domain.watch_rules import WatchRule
from app.services.export.model import ExportArgs
from app.services.images import Details
from app.services.outgoing.model import OutgoingArgs, OutgoingCopy
from app.services.settings import SettingChanges
from app.services.sharing.model import ShareWish
from app.sync.report import ImportArgs
from app.transfer.found import StudyQuery

NOBODY = "00000000-0000-4000-8000-000000000000"
QUIET = JobContext.silent()
Call = Callable[[Library, Actor, Path], Any]


def _zip(folder: Path) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
    return path


def _copy(folder: Path) -> OutgoingCopy:
    return OutgoingCopy("x", folder / "x", "image/jpeg", 0, "", 0, 0, (), (), folder / "x")


def _words(_entry: Any) -> tuple[str, str]:
    return "", ""


CALLS: list[tuple[Action, str, Call]] = [
    (Action.PATIENT_VIEW, "get", lambda lib, who, _p: lib.patients.get(who, NOBODY)),
    (Action.PATIENT_VIEW, "resolve", lambda lib, who, _p: lib.patients.resolve(who, "17")),
    (Action.PATIENT_VIEW, "page", lambda lib, who, _p: lib.patients.page(who, None, 5)),
    (Action.PATIENT_VIEW, "search", lambda lib, who, _p: lib.patients.search(who, "x", 5)),
    (Action.PATIENT_VIEW, "recent", lambda lib, who, _p: lib.patients.recent(who, 5)),
    (Action.PATIENT_VIEW, "summary", lambda lib, who, _p: lib.patients.summary(who, NOBODY)),
    (Action.PATIENT_ADD, "add", lambda lib, who, _p: lib.patients.add(who, PatientDraft("A"))),
    (Action.PATIENT_EDIT, "edit", lambda lib, who, _p: lib.patients.edit(who, NOBODY, PatientDraft("A"), 1)),
    (Action.PATIENT_MERGE, "merge", lambda lib, who, _p: lib.patients.merge(who, NOBODY, NOBODY[:-1] + "1")),
    (Action.PATIENT_IMPORT, "list", lambda lib, who, path: lib.patients.import_csv(who, path / "x.csv", QUIET)),
    (Action.IMAGE_VIEW, "get", lambda lib, who, _p: lib.images.get(who, NOBODY)),
    (Action.IMAGE_VIEW, "list", lambda lib, who, _p: lib.images.list(who)),
    (Action.IMAGE_VIEW, "teeth", lambda lib, who, _p: lib.images.tooth_counts(who, NOBODY)),
    (Action.IMAGE_VIEW, "shown", lambda lib, who, _p: lib.images.shown_teeth(who, NOBODY)),
    (Action.IMAGE_VIEW, "studies", lambda lib, who, _p: lib.images.studies(who)),
    (Action.IMAGE_VIEW, "path", lambda lib, who, _p: lib.images.path_of(who, NOBODY)),
    (Action.IMAGE_VIEW, "thumbnail", lambda lib, who, _p: lib.images.thumbnail(who, NOBODY)),
    (Action.IMAGE_VIEW, "frame", lambda lib, who, _p: lib.viewing.frame(who, NOBODY)),
    (Action.IMAGE_VIEW, "inbox", lambda lib, who, _p: lib.inbox.list(who)),
    (Action.IMAGE_VIEW, "proposals", lambda lib, who, _p: lib.inbox.proposals(who, NOBODY)),
    (Action.IMAGE_IMPORT, "run", lambda lib, who, path: lib.imports.run(who, ImportArgs((path / "a",)), QUIET)),
    (Action.LIBRARY_IMPORT, "folder", lambda lib, who, path: lib.imports.run(who, ImportArgs((path,)), QUIET)),
    (Action.LIBRARY_IMPORT, "archive", lambda lib, who, path: lib.imports.run(who, ImportArgs((_zip(path),)), QUIET)),
    (Action.IMAGE_IMPORT, "scan", lambda lib, who, path: lib.imports.scan(who, (path,), QUIET)),
    (Action.IMAGE_FILE, "file", lambda lib, who, _p: lib.inbox.file(who, NOBODY, Filing(NOBODY))),
    (Action.IMAGE_MOVE, "move", lambda lib, who, _p: lib.images.move(who, [NOBODY], Filing(tooth="8"))),
    (Action.IMAGE_MOVE, "unfile", lambda lib, who, _p: lib.inbox.unfile(who, NOBODY)),
    (Action.ARCHIVE_BROWSE, "ask", lambda lib, who, _p: lib.dimse_asking.search(who, "x", StudyQuery(), QUIET)),
    (Action.ARCHIVE_ANSWER, "answer", lambda lib, who, _p: lib.answering.begin(who)),
    (Action.WORKLIST_USE, "worklist", lambda lib, who, _p: lib.worklist.today(who, QUIET)),
    (Action.WORKLIST_USE, "expecting", lambda lib, who, _p: lib.expecting.forget(who, NOBODY)),
    (Action.PATIENT_VIEW, "expected", lambda lib, who, _p: lib.expecting.of_next(who, NOBODY)),
    (Action.ARCHIVE_PUSH, "retry", lambda lib, who, _p: lib.outbox.retry(who, 1)),
    (Action.ARCHIVE_PUSH, "settle", lambda lib, who, _p: lib.outbox.settle(who, 1)),
    (Action.SHARE_CREATE, "prepare", lambda lib, who, _p: lib.sharing.prepare(who, [NOBODY], OutgoingArgs(), QUIET)),
    (Action.SHARE_CREATE, "look", lambda lib, who, path: lib.sharing.look(who, _copy(path), 0)),
    (Action.SHARE_CREATE, "invite", lambda lib, who, _p: lib.sharing.invite(who, ShareWish(), QUIET)),
    (Action.SHARE_VIEW, "links", lambda lib, who, _p: lib.sharing.list(who)),
    (Action.SHARE_REVOKE, "revoke", lambda lib, who, _p: lib.sharing.revoke(who, NOBODY, QUIET)),
    (Action.SHARE_REVOKE, "keep", lambda lib, who, _p: lib.share_keeping.round(who, QUIET)),
    (Action.SETTINGS_VIEW, "test dimse", lambda lib, who, _p: lib.archive.test_dimse(who, "x")),
    (Action.IMAGE_EDIT, "details", lambda lib, who, _p: lib.images.edit_details(who, NOBODY, Details("x"))),
    (Action.IMAGE_DELETE, "delete", lambda lib, who, _p: lib.images.delete(who, [NOBODY])),
    (Action.IMAGE_DELETE, "discard", lambda lib, who, _p: lib.inbox.discard(who, NOBODY)),
    (Action.IMAGE_RESTORE, "deleted", lambda lib, who, _p: lib.images.deleted(who)),
    (Action.IMAGE_RESTORE, "restore", lambda lib, who, _p: lib.images.restore(who, [NOBODY])),
    (Action.IMAGE_EXPORT, "export", lambda lib, who, path: lib.export.images(who, [], ExportArgs(path / "o"), QUIET)),
    (Action.IMAGE_PUBLISH, "publish", lambda lib, who, _p: lib.publishing.publish(who, [])),
    (Action.IMAGE_PUBLISH, "prepare", lambda lib, who, _p: lib.publishing.prepare(who, [NOBODY], QUIET)),
    (Action.IMAGE_WITHDRAW, "withdraw", lambda lib, who, _p: lib.publishing.withdraw(who, [NOBODY], QUIET)),
    (Action.IMAGE_WITHDRAW, "compare", lambda lib, who, _p: lib.publishing.compare(who, QUIET)),
    (Action.IMAGE_WITHDRAW, "send", lambda lib, who, _p: lib.publishing.send(who, QUIET)),
    (Action.IMAGE_VIEW, "public", lambda lib, who, _p: lib.publishing.public(who)),
    (Action.IMAGE_VIEW, "public of", lambda lib, who, _p: lib.publishing.of_image(who, NOBODY)),
    (Action.LIBRARY_EXPORT, "all", lambda lib, who, path: lib.export.everything(who, path / who.role.value, QUIET)),
    (Action.LIBRARY_CHECK, "check", lambda lib, who, _p: lib.check.run(who, False, QUIET)),
    (Action.LIBRARY_DEMO, "demo", lambda lib, who, _p: lib.demo.fill(who, 1, 0, 1, QUIET)),
    (Action.SETTINGS_VIEW, "get", lambda lib, who, _p: lib.settings.get(who, "clinic.name")),
    (Action.SETTINGS_VIEW, "list", lambda lib, who, _p: lib.settings.list(who)),
    (Action.SETTINGS_CHANGE, "set", lambda lib, who, _p: lib.settings.set(who, "clinic.name", "x")),
    (Action.SETTINGS_CHANGE, "save", lambda lib, who, _p: lib.settings.save(who, SettingChanges())),
    (Action.SETTINGS_CHANGE, "forget", lambda lib, who, _p: lib.settings.forget(who, "mirror", "x")),
    (Action.SETTINGS_CHANGE, "afresh", lambda lib, who, _p: lib.mirrors.start_afresh(who, "x")),
    (Action.SETTINGS_VIEW, "agent planned", lambda lib, who, _p: lib.agent.planned(who, manager="systemd")),
    (Action.SETTINGS_CHANGE, "agent removed", lambda lib, who, _p: lib.agent.remove(who)),
    (Action.STATUS_VIEW, "agent", lambda lib, who, _p: lib.agent.status(who)),
    (Action.BACKUP_CREATE, "create", lambda lib, who, path: lib.backups.create(who, path / f"{who.id}.zip", QUIET)),
    (Action.BACKUP_VIEW, "list", lambda lib, who, _p: lib.backups.list(who)),
    (Action.BACKUP_VIEW, "verify", lambda lib, who, path: lib.backups.verify(who, path / "none.zip", QUIET)),
    (Action.BACKUP_VIEW, "place", lambda lib, who, path: lib.backups.examine(who, path)),
    (Action.MONITOR_RUN, "run", lambda lib, who, _p: lib.monitor.run(who, QUIET, once=True)),
    (Action.STATUS_VIEW, "folders", lambda lib, who, _p: lib.monitor.status(who)),
    (Action.LOG_VIEW, "history", lambda lib, who, path: lib.monitor.history(who, str(path))),
    (Action.SETTINGS_VIEW, "test", lambda lib, who, path: lib.monitor.test(who, WatchRule(str(path)))),
    (Action.BACKUP_CREATE, "rotate", lambda lib, who, _p: lib.backups.rotate(who, 30)),
    (Action.BACKUP_CREATE, "scheduled", lambda lib, who, _p: lib.backups.run_scheduled(who, QUIET)),
    (Action.BACKUP_DELETE, "delete", lambda lib, who, _p: lib.backups.delete(who, NOBODY)),
    (Action.BACKUP_DRILL, "drill", lambda lib, who, _p: lib.drill.run(who, QUIET)),
    (Action.STATUS_VIEW, "drill", lambda lib, who, _p: lib.drill.last(who)),
    (Action.STATUS_VIEW, "next", lambda lib, who, _p: lib.schedule.next_backup(who)),
    (Action.LIBRARY_CHECK, "proof", lambda lib, who, _p: lib.proof.run(who, QUIET, hurry=True)),
    (Action.TREATMENT_VIEW, "list", lambda lib, who, _p: lib.treatments.list(who, NOBODY)),
    (Action.TREATMENT_VIEW, "get", lambda lib, who, _p: lib.treatments.get(who, NOBODY)),
    (Action.TREATMENT_VIEW, "of image", lambda lib, who, _p: lib.treatments.of_image(who, NOBODY)),
    (Action.TREATMENT_VIEW, "images", lambda lib, who, _p: lib.treatments.images(who, NOBODY)),
    (Action.TREATMENT_EDIT, "add", lambda lib, who, _p: lib.treatments.add(who, NOBODY, TreatmentDraft("Crown"))),
    (Action.TREATMENT_EDIT, "edit", lambda lib, who, _p: lib.treatments.edit(who, NOBODY, TreatmentDraft("Crown"), 1)),
    (Action.TREATMENT_EDIT, "link", lambda lib, who, _p: lib.treatments.link(who, NOBODY, [NOBODY])),
    (Action.TREATMENT_EDIT, "unlink", lambda lib, who, _p: lib.treatments.unlink(who, NOBODY, [NOBODY])),
    (Action.TREATMENT_DELETE, "delete", lambda lib, who, _p: lib.treatments.delete(who, NOBODY)),
    (Action.TREATMENT_DELETE, "restore", lambda lib, who, _p: lib.treatments.restore(who, NOBODY)),
    (Action.LIBRARY_MIGRATE, "look", lambda lib, who, path: lib.migration.look(who, path / "none", QUIET)),
    (Action.LIBRARY_MIGRATE, "migrate", lambda lib, who, path: lib.migration.run(who, path / "none", QUIET)),
    (Action.LIBRARY_MIGRATE, "remove", lambda lib, who, path: lib.migration.remove_source(who, path, QUIET)),
    (Action.LOG_VIEW, "log", lambda lib, who, _p: lib.logbook.page(who)),
    (Action.LOG_VIEW, "log export", lambda lib, who, path: lib.logbook.export(who, path / "l.csv", _words, QUIET)),
    (Action.AUDIT_VIEW, "audit verify", lambda lib, who, _p: lib.audit_log.verify(who)),
    (Action.AUDIT_VIEW, "audit export", lambda lib, who, path: lib.audit_log.export(who, path / "a.jsonl", QUIET)),
    (Action.STATUS_VIEW, "backup health", lambda lib, who, _p: lib.status.backup_health(who)),
    (Action.LOG_VIEW, "events", lambda lib, who, _p: lib.events.list(who)),
    (Action.STATUS_VIEW, "status", lambda lib, who, _p: lib.status.snapshot(who)),
    (Action.STATUS_VIEW, "jobs", lambda lib, who, _p: lib.activity.jobs(who, 5)),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with open_library(tmp_path_factory.mktemp("roles") / "library", create=True) as opened:
        yield opened


@pytest.mark.parametrize(("action", "name", "call"), CALLS, ids=[f"{action}-{name}" for action, name, _ in CALLS])
def test_services_refuse_exactly_what_the_table_refuses(
    action: Action, name: str, call: Call, library: Library, tmp_path: Path
) -> None:
    for role in Role:
        who = Actor(role.value, role.value, role, "here")
        refusals = len(library.store.audit.list(actor_id=role.value, action=action.value, limit=10_000))
        refused = False
        try:
            call(library, who, tmp_path)
        except RefusedError:
            refused = True
        except BitewingError:
            pass
        assert refused is not allowed(role, action), role
        if refused:
            rows = library.store.audit.list(actor_id=role.value, action=action.value, limit=10_000)
            assert len(rows) == refusals + 1, name
            assert rows[0].outcome == "refused"
