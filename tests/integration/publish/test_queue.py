"""The queue of what is public: taking back comes first, is kept back by nothing, and is never given up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.clock import epoch_ms, utc_now
from app.core.errors import BitewingError, EnvironmentFault, RefusedError, TransientFault, UserError
from app.domain.publication import PublicForm, PublicState, new_name
from app.domain.roles import Actor, Role
from app.services.mirroring.guard import LEAST
from app.services.publishing.sending import PublicSender
from app.sync.outbox import MOST_TRIES
from app.transfer.stores.folder import FolderStore
from tests.integration.publish.conftest import OWNER, PLACE, QUIET, WebServer, patient, photo, publish
from tests.integration.publish.test_lifecycle import newest, public_files

QUEUE = "public.web"


def rounds(library: Library, number: int = 1, *, waited: bool = True) -> None:
    """Do what the background does; ``waited``: everything that backs off has had its time."""
    with library.sending._drainer(OWNER, QUIET, QUEUE) as found:
        assert found is not None
        for _round in range(number):
            if waited:
                library.store.database.execute("UPDATE outbox SET due_at = 0 WHERE state = 'waiting'")
            library.sending._round(OWNER, *found, QUEUE, QUIET)


def queued(library: Library) -> list[tuple[object, ...]]:
    return library.store.database.rows(
        "SELECT wish, state, code FROM outbox WHERE destination = ? AND state NOT IN ('confirmed', 'cancelled')"
        " ORDER BY number",
        (QUEUE,),
    )


@contextmanager
def failing(what: type, method: str, fault: BitewingError) -> Iterator[None]:
    """Have the folder's disk, or who sends there, refuse one thing."""

    def refuse(*_arguments: object, **_more: object) -> None:
        raise fault

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(what, method, refuse)
        yield


@pytest.mark.parametrize("code", ["store.full", "store.forbidden", "store.unauthorized"])
def test_what_cannot_be_sent_keeps_nothing_from_being_taken_back(
    code: str, publishing: Library, web: WebServer, tmp_path: Path
) -> None:
    whose = patient(publishing)
    first, second = (photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8))
    [item] = publish(publishing, [first.id])
    rounds(publishing)
    publish(publishing, [second.id])
    with failing(FolderStore, "put", EnvironmentFault(code)):
        rounds(publishing)
        publishing.publishing.withdraw(OWNER, [first.id], QUIET)
        rounds(publishing, waited=False)
        assert web.get(str(item.url))[0] == 404
        # The picture beside which that is proven cannot be put there either: then it is asked for again.
        assert queued(publishing) == [("put", "parked", code), ("remove", "waiting", "publish.unproven")]
    rounds(publishing)
    assert newest(publishing, first.id).publication.state is PublicState.PRIVATE
    assert queued(publishing) == [("put", "parked", code)]


def test_taken_back_while_it_is_blocked(publishing: Library, web: WebServer, tmp_path: Path) -> None:
    """The account is refused for a while: sending stops until somebody acts, taking back goes on by itself."""
    whose = patient(publishing)
    images = [photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8)]
    publish(publishing, [image.id for image in images])
    rounds(publishing)
    asked: list[str] = []

    def refuse(_store: FolderStore, name: str) -> bool:
        asked.append(name)
        raise EnvironmentFault("store.unauthorized")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FolderStore, "delete", refuse)
        publishing.publishing.withdraw(OWNER, [images[0].id], QUIET)
        rounds(publishing, 3, waited=False)
        # Not at every turn: whoever asks too often with a wrong password is locked out.
        assert len(asked) == 1
        publishing.publishing.withdraw(OWNER, [images[1].id], QUIET)
        rounds(publishing, 3, waited=False)
        assert len(asked) == 2
        blocked = [event for event in publishing.events.list(OWNER) if event.code == "outbox.blocked"]
        assert publishing.store.destinations.is_blocked(QUEUE)
    rounds(publishing, waited=False)
    assert [newest(publishing, image.id).publication.state for image in images] == [PublicState.WITHDRAWING] * 2
    rounds(publishing)
    assert [newest(publishing, image.id).publication.state for image in images] == [PublicState.PRIVATE] * 2
    assert blocked


