"""What waits to be sent to which destination, and how each entry stands. Rows are queued by the schema itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core.clock import epoch_ms
from app.storage.database import Database, Row
from app.storage.rows import milliseconds, moment, sound, to_json

_NAMES = (
    "number",
    "destination",
    "image_id",
    "patient_id",
    "wish",
    "state",
    "tries",
    "due_at",
    "remote_id",
    "code",
    "facts",
    "added_at",
    "changed_at",
)
_COLUMNS = ", ".join(_NAMES)
OPEN = "('waiting', 'sending', 'parked')"
# How a copy stands whose sending has begun and not been proven yet.
ATTEMPTED = "attempted"
# What the facts of a removal say that a person agreed to.
AGREED = to_json({"agreed": True})
# How an image stands at a destination that a person decided it is not to go to.
LEFT_OUT = "left out"
# More entries than that are not told apart only to be counted.
_EXACT = 20_000


class Wish(StrEnum):
    """What is to become of an image at a destination."""

    PUT = "put"
    REMOVE = "remove"


class EntryState(StrEnum):
    """How far an entry is; ``PARKED`` waits for a person."""

    WAITING = "waiting"
    SENDING = "sending"
    CONFIRMED = "confirmed"
    PARKED = "parked"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to be sent. ``remote_id`` names what is to be removed."""

    number: int
    destination: str
    image_id: str
    patient_id: str | None
    wish: Wish
    state: EntryState
    tries: int
    due_at: datetime
    remote_id: str | None
    code: str | None
    facts: Mapping[str, Any]
    added_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry's image is there under a name, with a digest (or is gone), and how that was found out.

    ``is_foreign``: others had put it there; it is not ours to call back.
    """

    entry: Entry
    remote_id: str
    digest: str
    how: str
    is_foreign: bool = False


class Known(StrEnum):
    """What is known of an object before it is sent; ``FOREIGN``: others had put it there."""

    NOT_AT_ALL = ""
    OURS = "ours"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Copy:
    """An image at a destination: what it is called there, its digest there, and how that was found out.

    ``is_foreign``: others had put it there before us.
    """

    image_id: str
    destination: str
    remote_id: str
    digest: str
    how: str
    confirmed_at: datetime
    gone_at: datetime | None = None
    is_foreign: bool = False

    def proves(self, digest: str) -> bool:
        """Whether these very bytes were proven to be there, and not called back since."""
        return self.digest == digest and self.gone_at is None and self.how != ATTEMPTED


class Outbox:
    """The queues of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def waiting(self, destination: str) -> int:
        """Return how many entries wait or are being sent."""
        return int(
            self._db.value(
                "SELECT COUNT(*) FROM outbox INDEXED BY outbox_figures WHERE destination = ?"  # noqa: S608 - our own text
                f" AND state IN ('waiting', 'sending') AND state IN {OPEN}",
                (destination,),
            )
        )

    def is_due(self, destination: str, now: datetime) -> bool:
        """Whether anything might be sent now."""
        return bool(
            self._db.value(
                "SELECT EXISTS (SELECT 1 FROM outbox WHERE destination = ? AND state = 'waiting' AND due_at <= ?)",
                (destination, epoch_ms(now)),
            )
        )

    def recover(self, destination: str) -> int:
        """Let what a dead drainer was sending wait again; delivery is at least once and idempotent."""
        with self._db.write():
            # The same wish may have been queued anew meanwhile: one of the two is enough.
            self._db.execute(
                "UPDATE outbox INDEXED BY outbox_figures SET state = 'cancelled'"  # noqa: S608 - our own text
                f" WHERE destination = ? AND state = 'sending' AND state IN {OPEN} AND EXISTS"
                " (SELECT 1 FROM outbox n WHERE n.destination = outbox.destination AND n.image_id = outbox.image_id AND"
                " n.wish = outbox.wish AND COALESCE(n.remote_id, '') = COALESCE(outbox.remote_id, '')"
                " AND n.state IN ('waiting', 'parked'))",
                (destination,),
            )
            return self._db.execute(
                "UPDATE outbox INDEXED BY outbox_figures SET state = 'waiting'"  # noqa: S608 - our own text
                f" WHERE destination = ? AND state = 'sending' AND state IN {OPEN}",
                (destination,),
            ).rowcount

    def take(self, destination: str, now: datetime, limit: int, wish: Wish | None = None) -> list[Entry]:
        """Claim what is due (of one sort alone), oldest first; of a patient nothing whose turn has not come.

        An entry waits while an earlier one of the same patient waits or is being sent; one that is parked waits
        for a person and holds nobody up. A copy in public never waits for what becomes of another.
        """
        at, of_sort = epoch_ms(now), "" if wish is None else f" AND o.wish = '{wish.value}'"
        with self._db.write():
            rows = self._db.rows(
                f"SELECT {_COLUMNS} FROM outbox o INDEXED BY outbox_waiting WHERE o.destination = ?"  # noqa: S608 - our own text
                " AND o.state = 'waiting' AND o.due_at <= ? AND NOT EXISTS (SELECT 1 FROM outbox e"
                " INDEXED BY outbox_by_patient WHERE e.destination = o.destination AND e.patient_id IS o.patient_id"
                " AND e.number < o.number AND e.state IN ('waiting', 'sending')"
                " AND (e.remote_id IS o.remote_id OR substr(o.destination, 1, 7) <> 'public.')"
                f" AND (e.state = 'sending' OR e.due_at > ?)){of_sort} ORDER BY o.number LIMIT ?",
                (destination, at, at, limit),
            )
            self._db.execute_many(
                "UPDATE outbox SET state = 'sending', changed_at = ? WHERE number = ?", [(at, row[0]) for row in rows]
            )
        return [_entry_of(row) for row in rows]

    def confirm(self, proofs: Iterable[Proof], now: datetime) -> None:
        """Write down, in their order, that images are there, or that they are gone."""
        with self._db.write():
            for together in _independent(proofs):
                self._confirm(together, epoch_ms(now))

    def _confirm(self, proofs: Sequence[Proof], at: int) -> None:
        """Settle entries of which none has to do with another: a statement for all takes a third of one for each."""
        self._db.execute_many(
            "UPDATE outbox SET state = 'confirmed', code = NULL, changed_at = ?,"
            " facts = CASE WHEN facts = ? THEN facts END WHERE number = ?",
            [(at, AGREED, proof.entry.number) for proof in proofs],
        )
        gone = [proof for proof in proofs if proof.entry.wish is Wish.REMOVE]
        self._db.execute_many(
            "UPDATE copies SET gone_at = ? WHERE image_id = ? AND destination = ? AND remote_id = ?",
            [(at, proof.entry.image_id, proof.entry.destination, proof.remote_id) for proof in gone],
        )
        there = [proof for proof in proofs if proof.entry.wish is Wish.PUT]
        self._db.execute_many(
            "INSERT INTO copies (image_id, destination, remote_id, digest, how, confirmed_at, is_foreign)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (image_id, destination, remote_id) DO UPDATE SET"
            " digest = excluded.digest, how = excluded.how, confirmed_at = excluded.confirmed_at,"
            " is_foreign = excluded.is_foreign, is_stale = 0, gone_at = NULL",
            [
                (
                    proof.entry.image_id,
                    proof.entry.destination,
                    proof.remote_id,
                    proof.digest,
                    proof.how,
                    at,
                    int(proof.is_foreign),
                )
                for proof in there
            ],
        )
        # Earlier objects of the image, also those whose answer was lost, are called back.
        self._db.execute_many(
            "INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, remote_id, added_at,"
            " changed_at) SELECT destination, image_id, ?, 'remove', remote_id, ?, ? FROM copies c WHERE"
            " image_id = ? AND destination = ? AND remote_id <> ? AND gone_at IS NULL AND is_foreign = 0"
            " AND NOT EXISTS (SELECT 1 FROM outbox o"
            " WHERE o.image_id = c.image_id AND o.destination = c.destination"
            " AND o.remote_id = c.remote_id AND o.wish = 'remove' AND o.state = 'sending')",
            [
                (proof.entry.patient_id, at, at, proof.entry.image_id, proof.entry.destination, proof.remote_id)
                for proof in there
            ],
        )
        self._call_back_at_once([proof for proof in there if not proof.is_foreign], at)

    def _call_back_at_once(self, proofs: Sequence[Proof], at: int) -> None:
        """Call back what was moved to somebody else or deleted while it was on its way."""
        self._db.execute_many(
            "INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, remote_id, added_at, changed_at)"
            " SELECT ?, ?, ?, 'remove', ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM images WHERE id = ?"
            " AND placement = 'filed' AND deleted_at IS NULL AND patient_id IS ?)",
            [
                (
                    proof.entry.destination,
                    proof.entry.image_id,
                    proof.entry.patient_id,
                    proof.remote_id,
                    at,
                    at,
                    proof.entry.image_id,
                    proof.entry.patient_id,
                )
                for proof in proofs
            ],
        )

    def still_goes(self, entry: Entry) -> bool:
        """Whether the image is in the library still, as the very patient's that it was queued for."""
        return bool(
            self._db.value(
                "SELECT EXISTS (SELECT 1 FROM images i JOIN patients p ON p.id = i.patient_id"
                " WHERE i.id = ? AND p.id = ? AND i.placement = 'filed' AND i.deleted_at IS NULL"
                " AND p.merged_into IS NULL)",
                (entry.image_id, entry.patient_id),
            )
        )

    def note_away(self, destination: str, code: str) -> None:
        """Write down at the first entry that waits why nothing can be sent at all."""
        with self._db.write():
            self._db.execute(
                "UPDATE outbox SET code = ? WHERE number = (SELECT MIN(number) FROM outbox INDEXED BY outbox_waiting"
                " WHERE destination = ? AND state = 'waiting')",
                (code, destination),
            )

    def again(self, entry: Entry) -> None:
        """Let an entry wait again whose answer came from a place that the destination left meanwhile."""
        with self._db.write():
            self._db.execute(
                "UPDATE outbox SET state = 'waiting', due_at = 0 WHERE number = ? AND state = 'sending'",
                (entry.number,),
            )

    def settle(
        self,
        entry: Entry,
        state: EntryState,
        code: str | None,
        facts: Mapping[str, Any],
        now: datetime,
        due: datetime | None = None,
    ) -> EntryState:
        """Say that an entry waits again (from ``due``), is parked or cancelled, and why; return how it stands then.

        One whose wish was queued anew meanwhile is cancelled: one of the two is enough.
        """
        with self._db.write():
            if state in {EntryState.WAITING, EntryState.PARKED} and self._db.row(
                "SELECT 1 FROM outbox WHERE destination = ? AND image_id = ? AND wish = ? AND number <> ?"
                " AND COALESCE(remote_id, '') = COALESCE(?, '') AND state IN ('waiting', 'parked')",
                (entry.destination, entry.image_id, entry.wish.value, entry.number, entry.remote_id),
            ):
                state = EntryState.CANCELLED
            self._db.execute(
                # One that was not tried keeps the turn that it had.
                "UPDATE outbox SET state = ?, tries = tries + ?, due_at = CASE WHEN ? THEN due_at ELSE ? END, code = ?,"
                " facts = CASE WHEN ? AND facts = ? THEN facts ELSE ? END, changed_at = ? WHERE number = ?",
                (
                    state.value,
                    int(code is not None),
                    int(code is None and due is None),
                    milliseconds(due) or 0,
                    code,
                    int(code is None),
                    AGREED,
                    to_json(dict(facts)) if facts else None,
                    epoch_ms(now),
                    entry.number,
                ),
            )
        return state

    def release(self, destination: str, wish: Wish | None = None) -> int:
        """Let parked entries (of one sort alone) wait again and what backs off be due; unblock the destination."""
        of_sort = "" if wish is None else f" AND wish = '{wish.value}'"
        with self._db.write():
            self._db.execute(
                "UPDATE destinations SET blocked_code = NULL, blocked_facts = NULL WHERE name = ?", (destination,)
            )
            self._db.execute(
                f"UPDATE outbox SET due_at = 0 WHERE destination = ? AND state = 'waiting'{of_sort}",  # noqa: S608 - our own text
                (destination,),
            )
            return self._db.execute(
                "UPDATE outbox SET state = 'waiting', due_at = 0, code = NULL, facts = NULL WHERE destination = ?"  # noqa: S608 - our own text
                f" AND state = 'parked'{of_sort}",
                (destination,),
            ).rowcount

    def hurry(self, destination: str, codes: Iterable[str]) -> None:
        """Let what met one of ``codes`` be due: the destination answers again. Others keep their own time."""
        wanted = tuple(codes)
        with self._db.write():
            self._db.execute(
                "UPDATE outbox SET due_at = 0 WHERE destination = ? AND state = 'waiting'"  # noqa: S608 - our own text
                f" AND code IN ({', '.join('?' * len(wanted))})",
                (destination, *wanted),
            )

    def entry(self, number: int) -> Entry | None:
        """Return one entry."""
        row = self._db.row(f"SELECT {_COLUMNS} FROM outbox WHERE number = ?", (number,))  # noqa: S608 - our own text
        return None if row is None else _entry_of(row)

    def entries(self, destination: str, states: Iterable[EntryState], limit: int = 200) -> list[Entry]:
        """Return entries in these states, oldest first."""
        wanted = [state.value for state in states]
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM outbox WHERE destination = ? AND state IN ({', '.join('?' * len(wanted))})"  # noqa: S608 - our own text
            " ORDER BY number LIMIT ?",
            (destination, *wanted, limit),
        )
        return [_entry_of(row) for row in rows]

    def lacking(self, limit: int = 200) -> list[tuple[str, tuple[str, ...]]]:
        """Return images that are not everywhere yet, those that wait longest first, each with where it lacks."""
        enabled = [row[0] for row in self._db.rows("SELECT name FROM destinations WHERE enabled = 1")]
        first: list[tuple[int, str]] = []
        for name in enabled:
            first += self._db.rows(
                "SELECT number, image_id FROM outbox INDEXED BY outbox_open WHERE destination = ? AND wish = 'put'"  # noqa: S608 - our own text
                f" AND state IN {OPEN} ORDER BY number LIMIT ?",
                (name, limit),
            )
        images = list(dict.fromkeys(image for _number, image in sorted(first)))[:limit]
        return [(image, self._lacks_at(image)) for image in images]

    def _lacks_at(self, image_id: str) -> tuple[str, ...]:
        rows = self._db.rows(
            "SELECT DISTINCT o.destination FROM outbox o JOIN destinations d ON d.name = o.destination"  # noqa: S608 - our own text
            f" AND d.enabled = 1 WHERE o.image_id = ? AND o.wish = 'put' AND o.state IN {OPEN} ORDER BY o.destination",
            (image_id,),
        )
        return tuple(row[0] for row in rows)

    def count_lacking(self) -> tuple[int, bool]:
        """Return how many images are not everywhere yet, and whether that is exact: of many it is the least."""
        counts = self._db.rows(
            "SELECT COUNT(*) FROM outbox o INDEXED BY outbox_open JOIN destinations d ON d.name = o.destination"  # noqa: S608 - our own text
            f" AND d.enabled = 1 WHERE o.state IN {OPEN} AND o.wish = 'put' GROUP BY o.destination"
        )
        if len(counts) < 2 or sum(row[0] for row in counts) > _EXACT:
            return max((int(row[0]) for row in counts), default=0), len(counts) < 2
        exact = self._db.value(
            "SELECT COUNT(DISTINCT o.image_id) FROM outbox o JOIN destinations d ON d.name = o.destination"  # noqa: S608 - our own text
            f" AND d.enabled = 1 WHERE o.wish = 'put' AND o.state IN {OPEN}"
        )
        return int(exact), True

    def of_image(self, image_id: str) -> list[Entry]:
        """Return what waits, is being sent or is parked for an image, oldest first."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM outbox WHERE image_id = ? AND state IN {OPEN} ORDER BY number",  # noqa: S608 - our own text
            (image_id,),
        )
        return [_entry_of(row) for row in rows]


def _independent(proofs: Iterable[Proof]) -> Iterator[list[Proof]]:
    """Split what was proven, in its order, wherever an image comes again: what becomes of it last is what holds."""
    together: list[Proof] = []
    images: set[str] = set()
    for proof in proofs:
        if proof.entry.image_id in images:
            yield together
            together, images = [], set()
        together.append(proof)
        images.add(proof.entry.image_id)
    if together:
        yield together


@sound
def _entry_of(row: Row) -> Entry:
    return Entry(
        number=row[0],
        destination=row[1],
        image_id=row[2],
        patient_id=row[3],
        wish=Wish(row[4]),
        state=EntryState(row[5]),
        tries=row[6],
        due_at=moment(row[7]),
        remote_id=row[8],
        code=row[9],
        facts=json.loads(row[10]) if row[10] else {},
        added_at=moment(row[11]),
        changed_at=moment(row[12]),
    )
