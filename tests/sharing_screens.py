"""The screens of sharing, over moto and the front that checks signatures: nowhere, to be looked at, shared, links."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import httpx

from app.core.clock import utc_now
from app.core.context import JobContext
from app.domain.profiles import BUILT_IN
from app.services.outgoing.model import Form, OutgoingArgs
from app.services.sharing.model import ShareWish

QUIET = JobContext.silent()


def sharing_screens(window: object) -> Iterator[tuple[str, object]]:
    """Go through them, yielding what to grab."""
    from app.ui.later import part
    from tests.integration.sharing.conftest import set_up
    from tests.signed_front import signed_front
    from tests.store_servers import moto

    session = window.session
    library, actor = session.library, session.actor
    patient = library.patients.resolve(actor, "BW-1001")
    summary = library.patients.summary(actor, patient.id)
    images = library.images.list(actor, patient_id=patient.id)
    photos = [image.id for image in images if image.mime_type == "image/jpeg"][:3]
    face = [image.id for image in images if image.view.value == "extraoral_photo"][:1]
    xrays = [image.id for image in images if image.modality in {"IO", "PX"}][:1]
    nowhere = part("ShareDialog")(session, summary, photos, window)
    nowhere.show()
    yield "share-nowhere", nowhere
    nowhere.close()
    folder = tempfile.TemporaryDirectory(prefix="share-screens-")
    with folder, moto(Path(folder.name) / "s3", checks_rights=False) as server, signed_front(server) as front:
        set_up(library, front, f"screens-{time.time_ns()}")
        empty = part("LinksDialog")(session, window)
        empty.show()
        yield "links-none", empty
        empty.close()
        for name, ids in (("photos", [*face, *photos]), ("xray", xrays)):
            dialog = part("ShareDialog")(session, summary, ids, window)
            if name == "xray":
                dialog.options.original.setChecked(True)
            dialog.show()
            yield f"share-{name}", dialog
            if name == "photos":
                dialog.options.receiver.setCurrentIndex(2)
                dialog.options.receiver.activated.emit(2)
                yield "share-insurer", dialog
                dialog.options.receiver.setCurrentIndex(0)
                dialog.options.receiver.activated.emit(0)
                yield "share-anybody", dialog
            if name == "xray":
                dialog.preview.closer.setChecked(True)
                yield "share-closer", dialog
                dialog.preview.closer.setChecked(False)
                dialog.options.lock.setChecked(True)
                front.is_away = True
                _sent(dialog, session)
                yield "share-offline", dialog
                front.is_away = False
            _sent(dialog, session)
            yield f"share-{name}-ready", dialog
            dialog.close()
        page = part("SettingsDialog")(session, window, page="share")
        page.show()
        yield "settings-share", page
        form = part("ReceiverForm")(BUILT_IN[1], frozenset())
        form.show()
        yield "share-receiver", form
        form.close()
        page.close()
        with library.sharing.prepare(actor, xrays, OutgoingArgs(Form.ORIGINAL, identified=True), QUIET) as prepared:
            wish = ShareWish(7 * 86_400, "Dr Weiss, 14 March", prepared.to_look_at)
            long = library.sharing.send(actor, prepared, wish, QUIET)
        with library.sharing.prepare(actor, photos, OutgoingArgs(), QUIET) as prepared:
            sent = library.sharing.send(actor, prepared, ShareWish(seen=prepared.to_look_at), QUIET)
            library.sharing.revoke(actor, sent.share.id, QUIET)
        invited = library.sharing.invite(actor, ShareWish(86_400, "CBCT of tooth 36"), QUIET)
        said = {**(invited.fields or {}), "key": str((invited.fields or {})["key"]).replace("${filename}", "a")}
        httpx.post(invited.url, data=said, files={"file": ("a", library.locator.path_of(images[0]).read_bytes())})
        library.share_keeping.round(actor, QUIET)
        front.is_away = True
        library.sharing.revoke(actor, long.share.id, QUIET)
        front.is_away = False
        links = part("LinksDialog")(session, window)
        links.show()
        yield "links", links
        links.invite()
        yield "links-invite", links
        links.close()
        for one in library.sharing.list(actor):
            library.sharing.revoke(actor, one.share.id, QUIET)
        # Links to send by are watched until they would have expired; a mirror cannot be forgotten before.
        later = utc_now() + timedelta(days=8)
        with patch("app.services.sharing.keeping.utc_now", lambda: later):
            library.share_keeping.round(actor, QUIET)
    library.settings.set(actor, "share.destination", "")
    library.settings.forget(actor, "mirror", "cloud")


def _sent(dialog: object, session: object) -> None:
    """Look at everything and send it."""
    for check in dialog.options.checks:
        check.setChecked(True)
    dialog.send()
