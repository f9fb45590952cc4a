"""Published copies in the catalogue. Their dates follow the queue and the ledger of copies by the schema's triggers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.clock import epoch_ms
from app.domain.publication import Publication, PublicForm
from app.storage.database import Database, Row
from app.storage.outbox import ATTEMPTED, OPEN
from app.storage.rows import moment, moment_or_none, sound

_NAMES = (
    "id",
    "image_id",
    "patient_id",
    "destination",
    "remote_id",
    "place",
    "url",
    "form",
    "filename",
    "sha256",
    "bytes",
    "image_type",
    "caption",
    "asked_by",
    "asked_at",
    "public_at",
    "withdrawn_at",
    "gone_at",
    "how",
)
_COLUMNS = ", ".join(f"p.{name}" for name in _NAMES)
_ASKED = _NAMES[: _NAMES.index("asked_at") + 1]


@dataclass(frozen=True, slots=True)
class PublicEntry:
    """A published copy with what its entry in the queue says; ``code``: what it met last, ``parked``: it waits for
    a person."""

    publication: Publication
    code: str | None = None
    parked: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


class Publications:
    """The published copies of one library's images. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def ask(self, wanted: Publication) -> None:
        """Write a wish down and queue it, under the name that it will have there whatever happens meanwhile."""
        at = epoch_ms(wanted.asked_at)
        with self._db.write():
            self._add(wanted)
            self._db.execute(
                "INSERT INTO outbox (destination, image_id, patient_id, wish, remote_id, added_at, changed_at)"
                " VALUES (?, ?, ?, 'put', ?, ?, ?)",
                (wanted.destination, wanted.image_id, wanted.patient_id, wanted.remote_id, at, at),
            )

    def adopt(self, found: Publication) -> None:
        """Write down a copy that lies in public without our knowing, and call it back like any other.

        One that was said to be gone before is called back as what it was.
        """
        at = epoch_ms(found.asked_at)
        with self._db.write():
            known = self.get(found.destination, found.remote_id)
            if known is None:
                self._add(found)
            copy = known or found
            self._db.execute(
                "INSERT INTO copies (image_id, destination, remote_id, digest, how, confirmed_at)"
                " VALUES (?, ?, ?, '', ?, ?) ON CONFLICT (image_id, destination, remote_id) DO UPDATE SET"
                " gone_at = NULL",
                (copy.image_id, copy.destination, copy.remote_id, ATTEMPTED, at),
            )
            self.withdraw(copy, found.asked_at)

    def _add(self, wanted: Publication) -> None:
        at = epoch_ms(wanted.asked_at)
        values = (
            wanted.id,
            wanted.image_id,
            wanted.patient_id,
            wanted.destination,
            wanted.remote_id,
            wanted.place,
            wanted.url,
            wanted.form.value,
            wanted.filename,
            wanted.sha256,
            wanted.size_bytes,
            wanted.image_type,
            wanted.caption,
            wanted.asked_by,
            at,
        )
        self._db.execute(
            f"INSERT INTO publications ({', '.join(_ASKED)}) VALUES ({', '.join('?' * len(_ASKED))})",  # noqa: S608 - our own text
            values,
        )

    def withdraw(self, wanted: Publication, now: datetime) -> None:
        """Call a copy back: what was not sent yet is not sent, what may lie there is to be deleted there, at once.

        What was called back before is asked for again now, even while nothing is sent there.
        """
        at, where = epoch_ms(now), (wanted.destination, wanted.image_id, wanted.remote_id)
        with self._db.write():
            self._db.execute(
                "UPDATE publications SET withdrawn_at = COALESCE(withdrawn_at, ?) WHERE id = ?", (at, wanted.id)
            )
            # One that is being sent just now comes after it, and takes away what it brought.
            self._db.execute(
                "INSERT OR IGNORE INTO outbox (destination, image_id, patient_id, wish, remote_id, added_at,"
                " changed_at) SELECT ?, ?, ?, 'remove', ?, ?, ? WHERE EXISTS (SELECT 1 FROM copies"
                " WHERE destination = ? AND image_id = ? AND remote_id = ? AND gone_at IS NULL AND NOT EXISTS"
                " (SELECT 1 FROM outbox WHERE destination = ? AND image_id = ? AND remote_id = ?"
                " AND wish = 'remove' AND state = 'sending'))"
                " OR EXISTS (SELECT 1 FROM outbox WHERE destination = ? AND image_id = ? AND remote_id = ?"
                " AND wish = 'put' AND state = 'sending')",
                (*where[:2], wanted.patient_id, where[2], at, at, *where, *where, *where),
            )
            self._db.execute(
                "UPDATE outbox SET state = 'waiting', due_at = 0, changed_at = ? WHERE destination = ? AND image_id = ?"
                " AND remote_id = ? AND wish = 'remove' AND state IN ('waiting', 'parked')",
                (at, *where),
            )
            self._db.execute(
                "UPDATE destinations SET blocked_code = NULL, blocked_facts = NULL WHERE name = ?", (where[0],)
            )
            self._db.execute(
                "UPDATE outbox SET state = 'cancelled', changed_at = ? WHERE destination = ? AND image_id = ?"
                " AND remote_id = ? AND wish = 'put' AND state IN ('waiting', 'parked')",
                (at, *where),
            )

    def call_back_strays(self, now: datetime) -> int:
        """Call back every copy whose image is not filed, is deleted or somebody else's; return how many there are.

        Of an image that is not known at all nothing can be told: its copy stays, and is listed.
        """
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM publications p JOIN images i ON i.id = p.image_id WHERE p.gone_at IS NULL"  # noqa: S608 - our own text
            " AND (i.placement <> 'filed' OR i.deleted_at IS NOT NULL OR i.patient_id IS NOT p.patient_id)"
        )
        for row in rows:
            self.withdraw(_publication_of(row), now)
        return len(rows)

    def get(self, destination: str, remote_id: str) -> Publication | None:
        """Return a copy by its place and name."""
        row = self._db.row(
            f"SELECT {_COLUMNS} FROM publications p WHERE p.destination = ? AND p.remote_id = ?",  # noqa: S608 - our own text
            (destination, remote_id),
        )
        return None if row is None else _publication_of(row)

    def current(self, image_id: str, destination: str | None = None) -> list[Publication]:
        """Return an image's copies that are public or are to be, at one place or at all."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM publications p WHERE p.image_id = ? AND p.destination = COALESCE(?, p.destination)"  # noqa: S608 - our own text
            " AND p.withdrawn_at IS NULL AND p.gone_at IS NULL ORDER BY p.asked_at",
            (image_id, destination),
        )
        return [_publication_of(row) for row in rows]

    def of_image(self, image_id: str) -> list[PublicEntry]:
        """Return every copy that an image has or had in public, newest first."""
        return self._entries("p.image_id = ?", (image_id,), 200)

    def open(self, limit: int = 1000) -> list[PublicEntry]:
        """Return every copy that is not proven to be private, newest first."""
        return self._entries("p.gone_at IS NULL", (), limit)

    def open_images(self, ids: Iterable[str]) -> frozenset[str]:
        """Return which of these images have a copy that is not proven to be private."""
        rows = self._db.rows(
            "SELECT DISTINCT image_id FROM publications WHERE gone_at IS NULL"
            " AND image_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        )
        return frozenset(row[0] for row in rows)

    def not_shown_yet(self, destination: str) -> list[Publication]:
        """Return what is to be public at a place and was not seen there yet."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM publications p WHERE p.destination = ? AND p.public_at IS NULL"  # noqa: S608 - our own text
            " AND p.withdrawn_at IS NULL AND p.gone_at IS NULL ORDER BY p.asked_at",
            (destination,),
        )
        return [_publication_of(row) for row in rows]

    def open_at(self, destination: str) -> int:
        """Return how many copies at a place are not proven to be private."""
        return int(
            self._db.value(
                "SELECT COUNT(*) FROM publications WHERE destination = ? AND gone_at IS NULL", (destination,)
            )
        )

    def open_places(self) -> dict[str, frozenset[str]]:
        """Return where each destination was when copies were asked for that are not proven to be private."""
        found: dict[str, set[str]] = {}
        for destination, place in self._db.rows(
            "SELECT DISTINCT destination, place FROM publications WHERE gone_at IS NULL"
        ):
            found.setdefault(destination, set()).add(place)
        return {destination: frozenset(places) for destination, places in found.items()}

    def wanted_files(self) -> frozenset[str]:
        """Return the names of outgoing files that are still to be sent."""
        rows = self._db.rows(
            "SELECT filename FROM publications WHERE gone_at IS NULL AND public_at IS NULL AND withdrawn_at IS NULL"
        )
        return frozenset(row[0] for row in rows)

    def _entries(self, where: str, parameters: Sequence[str], limit: int) -> list[PublicEntry]:
        rows = self._db.rows(
            f"SELECT {_COLUMNS}, o.code, o.state, o.facts FROM publications p LEFT JOIN outbox o"  # noqa: S608 - our own text
            " ON o.image_id = p.image_id AND o.destination = p.destination AND o.remote_id = p.remote_id"
            " AND o.wish = CASE WHEN p.withdrawn_at IS NULL THEN 'put' ELSE 'remove' END"
            f" AND o.state IN {OPEN} WHERE {where} ORDER BY p.asked_at DESC, p.id LIMIT ?",
            (*parameters, limit),
        )
        return [_entry_of(row) for row in rows]


@sound
def _entry_of(row: Row) -> PublicEntry:
    facts = json.loads(row[-1]) if row[-1] else {}
    return PublicEntry(_publication_of(row), row[-3], row[-2] == "parked", facts)


@sound
def _publication_of(row: Row) -> Publication:
    return Publication(
        id=row[0],
        image_id=row[1],
        patient_id=row[2],
        destination=row[3],
        remote_id=row[4],
        place=row[5],
        url=row[6],
        form=PublicForm(row[7]),
        filename=row[8],
        sha256=row[9],
        size_bytes=row[10],
        image_type=row[11],
        caption=row[12],
        asked_by=row[13],
        asked_at=moment(row[14]),
        public_at=moment_or_none(row[15]),
        withdrawn_at=moment_or_none(row[16]),
        gone_at=moment_or_none(row[17]),
        how=row[18],
    )
