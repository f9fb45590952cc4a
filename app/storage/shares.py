"""Shares: what was given out by a link, until when, and whether it is gone again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from app.core.clock import epoch_ms, utc_now
from app.domain.sharing import Share, ShareEnd, ShareKind, ShareState
from app.storage.database import Database, Row
from app.storage.rows import milliseconds, moment, moment_or_none, sound, to_json

_COLUMNS = (
    "id, kind, state, created_at, expires_at, created_by, workstation, destination, place, object_name, file_name,"
    " mime_type, size_bytes, form, identified, case_reference, image_ids, ending, code, ended_at, locked,"
    " receiver"
)


class Shares:
    """The shares of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, share: Share) -> None:
        """Write one down, before anything of it lies anywhere."""
        values = (
            share.id,
            share.kind.value,
            share.state.value,
            epoch_ms(share.created_at),
            epoch_ms(share.expires_at),
            share.created_by,
            share.workstation,
            share.destination,
            to_json(share.place),
            share.object_name,
            share.file_name,
            share.mime_type,
            share.size_bytes,
            share.form,
            int(share.identified),
            share.case_reference,
            to_json(list(share.image_ids)),
            None if share.ending is None else share.ending.value,
            share.code,
            milliseconds(share.ended_at),
            int(share.locked),
            share.receiver,
        )
        with self._db.write():
            self._db.execute(f"INSERT INTO shares ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608 - our own text

    def get(self, share_id: str) -> Share | None:
        """Return one share."""
        row = self._db.row(f"SELECT {_COLUMNS} FROM shares WHERE id = ?", (share_id,))  # noqa: S608 - our own text
        return _share_of(row) if row else None

    def of_image(self, image_id: str) -> list[Share]:
        """Return the shares that give an image out, as long as it is not proven that they do not any more."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM shares WHERE state IN ('uploading', 'live', 'ending') AND kind = 'download'"  # noqa: S608 - our own text
            " AND COALESCE(ending, '') <> 'failed'"
            " AND EXISTS (SELECT 1 FROM json_each(shares.image_ids) WHERE value = ?) ORDER BY number DESC",
            (image_id,),
        )
        return [_share_of(row) for row in rows]

    def open(self) -> list[Share]:
        """Return every share of which something may lie somewhere, oldest first."""
        rows = self._db.rows(f"SELECT {_COLUMNS} FROM shares WHERE state <> 'ended' ORDER BY number")  # noqa: S608 - our own text
        return [_share_of(row) for row in rows]

    def counts(self) -> Counter[ShareState]:
        """Return how many shares stand how, those that have ended left aside."""
        rows = self._db.rows("SELECT state, COUNT(*) FROM shares WHERE state <> 'ended' GROUP BY state")
        return Counter({ShareState(row[0]): int(row[1]) for row in rows})

    def any_open(self) -> bool:
        """Whether there is such a share."""
        return self._db.value("SELECT 1 FROM shares WHERE state <> 'ended' LIMIT 1") is not None

    def working_at(self, destination: str, now: datetime) -> int:
        """Return how many links lead to a destination that may work still."""
        counted = self._db.value(
            "SELECT COUNT(*) FROM shares WHERE state <> 'ended' AND destination = ? AND expires_at > ?",
            (destination, epoch_ms(now)),
        )
        return int(counted or 0)

    def go_live(self, share_id: str, expires_at: datetime) -> bool:
        """Say that a link was given out; false when the share was ended meanwhile."""
        with self._db.write():
            changed = self._db.execute(
                "UPDATE shares SET state = 'live', expires_at = ?, code = NULL WHERE id = ? AND state = 'uploading'",
                (epoch_ms(expires_at), share_id),
            )
            return bool(changed.rowcount)

    def end(self, share_id: str, why: ShareEnd) -> bool:
        """Have a share ended: from now on its object is to go. False when that was said before."""
        with self._db.write():
            changed = self._db.execute(
                "UPDATE shares SET state = 'ending', ending = ?, closed_at = ?"
                " WHERE id = ? AND state IN ('uploading', 'live')",
                (why.value, epoch_ms(utc_now()), share_id),
            )
            return bool(changed.rowcount)

    def failed(self, share_id: str) -> None:
        """Have whatever was begun of a share cleared up, also where another run took it for ended meanwhile."""
        with self._db.write():
            self._db.execute(
                "UPDATE shares SET state = 'ending', ending = COALESCE(ending, 'failed'), ended_at = NULL WHERE id = ?",
                (share_id,),
            )

    def note(self, share_id: str, code: str | None) -> None:
        """Say what keeps a share from being ended, or its upload link from being looked at."""
        with self._db.write():
            self._db.execute("UPDATE shares SET code = ? WHERE id = ? AND state <> 'ended'", (code, share_id))

    def received(self, share_id: str, image_ids: Iterable[str]) -> None:
        """Add images that came by an upload link."""
        with self._db.write():
            row = self._db.row("SELECT image_ids FROM shares WHERE id = ?", (share_id,))
            if row is not None:
                known = [str(one) for one in json.loads(row[0])]
                every = list(dict.fromkeys([*known, *image_ids]))
                self._db.execute("UPDATE shares SET image_ids = ? WHERE id = ?", (to_json(every), share_id))

    def sent(self, share_id: str, size_bytes: int) -> None:
        """Count a file that came by an upload link, wanted or not."""
        with self._db.write():
            self._db.execute(
                "UPDATE shares SET sent_files = sent_files + 1, sent_bytes = sent_bytes + ? WHERE id = ?",
                (size_bytes, share_id),
            )

    def closed_at(self, share_id: str) -> datetime | None:
        """Return when somebody ended a share, or it expired, as far as it was ended by :meth:`end`."""
        return moment_or_none(self._db.value("SELECT closed_at FROM shares WHERE id = ?", (share_id,)))

    def sent_so_far(self, share_id: str) -> tuple[int, int]:
        """Return how many files came by an upload link, and their bytes."""
        row = self._db.row("SELECT sent_files, sent_bytes FROM shares WHERE id = ?", (share_id,))
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def ended(self, share_id: str, now: datetime) -> bool:
        """Say that nothing of a share is left anywhere; false when that was said before."""
        with self._db.write():
            changed = self._db.execute(
                "UPDATE shares SET state = 'ended', code = NULL, ended_at = ? WHERE id = ? AND state = 'ending'",
                (epoch_ms(now), share_id),
            )
            return bool(changed.rowcount)

    def list(self, *, case_reference: str | None = None, limit: int = 500) -> list[Share]:
        """Return the newest, newest first; with ``case_reference`` those of that case."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM shares WHERE case_reference = COALESCE(?, case_reference)"  # noqa: S608 - our own text
            " ORDER BY number DESC LIMIT ?",
            (case_reference, limit),
        )
        return [_share_of(row) for row in rows]


@sound
def _share_of(row: Row) -> Share:
    return Share(
        id=row[0],
        kind=ShareKind(row[1]),
        state=ShareState(row[2]),
        created_at=moment(row[3]),
        expires_at=moment(row[4]),
        created_by=row[5],
        workstation=row[6],
        destination=row[7],
        place={str(key): str(value) for key, value in json.loads(row[8]).items()},
        object_name=row[9],
        file_name=row[10],
        mime_type=row[11],
        size_bytes=row[12],
        form=row[13],
        identified=bool(row[14]),
        case_reference=row[15],
        image_ids=tuple(str(one) for one in json.loads(row[16])),
        ending=None if row[17] is None else ShareEnd(row[17]),
        code=row[18],
        ended_at=moment_or_none(row[19]),
        locked=bool(row[20]),
        receiver=row[21],
    )
