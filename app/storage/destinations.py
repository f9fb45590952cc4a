"""The destinations that images go to: which are on, how far each is filled, how its queue stands, what blocks it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.clock import epoch_ms, utc_now
from app.domain.publication import is_public
from app.storage.database import Database, Row
from app.storage.outbox import OPEN
from app.storage.rows import moment, moment_or_none, sound, to_json

# So many images are looked at in one transaction when a destination is switched on.
FILL = 5_000
_FORGOTTEN = "forgotten."
_LAST_RANK = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Queue:
    """A destination and its queue.

    ``blocked_code`` says why nothing is sent until a person acts, ``last_fault`` what an entry that waits met last.
    """

    name: str
    kind: str
    enabled: bool
    waiting: int = 0
    parked: int = 0
    oldest: datetime | None = None
    last_success: datetime | None = None
    blocked_code: str | None = None
    blocked_facts: Mapping[str, Any] = field(default_factory=dict)
    last_fault: str | None = None


class Destinations:
    """The destinations of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def set(self, name: str, kind: str, *, enabled: bool) -> int:
        """Make a destination known; one that is new or enabled gets every image it lacks.

        The first are queued at once, and how many is returned; :meth:`fill` queues the rest.
        """
        with self._db.write():
            self._sweep_all(name)
            # What blocked it may be mended by the change: those that met it try again.
            self._db.execute(
                "UPDATE outbox SET state = 'waiting', due_at = 0 WHERE destination = ? AND state = 'parked'"
                " AND code = (SELECT blocked_code FROM destinations WHERE name = ?)",
                (name, name),
            )
            self._db.execute(
                "INSERT INTO destinations (name, kind, enabled) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
                " SET kind = excluded.kind, enabled = excluded.enabled, blocked_code = NULL, blocked_facts = NULL",
                (name, kind, int(enabled)),
            )
            self._db.execute("UPDATE destinations SET filled_rank = ? WHERE name = ?", (0 if enabled else None, name))
            return self._fill_part(name) if enabled else 0

    def fill(self, name: str) -> bool:
        """Queue a further part of the images that a destination lacks; whether there are more."""
        with self._db.write():
            self._fill_part(name)
            return self._filled(name) is not None

    def _filled(self, name: str) -> int | None:
        filled = self._db.value("SELECT filled_rank FROM destinations WHERE name = ?", (name,))
        return None if filled is None else int(filled)

    def _fill_part(self, name: str) -> int:
        """Look at some thousand images, so that nobody waits for a transaction over a million."""
        start = self._filled(name)
        if start is None:
            return 0
        end = self._db.value("SELECT rank FROM images WHERE rank > ? ORDER BY rank LIMIT 1 OFFSET ?", (start, FILL - 1))
        now = epoch_ms(utc_now())
        added = self._db.execute(
            "INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, added_at, changed_at)"  # noqa: S608 - our own text
            " SELECT ?, i.id, i.patient_id, 'put', ?, ? FROM images i WHERE i.rank > ? AND i.rank <= ?"
            " AND i.placement = 'filed' AND i.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM copies c"
            " WHERE c.image_id = i.id AND c.destination = ? AND c.gone_at IS NULL AND c.how <> 'attempted'"
            " AND c.is_stale = 0)"
            " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE"
            f" o.image_id = i.id AND o.destination = ? AND o.wish = 'put' AND o.state IN {OPEN}) ORDER BY i.rank",
            (name, now, now, start, end if end is not None else _LAST_RANK, name, name),
        ).rowcount
        self._db.execute("UPDATE destinations SET filled_rank = ? WHERE name = ?", (end, name))
        return added

    def moved(self, name: str) -> None:
        """Take note that the destination is at another place now: what was proven or is to be called back is not there.

        What lies at the old place stays there. Images are sent to the new one, where each is asked for first.
        """
        now = epoch_ms(utc_now())
        with self._db.write():
            self._db.execute("UPDATE copies SET gone_at = ? WHERE destination = ? AND gone_at IS NULL", (now, name))
            self._db.execute("UPDATE destinations SET generation = generation + 1 WHERE name = ?", (name,))
            self._db.execute(
                f"UPDATE outbox SET state = 'cancelled', changed_at = ? WHERE destination = ? AND wish = 'remove'"  # noqa: S608 - our own text
                f" AND state IN {OPEN}",
                (now, name),
            )

    def connected(self, name: str, mark: str) -> None:
        """Unblock a destination whose block has ``mark`` among its facts: what kept it from being reached is over."""
        with self._db.write():
            self._db.execute(
                "UPDATE destinations SET blocked_code = NULL, blocked_facts = NULL WHERE name = ?"
                " AND json_extract(blocked_facts, '$.' || ?) = 1",
                (name, mark),
            )

    def succeeded(self, name: str, now: datetime) -> None:
        """Write down when something was last proven to be there, or to be gone from there."""
        with self._db.write():
            self._db.execute("UPDATE destinations SET last_success_at = ? WHERE name = ?", (epoch_ms(now), name))

    def stale(self, name: str) -> None:
        """Let everything there be asked for or sent anew; what lies there under other names is then called back."""
        with self._db.write():
            self._db.execute("UPDATE copies SET is_stale = 1 WHERE destination = ?", (name,))

    def generation(self, name: str) -> int:
        """Return the number of the destination's place; -1 for one that is not known (any more)."""
        found = self._db.value("SELECT generation FROM destinations WHERE name = ?", (name,))
        return -1 if found is None else int(found)

    def forget(self, destination: str) -> None:
        """Forget a destination; one of the same name is another one. What waits for it is nobody's until :meth:`sweep`.

        A queue of hundreds of thousands takes seconds to cancel, and everybody would wait for that transaction. What is
        or may be public is forgotten by nobody: of a public folder only what is not there yet is cancelled, at once.
        """
        with self._db.write():
            self._db.execute(
                "DELETE FROM state WHERE key IN (?, ?)", (f"observed.{destination}", f"{destination}.marker")
            )
            if is_public(destination):
                self._db.execute(
                    f"UPDATE outbox SET state = 'cancelled', changed_at = ? WHERE destination = ? AND state IN {OPEN}",  # noqa: S608 - our own text
                    (epoch_ms(utc_now()), destination),
                )
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO state (key, value, updated_at) VALUES (?, ?, ?)",
                    (f"{_FORGOTTEN}{destination}", to_json(""), epoch_ms(utc_now())),
                )
            self._db.execute("DELETE FROM destinations WHERE name = ?", (destination,))

    def sweep(self) -> bool:
        """Cancel a part of what waits for forgotten destinations; whether there is more."""
        with self._db.read():
            # As a range: LIKE would read every key.
            key = self._db.value(
                "SELECT key FROM state WHERE key > ? AND key < ? LIMIT 1", (_FORGOTTEN, f"{_FORGOTTEN}\U0010ffff")
            )
        if key is None:
            return False
        name = str(key).removeprefix(_FORGOTTEN)
        with self._db.write():
            # Another process may have been quicker.
            if self._is_forgotten(name):
                self._sweep_part(name)
        return True

    def _sweep_part(self, name: str) -> None:
        now = epoch_ms(utc_now())
        cancelled = self._db.execute(
            "UPDATE outbox SET state = 'cancelled', changed_at = ? WHERE number IN (SELECT number FROM outbox"  # noqa: S608 - our own text
            f" INDEXED BY outbox_open WHERE destination = ? AND state IN {OPEN} LIMIT ?)",
            (now, name, FILL),
        ).rowcount
        if cancelled == FILL:
            return
        key = f"{_FORGOTTEN}{name}"
        # How far this has come: rows that are gone already are not read over and over.
        after = json.loads(self._db.value("SELECT value FROM state WHERE key = ?", (key,)))
        last = self._db.value(
            "SELECT remote_id FROM copies INDEXED BY copies_by_remote WHERE destination = ? AND remote_id > ?"
            " ORDER BY remote_id LIMIT 1 OFFSET ?",
            (name, after, FILL - 1),
        )
        self._db.execute(
            "UPDATE copies SET gone_at = ? WHERE destination = ? AND remote_id > ? AND (? IS NULL OR remote_id <= ?)"
            " AND gone_at IS NULL",
            (now, name, after, last, last),
        )
        if last is None:
            self._db.execute("DELETE FROM state WHERE key = ?", (key,))
        else:
            self._db.execute("UPDATE state SET value = ? WHERE key = ?", (to_json(last), key))

    def _sweep_all(self, name: str) -> None:
        """A destination of that name is made known anew: what waits for the forgotten one must not become its own."""
        while self._is_forgotten(name):
            self._sweep_part(name)

    def _is_forgotten(self, name: str) -> bool:
        return self._db.value("SELECT 1 FROM state WHERE key = ?", (f"{_FORGOTTEN}{name}",)) is not None

    def queues(self) -> list[Queue]:
        """Return every destination with its figures."""
        counted: dict[str, dict[str, int]] = {}
        # "state = 'x'" alone does not tell SQLite that the index has it.
        for name, state, count in self._db.rows(
            "SELECT destination, state, COUNT(*) FROM outbox INDEXED BY outbox_figures"  # noqa: S608 - our own text
            f" WHERE state IN {OPEN} GROUP BY destination, state"
        ):
            counted.setdefault(name, {})[state] = count
        rows = self._db.rows(
            "SELECT d.name, d.kind, d.enabled, d.last_success_at, d.blocked_code, d.blocked_facts,"  # noqa: S608 - our own text
            f" (SELECT MIN(added_at) FROM outbox WHERE destination = d.name AND state = 'waiting' AND state IN {OPEN}),"
            f" (SELECT MIN(added_at) FROM outbox WHERE destination = d.name AND state = 'sending' AND state IN {OPEN}),"
            " (SELECT MAX(code) FROM outbox WHERE destination = d.name AND state = 'waiting' AND code IS NOT NULL)"
            " FROM destinations d ORDER BY d.name"
        )
        return [_queue_of((row, counted.get(row[0], {}))) for row in rows]

    def block(self, destination: str, code: str, facts: Mapping[str, Any]) -> None:
        """Send nothing there until a person acts."""
        with self._db.write():
            self._db.execute(
                "UPDATE destinations SET blocked_code = ?, blocked_facts = ? WHERE name = ?",
                (code, to_json(dict(facts)), destination),
            )

    def is_blocked(self, destination: str) -> bool:
        """Whether nothing is sent there until a person acts."""
        return self._db.value("SELECT blocked_code FROM destinations WHERE name = ?", (destination,)) is not None


@sound
def _queue_of(found: tuple[Row, Mapping[str, int]]) -> Queue:
    row, counted = found
    oldest = [at for at in (row[6], row[7]) if at is not None]
    return Queue(
        name=row[0],
        kind=row[1],
        enabled=bool(row[2]),
        waiting=counted.get("waiting", 0) + counted.get("sending", 0),
        parked=counted.get("parked", 0),
        oldest=moment(min(oldest)) if oldest else None,
        last_success=moment_or_none(row[3]),
        blocked_code=row[4],
        blocked_facts=json.loads(row[5]) if row[5] else {},
        last_fault=row[8],
    )
