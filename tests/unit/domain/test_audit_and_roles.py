"""The audit chain, the table of permissions and change sets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.clock import utc_now
from app.domain.audit import GENESIS, AuditEntry, chain_hash, first_break
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.roles import PERMISSIONS, Action, Role, allowed, owner


def chain(length: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    previous = GENESIS
    for sequence in range(1, length + 1):
        entry = AuditEntry("desk", sequence, utc_now(), "owner", "image.view", "image", str(sequence))
        entry = replace(entry, previous=previous, hash=chain_hash(previous, entry))
        previous = entry.hash
        entries.append(entry)
    return entries


def test_whole_chain_holds() -> None:
    assert first_break(chain(20)) is None


@pytest.mark.parametrize(
    ("harm", "kind"), [("change", "changed"), ("delete", "missing"), ("insert", "missing"), ("reorder", "missing")]
)
def test_tampering_shows(harm: str, kind: str) -> None:
    entries = chain(9)
    if harm == "change":
        entries[4] = replace(entries[4], actor_id="someone-else")
    elif harm == "delete":
        del entries[4]
    elif harm == "insert":
        entries.insert(4, entries[4])
    else:
        entries[4], entries[5] = entries[5], entries[4]
    broken = first_break(entries)
    assert broken is not None
    assert (broken[0].sequence in {5, 6}, broken[1]) == (True, kind)


def test_every_role_has_a_row_and_only_clinicians_delete() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert {role for role in Role if allowed(role, Action.IMAGE_DELETE)} == {Role.ADMIN, Role.DENTIST}
    assert {role for role in Role if allowed(role, Action.LIBRARY_IMPORT)} == {Role.ADMIN}
    assert not allowed(Role.VIEWER, Action.IMAGE_IMPORT)
    assert {role for role in Role if allowed(role, Action.ARCHIVE_PUSH)} == {Role.ADMIN, Role.DENTIST}
    for action in (Action.ARCHIVE_BROWSE, Action.ARCHIVE_FETCH):
        assert {role for role in Role if allowed(role, action)} == {Role.ADMIN, Role.DENTIST, Role.TECHNICIAN}
    assert {role for role in Role if allowed(role, Action.IMAGE_PUBLISH)} == {Role.ADMIN, Role.DENTIST}
    assert allowed(Role.TECHNICIAN, Action.IMAGE_WITHDRAW)
    assert owner("desk").role is Role.ADMIN


def test_change_sets_merge_and_name_patients() -> None:
    one = ChangeSet((Change(Entity.IMAGE, ChangeKind.ADDED, "i", "p"),), 4)
    two = ChangeSet((Change(Entity.PATIENT, ChangeKind.ADDED, "q"), *one.changes), 7)
    merged = ChangeSet.merged([one, two])
    assert len(merged.changes) == 2
    assert merged.seq == 7
    assert merged.patients() == {"p", "q"}
