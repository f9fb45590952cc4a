"""Runs an arrival or a move again and again, killed one step later each time, and judges what is left.

A step is every file operation Python announces (open, link, remove, mkdir, …), every fsync and every
SQL statement. Run as ``python -m tests.unit.storage.kill_driver arrive|move|naive FOLDER``; prints JSON.
SIGKILL does not test fsync; the power-cut test does.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from app.core.clock import utc_now
from app.core.files import sha256_file
from app.core.paths import LibraryPaths
from app.domain.audit import AuditEntry
from app.domain.image import ImageRecord, ImageType
from app.domain.naming import image_directory
from app.domain.patient import Patient, Sex
from app.storage.catalogue import Catalogue, open_catalogue
from tests.unit.storage.conftest import make_record

EVENTS = ("open", "os.", "shutil.", "tempfile.", "fcntl.")
KILLED = 9


class Fuse:
    """Ends the process at its n-th step."""

    def __init__(self, at: int) -> None:
        self._left = at
        self.armed = False

    def step(self) -> None:
        if not self.armed:
            return
        self._left -= 1
        if self._left <= 0:
            os._exit(KILLED)

    def arm(self, catalogue: Catalogue) -> None:
        real = os.fsync

        def fsync(descriptor: int) -> None:
            self.step()
            real(descriptor)

        os.fsync = fsync
        sys.addaudithook(lambda event, _arguments: self.step() if event.startswith(EVENTS) else None)
        with catalogue.read():
            catalogue.database.engine.connection().set_trace_callback(lambda _sql: self.step())
        self.armed = True


def entry(record: ImageRecord) -> AuditEntry:
    return AuditEntry("desk", 0, utc_now(), "owner", "image.import", "image", record.id)


def arrive(catalogue: Catalogue, record: ImageRecord, source: Path) -> None:
    with catalogue.filing.arrival(record, source) as placed, catalogue.write():
        placed.write_rows()
        catalogue.audit.append(entry(record))


def move(catalogue: Catalogue, record: ImageRecord, _source: Path) -> None:
    directory = image_directory(record.patient_id or "", "9", record.image_type)
    with catalogue.filing.moving(record, replace(record, tooth="9", directory=directory)) as placed, catalogue.write():
        placed.write_rows()
        catalogue.audit.append(entry(record))


def naive(catalogue: Catalogue, record: ImageRecord, source: Path) -> None:
    """Row first, then a plain copy: what the harness must catch."""
    with catalogue.write():
        catalogue.images.insert(record)
    target = catalogue.paths.root / record.path
    target.parent.mkdir(parents=True)
    shutil.copyfile(source, target)


ACTIONS: dict[str, Callable[[Catalogue, ImageRecord, Path], None]] = {"arrive": arrive, "move": move, "naive": naive}


def prepare(root: Path, source: Path, *, stored: bool) -> ImageRecord:
    """Make a library with one patient and, for moves, one image."""
    catalogue = open_catalogue(LibraryPaths(root), make=True)
    now = utc_now()
    patient = Patient(str(uuid.uuid4()), "A", "B", "1", None, Sex.UNKNOWN, "", now, now)
    catalogue.patients.add(patient)
    record = make_record(patient.id, sha256=sha256_file(source)[0], image_type=ImageType.XRAY, filename="image-1.png")
    if stored:
        with catalogue.filing.arrival(record, source) as placed, catalogue.write():
            record = placed.write_rows()
    catalogue.close()
    return record


def run_killed(action: str, root: Path, record: ImageRecord, source: Path, at: int) -> bool:
    """Run the action in a child that dies at step ``at``; whether it came to its end."""
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(BaseException):
            catalogue = open_catalogue(LibraryPaths(root))
            Fuse(at).arm(catalogue)
            ACTIONS[action](catalogue, record, source)
            code = 0
        os._exit(code)
    _pid, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in {0, KILLED}:
        raise RuntimeError(f"step {at}: the child failed by itself")
    return code == 0


def judge(action: str, root: Path, record: ImageRecord, source: Path, *, finished: bool) -> list[str]:
    """Open the library again and say what is wrong."""
    catalogue = open_catalogue(LibraryPaths(root))
    wrong = []
    first = catalogue.recover("desk")
    again = catalogue.recover("desk")
    rows = {found.path: found for found in catalogue.images.stream()}
    files = set(catalogue.files.files_on_disk())
    if set(rows) != files:
        wrong.append(f"rows {sorted(set(rows) - files)} without file, files {sorted(files - set(rows))} without row")
    for path in files & set(rows):
        if sha256_file(root / path)[0] != record.sha256:
            wrong.append("half a file under a final name")
    if catalogue.intents.list() or again.finished or again.cleared:
        wrong.append("an intent is left")
    if any(entry.name != "recovery.lock" for entry in (root / ".incoming").iterdir()):
        wrong.append("a leftover in .incoming")
    if (action == "move" or finished) and len(rows) != 1:
        wrong.append("the image is lost")
    if first.finished and catalogue.images.get(record.id) is None:
        wrong.append("said to be finished and is not")
    if sha256_file(source)[0] != record.sha256:
        wrong.append("the source was changed")
    if action != "naive" and sum(item.entity_id == record.id for item in catalogue.audit.list()) != (
        len(rows) if action == "arrive" else any("/9/" in path for path in rows)
    ):
        wrong.append("audit and rows differ")
    if not catalogue.audit.verify().holds or not catalogue.database.integrity_check():
        wrong.append("catalogue damaged")
    catalogue.close()
    return wrong


def main() -> None:
    action, folder = sys.argv[1], Path(sys.argv[2])
    source = folder / "source.png"
    source.write_bytes(os.urandom(300_000))
    violations, at, finished = {}, 0, False
    while not finished:
        at += 1
        root = folder / f"library-{at}"
        record = prepare(root, source, stored=action == "move")
        finished = run_killed(action, root, record, source, at)
        found = judge(action, root, record, source, finished=finished)
        if found:
            violations[at] = found
        shutil.rmtree(root)
    print(json.dumps({"points": at - 1, "violations": violations}))


if __name__ == "__main__":
    main()
