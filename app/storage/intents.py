"""What was about to happen to a file, written down before it happens, so that the next start can finish it."""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass
from enum import StrEnum

from app.core.clock import epoch_ms, utc_now
from app.core.errors import EnvironmentFault
from app.domain.image import ImageRecord
from app.storage.database import Database, Row
from app.storage.owner import Owner
from app.storage.rows import image_from_json, image_to_json, to_json

log = logging.getLogger(__name__)


class IntentKind(StrEnum):
    """What is to happen."""

    ARRIVE = "arrive"
    MOVE = "move"


class IntentState(StrEnum):
    """How far it got: ``committed`` when the row says so already and only the old file is left to go."""

    BEGUN = "begun"
    COMMITTED = "committed"


@dataclass(frozen=True, slots=True)
class Intent:
    """One unfinished change of a file. ``source`` and ``target`` are paths relative to the library."""

    id: str
    kind: IntentKind
    state: IntentState
    owner: str
    source: str
    target: str
    record: ImageRecord


class Intents:
    """The unfinished work of one library. Any thread."""

    def __init__(self, database: Database, owner: Owner) -> None:
        self._db = database
        self._owner = owner

    def begin_arrivals(self, records: list[ImageRecord]) -> list[str]:
        """Write down files that are about to come in; ``records`` name their final places. Returns ids."""
        return [self._begin(IntentKind.ARRIVE, "", record) for record in records]

    def begin_move(self, source: str, record: ImageRecord) -> str:
        """Write down that the file at ``source`` is about to become that of ``record``. Returns the id."""
        return self._begin(IntentKind.MOVE, source, record)

    def _begin(self, kind: IntentKind, source: str, record: ImageRecord) -> str:
        intent_id, owner = uuid.uuid4().hex, self._owner.token()
        with self._db.write():
            self._db.execute(
                "INSERT INTO file_intents (id, kind, state, owner, image_id, source, target, sha256, payload,"
                " created_at) VALUES (?, ?, 'begun', ?, ?, ?, ?, ?, ?, ?)",
                (
                    intent_id,
                    kind.value,
                    owner,
                    record.id,
                    source,
                    record.path,
                    record.sha256,
                    to_json(image_to_json(record)),
                    epoch_ms(utc_now()),
                ),
            )
        return intent_id

    def rename(self, intent_id: str, record: ImageRecord) -> None:
        """Name another place; before a file is put there."""
        with self._db.write():
            self._db.execute(
                "UPDATE file_intents SET target = ?, payload = ? WHERE id = ?",
                (record.path, to_json(image_to_json(record)), intent_id),
            )

    def commit(self, intent_id: str) -> None:
        """Note, in the transaction that changes the row, that only the old file is left to go."""
        with self._db.write():
            self._db.execute("UPDATE file_intents SET state = 'committed' WHERE id = ?", (intent_id,))

    def complete(self, intent_id: str) -> None:
        """Strike it out."""
        with self._db.write():
            self._db.execute("DELETE FROM file_intents WHERE id = ?", (intent_id,))

    def list(self) -> list[Intent]:
        """Return everything unfinished, oldest first; what cannot be read any more is left where it is."""
        rows = self._db.rows(
            "SELECT id, kind, state, owner, source, target, payload FROM file_intents ORDER BY created_at, id"
        )
        return [intent for row in rows if (intent := _intent_of(row)) is not None]


def _intent_of(row: Row) -> Intent | None:
    try:
        record = image_from_json(json.loads(row[6]))
        return Intent(row[0], IntentKind(row[1]), IntentState(row[2]), row[3], row[4], row[5], record)
    except (EnvironmentFault, ValueError, KeyError, TypeError):
        log.exception("intent %s cannot be read", row[0])
        return None
