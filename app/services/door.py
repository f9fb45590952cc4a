"""The one door of every service: permission, transaction, audit row and change log in one place.

A method opens it with what it is about to do; what it did is written in the same transaction, and
listeners hear of it only after the commit.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.core.clock import utc_now
from app.core.errors import BitewingError, RefusedError, UserError
from app.domain.audit import AuditEntry
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.patient import Patient
from app.domain.roles import Action, Actor, allowed
from app.storage.catalogue import Catalogue

log = logging.getLogger(__name__)

Publish = Callable[[ChangeSet], None]


@dataclass(slots=True)
class Unit:
    """What one use case did, gathered while its transaction is open."""

    actor: Actor
    action: Action
    store: Catalogue
    changes: list[Change] = field(default_factory=list)

    def audit(self, entity: Entity, entity_id: str, *, outcome: str = "done", **details: Any) -> None:
        """Write who did it to what. Details hold ids and codes, never names or free text (SEC-9)."""
        self.audit_as(self.action, entity, entity_id, outcome=outcome, **details)

    def audit_as(
        self, action: Action, entity: Entity, entity_id: str, *, outcome: str = "done", **details: Any
    ) -> None:
        """Write an audit row for a part of the work that has a name of its own."""
        self.store.audit.append(
            AuditEntry(
                writer=self.actor.workstation,
                sequence=0,
                at=utc_now(),
                actor_id=self.actor.id,
                action=action.value,
                entity=entity.value,
                entity_id=entity_id,
                outcome=outcome,
                details=details,
            )
        )

    def living_patient(self, patient_id: str) -> Patient:
        """Return a patient that rows may be written for: asked in the transaction that writes them.

        Raises
        ------
        UserError
            ``patient.none`` when it is unknown, deleted or was merged into another one.
        """
        patient = self.survivor(patient_id)
        if patient.id != patient_id:
            raise UserError("patient.none", text=patient_id)
        return patient

    def survivor(self, patient_id: str) -> Patient:
        """Return the living patient whom an id stands for, through merges. Raises ``patient.none``."""
        patient = survivor(self.store, patient_id)
        if patient is None:
            raise UserError("patient.none", text=patient_id)
        return patient

    def changed(self, entity: Entity, kind: ChangeKind, entity_id: str, patient_id: str | None = None) -> None:
        """Say that something changed; views hear of it after the commit."""
        change = Change(entity, kind, entity_id, patient_id)
        if change not in self.changes:
            self.changes.append(change)


def survivor(store: Catalogue, patient_id: str) -> Patient | None:
    """Return the living patient whom an id stands for, following merges; ``None`` when there is none."""
    seen: set[str] = set()
    patient = store.patients.get(patient_id)
    while patient is not None and patient.merged_into is not None and patient.id not in seen:
        seen.add(patient.id)
        patient = store.patients.get(patient.merged_into)
    return patient if patient is not None and patient.deleted_at is None else None


class Door:
    """Opens transactions for services. Any thread."""

    def __init__(self, store: Catalogue, publish: Publish | None = None) -> None:
        self.store = store
        self._publish = publish

    def require(self, actor: Actor, action: Action) -> None:
        """Refuse what the role may not do, and write the refusal down.

        Raises
        ------
        RefusedError
            ``role.refused``.
        """
        if allowed(actor.role, action):
            return
        with self.store.write():
            Unit(actor, action, self.store).audit(Entity.JOB, "", outcome="refused")
        raise RefusedError("role.refused", action=action.value, role=actor.role.value)

    @contextlib.contextmanager
    def reading(self, actor: Actor, action: Action) -> Iterator[Catalogue]:
        """Open the reading door. Raises ``role.refused``."""
        self.require(actor, action)
        with self.store.read():
            yield self.store

    @contextlib.contextmanager
    def writing(self, actor: Actor, action: Action) -> Iterator[Unit]:
        """Open the writing door: all of the block is kept, or nothing. Raises ``role.refused``."""
        self.require(actor, action)
        unit = Unit(actor, action, self.store)
        seq: int | None = None
        with self.store.write():
            yield unit
            if unit.changes:
                seq = self.store.changes.append(tuple(unit.changes))
        if unit.changes:
            self.publish(ChangeSet(tuple(unit.changes), seq))

    def witness(self, actor: Actor) -> None:
        """Write the heads of all audit chains into this workstation's own, once a day (SEC-10).

        A cut tail of one chain then shows in another. Never a reason to fail what was done.
        """
        try:
            self.store.audit.cross_record(actor.workstation, actor.id)
        except BitewingError as error:
            log.warning("audit heads not written: %s", error.code)

    def publish(self, changes: ChangeSet) -> None:
        """Tell whoever listens in this process."""
        if self._publish is not None:
            self._publish(changes)
