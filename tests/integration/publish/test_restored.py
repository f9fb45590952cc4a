"""After an older backup was restored: what is public meanwhile is known, and what was taken back stays so."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.errors import UserError
from app.domain.image import Filing
from app.domain.publication import PublicState
from app.services.backups import open_archive
from app.services.restoring import RestoreArgs, restore_library
from tests.integration.publish.conftest import OWNER, PLACE, QUIET, WebServer, patient, photo, publish, switch_on
from tests.integration.publish.test_lifecycle import newest, public_files


def test_an_older_catalogue(publishing: Library, place: Path, web: WebServer, tmp_path: Path) -> None:
    whose = patient(publishing)
    first, second, third = (photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8, 9))
    publish(publishing, [first.id, second.id])
    publishing.publishing.send(OWNER, QUIET)
    backup = Path(publishing.backups.create(OWNER, tmp_path / "a.zip", QUIET).record.path)
    # Since then: one taken back, one published, one imported and published, one being taken back.
    fourth = photo(publishing, whose, tmp_path / "in", 10)
    publishing.publishing.withdraw(OWNER, [first.id], QUIET)
    publish(publishing, [third.id, fourth.id])
    publishing.publishing.send(OWNER, QUIET)
    web.trouble = 503
    publishing.publishing.withdraw(OWNER, [third.id], QUIET)
    publishing.publishing.send(OWNER, QUIET)
    root = publishing.paths.root
    publishing.close()
    with closing(open_archive(backup, None)) as archive:
        restore_library(OWNER, RestoreArgs(root, archive), QUIET)
    web.trouble = 0
    with open_library(root, create=False) as library:
        states = {image.id: newest(library, image.id).publication.state for image in (first, second, third, fourth)}
        assert states == {
            first.id: PublicState.PRIVATE,
            second.id: PublicState.PUBLIC,
            third.id: PublicState.WITHDRAWING,
            fourth.id: PublicState.PUBLIC,
        }
        assert library.images.get(OWNER, first.id).public_url is None
        assert library.images.get(OWNER, second.id).public_url is not None
        library.publishing.send(OWNER, QUIET)
        assert newest(library, third.id).publication.state is PublicState.PRIVATE
        assert len(public_files(place)) == 2
        # The restored catalogue does not know this image; it can be taken back all the same.
        address = str(newest(library, fourth.id).publication.url)
        assert web.get(address)[0] == 200
        [item] = library.publishing.withdraw(OWNER, [fourth.id], QUIET)
        assert item.state is PublicState.WITHDRAWING
        library.publishing.send(OWNER, QUIET)
        assert web.get(address)[0] == 404
        # The second is public still.
        with pytest.raises(UserError, match=r"publish\.still_public"):
            library.settings.forget(OWNER, "mirror", PLACE)


def test_what_the_older_catalogue_has_deleted_or_given_away(
    publishing: Library, web: WebServer, tmp_path: Path
) -> None:
    whose = patient(publishing)
    deleted, moved, stays = (photo(publishing, whose, tmp_path / "in", seed) for seed in (7, 8, 9))
    publishing.images.delete(OWNER, [deleted.id])
    backup = Path(publishing.backups.create(OWNER, tmp_path / "a.zip", QUIET).record.path)
    publishing.images.restore(OWNER, [deleted.id])
    publishing.images.move(OWNER, [moved.id], Filing(patient_id=patient(publishing, "", "Nassar").id))
    publish(publishing, [deleted.id, moved.id, stays.id])
    publishing.publishing.send(OWNER, QUIET)
    root = publishing.paths.root
    publishing.close()
    with closing(open_archive(backup, None)) as archive:
        restore_library(OWNER, RestoreArgs(root, archive), QUIET)
    with open_library(root, create=False) as library:
        copies = [newest(library, image.id).publication for image in (deleted, moved, stays)]
        assert [copy.state for copy in copies] == [PublicState.WITHDRAWING] * 2 + [PublicState.PUBLIC]
        library.publishing.send(OWNER, QUIET)
        assert [web.get(str(copy.url))[0] for copy in copies] == [404, 404, 200]


def test_older_settings_lead_elsewhere(publishing: Library, place: Path, web: WebServer, tmp_path: Path) -> None:
    """What was brought to one place is not said to be gone because it does not lie at another."""
    image = photo(publishing, patient(publishing), tmp_path / "in")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    publishing.settings.set(OWNER, f"mirror.{PLACE}.path", str(elsewhere))
    backup = Path(publishing.backups.create(OWNER, tmp_path / "a.zip", QUIET).record.path)
    publishing.settings.set(OWNER, f"mirror.{PLACE}.path", str(place))
    [item] = publish(publishing, [image.id])
    publishing.publishing.send(OWNER, QUIET)
    root = publishing.paths.root
    publishing.close()
    with closing(open_archive(backup, None)) as archive:
        restore_library(OWNER, RestoreArgs(root, archive), QUIET)
    with open_library(root, create=False) as library:
        library.publishing.withdraw(OWNER, [image.id], QUIET)
        library.publishing.send(OWNER, QUIET)
        entry = newest(library, image.id)
        assert (entry.publication.state, entry.code) == (PublicState.WITHDRAWING, "publish.elsewhere")
        assert str(place) in entry.facts["place"]
        assert web.get(str(item.url))[0] == 200
        # The way back is open, and only the way back.
        library.settings.set(OWNER, f"mirror.{PLACE}.path", str(place))
        with pytest.raises(UserError, match=r"publish\.still_public"):
            library.settings.set(OWNER, f"mirror.{PLACE}.path", str(place).upper())
        library.publishing.send(OWNER, QUIET)
        assert newest(library, image.id).publication.state is PublicState.PRIVATE
        assert web.get(str(item.url))[0] == 404


def test_older_settings_do_not_know_the_place(publishing: Library, web: WebServer, tmp_path: Path) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    values = {key: publishing.settings.get(OWNER, f"mirror.{PLACE}.{key}") for key in ("kind", "path", "trust")}
    publishing.settings.forget(OWNER, "mirror", PLACE)
    backup = Path(publishing.backups.create(OWNER, tmp_path / "a.zip", QUIET).record.path)
    switch_on(publishing, web, values)
    [item] = publish(publishing, [image.id])
    publishing.publishing.send(OWNER, QUIET)
    root = publishing.paths.root
    publishing.close()
    with closing(open_archive(backup, None)) as archive:
        restore_library(OWNER, RestoreArgs(root, archive), QUIET)
    with open_library(root, create=False) as library:
        assert library.public_places.busy() == ["public.web"]
        library.publishing.withdraw(OWNER, [image.id], QUIET)
        with pytest.raises(UserError, match=r"settings\.no_connection"):
            library.publishing.send(OWNER, QUIET)
        switch_on(library, web, values)
        library.publishing.send(OWNER, QUIET)
        assert newest(library, image.id).publication.state is PublicState.PRIVATE
        assert web.get(str(item.url))[0] == 404
