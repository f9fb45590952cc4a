"""Where images are known to lie: each copy's name and digest there, how that was found out, and whose it is.

Written by whoever sends; what is queued is the outbox's business, what a comparison finds is the ledger's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.core.clock import epoch_ms
from app.storage.database import Database, Row
from app.storage.outbox import ATTEMPTED, Copy, Entry, Known
from app.storage.rows import moment, moment_or_none, sound

# SQLite before 3.32 takes 999 parameters.
_CHUNK = 900


@dataclass(frozen=True, slots=True)
class Attempt:
    """An object about to be sent for an entry; ``is_foreign``: others have put it there already."""

    entry: Entry
    remote_id: str
    digest: str
    is_foreign: bool = False


class Copies:
    """The copies of one library's images elsewhere. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of_image(self, image_id: str) -> list[Copy]:
        """Return where an image is, and where it was until it was called back."""
        rows = self._db.rows(
            "SELECT image_id, destination, remote_id, digest, how, confirmed_at, gone_at, is_foreign FROM copies"
            " WHERE image_id = ? ORDER BY destination, confirmed_at",
            (image_id,),
        )
        return [_copy_of(row) for row in rows]

    def known_as(self, entry: Entry, remote_id: str) -> Known:
        """Return whether this object may be there already, and whether it is one that we sent."""
        return known_as(self.at(entry, remote_id))

    def at(self, entry: Entry, remote_id: str) -> Copy | None:
        """Return what is known of an entry's image under that name, also of one that was called back."""
        row = self._db.row(
            "SELECT image_id, destination, remote_id, digest, how, confirmed_at, gone_at, is_foreign FROM copies"
            " WHERE image_id = ? AND destination = ? AND remote_id = ?",
            (entry.image_id, entry.destination, remote_id),
        )
        return _copy_of(row) if row is not None else None

    def attempt(self, about: Iterable[Attempt], now: datetime) -> None:
        """Write down that objects are about to be sent: if an answer is lost its object can still be called back."""
        self._expect(
            (one.entry.image_id, one.entry.destination, one.remote_id, one.digest, epoch_ms(now), int(one.is_foreign))
            for one in about
        )

    def is_claimed(self, entry: Entry, remote_id: str) -> bool:
        """Whether another image's copy lies under that name: it is not to go with this one."""
        return bool(
            self._db.value(
                "SELECT EXISTS (SELECT 1 FROM copies WHERE destination = ? AND remote_id = ? AND image_id <> ?"
                " AND gone_at IS NULL)",
                (entry.destination, remote_id, entry.image_id),
            )
        )

    def suppose(self, image_id: str, destination: str, remote_id: str, digest: str, now: datetime) -> None:
        """Write down that an object of others may be there: it is asked for before it is sent."""
        self._expect([(image_id, destination, remote_id, digest, epoch_ms(now), int(True))])

    def _expect(self, objects: Iterable[tuple[str, str, str, str, int, int]]) -> None:
        with self._db.write():
            self._db.execute_many(
                "INSERT INTO copies (image_id, destination, remote_id, digest, how, confirmed_at, is_foreign)"
                " VALUES (?, ?, ?, ?, 'attempted', ?, ?) ON CONFLICT (image_id, destination, remote_id) DO UPDATE SET"
                # What was called back and may come again proves nothing until it is there.
                " how = CASE WHEN gone_at IS NULL THEN how ELSE 'attempted' END,"
                " digest = excluded.digest, gone_at = NULL",
                objects,
            )

    def sent_from_here(self, destination: str, remote_ids: Iterable[str]) -> dict[str, str]:
        """Return which of these objects came from here and lie there still, with the image each was made of."""
        wanted = list(dict.fromkeys(remote_ids))
        found: dict[str, str] = {}
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            rows = self._db.rows(
                "SELECT c.remote_id, c.image_id FROM images i JOIN copies c ON c.image_id = i.id"  # noqa: S608 - our own text
                f" WHERE i.deleted_at IS NULL AND c.destination = ? AND c.gone_at IS NULL AND c.how <> '{ATTEMPTED}'"
                f" AND c.remote_id IN ({','.join('?' * len(part))})",
                (destination, *part),
            )
            found.update(dict(rows))
        return found


def known_as(copy: Copy | None) -> Known:
    """Return how an object is known of which this is known."""
    if copy is None:
        return Known.NOT_AT_ALL
    return Known.FOREIGN if copy.is_foreign else Known.OURS


@sound
def _copy_of(row: Row) -> Copy:
    return Copy(row[0], row[1], row[2], row[3], row[4], moment(row[5]), moment_or_none(row[6]), bool(row[7]))
