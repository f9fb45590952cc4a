"""From private to public and back: queued without a network, proven by asking as a stranger, gone when that fails."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

import pytest

from app.bootstrap.library import Library
from app.core.clock import utc_now
from app.core.errors import BitewingError, RefusedError, UserError
from app.domain.image import Filing
from app.domain.publication import FOLDER, PublicForm, PublicState, new_name
from app.domain.roles import Actor, Role
from app.storage.outbox import EntryState
from app.storage.publications import PublicEntry
from app.words import publishing as public_words
from tests.integration.publish.conftest import OWNER, PLACE, QUIET, WebServer, patient, photo, publish, switch_on

ROOT = Path(__file__).resolve().parents[3]
MARKS = (b"Haddad", b"Lina", b"4711", b"Karam", b"Exif", b"GPS")


def newest(library: Library, image_id: str) -> PublicEntry:
    return library.publishing.of_image(OWNER, image_id)[0]


def public_files(place: Path) -> list[Path]:
    """Return what is published; trial pictures of a process that was killed are no copies, and are swept."""
    return sorted(path for path in (place / FOLDER).glob("*") if not path.name.startswith((".", "bitewing-")))


def test_there_and_back(library: Library, place: Path, web: WebServer, tmp_path: Path) -> None:
    switch_on(library, web, {"kind": "folder", "path": str(place)})
    image = photo(library, patient(library), tmp_path / "in")
    # Without a network: it waits, and nothing is lost.
    [item] = publish(library, [image.id])
    report = library.publishing.send(OWNER, QUIET)
    assert (item.state, item.code, report.queued) == (PublicState.WAITING, None, 1)
    assert library.images.get(OWNER, image.id).public_url is None
    # With one: the address answers, and with nothing but the picture.
    place.mkdir()
    assert library.publishing.send(OWNER, QUIET).drained.sent == 1
    copy = newest(library, image.id).publication
    assert (copy.state, copy.how, copy.url) == (PublicState.PUBLIC, "address", item.url)
    assert library.images.get(OWNER, image.id).public_url == item.url
    status, body, kind = web.get(str(copy.url))
    assert (status, kind, len(body)) == (200, "image/jpeg", copy.size_bytes)
    assert body[:3] == b"\xff\xd8\xff"
    for mark in MARKS:
        assert mark not in body, mark
    # Again: it is public already, and stays under its address.
    [again] = publish(library, [image.id])
    assert (again.was_so, again.url) == (True, item.url)
    [row] = library.publishing.public(OWNER)
    assert row.patient is not None
    assert (row.patient.name, row.entry.publication.image_type) == ("Haddad, Lina", "before")
    # Back: said to be so only when the address does not show it any more.
    [item] = library.publishing.withdraw(OWNER, [image.id], QUIET)
    assert item.state is PublicState.WITHDRAWING
    assert web.get(str(copy.url))[0] == 200
    assert library.images.get(OWNER, image.id).public_url == copy.url
    assert library.publishing.send(OWNER, QUIET).drained.removed == 1
    assert web.get(str(copy.url))[0] == 404
    gone = newest(library, image.id).publication
    assert (gone.state, gone.how) == (PublicState.PRIVATE, "address")
    assert library.images.get(OWNER, image.id).public_url is None
    assert (library.publishing.public(OWNER), public_files(place)) == ([], [])
    done = [(entry.action, entry.details.get("became")) for entry in library.store.audit.list(limit=20)]
    assert {
        ("image.publish", None),
        ("image.publish", "public"),
        ("image.withdraw", None),
        ("image.withdraw", "private"),
    } <= set(done)


def test_names_that_nobody_guesses(publishing: Library, place: Path, tmp_path: Path) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    names = set()
    for _time in range(2):
        publish(publishing, [image.id])
        publishing.publishing.send(OWNER, QUIET)
        [path] = public_files(place)
        names.add(path.name)
        publishing.publishing.withdraw(OWNER, [image.id], QUIET)
        publishing.publishing.send(OWNER, QUIET)
    assert len(names) == 2
    for name in names:
        # Forty hexadecimal digits are 160 bits; no part is an id that somebody may know, eight tell us that it is ours.
        assert re.fullmatch(r"[0-9a-f]{48}\.jpg", name)
        assert not any(part in name for part in (image.id.replace("-", "")[:8], image.sha256[:8]))
    many = [new_name(PublicForm.JPEG, publishing.store.library_id) for _number in range(2000)]
    assert len(set(many)) == 2000
    digits = "".join(name.removeprefix(f"{FOLDER}/")[:40] for name in many)
    ones = sum(int(digit, 16).bit_count() for digit in digits)
    # 320,000 bits: half of them, within five standard deviations.
    assert abs(ones - 160_000) < 5 * 283


def test_off_until_somebody_switches_it_on(library: Library, place: Path, web: WebServer, tmp_path: Path) -> None:
    image = photo(library, patient(library), tmp_path / "in")
    place.mkdir()
    with pytest.raises(UserError, match=r"publish\.off"):
        publish(library, [image.id])
    switch_on(library, web, {"kind": "folder", "path": str(place), "publish": False, "enabled": True})
    with pytest.raises(UserError, match=r"publish\.off"):
        publish(library, [image.id], PLACE)
    # Nor where nobody could see it, or see that it is gone.
    switch_on(library, web, {"public_url": ""})
    with pytest.raises(UserError, match=r"publish\.no_address"):
        publish(library, [image.id], PLACE)
    library.settings.set(OWNER, f"mirror.{PLACE}.public_url", web.url)
    library.settings.set(OWNER, f"mirror.{PLACE}.publish", "false")
    library.settings.set(OWNER, f"mirror.{PLACE}.publish", "true")
    assert "mirror.web.publish" in {entry.entity_id for entry in library.store.audit.list(limit=5)}
    for role in (Role.TECHNICIAN, Role.RECEPTIONIST, Role.VIEWER):
        with pytest.raises(RefusedError):
            library.publishing.publish(Actor("x", "x", role, "test"), [])
    # Switching it on publishes nothing; the mirror sends its files, and never into public.
    library.mirrors.sync(OWNER, QUIET)
    library.publishing.send(OWNER, QUIET)
    assert not (place / FOLDER).exists()
    # Switched off while one waits: it does not go.
    publish(library, [image.id])
    library.settings.set(OWNER, f"mirror.{PLACE}.publish", "false")
    library.publishing.send(OWNER, QUIET)
    assert newest(library, image.id).publication.state is PublicState.PRIVATE
    assert not (place / FOLDER).exists()


def test_off_takes_nothing_back_and_keeps_nothing_from_being_taken_back(
    publishing: Library, place: Path, web: WebServer, tmp_path: Path
) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    [item] = publish(publishing, [image.id])
    publishing.publishing.send(OWNER, QUIET)
    publishing.settings.set(OWNER, f"mirror.{PLACE}.publish", "false")
    assert web.get(str(item.url))[0] == 200
    assert publishing.public_places.busy() == ["public.web"]
    # Nobody may lose sight of it while it is public.
    for lose in (
        lambda: publishing.settings.set(OWNER, f"mirror.{PLACE}.path", str(place / "elsewhere")),
        lambda: publishing.settings.set(OWNER, f"mirror.{PLACE}.kind", "sftp"),
        lambda: publishing.settings.forget(OWNER, "mirror", PLACE),
    ):
        with pytest.raises(UserError, match=r"publish\.still_public"):
            lose()
    publishing.publishing.withdraw(OWNER, [image.id], QUIET)
    publishing.publishing.send(OWNER, QUIET)
    assert web.get(str(item.url))[0] == 404
    assert publishing.public_places.busy() == []
    publishing.settings.forget(OWNER, "mirror", PLACE)


def _to_another(library: Library, image_id: str) -> None:
    other = patient(library, "", "Nassar")
    library.images.move(OWNER, [image_id], Filing(patient_id=other.id))


def _deleted(library: Library, image_id: str) -> None:
    library.images.delete(OWNER, [image_id])


@pytest.mark.parametrize("change", [_to_another, _deleted])
def test_what_is_not_theirs_any_more_is_taken_back_by_itself(
    change: object, publishing: Library, place: Path, web: WebServer, tmp_path: Path
) -> None:
    assert callable(change)
    whose = patient(publishing)
    first, second, third = (photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8, 9))
    publish(publishing, [first.id, third.id])
    publishing.publishing.send(OWNER, QUIET)
    publish(publishing, [second.id])
    for image in (first, second):
        change(publishing, image.id)
    # What was public is being taken back, what waited never goes.
    assert newest(publishing, first.id).publication.state is PublicState.WITHDRAWING
    assert newest(publishing, second.id).publication.state is PublicState.PRIVATE
    publishing.publishing.send(OWNER, QUIET)
    copy = newest(publishing, first.id).publication
    assert (copy.state, web.get(str(copy.url))[0]) == (PublicState.PRIVATE, 404)
    assert newest(publishing, second.id).publication.public_at is None
    assert publishing.images.get(OWNER, first.id).public_url is None
    # The third is still theirs: it stays, whatever is corrected of it.
    publishing.images.move(OWNER, [third.id], Filing(tooth="9"))
    publishing.publishing.send(OWNER, QUIET)
    assert web.get(str(newest(publishing, third.id).publication.url))[0] == 200
    assert len(public_files(place)) == 1
    # Brought back, it does not go into public again by itself.
    if change is _deleted:
        publishing.images.restore(OWNER, [first.id])
        publishing.publishing.send(OWNER, QUIET)
        assert len(public_files(place)) == 1


def test_a_cache_that_shows_it_still(publishing: Library, web: WebServer, tmp_path: Path) -> None:
    web.caches = True
    image = photo(publishing, patient(publishing), tmp_path / "in")
    [item] = publish(publishing, [image.id])
    publishing.publishing.send(OWNER, QUIET)
    publishing.publishing.withdraw(OWNER, [image.id], QUIET)
    for _time in range(2):
        publishing.publishing.send(OWNER, QUIET)
        entry = newest(publishing, image.id)
        assert (entry.publication.state, entry.code) == (PublicState.WITHDRAWING, "publish.still_served")
        assert publishing.images.get(OWNER, image.id).public_url == item.url
    # A smaller picture of it, as some servers make, is the picture still.
    web.cache, web.cache_kind = dict.fromkeys(web.cache, b"something else"), "image/webp"
    publishing.publishing.send(OWNER, QUIET)
    assert newest(publishing, image.id).code == "publish.still_served"
    web.cache.clear()
    publishing.publishing.send(OWNER, QUIET)
    assert newest(publishing, image.id).publication.state is PublicState.PRIVATE


@pytest.mark.parametrize(("status", "code"), [(503, "publish.busy"), (403, "publish.not_served")])
def test_nothing_is_believed_that_the_address_does_not_show(
    status: int, code: str, publishing: Library, web: WebServer, tmp_path: Path
) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    web.trouble = status
    publish(publishing, [image.id])
    publishing.publishing.send(OWNER, QUIET)
    entry = newest(publishing, image.id)
    # Where the place could not be looked over nothing was sent; what was sent, strangers may see.
    state = PublicState.WAITING if status == 503 else PublicState.UNPROVEN
    assert (entry.publication.state, entry.code) == (state, code)
    web.trouble = 0
    publishing.publishing.send(OWNER, QUIET)
    assert newest(publishing, image.id).publication.state is PublicState.PUBLIC
    # A web server that does not answer proves nothing of what is gone either, nor does one that refuses everything.
    web.trouble = status
    publishing.publishing.withdraw(OWNER, [image.id], QUIET)
    publishing.publishing.send(OWNER, QUIET)
    entry = newest(publishing, image.id)
    why = "publish.unproven" if status == 403 else code
    assert (entry.publication.state, entry.code) == (PublicState.WITHDRAWING, why)


def test_taking_back_waits_for_nothing_else(publishing: Library, web: WebServer, tmp_path: Path) -> None:
    """What cannot be shown to be public holds up no other image of the patient that is to be private."""
    whose = patient(publishing)
    first, second = (photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8))
    publish(publishing, [first.id])
    publishing.publishing.send(OWNER, QUIET)
    [item] = publish(publishing, [second.id])
    web.answer = lambda asked: str(item.url).endswith(asked.path) and (asked.send_error(403) or True)
    publishing.publishing.withdraw(OWNER, [first.id], QUIET)
    publishing.publishing.send(OWNER, QUIET)
    assert newest(publishing, second.id).code == "publish.not_served"
    assert newest(publishing, first.id).publication.state is PublicState.PRIVATE


@pytest.mark.parametrize("step", ["publish", "withdraw"])
def test_killed_while_it_waits_for_the_proof(
    step: str, publishing: Library, place: Path, web: WebServer, tmp_path: Path
) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    if step == "withdraw":
        publish(publishing, [image.id])
        publishing.publishing.send(OWNER, QUIET)
    asked, web.hold = len(web.asked), Event()
    command = [sys.executable, "-m", "app", "publish", "withdraw" if step == "withdraw" else "--looked", image.id]
    command += ["--library", str(publishing.paths.root)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while len(web.asked) == asked:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
    web.hold.set()
    web.hold = None
    aim = PublicState.PUBLIC if step == "publish" else PublicState.PRIVATE
    assert newest(publishing, image.id).publication.state is not aim
    publishing.publishing.send(OWNER, QUIET)
    copy = newest(publishing, image.id).publication
    # Under the very name that was written down before: nothing is left over that nobody knows of.
    assert copy.state is aim
    assert len(public_files(place)) == (step == "publish")
    assert web.get(str(copy.url))[0] == (200 if step == "publish" else 404)


def test_on_the_command_line(publishing: Library, web: WebServer, tmp_path: Path) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")

    def bitewing(*arguments: str) -> tuple[int, dict[str, object] | list[dict[str, object]]]:
        command = [sys.executable, "-m", "app", *arguments, "--json", "--library", str(publishing.paths.root)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return ended.returncode, json.loads(ended.stdout)

    # Whoever switches it on here reads what it means, too.
    switched = ["settings", "set", f"mirror.{PLACE}.publish", "true", "--library", str(publishing.paths.root)]
    told = subprocess.run(
        [sys.executable, "-m", "app", *switched], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [line for line in told.stderr.splitlines() if line] == list(public_words.risks())
    code, said = bitewing("publish", "--to", PLACE, "--looked", image.id, "nobody")
    assert isinstance(said, dict)
    [done, failed] = said.pop("items")  # type: ignore[misc]
    assert (code, said) == (1, {"published": 1, "waiting": 0, "failed": 1})
    assert (done["status"], failed["status"], failed["code"]) == ("public", "failed", "image.none")
    assert web.get(done["url"])[0] == 200
    assert bitewing("list", "images")[1][0]["public_url"] == done["url"]  # type: ignore[index]
    [row] = bitewing("publish", "list")[1]
    assert (row["image_id"], row["url"], row["state"], row["type"]) == (image.id, done["url"], "public", "before")  # type: ignore[index]
    code, said = bitewing("publish", "withdraw", image.id)
    assert isinstance(said, dict)
    assert (code, said["withdrawn"], said["waiting"]) == (0, 1, 0)
    assert (bitewing("publish", "list")[1], bitewing("list", "images")[1][0]["public_url"]) == ([], None)  # type: ignore[index]


def test_left_out_by_a_person_is_taken_back(publishing: Library, place: Path, web: WebServer, tmp_path: Path) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    web.trouble = 403
    publish(publishing, [image.id])
    publishing.publishing.send(OWNER, QUIET)
    web.trouble = 0
    assert len(public_files(place)) == 1
    [queued] = publishing.outbox.queued(OWNER, "public.web")
    publishing.store.outbox.settle(queued.entry, EntryState.PARKED, "publish.not_served", {}, utc_now())
    publishing.outbox.settle(OWNER, queued.entry.number)
    assert newest(publishing, image.id).publication.state is PublicState.WITHDRAWING
    publishing.publishing.send(OWNER, QUIET)
    assert (newest(publishing, image.id).publication.state, public_files(place)) == (PublicState.PRIVATE, [])


def test_what_nobody_knows_of(publishing: Library, place: Path, web: WebServer, tmp_path: Path) -> None:
    whose = patient(publishing)
    images = [photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8)]
    publish(publishing, [image.id for image in images])
    publishing.publishing.send(OWNER, QUIET)
    assert publishing.publishing.compare(OWNER, QUIET).items == []
    strange, page = place / new_name(PublicForm.JPEG, publishing.store.library_id), place / FOLDER / "index.html"
    foreign = place / new_name(PublicForm.JPEG, "another library")
    for path in (strange, page, foreign):
        path.write_bytes(b"x")
    lost = place / newest(publishing, images[1].id).publication.remote_id
    lost.unlink()
    report = publishing.publishing.compare(OWNER, QUIET)
    assert (report.public, report.count("missing"), report.count("unknown")) == (1, 1, 1)
    assert {item.name for item in report.items} == {f"{FOLDER}/{path.name}" for path in (strange, lost, foreign)}
    assert strange.exists()
    # A second mirror to the same place knows nothing more or less.
    values = {"kind": "folder", "path": str(place), "trust": str(web.pem)}
    publishing.settings.set_destination(OWNER, "mirror", "second", values, {})
    publishing.settings.set_destination(OWNER, "mirror", "nowhere", {"kind": "folder", "path": str(place / "no")}, {})
    web.caches, web.cache_kind = True, "image/jpeg"
    url = f"{web.url}/{strange.name}"
    assert web.get(url)[0] == 200
    # Taken away, and by the cache still to be seen: it stands among what is not private, and is not said to be removed.
    report = publishing.publishing.compare(OWNER, QUIET, remove=True)
    [item] = [item for item in report.items if item.status == "unknown"]
    assert (item.removed, item.code, strange.exists()) == (False, "publish.still_served", False)
    assert f"{FOLDER}/{strange.name}" in {
        row.entry.publication.remote_id for row in publishing.publishing.public(OWNER)
    }
    assert {item.destination for item in report.items if item.status == "not_looked"} == {"public.nowhere"}
    web.cache.clear()
    web.caches = False
    publishing.publishing.send(OWNER, QUIET, recalls_only=True)
    assert len(publishing.publishing.public(OWNER)) == 2
    # What was said to be gone and lies there again is taken back again.
    strange.write_bytes(b"x")
    report = publishing.publishing.compare(OWNER, QUIET, remove=True)
    assert (report.count("missing"), report.count("unknown"), report.count("foreign")) == (1, 0, 2)
    assert [path.exists() for path in (strange, page, foreign)] == [False, True, True]
    # What is not there any more is settled by taking it back.
    publishing.publishing.withdraw(OWNER, [images[1].id], QUIET)
    publishing.publishing.send(OWNER, QUIET)
    assert {item.status for item in publishing.publishing.compare(OWNER, QUIET).items} == {"foreign", "not_looked"}
    place.rename(place.with_name("away"))
    with pytest.raises(BitewingError):
        publishing.publishing.compare(OWNER, QUIET)


def test_an_old_hand_cannot_turn_the_address_back(publishing: Library, tmp_path: Path) -> None:
    """Whoever writes a record that was read before says nothing of what is public."""
    image = photo(publishing, patient(publishing), tmp_path / "in")
    publish(publishing, [image.id])
    publishing.publishing.send(OWNER, QUIET)
    url = publishing.images.get(OWNER, image.id).public_url
    assert url is not None
    publishing.images.move(OWNER, [image.id], Filing(tooth="9"))
    with sqlite3.connect(publishing.paths.database) as connection:
        assert connection.execute("SELECT public_url, tooth FROM images").fetchall() == [(url, "9")]
    connection.close()
