"""The audit log: append-only, chained per writer, tampering shows (SEC-10)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.core.clock import utc_now
from app.domain.audit import AuditEntry
from app.storage import audit
from app.storage.catalogue import Catalogue, open_catalogue


def entry(writer: str = "desk", action: str = "image.view", entity_id: str = "1", **details: object) -> AuditEntry:
    return AuditEntry(writer, 0, utc_now(), "owner", action, "image", entity_id, details=details)


@pytest.fixture
def full(catalogue: Catalogue) -> Catalogue:
    for number in range(6):
        catalogue.audit.append(entry("desk", entity_id=str(number), place="أ", number=number, part=1.5))
        catalogue.audit.append(entry("chair", entity_id=str(number)))
    return catalogue


def tamper(catalogue: Catalogue, *statements: str) -> None:
    """Do what somebody with the file in hand can do: drop the triggers first."""
    for name in ("audit_is_never_changed", "audit_is_never_deleted"):
        catalogue.database.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        catalogue.database.execute(statement)


def test_what_is_written_during_the_walk_is_no_break(full: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    other = open_catalogue(full.paths)
    real = full.audit.stream

    def meanwhile() -> Iterator[AuditEntry]:
        yield from real()
        thread = threading.Thread(target=lambda: other.audit.append_many((entry("desk"), entry("new"))))
        thread.start()
        thread.join()

    monkeypatch.setattr(full.audit, "stream", meanwhile)
    report = full.audit.verify()
    assert full.audit.heads()["new"][0] == 1
    other.close()
    assert (report.entries, report.breaks) == (12, ())


def test_an_untouched_log_holds(full: Catalogue) -> None:
    report = full.audit.verify(full.audit.heads())
    assert (report.entries, report.breaks, report.holds) == (12, (), True)


def test_an_untouched_log_holds_over_several_pages(full: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (1, 4, 6, 11):
        monkeypatch.setattr(audit, "_PAGE", size)
        assert [(found.writer, found.sequence) for found in full.audit.stream()] == [
            (writer, number) for writer in ("chair", "desk") for number in range(1, 7)
        ]


def test_triggers_forbid_changing_and_deleting(full: Catalogue) -> None:
    for statement in ("UPDATE audit SET actor_id = 'x'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="append-only"):
            full.database.execute(statement)
    assert full.audit.verify().holds


SWAP = (
    "UPDATE audit SET sequence = -1 WHERE writer = 'desk' AND sequence = 2",
    "UPDATE audit SET sequence = 2 WHERE writer = 'desk' AND sequence = 3",
    "UPDATE audit SET sequence = 3 WHERE writer = 'desk' AND sequence = -1",
)
INSERTED = (
    "UPDATE audit SET sequence = sequence + 100 WHERE writer = 'desk' AND sequence > 3",
    "INSERT INTO audit SELECT writer, 4, at, 'intruder', action, entity, entity_id, outcome, details, hash, hash"
    " FROM audit WHERE writer = 'desk' AND sequence = 3",
    "UPDATE audit SET sequence = sequence - 99 WHERE writer = 'desk' AND sequence > 100",
    "UPDATE audit_heads SET sequence = 7 WHERE writer = 'desk'",
)


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        (("UPDATE audit SET actor_id = 'x' WHERE writer = 'desk' AND sequence = 3",), "changed"),
        (("UPDATE audit SET details = '{}' WHERE writer = 'desk' AND sequence = 3",), "changed"),
        (("UPDATE audit SET at = at + 1 WHERE writer = 'desk' AND sequence = 6",), "changed"),
        (("DELETE FROM audit WHERE writer = 'desk' AND sequence = 3",), "missing"),
        (("DELETE FROM audit WHERE writer = 'desk' AND sequence = 1",), "missing"),
        (INSERTED, "changed"),
        (SWAP, "changed"),
        (("DELETE FROM audit WHERE writer = 'desk' AND sequence > 4",), "head"),
        (("DELETE FROM audit WHERE writer = 'desk'",), "head"),
    ],
    ids=["change", "details", "last one", "delete", "first one", "insert", "reorder", "cut tail", "cut all"],
)
def test_tampering_shows(full: Catalogue, statements: tuple[str, ...], kind: str) -> None:
    tamper(full, *statements)
    report = full.audit.verify()
    assert kind in {found.kind for found in report.breaks}
    assert {found.writer for found in report.breaks} == {"desk"}


def test_a_cut_tail_with_a_forged_head_shows_in_a_copy_and_in_other_chains(full: Catalogue) -> None:
    outside = full.audit.heads()
    full.audit.cross_record("chair", "owner")
    tamper(
        full,
        "DELETE FROM audit WHERE writer = 'desk' AND sequence > 4",
        "UPDATE audit_heads SET sequence = 4, hash = (SELECT hash FROM audit WHERE writer = 'desk' AND sequence = 4)"
        " WHERE writer = 'desk'",
    )
    assert {found.kind for found in full.audit.verify().breaks} == {"witness"}
    assert ("desk", "witness") in {(found.writer, found.kind) for found in full.audit.verify(outside).breaks}


def test_heads_are_cross_recorded_once_a_day(full: Catalogue) -> None:
    now = utc_now()
    first = full.audit.cross_record("desk", "owner", now)
    assert first is not None
    assert set(first.details["heads"]) == {"desk", "chair"}
    assert full.audit.cross_record("desk", "owner", now + timedelta(hours=23)) is None
    assert full.audit.cross_record("desk", "owner", now + timedelta(hours=25)) is not None
    assert full.audit.verify().holds


def test_rows_go_with_the_transaction_they_record(full: Catalogue) -> None:
    with pytest.raises(KeyError), full.write():  # noqa: PT012
        full.audit.append(entry())
        raise KeyError
    assert full.audit.verify().entries == 12
    full.audit.append_many([entry(), entry("chair"), entry()])
    assert full.audit.heads()["desk"][0] == 8
    assert full.audit.verify().holds


def test_writers_in_threads_keep_their_chains(catalogue: Catalogue) -> None:
    def work(writer: str) -> None:
        for _number in range(20):
            catalogue.audit.append(entry(writer))
        catalogue.close_thread()

    threads = [threading.Thread(target=work, args=(f"writer {number % 3}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {head[0] for head in catalogue.audit.heads().values()} == {40}
    assert catalogue.audit.verify().holds


def test_filters(full: Catalogue) -> None:
    full.audit.append(entry(action="image.move", entity_id="9"))
    assert [found.entity_id for found in full.audit.list(action="image.move")] == ["9"]
    assert len(full.audit.list(entity="image", entity_id="3")) == 2
    assert len(full.audit.list(limit=5)) == 5
    assert full.audit.list(actor_id="nobody") == []
    assert full.audit.list(since=utc_now() + timedelta(hours=1)) == []
    assert len(full.audit.list(until=utc_now() + timedelta(hours=1))) == 13
