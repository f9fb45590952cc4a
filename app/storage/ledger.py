"""What is known to lie at a destination, and the holding back of removals there until a person agrees.

The ledger is the table ``copies``; entries are queued again here when a look at the destination proved it wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.clock import epoch_ms
from app.domain.image import Placement
from app.storage.database import Database
from app.storage.outbox import AGREED, ATTEMPTED, LEFT_OUT, OPEN
from app.storage.paging import rising_pages
from app.storage.rows import to_json

MANY_REMOVALS = "mirror.many_removals"
_CHUNK = 900
_PAGE = 2000
# An image that a removal takes away altogether: deleted, or no patient's any more. One that moved lies there anew.
_GOING = (
    "NOT EXISTS (SELECT 1 FROM images i WHERE i.id = o.image_id AND i.placement = 'filed' AND i.deleted_at IS NULL)"
)


@dataclass(frozen=True, slots=True)
class Known:
    """An image at a destination as the ledger has it: its names there, and whether it waits to be sent.

    ``is_left_out``: a person decided that it is not to go there.
    """

    names: tuple[str, ...] = ()
    waits: bool = False
    is_left_out: bool = False


@dataclass(frozen=True, slots=True)
class Removals:
    """How many images would vanish from a destination, of how many, and how many vanished lately."""

    waiting: int
    lately: int
    there: int


class Ledger:
    """What lies at the destinations of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def known(self, destination: str, image_ids: Sequence[str]) -> dict[str, Known]:
        """Return what the ledger and the queue say of these images."""
        names: dict[str, list[str]] = {}
        waits: set[str] = set()
        left_out: set[str] = set()
        for start in range(0, len(image_ids), _CHUNK):
            part = image_ids[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            for image_id, name, how in self._db.rows(
                "SELECT image_id, remote_id, how FROM copies WHERE destination = ? AND gone_at IS NULL"  # noqa: S608 - our own text
                f" AND how <> '{ATTEMPTED}' AND image_id IN ({marks}) ORDER BY confirmed_at DESC",
                (destination, *part),
            ):
                if how == LEFT_OUT:
                    left_out.add(image_id)
                else:
                    names.setdefault(image_id, []).append(name)
            waits.update(
                row[0]
                for row in self._db.rows(
                    "SELECT image_id FROM outbox WHERE destination = ? AND wish = 'put'"  # noqa: S608 - our own text
                    f" AND state IN {OPEN} AND image_id IN ({marks})",
                    (destination, *part),
                )
            )
        return {one: Known(tuple(names.get(one, ())), one in waits, one in left_out) for one in image_ids}

    def leaving(self, destination: str) -> set[str]:
        """Return the names there that wait to be called back."""
        rows = self._db.rows(
            "SELECT remote_id FROM outbox INDEXED BY outbox_removals WHERE destination = ? AND wish = 'remove'"  # noqa: S608 - our own text
            f" AND state IN {OPEN}",
            (destination,),
        )
        return {row[0] for row in rows}

    def open_entries(self, destination: str) -> Iterator[tuple[str, str, str | None]]:
        """Yield everything that waits, oldest first: the image, what is wished, the name that is called back."""
        sql = (
            "SELECT number, image_id, wish, remote_id FROM outbox INDEXED BY outbox_open WHERE destination = ?"  # noqa: S608 - our own text
            f" AND state IN {OPEN} AND number > ? ORDER BY number LIMIT {_PAGE}"
        )
        for rows in rising_pages(self._db, sql, (destination, 0), lambda row: (destination, row[0])):
            yield from ((row[1], row[2], row[3]) for row in rows)

    def places_of(self, image_id: str, sha256: str, md5: str | None) -> list[tuple[str, str]]:
        """Return where an image's very bytes are proven to be: destination and name, what was proven last first."""
        rows = self._db.rows(
            "SELECT c.destination, c.remote_id FROM copies c JOIN destinations d ON d.name = c.destination"
            " WHERE c.image_id = ? AND c.gone_at IS NULL AND c.how NOT IN (?, ?) AND c.digest IN (?, ?)"
            " ORDER BY c.confirmed_at DESC",
            (image_id, ATTEMPTED, LEFT_OUT, sha256, md5 or sha256),
        )
        return [(row[0], row[1]) for row in rows]

    def send_again(
        self,
        destination: str,
        images: Iterable[tuple[str, str]],
        gone: Iterable[tuple[str, str]],
        now: datetime,
    ) -> int:
        """Queue filed images once more and return how many are new in the queue.

        ``images`` and ``gone`` are images and their names there; ``gone`` those that were found not to be there.
        Neither is proven any more, so that they are sent whatever the size there is.
        """
        at, added = epoch_ms(now), 0
        wanted = list(images)
        with self._db.write():
            self._db.execute_many(
                "UPDATE copies SET how = ? WHERE image_id = ? AND destination = ? AND remote_id = ?",
                [(ATTEMPTED, image_id, destination, name) for image_id, name in wanted],
            )
            self._db.execute_many(
                "UPDATE copies SET gone_at = ? WHERE image_id = ? AND destination = ? AND remote_id = ?",
                [(at, image_id, destination, name) for image_id, name in gone],
            )
            for image_id, _name in wanted:
                added += self._db.execute(
                    "INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, added_at, changed_at)"
                    " SELECT ?, id, patient_id, 'put', ?, ? FROM images"
                    " WHERE id = ? AND placement = ? AND deleted_at IS NULL",
                    (destination, at, at, image_id, Placement.FILED.value),
                ).rowcount
        return added

    def removals(self, destination: str, since: datetime, least: int) -> Removals:
        """Return the figures by which removals are judged; those that were agreed to do not count.

        Below ``least`` nothing is held, and how many are there is not counted.
        """
        waiting = self._db.value(
            "SELECT COUNT(*) FROM outbox o INDEXED BY outbox_removals WHERE o.destination = ? AND o.wish = 'remove'"  # noqa: S608 - our own text
            f" AND o.state IN {OPEN} AND o.state <> 'parked' AND COALESCE(o.facts, '') <> ? AND {_GOING}",
            (destination, AGREED),
        )
        if not waiting:
            return Removals(0, 0, 0)
        lately = self._db.value(
            "SELECT COUNT(*) FROM copies o INDEXED BY copies_gone WHERE o.destination = ? AND o.gone_at >= ?"  # noqa: S608 - our own text
            f" AND {_GOING} AND NOT EXISTS (SELECT 1 FROM outbox e"
            " WHERE e.image_id = o.image_id AND e.destination = o.destination AND e.wish = 'remove'"
            " AND e.remote_id = o.remote_id AND e.facts = ? AND e.changed_at >= ?)",
            (destination, epoch_ms(since), AGREED, epoch_ms(since)),
        )
        if waiting + lately < least:
            return Removals(int(waiting), int(lately), 0)
        there = self._db.value(
            "SELECT COUNT(*) FROM copies WHERE destination = ? AND gone_at IS NULL AND how NOT IN (?, ?)",
            (destination, ATTEMPTED, LEFT_OUT),
        )
        return Removals(int(waiting), int(lately), int(there))

    def hold_removals(self, destination: str, count: int, there: int, now: datetime) -> None:
        """Park what would make images vanish from a destination, until a person agrees."""
        with self._db.write():
            self._db.execute(
                "UPDATE outbox AS o INDEXED BY outbox_removals SET state = 'parked', code = ?, facts = ?,"  # noqa: S608 - our own text
                " changed_at = ? WHERE o.destination = ? AND o.wish = 'remove' AND o.state = 'waiting'"
                f" AND o.state IN {OPEN} AND COALESCE(o.facts, '') <> ? AND {_GOING}",
                (MANY_REMOVALS, to_json({"count": count, "there": there}), epoch_ms(now), destination, AGREED),
            )

    def held(self, destination: str) -> int:
        """Return how many removals wait for a person's agreement."""
        return int(
            self._db.value(
                "SELECT COUNT(*) FROM outbox INDEXED BY outbox_removals WHERE destination = ? AND wish = 'remove'"  # noqa: S608 - our own text
                f" AND state IN {OPEN} AND state = 'parked' AND code = ?",
                (destination, MANY_REMOVALS),
            )
        )

    def agree(self, destination: str, now: datetime) -> int:
        """Let every removal that waits now be done, and return how many."""
        with self._db.write():
            return self._db.execute(
                "UPDATE outbox INDEXED BY outbox_removals SET state = 'waiting', due_at = 0, code = NULL, facts = ?,"  # noqa: S608 - our own text
                f" changed_at = ? WHERE destination = ? AND wish = 'remove' AND state IN {OPEN}"
                " AND (state = 'waiting' OR (state = 'parked' AND code = ?))",
                (AGREED, epoch_ms(now), destination, MANY_REMOVALS),
            ).rowcount
