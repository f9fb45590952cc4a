"""The queue of what is public: taking back comes first, is kept back by nothing, and is never given up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.clock import epoch_ms, utc_now
from app.core.errors import BitewingError, EnvironmentFault, TransientFault
from app.domain.publication import PublicState
from app.services.publishing.sending import PublicSender
from app.sync.outbox import MOST_TRIES
from app.transfer.stores.folder import FolderStore
from tests.integration.publish.conftest import OWNER, QUIET, WebServer, patient, photo, publish
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
        assert newest(publishing, first.id).publication.state is PublicState.PRIVATE
    assert web.get(str(item.url))[0] == 404
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
