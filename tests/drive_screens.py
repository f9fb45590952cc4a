"""The screens of Google Drive, over the stand-in: not connected, empty, with backups, offline, revoked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx

from app.core.context import JobContext
from app.services.drive.service import DriveService
from app.transfer.drive.endpoints import Endpoints
from tests.drive_stand_in import CLIENT_ID, CLIENT_SECRET, drive_stand_in

QUIET = JobContext.silent()


def drive_screens(window: object) -> Iterator[tuple[str, object]]:
    """Go through them, yielding what to grab."""
    from app.ui.later import part

    session = window.session
    library, actor = session.library, session.actor

    def point(endpoints: Endpoints) -> None:
        library.__dict__["drive"] = DriveService(
            library.door,
            library.paths,
            library.settings,
            library.jobs,
            library.events,
            library.backups,
            endpoints,
            lambda _tries: 0.0,
        )

    def shown(name: str, kind: str) -> Iterator[tuple[str, object]]:
        if kind == "settings":
            dialog = part("SettingsDialog")(session, window, page="drive")
        else:
            dialog = part("BackupsDialog")(session, window.backups, window)
            dialog.tabs.setCurrentWidget(dialog.drive)
        dialog.show()
        yield name, dialog
        dialog.close()

    with drive_stand_in() as google:
        point(google.endpoints)
        yield from shown("drive-unconnected", "tab")
        yield from shown("settings-drive-unconnected", "settings")
        library.settings.set(actor, "drive.client_id", CLIENT_ID)
        library.settings.set(actor, "drive.client_secret", CLIENT_SECRET)
        library.settings.set(actor, "backup.password", "correct horse battery staple")
        library.drive.connect(actor, lambda address: httpx.get(address, follow_redirects=True), ("", ""), QUIET)
        yield from shown("drive-empty", "tab")
        for days in (9, 2):
            google.now = lambda days=days: datetime.now(UTC) - timedelta(days=days)
            library.drive.backup(actor, QUIET, database_only=True)
        google.now = lambda: datetime.now(UTC)
        library.drive.backup(actor, QUIET)
        yield from shown("drive-list", "tab")
        yield from shown("settings-drive", "settings")
        yield from _mirror(session, window)
        point(Endpoints.at("http://127.0.0.1:1"))
        yield from shown("drive-offline", "tab")
        point(google.endpoints)
        google.revoke_all()
        yield from shown("drive-revoked", "tab")
        yield from shown("settings-drive-revoked", "settings")
        library.drive.disconnect(actor)
        library.settings.set(actor, "drive.client_id", "")
        library.settings.set(actor, "drive.client_secret", "")
        library.settings.set(actor, "backup.password", "")


def _mirror(session: object, window: object) -> Iterator[tuple[str, object]]:
    """Show a mirror there being tried out before and after an administrator agreed, in the list, and its queue."""
    from app.ui.later import part
    from app.ui.settings.destination_fields import Destination
    from app.ui.settings.destinations import DestinationsEditor

    library, actor = session.library, session.actor
    editor = DestinationsEditor("mirror", session)
    for name, agreed in (("mirror-drive-refused", False), ("mirror-drive", True)):
        known = Destination("cloud", {"kind": "drive", "allow_unsealed": agreed, "enabled": True})
        form = part("DestinationForm")(session, "mirror", known, frozenset(), editor.try_out)
        form.show()
        form.test()
        yield name, form
        form.close()
    wishes = {"kind": "drive", "path": "Clinic/images", "enabled": True}
    library.settings.set_destination(actor, "mirror", "cloud", wishes, {})
    page = part("SettingsDialog")(session, window, page="mirror")
    page.show()
    yield "settings-mirror-drive", page
    page.close()
    places = part("DestinationsDialog")(session, None, first="mirror.cloud")
    places.show()
    yield "mirror-drive-waits", places
    places.close()
    library.settings.forget(actor, "mirror", "cloud")
