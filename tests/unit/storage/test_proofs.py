"""What was proven is written down many at a time, and means what it would mean one after the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.clock import utc_now
from app.storage.catalogue import Catalogue
from app.storage.copies import Attempt
from app.storage.outbox import Entry, Proof, Wish
from tests.unit.storage.conftest import RecordMaker

NAS = "mirror.nas"


@pytest.fixture
def entries(catalogue: Catalogue, new_record: RecordMaker) -> list[Entry]:
    """Three images that are being sent to one mirror."""
    catalogue.destinations.set(NAS, "mirror", enabled=True)
    with catalogue.write():
        for _ in range(3):
            catalogue.images.insert(new_record())
    taken = catalogue.outbox.take(NAS, utc_now(), 10)
    assert len(taken) == 3
    return taken


def put(entry: Entry, name: str, *, is_foreign: bool = False) -> Proof:
    return Proof(replace(entry, wish=Wish.PUT), name, f"digest of {name}", "sha256", is_foreign)


def gone(entry: Entry, name: str) -> Proof:
    return Proof(replace(entry, wish=Wish.REMOVE), name, "", "sha256")


def there(catalogue: Catalogue, entry: Entry) -> dict[str, bool]:
    """Return the names of an image's copies, and whether each is there still."""
    return {copy.remote_id: copy.gone_at is None for copy in catalogue.copies.of_image(entry.image_id)}


def called_back(catalogue: Catalogue) -> list[tuple[str, str | None]]:
    return [
        (entry.image_id, entry.remote_id)
        for entry in catalogue.outbox.take(NAS, utc_now(), 10)
        if entry.wish is Wish.REMOVE
    ]


def test_all_of_a_batch_are_there_and_nothing_waits(catalogue: Catalogue, entries: list[Entry]) -> None:
    catalogue.copies.attempt([Attempt(entry, entry.image_id, "x") for entry in entries], utc_now())
    assert not any(catalogue.copies.of_image(entry.image_id)[0].proves("x") for entry in entries)

    catalogue.outbox.confirm([put(entry, entry.image_id) for entry in entries], utc_now())

    for entry in entries:
        copy = catalogue.copies.at(entry, entry.image_id)
        assert copy is not None
        assert copy.proves(f"digest of {entry.image_id}")
        assert not copy.proves("x")
    assert catalogue.outbox.waiting(NAS) == 0
    assert called_back(catalogue) == []


@pytest.mark.parametrize("is_there_last", [True, False])
def test_what_becomes_of_an_image_last_is_what_holds(
    catalogue: Catalogue, entries: list[Entry], is_there_last: bool
) -> None:
    first, second, third = entries
    both = [gone(first, "a"), put(first, "a")] if is_there_last else [put(first, "a"), gone(first, "a")]

    catalogue.outbox.confirm([put(second, "b"), both[0], put(third, "c"), both[1]], utc_now())

    assert there(catalogue, first) == {"a": is_there_last}
    assert there(catalogue, second) == {"b": True}
    assert there(catalogue, third) == {"c": True}


def test_a_new_name_calls_the_old_one_back_but_not_what_others_put_there(
    catalogue: Catalogue, entries: list[Entry]
) -> None:
    first, second, third = entries
    catalogue.outbox.confirm([put(first, "old"), put(second, "theirs", is_foreign=True)], utc_now())
    catalogue.outbox.confirm([put(first, "new"), put(second, "ours"), put(third, "c")], utc_now())

    assert called_back(catalogue) == [(first.image_id, "old")]


def test_what_was_deleted_on_its_way_is_called_back_at_once(catalogue: Catalogue, entries: list[Entry]) -> None:
    first, second, third = entries
    record = catalogue.images.get(first.image_id)
    assert record is not None
    with catalogue.write():
        catalogue.images.update(replace(record, deleted_at=utc_now(), version=record.version + 1))

    catalogue.outbox.confirm([put(first, "a"), put(second, "b"), put(third, "c")], utc_now())

    assert called_back(catalogue) == [(first.image_id, "a")]


def test_nothing_proven_writes_nothing(catalogue: Catalogue, entries: list[Entry]) -> None:
    catalogue.outbox.confirm([], utc_now())
    catalogue.copies.attempt([], utc_now())

    assert catalogue.outbox.waiting(NAS) == len(entries)