@pytest.mark.parametrize(
    "fault", [TransientFault("publish.still_served"), EnvironmentFault("publish.certificate"), None]
)
def test_taking_back_is_never_given_up(
    fault: BitewingError | None, publishing: Library, web: WebServer, tmp_path: Path
) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    [item] = publish(publishing, [image.id])
    rounds(publishing)
    publishing.publishing.withdraw(OWNER, [image.id], QUIET)
    if fault is None:
        # Somebody parked it before the program knew better.
        publishing.store.database.execute("UPDATE outbox SET state = 'parked' WHERE wish = 'remove'")
    else:
        with failing(PublicSender, "remove", fault):
            rounds(publishing, MOST_TRIES + 2)
            entry = newest(publishing, image.id)
            assert (entry.publication.state, entry.code, entry.parked) == (PublicState.WITHDRAWING, fault.code, False)
            due = publishing.store.database.value("SELECT due_at FROM outbox WHERE wish = 'remove'")
            assert 0 < due - epoch_ms(utc_now()) < 7 * 3600 * 1000
        said = [event.code for event in publishing.events.list(OWNER) if event.code.startswith("outbox.")]
        assert said == ["outbox.not_recalled"]
        # Not its turn, but somebody asks for it.
        rounds(publishing, waited=False)
        assert newest(publishing, image.id).publication.state is PublicState.WITHDRAWING
        publishing.publishing.withdraw(OWNER, [image.id], QUIET)
    rounds(publishing, waited=False)
    assert newest(publishing, image.id).publication.state is PublicState.PRIVATE
    assert web.get(str(item.url))[0] == 404


def test_what_is_never_shown_is_taken_away_again(
    publishing: Library, place: Path, web: WebServer, tmp_path: Path
) -> None:
    """While the web server is away it is waited for; where it refuses, nothing is left lying in public."""
    image = photo(publishing, patient(publishing), tmp_path / "in")
    web.trouble = 503
    publish(publishing, [image.id])
    rounds(publishing, MOST_TRIES + 1)
    assert queued(publishing) == [("put", "waiting", "publish.busy")]
    web.trouble = 403
    rounds(publishing)
    web.trouble = 0
    rounds(publishing)
    entry = newest(publishing, image.id)
    assert (entry.publication.state, entry.publication.public_at) == (PublicState.PRIVATE, None)
    assert (queued(publishing), public_files(place)) == ([], [])
    said = [event for event in publishing.events.list(OWNER) if event.code == "outbox.given_up"]
    assert [event.facts["cause"] for event in said] == ["publish.not_served"]


def test_nobody_settles_by_hand_what_only_the_address_proves(
    publishing: Library, web: WebServer, tmp_path: Path
) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    [item] = publish(publishing, [image.id])
    rounds(publishing)
    publishing.publishing.withdraw(OWNER, [image.id], QUIET)
    publishing.store.database.execute("UPDATE outbox SET state = 'parked' WHERE wish = 'remove'")
    [row] = publishing.outbox.queued(OWNER, QUEUE)
    with pytest.raises(UserError, match=r"publish\.only_proof"):
        publishing.outbox.settle(OWNER, row.entry.number)
    assert not publishing.store.decisions.settle(row.entry, utc_now())
    assert newest(publishing, image.id).publication.state is PublicState.WITHDRAWING
    assert publishing.images.get(OWNER, image.id).public_url == item.url


def test_nobody_publishes_what_others_wanted(publishing: Library, web: WebServer, tmp_path: Path) -> None:
    dentist, technician = (Actor(role.value, "x", role, "test") for role in (Role.DENTIST, Role.TECHNICIAN))
    whose = patient(publishing)
    images = [photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8)]
    [public, parked] = images
    publish(publishing, [public.id])
    rounds(publishing)
    prepared = publishing.publishing.prepare(dentist, [parked.id], QUIET)
    publishing.publishing.publish(dentist, prepared, looked=True)
    with failing(FolderStore, "put", EnvironmentFault("store.full")):
        rounds(publishing)
    [row] = publishing.outbox.queued(OWNER, QUEUE)
    publishing.publishing.withdraw(technician, [public.id], QUIET)
    for send in (
        lambda: publishing.publishing.send(technician, QUIET),
        lambda: publishing.publishing.send(OWNER, QUIET, recalls_only=True),
    ):
        send()
        assert newest(publishing, parked.id).publication.state is PublicState.UNPROVEN
    assert newest(publishing, public.id).publication.state is PublicState.PRIVATE
    with pytest.raises(RefusedError):
        publishing.outbox.retry(technician, row.entry.number)
    # By who may: it stands under the name of who wanted it.
    publishing.publishing.send(OWNER, QUIET)
    became = [entry for entry in publishing.store.audit.list(limit=5) if entry.details.get("became") == "public"]
    assert [(entry.actor_id, entry.entity_id, entry.details["sent_by"]) for entry in became] == [
        ("dentist", parked.id, OWNER.id)
    ]


