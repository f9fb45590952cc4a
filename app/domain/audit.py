"""The audit log's rows and their chain (SEC-10): pure functions.

``h_n = SHA-256(h_{n-1} || canonical_json(row_n))``, one chain per writer (a workstation). Rows hold ids
and codes, never names or free text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody did."""

    writer: str
    sequence: int
    at: datetime
    actor_id: str
    action: str
    entity: str
    entity_id: str
    outcome: str = "done"
    details: dict[str, Any] = field(default_factory=dict)
    previous: str = GENESIS
    hash: str = ""


def canonical_json(entry: AuditEntry) -> str:
    """Return the entry's content, without its hashes, in one fixed spelling."""
    return json.dumps(
        {
            "writer": entry.writer,
            "sequence": entry.sequence,
            "at": entry.at.isoformat(timespec="milliseconds"),
            "actor_id": entry.actor_id,
            "action": entry.action,
            "entity": entry.entity,
            "entity_id": entry.entity_id,
            "outcome": entry.outcome,
            "details": entry.details,
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
    )


def chain_hash(previous: str, entry: AuditEntry) -> str:
    """Return the hash that links ``entry`` to the one before it."""
    return hashlib.sha256((previous + canonical_json(entry)).encode("ascii")).hexdigest()


def first_break(entries: Iterable[AuditEntry]) -> tuple[AuditEntry, str] | None:
    """Return the first entry of one writer's chain that does not fit, or ``None`` when all do.

    With it comes ``missing`` when entries before it are gone, else ``changed``.
    """
    previous, expected = GENESIS, 1
    for entry in entries:
        if entry.sequence != expected:
            return entry, "missing"
        if entry.previous != previous or entry.hash != chain_hash(previous, entry):
            return entry, "changed"
        previous, expected = entry.hash, expected + 1
    return None
