"""What changed, said to every view and to other processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Entity(StrEnum):
    """Kinds of things that change."""

    PATIENT = "patient"
    IMAGE = "image"
    SETTING = "setting"
    JOB = "job"
    TREATMENT = "treatment"
    BACKUP = "backup"
    FOLDER = "folder"
    EVENT = "event"
    OUTBOX = "outbox"
    STUDY = "study"
    SHARE = "share"


class ChangeKind(StrEnum):
    """What happened to it."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed; ``patient_id`` says whose (the old owner's too, as a second change, for moves)."""

    entity: Entity
    kind: ChangeKind
    id: str
    patient_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """All that one operation changed; ``seq`` is the change log's last number when known."""

    changes: tuple[Change, ...] = ()
    seq: int | None = None

    def of(self, entity: Entity) -> tuple[Change, ...]:
        """Return the changes to one kind of thing."""
        return tuple(change for change in self.changes if change.entity is entity)

    def patients(self) -> frozenset[str]:
        """Return the ids of every patient concerned."""
        named = {change.patient_id for change in self.changes if change.patient_id}
        return frozenset(named | {change.id for change in self.of(Entity.PATIENT)})

    @staticmethod
    def merged(sets: Iterable[ChangeSet]) -> ChangeSet:
        """Return one set with every change, first mention kept."""
        seen: dict[Change, None] = {}
        last: int | None = None
        for item in sets:
            seen.update(dict.fromkeys(item.changes))
            last = item.seq if item.seq is not None else last
        return ChangeSet(tuple(seen), last)