def test_switched_off_nothing_waits_for_the_next_time(publishing: Library, place: Path, tmp_path: Path) -> None:
    whose = patient(publishing)
    images = [photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8)]
    publish(publishing, [images[0].id])
    with failing(FolderStore, "put", EnvironmentFault("store.full")):
        rounds(publishing)
    publish(publishing, [images[1].id])
    for value in ("false", "true"):
        publishing.settings.set(OWNER, f"mirror.{PLACE}.publish", value)
        publishing.publishing.send(OWNER, QUIET)
    assert [newest(publishing, image.id).publication.state for image in images] == [PublicState.PRIVATE] * 2
    assert public_files(place) == []


def test_what_blocks_taking_back_is_mended_by_the_settings(publishing: Library, tmp_path: Path) -> None:
    """Also where publishing was switched off meanwhile."""
    image = photo(publishing, patient(publishing), tmp_path / "in")
    publish(publishing, [image.id])
    rounds(publishing)
    publishing.settings.set(OWNER, f"mirror.{PLACE}.publish", "false")
    publishing.publishing.withdraw(OWNER, [image.id], QUIET)
    with failing(PublicSender, "remove", EnvironmentFault("store.unauthorized")):
        rounds(publishing)
    assert publishing.store.destinations.is_blocked(QUEUE)
    publishing.settings.set_destination(OWNER, "mirror", PLACE, {"interval": 60}, {})
    assert not publishing.store.destinations.is_blocked(QUEUE)


def test_what_may_be_public_can_be_taken_back(publishing: Library, web: WebServer, tmp_path: Path) -> None:
    whose = patient(publishing)
    images = [photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8, 9)]
    ids = [image.id for image in images]
    publish(publishing, ids[:1])
    assert newest(publishing, ids[0]).publication.state is PublicState.WAITING
    web.trouble = 403
    rounds(publishing)
    web.trouble = 0
    copy = newest(publishing, ids[0]).publication
    # Strangers see it, and it does not count as public.
    assert (copy.state, web.get(str(copy.url))[0]) == (PublicState.UNPROVEN, 200)
    publish(publishing, ids[1:2])
    assert publishing.outbox.may_be_public(OWNER, ids) == frozenset(ids[:2])
    [item] = publishing.publishing.withdraw(OWNER, ids[:1], QUIET)
    assert (item.state, item.was_so) == (PublicState.WITHDRAWING, False)
    rounds(publishing)
    assert newest(publishing, ids[0]).publication.state is PublicState.PRIVATE
    assert publishing.outbox.may_be_public(OWNER, ids) == frozenset(ids[1:2])


def test_much_that_nobody_knows_of_is_held(publishing: Library, place: Path, web: WebServer, tmp_path: Path) -> None:
    publish(publishing, [photo(publishing, patient(publishing), tmp_path / "in").id])
    rounds(publishing)
    for _number in range(LEAST):
        (place / new_name(PublicForm.JPEG, publishing.store.library_id)).write_bytes(b"x")
    with pytest.raises(UserError, match=r"publish\.too_many_unknown"):
        publishing.publishing.compare(OWNER, QUIET, remove=True)
    assert len(public_files(place)) == LEAST + 1
    report = publishing.publishing.compare(OWNER, QUIET, remove=True, agreed=True)
    assert (report.public, sum(item.removed for item in report.items), len(public_files(place))) == (1, LEAST, 1)
