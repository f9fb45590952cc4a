"""The change log: how other processes hear within a second of what this one did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.core.clock import epoch_ms, utc_now
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.storage.database import Database

# Whoever is further behind asks again from where this ends.
MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """A change with its number and the process that made it."""

    seq: int
    change: Change
    origin: str


class Changes:
    """The change log of one library. Any thread. ``origin`` names this process in rows it writes."""

    def __init__(self, database: Database, origin: str = "") -> None:
        self._db = database
        self.origin = origin

    def append(self, changes: Iterable[Change] | ChangeSet, origin: str | None = None) -> int | None:
        """Write changes in the caller's transaction and return the last number."""
        listed = changes.changes if isinstance(changes, ChangeSet) else tuple(changes)
        if not listed:
            return None
        now, who = epoch_ms(utc_now()), self.origin if origin is None else origin
        with self._db.write():
            self._db.execute_many(
                "INSERT INTO change_log (at, entity, kind, id, patient_id, origin) VALUES (?, ?, ?, ?, ?, ?)",
                [(now, item.entity.value, item.kind.value, item.id, item.patient_id, who) for item in listed],
            )
            return self.last()

    def last(self) -> int:
        """Return the number of the newest change; 0 when there was none yet."""
        return int(self._db.value("SELECT COALESCE(MAX(seq), 0) FROM change_log"))

    def since(self, seq: int, *, other_than: str | None = None) -> list[LoggedChange]:
        """Return changes after number ``seq`` in order, at most ``MOST_AT_ONCE``, without those of ``other_than``."""
        rows = self._db.rows(
            "SELECT seq, entity, kind, id, patient_id, origin FROM change_log"
            " WHERE seq > ? AND (? IS NULL OR origin <> ?) ORDER BY seq LIMIT ?",
            (seq, other_than, other_than, MOST_AT_ONCE),
        )
        return [
            LoggedChange(row[0], Change(Entity(row[1]), ChangeKind(row[2]), row[3], row[4]), row[5]) for row in rows
        ]

    def set_since(self, seq: int, *, other_than: str | None = None) -> ChangeSet:
        """Return the changes after number ``seq`` as one set with the newest number."""
        with self._db.read():
            last = self.last()
            found = self.since(seq, other_than=other_than)
        newest = max([last, *(item.seq for item in found)]) if len(found) < MOST_AT_ONCE else found[-1].seq
        return ChangeSet(tuple(dict.fromkeys(item.change for item in found)), newest)
