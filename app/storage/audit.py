"""The audit log: one chain of hashes per writer, append-only (SEC-9, SEC-10).

Rows are written in the transaction of what they record. Whoever holds the file can rewrite it; copies
of the heads kept elsewhere are what shows it then.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from app.core.clock import epoch_ms, utc_now
from app.domain.audit import GENESIS, AuditEntry, chain_hash, first_break
from app.storage.database import Database, Row
from app.storage.paging import rising_pages
from app.storage.rows import moment, sound

log = logging.getLogger(__name__)

CROSS_EVERY_MS = 24 * 60 * 60 * 1000
CROSS_ACTION = "audit.heads"
_PAGE = 1000
_COLUMNS = "writer, sequence, at, actor_id, action, entity, entity_id, outcome, details, previous, hash"
_INSERT = f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class AuditBreak:
    """Where a chain does not hold: ``kind`` is ``changed``, ``missing``, ``head`` or ``witness``."""

    writer: str
    sequence: int
    kind: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What verifying found."""

    entries: int
    breaks: tuple[AuditBreak, ...]

    @property
    def holds(self) -> bool:
        """Whether every chain is whole."""
        return not self.breaks


class Audit:
    """The audit log of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def append(self, entry: AuditEntry) -> AuditEntry:
        """Chain an entry to its writer's last one and write it; its sequence and hashes are set here."""
        return self.append_many((entry,))[0]

    def append_many(self, entries: Iterable[AuditEntry]) -> list[AuditEntry]:
        """Write several entries in order, in one transaction.

        A library that can only be read takes none: the technical log says what was done with it then.
        """
        if self._db.read_only:
            unwritten = list(entries)
            for entry in unwritten:
                log.warning("not audited, the library is read-only: %s by %s", entry.action, entry.actor_id)
            return unwritten
        written = []
        with self._db.write():
            heads: dict[str, tuple[int, str]] = {}
            for entry in entries:
                sequence, previous = heads.get(entry.writer) or self._head(entry.writer)
                chained = _chained(entry, sequence + 1, previous)
                heads[entry.writer] = (chained.sequence, chained.hash)
                written.append(chained)
            self._db.execute_many(_INSERT, [_row_of(entry) for entry in written])
            self._db.execute_many(
                "INSERT INTO audit_heads (writer, sequence, hash) VALUES (?, ?, ?)"
                " ON CONFLICT (writer) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash",
                [(writer, sequence, digest) for writer, (sequence, digest) in heads.items()],
            )
        return written

    def heads(self) -> dict[str, tuple[int, str]]:
        """Return every writer's last sequence and hash: to be kept elsewhere, keyed."""
        rows = self._db.rows("SELECT writer, sequence, hash FROM audit_heads ORDER BY writer")
        return {row[0]: (row[1], row[2]) for row in rows}

    def cross_record(self, writer: str, actor_id: str, now: datetime | None = None) -> AuditEntry | None:
        """Write all heads into ``writer``'s chain, at most once a day; ``None`` when that is done already."""
        at = now or utc_now()
        if self._db.read_only:
            return None
        with self._db.write():
            last = self._db.value("SELECT crossed_at FROM audit_heads WHERE writer = ?", (writer,)) or 0
            if epoch_ms(at) - last < CROSS_EVERY_MS:
                return None
            witness = {name: [sequence, digest] for name, (sequence, digest) in self.heads().items()}
            entry = self.append(
                AuditEntry(writer, 0, at, actor_id, CROSS_ACTION, "audit", "", details={"heads": witness})
            )
            self._db.execute("UPDATE audit_heads SET crossed_at = ? WHERE writer = ?", (epoch_ms(at), writer))
        return entry

    def list(
        self,
        *,
        actor_id: str | None = None,
        action: str | None = None,
        entity: str | None = None,
        entity_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 200,
    ) -> list[AuditEntry]:
        """Return entries that fit, newest first."""
        conditions: list[tuple[str, Any]] = [
            ("actor_id = ?", actor_id),
            ("action = ?", action),
            ("entity = ?", entity),
            ("entity_id = ?", entity_id),
            ("at >= ?", epoch_ms(since) if since else None),
            ("at < ?", epoch_ms(until) if until else None),
        ]
        used = [(term, value) for term, value in conditions if value is not None]
        where = " AND ".join(term for term, _value in used) or "1"
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY rowid DESC LIMIT ?",  # noqa: S608 - our own text
            [*(value for _term, value in used), limit],
        )
        return [entry_of(row) for row in rows]

    def stream(self) -> Iterator[AuditEntry]:
        """Yield the whole log, chain by chain."""
        sql = f"SELECT {_COLUMNS} FROM audit WHERE (writer, sequence) > (?, ?) ORDER BY writer, sequence LIMIT {_PAGE}"  # noqa: S608 - our own text
        for page in rising_pages(self._db, sql, ("", 0), lambda row: (row[0], row[1])):
            for row in page:
                yield entry_of(row)

    def verify(self, witnesses: Mapping[str, tuple[int, str]] | None = None) -> AuditReport:
        """Walk every chain and compare it with the heads: the catalogue's, those cross-recorded, ``witnesses``."""
        walk = _Walk()
        # Entries that others write meanwhile must be in both, the chains and the heads, or in neither.
        with self._db.snapshot():
            for writer, chain in groupby(self.stream(), lambda entry: entry.writer):
                walk.take(writer, chain)
            heads = self.heads()
        walk.finish()
        walk.compare("head", heads.items())
        walk.compare("witness", (witnesses or {}).items())
        return AuditReport(walk.entries, tuple(dict.fromkeys(walk.breaks)))

    def _head(self, writer: str) -> tuple[int, str]:
        row = self._db.row("SELECT sequence, hash FROM audit_heads WHERE writer = ?", (writer,))
        return (row[0], row[1]) if row else (0, GENESIS)


