"""What a start does about work that died: finish or clear every intent of a dead process, empty ``.incoming``.

Never touches what a living process works on, and never removes the only copy of anything.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import peewee

from app.core.errors import BitewingError
from app.core.file_lock import FileLock
from app.core.files import sha256_file
from app.domain.image import ImageRecord
from app.storage.image_store import ImageStore
from app.storage.images import Images
from app.storage.intents import Intent, IntentKind, Intents, IntentState
from app.storage.owner import SUFFIX, Owner

log = logging.getLogger(__name__)

LOCK_NAME = "recovery.lock"
# Things in ``.incoming`` without an owner's mark may be a scan's: left alone for a while, and for as long as a
# long job may take when some process is at work.
_QUIET_AGE_S = 10 * 60
_BUSY_AGE_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What was found and done."""

    finished: tuple[str, ...] = ()
    cleared: int = 0
    leftovers: int = 0


class Recovery:
    """Cleans up after dead processes. One thread."""

    def __init__(self, store: ImageStore, images: Images, intents: Intents, owner: Owner) -> None:
        self._store = store
        self._images = images
        self._intents = intents
        self._owner = owner
        self._incoming = store.paths.incoming

    def run(self, finish: Callable[[ImageRecord, Callable[[], None]], None]) -> RecoveryReport:
        """Finish or clear what dead processes left.

        Parameters
        ----------
        finish
            Called with a record whose file is complete and in place and with a function that writes its
            rows: to be run in one transaction with the audit row and the change.
        """
        lock = FileLock(self._incoming / LOCK_NAME)
        if not self._may_begin(lock):
            return RecoveryReport()
        try:
            finished, cleared = [], 0
            for intent in self._intents.list():
                if self._owner.is_alive(intent.owner):
                    continue
                if self._settle(intent, finish):
                    finished.append(intent.record.id)
                else:
                    cleared += 1
            return RecoveryReport(tuple(finished), cleared, self._clear_incoming())
        finally:
            lock.release()

    def _may_begin(self, lock: FileLock) -> bool:
        """Whether this process may clean up: nobody else is at it, and the library can be written."""
        try:
            self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            return lock.acquire()
        except OSError:
            log.warning("no recovery: the library cannot be written")
            return False

    def _settle(self, intent: Intent, finish: Callable[[ImageRecord, Callable[[], None]], None]) -> bool:
        """Settle one intent; whether an image came in by it."""
        try:
            if intent.kind is IntentKind.ARRIVE:
                return self._settle_arrival(intent, finish)
            self._settle_move(intent)
        except (BitewingError, OSError, ValueError, peewee.PeeweeException, sqlite3.Error):
            # A library must open whatever is left in it. It stays written down; the next start tries again.
            log.exception("intent %s not settled", intent.id)
        return False

    def _settle_arrival(self, intent: Intent, finish: Callable[[ImageRecord, Callable[[], None]], None]) -> bool:
        record = intent.record
        path = self._store.path_of(record)
        if self._images.get(record.id) is None and self._is_unclaimed(record.directory, record.filename):
            if self._came_again(record):
                if _has_hash(path, record.sha256):
                    self._store.remove(record.path)
            elif _has_hash(path, record.sha256):

                def write() -> None:
                    self._images.insert(record)
                    self._intents.complete(intent.id)

                finish(record, write)
                log.info("arrival of %s finished", record.id)
                return True
            if _is_reservation(path):
                self._store.remove(record.path)
        self._store.remove_emptied(path.parent)
        self._intents.complete(intent.id)
        return False

    def _came_again(self, record: ImageRecord) -> bool:
        """Whether the file was imported again since its import was cut off, and stands there whole."""
        twin = self._images.twin_of(record)
        return twin is not None and _has_hash(self._store.path_of(twin), record.sha256)

    def _settle_move(self, intent: Intent) -> None:
        old, new = (self._store.paths.inside(relative) for relative in (intent.source, intent.target))
        unwanted, wanted = (old, new) if intent.state is IntentState.COMMITTED else (new, old)
        relative = intent.source if intent.state is IntentState.COMMITTED else intent.target
        directory, _slash, filename = relative.rpartition("/")
        sha256 = intent.record.sha256
        # A name that was taken may belong to somebody else's file: only our own bytes go, and only a second copy.
        ours = _has_hash(unwanted, sha256) or (intent.state is IntentState.BEGUN and _is_reservation(unwanted))
        if ours and _has_hash(wanted, sha256) and self._is_unclaimed(f"{directory}/", filename):
            self._store.remove(relative)
        self._store.remove_emptied(unwanted.parent)
        self._intents.complete(intent.id)

    def _is_unclaimed(self, directory: str, filename: str) -> bool:
        return self._images.at_path(directory, filename) is None

    def _clear_incoming(self) -> int:
        cleared = 0
        entries = sorted(self._incoming.iterdir())
        tokens = {entry.name.removesuffix(SUFFIX) for entry in entries if entry.name.endswith(SUFFIX)}
        living = {token for token in tokens if self._owner.is_alive(token)}
        patience_s = _BUSY_AGE_S if living else _QUIET_AGE_S
        for entry in entries:
            if entry.name == LOCK_NAME or entry.name.endswith(SUFFIX):
                continue
            token = entry.name.partition("-")[0]
            marked = len(token) == len(self._owner.name)
            if (marked and token not in living) or (not marked and _is_older(entry, patience_s)):
                cleared += _remove(entry)
        for token in tokens - living:
            dead = FileLock(self._incoming / f"{token}{SUFFIX}")
            if dead.acquire():
                dead.release(remove=True)
        return cleared


def _has_hash(path: Path, sha256: str) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and sha256_file(path)[0] == sha256
    except OSError:
        return False


def _is_reservation(path: Path) -> bool:
    """Whether this is a name reserved on a file system without links; nothing was in it yet."""
    try:
        return path.is_file() and not path.is_symlink() and path.stat().st_size == 0
    except OSError:
        return False


def _is_older(entry: Path, seconds: float) -> bool:
    try:
        return time.time() - entry.stat().st_mtime > seconds
    except OSError:
        return False


def _remove(entry: Path) -> bool:
    try:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    except OSError:
        log.warning("a leftover could not be removed")
        return False
    return True
