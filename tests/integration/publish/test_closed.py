"""Nothing is published where strangers are told the names, or shown the whole mirror; what is left over is swept."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

from app.bootstrap.library import Library
from app.domain.publication import FOLDER, PublicForm, PublicState, new_name
from app.services.publishing.proving import control_name
from tests.integration.publish.conftest import OWNER, PLACE, QUIET, WebServer, patient, photo, publish
from tests.integration.publish.test_lifecycle import newest, public_files

_CLOSED = "public.web.closed"


def test_an_open_listing_is_in_the_way(publishing: Library, place: Path, web: WebServer, tmp_path: Path) -> None:
    web.lists = True
    image = photo(publishing, patient(publishing), tmp_path / "in")
    publish(publishing, [image.id])
    (place / FOLDER).mkdir()
    # A page longer than is ever read, which tells our own name at its end, or not at all.
    for number in range(4000):
        (place / FOLDER / f"{number:040x}.jpg").touch()
    publishing.publishing.send(OWNER, QUIET)
    entry = newest(publishing, image.id)
    assert (entry.publication.state, entry.code, entry.parked) == (PublicState.WAITING, "publish.listed", True)
    assert len(public_files(place)) == 4000
    # The same, with all of the mirror to be seen.
    web.lists, web.folder = False, place
    publishing.settings.set(OWNER, f"mirror.{PLACE}.public_url", web.url)
    publishing.publishing.send(OWNER, QUIET)
    assert newest(publishing, image.id).code == "publish.all_public"
    assert len(public_files(place)) == 4000
    # Mended, it goes by itself when it is asked for again.
    web.folder = place / FOLDER
    publishing.publishing.send(OWNER, QUIET)
    assert newest(publishing, image.id).publication.state is PublicState.PUBLIC


def test_a_listing_that_was_opened_later(publishing: Library, web: WebServer, tmp_path: Path) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    publish(publishing, [image.id])
    publishing.publishing.send(OWNER, QUIET)
    web.lists = True

    def said() -> list[str]:
        publishing.publishing.send(OWNER, QUIET)
        events = publishing.events.list(OWNER)
        return [event.facts["destination"] for event in events if event.code == "publish.listed"]

    # Today it was looked at already.
    assert said() == []
    with publishing.store.read():
        known = publishing.store.state.get(_CLOSED)
    publishing.store.state.set(_CLOSED, {**known, "at": known["at"] - 25 * 3600 * 1000})
    assert said() == ["public.web"]
    # Once a day, while it takes no copy.
    assert said() == ["public.web"]


def test_what_a_killed_process_left(publishing: Library, place: Path, web: WebServer, tmp_path: Path) -> None:
    (place / FOLDER).mkdir()
    old = [place / control_name(".jpg"), place / f"bitewing-{secrets.token_hex(20)}.txt"]
    old += [folder / f"bitewing-{secrets.token_hex(16)}.part" for folder in (place, place / FOLDER)]
    kept = [place / control_name(".jpg"), place / new_name(PublicForm.JPEG, "")]
    for path in (*old, *kept):
        path.write_bytes(b"x")
    for path in (*old, kept[1]):
        os.utime(path, (time.time() - 25 * 3600,) * 2)
    publishing.publishing.send(OWNER, QUIET)
    assert [path.exists() for path in (*old, *kept)] == [False] * 4 + [True] * 2