class _Walk:
    """Checks chain by chain; one break per chain is enough to know."""

    def __init__(self) -> None:
        self.entries = 0
        self.breaks: list[AuditBreak] = []
        self._claims: list[tuple[str, int, str]] = []
        self.ends: dict[str, tuple[int, str]] = {}

    def take(self, writer: str, chain: Iterator[AuditEntry]) -> None:
        """Look at one writer's whole chain, also beyond a break."""
        noted = self._noted(chain)
        found = first_break(noted)
        if found is not None:
            self.breaks.append(AuditBreak(writer, found[0].sequence, found[1]))
            deque(noted, maxlen=0)

    def _noted(self, chain: Iterator[AuditEntry]) -> Iterator[AuditEntry]:
        for entry in chain:
            self.entries += 1
            self.ends[entry.writer] = (entry.sequence, entry.hash)
            if entry.action == CROSS_ACTION:
                claims = entry.details.get("heads", {})
                self._claims += [(name, int(pair[0]), str(pair[1])) for name, pair in claims.items()]
            yield entry

    def finish(self) -> None:
        """Compare what chains say of each other; a cut tail shows in a neighbour's chain."""
        for writer, sequence, _digest in self._claims:
            if sequence > self.ends.get(writer, (0, ""))[0]:
                self.breaks.append(AuditBreak(writer, sequence, "witness"))

    def compare(self, kind: str, heads: Iterable[tuple[str, tuple[int, str]]]) -> None:
        for writer, (sequence, digest) in heads:
            end, found = self.ends.get(writer, (0, GENESIS))
            if end < sequence or (end == sequence and found != digest) or (kind == "head" and end != sequence):
                self.breaks.append(AuditBreak(writer, sequence, kind))


def _chained(entry: AuditEntry, sequence: int, previous: str) -> AuditEntry:
    # Through JSON once, so that what is hashed is exactly what will be read back.
    details = json.loads(json.dumps(entry.details, default=str))
    at = moment(epoch_ms(entry.at))
    chained = replace(entry, sequence=sequence, at=at, details=details, previous=previous, hash="")
    return replace(chained, hash=chain_hash(previous, chained))


def _row_of(entry: AuditEntry) -> Sequence[Any]:
    return (
        entry.writer,
        entry.sequence,
        epoch_ms(entry.at),
        entry.actor_id,
        entry.action,
        entry.entity,
        entry.entity_id,
        entry.outcome,
        json.dumps(entry.details, sort_keys=True, separators=(",", ":")),
        entry.previous,
        entry.hash,
    )


@sound
def entry_of(row: Row) -> AuditEntry:
    """Return the entry of a row in the order of the table's columns. Raises ``database.corrupt``."""
    return AuditEntry(
        row[0], row[1], moment(row[2]), row[3], row[4], row[5], row[6], row[7], json.loads(row[8]), row[9], row[10]
    )
